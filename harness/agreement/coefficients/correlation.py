"""Rank and product-moment correlation of pairs of raters: Spearman, Pearson, Kendall's tau, pairwise accuracy.

With few values they are formulas of the pair's table. With many, Spearman and Pearson are computed from weighted ranks
of all resamples at once, and the tau family by scipy on each resample.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
from scipy.sparse import coo_array

from harness.agreement.coefficients.contingency import mean_of, over_pairs, without_selves
from harness.agreement.grid.patterns import rating_patterns, weighted
from harness.agreement.grid.units import FEW_VALUES, Level, Units
from harness.statistics import CHUNK, Floats, Ints, Statistic

PairFunction = Callable[[Floats, Floats, Floats], Floats]
"""From two columns and weights of shape (draws, units) to coefficients of shape (draws,)."""


def spearman(units: Units, level: Level) -> Statistic | str:
    """Return Spearman's rank correlation, mid-ranks for ties."""

    def formula(tables: Floats) -> Floats:
        return _product_moment(tables, _midranks(tables.sum(axis=1)), _midranks(tables.sum(axis=0)))

    return _coefficient(units, level, formula, weighted_spearman)


def pearson(units: Units, level: Level) -> Statistic | str:
    """Return Pearson's product-moment correlation."""
    numbers = units.numbers if units.numbers is not None else np.zeros(len(units.values))
    centred = numbers - numbers.mean() if len(numbers) else numbers

    def formula(tables: Floats) -> Floats:
        return _product_moment(tables, centred[:, None], centred[:, None])

    return _coefficient(units, level, formula, _weighted_pearson)


def tau_b(units: Units, level: Level) -> Statistic | str:
    """Return Kendall's tau-b: (C - D) / sqrt((pairs untied in x)(pairs untied in y))."""
    return _coefficient(units, level, lambda tables: _tau_b(*_pair_counts(tables)), _each(_tau_b))


def tau_c(units: Units, level: Level) -> Statistic | str:
    """Return Kendall's (Stuart's) tau-c: 2 (C - D) / (n^2 (k - 1) / k), k the smaller number of values used."""

    def of_tables(tables: Floats) -> Floats:
        used = np.minimum((tables.sum(axis=1) > 0).sum(axis=0), (tables.sum(axis=0) > 0).sum(axis=0))
        return _tau_c(tables.sum(axis=(0, 1)), used.astype(float), *_pair_counts(tables)[:2])

    def of_many(x: Floats, y: Floats) -> Floats:
        used = min(len(np.unique(x)), len(np.unique(y)))
        return _tau_c(np.array([float(len(x))]), np.array([float(used)]), *_counts_of(x, y)[:2])

    return _coefficient(units, level, of_tables, _resample_by_resample(of_many))


def pairwise_accuracy(units: Units, level: Level) -> Statistic | str:
    """Return pairwise accuracy with ties: acc_eq = (C + T_xy) / all pairs (Deutsch, Foster and Freitag 2023).

    T_xy are the pairs of items that both raters tie: a tie is right where the other one ties as well.
    """

    def formula(tables: Floats) -> Floats:
        return _accuracy(*_pair_counts(tables))

    return _coefficient(units, level, formula, _each(_accuracy), of_two_items=True)


def _coefficient(
    units: Units,
    level: Level,
    formula: Callable[[Floats], Floats],
    many: PairFunction,
    of_two_items: bool = False,
) -> Statistic | str:
    if level == "nominal":
        return "needs_order"
    if units.numbers is None:
        return "not_numbers"
    if len(units.values) <= FEW_VALUES:
        return over_pairs(units, formula, of_two_items)
    if len(units.raters) < 2:
        return "one_rater"
    if units.n_items == 0:
        return "no_overlap"
    return _over_pairs_of_many(units, many, of_two_items)


def _over_pairs_of_many(units: Units, function: PairFunction, of_two_items: bool) -> Statistic:
    patterns = rating_patterns(units)
    numbers = units.numbers
    assert numbers is not None
    pairs = []
    for first, second in combinations(patterns.rows.T, 2):
        both = np.flatnonzero((first >= 0) & (second >= 0))
        if len(both) > 1:
            pairs.append((both, numbers[first[both]], numbers[second[both]]))

    def mean(weights: Floats) -> Floats:
        return mean_of([function(x, y, weights[:, both]) for both, x, y in pairs], len(weights))

    def of_resamples(weights: Floats) -> Floats:
        found = (function(x, y, weights[:, both]) for both, x, y in pairs)
        rated = (int(patterns.counts[both].sum()) for both, _, _ in pairs)
        return mean_of([without_selves(values, n) for values, n in zip(found, rated, strict=True)], len(weights))

    return weighted(units, patterns, mean, of_resamples if of_two_items else None)


def _midranks(counts: Floats) -> Floats:
    """Return the mid-rank of each value, less a constant, from counts of shape (values, draws)."""
    ranks = np.cumsum(counts, axis=0) - counts / 2
    centred: Floats = ranks - counts.sum(axis=0) / 2
    return centred


def _product_moment(tables: Floats, x: Floats, y: Floats) -> Floats:
    """Return the correlation of scores x (rows) and y (columns), shape (values, draws), weighted by tables."""
    rows, columns = tables.sum(axis=1), tables.sum(axis=0)
    n = np.maximum(rows.sum(axis=0), 1)
    x, y = x - (rows * x).sum(axis=0) / n, y - (columns * y).sum(axis=0) / n  # one far value must not drown the rest
    return _correlation(
        rows.sum(axis=0),
        (rows * x).sum(axis=0),
        (columns * y).sum(axis=0),
        (rows * x**2).sum(axis=0),
        (columns * y**2).sum(axis=0),
        (x * (tables * y).sum(axis=1)).sum(axis=0),
    )


