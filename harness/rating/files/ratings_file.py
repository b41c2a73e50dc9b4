"""A long file of ratings (CSV, CSV.gz or Parquet, one row a rating) becomes a frame with the record's column names.

The frame's index is the line of the file (CSV) or the row (Parquet), so that whoever finds a value that will not do can
say where it stands. Names come as categories: ten million ratings then fit in little memory.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import HarnessError, did_you_mean
from harness.records import RaterKind

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
CARRIED = ("task", "response_id", "against_id", "label", "scale", "order", "status", "repetition", "created_at")
"""Columns that are taken along where the file has them under the record's name."""


def read_ratings(
    path: str | Path,
    *,
    item: str = "item_id",
    rater: str = "rater",
    criterion: str = "criterion",
    value: str = "value",
    kind: str = "rater_kind",
    ai: str | Sequence[str] | None = None,
    also: Sequence[str] = (),
) -> pd.DataFrame:
    """Read a long file of ratings.

    Args:
        path: A CSV (`.gz` too) or Parquet file.
        item: The column with the item.
        rater: The column with the rater.
        criterion: The column with the criterion; where the default is not there, all are of the criterion `rating`.
        value: The column with the value: numbers, or words, which become `label`.
        kind: The column with the rater's kind; where the default is not there, all raters are human.
        ai: Globs of raters that are judges.
        also: Further columns to take along.

    Returns:
        Columns `item_id, rater, criterion, value` (float64, NaN where there is no number), `rater_kind`, `flags` where
        a rater is an aggregate, `label` where some values are words, and what the file has of the record's other
        columns. The index is the line, or row, of the file; `attrs["path"]` is the file.

    Raises:
        HarnessError: The file cannot be read, lacks a column, or names a kind that is none.
    """
    path = Path(path)
    needed = {"item_id": item, "rater": rater, "value": value}
    optional = {**{name: name for name in (*CARRIED, *also)}, "criterion": criterion, "rater_kind": kind}
    named = [name for name, default in ((criterion, "criterion"), (kind, "rater_kind")) if name != default]
    frame = _read(path, [*needed.values(), *named, *also], [*needed.values(), *optional.values()])
    sources = {to: name for to, name in optional.items() if name in frame} | needed  # a column may serve twice
    frame = _with_values(pd.DataFrame({to: frame[name] for to, name in sources.items()}, index=frame.index))
    if "criterion" not in frame:
        frame["criterion"] = pd.Categorical.from_codes(np.zeros(len(frame), np.int8), pd.Index(["rating"]))
    frame = _with_kinds(frame, path, ai)
    frame.attrs["path"] = str(path)
    return frame


def kind_of(word: str) -> RaterKind:
    """Return the kind of rater that a word of another file means.

    Raises:
        HarnessError: None.
    """
    for pattern, kind in PATTERNS.items():
        if fnmatchcase(word, pattern):
            return kind
    raise HarnessError(
        f"no kind of rater {word!r}.{did_you_mean(word, KINDS)} Also taken: {', '.join(ALIASES)}; "
        "say which raters are judges with --ai"
    )


def _read(path: Path, required: Sequence[str], names: Sequence[str]) -> pd.DataFrame:
    if not path.is_file():
        raise HarnessError(f"{path}: {'is a folder that is no run' if path.is_dir() else 'no such file'}")
    parquet = path.suffix.lower() in (".parquet", ".pq")
    frame = _read_parquet(path, required, names) if parquet else _read_csv(path, required, names)
    if frame.empty:
        raise HarnessError(f"{path}: has no ratings, only a header")
    return frame


def _read_parquet(path: Path, required: Sequence[str], names: Sequence[str]) -> pd.DataFrame:
    try:
        schema = pq.read_schema(path)
        _check_columns(f"{path}", schema.names, required)
        columns = [name for name in dict.fromkeys(names) if name in schema.names]
        table = pq.read_table(path, columns=columns)
        words = {name: _categories(table[name]) for name in columns if _of_words(schema.field(name).type)}
        table = table.drop_columns(list(words))
        frame = table.to_pandas(self_destruct=True, split_blocks=True)
        frame = pd.DataFrame({name: words.get(name, frame.get(name)) for name in columns}, copy=False)
    except (pa.ArrowException, OSError) as error:
        raise HarnessError(f"{path}: cannot be read as Parquet: {error}") from error
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="row")
    return frame


def _of_words(kind: pa.DataType) -> bool:
    words = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(words) or pa.types.is_large_string(words))


