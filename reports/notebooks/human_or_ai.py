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
# # Human or AI labels
#
# On texts that people and others have rated: how many labels of another source teach a small rater as much as one of a
# person's? Where do more labels stop helping, and what is cheapest? Everything here is read from one run.

# %% tags=["parameters"]
# ruff: noqa: D100, E402
RUN = "runs/human_or_ai"

# %%
import altair as alt
import pandas as pd

import harness as h
from harness.reporting.evidence import Evidence
from harness.reporting.label_figures import curves

alt.renderers.enable("svg")
evidence = Evidence.of(h.load(RUN))
if not evidence.exchange:
    raise ValueError(f"{RUN}: keeps no exchange rates; run a suite with `exchange:`, such as human_or_ai")
for one in evidence.exchange:
    print(one["sentence"] + ".")

# %% [markdown]
# ## What labels of each kind teach
#
# The agreement of a small rater with people who gave it no label, on documents that it has not seen.

# %%
for drawing in curves(evidence):
    print(drawing.figure.caption)
    display(alt.Chart.from_dict(drawing.draw(720)))  # noqa: F821

# %% [markdown]
# ## The exchange rate
#
# Labels of the source that teach as much as one of a person's. A rate beyond what the source's curve shows is empty:
# `most` and `least` say what was seen. `verdict` says whether its interval is on one side of one.

# %%
pd.DataFrame([{"criterion": one["criterion"], **row} for one in evidence.exchange for row in one["worth"]])

# %% [markdown]
# ## Where each curve flattens

# %%
pd.DataFrame([{"criterion": one["criterion"], **row} for one in evidence.exchange for row in one["flattening"]])

# %% [markdown]
# ## Labels of a person, of another source, of both, and what they cost
#
# The mean over splits with its 95 % interval; `cost` where the suite says what a label costs.

# %%
points = pd.DataFrame([row for one in evidence.exchange for row in one["points"]])
points.sort_values(["criterion", "score"], ascending=[True, False])
