"""What the words in a column of values mean: one rule for every reader.

Blanks and Unicode's forms are settled before (`table.py`); here it is said which words are no value, which are
numbers, which are lists of what was ticked, and which are rankings. The words of one criterion are looked at together:
`4/5` is a number where all others are numbers too, and a word among words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.errors import HarnessError, did_you_mean
from harness.rating.files.cells import COMMA, NUMBER
from harness.rating.files.lists import all_orders, listed
from harness.records import Scale
from harness.statistics import Ints

MISSING_WORDS = (
    "na", "n/a", "n.a.", "n.a", "<na>", "-", "--", "–", "—", "not applicable",
    "k.a.", "k. a.", "keine angabe", "entfällt", "sans objet", "no aplica", "não se aplica", "不适用", "该当なし",
    "#n/a", "#value!", "#div/0!", "#ref!", "#name?", "#null!", "#num!",
)  # fmt: skip
"""What people and spreadsheets write for no value, beside an empty cell."""
MISSING_AMONG_NUMBERS = (
    "nan", "nat", "none", "null", "missing", ".", "?", "blank", "(blank)", "skip", "skipped", "unsure", "not sure",
    "unknown", "no answer", "don't know", "keine antwort", "weiß nicht", "weiss nicht", "pas de réponse", "ne sait pas",
    "sin respuesta", "no sabe", "nessuna risposta", "未评分", "无", "未知", "不知道", "無回答", "нет ответа",
)  # fmt: skip
"""What else is no value where most of the others are numbers; among words it may be a label."""
PERCENT = "percentages"
TRUTH = {"true": "true", "false": "false"}
SHARE = re.compile(r"([+-]?\d+(?:[.,]\d+)?)\s*%")
OF = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:/|out of|of)\s*(\d+)", re.IGNORECASE)
THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
POINTS = re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d+")
NAMED = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(?:[-–—:=.)]\s*|\(|\s)(\D.*)", re.DOTALL)
NAMED_BEFORE = re.compile(r"(\D*[^\d\s.,+-])\s*(?:[-–—:=]\s*|\()(\d+(?:\.\d+)?)\)?", re.DOTALL)
STARS = re.compile(r"([★⭐]\ufe0f?)*☆*")
MINUS = str.maketrans("−", "-")


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

    @classmethod
    def said(
        cls,
        missing: str | Sequence[str] = (),
        recode: Mapping[str, str] | None = None,
        level: str | Mapping[str, str] | None = None,
    ) -> Words:
        """Return what is said about words, and by the level of all criteria, or of each."""
        words = (missing,) if isinstance(missing, str) else tuple(missing)
        levels = {"": level or ""} if level is None or isinstance(level, str) else level
        listed = {name: one for name, one in levels.items() if one in ("set", "ranking")}
        return cls(words, dict(recode or {}), listed)

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
    rows: Ints | None = None,
) -> Meaning:
    """Return what a column of words says.

    Args:
        codes: The word of each row, -1 where there is none.
        words: The words.
        criterion: The criterion of each row.
        criteria: Their names.
        said: What the user says about words.
        decimal_comma: Commas are decimal: they separate no columns of the file.
        rows: How many rows of the file each row stands for; one where not given.

    Raises:
        HarnessError: A word that is to mean another is not there.
    """
    if unknown := [word for word in said.recode if word not in words]:
        raise HarnessError(f"--recode {unknown[0]}={said.recode[unknown[0]]}: no rating is {unknown[0]!r}."
                           + did_you_mean(unknown[0], words))  # fmt: skip
    spoken = codes >= 0
    place, used = pd.factorize(criterion[spoken].astype(np.int64) * len(words) + codes[spoken], sort=True)
    found = Meaning(np.full(len(codes), np.nan), np.full(len(codes), None, dtype=object))
    values, labels = np.full(len(used), np.nan), np.full(len(used), None, dtype=object)
    counts = np.bincount(place, None if rows is None else rows[spoken], minlength=len(used)).astype(int)
    for at, name in enumerate(criteria):
        mine = np.flatnonzero((used >= at * len(words)) & (used < (at + 1) * len(words)))
        told = [words[code] for code in used[mine] - at * len(words)]
        values[mine], labels[mine], scale, notes = _of_criterion(
            told, counts[mine], said, said.listed.get(name, said.listed.get("")), decimal_comma
        )
        if scale:
            found.scale[name] = scale
        found.notes += [f"{name}: {note}" if len(criteria) > 1 else note for note in notes]
    found.value[spoken], found.label[spoken] = values[place], labels[place]
    return found


def _of_criterion(
    words: list[str], times: Ints, said: Words, named: str | None, decimal_comma: bool
) -> tuple[NDArray[np.float64], NDArray[Any], Scale | None, list[str]]:
    """Return the value and the label of each word of a criterion, its scale, and what was assumed."""
    values, labels = np.full(len(words), np.nan), np.full(len(words), None, dtype=object)
    words = [word.translate(MINUS) if word[:1] == "−" else word for word in words]
    numbers = pd.to_numeric(pd.Series(words, dtype=object), errors="coerce").to_numpy(float)
    if len(words) and np.isfinite(numbers).all() and not said.missing and not said.recode and not named:
        return numbers, labels, None, []
    notes: list[str] = []
    meant = [said.recode.get(word, word) for word in words]
    there = [place for place, word in enumerate(meant) if word and not said.absent(word)]
    gone = sorted({meant[place] for place in set(range(len(words))) - set(there)})
    if gone:
        n = int(times[[place for place, word in enumerate(meant) if word in gone]].sum())
        notes.append(f"{n:,} values are missing: {_shown(gone)}")
    kept = [meant[place] for place in there]
    scale, read = listed(kept, named)
    if scale or read:
        for place, word in zip(there, read, strict=True):
            labels[place] = word
        if scale:
            notes.append(f"taken for {'rankings' if scale == 'ranking' else 'sets of what was ticked, in any order'}")
            if scale == "set" and not named and all_orders(kept):
                notes.append("all hold the same options, in several orders: --level ranking compares the orders")
            return values, labels, scale, notes
        kept = read
    kept = [TRUTH.get(word.casefold(), word) for word in kept]
    if {"0", "1"} & set(kept) and set(kept) <= {"0", "1", "true", "false"}:
        kept = [{"true": "1", "false": "0"}.get(word, word) for word in kept]
    told, note = _numbers(kept, times[there], decimal_comma)
    for place, word, number in zip(there, kept, told, strict=True):
        values[place], labels[place] = (np.nan, word) if isinstance(number, str) else (number, None)
    silent = sorted({word for word in kept if word.casefold() in MISSING_AMONG_NUMBERS})
    if silent and not note and len(kept) > len(silent) and all(isinstance(number, str) for number in told):
        n = int(times[there][[word in silent for word in kept]].sum())
        note = [f"{_shown(silent)} ({n:,} values) counts as a label: if it is no answer, --missing {silent[0]!r}"]
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
    for way, what in _ways(rest, decimal_comma, len(rest) < len(words)):
        found = [way(word) if number is None else number for word, number in zip(words, plain, strict=True)]
        if all(number is not None for number in found):
            read, mixed = [float(number or 0) for number in found], ""
            if what == PERCENT and len(rest) < len(words):
                read, mixed = _beside_percentages(read, [number is not None for number in plain])
            return [*read], [f"{what}: {_shown(rest, 2)} read as numbers{mixed}"]
    decimal = _comma(rest, decimal_comma)
    numbers = [decimal(word) if number is None else number for word, number in zip(words, plain, strict=True)]
    spoken = sorted({word for word, number in zip(words, numbers, strict=True) if number is None})
    if spoken and counted > times.sum() / 2:
        notes.append(
            f"words among numbers: {_shown(spoken)}; all count as labels, or --missing {spoken[0]!r} leaves them out"
        )
    return [word if number is None else number for word, number in zip(words, numbers, strict=True)], notes


def _beside_percentages(numbers: list[float], plain: list[bool]) -> tuple[list[float], str]:
    """Return numbers some of which were percentages and the others shares of 1, or percentages without their sign."""
    beside = [number for number, one in zip(numbers, plain, strict=True) if one]
    signed = [number for number, one in zip(numbers, plain, strict=True) if not one]
    if max(beside) <= 1 < max(signed) and min(beside) >= 0:
        told = [100 * number if one else number for number, one in zip(numbers, plain, strict=True)]
        return [round(number, 10) for number in told], " (beside shares of 1, taken times 100)"
    return numbers, " (beside plain numbers, taken as they stand)"


def _comma(words: list[str], decimal_comma: bool) -> Callable[[str], float | None]:
    """Return how a comma is read: decimal where it separates no columns, or where some word can be nothing else."""
    commas = [word for word in words if COMMA.fullmatch(word)]
    decimal = decimal_comma or any(not THOUSANDS.fullmatch(word) for word in commas)
    return lambda word: float(word.replace(",", ".")) if decimal and COMMA.fullmatch(word) else None


def _ways(words: list[str], decimal_comma: bool, among_plain: bool) -> list[tuple[Callable[[str], float | None], str]]:
    """Return the ways in which people write numbers, and what each is called."""
    decimal = _comma(words, decimal_comma)
    bottoms = {match[2] for word in words if (match := OF.fullmatch(word))}
    wordings: dict[str, set[str]] = {}
    for word in words:
        if found := _grade_and_name(word):
            wordings.setdefault(found[0], set()).add(found[1])

    def share(word: str) -> float | None:
        match = SHARE.fullmatch(word)
        return float(match[1].replace(",", ".")) if match else None

    def part(word: str) -> float | None:
        match = OF.fullmatch(word)
        if not match or float(match[2]) == 0 or (len(bottoms) > 1 and among_plain):
            return None  # beside plain numbers nobody can say of how many those are
        top = float(match[1].replace(",", "."))
        return top if len(bottoms) == 1 else top / float(match[2])

    def thousands(word: str) -> float | None:
        if POINTS.fullmatch(word):
            return float(word.replace(".", "").replace(",", "."))
        return float(word.replace(",", "")) if THOUSANDS.fullmatch(word) else None

    def named(word: str) -> float | None:
        found = _grade_and_name(word)
        return float(found[0]) if found and len(wordings[found[0]]) == 1 else None

    def stars(word: str) -> float | None:
        return float(len(re.findall("[★⭐]", word))) if STARS.fullmatch(word) else None

    return [
        (decimal, "decimal commas"),
        (thousands, "commas between thousands"),
        (share, PERCENT),
        (part, "so many of so many"),
        (named, "grades with their names"),
        (stars, "stars"),
    ]


def _grade_and_name(word: str) -> tuple[str, str] | None:
    """Return the number in `4 - good`, `4 stars` or `good (4)`, and the name of it."""
    if match := NAMED.fullmatch(word):
        name = match[2].casefold().rstrip(") ")
        return match[1], "star" if name == "stars" else name
    if match := NAMED_BEFORE.fullmatch(word):
        return match[2], match[1].casefold().strip()
    return None
