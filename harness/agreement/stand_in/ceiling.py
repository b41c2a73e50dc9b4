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
from harness.agreement.grid.patterns import Patterns, rating_patterns, weighted
from harness.agreement.grid.units import Level, Units
from harness.statistics import Estimate, Floats, Ints, bootstrap, from_draws, from_left_out, is_large

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
    """One person's items, by their patterns: what the person, the AI and the consensus of the others said."""

    places: Ints
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
    units = units.of([*humans, ai])
    patterns = rating_patterns(units, least=1)
    compare = _by_label if by_label else _by_number
    found = [one for place in range(len(humans)) if (one := compare(units, patterns, place)) is not None]
    measure = "agreement with the majority" if by_label else "Spearman correlation with the mean"
    if not found:
        nothing = Estimate(n=0, reason="too_few_items")
        return Ceiling(measure, nothing, nothing, nothing)
    n = int(patterns.counts[np.unique(np.concatenate([one.places for one in found]))].sum())

    def both(weights: Floats) -> Floats:
        sides = [_scores(one, weights[:, one.places], by_label) for one in found]
        mean: Floats = np.mean(sides, axis=0)
        return mean

    statistic = weighted(units, patterns, both)
    value = statistic.at(statistic.counts[None, :].astype(float))[0]
    sides = (np.array([1.0, 0]), np.array([0, 1.0]), np.array([-1.0, 1]))
    if not resamples:
        return Ceiling(measure, *(Estimate(float(value @ side), n=n) for side in sides))
    left_out, times = statistic.without()
    if is_large(statistic):
        return Ceiling(measure, *(from_left_out(float(value @ side), left_out @ side, times, n=n) for side in sides))
    draws = bootstrap(statistic, resamples, seed)
    return Ceiling(
        measure, *(from_draws(float(value @ side), draws @ side, left_out @ side, times, n=n) for side in sides)
    )


def _scores(one: Comparison, weights: Floats, by_label: bool) -> Floats:
    """Return the scores of the person and of the AI, shape (draws, 2)."""
    if not by_label:
        return np.stack([weighted_spearman(side, one.consensus, weights) for side in (one.human, one.ai)], axis=1)
    total = weights.sum(axis=1, keepdims=True)
    return weights @ np.stack([one.human, one.ai], axis=1) / np.where(total > 0, total, np.nan)


def _shared(patterns: Patterns, human: int) -> tuple[Ints, Ints, Ints, Ints] | None:
    """Return the patterns that a person (by its place), the AI (the last) and another person rated; None if too few."""
    mine, machine = patterns.rows[:, human], patterns.rows[:, -1]
    others = np.delete(patterns.rows[:, :-1], human, axis=1)
    places = np.flatnonzero((mine >= 0) & (machine >= 0) & (others >= 0).any(axis=1))
    enough = patterns.counts[places].sum() >= FEWEST
    return (places, mine[places], machine[places], others[places]) if enough else None


def _by_number(units: Units, patterns: Patterns, human: int) -> Comparison | None:
    if (found := _shared(patterns, human)) is None:
        return None
    places, mine, machine, others = found
    numbers = units.numbers
    assert numbers is not None
    mean = np.nanmean(np.where(others >= 0, numbers[others], np.nan), axis=1)
    if np.ptp(mine) == 0 or np.ptp(machine) == 0 or np.ptp(mean) == 0:
        return None
    return Comparison(places, numbers[mine], numbers[machine], mean)


def _by_label(units: Units, patterns: Patterns, human: int) -> Comparison | None:
    if (found := _shared(patterns, human)) is None:
        return None
    places, mine, machine, others = found
    at = np.arange(len(places))
    votes = np.zeros((len(places), len(units.values)))
    for column in others.T:
        votes[at[column >= 0], column[column >= 0]] += 1
    leading = votes == votes.max(axis=1, keepdims=True)
    credit = leading / leading.sum(axis=1, keepdims=True)
    return Comparison(places, credit[at, mine], credit[at, machine], np.zeros(len(places)))
