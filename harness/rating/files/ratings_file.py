"""A table of ratings, long or wide, in whatever file, becomes a frame with the record's column names.

The frame's index is the line of the file (or the row, where it has no lines), so that whoever finds a value that will
not do can say where it stands. Names come as categories: ten million ratings then fit in little memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd

from harness.errors import HarnessError, did_you_mean
from harness.rating.files.by_file import with_raters_of_files
from harness.rating.files.comparisons import settle_sides, sided, verdicts
from harness.rating.files.gathered import ALIKE, DIFFERENT, Cells, cells_of, different_rows
from harness.rating.files.layout import Layout, layout_of, with_records_opened
from harness.rating.files.mapping import Columns
from harness.rating.files.source import Source, read_source
from harness.rating.files.table import Table, without_ids, without_summary
from harness.rating.files.unit import item_names
from harness.rating.files.values import Meaning, Words, meaning
from harness.rating.files.wide import Cell
from harness.records import RaterKind, Scale
from harness.statistics import Ints

KINDS: tuple[RaterKind, ...] = get_args(RaterKind)
ALIASES: dict[str, RaterKind] = {
    "human*": "human",
    "llm*": "judge",
    "ai": "judge",
    "gold": "verifier",
    "unit_tests": "verifier",
}
"""What other people's files call the kinds; globs."""
PATTERNS: dict[str, RaterKind] = {**{kind: kind for kind in KINDS}, **ALIASES}
KIND_INDEX: pd.Index[str] = pd.Index([str(kind) for kind in KINDS])
AGGREGATE = "human_aggregate"
"""A mean over people: human, flag `aggregate`."""
NAMES = (
    "task",
    "item_id",
    "response_id",
    "against_id",
    "rater",
    "rater_kind",
    "criterion",
    "label",
    "scale",
    "order",
    "status",
)
"""Columns of the record that hold names."""
ASIDE_SHOWN = 8
"""At most so many columns that are left aside are named with their reasons."""


def kind_of(word: str) -> RaterKind:
    """Return the kind of rater that a word of another file means.

    Raises:
        HarnessError: None.
    """
    for pattern, kind in PATTERNS.items():
        if fnmatchcase(word.lower(), pattern):
            return kind
    raise HarnessError(
        f"no kind of rater {word!r}.{did_you_mean(word, KINDS)} Also taken: {', '.join(ALIASES)}; "
        "say which raters are judges with --ai"
    )


def read_ratings(
    source: str | Path | Source,
    *,
    item: str | Sequence[str] = (),
    rater: str | None = None,
    criterion: str | None = None,
    value: str | None = None,
    kind: str | None = None,
    ai: str | Sequence[str] | None = None,
    also: Sequence[str] = (),
    words: Words | None = None,
    columns: Columns | None = None,
) -> pd.DataFrame:
    """Read a table of ratings.

    Args:
        source: A CSV, Excel, JSON, JSON Lines or Parquet file.
        item: The column with the item, or several that together say what was rated.
        rater: The column with the rater.
        criterion: The column with the criterion; where there is none, all are of the criterion `rating`.
        value: The column with the value: numbers, or words, which become `label`.
        kind: The column with the rater's kind; where there is none, all raters are human.
        ai: Globs of raters that are judges.
        also: Further columns to take along.
        words: What the user says about words: which are missing, which mean another.
        columns: All that is said about columns, in the place of the five above.

    Returns:
        Columns `item_id, rater, criterion, value` (float64, NaN where there is no number), `rater_kind`, `flags` where
        a rater is an aggregate, `label` where some values are words, `scale` where it is more than the numbers say, and
        what the file has of the record's other columns. The index is the line, or row, of the file; `attrs["path"]` is
        the file, `attrs["notes"]` what was assumed.

    Raises:
        HarnessError: The file cannot be read, lacks a column, or names a kind that is none.
    """
    unit = (item,) if isinstance(item, str) else tuple(item)
    said = columns or Columns(item=unit, rater=rater, criterion=criterion, value=value, kind=kind)
    source = source if isinstance(source, Source) else read_source(source)
    found = read_table(source, said, words, ai, also)
    found.frame.attrs.update(path=str(source.path), notes=found.notes)
    return found.frame


