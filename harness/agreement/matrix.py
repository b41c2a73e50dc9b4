"""The matrix of a run: every pair of raters on what both rated.

In a run raters have criteria and scales of their own: an answer key says `correct`, a judge grades quality, ROUGE
counts words. Of two raters every criterion that both rated is compared; where they share none, each of one's criteria
with each of the other's. By labels where both scales are labels, by lists where both are lists of one kind, and by
rank elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd

from harness.agreement.coefficients.coefficients import compute
from harness.agreement.grid.level import SCALE_LEVEL
from harness.agreement.grid.units import LISTS, Level, Units, encode
from harness.run import UNIT, has_flag, is_first, is_ok, one_direction, settled
from harness.statistics import number

Row = dict[str, Any]
Column = dict[str, Any]

LABELS = {"binary", "nominal"}
WORDS = {"nominal", *LISTS}
"""Scales whose ratings are labels, with a number beside them or without."""


def pair_matrix(ratings: pd.DataFrame, *, resamples: int = 1000, seed: int = 0) -> list[Row]:
    """Return the agreement of each pair of raters of a run, task by task.

    What raters share is a response, or a pair of responses in either direction. The verdicts of a comparing rater in
    both orders count as one: what `settled` says, or their mean. Intervals cluster by item where an item has several
    responses.

    Args:
        ratings: Ratings as in a run.
        resamples: Bootstrap resamples; 0 gives no intervals.
        seed: Decides the draws.

    Returns:
        Rows `{task, rater_a, rater_b, criterion_a, criterion_b, n, percent_agreement, coefficient, value, low, high,
        reason, kappa}`, one each two raters and criterion that they share: alpha (nominal) where both scales are
        labels, alpha (ordinal) where both are preferences, alpha of sets or of rankings where both are lists, and
        Spearman's correlation elsewhere, where percent agreement is null. `kappa` is Cohen's (with quadratic weights
        for preferences) as `{value, low, high}`, null of lists and of correlations. Only pairs that share something.
    """
    ratings = settled(ratings)
    given = is_ok(ratings) & (ratings["value"].notna() | ratings["label"].notna())
    counted = ratings[given & is_first(ratings) & ~has_flag(ratings, "aggregate")]
    tasks = counted.groupby("task", sort=True, observed=True)
    return [{"task": str(task), **row} for task, group in tasks for row in _pairs(group, resamples, seed)]


def _pairs(group: pd.DataFrame, resamples: int, seed: int) -> Iterator[Row]:
    """Yield the rows of one task."""
    given: dict[str, dict[str, pd.DataFrame]] = {}
    for (rater, criterion), rows in group.groupby(["rater", "criterion"], sort=False, observed=True):
        given.setdefault(str(rater), {})[str(criterion)] = rows

    @cache
    def column(rater: str, criterion: str) -> Column:
        return _column(criterion, given[rater][criterion])

    for first, second in combinations(sorted(given), 2):
        for one, other in _compared(sorted(given[first]), sorted(given[second])):
            if row := _pair(column(first, one), column(second, other), resamples, seed):
                yield {"rater_a": first, "rater_b": second, **row}


def _compared(mine: list[str], others: list[str]) -> list[tuple[str, str]]:
    """Return which criteria of two raters are compared: like with like, all where nothing is alike."""
    shared = [name for name in mine if name in others]
    return [(name, name) for name in shared] or list(product(mine, others))


def _column(criterion: str, rows: pd.DataFrame) -> Column:
    """Return a rater's ratings of one criterion: its name, its scale, and by unit the values, and labels if all are."""
    mine = one_direction(rows)
    unit = [mine[name].fillna("") for name in UNIT[1:]]  # within a task
    scale = str(mine["scale"].iloc[0])
    by_unit = mine.groupby(unit, sort=False, observed=True)
    labels = by_unit["label"].first() if scale in WORDS and mine["label"].notna().all() else None
    return {"criterion": criterion, "scale": scale, "values": by_unit["value"].mean().dropna(), "labels": labels}


def _pair(a: Column, b: Column, resamples: int, seed: int) -> Row | None:
    """Return the row of two raters; None where they share nothing that can be compared."""
    words = a["scale"] == b["scale"] and a["labels"] is not None and b["labels"] is not None
    mine, theirs = (column["labels" if words else "values"] for column in (a, b))
    shared = mine.index.intersection(theirs.index, sort=False)
    if not len(shared):
        return None
    x, y = (series.reindex(shared).to_numpy(object if words else float) for series in (mine, theirs))
    scales = {a["scale"], b["scale"]}
    same = words or scales <= LABELS or scales == {"preference"}
    level: Level = SCALE_LEVEL[a["scale"]] if words else "nominal" if scales <= LABELS else "ordinal"
    coefficient = "alpha" if same else "spearman"
    item = pd.factorize(shared.get_level_values("item_id"))[0]
    clusters = item if len(np.unique(item)) < len(item) else None
    codes, values = encode([x, y])
    units = Units("", ["a", "b"], np.stack(codes), values, None, clusters)
    found = compute(coefficient, units, level, resamples=resamples, seed=seed)
    equal = compute("percent_agreement", units, level, resamples=0) if same else None
    name = "cohen_kappa" if level == "nominal" else "cohen_kappa_quadratic"
    kappa = compute(name, units, level, resamples=resamples, seed=seed) if same and level not in LISTS else None
    return {
        "criterion_a": a["criterion"],
        "criterion_b": b["criterion"],
        "n": len(shared),
        "percent_agreement": number(equal.value) if equal else None,
        "coefficient": coefficient,
        "value": number(found.value),
        "low": number(found.low),
        "high": number(found.high),
        "reason": found.reason,
        "kappa": {end: number(getattr(kappa, end)) for end in ("value", "low", "high")} if kappa else None,
    }
