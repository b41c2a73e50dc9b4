"""Judgements of one contrast, and the verdict on a series with what stands beside it.

A contrast is judged by two questions at the significance named: is it off zero (direction), and is it inside plus or
minus the smallest effect of interest (equivalence, by two tests)? Both are read off one interval at level
1 - 2 x significance. The verdict on a series is that of `last_gain`; gains and the rate describe it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, pi
from typing import TypeVar

import numpy as np
from scipy.special import stdtr, stdtrit

from harness.rounds.scores.labels import Label
from harness.rounds.verdict.last_gain import Verdict, last_gain, slope
from harness.statistics import ContrastEstimate, Floats, Moments

ENOUGH_UNITS = 20
"""Items or clusters below which there is no verdict."""
Named = TypeVar("Named", int, str, Label)


@dataclass(frozen=True)
class Decision:
    """A contrast with its interval and verdict; rates and effects as fractions of the score range."""

    verdict: Verdict
    rate: float
    low: float
    high: float
    level: float
    estimate: ContrastEstimate


@dataclass(frozen=True)
class Measured:
    """A figure with its interval, fractions of the score range."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class GainRounds:
    """The confidence set for the last round that helped: ranks from 0, and what those rounds are called."""

    shown: int
    possible: int
    shown_label: Label
    possible_label: Label


@dataclass(frozen=True)
class Outcome:
    """The verdict on a series (or on the difference of two), with what stands beside it.

    Attributes:
        last_gain: From the round up to which gain is shown to the last that may have helped.
        gain_total: The last round minus the first.
        gain_last: The last round minus the one before.
        rate: The slope a round over the last half, `window`.
        window: The first and the last round of the last half.
        best: The round with the highest mean.
        rise: The slope over all rounds, where a line fits them whose slope is above 0 and inside the SESOI.
        level: Of the intervals.
        p_values: Of improving, plateaued and worsening, and of any gain at all.
    """

    verdict: Verdict
    last_gain: GainRounds
    gain_total: Measured
    gain_last: Measured
    rate: Decision
    window: list[Label]
    best: Label
    rise: Measured | None
    level: float
    p_values: dict[str, float]


def judge(moments: Moments, rounds: Sequence[Label], sesoi: float, significance: float) -> Outcome:
    """Return the verdict on the means of rounds.

    Args:
        moments: Of the rounds in order, at least two.
        rounds: What they are called.
        sesoi: The smallest effect of interest, a fraction of the range.
        significance: Of each one-sided statement.
    """
    count = len(rounds)
    found = last_gain(moments, sesoi, significance)
    shown, possible = int(found.shown), int(found.possible)
    steps = np.eye(count)
    window, contrast = window_contrast(rounds)
    contrasts = np.array([steps[-1] - steps[0], steps[-1] - steps[-2], slope(0, count - 1, count)])
    several = moments.estimates(contrasts)
    low, high = several.low(significance), several.high(significance)
    total, last, line = (Measured(*map(float, each)) for each in zip(several.value, low, high, strict=True))
    return Outcome(
        verdict=str(found.verdict),  # type: ignore[arg-type]
        last_gain=GainRounds(shown, possible, rounds[shown], rounds[possible]),
        gain_total=total,
        gain_last=last,
        rate=decide(moments.estimate(contrast), sesoi, significance),
        window=[window[0], window[-1]],
        best=rounds[int(np.argmax(moments.means))],
        rise=line if found.rising else None,
        level=1 - 2 * significance,
        p_values={
            "improving": float(found.p_later.max()),
            "plateaued": 1.0 if found.rising or found.worse or shown == count - 1 else float(found.p_more),
            "worsening": float(found.p_worse),
            "gain": float(found.p_later[0]),
        },
    )


def window_contrast(rounds: Sequence[Named]) -> tuple[list[Named], Floats]:
    """Return the window of the rate, the last ceil((K - 1) / 2) steps, and its least squares slope.

    Args:
        rounds: The rounds in order, K >= 2, whatever they are called: a round counts by its place.

    Returns:
        The rounds of the window, and the contrast over all rounds, zero before the window: the slope a round.
    """
    steps = ceil((len(rounds) - 1) / 2)
    return list(rounds[-steps - 1 :]), slope(len(rounds) - 1 - steps, len(rounds) - 1, len(rounds))


def look_significance(look: int, significance: float) -> float:
    """Return the significance of look 1, 2, ...: all of them together spend `significance` (sum of 1 / k^2)."""
    return 6 * significance / (pi**2 * look**2)


def decide(estimate: ContrastEstimate, sesoi: float, significance: float) -> Decision:
    """Judge an estimated contrast against the smallest effect of interest (a fraction of the range)."""
    half = float(stdtrit(estimate.df, 1 - significance)) * estimate.se
    low, high = estimate.centre - half, estimate.centre + half
    verdict: Verdict = "inconclusive"
    if -sesoi < low and high < sesoi:
        verdict = "plateaued"
    elif low > 0:
        verdict = "improving"
    elif high < 0:
        verdict = "worsening"
    return Decision(verdict, estimate.value, low, high, 1 - 2 * significance, estimate)


def p_below(estimate: ContrastEstimate, mark: float) -> float:
    """Return the p value of the hypothesis that the contrast is at or above a mark."""
    if estimate.se == 0:
        return float(estimate.centre >= mark)
    return float(stdtr(estimate.df, (estimate.centre - mark) / estimate.se))
