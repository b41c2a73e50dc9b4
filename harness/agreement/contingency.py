"""Two-rater coefficients from the table of who said what; with more raters, the mean over their pairs.

One table of values x values holds all that kappa, pi, rank and product-moment correlations ask of a pair. A resample
weights its cells, and leaving one unit out takes 1 from one cell, so that every interval costs cells, not units.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from scipy.sparse import csr_array

from harness.agreement.categories import distance_weights
from harness.agreement.intervals import Floats, Ints, Statistic, Weighted
from harness.agreement.patterns import Patterns, rating_patterns, weighted
from harness.agreement.units import FEW_VALUES, Level, Units

Formula = Callable[[Floats], Floats]
"""From tables of shape (draws, values, values) to coefficients of shape (draws,); NaN where undefined."""


@dataclass(frozen=True)
class PairMean:
    """The mean of a coefficient over pairs of raters; pairs for which it is undefined are left out of the mean.

    Attributes:
        cells: For each pair, the cell of its table that each pattern falls in, -1 where one did not rate.
        counts: Units of each pattern.
        values: Values on the scale.
        formula: The coefficient of a table.
    """

    cells: list[Ints]
    counts: Ints
    values: int
    formula: Formula

    def at(self, weights: Floats) -> Floats:
        """Return the values under weights of shape (draws, blocks)."""
        if len(weights) == 1:
            return _mean([self.formula(self._table(cells, weights[0])) for cells in self.cells], 1)
        columns = np.ascontiguousarray(weights.T)
        tables = (np.ascontiguousarray((members @ columns).T) for members in self._members)
        return _mean([self.formula(one.reshape(-1, self.values, self.values)) for one in tables], len(weights))

    def without(self) -> tuple[Floats, Ints]:
        """Return the value with one unit of each pattern left out."""
        size = self.values**2
        parts = []
        for cells in self.cells:
            table = self._table(cells, self.counts).reshape(size)
            used = np.unique(cells[cells >= 0])
            lowered = table - np.eye(size)[used] if len(used) else np.zeros((0, size))
            by_cell = np.full(size + 1, self.formula(table.reshape(1, self.values, self.values))[0])  # last: not rated
            by_cell[used] = self.formula(lowered.reshape(-1, self.values, self.values))
            parts.append(by_cell[cells])
        return _mean(parts, len(self.counts)), self.counts

    @cached_property
    def _members(self) -> list[csr_array]:
        """For each pair, which patterns (columns) fall in which cell (rows): a table is then a sparse product."""
        matrices = []
        for cells in self.cells:
            rated = np.flatnonzero(cells >= 0)
            place = (cells[rated], rated)
            matrices.append(csr_array((np.ones(len(rated)), place), shape=(self.values**2, len(cells))))
        return matrices

    def _table(self, cells: Ints, weights: Floats | Ints) -> Floats:
        table = np.bincount(cells + 1, weights=weights, minlength=self.values**2 + 1)[1:].astype(float)
        return table.reshape(1, self.values, self.values)


def _mean(parts: list[Floats], length: int) -> Floats:
    if not parts:
        return np.full(length, np.nan)
    stacked = np.stack(parts)
    known = np.isfinite(stacked)
    total = known.sum(axis=0)
    return np.where(total > 0, np.where(known, stacked, 0).sum(axis=0) / np.maximum(total, 1), np.nan)


def over_pairs(units: Units, formula: Formula) -> Statistic | str:
    """Return a coefficient of two raters, averaged over all pairs of raters, as a statistic."""
    if len(units.raters) < 2:
        return "one_rater"
    if units.n_items == 0:
        return "no_overlap"
    values = len(units.values)
    if values > FEW_VALUES:
        return "too_many_values"
    patterns = rating_patterns(units)
    cells = []
    for first, second in combinations(patterns.rows.T.astype(np.int16), 2):
        both = (first >= 0) & (second >= 0)
        if both.any():
            cells.append(np.where(both, first * values + second, -1))
    statistic = PairMean(cells, patterns.counts, values, formula)
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
            n = tables.sum(axis=(1, 2))
            expected = np.einsum("bi,ij,bj->b", tables.sum(axis=2), disagreement, tables.sum(axis=1))
            return _ratio_to_one(n * (tables * disagreement).sum(axis=(1, 2)), expected, n**2)

        return over_pairs(units, formula)

    return coefficient


def scott_pi(units: Units, level: Level) -> Statistic | str:
    """Return Scott's pi (1955): chance agreement from the pair's pooled marginals."""

    def formula(tables: Floats) -> Floats:
        n = tables.sum(axis=(1, 2))
        pooled = (tables.sum(axis=2) + tables.sum(axis=1)) / 2
        agreeing = np.trace(tables, axis1=1, axis2=2)
        return _ratio_to_one(n * (n - agreeing), n**2 - (pooled**2).sum(axis=1), n**2)

    return over_pairs(units, formula)


def _ratio_to_one(observed: Floats, expected: Floats, scale: Floats) -> Floats:
    defined = expected > 1e-12 * scale
    return np.where(defined, 1 - observed / np.where(defined, expected, 1), np.nan)
