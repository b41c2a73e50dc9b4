"""Sheets: CSV with any delimiter, and Excel. A header, under it a row of cells for each record.

What tools put above and below the header is seen: a title, blank lines, and the two rows of Qualtrics that repeat the
question and its id.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from harness.errors import HarnessError
from harness.rating.files import limits
from harness.rating.files.cells import plain
from harness.rating.files.table import Rows, Table, line_index, without_ids
from harness.rating.files.two_rows import whole_header

if TYPE_CHECKING:
    from harness.rating.files.source import Source

DELIMITERS = ",;\t|"
TITLES = 10
"""A header stands in one of so many first lines."""
PLAIN_FROM = 1 << 20
"""Text of so many characters is given to the fast reader first."""


def of_csv(path: Path, text: str) -> Source:
    """Read CSV.

    Raises:
        HarnessError: It has a column twice, or is not CSV.
    """
    from harness.rating.files.source import Source

    csv.field_size_limit(2**31 - 1)
    if "\r" in text and "\n" not in text:
        text = text.replace("\r", "\n")
    delimiter = _delimiter(text)
    notes = [] if delimiter == "," else [f"columns are separated by {delimiter!r}"]
    begin = list(islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), TITLES))
    above, header = _header(iter(begin))
    if above:
        notes.append(f"{above} row{'s' * (above > 1)} above the header left out")
    limits.check_columns(path, len(header), above + 1)
    header, more, said = whole_header(header, begin[above + 1 :])
    names = _names(path, header, above + 1)
    found = _fast(text, delimiter, names) if len(text) > PLAIN_FROM and not above + more else None
    unreadable: list[tuple[int, str]] = []
    if found is None:
        found, unreadable = _exact(path, text, delimiter, names, above + more)
    notes += [*said, *_nameless(names, begin[above + more + 1 :])]
    table, below = without_ids(found)
    return Source(path, "csv", Rows(table), unreadable, decimal_comma=delimiter in ";\t", notes=[*notes, *below])


def of_excel(path: Path, content: bytes) -> tuple[Table, list[str]]:
    """Return the first sheet of an Excel file that has cells, and what was assumed.

    Raises:
        HarnessError: openpyxl is not installed, or cannot read it.
    """
    try:
        import openpyxl
    except ImportError as error:
        raise HarnessError(f"{path}: Excel needs openpyxl: pip install 'feedback-harness[excel]'") from error
    limits.check_archive(path, content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        read = {sheet.title: [[_excel(cell) for cell in row] for row in sheet.iter_rows()] for sheet in book.worksheets}
    except Exception as error:  # openpyxl raises what its parts raise
        raise HarnessError(f"{path}: cannot be read as Excel: {error}") from error
    limits.check_columns(path, max((len(row) for rows in read.values() for row in rows), default=0))
    filled = {title: rows for title, rows in read.items() if any(any(row) for row in rows)}
    if not filled:
        raise HarnessError(f"{path}: is empty; expected a header such as item_id,rater,criterion,value,rater_kind")
    sheets = {title: _sheet(path, rows) for title, rows in filled.items()}
    chosen = max(sheets, key=lambda title: len(sheets[title].rows))
    alike = [title for title, one in sheets.items() if one.names == sheets[chosen].names and one.rows]
    names, table, notes = sheets[chosen].names, sheets[chosen], list(sheets[chosen].notes)
    above = table.above
    if len(alike) > 1:
        names, table, note = _stacked(sheets, alike, names)
        notes.append(note)
    if len(filled) > len(alike):
        others = ", ".join(repr(title) for title in filled if title not in alike)
        notes.append(f"sheet{'s' * (len(alike) > 1)} {', '.join(map(repr, alike))} read, not {others}")
    if above:
        notes.append(f"{above} row{'s' * (above > 1)} above the header left out")
    found, below = without_ids(_table(names, table.rows, table.lines))
    return found, [*notes, *below]


@dataclass(frozen=True)
class _Sheet:
    """A sheet of an Excel file: the rows above its header, its columns, its rows and their lines."""

    above: int
    names: list[str]
    rows: list[list[str]]
    lines: list[int]
    notes: list[str] = field(default_factory=list)


def _sheet(path: Path, rows: list[list[str]]) -> _Sheet:
    above, header = _header(iter(rows[:TITLES]))
    header, more, said = whole_header(header, rows[above + 1 : TITLES])
    names = _names(path, header, above + 1)
    first = above + more + 1
    cells = [
        (line, row[: len(header)])
        for line, row in enumerate(rows[first:], first + 1)
        if any(cell.strip() for cell in row)
    ]
    said += _nameless(names, rows[first:TITLES])
    return _Sheet(above, names, [row for _, row in cells], [line for line, _ in cells], said)


def _stacked(sheets: dict[str, _Sheet], titles: list[str], names: list[str]) -> tuple[list[str], _Sheet, str]:
    """Return sheets of one header as one; their titles are the raters, where no column says who rated."""
    own = any(RATERS.fullmatch(name) for name in names) or all(NO_NAME.fullmatch(title) for title in titles)
    rows = [[*row, *([] if own else [title])] for title in titles for row in sheets[title].rows]
    lines = [line for title in titles for line in sheets[title].lines]
    shown = ", ".join(map(repr, titles[:5]))
    said = f"sheets {shown} have one header: read together" + ("" if own else ", each as a rater's")
    return [*names, *([] if own else ["rater"])], _Sheet(0, [], rows, lines), said


RATERS = re.compile(
    r"(?i)\W*(rater|annotator|worker|coder|judge|labell?er|evaluator|reviewer|user)([_\W]?(id|name))?\W*"
)
NO_NAME = re.compile(r"(?i)(sheet|tabelle|feuil|hoja|batch|part|page|data|results?)[\s_]*\d*")


def _excel(cell: Any) -> str:
    """Return an Excel cell as its sheet shows it in CSV."""
    value = cell.value
    if isinstance(value, int | float) and not isinstance(value, bool) and "%" in str(cell.number_format):
        return f"{100 * value:.15g}%"
    return plain(value) or ""


def _delimiter(text: str) -> str:
    """Return the delimiter that one of the first lines has most of, outside quotes."""
    counts = []
    for line in islice(_lines(text), TITLES):
        counts.append(max((line.count(mark), -place) for place, mark in enumerate(DELIMITERS)))
    return DELIMITERS[-max(counts[:1] if counts[0][0] else counts)[1]]


def _lines(text: str) -> Iterator[str]:
    """Yield lines without what stands between quotes."""
    line: list[str] = []
    quoted = False
    for character in text[: 1 << 20]:
        if character == '"':
            quoted = not quoted
        elif character == "\n" and not quoted:
            yield "".join(line)
            line = []
        elif not quoted:
            line.append(character)
    yield "".join(line)


def _header(rows: Iterator[list[str]]) -> tuple[int, list[str]]:
    """Return how many rows stand above the header, and the header: a title fills one cell, a header more."""
    first: list[str] = []
    for above, row in enumerate(rows):
        first = first or row
        if sum(bool(cell.strip()) for cell in row) > 1:
            return above, row
    return 0, first


def _nameless(names: list[str], rows: list[list[str]]) -> list[str]:
    """Return what is said of columns with cells and no name; the first is a table's own count of rows."""
    lost = [
        place for place, name in enumerate(names) if place and not name and any(row[place:][:1] != [""] for row in rows)
    ]
    return [f"left aside: column {', '.join(str(place + 1) for place in lost)}, which has no name"] if lost else []


