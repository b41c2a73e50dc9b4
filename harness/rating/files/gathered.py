"""A large table of ratings by what was rated: its different rows, but for the item, and which of them each item has.

Ten million ratings are a few hundred different rows: who, on which criterion, which value. The rules of rows are
applied to these alone. The items are grouped by DuckDB, which writes to disk what does not fit into its memory, so that
no column as long as the table is ever held.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from harness.errors import HarnessError
from harness.rating.files.layout import Layout
from harness.rating.files.table import PIECE, Table, cleaned
from harness.statistics import Ints, smallest

GATHERED_FROM = 1 << 20
"""Tables of so many rows are gathered."""
MOST_ROWS = 1 << 20
"""Tables that could have more different rows, by the values of each column, are not."""
SAID_BESIDE = ("rationale", "confidence", "error", "seconds", "created_at")
"""Columns that no agreement looks at."""
ALIKE = ("rater", "rater_kind", "criterion", "label", "scale", "status")
"""Columns, beside the value's, by which rows differ."""
MEMORY = "150MB"
"""What DuckDB takes; beyond, it writes to disk."""
CHUNK = 1 << 24
"""Rows that are grouped at once; of a longer table, the groups of all chunks are put together."""
WORD = 63
"""Bits of a number in which an item's ratings are written side by side."""
MOST_WORDS = 8


@dataclass(frozen=True)
class Cells:
    """Which of the different rows each unit has.

    Attributes:
        which: Shape (places, units): the different row, -1 where there is none. A place is a rater and a criterion.
        place: The place of each different row; -1 where it has none.
        times: How often each different row stands in the table.
        items: The name of each unit, in the order in which they first stand.
    """

    which: Ints
    place: Ints
    times: Ints
    items: pd.Index[Any]


@dataclass(frozen=True)
class Gathered:
    """Ratings by unit.

    Attributes:
        rows: The different rows as `read_any` gives rows, with their number in the column `DIFFERENT`.
        cells: Which of them each unit has.
    """

    rows: pd.DataFrame
    cells: Cells


DIFFERENT = "different"
"""The column of a frame with the number of the different row."""


@dataclass
class Different:
    """The different rows of a table, but for their items.

    Attributes:
        table: The rows, in the order in which they first stand; `times` says how often.
        whole: The table.
        item: The column of the items.
        kind: What it holds: words, or whole numbers.
        names: The columns by which rows differ.
        codes: The codes of each of these columns.
        key: The different row of each combination of codes, -1 of one that does not occur.
    """

    table: Table
    whole: Table
    item: str
    kind: pa.DataType
    names: Sequence[str]
    codes: list[_Codes]
    key: Ints


