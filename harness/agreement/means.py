"""Means by system: what people, and each other rater, give each group of answers, and how far these lie apart.

Plain means of ratings as they are; what people would say of answers that only an AI rated is `correct`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from harness.agreement.grid.units import LISTS, Level, Units
from harness.agreement.stand_in.systems import Score, difference, holm, score_of
from harness.run import people_and_ai
from harness.statistics import PPI, Bools, Floats, Ints, corrected_mean, number

MOST_GROUPS = 20
"""Up to so many groups each two are compared."""
PEOPLE = "people"


@dataclass(frozen=True)
class Means:
    """The means of one criterion.

    Attributes:
        criterion: The criterion.
        column: What the groups are of.
        rows: `rater, group, value, low, high, n, n_ratings, reason`: a row for people together (an item's mean over
            them first) and for each other rater, the highest first; `n` counts answers.
        differences: `rater, group_a, group_b, value, low, high, p, p_holm, n, paired`: on the `n` items that both
            groups have where there are two, else on all, unpaired; Holm's p over the groups of one rater.
        partly: People who rated answers of some groups only: their severity is then part of the differences.
        reason: Why there are no means.
    """

    criterion: str
    column: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    differences: list[dict[str, Any]] = field(default_factory=list)
    partly: list[str] = field(default_factory=list)
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "criterion": self.criterion,
            "by": self.column,
            "rows": self.rows,
            "differences": self.differences,
            "partly": self.partly,
            "reason": self.reason,
        }


def means_of(units: Units, level: Level, column: str, kinds: Mapping[str, str], *, compares: bool = False) -> Means:
    """Return the mean of each group of answers, with t intervals, and the differences of each two.

    Intervals resample nothing: the variance is that of items (of clusters, where there are some: several answers to
    one item, a document), with their number minus one degrees of freedom; shares of right-or-wrong answers are drawn
    towards a half by four items more (Agresti and Coull 1998). Differences go through the influence of each item on
    both means, so that what an item does to both cancels.

    Args:
        units: The ratings.
        level: Their level.
        column: The column of `units.further` with the group of each answer.
        kinds: Each rater's kind; who has none is a person.
        compares: Whether ratings compare two answers: these have no mean of one.
    """
    if units.numbers is None or level in LISTS or compares:
        return Means(units.criterion, column, reason="a_comparison" if compares else "not_numbers")
    told = pd.Series(units.further[column], dtype=object)
    groups = told.where(told.isna(), told.map(str)).to_numpy(object)
    names = sorted({name for name in groups if isinstance(name, str)})
    cluster = np.arange(len(groups)) if units.clusters is None else np.asarray(units.clusters)
    people, _ = people_and_ai(kinds, units.raters)
    others = [name for name in units.raters if name not in people]
    found = Means(units.criterion, column, partly=_partly(units, people, groups, names))
    for rater, members in [(PEOPLE, people), *((one, [one]) for one in others)]:
        if members:
            _add(found, rater, _ratings(units, members), groups, names, cluster)
    return found


def _ratings(units: Units, members: list[str]) -> tuple[Floats, Ints]:
    """Return each answer's mean over some raters, NaN where none rated it, and by how many."""
    grid = units.grid()[[units.raters.index(name) for name in members]]
    given = (~np.isnan(grid)).sum(axis=0)
    total = np.nansum(grid, axis=0)
    return np.where(given > 0, total / np.maximum(given, 1), np.nan), given


def _add(found: Means, rater: str, rated: tuple[Floats, Ints], groups: Any, names: list[str], cluster: Ints) -> None:
    """Add the rows of one rater."""
    score, given = rated
    share = bool(np.isin(score[given > 0], [0.0, 1.0]).all())
    rows, known = [], {}
    for name in names:
        mine = (groups == name) & (given > 0)
        row: dict[str, Any] = {"rater": rater, "group": name, **dict.fromkeys(("value", "low", "high"))}
        row |= {"n": int(mine.sum()), "n_ratings": int(given[mine].sum()), "reason": "no_ratings"}
        if mine.any():
            known[name] = mine
            row |= {**_mean(score, mine, cluster, share), "reason": None}
        rows.append(row)
    rows.sort(key=lambda row: -np.inf if row["value"] is None else row["value"], reverse=True)
    found.rows.extend(rows)
    order = [row["group"] for row in rows if row["group"] in known]
    if len(order) <= MOST_GROUPS:
        pairs = [_apart(score, a, b, known, cluster, share) for a, b in combinations(order, 2)]
        found.differences.extend({"rater": rater, **row} for row in holm(pairs))


def _mean(score: Floats, mine: Bools, cluster: Ints, share: bool) -> dict[str, float | None]:
    found = _estimate(score, mine, cluster, share)
    low, high = found.interval()
    return {"value": number(found.value), "low": number(low), "high": number(high)}


def _apart(score: Floats, a: str, b: str, known: Mapping[str, Bools], cluster: Ints, share: bool) -> dict[str, Any]:
    """Return the difference of two groups."""
    shared = np.intersect1d(cluster[known[a]], cluster[known[b]])
    paired = len(shared) > 1
    both = np.isin(cluster, shared) if paired else np.ones(len(cluster), bool)
    first, second = (_score(score, known[name] & both, cluster, share) for name in (a, b))
    n = len(shared) if paired else len(np.unique(cluster[known[a] | known[b]]))
    row = difference(a, b, first, second)
    value = {end: number(row[end]) for end in ("value", "low", "high", "p")}
    return {"group_a": a, "group_b": b, **value, "n": n, "paired": paired}


def _score(score: Floats, mine: Bools, cluster: Ints, share: bool) -> Score:
    return score_of(_estimate(score, mine, cluster, share), cluster[mine], cluster, cluster[mine])


def _estimate(score: Floats, mine: Bools, cluster: Ints, share: bool) -> PPI:
    """Return the mean of some answers: a corrected one in which every answer has a rating, and no proxy."""
    n = int(mine.sum())
    every = np.ones(n, dtype=bool)
    return corrected_mean(score[mine], np.zeros(n), every, cluster=_clusters(cluster, mine), share=share)


def _clusters(cluster: Ints, mine: Bools) -> Ints | None:
    """Return the clusters of some answers; None where each answer is one of its own."""
    own = np.unique(cluster[mine], return_inverse=True)[1]
    return own if len(own) > own.max(initial=-1) + 1 else None


def _partly(units: Units, people: list[str], groups: Any, names: list[str]) -> list[str]:
    rows = {name: units.codes[units.raters.index(name)] >= 0 for name in people}
    return [name for name, row in rows.items() if 0 < len(set(groups[row]) & set(names)) < len(names)]
