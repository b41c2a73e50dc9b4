"""The verdict on a contrast: improving, plateaued, worsening or inconclusive, and what it would take to know.

Two questions, each at the significance named: is the rate off zero (direction), and is it inside plus or minus the
smallest effect of interest (equivalence, by two tests)? Both are read off one interval at level 1 - 2 x significance.
That a rate is not significantly off zero says nothing: it is no plateau.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite, pi
from typing import Literal

import numpy as np
from scipy.special import stdtr, stdtrit

from harness.statistics import ContrastEstimate, Floats

Verdict = Literal["improving", "plateaued", "worsening", "inconclusive"]

ENOUGH_UNITS = 20
"""Items or clusters below which there is no verdict."""
POWER = 0.8


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
class Needs:
    """What it would take to know, at 80 % power.

    Attributes:
        mde: The smallest rate that this many items detect.
        smallest_certifiable_sesoi: The smallest effect of interest inside which a true standstill could be certified.
        detect: Items to detect a rate of the smallest effect of interest; None where no number of items would.
        certify: Items to certify a true standstill as a plateau; None where no number of items would.
    """

    mde: float
    smallest_certifiable_sesoi: float
    detect: int | None
    certify: int | None


def window_contrast(rounds: list[int]) -> tuple[list[int], Floats]:
    """Return the window of a verdict, the last ceil((K - 1) / 2) transitions, and its least squares slope.

    Args:
        rounds: The rounds in order, K >= 2.

    Returns:
        The rounds of the window, and the contrast over all rounds, zero before the window: the slope a round.
    """
    transitions = ceil((len(rounds) - 1) / 2)
    inside = np.asarray(rounds[-transitions - 1 :], dtype=np.float64)
    centred = inside - inside.mean()
    contrast = np.zeros(len(rounds))
    contrast[-len(inside) :] = centred / (centred @ centred)
    return rounds[-transitions - 1 :], contrast


def look_significance(look: int, significance: float) -> float:
    """Return the significance of look 1, 2, ...: all of them together spend `significance` (sum of 1 / k^2)."""
    return 6 * significance / (pi**2 * look**2)


def decide(estimate: ContrastEstimate, sesoi: float, significance: float) -> Decision:
    """Judge an estimated rate against the smallest effect of interest (a fraction of the range)."""
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


def p_values(estimate: ContrastEstimate, sesoi: float) -> dict[str, float]:
    """Return the p values of the verdicts: of a rate above 0, below 0, inside the SESOI (the worse of two)."""
    above, below = p_below(estimate, -sesoi), p_below(estimate, sesoi)
    up = p_below(estimate, 0.0)
    return {"improving": 1 - up, "worsening": up, "plateaued": max(1 - above, below)}


def p_below(estimate: ContrastEstimate, mark: float) -> float:
    """Return the p value of the hypothesis that the contrast is at or above a mark."""
    if estimate.se == 0:
        return float(estimate.centre >= mark)
    return float(stdtr(estimate.df, (estimate.centre - mark) / estimate.se))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values adjusted by Holm's step-down, in the order given."""
    order = np.argsort(p_values)
    adjusted, worst = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        worst = max(worst, min((len(p_values) - rank) * p_values[place], 1.0))
        adjusted[place] = worst
    return adjusted


def needs(estimate: ContrastEstimate, n_items: int, n_units: int, sesoi: float, significance: float) -> Needs:
    """Return what could have been known with this many items, and how many items would tell."""
    per_item = estimate.item_variance * n_items
    size = n_items / n_units
    direction, equivalence = (1 - significance, POWER), (1 - significance, 1 - (1 - POWER) / 2)
    return Needs(
        mde=_quantiles(direction, estimate.df) * estimate.se,
        smallest_certifiable_sesoi=_quantiles(equivalence, estimate.df) * estimate.se,
        detect=_items(direction, per_item, estimate.seed_variance, sesoi, size),
        certify=_items(equivalence, per_item, estimate.seed_variance, sesoi, size),
    )


def more_items(judged: Decision, needed: Needs, n_items: int, sesoi: float) -> int | None:
    """Return how many more items would decide an inconclusive verdict; None where items alone would not."""
    known = [count for count in (needed.detect, needed.certify) if count is not None]
    if not known or judged.estimate.seed_variance >= judged.estimate.item_variance > 0:
        return None
    if max(known) > n_items:
        return max(known) - n_items
    # Enough for a true standstill and for a true gain of the SESOI, but the rate lies between: what would tell it.
    half = (judged.high - judged.low) / 2
    distance = max(abs(judged.rate), sesoi - abs(judged.rate))
    return max(ceil(n_items * ((half / distance) ** 2 - 1)), 1) if distance > 0 else None


def _items(levels: tuple[float, float], per_item: float, seeds: float, effect: float, size: float) -> int | None:
    """Return the n with (t + t)^2 (per_item / n + seeds) = effect^2, the t quantiles at that n."""
    df, count = 1e12, np.inf
    for _ in range(8):
        room = (effect / _quantiles(levels, df)) ** 2 - seeds
        if room <= 0:
            return None
        count = per_item / room
        df = max(count / size - 1, 2.0)
    return ceil(count) if isfinite(count) else None


def _quantiles(levels: tuple[float, float], df: float) -> float:
    return float(stdtrit(df, levels[0]) + stdtrit(df, levels[1]))
