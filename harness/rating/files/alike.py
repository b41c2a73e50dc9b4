"""Which columns of a wide table are raters: those whose values look like each other's.

A column of word counts, of times, of means over the others, of texts or of ids beside the raters would be compared
as one of them, and turn a good agreement into a bad one; so such columns are left aside, and named.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from harness.rating.files.headers import is_named_otherwise
from harness.rating.files.lists import SEPARATORS, places_of
from harness.rating.files.table import Table, opened
from harness.rating.files.values import MISSING_AMONG_NUMBERS, MISSING_WORDS
from harness.statistics import Floats

LONG_TEXT = 120
SHORT_WORD = 40
LOOKED_AT = 50
"""Of so many words it is seen what they are."""
ENOUGH = 5
"""With fewer rows, values say nothing about a column."""
OFTEN = 8
"""In so many rows the others must differ for a column of grades to be their mean, most or least by more than chance."""
TOP = 10
"""The most that a scale of grades is taken to have."""
STEPS, WIDEST, STRETCH = 20, 1000, 4
"""Grades in tens or halves have at most so many steps, go so far, and their tops lie so far apart at most."""
FEW_WORDS = 0.2
"""A column of grades may have words in so large a share of its rows: what they mean is asked later."""
INSIDE = 0.5
"""So large a share of each of two columns' values lies in the other's range where they look alike."""


def not_compared(table: Table, names: Sequence[str]) -> dict[str, str]:
    """Return the columns that are no ratings by their name or by themselves, and why."""
    aside = {}
    for name in names:
        column = table.column(name)
        known = column.dropna()
        if known.empty:
            aside[name] = "is empty"
        elif is_named_otherwise(name):
            aside[name] = "by its name"
        elif isinstance(column.dtype, pd.CategoricalDtype) and _holds_records(column):
            aside[name] = "holds records"
        elif isinstance(column.dtype, pd.CategoricalDtype) and _lists_twice(column):
            aside[name] = "lists one answer several times: of several raters?"
        elif isinstance(column.dtype, pd.CategoricalDtype) and _is_text(column) and not _said_too(table, name, names):
            aside[name] = "holds texts"
        elif len(known) >= ENOUGH and _counts_rows(known):
            aside[name] = "counts the rows"
    return aside


def _holds_records(column: pd.Series[Any]) -> bool:
    """Return whether words are mappings, or lists of them, of more than ticks or places."""
    found = [opened(str(word)) for word in column.cat.categories[:LOOKED_AT]]
    if all(one == {} for one in found):
        return True
    filled = [one for one in found if one not in ([], {})]
    if not filled or not all(isinstance(one, dict) or _lists_records(one) for one in filled):
        return False
    kept = [one for one in filled if isinstance(one, dict)]
    cells = [cell for one in kept for value in one.values() for cell in (value if isinstance(value, list) else [value])]
    plain = all(isinstance(cell, bool | int | str) for cell in cells)
    return not plain or any(isinstance(one, list) and places_of(one) is None for one in filled)


def _lists_twice(column: pd.Series[Any]) -> bool:
    """Return whether a list holds one word several times, which nobody ticks twice."""
    found = [opened(str(word)) for word in column.cat.categories if str(word)[:1] == "["]
    words = [one for one in found if isinstance(one, list) and all(isinstance(part, str) for part in one)]
    return any(len({*one}) < len(one) for one in words)


def _lists_records(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(one, dict) and len(one) > 1 for one in found)


def options_in(words: Sequence[str]) -> set[str]:
    """Return the options in words some of which are several, with one mark between them; the words where none is."""
    for mark in SEPARATORS:
        if any(mark in word for word in words):
            parts = {part.strip() for word in words for part in word.split(mark)}
            if 2 * len(parts) < len(words):
                return parts
    return set(words)


def _is_text(column: pd.Series[Any]) -> bool:
    """Return whether words are texts or ids, not labels: long, or nearly all different."""
    words = sorted(options_in([str(word) for word in column.cat.categories]))
    if not words or _numbers(column) is not None:
        return False
    lists = all(word[:1] in "[{" for word in words)
    return not lists and (max(map(len, words)) > LONG_TEXT or (len(words) > 2 and len(words) > len(column) / 2))


def _said_too(table: Table, name: str, names: Sequence[str]) -> bool:
    """Return whether a column's words are few and short, and most stand in another column too: a small sheet's labels.

    Of five rows three different labels are more than half.
    """
    if len(table.column(name).cat.categories) > TOP:
        return False
    columns = {one: table.column(one) for one in names}
    words = {
        one: {str(word).casefold() for word in column.cat.categories}
        for one, column in columns.items()
        if isinstance(column.dtype, pd.CategoricalDtype)
    }
    mine = words.pop(name)
    short = max(map(len, mine)) <= SHORT_WORD
    return short and any(2 * len(mine & other) >= max(len(mine), len(other)) for other in words.values())


def _counts_rows(known: pd.Series[Any]) -> bool:
    numbers = _numbers(known)
    return numbers is not None and len(numbers) > 10 and bool(np.all(np.diff(numbers) == 1))


def _numbers(column: pd.Series[Any]) -> Floats | None:
    """Return a column's numbers, without what is missing; None where some are words."""
    if not isinstance(column.dtype, pd.CategoricalDtype):
        known: Floats = column.dropna().to_numpy(float)
        return known[np.isfinite(known)]
    words = [str(word) for word in column.cat.categories]
    used = np.unique(column.cat.codes[column.cat.codes >= 0])
    truth = {"true": "1", "false": "0"}
    told = [truth.get(word.casefold()) or re.sub(r"[%\s]|/\d+$", "", word) for word in words]
    read = pd.to_numeric(pd.Series(told, dtype=object), errors="coerce")
    table = read.to_numpy(float)
    words_in = used[~np.isfinite(table[used])]
    spoken = float(np.isin(column.cat.codes.to_numpy(), words_in).sum())
    missing = [place for place in words_in if words[place].casefold() in (*MISSING_WORDS, *MISSING_AMONG_NUMBERS)]
    if len(missing) < len(words_in) and spoken > FEW_WORDS * len(column):
        return None
    values: Floats = table[column.cat.codes[column.cat.codes >= 0].to_numpy()]
    return values[np.isfinite(values)]


