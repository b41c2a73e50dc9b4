"""The level of measurement: what may be done with ratings, and which level fits where none was named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from glob import escape
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from harness.agreement.grid.ratings import Ratings, read
from harness.agreement.grid.units import LEVELS, LISTS, Level, Units
from harness.errors import HarnessError, did_you_mean

SCALE_LEVEL: dict[str, Level] = {
    "binary": "nominal", "nominal": "nominal", "ordinal": "ordinal", "interval": "interval", "preference": "ordinal",
    "set": "set", "ranking": "ranking",
}  # fmt: skip
GRADES = 11
"""Whole numbers of at most so many different values are taken for ordered grades where no level is given."""


def check_level(level: str | None) -> None:
    """Raise a HarnessError where a level is unknown."""
    if level is not None and level not in LEVELS:
        raise HarnessError(f"no level {level!r}.{did_you_mean(level, LEVELS)}")


def scale_level(ratings: pd.DataFrame) -> tuple[Level, str] | None:
    """Return the level that the ratings' own scale says, and why; None where they say none or several."""
    if "scale" not in ratings:
        return None
    scales = sorted(set(ratings["scale"].dropna()))
    levels = {SCALE_LEVEL[scale] for scale in scales if scale in SCALE_LEVEL}
    return (levels.pop(), f"the ratings say that their scale is {', '.join(scales)}") if len(levels) == 1 else None


def level_of(units: Units) -> tuple[Level, str]:
    """Return the level that fits the values of some units, and why."""
    if units.numbers is None:
        return "nominal", "the values are words"
    found = units.values
    if len(found) <= 2:
        return "nominal", "there are at most two different values"
    if len(found) <= GRADES and np.array_equal(found, np.rint(found)):
        return "ordinal", f"the values are {len(found)} whole numbers, taken for ordered grades"
    return "interval", f"the values are {len(found):,} different numbers"


def as_numbers(units: Units) -> Units:
    """Return units whose words are all numbers as numbers, others as they are."""
    if units.numbers is not None:
        return units
    numbers = pd.to_numeric(pd.Series(units.values, dtype=object), errors="coerce").to_numpy(float)
    if not len(numbers) or not np.isfinite(numbers).all():
        return units
    values, place = np.unique(numbers, return_inverse=True)
    codes = np.append(place, -1).astype(units.codes.dtype)[units.codes]  # the last serves code -1
    return replace(units, codes=codes, values=values)


class Levelled(NamedTuple):
    """A criterion's units, their level, and why it was chosen; no reason where it was named."""

    units: Units
    level: Level
    why: str


def levelled(
    ratings: pd.DataFrame, rows: Ratings, units: Units, level: Level | None, groups: Mapping[str, Any]
) -> Levelled:
    """Return a criterion's units with their level, and why it was chosen where none was named.

    Args:
        ratings: The frame that was read.
        rows: What was read of it.
        units: The criterion's units.
        level: The level that was named.
        groups: The columns of `cluster`, `strata` and `further` that it was read with.
    """
    if level:
        return Levelled(units, level, "")
    pooled = units.criterion not in rows.criteria
    told = ratings[[name for name in ("scale", "label") if name in ratings]]
    mine = (
        None if pooled or "criterion" not in ratings or told.empty else ratings["criterion"].map(str) == units.criterion
    )
    if mine is not None:
        told = told[mine]
    said = scale_level(told)
    if (
        said and said[0] not in ("nominal", *LISTS) and units.numbers is None and not pooled
    ):  # the words are names of its grades
        raters = [escape(rater) for rater in units.raters]
        some = ratings if mine is None else ratings[mine]
        again = read(some.drop(columns="label", errors="ignore"), level=said[0], raters=raters, **groups)
        units = again.units(units.criterion)
    elif "label" not in told or told["label"].isna().all():
        units = as_numbers(units)
    return Levelled(units, *(said or level_of(units)))
