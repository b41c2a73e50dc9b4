"""Krippendorff's alpha with missing ratings, and its check against the `krippendorff` package.

alpha = 1 - (n - 1) sum_u d_u / E, where d_u is the disagreement within unit u, E that among all n ratings, both by the
distance of the level (Krippendorff, Content Analysis, 2019, chapter 12; Hayes and Krippendorff 2007).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.agreement.coefficients.distances import alpha_by_distance, one_minus
from harness.agreement.coefficients.lists import alpha_of_lists, matrix_of
from harness.agreement.grid.patterns import Patterns, additive, count_patterns, rating_patterns, weighted
from harness.agreement.grid.units import FEW_VALUES, LEVELS, LISTS, Level, Units, encode
from harness.statistics import Estimate, Floats, Statistic, estimate

AGREES = 1e-9
"""The largest difference from the `krippendorff` package that passes."""
CHECK_SIZE = 20_000_000
"""The package builds an array of items x values x values; above so many numbers a sample of items is checked."""
CHECK_SAMPLE = 10_000
"""At most so many items are sampled."""
FOUR_OBSERVERS = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
"""Twelve units by four observers, of Krippendorff, Computing Krippendorff's Alpha-Reliability (2011): nominal .743."""
MANY_VALUES = 3_000
"""Ratio alpha needs a distance for each pair of values: refused above so many."""


def alpha(units: Units, level: Level, *, resamples: int = 1000, seed: int = 0) -> Estimate:
    """Return Krippendorff's alpha with its interval.

    Args:
        units: The ratings.
        level: `nominal`, `ordinal`, `interval` or `ratio`.
        resamples: Bootstrap resamples; 0 gives no interval.
        seed: Decides the draws.
    """
    statistic = alpha_statistic(units, level)
    if isinstance(statistic, str):
        return Estimate(n=units.n_items, reason=statistic)
    return estimate(statistic, units.n_items, undefined="single_category", resamples=resamples, seed=seed)


def alpha_statistic(units: Units, level: Level) -> Statistic | str:
    """Return alpha as a statistic of items, or the reason why it is undefined."""
    if len(units.raters) < 2:
        return "one_rater"
    if units.n_items == 0:
        return "no_overlap"
    values = len(units.values)
    if level in LISTS:
        return alpha_of_lists(units, level)
    if level == "nominal":
        return "too_many_values" if units.continuous else _nominal(units)
    if units.numbers is None:
        return "not_numbers"
    if level == "interval":
        return _interval(units)
    if level == "ratio":
        return "too_many_values" if values > MANY_VALUES else _ratio(units)
    return _ordinal(units) if values <= FEW_VALUES else _ordinal_of_many(units)


def _nominal(units: Units) -> Statistic:
    patterns = count_patterns(units)
    c = patterns.rows.astype(float)
    m = c.sum(axis=1)
    d = (m**2 - (c**2).sum(axis=1)) / (m - 1)
    return additive(units, patterns, np.column_stack([d, m, c]), _nominal_formula)


def _nominal_formula(sums: Floats) -> Floats:
    d, n, per_value = sums[:, 0], sums[:, 1], sums[:, 2:]
    return one_minus((n - 1) * d, n**2 - (per_value**2).sum(axis=1), n**2)


def _interval(units: Units) -> Statistic:
    patterns, stats = _moments(units)
    m, s1, s2 = stats.T
    d = 2 * (m * s2 - s1**2) / (m - 1)
    return additive(units, patterns, np.column_stack([d, stats]), _interval_formula)


def _interval_formula(sums: Floats) -> Floats:
    d, n, s1, s2 = sums.T
    return one_minus((n - 1) * d, 2 * (n * s2 - s1**2), n * s2)


def _moments(units: Units) -> tuple[Patterns, Floats]:
    """Return patterns with the number, the sum and the sum of squares of their ratings, shape (patterns, 3)."""
    assert units.numbers is not None
    centred = units.numbers - units.numbers.mean()
    if len(units.values) <= FEW_VALUES:
        patterns = count_patterns(units)
        c = patterns.rows.astype(float)
        return patterns, np.column_stack([c.sum(axis=1), c @ centred, c @ centred**2])
    inside = units.sizes >= 2
    place = np.where(inside, np.cumsum(inside) - 1, -1) if units.clusters is not None else None
    patterns = Patterns(np.zeros((int(inside.sum()), 0), np.int64), np.ones(int(inside.sum()), np.int64), place)
    table = np.append(centred, 0.0)  # the last serves code -1
    stats = np.zeros((3, len(inside)))
    for row in units.codes:
        value = table[row]
        stats[0] += row >= 0
        stats[1] += value
        stats[2] += value**2
    return patterns, stats[:, inside].T


def _ordinal(units: Units) -> Statistic:
    """Return ordinal alpha from coincidences, whose ranks are taken anew in every resample."""
    patterns = count_patterns(units)
    c = patterns.rows.astype(float)
    m = c.sum(axis=1)
    first, second = np.triu_indices(c.shape[1])
    same = first == second
    together = c[:, first] * c[:, second]
    together[:, same] -= c
    stats = together / (m - 1)[:, None] * np.where(same, 1, 2)
    halves = np.zeros((len(first), c.shape[1]))  # how much of each coincidence falls to each value
    halves[np.arange(len(first)), first] += 0.5
    halves[np.arange(len(first)), second] += 0.5

    def formula(sums: Floats) -> Floats:
        per_value = sums @ halves
        rank = np.cumsum(per_value, axis=1) - per_value / 2
        return _by_distance(sums, (rank[:, first] - rank[:, second]) ** 2, per_value, rank)

    return additive(units, patterns, stats, formula)


