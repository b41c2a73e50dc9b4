"""How right a feedback was, and what came of it: each kind's measured precision beside its gain.

The precision of a kind of feedback is the share of right answers among those that it kept, by the learner's own key. It
is measured for the record alone: nothing is selected by it. Over all rounds it rises with the model that it trains, so
that it is in part what it explains; that of round 1 is known before any gain. Kinds of feedback are few, so that what
it explains of their gains is told with each kind left out in turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from harness.reporting.evidence import Evidence
from harness.reporting.finding import share

FEWEST = 4
"""Kinds of feedback below which a line through them says nothing: through two that are left any line fits."""


@dataclass(frozen=True)
class Explained:
    """How much of the variation of gains between kinds of feedback their measured precision explains.

    Attributes:
        kinds: The kinds, of which both are known.
        share: The squared correlation of the kinds' precision and gain, means over training seeds.
        low: The least with one kind left out.
        high: The most with one kind left out.
        between: Of the variance of all training runs' gains the share that lies between kinds; None with one seed.
    """

    kinds: Sequence[str]
    share: float
    low: float
    high: float
    between: float | None

    @property
    def sentence(self) -> str:
        """What it says, with its doubts."""
        runs = "" if self.between is None else f"; {share(self.between)} of the variance of all runs lies between kinds"
        return (
            f"The measured precision of the feedback explains {share(self.share)} of the variation of gains between "
            f"{len(self.kinds)} kinds ({share(self.low)} to {share(self.high)} with one kind left out){runs}. Of so "
            "few kinds in one run this describes, and is no law"
        )


def precision(evidence: Evidence) -> pd.DataFrame:
    """Return one row a series and training seed: what was kept, how much of it was right, labels, cost and gain.

    `precision_first` is the share right of what round 1 kept, `precision` of all that was kept.

    `gain` is the last round's mean score less that of round 0, in points; `beyond` is the gain less that of the control
    with the same seed; `per_1000` is `beyond` for a thousand labels, where there are labels and a control.
    """
    rounds, scores = evidence.run.rounds, _own(evidence)
    if rounds.empty or scores.empty:
        return pd.DataFrame()
    means = scores.groupby(["series", "seed", "round"])["score"].mean()
    rows = []
    for (series, seed), group in rounds.groupby(["series", "seed"], sort=False):
        trained = group[group["round"] > 0].sort_values("round")
        known = trained[trained["share_right_kept"].notna() & (trained["n_kept"] > 0)]
        curve = 100 * means.get((series, seed), pd.Series(dtype=float))
        if trained.empty or len(curve) < 2:
            continue
        right, first_right = _right(known), _right(known[known["round"] == 1])
        cost = trained["cost_usd"].astype(float).sum(min_count=1)
        first, last = float(curve.iloc[0]), float(curve.iloc[-1])
        row = {
            "series": series, "seed": seed, "rounds": len(trained), "kept": int(trained["n_kept"].sum()),
            "precision_first": first_right, "precision": right, "labels": int(trained["n_ratings"].sum()),
            "usd": float(cost),
            "seconds": float(trained["seconds"].sum()), "first": first, "last": last,
            "gain": last - first,
        }  # fmt: skip
        rows.append(row)
    if not rows:
        return pd.DataFrame()
    found = pd.DataFrame(rows)
    control = found[found["series"] == evidence.control].set_index("seed")["gain"]
    found["beyond"] = found["gain"] - found["seed"].map(control)
    found["per_1000"] = (1000 * found["beyond"] / found["labels"]).where(found["labels"] > 0)
    return found


def _right(rows: pd.DataFrame) -> float:
    return float(np.average(rows["share_right_kept"], weights=rows["n_kept"])) if len(rows) else float("nan")


def explained(rows: pd.DataFrame, by: Literal["precision", "precision_first"] = "precision") -> Explained | None:
    """Return what precision explains of the gains; None with fewer than `FEWEST` kinds, or where either is the same.

    Args:
        rows: What `precision` returns.
        by: The precision over all rounds, or that of round 1 alone.
    """
    known = rows.assign(precision=rows[by])[rows[by].notna()] if len(rows) else rows
    if not len(known) or known["series"].nunique() < FEWEST:
        return None
    kinds = known.groupby("series", sort=False)[["precision", "gain"]].mean()
    if kinds["precision"].std() == 0 or kinds["gain"].std() == 0:
        return None
    without = [_squared(kinds.drop(name)) for name in kinds.index]
    seeds = known.groupby("series")["seed"].nunique()
    between = None
    if seeds.min() > 1:
        spread = ((known["gain"] - known["gain"].mean()) ** 2).sum()
        own = known.groupby("series")["gain"].transform("mean")
        between = float(((own - known["gain"].mean()) ** 2).sum() / spread)
    return Explained(list(kinds.index), _squared(kinds), min(without), max(without), between)


def _squared(kinds: pd.DataFrame) -> float:
    """Return the squared correlation; 0 where one of the two does not vary, for then nothing is explained."""
    if kinds["precision"].std() == 0 or kinds["gain"].std() == 0:
        return 0.0
    return float(np.corrcoef(kinds["precision"], kinds["gain"])[0, 1] ** 2)


def _own(evidence: Evidence) -> pd.DataFrame:
    """Return the scores on what the feedback is about: one answer an item, not other tasks nor drawn answers."""
    scores = evidence.scores
    if scores.empty or evidence.run.suite.rounds is None:
        return scores.iloc[:0]
    own = {row["benchmark"] for row in evidence.rounds if not row["is_beside"]}
    return scores[scores["benchmark"].isin(own) & ~scores["selection"].astype(bool)]
