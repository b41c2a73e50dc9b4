"""A file as records, each with its place, whatever its encoding, delimiter or compression.

A line that cannot be read is kept as a reason, so that half of an export is half of it and not an error; a JSON
document that ends too early is an error, for nobody can say what it lacks.
"""

from __future__ import annotations

import json
import lzma
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from harness.errors import HarnessError
from harness.rating.files import limits
from harness.rating.files.documents import records_in
from harness.rating.files.table import Entry, Rows, Table, line_index, of_records, opened

Kind = Literal["json", "jsonl", "csv", "parquet"]
EXCEL = (".xlsx", ".xlsm")
PARQUET = (".parquet", ".pq")
BUFFER = 1 << 16
"""Bytes of a Parquet file that are read at once."""


@dataclass
class Source:
    """What a file holds."""

    path: Path
    kind: Kind
    """An Excel sheet counts as CSV: it has a header and cells."""
    entries: Sequence[Entry]
    unreadable: list[tuple[int, str]] = field(default_factory=list)
    """Row and reason of each record that cannot be read."""
    decimal_comma: bool = False
    notes: list[str] = field(default_factory=list)
    """What was assumed: an encoding, a delimiter."""
    files: list[tuple[str, int]] = field(default_factory=list)
    """Of several files as one, each, and how many records stand before its own."""

    @cached_property
    def table(self) -> Table:
        """The records as columns."""
        if isinstance(self.entries, Rows):
            return self.entries.table
        lines = [entry.line for entry in self.entries]
        numbered = [line for line in lines if line is not None]
        whole = bool(lines) and len(numbered) == len(lines)
        rows = pd.Index([entry.row for entry in self.entries], name="row", dtype="int64")
        return of_records([entry.record for entry in self.entries], line_index(numbered) if whole else rows)


def read_source(path: str | Path, records: str | None = None) -> Source:
    """Read a JSON, JSONL, CSV, Excel or Parquet file, compressed or not.

    Args:
        path: The file; what it is is seen from its contents, not from its name.
        records: For a JSON document that is no list: the path of the list in it.

    Raises:
        HarnessError: The file is not there, is empty, or is none of these.
    """
    from harness.rating.files import sheets

    path = Path(path)
    if path.is_dir():
        raise HarnessError(f"{path}: is a folder that is no run (no suite.yaml); see `harness doctor {path}`")
    try:
        with path.open("rb") as file:
            begin = file.read(4)
        if begin == b"PAR1" or path.suffix.lower() in PARQUET:
            return _parquet(path)
        limits.check_size(path, path.stat().st_size)
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise HarnessError(f"{path}: cannot be read: no such file") from error
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        content = limits.unpacked(path, content)
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise HarnessError(f"{path}: cannot be read: is compressed, but damaged or cut short ({error})") from error
    if content.startswith(b"PK\x03\x04"):
        if path.suffix.lower() not in EXCEL:
            raise HarnessError(
                f"{path}: is a zip archive or a spreadsheet; unpack it, or save the sheet as .xlsx or CSV"
            )
        table, notes = sheets.of_excel(path, content)
        return Source(path, "csv", Rows(table), notes=notes)
    text, notes = _decoded(content, path)
    if not text.strip():
        raise HarnessError(f"{path}: is empty; expected a header such as item_id,rater,criterion,value,rater_kind")
    first = text.lstrip()[0]
    source = (_json(path, text, records) or _jsonl(path, text)) if first in "[{" else sheets.of_csv(path, text)
    source.notes[:0] = notes
    return source


def _decoded(content: bytes, path: Path) -> tuple[str, list[str]]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16"), ["read as UTF-16"]
        except UnicodeDecodeError as error:
            raise HarnessError(f"{path}: begins as UTF-16 and goes on otherwise ({error.reason})") from error
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        if b"\x00" in content:
            raise HarnessError(f"{path}: is neither text nor Parquet") from None
        return content.decode("cp1252", errors="replace"), ["is not UTF-8: read as Windows-1252"]


