"""Units: what several raters rated, as one grid of small integers.

Raters are rows, so that a pass over one rater is a pass over adjacent bytes. A rating is the index of its value among
the values that occur; -1 is no rating. Everything in this room is computed from such a grid.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.statistics import Floats, Ints, counted, smallest

Made = TypeVar("Made")
Level = Literal["nominal", "ordinal", "interval", "ratio", "set", "ranking"]
LEVELS: tuple[Level, ...] = ("nominal", "ordinal", "interval", "ratio", "set", "ranking")
LISTS: tuple[Level, ...] = ("set", "ranking")
"""Levels whose values are lists; what knows labels and numbers alone takes them for labels."""

FEW_VALUES = 50
"""At most so many different values are handled as categories."""


@dataclass(frozen=True)
class Units:
    """Ratings of one criterion.

    Attributes:
        criterion: Its name.
        raters: Their names, one a row of `codes`.
        codes: Shape (raters, units): index into `values`, -1 where there is no rating.
        values: The values that occur, ascending: numbers, or words at the nominal level.
        names: Names of the units, or None where they are only numbered.
        clusters: The cluster of each unit, or None where units are independent.
        strata: The stratum of each unit, or None where there is one.
        scale: All values that there could be, ascending, also of a pair of the raters; None where only those that occur
            are known.
        further: The value of each unit in further columns.
    """

    criterion: str
    raters: list[str]
    codes: Ints
    values: NDArray[Any]
    names: pd.Index[Any] | None = None
    clusters: Ints | None = None
    strata: Ints | None = None
    further: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    scale: NDArray[Any] | None = None

    @cached_property
    def numbers(self) -> Floats | None:
        """The values as numbers; None where they are words."""
        return self.values.astype(float) if np.issubdtype(self.values.dtype, np.number) else None

    @property
    def continuous(self) -> bool:
        """Whether values are fractions, and many: equal ones are then chance, and to count them means nothing."""
        numbers = self.numbers
        return len(self.values) > FEW_VALUES and numbers is not None and bool(np.any(numbers != np.rint(numbers)))

    @cached_property
    def sizes(self) -> Ints:
        """Ratings of each unit."""
        sizes = np.zeros(self.codes.shape[1], dtype=np.int32)
        for row in self.codes:  # one at a time: of ten million units all are large
            sizes += row >= 0
        return sizes

    @cached_property
    def counts(self) -> Ints:
        """How often each rater gave each value, shape (raters, values)."""
        size = len(self.values)
        given = [counted(row[row >= 0], size) for row in self.codes]
        return np.stack(given) if given else np.zeros((0, size), dtype=np.int64)

    def once(self, name: Hashable, make: Callable[[], Made]) -> Made:
        """Return what was worked out from the ratings under a name, or work it out and keep it."""
        kept = self.__dict__.setdefault("_kept", {})
        if name not in kept:
            kept[name] = make()
        found: Made = kept[name]
        return found

    @property
    def n_items(self) -> int:
        """Units with at least two ratings."""
        return int(np.sum(self.sizes >= 2))

    @property
    def n_ratings(self) -> int:
        """Ratings of units with at least two."""
        return int(self.sizes[self.sizes >= 2].sum())

    def grid(self) -> Floats:
        """Return the ratings as numbers, shape (raters, units), NaN where there is none."""
        numbers = self.numbers
        if numbers is None:
            raise TypeError(f"{self.criterion}: its values are words")
        return np.where(self.codes >= 0, numbers[self.codes], np.nan)

    def of(self, raters: Sequence[str]) -> Units:
        """Return the ratings of some raters; values that none of them gives are left out."""
        rows = [self.raters.index(rater) for rater in raters]
        return replace(self, raters=list(raters), codes=self.codes[rows]).trimmed()

    def where(self, keep: NDArray[Any]) -> Units:
        """Return some of the units, by a mask or by their indices."""
        names = None if self.names is None else self.names[keep]
        clusters = None if self.clusters is None else np.unique(self.clusters[keep], return_inverse=True)[1]
        strata = None if self.strata is None else self.strata[keep]
        further = {name: column[keep] for name, column in self.further.items()}
        some = replace(self, codes=self.codes[:, keep], names=names, clusters=clusters, strata=strata, further=further)
        return some.trimmed()

    def trimmed(self) -> Units:
        """Return the same without values that nobody gives."""
        used = self.counts.sum(axis=0) > 0
        if used.all():
            return self
        place = np.append(np.cumsum(used) - 1, -1).astype(self.codes.dtype)  # the last serves index -1
        return replace(self, codes=place[self.codes], values=self.values[used])


def encode(columns: Sequence[NDArray[Any]]) -> tuple[list[Ints], NDArray[Any]]:
    """Turn columns of values into codes of one common scale.

    Args:
        columns: Numbers (NaN is missing) or objects (None is missing), one array a rater.

    Returns:
        The codes of each column, -1 where missing, and the values that occur, ascending.
    """
    if not all(np.issubdtype(column.dtype, np.number) or column.dtype == bool for column in columns):
        return _encode_words(columns)
    floats = [column if column.dtype.kind == "f" else column.astype(float) for column in columns]
    low = min((_or_zero(np.fmin.reduce(column)) for column in floats if len(column)), default=0.0)
    high = max((_or_zero(np.fmax.reduce(column)) for column in floats if len(column)), default=0.0)
    if high - low < 127:
        whole = [_encode_whole(column, low) for column in floats]
        if all(codes is not None for codes in whole):
            return _drop_unused([codes for codes in whole if codes is not None], low + np.arange(high - low + 1))
    values, flat = np.unique(np.concatenate(floats), return_inverse=True)
    count = int(np.sum(~np.isnan(values)))
    flat = np.where(flat < count, flat, -1).astype(smallest(count))
    return np.split(flat, np.cumsum([len(column) for column in floats])[:-1]), values[:count]


def _encode_whole(column: Floats, low: float, rows: int = 1 << 16) -> NDArray[np.int8] | None:
    """Return the codes of small whole numbers, block by block so that no copy of the column is made; else None."""
    codes = np.empty(len(column), dtype=np.int8)
    for start in range(0, len(column), rows):
        block = column[start : start + rows] - low
        block[np.isnan(block)] = -1
        codes[start : start + rows] = block
        if not np.array_equal(codes[start : start + rows], block):
            return None
    return codes


def _encode_words(columns: Sequence[NDArray[Any]]) -> tuple[list[Ints], NDArray[Any]]:
    flat, values = pd.factorize(np.concatenate([column.astype(object) for column in columns]), sort=False)
    words = np.array([str(value) for value in values], dtype=object)
    ascending, place = np.unique(words.astype(str), return_inverse=True)
    codes = np.where(flat >= 0, np.append(place, -1)[flat], -1).astype(smallest(len(ascending)))
    return np.split(codes, np.cumsum([len(column) for column in columns])[:-1]), ascending


def _drop_unused(columns: list[NDArray[np.int8]], values: Floats) -> tuple[list[Ints], Floats]:
    counts = np.sum([counted(column.view(np.uint8), 256) for column in columns], axis=0)
    used = counts[: len(values)] > 0
    if used.all():
        return list(columns), values
    place = np.full(256, -1, dtype=np.int8)
    place[: len(values)] = np.cumsum(used) - 1
    return [place[column] for column in columns], values[used]


def _or_zero(value: float) -> float:
    return 0.0 if np.isnan(value) else float(value)
