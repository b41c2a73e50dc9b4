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
# # Has it plateaued?
#
# A model was trained in rounds, once with each kind of feedback. Does each round still help? "Not significant" is not
# "plateaued": a series has plateaued only where its whole interval lies inside plus or minus the smallest effect of
# interest.

# %% tags=["parameters"]
# ruff: noqa: B018, D100, E402
RUN = "runs/quickstart"

# %%
import altair as alt

import harness as h
from harness.rounds.scores.run_scores import from_run

alt.renderers.enable("svg")
run = h.load(RUN)
run

# %% [markdown]
# ## The scores behind the verdicts
#
# The same held-out items after every round: one row an item, round and series.

# %%
scores = from_run(run)
scores.groupby(["benchmark", "series", "round"])["score"].agg(["mean", "count"]).round(4)

# %% [markdown]
# ## The verdicts

# %%
control = next((name for name, rater in run.suite.rounds.feedback.items() if rater is None), None)
found = h.compare_rounds(scores, sesoi=run.suite.rounds.sesoi, control=control)
found

# %%
found.df[["series", "verdict", "rate", "low", "high", "level", "n_items", "n_seeds", "reason"]]

# %% [markdown]
# ## Another smallest effect of interest
#
# What counts as a gain is a choice. Here is the verdict for half and for twice the suite's.

# %%
for factor in (0.5, 1, 2):
    sesoi = factor * run.suite.rounds.sesoi
    words = {r.series: r.verdict for r in h.compare_rounds(scores, sesoi=sesoi, control=control).results}
    print(f"{sesoi:g} points a round: {words}")

# %% [markdown]
# ## The figures of the page

# %%
import pandas as pd

from harness.reporting.charts import lines
from harness.reporting.evidence import Evidence
from harness.reporting.tables import scores as rows_of

evidence = Evidence.of(run)
data = pd.DataFrame(rows_of(evidence))
data["points"] = 100 * data["score"]
alt.Chart.from_dict(
    lines(
        data[["series", "round", "points"]],
        evidence.series,
        x="round",
        y="points",
        x_title="round",
        y_title="score, points",
        width=720,
        y_format=".0f",
    )
)
