"""Two series side by side: what one scored more than the other, item by item, over the rounds that both have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from harness.rounds.scores.grid import ScoreGrid, whole
from harness.rounds.scores.labels import Label
from harness.rounds.verdict.verdict import ENOUGH_UNITS
from harness.statistics import Floats


@dataclass(frozen=True)
class Difference:
    """Series a minus series b.

    Attributes:
        grid: The differences, as a grid of the rounds and items that both have; None with a reason.
        reason: Why they cannot be compared.
        rounds: The rounds that both have.
        n_seeds: Pairs of training seeds.
        note: What of the two was left out, empty where all their rounds are compared.
    """

    grid: ScoreGrid | None
    reason: str | None
    rounds: list[Label]
    n_seeds: int
    note: str

    @property
    def n_items(self) -> int:
        """Items that both have in all these rounds."""
        return 0 if self.grid is None else int(self.grid.rows.sum())

    @property
    def scope(self) -> str:
        """`run` with one training seed, `method` with several."""
        return "run" if self.n_seeds < 2 else "method"


def difference(a: ScoreGrid, b: ScoreGrid, scale: tuple[float, float] = (1.0, 1.0)) -> Difference:
    """Return series a minus series b, item by item and seed by seed; gold minus gold where both have gold.

    Args:
        a: A series.
        b: Another one on the same benchmark.
        scale: What each one's scores are multiplied by: what a point of theirs is worth.
    """
    rounds = [label for label in a.rounds if label in b.rounds]
    seeds = _paired_seeds(a, b)
    note = _left_out(a, b, rounds)
    reason = "no_common_rounds" if len(rounds) < 2 else "no_common_seeds" if not seeds else None
    if reason is not None:
        return Difference(None, reason, rounds, max(len(seeds), 1), note)
    items = a.items.intersection(b.items)

    def less(of: Callable[[ScoreGrid], Floats]) -> Floats:
        mine = _taken(a, of(a), items, rounds, [one for one, _ in seeds])
        return scale[0] * mine - scale[1] * _taken(b, of(b), items, rounds, [other for _, other in seeds])

    gold = None
    if a.gold is not None and b.gold is not None:
        gold = less(lambda grid: grid.scores if grid.gold is None else grid.gold)
    grid = ScoreGrid(
        benchmark=a.benchmark,
        series=f"{a.series} - {b.series}",
        rounds=rounds,
        seeds=list(range(len(seeds))),
        items=items,
        scores=less(lambda grid: grid.scores if gold is not None else grid.judged),
        gold=gold,
        cluster=None if a.cluster is None else a.cluster[a.items.get_indexer(items)],
        reach=scale[0] * a.spread() + scale[1] * b.spread(),
    )
    short = "too_few_items" if grid.units_of(grid.rows) < ENOUGH_UNITS else None
    if short is None and grid.units_of(grid.measured) < ENOUGH_UNITS:
        short = "too_few_gold"
    return Difference(grid, short, rounds, len(seeds), note)


def final_score(grid: ScoreGrid, place: int = -1) -> float:
    """Return the mean score of a round, the last where not said, over the items that the verdicts are on."""
    return float(np.mean(grid.judged[:, whole(grid.judged), place]))


def _paired_seeds(a: ScoreGrid, b: ScoreGrid) -> list[tuple[int, int]]:
    """Return the places of the seeds that both have; one seed each are a pair whatever their names."""
    if len(a.seeds) == len(b.seeds) == 1:
        return [(0, 0)]
    return [(place, b.seeds.index(seed)) for place, seed in enumerate(a.seeds) if seed in b.seeds]


def _taken(grid: ScoreGrid, values: Floats, items: pd.Index[Any], rounds: list[Label], seeds: list[int]) -> Floats:
    columns = [grid.rounds.index(label) for label in rounds]
    found: Floats = values[seeds][:, np.asarray(grid.items.get_indexer(items), dtype=np.int64)][:, :, columns]
    return found


def _left_out(a: ScoreGrid, b: ScoreGrid, shared: list[Label]) -> str:
    """Return what is said of series of different length: the rounds compared, and the final score of each."""
    if a.rounds == b.rounds or len(shared) < 2:
        return ""
    finals = " and ".join(f"{grid.series} {100 * final_score(grid):.1f} at {grid.rounds[-1]}" for grid in (a, b))
    return (
        f"only the {len(shared)} rounds that both have, {shared[0]} to {shared[-1]}, are compared "
        f"({a.series} has {len(a.rounds)}, {b.series} {len(b.rounds)}; final scores: {finals})"
    )