def _correlation(n: Floats, x: Floats, y: Floats, xx: Floats, yy: Floats, xy: Floats) -> Floats:
    """Return the product-moment correlation from sums; NaN where one side is constant."""
    vx, vy = n * xx - x**2, n * yy - y**2
    defined = (vx > 1e-12 * n * xx) & (vy > 1e-12 * n * yy)
    return np.where(defined, np.clip((n * xy - x * y) / np.sqrt(np.where(defined, vx * vy, 1)), -1, 1), np.nan)


def _weighted_pearson(x: Floats, y: Floats, weights: Floats) -> Floats:
    x, y = x - x.mean(), y - y.mean()
    sums = weights @ np.column_stack([np.ones(len(x)), x, y, x * x, y * y, x * y])
    return _correlation(*sums.T)


def weighted_spearman(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Return Spearman's correlation of two columns, under each of the weights of shape (draws, units)."""
    pairs, place = np.unique(np.column_stack([x, y]), axis=0, return_inverse=True)
    if len(pairs) < len(x):  # units with equal ratings count as one
        share = coo_array((np.ones(len(x)), (np.arange(len(x)), place.ravel())), shape=(len(x), len(pairs)))
        weights, (x, y) = weights @ share.tocsr(), pairs.T
    rows = max(1, CHUNK // len(x))
    parts = []
    for start in range(0, len(weights), rows):
        w = weights[start : start + rows]
        rx, ry = weighted_ranks(x, w), weighted_ranks(y, w)
        sums = [w.sum(axis=1), *((w * term).sum(axis=1) for term in (rx, ry, rx * rx, ry * ry, rx * ry))]
        parts.append(_correlation(*sums))
    return np.concatenate(parts)


def weighted_ranks(x: Floats, weights: Floats) -> Floats:
    """Return mid-ranks, less a constant, of values that stand `weights` times, shape (draws, units)."""
    order = np.argsort(x, kind="stable")
    values, starts = np.unique(x[order], return_index=True)
    ranks = _midranks(np.add.reduceat(weights[:, order], starts, axis=1).T)
    found: Floats = ranks.T[:, np.searchsorted(values, x)]
    return found


def _pair_counts(tables: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Return pairs of items: concordant, discordant, tied in x only, in y only, in both; shape (draws,) each."""
    n = tables.sum(axis=(0, 1))
    after = tables[::-1, ::-1].cumsum(axis=0).cumsum(axis=1)[::-1, ::-1]  # mass at or after a cell, both ways
    concordant = (tables[:-1, :-1] * after[1:, 1:]).sum(axis=(0, 1))
    both = _ties(tables).sum(axis=(0, 1))
    x = _ties(tables.sum(axis=1)).sum(axis=0) - both
    y = _ties(tables.sum(axis=0)).sum(axis=0) - both
    return concordant, n * (n - 1) / 2 - concordant - x - y - both, x, y, both


def _counts_of(x: Floats, y: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Return the same counts for two columns of many values, from scipy's tau-b."""
    both = _ties(np.unique(np.column_stack([x, y]), axis=0, return_counts=True)[1]).sum()
    tied_x = _ties(np.unique(x, return_counts=True)[1]).sum()
    tied_y = _ties(np.unique(y, return_counts=True)[1]).sum()
    pairs = len(x) * (len(x) - 1) / 2
    untied = pairs - tied_x - tied_y + both
    from scipy.stats import kendalltau  # half a second to import

    tau = float(kendalltau(x, y).statistic) if tied_x < pairs and tied_y < pairs else 0.0
    gap = tau * np.sqrt((pairs - tied_x) * (pairs - tied_y))
    counts = ((untied + gap) / 2, (untied - gap) / 2, tied_x - both, tied_y - both, both)
    return tuple(np.array([count]) for count in counts)  # type: ignore[return-value]


def _ties(counts: Floats | Ints) -> Floats:
    """Return the pairs among `counts` things that are alike."""
    pairs: Floats = counts * (counts - 1) / 2
    return pairs


def _tau_b(c: Floats, d: Floats, x: Floats, y: Floats, both: Floats) -> Floats:
    untied = (c + d + x) * (c + d + y)
    return np.where(untied > 0, (c - d) / np.sqrt(np.where(untied > 0, untied, 1)), np.nan)


def _tau_c(n: Floats, used: Floats, c: Floats, d: Floats) -> Floats:
    defined = used > 1
    return np.where(defined, 2 * (c - d) / np.where(defined, n**2 * (used - 1) / np.maximum(used, 1), 1), np.nan)


def _accuracy(c: Floats, d: Floats, x: Floats, y: Floats, both: Floats) -> Floats:
    pairs = c + d + x + y + both
    return np.where(pairs > 0, (c + both) / np.where(pairs > 0, pairs, 1), np.nan)


def _each(formula: Callable[..., Floats]) -> PairFunction:
    return _resample_by_resample(lambda x, y: formula(*_counts_of(x, y)))


def _resample_by_resample(function: Callable[[Floats, Floats], Floats]) -> PairFunction:
    def of_weights(x: Floats, y: Floats, weights: Floats) -> Floats:
        times = np.rint(weights).astype(np.int64)
        return np.array([float(function(np.repeat(x, row), np.repeat(y, row))[0]) for row in times])

    return of_weights
