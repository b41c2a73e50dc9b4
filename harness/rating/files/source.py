"""A file as a list of records, each with its place, whatever its encoding, delimiter or compression.

A line that cannot be read is kept as a reason, so that half of an export is half of it and not an error; a JSON
document that ends too early is an error, for nobody can say what it lacks.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from harness.errors import HarnessError

Kind = Literal["json", "jsonl", "csv", "parquet"]
DELIMITERS = ",;\t|"
UNPACK: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ": lzma.decompress,
}


@dataclass(frozen=True)
class Entry:
    """One record of a file."""

    row: int
    """Counted from 1; in a CSV the header is not counted."""
    line: int | None
    """The line in the file on which it begins, for files that have lines."""
    record: dict[str, Any]


@dataclass
class Source:
    """What a file holds."""

    path: Path
    kind: Kind
    entries: list[Entry]
    unreadable: list[tuple[int, str]] = field(default_factory=list)
    """Row and reason of each record that cannot be read."""
    decimal_comma: bool = False
    notes: list[str] = field(default_factory=list)
    """What was assumed: an encoding, a delimiter."""


def read_source(path: str | Path, records: str | None = None) -> Source:
    """Read a JSON, JSONL, CSV or Parquet file, compressed or not.

    Args:
        path: The file; what it is is seen from its contents, not from its name.
        records: For a JSON document that is no list: the path of the list in it.

    Raises:
        HarnessError: The file is not there, is empty, or is none of these.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        for magic, unpack in UNPACK.items():
            if content.startswith(magic):
                content = unpack(content)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise HarnessError(f"{path}: is compressed, but damaged or cut short ({error})") from error
    if content.startswith(b"PAR1"):
        return _parquet(path, content)
    if content.startswith(b"PK\x03\x04"):
        raise HarnessError(f"{path}: is a zip archive or a spreadsheet; unpack it, or save the sheet as CSV")
    text, notes = _decoded(content, path)
    if not text.strip():
        raise HarnessError(f"{path}: is empty")
    begin = text.lstrip()[0]
    source = (_json(path, text, records) or _jsonl(path, text)) if begin in "[{" else _csv(path, text)
    source.notes[:0] = notes
    return source


def _decoded(content: bytes, path: Path) -> tuple[str, list[str]]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16"), ["read as UTF-16"]
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        if b"\x00" in content:
            raise HarnessError(f"{path}: is neither text nor Parquet") from None
        return content.decode("cp1252", errors="replace"), ["is not UTF-8: read as Windows-1252"]


def _json(path: Path, text: str, records: str | None) -> Source | None:
    from harness.rating.files.paths import MISSING, look_up

    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        first = text.lstrip().splitlines()[0]
        if first.startswith("{") and len(text.strip().splitlines()) > 1 and _is_json(first):
            return None  # JSON Lines
        raise HarnessError(f"{path}:{error.lineno}: is not JSON ({error.msg}); was the export cut short?") from error
    if records and isinstance(document, dict):
        listed = look_up(records, {".": document})
        document = document if listed is MISSING else listed
    if isinstance(document, dict):
        document = [document]
    entries, unreadable = [], []
    for row, record in enumerate(document, 1):
        if isinstance(record, dict):
            entries.append(Entry(row, None, record))
        else:
            unreadable.append((row, f"is {type(record).__name__}, not a JSON object"))
    return Source(path, "json", entries, unreadable)


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except json.JSONDecodeError:
        return False
    return True


def _jsonl(path: Path, text: str) -> Source:
    entries, unreadable = [], []
    row = 0
    for number, line in enumerate(text.split("\n"), 1):  # splitlines() would split at U+2028 inside a text
        if not line.strip():
            continue
        row += 1
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            unreadable.append((row, f"line {number} is not JSON ({error.msg})"))
            continue
        if isinstance(record, dict):
            entries.append(Entry(row, number, record))
        else:
            unreadable.append((row, f"line {number} is {type(record).__name__}, not a JSON object"))
    return Source(path, "jsonl", entries, unreadable)


def _csv(path: Path, text: str) -> Source:
    delimiter = _delimiter(text)
    csv.field_size_limit(2**31 - 1)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = [name.strip() for name in next(reader)]
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise HarnessError(f"{path}:1: the column {twice[0]!r} is there twice; give each column its own name")
    entries, unreadable = [], []
    row, line = 0, reader.line_num + 1
    try:
        for cells in reader:
            begin, line = line, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            row += 1
            if len(cells) == len(header):
                record = {name: _cell(cell) for name, cell in zip(header, cells, strict=True) if name}
                entries.append(Entry(row, begin, record))
            else:
                unreadable.append((row, f"line {begin} has {len(cells)} cells, the header has {len(header)}"))
    except csv.Error as error:
        raise HarnessError(f"{path}:{reader.line_num}: is not CSV ({error})") from error
    notes = [] if delimiter == "," else [f"columns are separated by {delimiter!r}"]
    return Source(path, "csv", entries, unreadable, decimal_comma=delimiter in ";\t", notes=notes)


def _delimiter(text: str) -> str:
    """Return the delimiter that the header has most of, outside quotes."""
    header, quoted = [], False
    for character in text:
        if character == '"':
            quoted = not quoted
        elif character in "\r\n" and not quoted:
            break
        elif not quoted:
            header.append(character)
    return max(DELIMITERS, key=header.count)


def _cell(cell: str) -> Any:
    """Return a cell; JSON in a cell, as annotation tools write lists, is read."""
    if cell[:1] in ("[", "{"):
        try:
            return json.loads(cell)
        except json.JSONDecodeError:
            return cell
    return cell


def _parquet(path: Path, content: bytes) -> Source:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(pa.BufferReader(content)).to_pylist()
    except pa.ArrowException as error:
        raise HarnessError(f"{path}: is not Parquet ({error})") from error
    return Source(path, "parquet", [Entry(row, None, record) for row, record in enumerate(rows, 1)])