@dataclass(frozen=True)
class TableRatings:
    """What a table of ratings holds.

    Attributes:
        frame: One row a rating.
        rows: The row of the file of each.
        rejected: Rows of the file that are no rating, and why.
        notes: What was assumed.
        cells: Which of the rows each unit has, of a table that was gathered.
    """

    frame: pd.DataFrame
    rows: Ints
    rejected: list[tuple[int, str]]
    notes: list[str]
    cells: Cells | None = None

    @property
    def count(self) -> int:
        """How many ratings there are."""
        return len(self.frame) if self.cells is None else int(self.cells.times.sum())


def read_table(
    source: Source,
    said: Columns | None = None,
    words: Words | None = None,
    ai: str | Sequence[str] | None = None,
    also: Sequence[str] = (),
    strict: bool = True,
    gather: bool = False,
) -> TableRatings:
    """Read a table of ratings.

    Args:
        source: The file.
        said: What is said about columns.
        words: What is said about words.
        ai: Globs of raters that are judges.
        also: Further columns to take along.
        strict: Refuse words for the rater's kind that are none, instead of leaving their rows out.
        gather: Give the different rows of a large table and which of them each unit has, where that can be.

    Raises:
        HarnessError: A column is not there, or names a kind that is none.
    """
    said, words = said or Columns(), words or Words()
    where = f"{source.path}:1" if source.kind == "csv" else str(source.path)
    table, below = without_ids(source.table)
    table, summed = without_summary(table)
    below += summed
    if not len(table):
        raise HarnessError(f"{source.path}: has no ratings, only a header")
    table, opened = with_records_opened(table, said)
    table, named = with_raters_of_files(table, source, said, where)
    opened += named
    layout = layout_of(table, said.model_copy(update={"beside": tuple(also)}), where)
    for name in also:
        if name not in table.names and name not in layout.fields:
            raise HarnessError(f"{where}: has no column {name!r}.{did_you_mean(name, table.names)}")
    different = different_rows(table, layout) if gather and strict and not also else None
    if different:
        beside = {name: column for name, column in layout.fields.items() if name in ALIKE}
        frame, found = _stacked(source, different.table, replace(layout, fields=beside), said, words, also)
        if cells := cells_of(different, frame):
            frame = _with_kinds(frame, source.path, ai).assign(**{DIFFERENT: np.arange(len(frame))})
            return TableRatings(frame, cells.times, [], _notes(source, [*below, *opened], layout, found), cells)
    frame, found = _stacked(source, table, layout, said, words, also)
    numbers = np.arange(1, len(table) + 1) if table.rows is None else np.asarray(table.rows)
    rows: Ints = np.tile(numbers, len(layout.cells)) if len(layout.cells) > 1 else numbers
    rejected = list(source.unreadable)
    if not strict and "rater_kind" in frame:
        wrong = _wrong_kinds(frame["rater_kind"])
        unfit = frame["rater_kind"].isin(list(wrong)).to_numpy()
        rejected += [
            (int(row), wrong[str(word)]) for row, word in zip(rows[unfit], frame["rater_kind"][unfit], strict=True)
        ]
        frame, rows = frame[~unfit], rows[~unfit]
        frame["rater_kind"] = frame["rater_kind"].cat.remove_categories(list(wrong))
    frame = _with_kinds(frame, source.path, ai)
    return TableRatings(frame, rows, rejected, _notes(source, [*below, *opened], layout, found))


def _notes(source: Source, below: Sequence[str], layout: Layout, found: Meaning) -> list[str]:
    return [*source.notes, *below, *layout.notes, *_aside(layout), *found.notes]


def _aside(layout: Layout) -> list[str]:
    """Return what is said of columns that are not compared."""
    if not layout.aside:
        return []
    shown = [f"{name} ({why})" if why else name for name, why in list(layout.aside.items())[:ASIDE_SHOWN]]
    more = f" and {len(layout.aside) - ASIDE_SHOWN} more" if len(layout.aside) > ASIDE_SHOWN else ""
    choose = "--raters" if layout.wide else "--value or --criteria"
    return [f"left aside: {', '.join(shown)}{more}; {choose} takes others"]


