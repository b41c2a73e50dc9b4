"""Patterns: units with the same ratings, counted once.

Most statistics only ask how often each value was given to a unit. Units with equal counts are one *pattern*, so that
ten million ratings on five values become a few thousand rows. Where it matters who gave which rating (two-rater
coefficients), the pattern is the vector of ratings instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

from harness.agreement.grid.units import Units
from harness.statistics import Additive, Floats, Ints, Weighted

BLOCK = 1 << 15
"""Units handled at once: small enough to stay in the processor's cache."""
DENSE = 1 << 22
"""At most so many possible patterns are counted in a table instead of sorted, ..."""
SPARSE = 16
"""... and at most so many times as there are units: a longer table costs more than sorting them."""


@dataclass(frozen=True)
class Patterns:
    """Distinct units.

    Attributes:
        rows: What each pattern is: counts of values, shape (patterns, values), or codes, shape (patterns, raters).
        counts: Units of each pattern.
        place: The pattern of each unit, present only where units have clusters; -1 where the unit was left out.
    """

    rows: Ints
    counts: Ints
    place: NDArray[np.int64] | None


def count_patterns(units: Units, least: int = 2) -> Patterns:
    """Group units by how often each value was given.

    Args:
        units: The ratings.
        least: Units with fewer ratings are left out.
    """
    raters, values = len(units.raters), len(units.values)
    base = raters + 1
    if values == 0 or units.codes.size == 0:
        return Patterns(np.zeros((0, values), np.int64), np.zeros(0, np.int64), _nowhere(units))
    if values * np.log2(base) >= 62:
        return _sorted_patterns(units, least)
    powers = np.append(base ** np.arange(values, dtype=np.int64), 0)  # the last serves code -1
    keys, counts, place = _count_keys(units, powers[None, :].repeat(raters, axis=0), base**values)
    rows = (keys[:, None] // powers[:-1]) % base
    return _with_least(Patterns(rows, counts, place), rows.sum(axis=1), least)


def rating_patterns(units: Units, least: int = 2) -> Patterns:
    """Group units by who gave which rating; several coefficients ask for the same."""
    return units.once(("rating_patterns", least), lambda: _rating_patterns(units, least))


def _rating_patterns(units: Units, least: int) -> Patterns:
    raters, base = len(units.raters), len(units.values) + 1
    if units.codes.size == 0:
        return Patterns(np.zeros((0, raters), np.int64), np.zeros(0, np.int64), _nowhere(units))
    if raters * np.log2(base) >= 62:
        distinct, inverse, times = np.unique(units.codes.T, axis=0, return_inverse=True, return_counts=True)
        found = Patterns(distinct, times, inverse.ravel() if units.clusters is not None else None)
    else:
        steps = base ** np.arange(raters, dtype=np.int64)
        powers = steps[:, None] * np.append(np.arange(1, base), 0)
        keys, counts, place = _count_keys(units, powers, base**raters)
        codes = np.empty((len(keys), raters), dtype=np.int32)
        for rater, step in enumerate(steps):
            codes[:, rater] = (keys // step) % base - 1
        found = Patterns(codes, counts, place)
    return _with_least(found, np.sum(found.rows >= 0, axis=1), least)


def additive(units: Units, patterns: Patterns, stats: Floats, formula: Callable[[Floats], Floats]) -> Additive:
    """Return a formula of sums over patterns, with clusters as blocks where units have them.

    Args:
        units: The ratings.
        patterns: Their patterns.
        stats: What one unit of each pattern adds to each sum, shape (patterns, sums).
        formula: From sums of shape (draws, sums) to values of shape (draws,).
    """
    if patterns.place is None or units.clusters is None:
        return Additive(stats, patterns.counts, formula)
    inside = patterns.place >= 0
    place = patterns.place[inside]
    cluster = np.unique(units.clusters[inside], return_inverse=True)[1]
    sums = [np.bincount(cluster, weights=column[place]) for column in stats.T]
    return Additive(np.stack(sums, axis=1).astype(float), np.ones(len(sums[0]), dtype=np.int64), formula)


def weighted(
    units: Units,
    patterns: Patterns,
    function: Callable[[Floats], Floats],
    of_resamples: Callable[[Floats], Floats] | None = None,
) -> Weighted:
    """Return a statistic of ranks over patterns, with clusters as blocks where units have them.

    Args:
        units: The ratings.
        patterns: Their patterns.
        function: From weights of shape (draws, patterns) to values of shape (draws,).
        of_resamples: The same for resamples of units, where it differs; for those of clusters it is not asked.
    """
    if patterns.place is None or units.clusters is None:
        return Weighted(function, patterns.counts, of_resamples)
    inside = patterns.place >= 0
    cluster = np.unique(units.clusters[inside], return_inverse=True)[1]
    blocks = int(cluster.max(initial=-1)) + 1
    places = (cluster, patterns.place[inside])
    share = coo_array((np.ones(len(cluster)), places), shape=(blocks, len(patterns.counts))).tocsr()
    return Weighted(function, np.ones(blocks, dtype=np.int64), share=share)


def _count_keys(units: Units, powers: Ints, size: int) -> tuple[Ints, Ints, NDArray[np.int64] | None]:
    """Add up each unit's `powers[rater, code]` and count equal sums, block by block."""
    n = units.codes.shape[1]
    keep = units.clusters is not None
    dense = size <= min(DENSE, SPARSE * n)
    sums = np.empty(n, dtype=np.int64) if keep or not dense else None
    table = np.zeros(size, dtype=np.int64) if dense else None
    for start in range(0, n, BLOCK):
        block = units.codes[:, start : start + BLOCK]
        key = np.zeros(block.shape[1], dtype=np.int64)
        for row, power in zip(block, powers, strict=True):
            key += power.take(row, mode="wrap")  # code -1 takes the last, which is 0
        if table is not None:
            counted = np.bincount(key)
            table[: len(counted)] += counted
        if sums is not None:
            sums[start : start + BLOCK] = key
    if table is not None:
        keys = np.flatnonzero(table)
        return keys, table[keys], np.searchsorted(keys, sums) if keep and sums is not None else None
    assert sums is not None
    if keep:
        keys, place, counts = np.unique(sums, return_inverse=True, return_counts=True)
        return keys, counts, place
    keys, counts = np.unique(sums, return_counts=True)
    return keys, counts, None


def _sorted_patterns(units: Units, least: int) -> Patterns:
    """Group units by their sorted ratings: where the table of counts would be too wide for one integer."""
    ordered = np.sort(units.codes, axis=0).T
    distinct, place, counts = np.unique(ordered, axis=0, return_inverse=True, return_counts=True)
    rows = np.zeros((len(distinct), len(units.values)), dtype=np.int32)
    for column in distinct.T:
        given = column >= 0
        rows[np.flatnonzero(given), column[given]] += 1
    found = Patterns(rows, counts, place.ravel() if units.clusters is not None else None)
    return _with_least(found, rows.sum(axis=1), least)


def _with_least(patterns: Patterns, sizes: Ints, least: int) -> Patterns:
    keep = sizes >= least
    if keep.all():
        return patterns
    place = patterns.place
    if place is not None:
        moved = np.where(keep, np.cumsum(keep) - 1, -1)
        place = moved[place]
    return Patterns(patterns.rows[keep], patterns.counts[keep], place)


def _nowhere(units: Units) -> NDArray[np.int64] | None:
    return None if units.clusters is None else np.full(units.codes.shape[1], -1, dtype=np.int64)