def _json(path: Path, text: str, records: str | None) -> Source | None:
    from harness.rating.files.paths import MISSING, look_up

    try:
        document = limits.read_json(text)
    except ValueError as error:
        first = text.lstrip().splitlines()[0]
        if first.startswith("{") and len(text.strip().splitlines()) > 1 and _is_json(first):
            return None  # JSON Lines
        if not isinstance(error, json.JSONDecodeError):
            raise HarnessError(f"{path}: cannot be read: {error}") from error
        raise HarnessError(f"{path}:{error.lineno}: is not JSON ({error.msg}); was the export cut short?") from error
    if records and isinstance(document, dict):
        listed = look_up(records, {".": document})
        document = document if listed is MISSING else listed
    listed_records, notes = records_in(document)
    entries, unreadable = [], []
    for row, record in enumerate(listed_records, 1):
        if isinstance(record, dict):
            entries.append(Entry(row, None, _opened(record)))
        else:
            unreadable.append((row, f"is {type(record).__name__}, not a JSON object"))
    return Source(path, "json", entries, unreadable, notes=notes)


def _opened(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record as if its table had been CSV: JSON that stands in a text is read."""
    return {name: opened(cell) if isinstance(cell, str) else cell for name, cell in record.items()}


def _is_json(line: str) -> bool:
    try:
        limits.read_json(line)
    except json.JSONDecodeError:
        return False
    except ValueError:  # it is, but cannot be read for sure
        return True
    return True


def _jsonl(path: Path, text: str) -> Source:
    entries, unreadable = [], []
    row = 0
    for number, line in enumerate(text.split("\n"), 1):  # splitlines() would split at U+2028 inside a text
        if not line.strip():
            continue
        row += 1
        try:
            record: Any = limits.read_json(line)
        except ValueError as error:
            unreadable.append((row, f"line {number} is not JSON ({getattr(error, 'msg', error)})"))
            continue
        if isinstance(record, dict):
            entries.append(Entry(row, number, _opened(record)))
        else:
            unreadable.append((row, f"line {number} is {type(record).__name__}, not a JSON object"))
    return Source(path, "jsonl", entries, unreadable)


def _parquet(path: Path) -> Source:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # without buffers of whole columns
        file = pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=False, buffer_size=BUFFER)
        schema = file.schema_arrow
        limits.check_columns(path, len(schema.names))
        limits.check_size(path, 8 * file.metadata.num_rows)
        rows = pd.RangeIndex(1, file.metadata.num_rows + 1, name="row")
    except (pa.ArrowException, OSError, ValueError) as error:
        raise HarnessError(f"{path}: cannot be read as Parquet: {error}") from error

    @contextmanager
    def whole() -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError, ValueError, KeyError) as error:
            raise HarnessError(f"{path}: cannot be read as Parquet: {error}") from error

    def load(name: str) -> pa.ChunkedArray:
        with whole():
            column = file.read(columns=[name])[name]
            column.validate(full=True)
            if len(column) != len(rows):
                raise ValueError(f"the column {name!r} has {len(column):,} of {len(rows):,} rows")
            return column

    def stream(names: Sequence[str], some: int) -> Iterator[pa.RecordBatch]:
        with whole():
            seen = 0
            for piece in file.iter_batches(some, columns=list(names)):
                piece.validate(full=True)
                seen += len(piece)
                yield piece.select(list(names))
            if seen != len(rows):
                raise ValueError(f"the columns have {seen:,} of {len(rows):,} rows")

    orders = {}
    for one in schema:
        if pa.types.is_dictionary(one.type) and one.type.ordered:
            first = load(one.name).chunk(0)
            orders[one.name] = [str(word) for word in first.dictionary.to_pylist()]
    return Source(path, "parquet", Rows(Table(list(schema.names), load, rows, orders, stream=stream)))
