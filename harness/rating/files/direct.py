"""Any file of ratings as a frame: a table by its columns, every other format by its mapping."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pandas as pd

from harness.catalog import Catalog
from harness.errors import HarnessError, did_you_mean
from harness.rating.files import ratings_file
from harness.rating.files.adjust import adjusted
from harness.rating.files.gathered import Gathered
from harness.rating.files.joined import read_sources
from harness.rating.files.mapping import Columns, Mapping
from harness.rating.files.presets import recognise
from harness.rating.files.ratings_file import NAMES
from harness.rating.files.reading import Imported, read_ratings
from harness.rating.files.source import Source
from harness.rating.files.values import Words

MACHINE = re.compile(r"(?i).*(gpt|claude|llm|gemini|llama|mistral|qwen|judge|\bai\b).*")
"""What AI raters are called in files that do not say so."""


def read_any(
    path: str | Path | Sequence[str | Path],
    *,
    ai: str | Sequence[str] | None = None,
    also: Sequence[str] = (),
    columns: Columns | None = None,
    words: Words | None = None,
    missing: str | Sequence[str] = (),
    recode: dict[str, str] | None = None,
    level: str | dict[str, str] | None = None,
    **said: Any,
) -> pd.DataFrame:
    """Read a file of ratings of any format that is known, for `agree` and all else: a rating a row.

    The options are those of the command: `read_any("sheet.csv", ai="gpt*", item="doc,model", recode={"yes": "Yes"})`.

    Args:
        path: The file, or several that are read as one.
        ai: Globs of raters that are judges.
        also: Further columns to take along.
        columns: What is said about columns; of a format that is no table, they are paths.
        words: What is said about words.
        missing: Words that are no value, beside the usual, where `words` is not given; "" for empty cells alone.
        recode: Words that mean another.
        level: `set` or `ranking` where values are lists, or the level by criterion.
        **said: What is said about columns, by the names of `Columns`, in its place.

    Returns:
        As `ratings_file.read_ratings` does; `attrs["notes"]` says what was left out and why, and what
        was assumed.

    Raises:
        HarnessError: The file cannot be read, or is of no format that is known.
    """
    told = {name: _several(one) if name in SEVERAL else one for name, one in said.items()}
    words = words or Words.said(missing, recode, level)
    found = _read(path, ai, also, columns or Columns.model_validate(told), words, gather=False)
    assert isinstance(found, pd.DataFrame)
    return found


SEVERAL = ("item", "raters", "criteria")
"""What is said of several columns: a list, or one text with commas."""


def _several(said: str | Sequence[str]) -> tuple[str, ...]:
    return tuple(part.strip() for part in said.split(",")) if isinstance(said, str) else tuple(said)


def read_gathered(
    path: str | Path | Sequence[str | Path],
    *,
    ai: str | Sequence[str] | None = None,
    also: Sequence[str] = (),
    columns: Columns | None = None,
    words: Words | None = None,
) -> pd.DataFrame | Gathered:
    """Read a file of ratings as `read_any` does; a large plain table by unit, in the memory of its units.

    Args:
        path: The file, or several that are read as one.
        ai: Globs of raters that are judges.
        also: Further columns to take along; then, rows are given.
        columns: What is said about columns.
        words: What is said about words.

    Raises:
        HarnessError: The file cannot be read, or is of no format that is known.
    """
    return _read(path, ai, also, columns or Columns(), words, gather=True)


def _read(
    path: str | Path | Sequence[str | Path],
    ai: str | Sequence[str] | None,
    also: Sequence[str],
    columns: Columns,
    words: Words | None,
    gather: bool,
) -> pd.DataFrame | Gathered:
    source = read_sources(path)
    patterns = [ai] if isinstance(ai, str) else list(ai or ())
    form = adjusted(form_of(source, columns), columns, ai=patterns)
    if form.table is not None:
        found = ratings_file.read_table(source, form.table, words, ai, also, gather=gather)
        frame, left_out = found.frame, Counter(reason for _, reason in found.rejected)
        counts = f"{form.format}: {found.count + len(found.rejected):,} rows read, {found.count:,} ratings"
        unsaid = [] if ai else _unsaid(frame)
        notes = [counts, *found.notes, *unsaid, *(f"{n} rows left out: {why}" for why, n in left_out.items())]
        frame.attrs.update(path=str(source.path), files=source.files, notes=notes)
        return frame if found.cells is None else Gathered(frame, found.cells)
    if form.records:
        source = read_sources(path, form.records)
    frame = frame_of(read_ratings(source, form, words=words), also)
    names = [str(name) for name in frame["rater"].cat.categories]
    if patterns and not any(fnmatchcase(name, pattern) for name in names for pattern in patterns):
        raise HarnessError(
            f"{source.path}: no rater matches {', '.join(map(repr, patterns))}.{did_you_mean(patterns[0], names)}"
        )
    return frame


TURNED = "comparisons: a pair is one unit, told from the side that comes first by its id, whichever was shown first"


def _unsaid(frame: pd.DataFrame) -> list[str]:
    """Return which raters are named like AI raters and taken for people, for the file says nothing else."""
    alike = [name for name in frame["rater"].cat.categories if MACHINE.fullmatch(str(name))]
    people = frame.loc[(frame["rater_kind"] == "human") & frame["rater"].isin(alike), "rater"] if alike else ()
    names = [str(name) for name in alike if name in set(people)]
    return [f"named like AI raters, taken for people: {', '.join(names[:5])}; --ai says who is one"] if names else []


def form_of(
    source: Source, columns: Columns | None = None, format: str | None = None, catalog: Catalog | None = None
) -> Mapping:
    """Return how a file is read: the format that was named, or that it shows; a table where columns of one are named.

    Raises:
        HarnessError: It is of no format that is known.
    """
    columns = columns or Columns()
    names = set(source.entries[0].record) if source.entries else set()
    of_table = columns.header or (columns.rater and columns.value and {columns.rater, columns.value} <= names)
    try:
        return recognise(source, format or ("csv" if of_table else None), catalog)
    except HarnessError:
        if format or not (columns.item or columns.named):
            raise
        return recognise(source, "csv", catalog)


def frame_of(found: Imported, also: Sequence[str] = ()) -> pd.DataFrame:
    """Return imported ratings as a frame, indexed by the row of the file; what was left out is in `attrs["notes"]`.

    Raises:
        HarnessError: Nothing was read, or one of the further columns is not there.
    """
    if not found.ratings:
        reasons = "; ".join(f"row {one.row}: {one.reason}" for one in found.rejected[:3])
        raise HarnessError(f"{found.path}: none of its {found.read} rows is a rating ({reasons})")
    frame = pd.DataFrame([one.model_dump() for one in found.ratings], index=pd.Index(found.rows, name="row"))
    facts = pd.DataFrame([json.loads(one.metadata) for one in found.ratings], index=frame.index)
    for name in also:
        if name not in frame and name not in facts:
            raise HarnessError(f"{found.path}: has no column {name!r}.{did_you_mean(name, [*facts, *frame])}")
        if name not in frame:
            frame[name] = facts[name]
    for name in NAMES:
        if name != "label":
            frame[name] = frame[name].astype("category")
    frame["value"] = frame["value"].astype(float)
    left_out = [f"{n} rows left out: {reason}" for reason, n in Counter(one.reason for one in found.rejected).items()]
    counts = f"{found.format}: {found.read:,} rows read, {len(frame):,} ratings"
    turned = [TURNED] if frame["against_id"].notna().any() and (frame["scale"] == "preference").any() else []
    frame.attrs.update(path=str(found.path), notes=[counts, *found.notes, *turned, *left_out])
    return frame
