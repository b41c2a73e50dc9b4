"""Which rows of a frame of ratings count, and how they become units.

A long frame has the record's columns; of them only `item_id`, `rater` and `value` (or `label`) are needed. A row counts
where the rater gave a value. Self-agreement looks at repetitions; agreement between raters at the first rating
only. What does not count is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.agreement.grid.columns import Mask, codes_of, matching, values_of
from harness.agreement.grid.units import Level, Units, encode
from harness.errors import HarnessError, did_you_mean
from harness.rating import DIFFERENT, Cells, kind_of
from harness.records import RaterKind
from harness.run import aggregates, is_first, is_ok, unit_columns
from harness.statistics import Ints, first_rows, occurring, smallest


@dataclass(frozen=True)
class Ratings:
    """Rows that count, as codes.

    Attributes:
        unit: The unit of each row.
        rater: The rater of each row.
        criterion: The criterion of each row.
        value: The value of each row: numbers, or words.
        cluster: The cluster of each unit, or None.
        unit_names: Names of the units, in their order.
        raters: Names of the raters, sorted.
        criteria: Names of the criteria, sorted.
        kinds: The kind of each rater.
        left_out: Why rows do not count, and how many.
        strata: The stratum of each unit, or None.
        aggregates: Raters that are means over people, and so no people.
        further: The value of each unit in further columns.
        cells: Of a table that was gathered, which of the different rows each unit has; the rows here are these, and
            `different` says which.
    """

    unit: Ints
    rater: Ints
    criterion: Ints
    value: NDArray[Any]
    cluster: Ints | None
    unit_names: pd.Index[Any]
    raters: list[str]
    criteria: list[str]
    kinds: dict[str, RaterKind]
    left_out: dict[str, int] = field(default_factory=dict)
    strata: Ints | None = None
    aggregates: frozenset[str] = frozenset()
    further: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    cells: Cells | None = None
    different: Ints | None = None

    def units(self, criterion: str | None = None) -> Units:
        """Return one criterion's ratings as units; for None all, every item and criterion a unit of its own.

        Pooled units of one item form a cluster, unless clusters are given.
        """
        if self.cells is not None and self.different is not None and criterion is not None:
            return self._gathered(criterion, self.cells, self.different)
        if criterion is None:
            unit = self.unit.astype(np.int64) * len(self.criteria) + self.criterion
            return self._grid(unit, self.rater, self.value, "all", pooled=True)
        if len(self.criteria) == 1:
            return self._grid(self.unit, self.rater, self.value, criterion)
        rows = self.criterion == self.criteria.index(criterion)
        return self._grid(self.unit[rows], self.rater[rows], self.value[rows], criterion)

    def _gathered(self, criterion: str, cells: Cells, different: Ints) -> Units:
        mine = self.criterion == self.criteria.index(criterion)
        (given,), values = encode([self.value[mine]])
        codes = np.full(len(cells.place) + 1, -1, dtype=given.dtype)  # the last serves row -1
        codes[different[mine]] = given
        raters, first = np.unique(self.rater[mine], return_index=True)
        grid = np.empty((len(raters), cells.which.shape[1]), dtype=codes.dtype)
        rated = np.zeros(cells.which.shape[1], dtype=bool)
        for row, place in zip(grid, cells.place[different[mine][first]], strict=True):
            codes.take(cells.which[place], out=row, mode="wrap")
            rated |= row >= 0
        names = [self.raters[i] for i in raters]
        if rated.all():
            return Units(criterion, names, grid, values, cells.items)
        return Units(criterion, names, grid[:, rated], values, cells.items[rated])

    def _grid(self, unit: Ints, rater: Ints, value: NDArray[Any], criterion: str, pooled: bool = False) -> Units:
        place, used = _compact(unit)
        item = used // len(self.criteria) if pooled else used
        present, rows_of = _compact(rater)
        (codes,), values = encode([value])
        size = len(rows_of) * len(used)
        grid = _first(present.astype(smallest(size)) * len(used) + place, codes, size)
        grid = grid.reshape(len(rows_of), len(used))
        cluster = self.cluster[item] if self.cluster is not None else item if pooled else None
        strata = self.strata[item] if self.strata is not None else None
        raters = [self.raters[i] for i in rows_of]
        further = {name: column[item] for name, column in self.further.items()}
        return Units(criterion, raters, grid, values, self.unit_names[item], cluster, strata, further)


def _first(cell: Ints, codes: Ints, size: int) -> Ints:
    """Return the code of each cell, -1 where it has none; of several the first in the order of the rows.

    Writing to an index that stands twice keeps either, as numpy pleases: so each cell first gets its earliest row.
    """
    grid = np.full(size, -1, dtype=codes.dtype)
    grid[cell] = codes
    if np.count_nonzero(grid >= 0) < len(cell):
        again, first = np.unique(cell, return_index=True)
        grid[again] = codes[first]
    return grid


def _compact(codes: Ints) -> tuple[Ints, Ints]:
    """Return codes without gaps, and the original of each."""
    used = np.flatnonzero(occurring(codes, int(codes.max(initial=-1)) + 1))
    if len(used) and used[-1] + 1 == len(used):
        return codes, used
    place = np.full(used[-1] + 1 if len(used) else 0, -1, dtype=np.int64)
    place[used] = np.arange(len(used))
    return place[codes], used


def read(
    frame: pd.DataFrame,
    *,
    level: Level | None,
    raters: str | Sequence[str] | None = None,
    criterion: str | Sequence[str] | None = None,
    cluster: str | None = None,
    kind: str | Sequence[str] | None = None,
    strata: str | None = None,
    further: Sequence[str] = (),
    cells: Cells | None = None,
) -> Ratings:
    """Return the rows of a long frame that count.

    Args:
        frame: One row a rating, with the record's column names.
        level: Numbers are asked for unless it is nominal (or None).
        raters: Globs of the raters to keep.
        criterion: Globs of the criteria to keep.
        cluster: The column that names each unit's cluster; where not given, items that have several units are one.
        kind: Globs of the rater kinds to keep.
        strata: The column that names each unit's stratum.
        further: Further columns of which each unit has one value, to keep.
        cells: Which of the rows each unit has, of a table that was gathered; it has neither clusters nor strata.

    Raises:
        HarnessError: A column is missing, a glob matches nothing, a value is no number, nothing is left.
    """
    _check_columns(frame, cluster, strata, *further)
    names = {
        "rater": codes_of(frame["rater"]),
        "criterion": _codes_or(frame, "criterion", "rating"),
        "rater_kind": _kinds(frame),
    }
    keep = np.ones(len(frame), dtype=bool)
    for given, name in ((raters, "rater"), (criterion, "criterion"), (kind, "rater_kind")):
        if given:
            codes, known = names[name]
            keep &= matching(given, known, name)[codes]
    times = None if cells is None else cells.times[frame[DIFFERENT]]
    values, left_out = _that_count(frame, level, keep, names, times)
    rows = None if keep.all() else np.flatnonzero(keep)
    unit, unit_names = _unit_codes(frame, rows)
    rater, rater_names = _sorted(*names["rater"], rows)
    criteria, criterion_names = _sorted(*names["criterion"], rows)
    kinds, kind_names = names["rater_kind"]
    kinds = kinds if rows is None else kinds[rows]
    first = first_rows(rater, len(rater_names))
    return Ratings(
        unit=unit,
        rater=rater,
        criterion=criteria,
        value=values if rows is None else values[rows],
        cluster=_by_unit(frame, cluster, rows, unit, len(unit_names)) if cluster else _by_item(frame, rows, unit),
        unit_names=unit_names,
        raters=rater_names,
        criteria=criterion_names,
        kinds={name: kind_of(kind_names[kinds[row]]) for name, row in zip(rater_names, first, strict=True)},
        left_out=left_out,
        strata=_by_unit(frame, strata, rows, unit, len(unit_names)),
        further={name: _values_by_unit(frame, name, rows, unit, len(unit_names)) for name in further},
        aggregates=aggregates(frame),
        cells=cells,
        different=None if cells is None else frame[DIFFERENT].to_numpy()[keep],
    )


def _that_count(
    frame: pd.DataFrame,
    level: Level | None,
    keep: Mask,
    names: Mapping[str, tuple[Ints, list[str]]],
    times: Ints | None,
) -> tuple[NDArray[Any], dict[str, int]]:
    """Return the values of all rows; take from `keep` those that do not count, and say how many and why.

    Args:
        frame: The rows.
        level: The level.
        keep: The rows that are asked for.
        names: The codes and the names of raters, criteria and kinds.
        times: How often each row stands; once where not given.
    """
    left_out: dict[str, int] = {}

    def leave(reason: str, rows: Mask) -> None:
        gone = int(np.sum(keep & rows)) if times is None else int(times[keep & rows].sum())
        if gone:
            left_out[reason] = gone
            keep[rows] = False

    leave("no_verdict", ~is_ok(frame).to_numpy(bool))
    values = values_of(frame, level, keep)
    leave("no_value", pd.isna(values))
    leave("no_item", frame["item_id"].isna().to_numpy(bool))
    leave("no_name", np.any([codes < 0 for name, (codes, _) in names.items() if name != "rater_kind"], axis=0))
    if "repetition" in frame:
        if not pd.api.types.is_numeric_dtype(frame["repetition"]):
            raise HarnessError("column 'repetition': expected whole numbers from 0")
        leave("repetition", ~is_first(frame).to_numpy(bool))
    if not keep.any():
        shown = ", ".join(f"{n:,} {reason.replace('_', ' ')}" for reason, n in left_out.items())
        raise HarnessError(f"no rating with a value is left ({shown or 'the table is empty'})")
    return values, left_out


def _kinds(frame: pd.DataFrame) -> tuple[Ints, list[str]]:
    """Return the rater's kind of each row; who has none is a human."""
    codes, names = _codes_or(frame, "rater_kind", "human")
    return np.where(codes < 0, len(names), codes), [*names, "human"]


