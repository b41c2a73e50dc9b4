"""Errors that two raters share: judges of one family err together, and a majority of them is worth less than it seems.

Errors need a truth, and people who stand for it err as well. Whatever the reference gets wrong, both raters of a pair
seem to get wrong together: with one other person as the truth, two people with independent errors correlated at .84. So
the reference's own noise is taken out, which needs two other people at least.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from harness.agreement.grid.units import FEW_VALUES, Level, Units
from harness.agreement.stand_in.raters import dawid_skene, severity
from harness.statistics import Floats

FEWEST_OTHERS = 2
"""People beside the pair without whom their noise is not known."""
DECIMALS = 6
"""The error rates of labels are settled to about so many."""
FEWEST = 20
"""Items under which nothing is said."""


def error_correlation(units: Units, humans: Sequence[str], level: Level) -> list[dict[str, Any]]:
    """Return how far pairs of raters err on the same items, the noise of the people who stand for truth taken out.

    Numbers: Pearson's correlation of the distances from the other people's mean, less the variance of that mean, which
    their spread on each item gives. Labels: by how much the two agree more often than their error rates and independent
    errors would make them; the error rates are Dawid and Skene's, each from that rater and the other people alone.

    Returns:
        Rows `rater_a, rater_b, n, value, reason`; reason `too_few_people` below two people beside the pair.
    """
    labels = units.numbers is None or level == "nominal"
    rows = []
    for first, second in combinations(units.raters, 2):
        others = [name for name in humans if name not in (first, second)]
        head = {"rater_a": first, "rater_b": second}
        if len(others) < FEWEST_OTHERS:
            rows.append({**head, "n": 0, "value": None, "reason": "too_few_people" if others else "no_overlap"})
        else:
            shared = _of_labels(units, first, second, others) if labels else _of_numbers(units, first, second, others)
            rows.append({**head, **shared})
    return rows


def _of_numbers(units: Units, first: str, second: str, others: list[str]) -> dict[str, Any]:
    grid = units.grid()
    around = grid[[units.raters.index(name) for name in others]]
    a, b = (grid[units.raters.index(name)] for name in (first, second))
    count = np.sum(~np.isnan(around), axis=0)
    items = np.flatnonzero(~np.isnan(a) & ~np.isnan(b) & (count >= FEWEST_OTHERS))
    if len(items) < FEWEST:
        return {"n": len(items), "value": None, "reason": "too_few_items" if len(items) else "no_overlap"}
    around, count = around[:, items], count[items]
    mean = np.nanmean(around, axis=0)
    noise = float(np.mean(np.nansum((around - mean) ** 2, axis=0) / (count - 1) / count))
    of_a, of_b = a[items] - mean, b[items] - mean
    covered = np.cov(of_a, of_b) - noise
    return _correlation(float(covered[0, 1]), float(covered[0, 0]), float(covered[1, 1]), len(items))


def _of_labels(units: Units, first: str, second: str, others: list[str]) -> dict[str, Any]:
    if len(units.values) > FEW_VALUES:
        return {"n": 0, "value": None, "reason": "too_many_values"}
    known = np.sum(units.of(others).codes >= 0, axis=0) > 0
    a, b = (units.codes[units.raters.index(name)] for name in (first, second))
    items = np.flatnonzero((a >= 0) & (b >= 0) & known)
    if len(items) < FEWEST:
        return {"n": len(items), "value": None, "reason": "too_few_items" if len(items) else "no_overlap"}
    some = units.where(items)
    sides = []
    for name in (first, second):
        found = dawid_skene(some.of([name, *others]), others)
        if isinstance(found, str):
            return {"n": len(items), "value": None, "reason": found}
        sides.append((found, some.of([name, *others]).values))
    values = units.values
    (one, seen), (two, also) = sides
    prevalence = (_spread(one.prevalence, seen, values) + _spread(two.prevalence, also, values)) / 2
    tables = [_table(found.confusion[0], mine, values) for found, mine in sides]
    by_chance = float(prevalence @ (tables[0] * tables[1]).sum(axis=1))
    agreed = float(np.mean(a[items] == b[items]))
    of_a, of_b = (float(prevalence @ (np.diag(table) * (1 - np.diag(table)))) for table in tables)
    # of two labels, those who agree are both right or both wrong: agreement above chance is twice the shared errors
    return _correlation((agreed - by_chance) / 2, of_a, of_b, len(items))


def _spread(prevalence: Floats, mine: Any, values: Any) -> Floats:
    """Return the prevalence of all values, where some raters gave only some."""
    found = np.zeros(len(values))
    found[np.searchsorted(values, mine)] = prevalence
    return found


def _table(confusion: Floats, mine: Any, values: Any) -> Floats:
    found = np.zeros((len(values), len(values)))
    place = np.searchsorted(values, mine)
    found[np.ix_(place, place)] = confusion
    return found


def _correlation(shared: float, of_a: float, of_b: float, n: int) -> dict[str, Any]:
    if min(of_a, of_b) <= 1e-9:  # one of the two errs less than the people who stand for truth
        return {"n": n, "value": None, "reason": "no_errors"}
    value = float(np.clip(shared / (of_a * of_b) ** 0.5, -1, 1))
    return {"n": n, "value": round(value, DECIMALS), "reason": None}


def of_raters(units: Units, humans: list[str], level: Level) -> dict[str, Any]:
    """Return what is known of the raters of a criterion: accuracies, severities, shared errors; or why not."""
    accuracy, harshness = dawid_skene(units, humans), severity(units) if level != "nominal" else "needs_order"
    return {
        "criterion": units.criterion,
        "accuracy": accuracy if isinstance(accuracy, str) else accuracy.accuracy,
        "severity": harshness,
        "error_correlation": error_correlation(units, humans, level),
    }