def _stacked(
    source: Source, table: Table, layout: Layout, said: Columns, words: Words, also: Sequence[str]
) -> tuple[pd.DataFrame, Meaning]:
    """Return a frame of one row a rating: the columns of ratings, one under the other."""
    times = len(layout.cells)
    columns: dict[str, Any] = {"item_id": item_names(table, layout.unit)}
    if len(layout.unit) == 1 and len(columns["item_id"].cat.categories) < len(
        table.words(layout.unit[0]).cat.categories
    ):
        layout.notes.append(f"{layout.unit[0]}: numbers are written as 3 and as 3.0, which is taken for the same item")
    parts: list[pd.Series[Any]] = []
    meant, swapped = None, np.zeros(0, dtype=bool)
    if layout.sides:
        parts = [table.words(cell.column) for cell in layout.cells]
        meant = sided(table, layout.sides, sorted({str(word) for part in parts for word in part.dropna().unique()}))
        if meant is None:  # nobody can say which side a value means: the two orders are compared each by itself
            layout.notes.append(
                f"{parts[0].name} does not say which side won: the two orders of a pair are compared each by itself"
            )
            layout.answer = (*layout.answer, layout.sides.first, layout.sides.second)
        else:
            layout.notes.append(
                f"comparisons of {layout.sides.first} and {layout.sides.second}: a pair is one unit, told from the "
                "side that comes first by name"
            )
            sides, swapped = settle_sides(table, layout.sides, columns["item_id"])
            columns |= sides
    for name, column in layout.fields.items():
        if name in ("response_id", "against_id", "order") and name in columns:
            continue
        columns[name] = table.words(column) if name in NAMES else table.column(column)
    if layout.answer and "response_id" not in columns:
        columns["response_id"] = item_names(table, (*layout.unit, *layout.answer))
    columns |= {name: table.column(name) for name in also if name not in columns}
    index = table.index if times == 1 else table.index.append([table.index] * (times - 1))
    index = index.rename(table.index.name)
    given = {name: _repeated(column, times, index) for name, column in columns.items()}
    frame = pd.DataFrame(given, index=index, copy=False)
    raters, criteria = (
        [cell.rater or said.rater_name for cell in layout.cells],
        [cell.criterion for cell in layout.cells],
    )
    if any(raters):
        frame["rater"] = _each(raters, len(table))
    if any(criteria) or "criterion" not in frame:
        plain = "rating" if meant is None else "preference"
        frame["criterion"] = _each([name or plain for name in criteria], len(table))
    if items := [cell.item for cell in layout.cells if cell.item]:
        frame["item_id"] = _each(items, len(table))
    if layout.sides and meant is not None:
        told = np.concatenate([part.astype(object).where(part.notna(), None).to_numpy(object) for part in parts])
        value = verdicts(told, meant, table, layout.sides, swapped)
        known: dict[str, Scale] = {str(name): "preference" for name in frame["criterion"].cat.categories}
        found = Meaning(value, np.full(0, None, dtype=object), known)
    else:
        found = _read_values(source, table, layout.cells, frame, words)
    frame["value"] = found.value
    label = frame.get("label")
    if label is not None or pd.notna(found.label).any():
        spoken = pd.Series(found.label, index=frame.index, dtype=object)
        frame["label"] = spoken if label is None else label.astype(object).where(label.notna(), spoken)
    if found.scale:
        frame["scale"] = frame["criterion"].map(found.scale).astype("category")
    if "repetition" in frame:
        frame["repetition"] = pd.to_numeric(frame["repetition"], errors="coerce").fillna(0).astype("int64")
    return frame, found


def _repeated(column: pd.Series[Any], times: int, index: pd.Index[Any]) -> Any:
    if times == 1:
        return column.set_axis(index)
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = np.tile(column.cat.codes.to_numpy(), times)
        return pd.Series(pd.Categorical.from_codes(codes, column.cat.categories), index=index)
    return pd.Series(np.tile(column.to_numpy(), times), index=index)