def _codes_or(frame: pd.DataFrame, name: str, default: str) -> tuple[Ints, list[str]]:
    return codes_of(frame[name]) if name in frame else (np.zeros(len(frame), np.int8), [default])


def _sorted(codes: Ints, names: list[str], rows: Ints | None) -> tuple[Ints, list[str]]:
    """Return the codes of some rows, counted anew in the order of the names that occur, and these names."""
    some = codes if rows is None else codes[rows]
    used = sorted(np.flatnonzero(occurring(some, len(names))), key=lambda code: names[code])
    place = np.zeros(len(names), dtype=smallest(len(names)))
    place[used] = np.arange(len(used))
    return place[some], [names[code] for code in used]


def _check_columns(frame: pd.DataFrame, *further: str | None) -> None:
    needed = ["item_id", "rater", "label" if "value" not in frame and "label" in frame else "value"]
    for name in [*needed, *filter(None, further)]:
        if name not in frame:
            raise HarnessError(f"the ratings have no column {name!r}.{did_you_mean(name, map(str, frame.columns))}")


def _unit_codes(frame: pd.DataFrame, rows: Ints | None) -> tuple[Ints, pd.Index[Any]]:
    """Return each row's unit and the items that the units belong to."""
    columns = unit_columns(frame)
    parts = []
    for name in columns:
        column = frame[name] if rows is None else frame[name].iloc[rows]
        if isinstance(column.dtype, pd.CategoricalDtype):
            parts.append((column.cat.codes.to_numpy(), column.cat.categories))
        else:
            parts.append(pd.factorize(column))
    if len(parts) == 1:
        return parts[0]
    unit = parts[0][0].astype(np.int64) + 1
    for codes, _ in parts[1:]:
        unit, _ = pd.factorize(unit * (int(codes.max(initial=0)) + 2) + codes + 1)
    firsts = np.unique(unit, return_index=True)[1]
    item, names = parts[columns.index("item_id")]
    return unit, names[item[firsts]]


