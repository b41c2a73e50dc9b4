"""How many items a verdict on rounds will need, before the money is spent: from an assumed or a piloted spread.

What the verdict's rule needs to know is the error of a gain between two rounds, sqrt(2 (1 - correlation)) times the
spread of an item's score over sqrt(n). A pilot gives both, and its clusters. The two pseudo-items that guard a verdict
are counted in: with few items they matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any, Literal

import numpy as np
import pandas as pd

from harness.errors import HarnessError
from harness.rounds.scores.grid import ScoreGrid, score_grids
from harness.rounds.verdict.needed import POWER, Precision
from harness.rounds.verdict.verdict import ENOUGH_UNITS, look_significance, window_contrast

USUAL_CORRELATION = 0.7
"""A usual correlation of an item's scores in two rounds."""


@dataclass(frozen=True)
class RoundsPlan:
    """What a series of so many rounds takes, at 80 % power; effects are fractions of the score range a round.

    Attributes:
        rounds: Rounds, the base counted.
        window: Rounds that the rate is over, first and last.
        sd: Standard deviation of an item's score within a round.
        correlation: Correlation of an item's scores in two rounds.
        sesoi: The smallest effect of interest.
        significance: Of each one-sided test of the last look.
        detect: Items to show, of a series that gains the SESOI every round, that the last round helped.
        certify: Items to certify a true standstill as a plateau; None where no number would, at a loose significance.
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
    detect: int | None
    certify: int | None
    items: int | None
    mde: float | None
    smallest_certifiable_sesoi: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values, the sentence among them."""
        return {**vars(self), "sentence": self.sentence}

    @property
    def sentence(self) -> str:
        """The plan as a person reads it."""
        gain = f"{100 * self.sesoi:g} point{'' if self.sesoi == 0.01 else 's'} a round"
        detect = f"{'no number of' if self.detect is None else format(self.detect, ',')} items"
        certify = "no number of items" if self.certify is None else f"{self.certify:,}"
        text = (
            f"{self.rounds} rounds: {detect} detect a gain of {gain} up to the last round, {certify} certify a "
            f"standstill within it ({POWER:.0%} power; items' standard deviation {self.sd:.2g}, correlation between "
            f"rounds {self.correlation:.2g}; a verdict over a control, on differences, takes up to twice as many)"
        )
        if self.items is None or self.mde is None or self.smallest_certifiable_sesoi is None:
            return text
        return (
            f"{text}; {self.items:,} items detect {100 * self.mde:.2g} points a round and certify a standstill within "
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
    cluster: str | None = None,
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
        cluster: The pilot's column that says which items belong together.
        significance: Of each one-sided test.
        look: `every` where the series will be looked at after every round; the last look has then less to spend.

    Raises:
        HarnessError: A number makes no sense, or the pilot has under 20 items in two rounds.
    """
    spread = None if pilot is None else spread_of(pilot, score_range, cluster)
    if spread is not None:
        sd, correlation = spread.sd, spread.correlation
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
    window = window_contrast(list(range(rounds)))[0]
    precision = Precision(rounds, 2 * sd**2 * (1 - correlation), 0.5)
    if spread is not None:
        precision = Precision(rounds, spread.gain_variance, spread.reach, spread.size)
    needed = precision.needed(sesoi / 100, spent)
    return RoundsPlan(
        rounds=rounds,
        window=[window[0], window[-1]],
        sd=sd,
        correlation=correlation,
        sesoi=sesoi / 100,
        significance=spent,
        detect=needed.detect,
        certify=needed.certify,
        items=items,
        mde=precision.smallest("detect", items, spent) if items else None,
        smallest_certifiable_sesoi=precision.smallest("certify", items, spent) if items else None,
    )


@dataclass(frozen=True)
class PilotSpread:
    """What a pilot tells of an item's scores, pooled over its series and benchmarks.

    Attributes:
        sd: The standard deviation within a round, at most .5.
        correlation: The correlation between two rounds.
        gain_variance: The variance of an item's (a cluster's) gain between two rounds.
        reach: See `Moments`.
        size: Items a cluster; 1 without clusters.
    """

    sd: float
    correlation: float
    gain_variance: float
    reach: float
    size: float


def spread_of(
    pilot: pd.DataFrame, score_range: tuple[float, float] = (0.0, 1.0), cluster: str | None = None
) -> PilotSpread:
    """Return the spread of the scores of a pilot, from items with a score in every round.

    Raises:
        HarnessError: No series has 20 items in two rounds, or no score differs from another.
    """
    grids = [grid for grid in score_grids(pilot, score_range, cluster)[0] if len(grid.rounds) > 1]
    grids = [grid for grid in grids if grid.units_of(grid.rows) >= ENOUGH_UNITS]
    if not grids:
        raise HarnessError(f"pilot: no series has {ENOUGH_UNITS} items with a score in two rounds or more")
    parts = np.array([_spread(grid) for grid in grids])
    variance, shared, gain, reach, size = np.average(parts, axis=0, weights=[grid.rows.sum() for grid in grids])
    if variance == 0:
        raise HarnessError("pilot: all items have the same score, so it tells nothing about their spread")
    return PilotSpread(min(sqrt(variance), 0.5), min(shared / variance, 0.999), float(gain), float(reach), float(size))


def _spread(grid: ScoreGrid) -> tuple[float, float, float, float, float]:
    """Return an item's variance, its covariance between rounds, and of its unit the gain's variance, reach and size."""
    covariance = np.cov(grid.judged[:, grid.rows].mean(axis=0).T)
    among = float(covariance[np.triu_indices_from(covariance, 1)].mean())
    precision = Precision.of(grid.moments())
    return float(np.diag(covariance).mean()), among, precision.variance, precision.reach, precision.size