def _each(names: Sequence[str | None], rows: int) -> pd.Categorical:
    """Return one name for each column of ratings, under one another."""
    known = list(dict.fromkeys(names))
    codes = np.repeat(np.array([known.index(name) for name in names], dtype=np.int16), rows)
    return pd.Categorical.from_codes(codes, pd.Index(known, dtype=object))


def _read_values(source: Source, table: Table, cells: Sequence[Cell], frame: pd.DataFrame, words: Words) -> Meaning:
    """Return what all columns of ratings say."""
    columns = [table.column(cell.column) for cell in cells]
    spoken = [column for column in columns if isinstance(column.dtype, pd.CategoricalDtype)]
    if not spoken and not words.missing and not words.recode:
        numbers = (
            np.concatenate([column.to_numpy(float) for column in columns])
            if len(columns) > 1
            else columns[0].to_numpy(float)
        )
        infinite = np.isinf(numbers)
        return Meaning(
            np.where(infinite, np.nan, numbers) if infinite.any() else numbers, np.full(0, None, dtype=object)
        )
    parts = [table.words(cell.column) for cell in cells]
    told: pd.Index[Any] = pd.Index([], dtype=object)
    for part in parts:
        told = told.union(part.cat.categories, sort=False)
    codes = np.concatenate(
        [np.append(told.get_indexer(part.cat.categories), -1)[part.cat.codes.to_numpy()] for part in parts]
    )
    criterion = frame["criterion"].cat
    names = [str(name) for name in criterion.categories]
    at: Ints = criterion.codes.to_numpy()
    found = meaning(
        codes, list(map(str, told)), np.where(at < 0, 0, at), names, words, source.decimal_comma, table.times
    )
    for cell in cells:
        if order := table.orders.get(cell.column):
            mine = names if cell.criterion is None else [cell.criterion]
            place = {word: float(at) for at, word in enumerate(order, 1)}
            rows = np.isin(at, [names.index(name) for name in mine])
            found.value[rows] = [place.get(str(word), np.nan) for word in found.label[rows]]
            found.scale |= dict.fromkeys(mine, "ordinal")
            found.notes.append(f"{cell.column}: ordered, {', '.join(order)}")
    return found


def _wrong_kinds(column: pd.Series[Any]) -> dict[str, str]:
    """Return the words that are no kind of rater, and what is wrong with each."""
    wrong = {}
    for word in map(str, column.cat.categories):
        try:
            kind_of(word)
        except HarnessError as error:
            wrong[word] = str(error)
    return wrong


def _with_kinds(frame: pd.DataFrame, path: Path, ai: str | Sequence[str] | None) -> pd.DataFrame:
    if "rater_kind" in frame:
        kinds = frame["rater_kind"].cat
        try:
            named = {str(word): kind_of(str(word)) for word in kinds.categories}
        except HarnessError as error:
            raise HarnessError(f"{path}: {error}") from error
        if AGGREGATE in named:
            aggregate = (frame["rater_kind"] == AGGREGATE).to_numpy()
            frame["flags"] = [["aggregate"] if one else [] for one in aggregate]
        codes = kinds.codes.to_numpy()
        places = np.array([KINDS.index(named[str(word)]) for word in kinds.categories] + [0], dtype=np.int8)
        frame["rater_kind"] = pd.Categorical.from_codes(places[codes], KIND_INDEX)  # no kind: human
    else:
        frame["rater_kind"] = pd.Categorical.from_codes(np.full(len(frame), KINDS.index("human"), np.int8), KIND_INDEX)
    if ai:
        patterns = [ai] if isinstance(ai, str) else list(ai)
        raters = frame["rater"].cat
        judge = np.array(
            [any(fnmatchcase(str(name), pattern) for pattern in patterns) for name in raters.categories] + [False]
        )
        if not judge.any():
            raise HarnessError(
                f"{path}: no rater matches {', '.join(map(repr, patterns))}."
                + did_you_mean(patterns[0], map(str, raters.categories))
            )
        kinds_now = frame["rater_kind"].cat.codes.to_numpy().copy()
        kinds_now[judge[raters.codes.to_numpy()]] = KINDS.index("judge")
        frame["rater_kind"] = pd.Categorical.from_codes(kinds_now, KIND_INDEX)
    return frame
