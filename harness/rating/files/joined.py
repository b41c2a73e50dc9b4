"""Several files as one: their records one after the other, as if they stood in one file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from harness.errors import HarnessError
from harness.rating.files.source import Kind, Source, read_source
from harness.rating.files.table import Rows, Table, without_summary, written

SHEETS: tuple[Kind, ...] = ("csv", "parquet")
"""Kinds of files that are tables, ..."""
RECORDS: tuple[Kind, ...] = ("jsonl", "json")
"""... and those that are records; one record by itself is JSON in either. Of several kinds the first is said."""


def read_sources(paths: str | Path | Sequence[str | Path], records: str | None = None) -> Source:
    """Read a file, or several as one.

    Args:
        paths: The file, or files of one kind; sheets (CSV, Excel) and Parquet are tables alike.
        records: For JSON documents that are no list: the path of the list in it.

    Raises:
        HarnessError: A file cannot be read, or the files are of several kinds, or one is given twice.
    """
    if isinstance(paths, str | Path):
        return read_source(paths, records)
    if not paths:
        raise HarnessError("no file is given")
    seen: set[Path] = set()
    for path in map(Path, paths):
        if path.resolve() in seen:
            raise HarnessError(f"{path}: is given twice")
        seen.add(path.resolve())
    sources = [read_source(path, records) for path in paths]
    return sources[0] if len(sources) == 1 else _joined([*map(_without_summary, sources)])


def _without_summary(source: Source) -> Source:
    """Return a sheet without the rows at its end that sum it up: of the whole they would stand in the middle."""
    if not isinstance(source.entries, Rows):
        return source
    table, said = without_summary(source.entries.table)
    return replace(source, entries=Rows(table), notes=[*source.notes, *said]) if said else source


def _joined(sources: Sequence[Source]) -> Source:
    _check_alike(sources)
    first, starts = sources[0], [0]
    for source in sources:
        starts.append(starts[-1] + len(source.entries) + len(source.unreadable))
    each = list(zip(sources, starts, strict=False))
    entries: Any
    if first.kind in SHEETS:
        kept = [(source.table.rows or range(1, len(source.table) + 1), start) for source, start in each]
        numbers = (
            [start + row for rows, start in kept for row in rows] if any(one.unreadable for one in sources) else None
        )
        entries = Rows(_one_table([source.table for source in sources], numbers))
    else:
        entries = [replace(one, row=start + one.row, line=None) for source, start in each for one in source.entries]
    return Source(
        Path(f"{first.path} and {len(sources) - 1} more"),
        next(kind for kind in (*SHEETS, *RECORDS) if any(source.kind == kind for source in sources)),
        entries,
        [(start + row, f"{source.path.name}: {reason}") for source, start in each for row, reason in source.unreadable],
        any(source.decimal_comma for source in sources),
        list(dict.fromkeys(f"{source.path.name}: {note}" for source in sources for note in source.notes)),
        [(str(source.path), start) for source, start in each],
    )


def _check_alike(sources: Sequence[Source]) -> None:
    first = sources[0]
    for other in sources[1:]:
        if (other.kind in SHEETS) != (first.kind in SHEETS):
            raise HarnessError(f"{other.path}: is {other.kind}, and {first.path} {first.kind}: give files of one kind")
        if other.decimal_comma != first.decimal_comma:
            raise HarnessError(
                f"{other.path}: a comma is {'' if other.decimal_comma else 'not '}decimal in it, unlike in "
                f"{first.path}: give the files one at a time, or write them alike"
            )


def _one_table(tables: Sequence[Table], numbers: Sequence[int] | None) -> Table:
    """Return tables as one; a column that one lacks is empty there."""
    kinds: dict[str, list[pa.DataType]] = {}
    for table in tables:
        for field in next(table.pieces(table.names, 1), pa.record_batch({})).schema:
            kinds.setdefault(field.name, []).append(field.type)
    names = list(dict.fromkeys(name for table in tables for name in table.names))
    types = {name: _common(kinds.get(name, [])) for name in names}

    def load(name: str) -> pa.ChunkedArray:
        parts = [
            table.load(name) if name in table.names else pa.chunked_array([pa.nulls(len(table))]) for table in tables
        ]
        return pa.chunked_array([_as(chunk, types[name]) for part in parts for chunk in part.chunks], types[name])

    def stream(wanted: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
        for table in tables:
            for piece in table.pieces([name for name in wanted if name in table.names], rows):
                columns = [piece[name] if name in table.names else pa.nulls(len(piece)) for name in wanted]
                cells = [_as(column, types[name]) for column, name in zip(columns, wanted, strict=True)]
                yield pa.RecordBatch.from_arrays(cells, names=list(wanted))

    orders = [{name: table.orders.get(name) for name in table.names} for table in tables]
    same = {name: order for one in orders for name, order in one.items() if order}
    same = {name: order for name, order in same.items() if all(one.get(name, order) == order for one in orders)}
    count = sum(map(len, tables))
    index = pd.RangeIndex(1, count + 1, name="row") if numbers is None else pd.Index(numbers, name="row")
    streams = all(table.stream for table in tables)
    return Table(names, load, index, same, numbers, stream if streams else None)


def _common(kinds: Sequence[pa.DataType]) -> pa.DataType:
    """Return the type that holds values of several: numbers where all are, else words."""
    known = [kind for kind in dict.fromkeys(kinds) if not pa.types.is_null(kind)]
    if len(known) == 1:
        return known[0]
    if known and all(pa.types.is_integer(kind) for kind in known):
        return pa.int64()
    if known and all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in known):
        return pa.float64()
    return pa.large_string() if any(pa.types.is_large_string(kind) for kind in known) else pa.string()


def _as(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if column.type == kind:
        return column
    plain = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    words = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if words and not (pa.types.is_string(plain) or pa.types.is_large_string(plain) or pa.types.is_null(plain)):
        return pa.array([written(cell) for cell in column.to_pylist()], kind)
    return column.cast(kind)
