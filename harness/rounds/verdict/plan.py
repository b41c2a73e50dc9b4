"""How many items a verdict on rounds will need, before the money is spent: from an assumed or a piloted spread.

An item's slope over the window of the verdict has the variance c' S c, S the covariance of an item's scores in the
rounds and c the contrast of `window_contrast`. What is assumed of S is one spread and one correlation between rounds;
a pilot gives both. The two pseudo-items that guard a verdict are counted in: with few items they matter.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from harness.errors import HarnessError
from harness.rounds.scores.grid import score_grids, whole
from harness.rounds.verdict.verdict import ENOUGH_UNITS, POWER, look_significance, window_contrast

USUAL_CORRELATION = 0.7
"""A usual correlation of an item's scores in two rounds."""


@dataclass(frozen=True)
class RoundsPlan:
    """What a series of so many rounds takes, at 80 % power; effects are fractions of the score range a round.

    Attributes:
        rounds: Rounds, the base counted.
        window: Rounds that the verdict's slope is over, first and last.
        sd: Standard deviation of an item's score within a round.
        correlation: Correlation of an item's scores in two rounds.
        sesoi: The smallest effect of interest.
        significance: Of each one-sided test of the last look.
        detect: Items to detect a gain of the SESOI a round.
        certify: Items to certify a true standstill as a plateau.
        items: Items that are there, where they are given.
        mde: The smallest rate that `items` detect.
        smallest_certifiable_sesoi: The smallest SESOI inside which `items` certify a true standstill.
    """

    rounds: int
    window: list[int]
    sd: float
    correlation: float
    sesoi: float
    significance: float
    detect: int
    certify: int
    items: int | None
    mde: float | None
    smallest_certifiable_sesoi: float | None

    @property
    def sentence(self) -> str:
        """The plan as a person reads it."""
        gain = f"{100 * self.sesoi:g} point{'' if self.sesoi == 0.01 else 's'} a round"
        text = (
            f"{self.rounds} rounds, the verdict over rounds {self.window[0]}-{self.window[1]}: {self.detect:,} items "
            f"detect a gain of {gain}, {self.certify:,} certify a plateau within it ({POWER:.0%} power; items' "
            f"standard deviation {self.sd:.2g}, correlation between rounds {self.correlation:.2g})"
        )
        if self.items is None or self.mde is None or self.smallest_certifiable_sesoi is None:
            return text
        return (
            f"{text}; {self.items:,} items detect {100 * self.mde:.2g} points a round and certify a plateau within "
            f"{100 * self.smallest_certifiable_sesoi:.2g}"
        )


def plan_rounds(
    rounds: int = 6,
    items: int | None = None,
    *,
    sesoi: float = 1.0,
    sd: float = 0.5,
    correlation: float = USUAL_CORRELATION,
    pilot: pd.DataFrame | None = None,
    score_range: tuple[float, float] = (0.0, 1.0),
    significance: float = 0.05,
    look: Literal["final", "every"] = "final",
) -> RoundsPlan:
    """Return the items that a verdict on rounds needs, and what a given number of items can tell.

    Args:
        rounds: Rounds, the base (round 0) counted: five rounds of training are 6.
        items: Items that there are, if that is known.
        sesoi: The smallest effect of interest, in points (hundredths of the score range) a round.
        sd: Standard deviation of an item's score within a round, a fraction of the score range: sqrt(p (1 - p)) for
            right or wrong, at most .5.
        correlation: Correlation of an item's scores in two rounds.
        pilot: Scores of two rounds or more, as `compare_rounds` takes them; `sd` and `correlation` are then measured.
        score_range: The lowest and highest score of the pilot.
        significance: Of each one-sided test.
        look: `every` where the series will be looked at after every round; the last look has then less to spend.

    Raises:
        HarnessError: A number makes no sense, or the pilot has under 20 items in two rounds.
    """
    if pilot is not None:
        sd, correlation = spread_of(pilot, score_range)
    for name, value, fine in (
        ("rounds", rounds, rounds >= 2),
        ("items", items, items is None or items >= ENOUGH_UNITS),
        ("sesoi", sesoi, sesoi > 0),
        ("sd", sd, 0 < sd <= 0.5),
        ("correlation", correlation, -1 < correlation < 1),
        ("significance", significance, 0 < significance < 0.5),
        ("look", look, look in ("final", "every")),
    ):
        if not fine:
            raise HarnessError(
                f"{name} {value}: a plan needs 2 rounds, {ENOUGH_UNITS} items, a sesoi above 0, a standard deviation "
                "in (0, .5], a correlation in (-1, 1), a significance in (0, .5), and the look 'final' or 'every'"
            )
    spent = look_significance(rounds - 1, significance) if look == "every" else significance
    window, contrast = window_contrast(list(range(rounds)))
    variance = sd**2 * (1 - correlation) * float(contrast @ contrast)
    extreme = float(np.abs(contrast).sum()) / 2

    def effect(power: float, count: int) -> float:
        """The effect that is past its test with this power: the guarded error decides, the true one scatters."""
        guarded = sqrt((count * variance + 2 * extreme**2) / ((count + 1) * (count + 2)))
        return float(stdtrit(count + 1, 1 - spent)) * guarded + float(ndtri(power)) * sqrt(variance / count)

    def mde(count: int) -> float:
        return effect(POWER, count)

    def certifiable(count: int) -> float:
        return effect(1 - (1 - POWER) / 2, count)  # two tests, each to be passed

    counts = range(ENOUGH_UNITS, 10**12)
    return RoundsPlan(
        rounds=rounds,
        window=[window[0], window[-1]],
        sd=sd,
        correlation=correlation,
        sesoi=sesoi / 100,
        significance=spent,
        detect=counts[bisect_left(counts, True, key=lambda count: mde(count) <= sesoi / 100)],
        certify=counts[bisect_left(counts, True, key=lambda count: certifiable(count) <= sesoi / 100)],
        items=items,
        mde=mde(items) if items else None,
        smallest_certifiable_sesoi=certifiable(items) if items else None,
    )


def spread_of(pilot: pd.DataFrame, score_range: tuple[float, float] = (0.0, 1.0)) -> tuple[float, float]:
    """Return the standard deviation of an item's score within a round (at most .5), and its correlation between rounds.

    Both are pooled over the pilot's series and benchmarks, from items with a score in every round.

    Raises:
        HarnessError: No series has 20 items in two rounds, or no score differs from another.
    """
    variances, covariances, weights = [], [], []
    for grid in score_grids(pilot, score_range)[0]:
        scores = grid.scores[:, whole(grid.scores)].mean(axis=0)
        if len(scores) < ENOUGH_UNITS or len(grid.rounds) < 2:
            continue
        covariance = np.cov(scores.T)
        variances.append(float(np.diag(covariance).mean()))
        covariances.append(float(covariance[np.triu_indices_from(covariance, 1)].mean()))
        weights.append(len(scores))
    if not weights:
        raise HarnessError(f"pilot: no series has {ENOUGH_UNITS} items with a score in two rounds or more")
    variance = float(np.average(variances, weights=weights))
    if variance == 0:
        raise HarnessError("pilot: all items have the same score, so it tells nothing about their spread")
    correlation = float(np.average(covariances, weights=weights)) / variance
    return min(sqrt(variance), 0.5), min(correlation, 0.999)
