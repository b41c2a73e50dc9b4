"""What the columns of a frame of ratings say: codes, names by glob, values, and where a row stands."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.agreement.grid.units import LISTS, Level
from harness.errors import HarnessError, did_you_mean
from harness.statistics import Ints

Mask = NDArray[np.bool_]
LABELLED = ("nominal", None, *LISTS)
"""Levels at which words count as they are."""


def codes_of(column: pd.Series[Any]) -> tuple[Ints, list[str]]:
    """Return a column as codes (-1 where missing) and their names; a categorical column costs nothing."""
    if not isinstance(column.dtype, pd.CategoricalDtype):
        codes, names = pd.factorize(column)
        return codes, [str(name) for name in names]
    return column.cat.codes.to_numpy(), [str(name) for name in column.cat.categories]


def values_of(frame: pd.DataFrame, level: Level | None, keep: Mask) -> NDArray[Any]:
    """Return the values: labels where a nominal statistic finds some, else numbers or words."""
    if level in LABELLED and "label" in frame and frame["label"].notna().any():
        spoken = plain_words(frame["value"]) if "value" in frame else None
        return plain_words(frame["label"].astype(object).where(frame["label"].notna(), spoken))
    column = frame["value"] if "value" in frame else frame["label"]
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        numbers = column.to_numpy(dtype=float, na_value=np.nan)
        if np.isinf(numbers).any():
            row = int(np.argmax(np.isinf(numbers)))
            raise HarnessError(f"{where(frame, row)}: the value is infinite; leave it empty instead")
        if level not in LABELLED and "label" in frame and "value" in frame:
            _refuse_words(frame, frame["label"].where(np.isnan(numbers)), keep, str(level))
        if level == "ratio" and (numbers[keep] < 0).any():
            row = int(np.argmax((numbers < 0) & keep))
            raise HarnessError(
                f"{where(frame, row)}: {numbers[row]:g} is negative: the ratio level needs amounts from 0; use interval"
            )
        return numbers
    if level in LABELLED:
        return plain_words(column)
    parsed = pd.to_numeric(column.astype(object).where(column.notna() & (column != ""), None), errors="coerce")
    _refuse_words(frame, column.where(parsed.isna() & (column.astype(str) != "")), keep, str(level))
    return parsed.to_numpy(dtype=float)


def _as_written(value: Any) -> Any:
    return (
        f"{value:.15g}"
        if isinstance(value, Real) and not isinstance(value, bool | np.bool_) and value == value
        else value
    )


def plain_words(column: pd.Series[Any]) -> NDArray[Any]:
    """Return words, None where there is none; numbers among them are written as people write them."""
    words = column.astype(object)
    if pd.api.types.infer_dtype(words, skipna=True) not in ("string", "empty", "boolean"):
        words = words.map(_as_written)
    return words.where(words.notna() & (words != ""), None).to_numpy(object)


def _refuse_words(frame: pd.DataFrame, words: pd.Series[Any], keep: Mask, level: str) -> None:
    """Raise where a row that counts has a word and a number is needed."""
    wrong = words.notna().to_numpy() & keep
    if wrong.any():
        row = int(np.argmax(wrong))
        raise HarnessError(
            f"{where(frame, row)}: {words.iloc[row]!r} is no number, and the {level} level needs numbers; "
            "correct the value, leave it empty, or use --level nominal"
        )


def where(frame: pd.DataFrame, row: int) -> str:
    """Return the place of a row: file and line where the frame knows them."""
    path, unit, place = frame.attrs.get("path"), frame.index.name, frame.index[row]
    for file, before in reversed(frame.attrs.get("files", ())):  # of several files, the one in which it stands
        if place > before:
            return f"{file}: row {place - before}"
    if path and unit == "line":
        return f"{path}:{place}"
    return f"{path}: row {place}" if path else f"row {row + 1}"


def matching(globs: str | Sequence[str], names: Sequence[str], what: str) -> Mask:
    """Return which names some glob matches, and False for a missing one at the end.

    Raises:
        HarnessError: A glob matches none.
    """
    patterns = [globs] if isinstance(globs, str) else list(globs)
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise HarnessError(f"no {what} matches {pattern!r}.{did_you_mean(pattern, names)}")
    return np.array([any(fnmatchcase(name, pattern) for pattern in patterns) for name in [*names, ""]])