def _by_distance(sums: Floats, distance: Floats, per_value: Floats, rank: Floats) -> Floats:
    n = per_value.sum(axis=1)
    s1, s2 = (per_value * rank).sum(axis=1), (per_value * rank**2).sum(axis=1)
    return one_minus((n - 1) * (sums * distance).sum(axis=1), 2 * (n * s2 - s1**2), n * s2)


def _ordinal_of_many(units: Units) -> Statistic:
    """Return ordinal alpha where values are many: ranks and disagreements anew for each resample."""
    patterns = rating_patterns(units)
    given = patterns.rows >= 0
    m = given.sum(axis=1)
    codes = np.where(given, patterns.rows, 0)
    values = len(units.values)

    def one(weights: Floats) -> float:
        per_value = np.bincount(
            codes[given], weights=np.broadcast_to(weights[:, None], codes.shape)[given], minlength=values
        )
        rank = np.cumsum(per_value) - per_value / 2 - per_value.sum() / 2
        mine = np.where(given, rank[codes], 0.0)
        d = 2 * (m * (mine**2).sum(axis=1) - mine.sum(axis=1) ** 2) / (m - 1)
        n = per_value.sum()
        e = 2 * (n * (per_value * rank**2).sum() - (per_value * rank).sum() ** 2)
        return 1 - (n - 1) * float(weights @ d) / e if e > 0 else float("nan")

    return weighted(units, patterns, lambda rows: np.array([one(row) for row in rows]))


def _ratio(units: Units) -> Statistic:
    assert units.numbers is not None
    total = units.numbers[:, None] + units.numbers
    distance = np.divide(units.numbers[:, None] - units.numbers, total, out=np.zeros_like(total), where=total != 0) ** 2
    return alpha_by_distance(units, distance)


def compare_alpha(units: Units, level: Level, seed: int = 0) -> dict[str, Any]:
    """Compare alpha with the `krippendorff` package, on all items or on as many as it can hold.

    Returns:
        `{"cross_check": full | sample | skipped, "difference", "n", "why"}`.

    Raises:
        RuntimeError: The two differ by more than `AGREES`.
    """
    n, values = units.n_items, len(units.values)
    if n == 0 or len(units.raters) < 2:
        return _check("skipped", 0, None, "no item with ratings of two raters")
    if n * values**2 <= CHECK_SIZE:
        return _compare(units, level, "full", "")
    if level in ("nominal", "ordinal", *LISTS) and values > FEW_VALUES:
        return _check("skipped", 0, None, f"{values:,} values: the package needs items x values^2 numbers")
    raters = len(units.raters)
    fits = CHECK_SIZE // values**2 if values <= FEW_VALUES else int((CHECK_SIZE / raters**2) ** (1 / 3))
    fits = min(fits, CHECK_SAMPLE)
    if fits < 3:
        return _check("skipped", 0, None, f"{values:,} values: not even three items fit")
    pairable = np.flatnonzero(units.sizes >= 2)
    chosen = np.sort(np.random.default_rng(seed).choice(pairable, min(fits, len(pairable)), replace=False))
    return _compare(units.where(chosen), level, "sample", f"{n:,} items x {values:,}^2 values do not fit")


def reference_alphas() -> dict[str, float]:
    """Return how far alpha is from the `krippendorff` package at each level, on the table of Krippendorff (2011).

    Raises:
        RuntimeError: The two differ by more than `AGREES`.
    """
    codes, values = encode([np.array([np.nan if one == "." else float(one) for one in row]) for row in FOUR_OBSERVERS])
    units = Units("four observers", list("abcd"), np.stack(codes), values, None, None)
    return {level: compare_alpha(units, level)["difference"] for level in LEVELS if level not in LISTS}


def _compare(units: Units, level: Level, extent: str, why: str) -> dict[str, Any]:
    import krippendorff

    ours = alpha(units, level, resamples=0).value
    numbers = np.arange(len(units.values), dtype=float) if units.numbers is None else units.numbers
    grid = np.where(units.codes >= 0, numbers[units.codes], np.nan).astype(np.float64)
    if not np.isfinite(ours):
        return _check("skipped", units.n_items, None, "alpha is undefined")
    measure: Any = level
    if level in LISTS:
        apart = matrix_of(units, level)
        measure = lambda v1, v2, i1, i2, n_v, dtype: np.asarray(apart, dtype)[i1, i2]  # noqa: E731  what the package calls a metric
    theirs = float(krippendorff.alpha(reliability_data=grid, level_of_measurement=measure))
    difference = abs(ours - theirs)
    if not difference <= AGREES:
        raise RuntimeError(
            f"alpha of {units.criterion!r} is {ours!r} here and {theirs!r} by the krippendorff package "
            f"({level}, {units.n_items:,} items): one of them is wrong; please report it with the data"
        )
    return _check(extent, units.n_items, difference, why)


def _check(extent: str, n: int, difference: float | None, why: str) -> dict[str, Any]:
    return {"cross_check": extent, "n": n, "difference": difference, "why": why or None}