def _by_item(frame: pd.DataFrame, rows: Ints | None, unit: Ints) -> Ints | None:
    """Return the item of each unit where items have several (responses, pairs of them); None where none has."""
    if not any(name in frame and frame[name].notna().any() for name in ("response_id", "against_id")):
        return None
    some = frame if rows is None else frame.iloc[rows]
    keys = [name for name in ("task", "item_id") if name in frame]
    item = np.empty(int(unit.max(initial=-1)) + 1, dtype=np.int64)
    item[unit] = some.groupby(keys, sort=False, observed=True, dropna=False).ngroup().to_numpy()
    return item if len(np.unique(item)) < len(item) else None


def _by_unit(frame: pd.DataFrame, name: str | None, rows: Ints | None, unit: Ints, units: int) -> Ints | None:
    """Return the group of each unit by a column: its cluster, or its stratum."""
    if name is None:
        return None
    column = frame[name] if rows is None else frame[name].iloc[rows]
    codes, _ = pd.factorize(column)
    if (codes < 0).any():
        item = frame["item_id"] if rows is None else frame["item_id"].iloc[rows]
        raise HarnessError(f"column {name!r}: item {item.iloc[int(np.argmax(codes < 0))]!r} has no value")
    cluster = np.full(units, -1, dtype=np.int64)
    cluster[unit] = codes
    if not np.array_equal(cluster[unit], codes):
        item = frame["item_id"] if rows is None else frame["item_id"].iloc[rows]
        wrong = item.iloc[int(np.argmax(cluster[unit] != codes))]
        raise HarnessError(f"column {name!r}: item {wrong!r} has more than one value")
    return cluster


def _values_by_unit(frame: pd.DataFrame, name: str, rows: Ints | None, unit: Ints, units: int) -> NDArray[Any]:
    """Return the value of each unit in a column."""
    codes = _by_unit(frame, name, rows, unit, units)
    column = frame[name] if rows is None else frame[name].iloc[rows]
    return np.asarray(pd.factorize(column)[1])[codes]


def criteria_of(ratings: Ratings, pool: bool) -> Iterator[Units]:
    """Yield the units of each criterion, or of all pooled."""
    if pool:
        yield ratings.units()
    else:
        for name in ratings.criteria:
            yield ratings.units(name)