@dataclass
class _Codes:
    """Codes of a column's values, the same in each piece of it; 0 is nothing."""

    known: dict[Any, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return len(self.known) + 1

    def of(self, column: pa.Array) -> Ints:
        encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        values = [None if value is None or value != value else value for value in encoded.dictionary.to_pylist()]
        codes = [0 if value is None else self.known.setdefault(value, self.size) for value in values]
        indices = encoded.indices.fill_null(len(codes)).to_numpy(zero_copy_only=False)
        found: Ints = np.array([*codes, 0])[indices]
        return found


def different_rows(table: Table, layout: Layout) -> Different | None:
    """Return the different rows of a large table of one rating a row; None of others, and where they are too many."""
    beside = set(layout.fields) - {*ALIKE, *SAID_BESIDE}
    if len(table) < GATHERED_FROM or table.stream is None or beside or layout.sides or layout.answer:
        return None
    if len(layout.unit) != 1 or len(layout.cells) != 1:
        return None
    item, value = layout.unit[0], layout.cells[0].column
    kind = next(table.pieces([item], 1)).column(0).type
    if not (pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return None  # where a file has a list of its items, codes cost nothing
    names = list(dict.fromkeys([*(layout.fields[name] for name in ALIKE if name in layout.fields), value]))
    codes = [_Codes() for _ in names]
    found: dict[tuple[int, ...], int] = {}
    times: list[int] = []
    firsts: list[int] = []
    rows: list[pa.RecordBatch] = []
    start = 0
    for piece in table.pieces(names):
        if not all(_is_plain(one.type) for one in piece.columns):
            return None
        given = [one.of(piece[name]) for one, name in zip(codes, names, strict=True)]
        sizes = [one.size for one in codes]
        if np.prod(sizes, dtype=float) > MOST_ROWS:
            return None
        flat = np.ravel_multi_index(given, sizes)
        counts = np.bincount(flat)
        present = np.flatnonzero(counts)
        keys = list(zip(*(part.tolist() for part in np.unravel_index(present, sizes)), strict=True))
        first = {one: int(np.argmax(flat == at)) for one, at in zip(keys, present, strict=True) if one not in found}
        for new, row in sorted(first.items(), key=lambda one: one[1]):
            found[new] = len(times)
            times.append(0)
            firsts.append(start + row)
        if first:
            rows.append(piece.take(pa.array(sorted(first.values()))))
        for one, n in zip(keys, counts[present], strict=True):
            times[found[one]] += int(n)
        start += len(piece)
    key: Ints = np.full([one.size for one in codes], -1)
    key[tuple(np.array(list(found)).T)] = np.arange(len(found))
    columns = {name: pa.chunked_array([one[name] for one in rows]) for name in names}
    columns[item] = pa.chunked_array([pa.array(["-"] * len(times), pa.string())])  # told apart by the grouping alone
    few = Table([item, *names], columns.__getitem__, table.index[firsts], table.orders, times=np.array(times))
    return Different(few, table, item, kind, names, codes, key)


def cells_of(different: Different, frame: pd.DataFrame) -> Cells | None:
    """Return which of the different rows each unit has; None where a rater rated one twice, or an item has no name.

    Args:
        different: The rows.
        frame: The same as ratings, in their order.
    """
    rater, criterion = (frame[name].cat.codes.to_numpy().astype(np.int64) for name in ("rater", "criterion"))
    place = np.where((rater < 0) | (criterion < 0), -1, rater * (int(criterion.max(initial=0)) + 1) + criterion)
    used, place = np.unique(place, return_inverse=True)
    place = place - int(used[0] < 0)
    fields = _fields(place)
    if not fields or fields[-1].word >= MOST_WORDS:
        return None
    times = np.asarray(different.table.times)
    try:
        found = _read(_grouped(different, place, fields), fields)
    except MemoryError:  # more items than such tables have
        found = _read(_grouped(different, place, fields, limited=False), fields)
    if found is None or sum(np.count_nonzero(row >= 0) for row in found[0]) < times[place >= 0].sum():
        return None
    return Cells(found[0], place, times, found[1])


def _read(pieces: Iterator[pa.RecordBatch], fields: Sequence[_Field]) -> tuple[Ints, pd.Index[Any]] | None:
    """Return the different row of each place and unit, and the units' names; None where an item has no clean name."""
    parts, names = [], []
    for piece in pieces:
        named = _names(piece.column(0))
        if named is None:
            return None
        names.append(named)
        words = [column.to_numpy() for column in piece.columns[1:]]
        parts.append(np.stack([one.rows[(words[one.word] >> one.shift) & (len(one.rows) - 1)] for one in fields]))
    which = np.empty((len(fields), sum(map(len, names))), dtype=parts[0].dtype)
    end = which.shape[1]
    while parts:  # each is let go when it stands in its place
        part = parts.pop()
        which[:, end - part.shape[1] : end] = part
        end -= part.shape[1]
    return which, pd.Index(pd.array(pa.chunked_array(names), dtype=pd.StringDtype("pyarrow")))


@dataclass(frozen=True)
class _Field:
    """Where a place is written: the number and its bits; and the different row that each value there stands for."""

    word: int
    shift: int
    rows: Ints


def _fields(place: Ints) -> list[_Field]:
    """Return where each place is written, in the fewest numbers."""
    found: list[_Field] = []
    word = shift = 0
    for one in range(int(place.max()) + 1):
        mine = np.flatnonzero(place == one)
        bits = len(mine).bit_length()
        if shift + bits > WORD:
            word, shift = word + 1, 0
        rows = np.full(1 << bits, -1, dtype=smallest(len(place)))
        rows[1 : len(mine) + 1] = mine
        found.append(_Field(word, shift, rows))
        shift += bits
    return found


def _grouped(
    different: Different, place: Ints, fields: Sequence[_Field], limited: bool = True
) -> Iterator[pa.RecordBatch]:
    """Yield each item and its ratings as numbers, in the order in which items first stand."""
    import duckdb

    pieces = _Pieces(different, place, fields)
    words = pieces.schema.names[2:]
    grouped = ", ".join(["select item, min(row) as row", *(f"bit_or({name}) as {name}" for name in words)])
    ordered = ", ".join(["select item", *words])
    parts = -(-len(different.whole) // CHUNK)
    with tempfile.TemporaryDirectory() as folder:
        config: dict[str, Any] = {"memory_limit": MEMORY} if limited else {}
        config |= {"temp_directory": folder, "preserve_insertion_order": False}
        with duckdb.connect(f"{folder}/units", config=config) as engine:
            engine.execute("set enable_progress_bar = false")  # it would stand in stdout, before the JSON

            def keep(table: str, some: str) -> None:
                """Add groups of some rows to a table."""
                known = engine.execute("select 1 from duckdb_tables() where table_name = ?", [table]).fetchone()
                engine.execute(f"{f'insert into {table}' if known else f'create table {table} as'} {grouped} {some}")

            try:
                for _ in range(parts):
                    engine.register("ratings", pa.RecordBatchReader.from_batches(pieces.schema, pieces.next(CHUNK)))
                    if parts > 1:
                        keep("chunks", "from ratings group by item")
                for part in range(parts if parts > 1 else 0):  # so many items at a time as have room
                    keep("units", f"from chunks where hash(item) % {parts} = {part} group by item")
                units = "units" if parts > 1 else f"({grouped} from ratings group by item)"
                yield from engine.sql(f"{ordered} from {units} order by row").to_arrow_reader(PIECE)
            except duckdb.Error as error:
                if isinstance(error, duckdb.OutOfMemoryException) and limited:
                    raise MemoryError from error
                raise (pieces.fault or HarnessError(f"{error}")) from error


class _Pieces:
    """The items of a table and their ratings as numbers, piece by piece."""

    def __init__(self, different: Different, place: Ints, fields: Sequence[_Field]) -> None:
        words = np.zeros((fields[-1].word + 1, len(place) + 1), dtype=np.int64)  # the last serves -1
        for one in fields:
            mine = one.rows[one.rows >= 0]
            words[one.word, mine] = np.arange(1, len(mine) + 1) << one.shift
        self.words = words[:, different.key.ravel()]
        names = [f"word{n}" for n in range(len(words))]
        self.schema = pa.schema([("item", different.kind), *((name, pa.int64()) for name in ("row", *names))])
        self.fault: HarnessError | None = None
        """What was wrong with the file; DuckDB would say it in its own words."""
        self.pieces = self._read(different)

    def next(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Yield the next pieces, of so many rows of the file or a few more."""
        count = 0
        for size, piece in self.pieces:
            yield piece
            count += size
            if count >= rows:
                return

    def _read(self, different: Different) -> Iterator[tuple[int, pa.RecordBatch]]:
        start = 0
        sizes = [one.size for one in different.codes]
        try:
            for piece in different.whole.pieces([different.item, *different.names], PIECE):
                given = [one.of(piece[name]) for one, name in zip(different.codes, different.names, strict=True)]
                flat = np.ravel_multi_index(given, sizes)
                item, first = _runs(piece[different.item])
                told = [np.bitwise_or.reduceat(word[flat], first) for word in self.words]
                yield len(piece), pa.RecordBatch.from_arrays([item, start + first, *told], schema=self.schema)
                start += len(piece)
        except HarnessError as fault:
            self.fault = fault
            raise


def _runs(items: pa.Array) -> tuple[pa.Array, Ints]:
    """Return items without those that equal the one before, and where each stands: most files are sorted by item."""
    changes = pc.fill_null(pc.not_equal(items.slice(1), items.slice(0, len(items) - 1)), True)
    first = np.flatnonzero(np.append(True, changes.to_numpy(zero_copy_only=False)))
    return items.take(pa.array(first)) if len(first) < len(items) else items, first


def _is_plain(kind: pa.DataType) -> bool:
    """Return whether values of a kind are words or numbers, or codes of such."""
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    types = pa.types
    return any(one(plain) for one in (types.is_string, types.is_large_string, types.is_integer, types.is_floating))


def _names(column: pa.Array) -> pa.Array | None:
    """Return the items' names; None where one is missing, or is no word as it stands."""
    if column.null_count:
        return None
    if pa.types.is_integer(column.type):
        return column.cast(pa.large_string())
    clean = cleaned(column)
    if pc.any(pc.ends_with(column, ".0")).as_py():  # `3` and `3.0` may be one
        return None
    if not clean.equals(column) or pc.any(pc.equal(column, "")).as_py():
        return None
    words = clean.cast(pa.large_string())
    # without the mask of what is missing, which is the engine's own and would keep all that it gave with it
    return pa.Array.from_buffers(words.type, len(words), [None, *words.buffers()[1:]], 0, words.offset)
