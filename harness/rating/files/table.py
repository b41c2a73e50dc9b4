"""A table of cells, the same whatever file it lay in: words as categories, trimmed and in one spelling; numbers.

Columns are made when they are asked for, so that of a large Parquet file only those that count are read. What is
empty is missing. A list or a mapping in a cell is JSON text, as annotation tools write it into CSV.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, overload

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from harness.rating.files.cells import plain
from harness.rating.files.limits import read_json
from harness.statistics import Ints

BLANKS = "".join(one for one in map(chr, range(0x3001)) if one.isspace()) + "\u200b\u2060\ufeff"
"""What is no part of a word at its ends: all that Unicode calls blank, and what has no width."""
DRAWN = "\ufe0f"
"""What says only that a sign is drawn as an emoji."""
HEAD = 64
"""So many rows are there without the rest being read: what a file is, is seen from them."""
PIECE, ROWS = 1 << 15, 1 << 12
"""Rows that are read at once where columns are read through, and where every record is made."""


@dataclass(frozen=True)
class Entry:
    """One record of a file."""

    row: int
    """Counted from 1; in a CSV the header is not counted."""
    line: int | None
    """The line in the file on which it begins, for files that have lines."""
    record: dict[str, Any]


@dataclass
class Table:
    """Columns of cells.

    Attributes:
        names: The columns, in the file's order.
        load: Gives a column as it stands in the file.
        index: The place of each row: its `line`, or its `row`.
        orders: Columns whose values have an order, which the file itself states, and that order.
        rows: The number of each row, where some rows of the file could not be read.
        stream: Gives several columns together, so many rows at once; where a file can do so without holding them.
        times: How often each row stands, where equal rows are one.
        opened: Columns whose cells were records, and the columns that stand in their place.
    """

    names: list[str]
    load: Callable[[str], pa.ChunkedArray]
    index: pd.Index[Any]
    orders: dict[str, list[str]] = field(default_factory=dict)
    rows: Sequence[int] | None = None
    stream: Callable[[Sequence[str], int], Iterator[pa.RecordBatch]] | None = None
    times: Ints | None = None
    opened: dict[str, list[str]] = field(default_factory=dict)
    _known: dict[str, pd.Series[Any]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.index)

    def pieces(self, names: Sequence[str], rows: int = PIECE) -> Iterator[pa.RecordBatch]:
        """Yield some columns together, at most so many rows at once."""
        if self.stream is not None:
            return self.stream(names, rows)
        columns = pa.table([self.load(name) for name in names], names=list(names))
        return iter(columns.to_batches(max_chunksize=rows))

    @cached_property
    def head(self) -> dict[str, list[Any]]:
        """The cells of the first rows."""
        if self.stream is None:
            return {name: self.load(name).slice(0, HEAD).to_pylist() for name in self.names}
        found: dict[str, list[Any]] = {name: [] for name in self.names}
        count = 0
        for piece in self.stream(self.names, HEAD):
            for name in self.names:
                found[name] += piece[name].to_pylist()
            count += len(piece)
            if count >= HEAD:
                break
        return found

    def column(self, name: str) -> pd.Series[Any]:
        """Return a column: floats, or categories of words; what is empty is missing."""
        return self._known[name] if name in self._known else self._keep(name, _cells(self._encoded(name)))

    def words(self, name: str) -> pd.Series[Any]:
        """Return a column as categories of words; numbers as people write them, long ids to their last digit."""
        known = self._known.get(name)
        if known is not None and isinstance(known.dtype, pd.CategoricalDtype):
            return known
        column = self._encoded(name)
        if not pa.types.is_integer(column.type) and not pa.types.is_floating(column.type):
            return self._keep(name, _cells(column))  # not loaded again: the file's text is the most of the memory
        encoded = column.combine_chunks().dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        names = pd.Index([plain(value) for value in encoded.dictionary.to_pylist()], dtype=object)
        return pd.Series(pd.Categorical.from_codes(codes, names), index=self.index, name=name)

    def _encoded(self, name: str) -> pa.ChunkedArray:
        """Return a column, of words their codes: the words themselves, most of the memory, are let go at once."""
        column = self.load(name)
        return column.dictionary_encode() if pa.types.is_string(column.type) else column

    def _keep(self, name: str, cells: Any) -> pd.Series[Any]:
        self._known[name] = pd.Series(cells, index=self.index, name=name)
        return self._known[name]


@dataclass(frozen=True)
class Rows(Sequence[Entry]):
    """The records of a table, each made when it is looked at."""

    table: Table

    def __len__(self) -> int:
        """Return how many records there are."""
        return len(self.table)

    @overload
    def __getitem__(self, place: int) -> Entry: ...
    @overload
    def __getitem__(self, place: slice) -> list[Entry]: ...
    def __getitem__(self, place: int | slice) -> Entry | list[Entry]:
        """Return one record, or some."""
        places = range(len(self))[place]
        if isinstance(places, range):
            return list(self._some(places))
        return next(self._some(range(places, places + 1)))

    def __iter__(self) -> Iterator[Entry]:
        """Yield every record."""
        start = 0
        for piece in self.table.pieces(self.table.names, ROWS):
            yield from self._made(range(start, start + len(piece)), piece.to_pydict())
            start += len(piece)

    def _some(self, places: range) -> Iterator[Entry]:
        if not len(places):
            return iter(())
        if max(places) < HEAD:
            cells = {name: [column[place] for place in places] for name, column in self.table.head.items()}
        else:
            at = np.asarray(places)
            cells = {name: self.table.load(name).take(at).to_pylist() for name in self.table.names}
        return self._made(places, cells)

    def _made(self, places: range, cells: Mapping[str, list[Any]]) -> Iterator[Entry]:
        numbered = self.table.index.name == "line"
        for row, place in enumerate(places):
            record = {name: opened(cells[name][row]) for name in self.table.names}
            number = place + 1 if self.table.rows is None else self.table.rows[place]
            yield Entry(number, int(self.table.index[place]) if numbered else None, record)


def of_records(records: Sequence[Mapping[str, Any]], index: pd.Index[Any]) -> Table:
    """Return records of one level as a table; a key that a record lacks is an empty cell."""
    names = list(dict.fromkeys(name for record in records for name in record))

    def load(name: str) -> pa.ChunkedArray:
        cells = [record.get(name) for record in records]
        kinds = {type(cell) for cell in cells if cell is not None}
        if kinds == {int} and all(abs(cell) < 2**63 for cell in cells if cell is not None):
            return pa.chunked_array([pa.array(cells, pa.int64())])
        if kinds == {float}:
            return pa.chunked_array([pa.array(cells, pa.float64())])
        return pa.chunked_array([pa.array([written(one) for one in cells], pa.string())])

    return Table(names, load, index)


SUMMARY = re.compile(
    r"(?i)(grand |(cohen|fleiss|krippendorff)('?s)? |weighted |percent(age)? )?(mean|means|average|averages|avg|total|"
    r"totals|sum|std|sd|stdev|median|count|n|alpha|kappa|agreement|icc|variance|mittelwert|durchschnitt|summe|gesamt|"
    r"anzahl|moyenne|somme|médiane|écart[- ]type|media|promedio|suma|média|soma|mediana|totale|gemiddelde|среднее|"
    r"итого|平均|平均值|合计|总计|总分|合計|평균|합계)( score| rating| value)?s?:?"
)
"""What stands in the first cell of a row that sums up those above it."""
MOST_SUMMARIES = 5
SHEET = 100_000
"""Larger tables are no sheets that people sum up."""


def without_summary(table: Table) -> tuple[Table, list[str]]:
    """Return a table without the rows at its end that sum it up, and what was left out."""
    if not table.names or not MOST_SUMMARIES < len(table) <= SHEET:
        return table, []
    first = [str(cell).strip() if cell is not None else "" for cell in table.load(table.names[0]).to_pylist()]
    end = len(first)
    while end > len(first) - MOST_SUMMARIES and SUMMARY.fullmatch(first[end - 1]):
        end -= 1
    if end == len(first):
        return table, []
    rows = table.rows[:end] if table.rows else None
    kept = Table(table.names, lambda name: table.load(name)[:end], table.index[:end], table.orders, rows)
    return kept, [f"left out, they sum up the rows above: {', '.join(first[end:])}"]


def without_ids(table: Table) -> tuple[Table, list[str]]:
    """Return a table without the rows under Qualtrics' header, up to the one with the questions' ids; and what is said.

    In a file they are seen as it is read; a frame of it, and what was saved of that, has them still.
    """
    told = [
        any(isinstance(cell, dict) and "ImportId" in cell for cell in one.record.values()) for one in Rows(table)[:3]
    ]
    if True not in told:
        return table, []
    first = told.index(True) + 1
    rows = table.rows[first:] if table.rows else None
    kept = Table(table.names, lambda name: table.load(name)[first:], table.index[first:], rows=rows)
    return kept, [f"{first} rows under the header left out: they say what the columns are (Qualtrics)"]


def clean(text: str) -> str:
    """Return a word without blanks at its ends, in Unicode's composed form."""
    return unicodedata.normalize("NFC", text).replace(DRAWN, "").strip(BLANKS)


