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
# # Who agrees with whom?
#
# One run, and the questions that you ask of every run.

# %% tags=["parameters"]
# ruff: noqa: B018, D100, E402
RUN = "runs/demo"

# %%
import harness as h

run = h.load(RUN)
run

# %% [markdown]
# ## Who has rated

# %%
ratings = run.ratings
ratings.groupby(["rater_kind", "rater", "criterion", "status"], observed=True).size().unstack(fill_value=0)

# %% [markdown]
# ## How far they agree

# %%
h.agree(ratings)
