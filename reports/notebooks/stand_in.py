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
# # Can this judge stand in for a human?
#
# One run, every rater in it, and the question whether an AI judge could have given the ratings that people gave. Each
# number comes with its n and its interval; where people have not rated, the answer is that nobody can know.

# %% tags=["parameters"]
# ruff: noqa: B018, D100, E402, F821
RUN = "runs/quickstart"

# %%
import harness as h
from harness.reporting import findings_of

run = h.load(RUN)
run

# %% [markdown]
# ## Who has rated
#
# A failure of the rater is a row with its status, never a score.

# %%
ratings = run.ratings
ratings.groupby(["rater_kind", "rater", "criterion", "status"], observed=True).size().unstack(fill_value=0)

# %% [markdown]
# ## What the run itself says
#
# A judge that may be guessing, or that reads the place of an answer and not the answer, cannot be trusted.

# %%
for finding in findings_of(run):
    if "trusted" in finding.about or finding.about == "people":
        print(finding.sentence, *finding.doubts, sep="\n  ", end="\n\n")

# %% [markdown]
# ## Every pair of raters on the same answers

# %%
import pandas as pd

from harness.agreement.audits.position import position_consistency
from harness.agreement.matrix import pair_matrix

pd.DataFrame(pair_matrix(ratings))

# %% [markdown]
# ## The same pair of answers, shown both ways
#
# `consistency` is the share of pairs whose verdict stayed when the answers changed places; `first_share` the share of
# verdicts for the answer shown first: one half for a judge that does not care.

# %%
pd.DataFrame(position_consistency(ratings))

# %% [markdown]
# ## The test
#
# The alternative annotator test needs at least two people who rated the same things as the judge, on its criterion.

# %%
people = ratings[ratings["rater_kind"] == "human"]
shared = sorted(set(people["criterion"]) & set(ratings.loc[ratings["rater_kind"] == "judge", "criterion"]))
if people["rater"].nunique() < 2 or not shared:
    print(
        f"It cannot be known here: {people['rater'].nunique()} people have rated, and people and judges share "
        f"{len(shared)} criteria. Let people rate: harness export csv {RUN} --out sheet.csv"
    )
else:
    tested = ratings[ratings["criterion"].isin(shared) & ratings["rater_kind"].isin(["human", "judge"])]
    display(h.agree(tested.assign(item_id=tested["response_id"]), stand_in=True))
