"""The human ceiling: how well a person, and an AI, match the consensus of the other people.

Both are scored against the same consensus, without that person, on the items that the person rated: giving the AI the
consensus of everybody and each person that of the rest would flatter the AI. The difference is resampled jointly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.agreement.coefficients.correlation import weighted_spearman
from harness.agreement.grid.patterns import Patterns, weighted
from harness.agreement.grid.units import Level, Units
from harness.statistics import Estimate, Floats, bootstrap, from_draws

FEWEST = 10
"""A person with fewer shared items is left out."""


@dataclass(frozen=True)
class Ceiling:
    """Scores against the consensus of the others, averaged over people.

    Attributes:
        measure: `agreement with the majority` or `Spearman correlation with the mean`.
        human: A person's score.
        ai: The AI's score.
        difference: AI minus human, with its joint interval.
    """

    measure: str
    human: Estimate
    ai: Estimate
    difference: Estimate

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        parts = {name: getattr(self, name).to_dict() for name in ("human", "ai", "difference")}
        return {"measure": self.measure, **parts}


@dataclass(frozen=True)
class Comparison:
    """One person's items: what the person, the AI and the consensus of the others said."""

    items: Any
    human: Floats
    ai: Floats
    consensus: Floats


def ceiling(
    units: Units, ai: str, humans: Sequence[str], level: Level, *, resamples: int = 1000, seed: int = 0
) -> Ceiling:
    """Return the human ceiling, the AI's score beside it, and the difference.

    Args:
        units: Ratings of humans and AI.
        ai: The AI rater.
        humans: The human raters.
        level: Labels are scored by agreement with the majority (of tied labels each counts its share), numbers by
            Spearman's correlation with the mean.
        resamples: Bootstrap resamples.
        seed: Decides the draws.
    """
    by_label = level == "nominal" or units.numbers is None
    find = _by_label if by_label else _by_number
    found = [one for human in humans if (one := find(units, ai, human, humans)) is not None]
    measure = "agreement with the majority" if by_label else "Spearman correlation with the mean"
    n = len(np.unique(np.concatenate([one.items for one in found]))) if found else 0
    if not found:
        nothing = Estimate(n=0, reason="too_few_items")
        return Ceiling(measure, nothing, nothing, nothing)

    def both(weights: Floats) -> Floats:
        sides = [_scores(one, weights[:, one.items], by_label) for one in found]
        mean: Floats = np.mean(sides, axis=0)
        return mean

    size = units.codes.shape[1]
    place = np.arange(size) if units.clusters is not None else None
    statistic = weighted(units, Patterns(np.zeros((size, 0), np.int64), np.ones(size, np.int64), place), both)
    value = statistic.at(statistic.counts[None, :].astype(float))[0]
    draws = bootstrap(statistic, resamples, seed) if resamples else value[None]
    left_out, times = statistic.without() if resamples else (value[None], np.ones(1, np.int64))

    def of(side: Floats) -> Estimate:
        return from_draws(float(value @ side), draws @ side, left_out @ side, times, n=n)

    return Ceiling(measure, of(np.array([1.0, 0])), of(np.array([0, 1.0])), of(np.array([-1.0, 1])))


def _scores(one: Comparison, weights: Floats, by_label: bool) -> Floats:
    """Return the scores of the person and of the AI, shape (draws, 2)."""
    if not by_label:
        return np.stack([weighted_spearman(side, one.consensus, weights) for side in (one.human, one.ai)], axis=1)
    total = weights.sum(axis=1, keepdims=True)
    return weights @ np.stack([one.human, one.ai], axis=1) / np.where(total > 0, total, np.nan)


def _shared(units: Units, ai: str, human: str, humans: Sequence[str]) -> tuple[Any, Any, Any, Any] | None:
    rows = [units.raters.index(other) for other in humans if other != human]
    mine, machine = units.codes[units.raters.index(human)], units.codes[units.raters.index(ai)]
    others = units.codes[rows]
    items = np.flatnonzero((mine >= 0) & (machine >= 0) & (others >= 0).any(axis=0))
    return (items, mine[items], machine[items], others[:, items]) if len(items) >= FEWEST else None


def _by_number(units: Units, ai: str, human: str, humans: Sequence[str]) -> Comparison | None:
    if (found := _shared(units, ai, human, humans)) is None:
        return None
    items, mine, machine, others = found
    numbers = units.numbers
    assert numbers is not None
    mean = np.nanmean(np.where(others >= 0, numbers[others], np.nan), axis=0)
    if np.ptp(mine) == 0 or np.ptp(machine) == 0 or np.ptp(mean) == 0:
        return None
    return Comparison(items, numbers[mine], numbers[machine], mean)


def _by_label(units: Units, ai: str, human: str, humans: Sequence[str]) -> Comparison | None:
    if (found := _shared(units, ai, human, humans)) is None:
        return None
    items, mine, machine, others = found
    votes = np.stack([(others == value).sum(axis=0) for value in range(len(units.values))])
    leading = votes == votes.max(axis=0)
    credit = leading / leading.sum(axis=0)
    at = np.arange(len(items))
    return Comparison(items, credit[mine, at], credit[machine, at], np.zeros(len(items)))