def cleaned(words: pa.Array) -> pa.Array:
    """Return words, each as `clean` has it: what pyarrow called the composed form was the decomposed one until 26."""
    if pc.all(pc.string_is_ascii(words), min_count=0).as_py():
        return pc.utf8_trim(words, characters=BLANKS)
    return pa.array([word if word is None else clean(word) for word in words.to_pylist()], words.type)


def written(cell: Any) -> str | None:
    """Return a cell as CSV would hold it; None where it is empty."""
    if isinstance(cell, list | dict | tuple):
        return json.dumps(cell, ensure_ascii=False, default=str)
    return plain(cell)


def opened(cell: Any) -> Any:
    """Return a cell; JSON in a cell, as annotation tools write lists, is read."""
    if isinstance(cell, str) and cell[:1] in ("[", "{"):
        try:
            return read_json(cell)
        except ValueError:
            return cell
    return cell


def _cells(column: pa.ChunkedArray) -> Any:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = column.cast(kind) if pa.types.is_dictionary(column.type) else column
        return numbers.cast(pa.float64(), safe=False).to_numpy()
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _categories(column)
    return _categories(pa.chunked_array([pa.array(map(written, column.to_pylist()), pa.string())]))


def _categories(column: pa.ChunkedArray) -> pd.Categorical:
    """Return words as categories; one dictionary for all chunks, where merging one a chunk costs rows x chunks."""
    if pa.types.is_dictionary(column.type) and not _is_one(column):
        column = column.cast(column.type.value_type)
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    if not encoded.num_chunks:
        return pd.Categorical([])
    indices = [chunk.indices for chunk in encoded.chunks]
    chunks = [one.fill_null(-1).to_numpy() if one.null_count else one.to_numpy() for one in indices]
    codes = chunks[0] if len(chunks) == 1 else np.concatenate(chunks)
    dictionary = encoded.chunks[0].dictionary.cast(pa.string())
    words = cleaned(dictionary)
    if not words.equals(dictionary) or pc.any(pc.equal(words, "")).as_py():
        again = pc.if_else(pc.equal(words, ""), None, words).dictionary_encode()
        codes = np.append(again.indices.fill_null(-1).to_numpy(zero_copy_only=False), -1)[codes]
        words = again.dictionary
    return pd.Categorical.from_codes(codes, pd.Index(words.to_pandas(), dtype=object))


def _is_one(column: pa.ChunkedArray) -> bool:
    """Return whether all chunks have one dictionary."""
    chunks = column.chunks
    return bool(chunks) and all(chunk.dictionary.equals(chunks[0].dictionary) for chunk in chunks[1:])


def line_index(lines: Iterable[int] | range) -> pd.Index[Any]:
    """Return the lines of a file's rows as an index."""
    if isinstance(lines, range):
        return pd.RangeIndex(lines.start, lines.stop, name="line")
    return pd.Index(list(lines), name="line", dtype="int64")
