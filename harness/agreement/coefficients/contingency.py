"""Two-rater coefficients from the table of who said what; with more raters, the mean over their pairs.

One table of values x values holds all that kappa, pi, rank and product-moment correlations ask of a pair. A resample
weights its cells, and leaving one unit out takes 1 from one cell, so that every interval costs cells, not units. Draws
are the last axis of the tables: a sum over values then runs along adjacent numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import overload

import numpy as np
from scipy.sparse import csc_array

from harness.agreement.coefficients.categories import distance_weights
from harness.agreement.grid.patterns import Patterns, rating_patterns, weighted
from harness.agreement.grid.units import FEW_VALUES, Level, Units
from harness.statistics import Floats, Ints, Statistic, Weighted, occurring

Formula = Callable[[Floats], Floats]
"""From tables of shape (values, values, draws) to coefficients of shape (draws,); NaN where undefined."""


@dataclass(frozen=True)
class PairMean:
    """The mean of a coefficient over pairs of raters; pairs for which it is undefined are left out of the mean.

    Attributes:
        cells: For each pair, the cell of its table that each pattern falls in, -1 where one did not rate.
        counts: Units of each pattern.
        values: Values on the scale.
        formula: The coefficient of a table.
        of_two_items: Whether it is a share of pairs of units: a resample then holds pairs of a unit with itself.
    """

    cells: Sequence[Ints]
    counts: Ints
    values: int
    formula: Formula
    of_two_items: bool = False

    def at(self, weights: Floats) -> Floats:
        """Return the values under weights of shape (draws, blocks)."""
        if len(weights) == 1:
            return mean_of((self._of(self._table(cells, weights[0])) for cells in self.cells), 1)
        return mean_of(self._each(weights), len(weights))

    def redrawn(self, weights: Floats) -> Floats:
        """Return the values of resamples."""
        parts = self._each(weights)
        if self.of_two_items:
            rated = [int(self.counts[cells >= 0].sum()) for cells in self.cells]
            parts = (without_selves(part, n) for part, n in zip(parts, rated, strict=True))
        return mean_of(parts, len(weights))

    def without(self) -> tuple[Floats, Ints]:
        """Return the value with one unit of each pattern left out."""
        size = self.values**2

        def each() -> Iterator[Floats]:
            for cells in self.cells:
                table = self._table(cells, self.counts)
                used = np.flatnonzero(occurring(cells, size + 1)[:size])  # -1, not rated, is the last
                by_cell = np.full(size + 1, self._of(table)[0])
                by_cell[used] = self._of(table - np.eye(size)[:, used])
                yield by_cell[cells]

        return mean_of(each(), len(self.counts)), self.counts

    @cached_property
    def _members(self) -> list[csc_array]:
        """For each pair, which patterns (columns) fall in which cell (rows): a table is then a sparse product."""
        matrices = []
        for cells in self.cells:
            rated = cells >= 0
            entries = (np.ones(int(rated.sum())), cells[rated].astype(np.int32), np.append(0, np.cumsum(rated)))
            matrices.append(csc_array(entries, shape=(self.values**2, len(cells))))
        return matrices

    def _each(self, weights: Floats) -> Iterator[Floats]:
        columns = np.ascontiguousarray(weights.T)
        return (self._of(members @ columns) for members in self._members)

    def _table(self, cells: Ints, weights: Floats | Ints) -> Floats:
        """Return a pair's table as one column, shape (cells, 1)."""
        return np.bincount(cells + 1, weights=weights, minlength=self.values**2 + 1)[1:, None].astype(float)

    def _of(self, columns: Floats) -> Floats:
        """Return the coefficients of tables that stand as columns, shape (cells, draws)."""
        return self.formula(columns.reshape(self.values, self.values, -1))


def without_selves(shares: Floats, n: int) -> Floats:
    """Return shares of right pairs of units without the pairs that are one unit drawn twice, which are always right.

    Of the pairs of a resample of n units one in n is expected to be such a pair. Left in, they draw every resample up
    and BCa, which takes that for a bias of the estimate, too far down.
    """
    return (shares * n - 1) / (n - 1) if n > 1 else shares


