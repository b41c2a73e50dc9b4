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
# # Your own checkpoints, from lm-eval
#
# You have evaluated the checkpoints of a training run with lm-eval, with `--log_samples`. Name the folder that holds
# one output folder a checkpoint, in the order of their names (or a run of the harness that answered with checkpoints),
# and read whether the training still helps. Nothing is evaluated again.

# %% tags=["parameters"]
# ruff: noqa: B018, D100, E402
RUN = "lm_eval_outputs"

# %%
from pathlib import Path

import altair as alt
import pandas as pd

import harness as h
from harness.rounds.scores.sources import read_scores

alt.renderers.enable("svg")
folder = Path(RUN)
folder

# %% [markdown]
# ## The scores
#
# One row an item and checkpoint: the same items in every round, so that each checkpoint is compared with the one
# before it item by item. That makes intervals far narrower than those of two separate standard errors.

# %%
scores, _ = read_scores([folder])
if scores.empty:
    raise ValueError(f"{RUN}: there are no scores of checkpoints here; give their models `series:` and `round:`")
scores.groupby(["benchmark", "series", "round"], sort=False)["score"].agg(["mean", "count"]).round(4)

# %% [markdown]
# ## The verdicts
#
# `sesoi` is the smallest gain a round, in points, that you would care about: a choice, so try others.

# %%
found = h.compare_rounds(scores, sesoi=1.0, control=None)
found

# %%
found.df[["benchmark", "series", "verdict", "rate", "low", "high", "level", "n_items", "reason"]]

# %% [markdown]
# ## What each checkpoint added

# %%
from harness.reporting.charts import lines

steps = pd.DataFrame(
    [
        {"series": f"{row['benchmark']} · {row['series']}", **step}
        for row in found.to_json()["results"]
        for step in row["deltas"]
    ]
)
if len(steps):
    steps[["delta", "low", "high"]] = 100 * steps[["delta", "low", "high"]].astype(float)
    display(  # noqa: F821
        alt.Chart.from_dict(
            lines(
                steps,
                list(dict.fromkeys(steps["series"])),
                x="round",
                y="delta",
                x_title="round",
                y_title="gain over the checkpoint before, points",
                width=720,
                zero=True,
            )
        )
    )

# %% [markdown]
# ## Which items were won, and which were lost
#
# A mean that stands still can hide both.

# %%
wide = scores.groupby(["benchmark", "series", "item", "round"])["score"].mean().unstack("round")
first, last = (found.results[0].rounds[place] for place in (0, -1))
both = wide[[first, last]].dropna()
pd.DataFrame(
    {
        "won": (both[first] < both[last]).groupby(level=["benchmark", "series"]).sum(),
        "lost": (both[first] > both[last]).groupby(level=["benchmark", "series"]).sum(),
        "items": both.groupby(level=["benchmark", "series"]).size(),
    }
)
