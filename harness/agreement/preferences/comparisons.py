"""Comparisons of two players, counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_array

from harness.errors import HarnessError
from harness.statistics import CHUNK, Floats, Ints


@dataclass(frozen=True)
class Comparisons:
    """Comparisons of two players, counted.

    Attributes:
        players: Their names, sorted.
        first: Of each cell the player with the smaller index.
        second: The other one.
        score: What the first got: 1 won, .5 tied, 0 lost, or a grade between.
        counts: Comparisons of each cell.
        cell: The cell of each comparison.
    """

    players: list[str]
    first: Ints
    second: Ints
    score: Floats
    counts: Ints
    cell: Ints

    @property
    def groups(self) -> int:
        """Groups of players without wins in both directions between them; 1 where all strengths are finite."""
        from scipy.sparse.csgraph import connected_components

        won, lost = self.score > 0, self.score < 1
        rows = np.concatenate([self.first[won], self.second[lost]])
        columns = np.concatenate([self.second[won], self.first[lost]])
        size = len(self.players)
        graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(size, size))
        return int(connected_components(graph, directed=True, connection="strong")[0])


def compare(
    first: Sequence[Any] | pd.Series[Any], second: Sequence[Any] | pd.Series[Any], score: Sequence[float] | Floats
) -> Comparisons:
    """Count comparisons.

    Args:
        first: The players on one side, shape (n,).
        second: The players on the other side.
        score: What the first got: 1 won, .5 tied, 0 lost, or a grade between.

    Raises:
        HarnessError: A score is not between 0 and 1, or a player is compared with itself.
    """
    value = np.asarray(score, dtype=float)
    if len(value) == 0 or not ((value >= 0) & (value <= 1)).all():
        wrong = value[~((value >= 0) & (value <= 1))]
        shown = f"a preference of {wrong[0]:g}" if len(wrong) else "no comparison"
        raise HarnessError(f"{shown}: each comparison needs a value between 0 (lost) and 1 (won)")
    codes, names = pd.factorize(pd.concat([pd.Series(first), pd.Series(second)], ignore_index=True), sort=True)
    a, b = codes[: len(value)], codes[len(value) :]
    if (a == b).any():
        raise HarnessError(f"{names[a[np.argmax(a == b)]]!r} is compared with itself: leave such rows out")
    swapped = a > b
    value = np.where(swapped, 1 - value, value)
    low, high = np.minimum(a, b), np.maximum(a, b)
    scores, level = np.unique(value, return_inverse=True)
    key = (low.astype(np.int64) * len(names) + high) * len(scores) + level
    used, cell, counts = _distinct(key, len(names) ** 2 * len(scores))
    pair, level = np.divmod(used, len(scores))
    return Comparisons(
        [str(name) for name in names], pair // len(names), pair % len(names), scores[level], counts, cell
    )


def _distinct(key: Ints, size: int) -> tuple[Ints, Ints, Ints]:
    """Return the distinct keys, the place of each key among them, and their counts: by a table where it is small."""
    if size > CHUNK:
        used, place, counts = np.unique(key, return_inverse=True, return_counts=True)
        return used, place, counts
    table = np.bincount(key, minlength=size)
    used = np.flatnonzero(table)
    moved = np.zeros(size, dtype=np.int64)
    moved[used] = np.arange(len(used))
    return used, moved[key], table[used]
