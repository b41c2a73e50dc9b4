"""One against the rest: each rater beside the consensus of all others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from harness.agreement.coefficients.coefficients import CATEGORICAL, compute
from harness.agreement.grid.units import FEW_VALUES, Level, Units, encode
from harness.run import people_and_ai
from harness.statistics import Estimate, Floats, Ints, smallest

NAMES = ("rater", "consensus of the others")
BLOCK = 1 << 16
"""Units whose votes are counted at once."""


def one_against_rest(
    units: Units,
    level: Level,
    names: Sequence[str],
    *,
    kinds: Mapping[str, str] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Iterator[dict[str, Any]]:
    """Yield each rater's coefficients with the consensus of the others; of other people, where people rated.

    Judges among the rest would make people's ceiling depend on which judges were asked. A judge is held against one
    person more than each person is, which flatters it a little; `ceiling` does without.

    The consensus is the majority of labels (an item where labels tie has none), the median of ordered grades, and the
    mean of numbers. Coefficients that ask for equal values take the majority at every level: nobody says 3.33.

    Args:
        units: Ratings of three raters or more; of two, the pair says the same.
        level: The level of measurement.
        names: The coefficients.
        kinds: The kind of each rater; who has none is a person.
        resamples: Bootstrap resamples; 0 gives no intervals.
        seed: Decides the draws.

    Yields:
        Rows `criterion, rater, n, coefficient, value, low, high, reason`.
    """
    if len(units.raters) < 3:
        return
    people, _ = people_and_ai(kinds or {}, units.raters)
    for rater in units.raters:
        others = [other for other in (people or units.raters) if other != rater]
        if not others:  # one person alone has no ceiling
            continue
        found: dict[str, Estimate] = {}
        sides: tuple[tuple[Level, bool], ...] = ((level, False), ("nominal", True))
        for taken, equal in sides:  # one after the other: with millions of items a pair is large
            asked = [name for name in names if (name in CATEGORICAL) == equal]
            if equal and len(units.values) > FEW_VALUES:
                found |= dict.fromkeys(asked, Estimate(reason="too_many_values"))
            elif asked:
                pair = beside(units, rater, others, taken)
                found |= {name: compute(name, pair, level, resamples=resamples, seed=seed) for name in asked}
        for name in names:
            yield {"criterion": units.criterion, "rater": rater, "coefficient": name, **found[name].to_dict()}


def beside(units: Units, rater: str, others: Sequence[str], level: Level) -> Units:
    """Return a rater and the consensus of others as two raters of the same units."""
    mine = units.codes[units.raters.index(rater)]
    rows = [units.raters.index(other) for other in others]
    few = len(units.values) <= FEW_VALUES
    if units.numbers is None or level == "nominal":
        label = _of_votes(units, rows, _majority) if few else np.full(len(mine), -1)
        codes = np.stack([mine, label.astype(mine.dtype)])
        return replace(units, raters=list(NAMES), codes=codes).trimmed()
    if level == "ordinal" and few:
        return _beside_median(units, mine, rows, units.numbers)
    numbers = np.append(units.numbers, np.nan)  # the last serves code -1
    total, count = np.zeros(len(mine)), np.zeros(len(mine))
    for row in rows:
        total += np.append(units.numbers, 0.0)[units.codes[row]]
        count += units.codes[row] >= 0
    middle = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    columns, values = encode([numbers[mine], middle])
    return replace(units, raters=list(NAMES), codes=np.stack(columns), values=values, scale=None)


def _beside_median(units: Units, mine: Ints, rows: Sequence[int], numbers: Floats) -> Units:
    """Return a rater and the median of others, which is a value or the middle of two: few, so none is looked for."""
    values, place = np.unique((numbers[:, None] + numbers) / 2, return_inverse=True)
    place = place.reshape(len(numbers), len(numbers)).astype(smallest(len(values)))
    whole, middle = (np.append(codes, place.dtype.type(-1)) for codes in (place.diagonal(), place))  # the last: code -1
    codes = np.stack([whole[mine], middle[_of_votes(units, rows, _median)]])
    return replace(units, raters=list(NAMES), codes=codes, values=values, scale=None).trimmed()


def _of_votes(units: Units, rows: Sequence[int], consensus: Callable[[Ints], Ints]) -> Ints:
    """Return the consensus of some raters on each unit, from how often they gave each value, shape (values, units).

    Block by block: the votes on millions of units are larger than their ratings.
    """
    codes, values = units.codes, np.arange(len(units.values))
    found = []
    for start in range(0, max(codes.shape[1], 1), BLOCK):
        block = codes[rows, start : start + BLOCK]
        votes = np.stack([(block == value).sum(axis=0, dtype=np.int16) for value in values])
        found.append(consensus(votes).astype(smallest(len(values) ** 2)))
    return np.concatenate(found)


def _majority(votes: Ints) -> Ints:
    most = votes.max(axis=0)
    clear = (most > 0) & ((votes == most).sum(axis=0) == 1)
    return np.where(clear, votes.argmax(axis=0), -1)


def _median(votes: Ints) -> Ints:
    """Return the two values in the middle of each unit, as lower x values + upper; -1 where there are none."""
    below = votes.cumsum(axis=0, dtype=np.int16)
    total = below[-1]
    low, high = ((below >= place).argmax(axis=0) for place in ((total + 1) // 2, total // 2 + 1))
    return np.where(total > 0, low * len(votes) + high, -1)