def _names(path: Path, header: list[str], line: int) -> list[str]:
    names = [name.strip() for name in header]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise HarnessError(f"{path}:{line}: the column {twice[0]!r} is there twice; give each column its own name")
    return names


def _fast(text: str, delimiter: str, names: list[str]) -> Table | None:
    """Return a large table by Arrow's reader; None where some row is not as the header says, or a cell has lines."""
    import pyarrow.csv as arrow

    kinds = dict.fromkeys(map(str, range(len(names))), pa.string())
    content = text.encode()
    try:
        table = arrow.read_csv(
            pa.BufferReader(content),
            arrow.ReadOptions(column_names=list(kinds), skip_rows=1, block_size=1 << 24),
            arrow.ParseOptions(delimiter=delimiter, newlines_in_values='"' in text),
            arrow.ConvertOptions(column_types=kinds, strings_can_be_null=False),
        )
    except pa.ArrowInvalid:
        return None
    if text.rstrip("\n").count("\n") != len(table):
        return None
    columns = {name: table[place] for place, name in enumerate(names) if name}
    return Table(list(columns), columns.__getitem__, line_index(range(2, len(table) + 2)))


def _exact(path: Path, text: str, delimiter: str, names: list[str], above: int) -> tuple[Table, list[tuple[int, str]]]:
    """Return a table row by row, and the rows that have more or fewer cells than the header."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    for _ in range(above + 1):
        next(reader)
    rows: list[list[str]] = []
    lines, numbers, unreadable = list[int](), list[int](), list[tuple[int, str]]()
    row, line = 0, reader.line_num + 1
    try:
        for cells in reader:
            begin, line = line, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            row += 1
            if len(cells) == len(names):
                rows.append(cells)
                lines.append(begin)
                numbers.append(row)
            else:
                unreadable.append((row, f"line {begin} has {len(cells)} cells, the header has {len(names)}"))
    except csv.Error as error:
        raise HarnessError(f"{path}:{reader.line_num}: is not CSV ({error})") from error
    return _table(names, rows, lines, numbers if unreadable else None), unreadable


def _table(names: list[str], rows: list[list[str]], lines: list[int], numbers: list[int] | None = None) -> Table:
    columns = {
        name: pa.chunked_array([pa.array([row[place] for row in rows], pa.string())])
        for place, name in enumerate(names)
        if name
    }
    return Table(list(columns), columns.__getitem__, line_index(lines), rows=numbers)
