"""What rounds are called, and in which order they come: numbers, training steps (`step-1000`), dates.

A round counts by its place in the order, whatever it is called; the names are for showing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from harness.errors import HarnessError

Label = int | str
"""What a round is called."""
NUMBERED = re.compile(r"(?P<before>\D*)(?P<number>\d+)(?P<after>\D*)")
UNEVEN = 1.2
"""How much longer than the shortest a gap must be to be said: months have 28 to 31 days."""


def label_rounds(column: pd.Series[Any]) -> tuple[np.ndarray[Any, np.dtype[np.int64]], list[Label]]:
    """Return the rank of each row's round, and the rounds' names in order.

    Whole numbers are in their order; names with one number (`step-1000`) in that number's, dates in time.

    Raises:
        HarnessError: A round is empty, a number that is not whole or is below 0, or the names have no order.
    """
    codes, values = pd.factorize(column, use_na_sentinel=False)
    called = [_name(value) for value in values]
    wrong = np.array([name is None for name in called], dtype=bool)[codes]
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        value = column.iloc[place]
        shown = repr(value.item() if isinstance(value, np.generic) else value)
        count = f"; {int(wrong.sum()):,} rows in all" if wrong.sum() > 1 else ""
        raise HarnessError(
            f"column 'round', row {place} (line {place + 2} of a CSV): {shown} is no whole number from 0, and no name "
            f"with a number or a date (`step-1000`, `2026-01-31`){count}"
        )
    known = [name for name in called if name is not None]
    places = _places(list(dict.fromkeys(known)))
    ordered = sorted(places, key=lambda name: places[name])
    rank = {name: place for place, name in enumerate(ordered)}
    return np.array([rank[name] for name in known], dtype=np.int64)[codes], ordered


def round_name(label: Label) -> str:
    """Return how a sentence names a round: `round 3`; a name of its own, `step-1000`, is enough."""
    return f"round {label}" if isinstance(label, int) or label.isdigit() else label


def at_round(label: Label) -> str:
    """Return when, in a sentence: `in round 3`, `at step-1000`."""
    name = round_name(label)
    return f"at {name}" if name == label else f"in {name}"


def span_name(first: Label, last: Label) -> str:
    """Return how a sentence names rounds from one to another: `rounds 2-5`, `step-0 to step-1000`."""
    if round_name(first) == first or round_name(last) == last:
        return f"{first} to {last}"
    return f"rounds {first}-{last}"


def named_rounds(names: Sequence[str | None]) -> bool:
    """Tell whether all rounds have names that say their order by themselves: one number each, amid the same words."""
    try:
        return bool(names) and None not in names and bool(label_rounds(pd.Series(names, dtype=object))[1])
    except HarnessError:  # rounds by their places then, as `in_order` has them
        return False


def uneven(labels: Sequence[Label]) -> bool:
    """Return whether the rounds' numbers or dates lie unevenly apart."""
    places = _places(list(labels))
    gaps = [places[after] - places[before] for before, after in pairwise(labels)]
    return bool(gaps) and max(gaps) > UNEVEN * min(gaps)


def _name(value: Any) -> Label | None:
    """Return what a cell calls its round, or None: a number that is not whole, nothing at all."""
    if isinstance(value, str):
        value = value.strip()
        if not value:
            return None
        try:
            value = float(value)
        except ValueError:
            return str(value)
    if isinstance(value, pd.Timestamp | datetime | np.datetime64):
        return str(pd.Timestamp(value).isoformat()).removesuffix("T00:00:00")
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return int(number) if number >= 0 and number % 1 == 0 else None


def _places(names: list[Label]) -> dict[Label, float]:
    """Return where each name stands.

    Raises:
        HarnessError: The names have no order, or two of them stand at one place.
    """
    found = _numbers(names) or _times(names)
    if found is None:
        listed = ", ".join(map(repr, names[:4]))
        raise HarnessError(
            f"column 'round': {listed} have no order; name rounds by whole numbers from 0, by one number each "
            "(`step-1000`), or by dates (`2026-01-31`)"
        )
    twice = [name for name in names if sum(place == found[name] for place in found.values()) > 1]
    if twice:
        raise HarnessError(f"column 'round': {' and '.join(map(repr, twice[:2]))} are one round by two names")
    return found


def _numbers(names: list[Label]) -> dict[Label, float] | None:
    """Return the number in each name, where each is a number or all have one number amid the same words."""
    found: dict[Label, float] = {}
    words = set()
    for name in names:
        if isinstance(name, int):
            found[name] = name
        elif parts := NUMBERED.fullmatch(name):
            words.add((parts["before"], parts["after"]))
            found[name] = int(parts["number"])
    return found if len(found) == len(names) and len(words) < 2 else None


def _times(names: list[Label]) -> dict[Label, float] | None:
    try:
        return {name: datetime.fromisoformat(str(name)).replace(tzinfo=None).timestamp() for name in names}
    except ValueError:
        return None