def _categories(column: pa.ChunkedArray) -> pd.Categorical:
    """Return words as categories; one dictionary for all chunks, where merging one a chunk costs rows x chunks."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    chunks = column.dictionary_encode().chunks
    codes = [chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False) for chunk in chunks]
    names = chunks[0].dictionary.to_pandas() if chunks else []
    return pd.Categorical.from_codes(np.concatenate(codes) if codes else [], pd.Index(names, dtype=object))


def _read_csv(path: Path, required: Sequence[str], names: Sequence[str]) -> pd.DataFrame:
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1 if raw[:2] != b"\x1f\x8b" else "?"
        raise HarnessError(f"{path}:{line}: is not UTF-8 text: {error.reason}; save it as UTF-8") from error
    except (OSError, EOFError, zlib.error) as error:
        raise HarnessError(f"{path}: cannot be read: {error}") from error
    header = text.split("\n", 1)[0]
    if not header.strip():
        raise HarnessError(f"{path}:1: is empty; expected a header such as item_id,rater,criterion,value,rater_kind")
    separator = next((mark for mark in (",", ";", "\t") if mark in header), ",")
    _check_columns(f"{path}:1", next(csv.reader([header.rstrip("\r")], delimiter=separator)), required)
    try:
        frame = pd.read_csv(io.StringIO(text), sep=separator, dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, ValueError) as error:
        raise HarnessError(f"{path}: cannot be read as CSV: {error}") from error
    if not isinstance(frame.index, pd.RangeIndex):
        raise HarnessError(f"{path}:2: has more cells than the header has columns")
    frame = frame[[name for name in dict.fromkeys(names) if name in frame]]
    frame.index = _lines(text, len(frame), separator)
    return frame


def _lines(text: str, rows: int, separator: str) -> pd.Index[Any]:
    """Return the line on which each row ends, counted from 1: cells may hold line breaks."""
    if text.rstrip("\n").count("\n") == rows:
        return pd.RangeIndex(2, rows + 2, name="line")
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    ends = [reader.line_num for row in reader if row][1:]
    return pd.Index(ends if len(ends) == rows else range(2, rows + 2), name="line")


def _check_columns(where: str, present: Sequence[str], required: Sequence[str]) -> None:
    for name in required:
        if name not in present:
            raise HarnessError(
                f"{where}: has no column {name!r}.{did_you_mean(name, present)} Columns: {', '.join(present)}"
            )


def _with_values(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn values into numbers, and words among them into labels; an empty cell is no value, an empty label none."""
    value = frame["value"]
    if "label" in frame:
        frame["label"] = frame["label"].where(frame["label"].notna() & (frame["label"] != ""), None)
    if not pd.api.types.is_numeric_dtype(value):
        words = value.astype(object)
        if words.map(lambda one: isinstance(one, list | dict | np.ndarray)).any():
            raise HarnessError("the column of values holds lists: each row needs one number or word; take them apart")
        numbers = pd.to_numeric(words.where(words != "", None), errors="coerce").astype(float)
        numbers[np.isinf(numbers)] = np.nan
        spoken = numbers.isna() & words.notna() & (words != "")
        if spoken.any():
            frame["label"] = words.where(spoken, frame.get("label"))
        value = numbers
    frame["value"] = value.astype(float)
    for name in NAMES:
        if name in frame and name != "label" and not isinstance(frame[name].dtype, pd.CategoricalDtype):
            column = frame[name]
            frame[name] = column.where(column.notna() & (column.astype(str) != ""), None).astype("category")
    if "repetition" in frame:
        frame["repetition"] = pd.to_numeric(frame["repetition"], errors="coerce").fillna(0).astype("int64")
    return frame


def _with_kinds(frame: pd.DataFrame, path: Path, ai: str | Sequence[str] | None) -> pd.DataFrame:
    if "rater_kind" in frame:
        kinds = frame["rater_kind"].cat
        try:
            named: Mapping[str, str] = {str(word): kind_of(str(word)) for word in kinds.categories}
        except HarnessError as error:
            raise HarnessError(f"{path}: {error}") from error
        if AGGREGATE in named:
            aggregate = (frame["rater_kind"] == AGGREGATE).to_numpy()
            frame["flags"] = [["aggregate"] if one else [] for one in aggregate]
        codes = kinds.codes.to_numpy()
        places = np.array(
            [KINDS.index(cast(RaterKind, named[str(word)])) for word in kinds.categories] + [0], dtype=np.int8
        )
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
