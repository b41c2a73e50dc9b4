"""Tables of comparisons: two columns name the sides, one says which of them won.

A pair is one unit whoever was shown first: the side that comes first by name is the response, `order` says who was
shown first, and the value is 1 where the response won.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.rating.files.headers import plain_name
from harness.rating.files.table import Table
from harness.records import digest
from harness.statistics import Floats

STEMS = (
    "model", "system", "llm", "engine", "model_name", "model_id", "system_id", "candidate", "player", "response_id",
    "response", "answer", "output", "completion", "generation", "summary", "translation", "text", "option", "assistant",
    "",
)  # fmt: skip
"""What columns of sides are called before `_a` and `_b`, the shorter contents first."""
MARKS = (("a", "b"), ("1", "2"), ("left", "right"), ("first", "second"), ("x", "y"), ("0", "1"))
VERDICTS = (
    "winner", "preference", "preferred", "verdict", "choice", "chosen", "better", "judgment", "judgement", "vote",
    "pick", "win", "selected", "selection", "outcome", "result",
)  # fmt: skip
"""What the column is called that says which side won."""
TIES = {
    *["tie", "ties", "tied", "equal", "same", "both", "neither", "draw", "none", "c", "0.5", "[[c]]"],
    "no preference", "tie (bothbad)", "both_bad", "bothbad", "both bad", "both good", "about the same", "equally good",
}  # fmt: skip
SUBJECTS = (
    ("candidate", "baseline"), ("model", "baseline"), ("system", "baseline"), ("method", "baseline"),
    ("model", "reference"), ("candidate", "reference"), ("model", "opponent"), ("player", "opponent"),
    ("system", "opponent"), ("treatment", "control"), ("challenger", "champion"), ("new", "old"),
)  # fmt: skip
"""Sides of which the first is the one that wins or loses."""
WINS = {"win": 1.0, "wins": 1.0, "won": 1.0, "lose": 0.0, "loses": 0.0, "lost": 0.0, "loss": 0.0}
MOST_NAMES = 200
"""Columns with more different words hold no names of systems."""
LONG_NAME = 40
"""What is longer is a text, of which a digest is the name."""


@dataclass(frozen=True)
class Sides:
    """The columns of the two sides, as they were shown."""

    first: str
    second: str


def sides_of(names: Sequence[str]) -> Sides | None:
    """Return the columns that name the two sides of comparisons; None where there are none."""
    plain = {plain_name(name): name for name in names}
    for stem in STEMS:
        for first, second in MARKS:
            for glue in ("_", ""):
                a, b = ((stem + glue + mark).strip("_") for mark in (first, second))
                if a in plain and b in plain and (stem or len(first) > 1):
                    return Sides(plain[a], plain[b])
    return None


def sides_in(table: Table, names: Sequence[str]) -> Sides | None:
    """Return the sides by what stands in two columns: the same names, never one twice in a row, beside a verdict.

    The columns must be called as sides are, whatever of (`A` and `B`, `generator_1` and `generator_2`, `candidate` and
    `baseline`).
    """
    if not any(plain_name(name) in VERDICTS for name in names):
        return None
    words = {name: table.column(name) for name in names if plain_name(name) not in VERDICTS}
    words = {
        name: column
        for name, column in words.items()
        if isinstance(column.dtype, pd.CategoricalDtype) and len(column.cat.categories) <= MOST_NAMES
    }
    for first, second in permutations(words, 2):
        if _are_paired(plain_name(first), plain_name(second)):
            told = [words[one].astype(object).to_numpy(object) for one in (first, second)]
            vocabularies = [set(words[one].dropna()) for one in (first, second)]
            shared = 2 * len(vocabularies[0] & vocabularies[1]) >= min(map(len, vocabularies))
            subject = (plain_name(first), plain_name(second)) in SUBJECTS
            if (shared or subject) and not np.any(told[0] == told[1]):
                return Sides(first, second)
    return None


def _are_paired(first: str, second: str) -> bool:
    ends = [(a, b) for a, b in MARKS if first.endswith(a) and second.endswith(b)]
    return (first, second) in SUBJECTS or any(first.removesuffix(a) == second.removesuffix(b) for a, b in ends)


def sided(table: Table, sides: Sides, words: Sequence[str]) -> dict[str, float | None] | None:
    """Return what words say: 1 that the first side won, 0 the second, .5 neither, None for a side's own name.

    Nothing where a word is none of these, or where numbers do not say which side they mean.
    """
    known = {name.casefold() for column in (sides.first, sides.second) for name in _names(table, column)}
    found: dict[str, float | None] = {}
    ones = _words(sides)
    if (plain_name(sides.first), plain_name(sides.second)) in SUBJECTS:
        ones |= WINS
    numbers = {word for word in words if re.fullmatch(r"-?\d+(\.\d+)?", word)}
    graded = {float(word) for word in numbers} <= {0.0, 0.5, 1.0} and len(numbers) == len(words)
    for word in words:
        said = word.strip().casefold()
        if graded:
            found[word] = float(word)
        elif said in known:
            found[word] = None
        elif said in ones:
            found[word] = ones[said]
        elif said in TIES or (said == "0" and {"1", "2"} <= numbers):
            found[word] = 0.5
        else:
            return None
    return found


def _words(sides: Sides) -> dict[str, float]:
    """Return what people call the two sides."""
    found = {sides.first.casefold(): 1.0, sides.second.casefold(): 0.0}
    for first, second in MARKS[:-1]:
        for stem in STEMS:
            for glue in ("_", " ", ""):
                found |= {f"{stem}{glue}{first}".strip("_ "): 1.0, f"{stem}{glue}{second}".strip("_ "): 0.0}
        found |= {f"[[{first}]]": 1.0, f"[[{second}]]": 0.0}
    return found


def _names(table: Table, column: str) -> list[str]:
    return [str(word) for word in table.words(column).cat.categories]


def settle_sides(table: Table, sides: Sides, unit: pd.Series[Any]) -> tuple[dict[str, Any], NDArray[np.bool_]]:
    """Return the columns `response_id`, `against_id` and `order` of comparisons, and which rows changed sides."""
    shown = [_short(table.words(column)) for column in (sides.first, sides.second)]
    first, second = (one.to_numpy(object) for one in shown)
    known = np.array([a is not None and b is not None for a, b in zip(first, second, strict=True)])
    swapped = np.array([bool(one) and a > b for one, a, b in zip(known, first, second, strict=True)])
    item = unit.astype(object).to_numpy(object)
    ids = [
        [f"{name}|{side}" if side is not None else None for name, side in zip(item, column, strict=True)]
        for column in (np.where(swapped, second, first), np.where(swapped, first, second))
    ]
    order = np.where(swapped, "against_first", "response_first")
    columns = {
        name: pd.Series(pd.Categorical(values), index=table.index)
        for name, values in (("response_id", ids[0]), ("against_id", ids[1]), ("order", order))
    }
    return columns, swapped


def _short(words: pd.Series[Any]) -> pd.Series[Any]:
    """Return names as they are, and of texts a digest; None where there is none."""
    names = {one: one if len(str(one)) <= LONG_NAME else digest([str(one)])[:12] for one in words.cat.categories}
    told = words.astype(object).map(names)
    return told.where(told.notna(), None)


def verdicts(
    words: NDArray[Any], meant: Mapping[str, float | None], table: Table, sides: Sides, swapped: NDArray[np.bool_]
) -> Floats:
    """Return the response's share of the win in each row, by what was said of the sides as they were shown."""
    first, second = (table.words(column).astype(object).to_numpy(object) for column in (sides.first, sides.second))
    times = len(words) // len(first)
    found = np.full(len(words), np.nan)
    for row, word in enumerate(words):
        if word is None:
            continue
        value = meant[word]
        if value is None:
            at = row % len(first)
            said = str(word).casefold()
            won = [str(one[at]).casefold() == said for one in (first, second)]
            value = 0.5 if all(won) else 1.0 if won[0] else 0.0 if won[1] else None
        if value is not None:
            found[row] = value
    return np.where(np.tile(swapped, times), 1 - found, found)
