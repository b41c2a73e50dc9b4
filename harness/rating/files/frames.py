"""A frame in hand, read as the file of the same table is: one rule for every door."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from harness.errors import HarnessError
from harness.rating.files.layout import layout_of
from harness.rating.files.mapping import Columns
from harness.rating.files.ratings_file import read_table
from harness.rating.files.source import Source
from harness.rating.files.table import Rows, Table, clean, without_summary, written
from harness.rating.files.unit import in_one_spelling
from harness.rating.files.values import Words
from harness.rating.files.void import with_void_skipped
from harness.records import Rating


def ratings_of(
    frame: pd.DataFrame, also: Sequence[str] = (), columns: Columns | None = None, words: Words | None = None
) -> pd.DataFrame:
    """Return a frame of ratings as the file of the same table is read: a rating a row, by the record's names.

    A frame that `read_any` gave, and a wide one with nothing but numbers of raters, come back as they are; of one by
    the record's names only what is written differently changes.

    Args:
        frame: The table, in any layout that a file may have.
        also: Further columns to take along.
        columns: What is said about columns.
        words: What is said about words.

    Returns:
        The ratings; `attrs["notes"]` says what was assumed.
    """
    if "notes" in frame.attrs or frame.columns.has_duplicates or not len(frame):
        return frame
    names = {str(name) for name in frame}
    by_name = bool({"item_id", "rater"} <= names and {"value", "label"} & names)
    source = source_of(frame)
    skipped = by_name and bool(with_void_skipped(source.table, also)[1])
    if by_name and not skipped and ("response_id" in names or names <= {*Rating.model_fields, *also}):
        return _cleaned(frame, words)
    said = (columns or Columns()).model_copy(update={"beside": tuple(also)})
    try:
        layout = layout_of(source.table, said, str(source.path))
    except HarnessError:
        return frame  # what is wrong is told where it is compared
    if by_name and not layout.answer and not skipped:
        return _cleaned(frame, words)
    cells = {cell.column for cell in layout.cells}
    numbers = all(pd.api.types.is_numeric_dtype(frame[name]) for name in frame if str(name) in cells)
    nothing_else = set(source.table.names) <= cells | {*layout.unit, *also}
    one_criterion = not any(cell.criterion or cell.item for cell in layout.cells)
    by_id = layout.unit in ((), ("item_id",))
    if layout.wide and by_id and numbers and nothing_else and one_criterion:
        once = not layout.unit or not source.table.words(layout.unit[0]).duplicated().any()
        if once and not without_summary(source.table)[1]:
            return frame
    found = read_table(source, said, words, also=[name for name in also if name in source.table.names])
    found.frame.attrs["notes"] = found.notes
    return found.frame


def _cleaned(frame: pd.DataFrame, words: Words | None) -> pd.DataFrame:
    """Return a frame by the record's names with its words as a file's are read, and its names in one spelling."""
    value = frame.get("value")
    if value is not None and pd.api.types.infer_dtype(value, skipna=True) not in NUMBERS:
        source = source_of(frame)
        found = read_table(source, words=words, also=source.table.names)
        if "response_id" in found.frame and "response_id" not in frame:  # comparisons
            found.frame.attrs["notes"] = found.notes
            return found.frame
        told = {name: found.frame[name].to_numpy() for name in ("value", "label", "scale") if name in found.frame}
        frame = frame.drop(columns=["value", "label", "scale"], errors="ignore").assign(**told)
        frame.attrs["notes"] = found.notes
    for name in ("item_id", "rater", "criterion"):
        if name in frame and (pd.api.types.is_object_dtype(frame[name]) or pd.api.types.is_string_dtype(frame[name])):
            spelt = {one: clean(one) or None for one in frame[name].unique() if isinstance(one, str)}
            if any(one != told for one, told in spelt.items()):
                frame = frame.assign(**{name: [spelt.get(one, one) for one in frame[name]]})
            if name == "item_id" and any(str(told).endswith(".0") for told in spelt.values()):
                names = pd.Series(pd.Categorical(frame[name]), index=frame.index)
                frame = frame.assign(item_id=in_one_spelling(names).astype(object))
    return frame


NUMBERS = ("integer", "floating", "mixed-integer-float", "decimal", "categorical", "boolean", "empty")
"""What pandas calls values that need no reading; an ordered category is read where scales are declared."""


def source_of(frame: pd.DataFrame) -> Source:
    """Return a frame as a file: what an index has names for, or words, is a column."""
    import pyarrow as pa

    if frame.index.name is not None and frame.index.name not in frame:
        frame = frame.reset_index()
    elif not pd.api.types.is_numeric_dtype(frame.index) and "item_id" not in frame:
        frame = frame.reset_index(names="item_id")
    frame = frame.rename(columns=str)

    def load(name: str) -> pa.ChunkedArray:
        column = frame[name]
        if pd.api.types.is_object_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
            cells = [_plain(cell) for cell in column]
            kinds = {type(cell) for cell in cells if cell is not None}
            if not kinds <= {int, float}:
                return pa.chunked_array([pa.array([written(cell) for cell in cells], pa.string())])
            return pa.chunked_array([pa.array([None if cell is None else float(cell) for cell in cells], pa.float64())])
        return pa.chunked_array([pa.Array.from_pandas(column)])

    orders = {
        str(name): [str(word) for word in kind.categories]
        for name, kind in frame.dtypes.items()
        if isinstance(kind, pd.CategoricalDtype) and kind.ordered
    }
    rows = pd.RangeIndex(1, len(frame) + 1, name="row")
    return Source(Path("the ratings"), "parquet", Rows(Table([str(name) for name in frame], load, rows, orders)))


def _plain(cell: Any) -> Any:
    """Return a cell of a frame as JSON has it; None where it is missing."""
    if hasattr(cell, "tolist"):
        cell = cell.tolist()
    return None if pd.api.types.is_scalar(cell) and pd.isna(cell) else cell
