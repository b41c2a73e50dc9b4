"""Declared scales: the categories of a criterion in their order, or the range of its grades.

What a scale has, and not only what somebody used of it, decides how far chance goes: a pair that used two of five
grades is then comparable with its table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.agreement.grid.columns import plain_words, where
from harness.agreement.grid.units import Units
from harness.errors import HarnessError, did_you_mean
from harness.statistics import Floats

Categories = Mapping[str, Sequence[str]] | Sequence[str]
"""The words of every criterion in their order, or of each by name."""
Range = Mapping[str, tuple[float, float]] | tuple[float, float]
"""The least and the most of every criterion's grades, or of each by name."""
STEPS = (1.0, 0.5, 0.25, 0.2, 0.1)
"""How far apart the grades of a range may stand."""


@dataclass(frozen=True)
class Scale:
    """What a criterion's ratings may be: numbers, ascending, and the words that stand for them, where there are any."""

    numbers: Floats
    words: list[str] | None = None


def declare(
    frame: pd.DataFrame, categories: Categories | None, score_range: Range | None
) -> tuple[pd.DataFrame, dict[str, Scale]]:
    """Return ratings with the number of each declared word, and the declared scale of each criterion.

    Args:
        frame: One row a rating.
        categories: Words, in their order; or words by criterion.
        score_range: The least and the most grade; or both by criterion.

    Raises:
        HarnessError: A value is outside of its scale, or a criterion is not there.
    """
    ordered = frame["value"].dtype if "value" in frame else None
    if isinstance(ordered, pd.CategoricalDtype) and ordered.ordered and categories is None:
        words = [str(word) for word in ordered.categories]
        categories = dict.fromkeys(_criteria(frame), words)
        frame = frame.assign(value=np.nan, label=frame["value"].astype(object))
    if categories is None and score_range is None:
        return frame, {}
    scales: dict[str, Scale] = {}
    for name, words in _each(categories, frame).items():
        frame, scales[name] = _categorised(frame, name, [str(word).strip() for word in words])
    for name, (low, high) in _each(score_range, frame).items():
        if name in scales:
            raise HarnessError(f"{name}: has categories and a range; one says what the scale is")
        scales[name] = _ranged(frame, name, float(low), float(high))
    return frame, scales


def on_scale(units: Units, scale: Scale | None) -> Units:
    """Return units that know their scale: the declared one, or the values that the table has."""
    if scale is None:
        return replace(units, scale=units.values)
    if units.numbers is None:
        return replace(
            units, scale=np.sort(np.array(scale.words or [f"{one:.15g}" for one in scale.numbers], dtype=str))
        )
    return replace(units, scale=scale.numbers)


def _criteria(frame: pd.DataFrame) -> list[str]:
    return sorted(map(str, frame["criterion"].dropna().unique())) if "criterion" in frame else ["rating"]


def _each(given: Any, frame: pd.DataFrame) -> dict[str, Any]:
    """Return what was given for every criterion, by name."""
    known = _criteria(frame)
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        return dict.fromkeys(known, given)
    for name in given:
        if name not in known:
            raise HarnessError(f"no criterion {name!r}.{did_you_mean(str(name), known)}")
    return dict(given)


def _mine(frame: pd.DataFrame, name: str) -> NDArray[np.bool_]:
    return (frame["criterion"].astype(str) == name).to_numpy() if "criterion" in frame else np.ones(len(frame), bool)


def _categorised(frame: pd.DataFrame, name: str, words: list[str]) -> tuple[pd.DataFrame, Scale]:
    if len(words) < 2 or len(set(words)) < len(words):
        raise HarnessError(f"{name}: categories are {', '.join(words) or 'none'}: name two or more, each once")
    mine = _mine(frame, name)
    value = frame["value"] if "value" in frame else pd.Series(np.nan, frame.index)
    spoken = plain_words(
        frame["label"].astype(object).where(frame["label"].notna(), value) if "label" in frame else value
    )
    place = {word: position for position, word in enumerate(words)}
    folded = {word.casefold(): position for position, word in enumerate(words)}
    found = [place.get(str(word), folded.get(str(word).casefold(), -1)) if word is not None else -2 for word in spoken]
    codes = np.where(mine, found, -2)
    if (codes == -1).any():
        row = int(np.argmax(codes == -1))
        raise HarnessError(
            f"{where(frame, row)}: {spoken[row]!r} is none of the categories of {name}."
            f"{did_you_mean(str(spoken[row]), words)} Name them all, or say --missing {spoken[row]}"
        )
    numbers = np.array([float(word) if _is_number(word) else np.nan for word in words])
    plain = bool(np.isfinite(numbers).all() and (np.diff(numbers) > 0).all())
    told = numbers if plain else np.arange(1.0, len(words) + 1)
    label = frame["label"].astype(object) if "label" in frame else pd.Series(None, frame.index, dtype=object)
    names = np.array([*words, None], dtype=object)
    kept = frame["scale"].astype(object) if "scale" in frame else pd.Series(None, frame.index, dtype=object)
    given = mine & (codes >= 0)
    changed: dict[str, Any] = {
        "value": np.where(given, told[np.maximum(codes, 0)], pd.to_numeric(value, errors="coerce")),
        "label": label.where(~given, None if plain else names[np.maximum(codes, -1)]),
        "scale": kept.where(~mine, "ordinal"),
    }
    return frame.assign(**changed), Scale(told, None if plain else words)


def _ranged(frame: pd.DataFrame, name: str, low: float, high: float) -> Scale:
    if not low < high:
        raise HarnessError(f"{name}: the range is {low:g} to {high:g}: the first must be less")
    mine = _mine(frame, name)
    numbers = pd.to_numeric(frame["value"], errors="coerce").to_numpy(float)
    wrong = mine & ((numbers < low) | (numbers > high))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise HarnessError(
            f"{where(frame, row)}: {numbers[row]:g} for {name} is outside of the range {low:g} to {high:g}"
        )
    used = np.unique(numbers[mine & np.isfinite(numbers)])
    for step in STEPS:
        steps = np.rint((high - low) / step)
        grades = low + step * np.arange(steps + 1)
        if np.isclose(grades[-1], high) and np.isclose((used - low) / step, np.rint((used - low) / step)).all():
            return Scale(np.round(grades, 10))
    return Scale(np.unique([*used, low, high]))


def _is_number(word: str) -> bool:
    try:
        return bool(np.isfinite(float(word)))
    except ValueError:
        return False