def mean_of(parts: Iterable[Floats], length: int) -> Floats:
    """Return the mean over pairs, shape (length,); pairs for which the coefficient is undefined are left out.

    One pair after the other: with many raters and patterns, all at once would be the most of the memory.
    """
    total, known = np.zeros(length), np.zeros(length, dtype=np.int64)
    for part in parts:
        finite = np.isfinite(part)
        total += np.where(finite, part, 0)
        known += finite
    return np.where(known > 0, total / np.maximum(known, 1), np.nan)


@dataclass(frozen=True)
class _Cells(Sequence[Ints]):
    """For each pair of raters the cell of its table that each pattern falls in, made when it is looked at."""

    codes: Ints
    pairs: list[tuple[int, int]]
    values: int

    def __len__(self) -> int:
        return len(self.pairs)

    @overload
    def __getitem__(self, place: int) -> Ints: ...
    @overload
    def __getitem__(self, place: slice) -> list[Ints]: ...
    def __getitem__(self, place: int | slice) -> Ints | list[Ints]:
        if isinstance(place, slice):
            return [self[at] for at in range(len(self))[place]]
        first, second = (self.codes[rater] for rater in self.pairs[place])
        return np.where((first >= 0) & (second >= 0), first * self.values + second, -1)


def over_pairs(units: Units, formula: Formula, of_two_items: bool = False) -> Statistic | str:
    """Return a coefficient of two raters, averaged over all pairs of raters, as a statistic."""
    if len(units.raters) < 2:
        return "one_rater"
    if units.n_items == 0:
        return "no_overlap"
    values = len(units.values)
    if values > FEW_VALUES:
        return "too_many_values"
    patterns = rating_patterns(units)
    codes = np.ascontiguousarray(patterns.rows.T.astype(np.int16))
    pairs = [(a, b) for a, b in combinations(range(len(codes)), 2) if ((codes[a] >= 0) & (codes[b] >= 0)).any()]
    cells = _Cells(codes, pairs, values)
    statistic = PairMean(cells, patterns.counts, values, formula, of_two_items)
    return statistic if units.clusters is None else _by_cluster(units, patterns, statistic)


def _by_cluster(units: Units, patterns: Patterns, statistic: PairMean) -> Weighted:
    return weighted(units, patterns, statistic.at)


def kappa(power: int | None) -> Callable[[Units, Level], Statistic | str]:
    """Return Cohen's kappa: unweighted (None), linear (1) or quadratic (2) in the distance of the values.

    Source: Cohen 1960, 1968. Weighted, it is 1 - sum of weighted disagreements / those expected from both marginals.
    """

    def coefficient(units: Units, level: Level) -> Statistic | str:
        size = len(units.values)
        weights = np.eye(size) if power is None else distance_weights(units.numbers, power)
        if weights is None:
            return "needs_order"
        disagreement = 1 - weights

        def formula(tables: Floats) -> Floats:
            n = tables.sum(axis=(0, 1))
            expected = (tables.sum(axis=1) * (disagreement @ tables.sum(axis=0))).sum(axis=0)
            return _ratio_to_one(n * np.tensordot(disagreement, tables), expected, n**2)

        return over_pairs(units, formula)

    return coefficient


def scott_pi(units: Units, level: Level) -> Statistic | str:
    """Return Scott's pi (1955): chance agreement from the pair's pooled marginals."""

    def formula(tables: Floats) -> Floats:
        n = tables.sum(axis=(0, 1))
        pooled = (tables.sum(axis=1) + tables.sum(axis=0)) / 2
        return _ratio_to_one(n * (n - np.trace(tables)), n**2 - (pooled**2).sum(axis=0), n**2)

    return over_pairs(units, formula)


def _ratio_to_one(observed: Floats, expected: Floats, scale: Floats) -> Floats:
    defined = expected > 1e-12 * scale
    return np.where(defined, 1 - observed / np.where(defined, expected, 1), np.nan)
