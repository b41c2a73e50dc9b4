"""Coefficients of lists: sets of what was ticked, and rankings.

A value is the JSON of a sorted list, or of a mapping from option to place. Two values are as far apart as a distance
says, 0 for the same to 1 for nothing in common; alpha, percent agreement and their intervals follow from it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np

from harness.agreement.coefficients.distances import alpha_by_distance
from harness.agreement.grid.patterns import additive, count_patterns
from harness.agreement.grid.units import Level, Units
from harness.statistics import Floats, Statistic

MANY_LISTS = 3_000
"""A distance is needed for each pair of different lists: refused above so many."""
Distance = Callable[[Any, Any], float]


def set_of(value: str) -> frozenset[str]:
    """Return the options of a set; a word that is no list is a set of one."""
    opened = _opened(value)
    return frozenset(map(str, opened)) if isinstance(opened, list) else frozenset([value])


def places_of(value: str) -> dict[str, float]:
    """Return the place of each option of a ranking."""
    opened = _opened(value)
    if isinstance(opened, dict):
        return {str(option): float(place) for option, place in opened.items()}
    return {str(option): float(place) for place, option in enumerate(opened if isinstance(opened, list) else [value])}


def _opened(value: str) -> Any:
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    """Return 1 - |A and B| / |A or B| (Jaccard 1901); two empty sets are the same."""
    return 1 - len(a & b) / len(a | b) if a | b else 0.0


def masi(a: frozenset[str], b: frozenset[str]) -> float:
    """Return 1 - Jaccard x monotonicity (Passonneau 2006): 1 equal, 2/3 one in the other, 1/3 sharing some, 0 apart."""
    monotone = 1.0 if a == b else 2 / 3 if a <= b or b <= a else 1 / 3 if a & b else 0.0
    return 1 - (1 - jaccard(a, b)) * monotone


def kemeny(a: dict[str, float], b: dict[str, float]) -> float:
    """Return the distance of two rankings with ties (Kemeny and Snell 1962), over the pairs of their common options.

    A pair in the other order counts 1, a pair that is tied in one of them alone a half; the mean over pairs.
    """
    shared = sorted(a.keys() & b.keys())
    if len(shared) < 2:
        return float(a != b)
    pairs = list(combinations(shared, 2))
    apart = [abs(np.sign(a[x] - a[y]) - np.sign(b[x] - b[y])) / 2 for x, y in pairs]
    return float(sum(apart)) / len(pairs)


def tau(a: dict[str, float], b: dict[str, float]) -> float:
    """Return Kendall's tau-b of two rankings over their common options; NaN where one ties all of them."""
    shared = sorted(a.keys() & b.keys())
    signs = [(np.sign(a[x] - a[y]), np.sign(b[x] - b[y])) for x, y in combinations(shared, 2)]
    mine, theirs = sum(abs(x) for x, _ in signs), sum(abs(y) for _, y in signs)
    return float(sum(x * y for x, y in signs) / np.sqrt(mine * theirs)) if mine and theirs else float("nan")


def matrix_of(units: Units, level: Level, distance: Distance | None = None) -> Floats | str:
    """Return the distance of each two values, by MASI for sets and Kemeny for rankings unless another is given."""
    if len(units.values) > MANY_LISTS:
        return "too_many_values"
    read: Callable[[str], Any] = set_of if level == "set" else places_of
    chosen: Distance = distance or (masi if level == "set" else kemeny)
    opened = [read(str(value)) for value in units.values]
    found = np.zeros((len(opened), len(opened)))
    for i, j in combinations(range(len(opened)), 2):
        found[i, j] = found[j, i] = chosen(opened[i], opened[j])
    return found


def alpha_of_lists(units: Units, level: Level, distance: Distance | None = None) -> Statistic | str:
    """Return Krippendorff's alpha with the distance of two lists in the place of the squared difference."""
    apart = matrix_of(units, level, distance)
    return apart if isinstance(apart, str) else alpha_by_distance(units, apart)


def alpha_jaccard(units: Units, level: Level) -> Statistic | str:
    """Return alpha of sets with Jaccard's distance: MASI's without the weight for one set inside the other."""
    return _unfit(units, level, "set") or alpha_of_lists(units, level, jaccard)


def overlap(units: Units, level: Level) -> Statistic | str:
    """Return the mean Jaccard similarity of pairs of sets of a unit: percent agreement that counts what is shared."""
    return _unfit(units, level, "set") or _mean_of_pairs(units, level, lambda a, b: 1 - jaccard(a, b))


def rank_tau(units: Units, level: Level) -> Statistic | str:
    """Return the mean tau-b of pairs of rankings of a unit."""
    return _unfit(units, level, "ranking") or _mean_of_pairs(units, level, tau)


def rank_w(units: Units, level: Level) -> Statistic | str:
    """Return Kendall's W with ties of the rankings of a unit, over its common options, averaged over units."""
    if reason := _unfit(units, level, "ranking"):
        return reason
    patterns = count_patterns(units)
    opened = [places_of(str(value)) for value in units.values]
    found = np.array(
        [_concordance([opened[code] for code in np.repeat(np.arange(len(row)), row)]) for row in patterns.rows]
    )
    return _mean(units, patterns, found)


def _concordance(rankings: list[dict[str, float]]) -> float:
    """Return W = 12 S / (m^2 (n^3 - n) - m T), S of the sums of ranks, T of each ranking's ties."""
    from scipy.stats import rankdata

    shared = sorted(set.intersection(*(set(one) for one in rankings)))
    n, m = len(shared), len(rankings)
    if n < 2:
        return float("nan")
    ranks = np.array([rankdata([one[option] for option in shared]) for one in rankings])
    ties = sum(float((t**3 - t).sum()) for t in (np.unique(row, return_counts=True)[1] for row in ranks))
    spread = float(((ranks.sum(axis=0) - m * (n + 1) / 2) ** 2).sum())
    bottom = m**2 * (n**3 - n) - m * ties
    return 12 * spread / bottom if bottom > 0 else float("nan")


def _mean_of_pairs(units: Units, level: Level, likeness: Distance) -> Statistic | str:
    alike = matrix_of(units, level, likeness)
    if isinstance(alike, str):
        return alike
    read: Callable[[str], Any] = set_of if level == "set" else places_of
    for place, value in enumerate(units.values):
        alike[place, place] = likeness(read(str(value)), read(str(value)))
    patterns = count_patterns(units)
    c = patterns.rows.astype(float)
    known = np.isfinite(alike).astype(float)
    pairs = np.einsum("pv,vw,pw->p", c, known, c, optimize=True) - c @ np.diag(known)
    total = np.einsum("pv,vw,pw->p", c, np.nan_to_num(alike), c, optimize=True) - c @ np.nan_to_num(np.diag(alike))
    return _mean(units, patterns, np.where(pairs > 0, total / np.where(pairs > 0, pairs, 1), np.nan))


def _mean(units: Units, patterns: Any, found: Floats) -> Statistic:
    there = np.isfinite(found)
    stats = np.column_stack([np.nan_to_num(found), there.astype(float)])

    def formula(sums: Floats) -> Floats:
        some = sums[:, 1] > 0
        return np.where(some, sums[:, 0] / np.where(some, sums[:, 1], 1), np.nan)

    return additive(units, patterns, stats, formula)


def _unfit(units: Units, level: Level, needed: Level) -> str | None:
    if len(units.raters) < 2:
        return "one_rater"
    if units.n_items == 0:
        return "no_overlap"
    return None if level == needed else f"needs_{needed}s"