def several_alike(table: Table, names: Sequence[str]) -> bool:
    """Return whether values say of two columns or more that they look alike."""
    return len(table) >= ENOUGH and max(map(len, _groups(table, names)), default=0) > 1


def alike(table: Table, names: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Return the columns that look like each other, and the others with the reason.

    Two columns of numbers look alike if both are grades of at most ten, or both are 0 and 1, or both go in steps of
    one size, or half of each one's values lie within the other's range; two of words if they share half of the labels
    of the one that has fewer. The most that look alike are the raters. A column that is the mean (or sum, median, ...)
    of the others is none.
    """
    if len(names) < 2 or len(table) < ENOUGH:
        return list(names), {}
    grades = [name for name in names if _numbers(table.column(name)) is not None]
    groups = _groups(table, names)
    size = max(len(group) for group in groups)
    if size == 1 and not grades and not _share_words(table, names):  # they answer no question in common
        return [], dict.fromkeys(names, "its values are unlike the others'")
    if size == 1:  # nothing looks alike: grades on two scales, perhaps
        kept = grades if 2 * len(grades) >= len(names) else [name for name in names if name not in grades]
    else:
        kept = min((group for group in groups if len(group) == size), key=lambda group: _different(table, group))
    why = {True: "words among grades", False: "its values are unlike the others'"}
    aside = {name: why[name not in grades and kept[0] in grades] for name in names if name not in kept}
    for name in list(kept):
        if len(kept) > 2 and name in grades and (what := _summary(table, name, [one for one in kept if one != name])):
            aside[name] = f"is the {what} of the others"
            kept = [one for one in kept if one != name]
    return kept, aside


def _share_words(table: Table, names: Sequence[str]) -> bool:
    """Return whether the labels of some two columns have a word in common."""
    words = [
        {*re.findall(r"\w+", " ".join(map(str, table.words(name).dropna().unique())).casefold())} for name in names
    ]
    return any(a & b for a, b in combinations(words, 2))


def _different(table: Table, names: Sequence[str]) -> int:
    """Return how many different values some columns have: grades are fewer than times, or lengths."""
    return len(set().union(*(table.words(name).dropna().unique() for name in names)))


def _groups(table: Table, names: Sequence[str]) -> list[list[str]]:
    """Return the columns that look alike, directly or by way of others, together."""
    numbers = {name: _numbers(table.column(name)) for name in names}
    words = [name for name in names if numbers[name] is None]
    labels = {
        name: options_in([str(word).casefold() for word in table.words(name).dropna().unique()]) for name in words
    }
    near = {(a, b): _overlap(numbers[a], numbers[b]) for a, b in combinations(names, 2)}
    near |= {
        (a, b): 2 * len(labels[a] & labels[b]) >= min(map(len, (labels[a], labels[b])))
        for a, b in combinations(words, 2)
    }
    groups: list[list[str]] = []
    for name in names:
        touching = [group for group in groups if any(near.get((one, name)) for one in group)]
        groups = [group for group in groups if group not in touching]
        groups.append([*(one for group in touching for one in group), name])
    return [[name for name in names if name in group] for group in groups]


def _overlap(a: Floats | None, b: Floats | None) -> bool:
    if a is None or b is None or not len(a) or not len(b) or _is_continuous(a) != _is_continuous(b):
        return False
    if (_are_grades(a) and _are_grades(b)) or np.isin(np.concatenate([a, b]), [0, 1]).all():
        return True  # however severe one rater is
    if (step := _step(a)) and (other := _step(b)) and _near(step, other, 2) and _near(a.max(), b.max(), STRETCH):
        return True
    return all(float(np.mean((one >= other.min()) & (one <= other.max()))) >= INSIDE for one, other in ((a, b), (b, a)))


def _are_grades(numbers: Floats) -> bool:
    """Return whether numbers are grades of a scale of at most ten: whole, small, and more than yes and no."""
    return bool(numbers.min() >= 0 and 1 < numbers.max() <= TOP and np.array_equal(numbers, np.rint(numbers)))


def _step(numbers: Floats) -> float | None:
    """Return the step of a scale in hundredths (tens up to a hundred, halves up to ten); None where there is none."""
    parts = np.rint(100 * numbers).astype(np.int64)
    if numbers.min() < 0 or numbers.max() > WIDEST or not np.allclose(parts, 100 * numbers):
        return None
    step = int(np.gcd.reduce(parts))
    return step if step not in (0, 100) and 1 < parts.max() / step <= STEPS else None


def _near(one: float, other: float, most: float) -> bool:
    return max(one, other) <= most * min(one, other)


def _is_continuous(numbers: Floats) -> bool:
    """Return whether numbers are measured, not graded: nearly all of many are different, and most are no halves."""
    return (
        len(numbers) >= 2 * ENOUGH
        and len(np.unique(numbers)) > 0.8 * len(numbers)
        and bool(np.mean(2 * numbers != np.rint(2 * numbers)) > 0.5)
    )


def _as_numbers(words: pd.Series[Any]) -> Floats:
    """Return the number that each word is; NaN where it is none."""
    told = pd.to_numeric(pd.Series(words.cat.categories, dtype=object), errors="coerce").to_numpy(float)
    numbers: Floats = np.append(told, np.nan)[words.cat.codes]  # the last serves code -1
    return numbers


def _summary(table: Table, name: str, others: Sequence[str]) -> str | None:
    """Return what a column is of the others: their mean, sum, median, most or least, to its own decimals."""
    frame = pd.DataFrame({one: _as_numbers(table.words(one)) for one in [name, *others]})
    mine, rest = frame[name], frame[others]
    known = mine.notna() & (rest.notna().sum(axis=1) > 1)
    differing = int((rest[known].max(axis=1) > rest[known].min(axis=1)).sum())
    if known.sum() < ENOUGH or not differing or mine[known].nunique() < 2:  # who always gives the most is a rater
        return None
    decimals = next((one for one in (1, 2) if np.allclose(mine[known].round(one), mine[known], atol=1e-9)), 3)
    near = 0.5 * 10**-decimals + 1e-9 if decimals == 1 else 0.011
    for what in ("mean", "median", "sum", "max", "min"):
        said = getattr(rest[known], what)(axis=1)
        fraction = not np.array_equal(mine[known], np.rint(mine[known]))
        if np.allclose(said, mine[known], atol=near if fraction else 0.011) and (
            what == "sum" or fraction or differing >= OFTEN
        ):
            return what
    return None
