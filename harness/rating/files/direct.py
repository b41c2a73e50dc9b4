"""Any file of ratings as a frame: a long table at once, however large; every other format by its mapping."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import pandas as pd

from harness.errors import HarnessError, did_you_mean
from harness.rating.files import ratings_file
from harness.rating.files.adjust import adjusted
from harness.rating.files.mapping import Mapping
from harness.rating.files.presets import recognise
from harness.rating.files.ratings_file import NAMES
from harness.rating.files.reading import Imported, read_ratings
from harness.rating.files.source import Source, read_source

DOCUMENTS = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz")
LONG = {"rater", "value"}
"""A table with one of these columns is a long one, perhaps with a fault: not a wide one with such raters."""
DECIMAL_COMMA = r"-?\d+,\d+"


def read_any(
    path: str | Path,
    *,
    ai: str | Sequence[str] | None = None,
    also: Sequence[str] = (),
    header: str | None = None,
    **columns: str,
) -> pd.DataFrame:
    """Read a file of ratings of any format that is known.

    Args:
        path: The file.
        ai: Globs of raters that are judges.
        also: Further columns to take along.
        header: How a wide table's headers are read: `(?P<rater>.+)_(?P<criterion>.+)`.
        **columns: As for `ratings_file.read_ratings`; where one is not its default, the file is long.

    Returns:
        As `ratings_file.read_ratings` does; `attrs["notes"]` says what was left out and why, and what
        was assumed.

    Raises:
        HarnessError: The file cannot be read, or is of no format that is known.
    """
    path = Path(path)
    if path.is_file() and (header or path.name.lower().endswith(DOCUMENTS)):
        return _read(*_recognised(path, header), ai, also)
    try:
        frame = ratings_file.read_ratings(path, ai=ai, also=also, **columns)
    except HarnessError as fault:
        if not path.is_file() or any(columns.get(name, name) != name for name in ("rater", "criterion", "value")):
            raise
        try:
            source, form = _recognised(path)
        except HarnessError:
            raise fault from None
        return _read(source, form, ai, also)
    if "label" in frame and frame["label"].astype("string").str.fullmatch(DECIMAL_COMMA).any():
        return _read(*_recognised(path), ai, also)
    return frame


def _recognised(path: Path, header: str | None = None) -> tuple[Source, Mapping]:
    source = read_source(path)
    form = recognise(source, "csv-wide" if header else None)
    if not header and form.name == "csv-wide" and source.entries and LONG & set(source.entries[0].record):
        raise HarnessError(f"{path}: is neither a long nor a wide table; name its columns")
    if form.records:
        source = read_source(path, form.records)
    return source, adjusted(form, (), header)


def _read(source: Source, form: Mapping, ai: str | Sequence[str] | None, also: Sequence[str]) -> pd.DataFrame:
    patterns = [ai] if isinstance(ai, str) else list(ai or ())
    frame = frame_of(read_ratings(source, adjusted(form, ai=patterns)), also)
    names = [str(name) for name in frame["rater"].cat.categories]
    if patterns and not any(fnmatchcase(name, pattern) for name in names for pattern in patterns):
        raise HarnessError(f"{source.path}: no rater matches {', '.join(patterns)}.{did_you_mean(patterns[0], names)}")
    return frame


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
    counts = f"{found.format}: {found.read} rows read, {len(frame)} ratings"
    frame.attrs.update(path=str(found.path), notes=[counts, *found.notes, *left_out])
    return frame
