"""What the words in a column of values mean: one rule for every reader.

Blanks and Unicode's forms are settled before (`table.py`); here it is said which words are no value, which are
numbers, which are lists of what was ticked, and which are rankings. The words of one criterion are looked at together:
`4/5` is a number where all others are numbers too, and a word among words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.rating.files.cells import COMMA, NUMBER
from harness.records import Scale
from harness.statistics import Ints

MISSING_WORDS = ("na", "n/a", "#n/a", "-", "–", "—")
"""What people write for no value, beside an empty cell."""
MISSING_AMONG_NUMBERS = ("nan", "none", "null", "missing", ".", "?")
"""What else is no value where most of the others are numbers; among words it may be a label."""
TRUTH = {"true": "true", "false": "false"}
SHARE = re.compile(r"([+-]?\d+(?:[.,]\d+)?)\s*%")
OF = re.compile(r"(\d+(?:[.,]\d+)?)\s*/\s*(\d+)")
THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
POINTS = re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d+")
NAMED = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(?:[-–—:=.)]\s*|\()(\D.*)", re.DOTALL)
SEPARATORS = (";", "|", ",")
"""What stands between the options that were ticked, in tools that write them as one text."""


@dataclass
class Meaning:
    """What each row says.

    Attributes:
        value: Numbers; NaN where there is none.
        label: Words; None where there is none.
        scale: The scale of each criterion of which more is known than its numbers say.
        notes: What was assumed.
    """

    value: NDArray[np.float64]
    label: NDArray[Any]
    scale: dict[str, Scale] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Words:
    """What a user says about words.

    Attributes:
        missing: Words that are no value, beside the usual; an empty one says that only empty cells are missing.
        recode: Words that mean another: both are read as the second.
        listed: The scales that were named, by criterion ("" for all): `set` splits words at what separates options,
            `ranking` keeps their order.
    """

    missing: tuple[str, ...] = ()
    recode: Mapping[str, str] = field(default_factory=dict)
    listed: Mapping[str, str] = field(default_factory=dict)

    def absent(self, word: str) -> bool:
        """Return whether a word is no value."""
        usual = () if "" in self.missing else MISSING_WORDS
        return word in self.missing or word.casefold() in usual


def meaning(
    codes: Ints,
    words: Sequence[str],
    criterion: Ints,
    criteria: Sequence[str],
    said: Words,
    decimal_comma: bool = False,
) -> Meaning:
    """Return what a column of words says.

    Args:
        codes: The word of each row, -1 where there is none.
        words: The words.
        criterion: The criterion of each row.
        criteria: Their names.
        said: What the user says about words.
        decimal_comma: Commas are decimal: they separate no columns of the file.
    """
    cell = criterion.astype(np.int64) * len(words) + codes
    used, place = np.unique(cell[codes >= 0], return_inverse=True)
    found = Meaning(np.full(len(codes), np.nan), np.full(len(codes), None, dtype=object))
    values, labels = np.full(len(used), np.nan), np.full(len(used), None, dtype=object)
    for at, name in enumerate(criteria):
        mine = np.flatnonzero((used >= at * len(words)) & (used < (at + 1) * len(words)))
        told = [words[code] for code in used[mine] - at * len(words)]
        times = np.bincount(place, minlength=len(used))[mine]
        values[mine], labels[mine], scale, notes = _of_criterion(
            told, times, said, said.listed.get(name, said.listed.get("")), decimal_comma
        )
        if scale:
            found.scale[name] = scale
        found.notes += [f"{name}: {note}" if len(criteria) > 1 else note for note in notes]
    found.value[codes >= 0], found.label[codes >= 0] = values[place], labels[place]
    return found


def _of_criterion(
    words: list[str], times: Ints, said: Words, listed: str | None, decimal_comma: bool
) -> tuple[NDArray[np.float64], NDArray[Any], Scale | None, list[str]]:
    """Return the value and the label of each word of a criterion, its scale, and what was assumed."""
    values, labels = np.full(len(words), np.nan), np.full(len(words), None, dtype=object)
    numbers = pd.to_numeric(pd.Series(words, dtype=object), errors="coerce").to_numpy(float)
    if len(words) and np.isfinite(numbers).all() and not said.missing and not said.recode and not listed:
        return numbers, labels, None, []
    notes: list[str] = []
    meant = [said.recode.get(word, word) for word in words]
    there = [place for place, word in enumerate(meant) if word and not said.absent(word)]
    gone = sorted({meant[place] for place in set(range(len(words))) - set(there)})
    if gone:
        n = int(times[[place for place, word in enumerate(meant) if word in gone]].sum())
        notes.append(f"{n:,} values are missing: {_shown(gone)}")
    kept = [meant[place] for place in there]
    scale, read = _listed(kept, listed)
    if scale or read:
        for place, word in zip(there, read, strict=True):
            labels[place] = word
        if scale:
            notes.append(f"taken for {'rankings' if scale == 'ranking' else 'sets of what was ticked, in any order'}")
            return values, labels, scale, notes
        kept = read
    kept = [TRUTH.get(word.casefold(), word) for word in kept]
    told, note = _numbers(kept, times[there], decimal_comma)
    for place, word, number in zip(there, kept, told, strict=True):
        values[place], labels[place] = (np.nan, word) if isinstance(number, str) else (number, None)
    return values, labels, None, notes + note


def _shown(words: Iterable[str], most: int = 5) -> str:
    listed = [repr(word) for word in words]
    return ", ".join(listed[:most]) + (", ..." if len(listed) > most else "")


def _numbers(words: list[str], times: Ints, decimal_comma: bool) -> tuple[list[float | str], list[str]]:
    """Return words as numbers where they are, by one way of writing for all; NaN for one that is missing among them."""
    plain = [float(word) if NUMBER.fullmatch(word) else None for word in words]
    rest = [word for word, number in zip(words, plain, strict=True) if number is None]
    if not rest:
        return [float(word) for word in words], []
    quiet = [word for word in rest if word.casefold() in MISSING_AMONG_NUMBERS]
    counted = sum(int(n) for n, number in zip(times, plain, strict=True) if number is not None)
    notes = []
    if quiet and (len(quiet) < len(rest) or counted > times.sum() / 2):
        others = [word for word in words if word not in quiet]
        told, how = (
            _numbers(others, times[[word not in quiet for word in words]], decimal_comma) if others else ([], [])
        )
        if others and not any(isinstance(one, str) for one in told):
            n = int(times[[word in quiet for word in words]].sum())
            notes.append(f"{n:,} values are missing among numbers: {_shown(sorted(set(quiet)))}")
            known = dict(zip(others, told, strict=True))
            return [known.get(word, float("nan")) for word in words], how + notes
    for way, what in _ways(rest, decimal_comma):
        found = [way(word) if number is None else number for word, number in zip(words, plain, strict=True)]
        if all(number is not None for number in found):
            mixed = (
                " (beside plain numbers, taken as they stand)"
                if what.startswith("per") and len(rest) < len(words)
                else ""
            )
            return [float(number or 0) for number in found], [f"{what}: {_shown(rest, 2)} read as numbers{mixed}"]
    decimal = _comma(rest, decimal_comma)
    read = [decimal(word) if number is None else number for word, number in zip(words, plain, strict=True)]
    return [word if number is None else number for word, number in zip(words, read, strict=True)], []


def _comma(words: list[str], decimal_comma: bool) -> Callable[[str], float | None]:
    """Return how a comma is read: decimal where it separates no columns, or where some word can be nothing else."""
    commas = [word for word in words if COMMA.fullmatch(word)]
    decimal = decimal_comma or any(not THOUSANDS.fullmatch(word) for word in commas)
    return lambda word: float(word.replace(",", ".")) if decimal and COMMA.fullmatch(word) else None


def _ways(words: list[str], decimal_comma: bool) -> list[tuple[Callable[[str], float | None], str]]:
    """Return the ways in which people write numbers, and what each is called."""
    decimal = _comma(words, decimal_comma)
    bottoms = {match[2] for word in words if (match := OF.fullmatch(word))}
    wordings: dict[str, set[str]] = {}
    for word in words:
        if match := NAMED.fullmatch(word):
            wordings.setdefault(match[1], set()).add(match[2].casefold().rstrip(") "))

    def share(word: str) -> float | None:
        match = SHARE.fullmatch(word)
        return float(match[1].replace(",", ".")) if match else None

    def part(word: str) -> float | None:
        match = OF.fullmatch(word)
        if not match or float(match[2]) == 0:
            return None
        top = float(match[1].replace(",", "."))
        return top if len(bottoms) == 1 else top / float(match[2])

    def thousands(word: str) -> float | None:
        if POINTS.fullmatch(word):
            return float(word.replace(".", "").replace(",", "."))
        return float(word.replace(",", "")) if THOUSANDS.fullmatch(word) else None

    def named(word: str) -> float | None:
        match = NAMED.fullmatch(word)
        return float(match[1]) if match and len(wordings[match[1]]) == 1 else None

    return [
        (decimal, "decimal commas"),
        (thousands, "commas between thousands"),
        (share, "percentages"),
        (part, "so many of so many"),
        (named, "grades with their names"),
    ]


def _listed(words: list[str], named: str | None) -> tuple[Scale | None, list[str]]:
    """Return the scale of words that are lists, and each as it is compared; nothing where they are no lists.

    Lists of one are the word in them. A set is compared by what it holds, a ranking by the place of each option.
    """
    opened = [_opened(word) for word in words]
    lists = [one for one in opened if isinstance(one, list)]
    rankings = [_places(one) for one in opened]
    if opened and all(one is not None for one in rankings):
        return "ranking", [json.dumps(one, sort_keys=True, ensure_ascii=False) for one in rankings]
    if named == "ranking":
        orders = [one if isinstance(one, list) else _split(word) for one, word in zip(opened, words, strict=True)]
        placed = [{str(option): place for place, option in enumerate(order, 1)} for order in orders]
        return "ranking", [json.dumps(one, sort_keys=True, ensure_ascii=False) for one in placed]
    if named == "set" or _permuted(
        [word for word, one in zip(words, opened, strict=True) if not isinstance(one, list)]
    ):
        split = [one if isinstance(one, list) else _split(word) for one, word in zip(opened, words, strict=True)]
        return "set", [_set(one) for one in split]
    if not lists:
        return None, []
    if all(len(one) == 1 for one in lists):
        return None, [str(one[0]) if isinstance(one, list) else word for one, word in zip(opened, words, strict=True)]
    return "set", [_set(one if isinstance(one, list) else [word]) for one, word in zip(opened, words, strict=True)]


def _opened(word: str) -> Any:
    """Return the list or mapping that a word is; of ticks (`{"4": true, "5": false}`) what is ticked."""
    if word[:1] not in ("[", "{"):
        return word
    try:
        found = json.loads(word)
    except json.JSONDecodeError:
        return word
    if isinstance(found, dict) and found and all(isinstance(one, bool) for one in found.values()):
        return [key for key, one in found.items() if one]
    if isinstance(found, dict) and set(found) == {"choices"}:
        found = found["choices"]
    if isinstance(found, list):
        return [next(iter(one.values())) if isinstance(one, dict) and len(one) == 1 else one for one in found]
    return found


def _places(found: Any) -> dict[str, int] | None:
    """Return the place of each option, where a list or a mapping says it (Argilla's, Label Studio's)."""
    if (
        isinstance(found, list)
        and found
        and all(isinstance(one, dict) and {"value", "rank"} <= set(one) for one in found)
    ):
        return {str(one["value"]): int(one["rank"]) for one in found}
    numbers = isinstance(found, dict) and bool(found)
    if numbers and all(isinstance(one, int) and not isinstance(one, bool) for one in found.values()):
        return {str(key): one for key, one in found.items()}
    return None


def _set(options: Iterable[Any]) -> str:
    return json.dumps(sorted({str(one).strip() for one in options if str(one).strip()}), ensure_ascii=False)


def _split(word: str) -> list[str]:
    mark = next((mark for mark in SEPARATORS if mark in word), None)
    return [part.strip() for part in word.split(mark)] if mark else [word]


def _permuted(words: list[str]) -> bool:
    """Return whether two words are the same options in another order: then they are lists."""
    split = [_split(word) for word in dict.fromkeys(words)]
    several = [tuple(sorted(one)) for one in split if len(one) > 1 and not all(NUMBER.fullmatch(part) for part in one)]
    return len(set(several)) < len(several)
