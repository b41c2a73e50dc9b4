# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What each kind of feedback knew, and what came of it
#
# One learner, trained in rounds with several kinds of feedback. How right was what each kind kept? How much of the
# difference between the kinds does that explain? What did a label of each kind buy? Everything is read from one run.

# %% tags=["parameters"]
# ruff: noqa: D100, E402
RUN = "runs/feedback_race"

# %%
import altair as alt
import pandas as pd

import harness as h
from harness.reporting.evidence import Evidence
from harness.reporting.findings import answer
from harness.reporting.precision import explained, precision
from harness.rounds import flag_sentence

alt.renderers.enable("svg")
run = h.load(RUN)
evidence = Evidence.of(run)
rows = precision(evidence)
if rows.empty:
    raise ValueError(f"{RUN}: no model was trained in this run, so there is no story; try the notebook stand_in")
print(answer(evidence))

# %% [markdown]
# ## Every series, as it came
#
# The mean score after each round, in points; each row is one training run.

# %%
scores = evidence.scores
curves = 100 * scores.pivot_table(index=["benchmark", "series", "seed"], columns="round", values="score")
curves.round(1)

# %% [markdown]
# ## How right the feedback was
#
# `precision`: the share of right answers among those that were kept, by the learner's own key, over all rounds. It is
# measured for the record; nothing is selected by it. `gain`: from round 0 to the last, in points; `beyond`: less the
# control's with the same seed.

# %%
rows.round(3)

# %%
kinds = rows.groupby("series", sort=False)[["precision", "gain", "beyond", "per_1000"]].mean().reset_index()
kinds["rank"] = kinds["gain"].rank(method="first")
points = alt.Chart(kinds[kinds["precision"].notna()]).encode(
    x=alt.X("precision:Q", title="share right of what was kept"), y=alt.Y("gain:Q", title="gain, points")
)
chart = points.mark_point(filled=True, size=80)
for rest, place in ((0, -12), (1, 16)):  # kinds that stand close are named on either side
    named = points.mark_text(dy=place).encode(text="series:N")
    chart += named.transform_filter(f"datum.rank % 2 == {rest}")
display(chart.properties(width=560))  # noqa: F821
for by, said in (("precision_first", "By round 1 alone, before any gain"), ("precision", "Over all rounds")):
    found = explained(rows, by)
    print(f"{said}: {found.sentence}." if found else f"{said}: too few kinds of feedback have a known precision.")
print("Over all rounds precision rises with the model that it trains, so that it is in part what it explains.")

# %% [markdown]
# ## What a label of each kind bought
#
# Points beyond the control for a thousand labels, as a mean over seeds; below, what is shown of it with intervals. A
# teacher's own answers and the control take no labels.

# %%
kinds[["series", "beyond", "per_1000"]].round(2)

# %%
compared = pd.DataFrame(evidence.comparisons)
wanted = ["a", "b", "quantity", "value", "low", "high", "verdict", "n_items", "n_seeds", "reason"]
compared[compared["control"]][wanted] if len(compared) else "There is no control to compare with."

# %% [markdown]
# ## What the product says by itself
#
# Verdicts and flags: over-confidence, collapse, a proxy learnt to the letter, forgetting.

# %%
for row in evidence.rounds:
    print(row["sentence"])
    for flag in row.get("flags") or []:
        if flag["outcome"] == "yes":
            print(f"    {flag_sentence(flag)}")
