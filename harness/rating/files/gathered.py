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
from harness.rating.files.table import BLANKS, PIECE, Table
from harness.statistics import Ints, smallest

GATHERED_FROM = 1 << 20
"""Tables of so many rows are gathered."""
MOST_ROWS = 1 << 20
"""Tables that could have more different rows, by the values of each column, are not."""
SAID_BESIDE = ("rationale", "confidence", "error", "seconds", "created_at")
"""Columns that no agreement looks at."""
ALIKE = ("rater", "rater_kind", "criterion", "label", "scale", "status")
"""Columns, beside the value's, by which rows differ."""
MEMORY = "128MB"
"""What DuckDB takes; beyond, it writes to disk."""
WORD = 63
"""Bits of a number in which an item's ratings are written side by side."""
MOST_WORDS = 8
QUERY = "from ratings group by item order by min(row)"


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
    parts, names = [], []
    times = np.asarray(different.table.times)
    for piece in _grouped(different, place, fields):
        named = _names(piece.column(0))
        if named is None:
            return None
        names.append(named)
        words = [piece.column(word + 1).to_numpy() for word in range(fields[-1].word + 1)]
        parts.append(np.stack([one.rows[(words[one.word] >> one.shift) & (len(one.rows) - 1)] for one in fields]))
    which = np.concatenate(parts, axis=1)
    if np.count_nonzero(which >= 0) < times[place >= 0].sum():
        return None
    items = pd.Index(pd.array(pa.chunked_array(names), dtype=pd.StringDtype("pyarrow")))
    return Cells(which, place, times, items)


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


def _grouped(different: Different, place: Ints, fields: Sequence[_Field]) -> Iterator[pa.RecordBatch]:
    """Yield each item and its ratings as numbers, in the order in which items first stand."""
    import duckdb

    words = np.zeros((fields[-1].word + 1, len(place)), dtype=np.int64)
    for one in fields:
        mine = one.rows[one.rows >= 0]
        words[one.word, mine] = np.arange(1, len(mine) + 1) << one.shift
    named = [f"word{n}" for n in range(len(words))]
    schema = pa.schema([("item", different.kind), ("row", pa.int64()), *((name, pa.int64()) for name in named)])

    faults: list[HarnessError] = []

    def pieces() -> Iterator[pa.RecordBatch]:
        start = 0
        sizes = [one.size for one in different.codes]
        try:
            for piece in different.whole.pieces([different.item, *different.names], PIECE):
                given = [one.of(piece[name]) for one, name in zip(different.codes, different.names, strict=True)]
                rows = different.key.ravel()[np.ravel_multi_index(given, sizes)]
                columns = [piece[different.item], np.arange(start, start + len(piece)), *(word[rows] for word in words)]
                yield pa.RecordBatch.from_arrays(columns, schema=schema)
                start += len(piece)
        except HarnessError as fault:  # DuckDB would say it in its own words
            faults.append(fault)
            raise

    with tempfile.TemporaryDirectory() as folder:
        config: dict[str, Any] = {"memory_limit": MEMORY, "temp_directory": folder, "preserve_insertion_order": False}
        with duckdb.connect(config=config) as engine:
            engine.register("ratings", pa.RecordBatchReader.from_batches(schema, pieces()))
            taken = [f"bit_or({name})" for name in named]
            try:
                yield from engine.sql(" ".join(["select item,", ", ".join(taken), QUERY])).to_arrow_reader(PIECE)
            except duckdb.Error as error:
                raise (faults or [HarnessError(f"{error}")])[0] from error


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
    clean = pc.utf8_normalize(pc.utf8_trim(column, characters=BLANKS), "NFC")
    return column.cast(pa.large_string()) if clean.equals(column) and not pc.any(pc.equal(column, "")).as_py() else None
