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
# # The feedback race
#
# One learner, trained in rounds with several kinds of feedback. Which kind gives more, what does it cost, and what did
# it believe while it gave it? Everything here is read from one run.

# %% tags=["parameters"]
# ruff: noqa: D100, E402
RUN = "runs/quickstart"

# %%
import altair as alt
import pandas as pd

import harness as h
from harness.reporting.evidence import Evidence
from harness.reporting.findings import answer

alt.renderers.enable("svg")
run = h.load(RUN)
evidence = Evidence.of(run)
if not evidence.rounds:
    raise ValueError(f"{RUN}: no model was trained in this run, so there is no race; try the notebook stand_in")
print(answer(evidence))

# %% [markdown]
# ## The race, and what stands behind it
#
# The figures of the page, each with its caption.

# %%
from harness.reporting import feedback_figures, round_figures
from harness.reporting.figures import Drawing
from harness.reporting.tables import scores as rows_of

rows = rows_of(evidence)
benchmark = rows[0]["benchmark"]
own = [row for row in rows if row["benchmark"] == benchmark]
drawings = [round_figures.race(evidence, rows)]
drawings += [make(evidence, benchmark, own) for make in (round_figures.steps, round_figures.flow)]
drawings += [feedback_figures.kept(evidence), feedback_figures.proxy(evidence)]
for drawing in drawings:
    if isinstance(drawing, Drawing):
        print(drawing.figure.caption)
        display(alt.Chart.from_dict(drawing.draw(720)))  # noqa: F821
    elif drawing is not None:
        print(f"{drawing.title}: {drawing.why}.")

# %% [markdown]
# ## One kind of feedback against another
#
# The same items, the same rounds: a paired contrast. The control shows what training alone does.

# %%
pd.DataFrame(evidence.comparisons)[["a", "b", "quantity", "value", "low", "high", "level", "verdict", "n_items"]]

# %% [markdown]
# ## What a round of it takes

# %%
columns = ["series", "round", "feedback", "n_ratings", "n_failed", "n_kept", "share_right_kept", "cost_usd", "seconds"]
run.rounds[[name for name in columns if name in run.rounds]]

# %% [markdown]
# ## What would decide an open race
#
# Items needed at 80 % power: to see a gain of the smallest effect of interest, and to certify a standstill inside it.

# %%
pd.DataFrame(
    [
        {"series": row["series"], "verdict": row["verdict"], "n_items": row["n_items"], **row["needed_items"]}
        for row in evidence.rounds
    ]
)
