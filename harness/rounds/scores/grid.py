"""Panels: the per-item scores of one series on one benchmark, item by round, read from a long frame.

A long frame has a row for every item, round and series; repeats of a cell are averaged first. Nothing is dropped in
silence: what cannot be compared is counted in a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from harness.errors import HarnessError
from harness.rounds.harms.diversity import answer_diversity
from harness.rounds.scores.checked import MEASURES, Notice, checked_scores, same_only, shown
from harness.rounds.scores.labels import Label, uneven
from harness.statistics import Bools, Floats, Ints, Moments, reach_of


@dataclass(frozen=True)
class ScoreGrid:
    """Scores of one series on one benchmark.

    Attributes:
        benchmark: The benchmark.
        series: The series.
        rounds: What the rounds are called, in order; they count by their place.
        seeds: The training seeds; [None] where none are named.
        items: Names of the items, sorted.
        scores: Shape (seeds, items, rounds), in [0, 1]; nan where missing. Of a difference of two series in [-1, 1].
        gold: Gold scores of the same shape, or None.
        cluster: The cluster of each item, or None.
        counts: Where there are repeated right-or-wrong answers, how many; of the shape of `scores`.
        measures: Grids of the shape of `scores`: those of `MEASURES` that are there, and of repeated texts the
            diversity, `distinct` and `vendi`.
        reach: How far a score can lie from the middle, see `Moments`; None for what the scores say.
    """

    benchmark: str
    series: str
    rounds: list[Label]
    seeds: list[Any]
    items: pd.Index[Any]
    scores: Floats
    gold: Floats | None
    cluster: Ints | None
    counts: Floats | None = None
    measures: dict[str, Floats] = field(default_factory=dict)
    reach: float | None = None

    @property
    def partly_gold(self) -> bool:
        """Whether only some items have gold scores in every round."""
        return self.gold is not None and int((whole(self.gold) & self.complete).sum()) < int(self.complete.sum())

    @property
    def judged(self) -> Floats:
        """What verdicts are on: gold where all items have it, else the scores (corrected by gold if there is some)."""
        return self.scores if self.gold is None or self.partly_gold else self.gold

    @property
    def complete(self) -> Bools:
        """Which items have a score in every round of every seed."""
        return whole(self.scores)

    @property
    def rows(self) -> Bools:
        """Which items the verdicts are on: those judged in every round of every seed."""
        return whole(self.judged)

    @property
    def labelled(self) -> Bools | None:
        """Which of `rows` have gold in every round, where only some have; else None."""
        return self.rows & whole(self.gold) if self.gold is not None and self.partly_gold else None

    @property
    def measured(self) -> Bools:
        """Which items tell the truth: those with gold where only some have it, else `rows`."""
        return self.rows if self.labelled is None else self.labelled

    def spread(self) -> float:
        """Return how far the scores that verdicts are on can lie from the middle of their scale."""
        if self.reach is not None:
            return self.reach
        source = self.judged if self.labelled is None or self.gold is None else self.gold
        return reach_of(source[:, self.measured])

    def moments(self) -> Moments:
        """Return the means of the rounds that verdicts are on, corrected by gold where some items have it."""
        rows, labelled, cluster = self.rows, self.labelled, self.clusters_of(self.rows)
        if labelled is None or self.gold is None:
            return Moments.of(self.judged[:, rows], cluster, self.spread())
        return Moments.corrected(self.scores[:, rows], self.gold[:, rows], labelled[rows], cluster, self.spread())

    def clusters_of(self, rows: Bools) -> Ints | None:
        """Return the clusters of some items."""
        return None if self.cluster is None else self.cluster[rows]

    def units_of(self, rows: Bools) -> int:
        """Return how many clusters some items are in, or how many they are without clusters."""
        return int(rows.sum()) if self.cluster is None else len(np.unique(self.cluster[rows]))


def score_grids(
    df: pd.DataFrame, score_range: tuple[float, float] = (0.0, 1.0), cluster: str | None = None
) -> tuple[list[ScoreGrid], list[Notice]]:
    """Return the score_grids of a long frame, and what of it could not be compared.

    Args:
        df: Columns item, round, score; optional series, benchmark, gold, seed, rater_version, text, embedding, and
            those of `SAME` and `MEASURES`.
        score_range: The lowest and highest score there can be; mapped to [0, 1].
        cluster: The column that says which items belong together.

    Raises:
        HarnessError: A column is missing, a value is no number or outside the range, the rounds have no order.
    """
    warnings: list[Notice] = []
    frame, labels = checked_scores(df, score_range, cluster)
    found = []
    for key, rows in frame.groupby(["benchmark", "series"], sort=True, observed=True):
        benchmark, series = map(str, key)
        rows = same_only(rows, benchmark, series, warnings)
        if not rows.empty:
            found.append(_panel(rows, labels, benchmark, series, cluster, warnings))
    if not found:
        raise HarnessError("no scores: the frame has no row with an item, a round and a series")
    return found, warnings


def _panel(
    rows: pd.DataFrame, labels: list[Label], benchmark: str, series: str, cluster: str | None, warnings: list[Notice]
) -> ScoreGrid:
    item, items = pd.factorize(rows["item"], sort=True)
    seeds, seed = [None], np.zeros(len(rows), dtype=np.int64)
    if "seed" in rows and rows["seed"].notna().any():
        seed, named = pd.factorize(rows["seed"], sort=True, use_na_sentinel=False)
        seeds = list(named)
    rounds = _shared_rounds(rows["round"].to_numpy(), seed, len(seeds), (benchmark, series), warnings)
    called = [labels[number] for number in rounds]
    if uneven(called):
        listed = ", ".join(map(str, called[:8])) + (", ..." if len(called) > 8 else "")
        message = f"{series} on {benchmark}: the rounds ({listed}) lie unevenly apart; each counts as one step"
        warnings.append({"code": "uneven_rounds", "message": message, "benchmark": benchmark, "series": series})
    place = np.searchsorted(rounds, rows["round"].to_numpy())
    known = np.isin(rows["round"].to_numpy(), rounds)
    shape = (len(seeds), len(items), len(rounds))
    cell = (seed * len(items) + item) * len(rounds) + np.minimum(place, len(rounds) - 1)
    return ScoreGrid(
        benchmark,
        series,
        called,
        seeds,
        pd.Index(items),
        _grid(cell, rows["score"].to_numpy(), known, shape),
        _grid(cell, rows["gold"].to_numpy(), known, shape) if "gold" in rows and rows["gold"].notna().any() else None,
        _clusters(rows, item, len(items), cluster) if cluster else None,
        _counts(cell, rows["score"].to_numpy(), known, shape),
        {name: _grid(cell, values, known, shape) for name, values in _measured(rows).items()},
    )


def _measured(rows: pd.DataFrame) -> dict[str, Floats]:
    found = {name: rows[name].to_numpy(float) for name in MEASURES if name in rows and rows[name].notna().any()}
    if "text" in rows and rows["text"].notna().any():
        cell = [name for name in ("seed", "item", "round") if name in rows]
        diversity = answer_diversity(rows.reset_index(drop=True), cell)
        if diversity is not None:
            found |= {str(name): diversity[name].to_numpy(float) for name in diversity}
        found.setdefault("length", rows["text"].str.len().to_numpy(float))
    return found


def _shared_rounds(number: Ints, seed: Ints, n_seeds: int, about: tuple[str, str], warnings: list[Notice]) -> Ints:
    """Return the rounds that every seed has; the others cannot be compared across seeds."""
    every = np.unique(number)
    shared = [r for r in every if len(np.unique(seed[number == r])) == n_seeds] if n_seeds > 1 else list(every)
    if not shared:
        raise HarnessError(f"{about[1]} on {about[0]}: the {n_seeds} training seeds have no round in common")
    if len(shared) < len(every):
        message = f"{about[1]} on {about[0]}: only the {len(shared)} rounds that all {n_seeds} seeds have are compared"
        warnings.append({"code": "rounds_differ", "message": message, "benchmark": about[0], "series": about[1]})
    return np.asarray(shared, dtype=np.int64)


def _grid(cell: Ints, values: Floats, known: Bools, shape: tuple[int, ...]) -> Floats:
    use = known & ~np.isnan(values)
    size = int(np.prod(shape))
    counts = np.bincount(cell[use], minlength=size)
    sums = np.bincount(cell[use], weights=values[use], minlength=size)
    with np.errstate(invalid="ignore"):
        means: Floats = (sums / counts).reshape(shape)
    return means


def _counts(cell: Ints, values: Floats, known: Bools, shape: tuple[int, ...]) -> Floats | None:
    use = known & ~np.isnan(values)
    counts = np.bincount(cell[use], minlength=int(np.prod(shape)))
    repeated = counts.max(initial=0) > 1 and bool(np.isin(values[use], (0.0, 1.0)).all())
    return counts.reshape(shape).astype(np.float64) if repeated else None


def _clusters(rows: pd.DataFrame, item: Ints, n_items: int, column: str) -> Ints:
    code, names = pd.factorize(rows[column], use_na_sentinel=False)
    found = np.full(n_items, -1, dtype=np.int64)
    found[item] = code
    torn = np.flatnonzero(found[item] != code)
    if len(torn):
        first = rows.iloc[int(torn[0])]
        raise HarnessError(
            f"item {shown(first['item'])} is in two clusters, {shown(names[found[item[torn[0]]]])} and "
            f"{shown(first[column])}"
        )
    return found


def whole(scores: Floats) -> Bools:
    """Return which items have a score in every round of every seed."""
    return np.asarray(~np.isnan(scores).any(axis=(0, 2)), dtype=np.bool_)


def by_benchmark(found: list[ScoreGrid]) -> Iterator[tuple[str, list[ScoreGrid]]]:
    """Yield each benchmark with its score_grids."""
    for benchmark in sorted({grid.benchmark for grid in found}):
        yield benchmark, [grid for grid in found if grid.benchmark == benchmark]
