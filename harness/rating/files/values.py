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

from harness.errors import HarnessError, did_you_mean
from harness.rating.files.cells import COMMA, NUMBER
from harness.rating.files.paths import parsed
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
SEPARATORS = (";", "|", "\n", "::", ",", "/", "+")
"""What stands between the options that were ticked, in tools that write them as one text."""
BETTER = re.compile(r"\s*>+\s*")
"""What stands between the places of a ranking that is written as text, `A > B = C`."""


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
    cell = criterion.astype(np.int64) * len(words) + codes
    used, place = np.unique(cell[codes >= 0], return_inverse=True)
    found = Meaning(np.full(len(codes), np.nan), np.full(len(codes), None, dtype=object))
    values, labels = np.full(len(used), np.nan), np.full(len(used), None, dtype=object)
    counts = np.bincount(place, None if rows is None else rows[codes >= 0], minlength=len(used)).astype(int)
    for at, name in enumerate(criteria):
        mine = np.flatnonzero((used >= at * len(words)) & (used < (at + 1) * len(words)))
        told = [words[code] for code in used[mine] - at * len(words)]
        values[mine], labels[mine], scale, notes = _of_criterion(
            told, counts[mine], said, said.listed.get(name, said.listed.get("")), decimal_comma
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
    words = [word.translate(MINUS) if word[:1] == "−" else word for word in words]
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
            if scale == "set" and not listed and _all_orders(kept):
                notes.append("all hold the same options, in several orders: --level ranking compares the orders")
            return values, labels, scale, notes
        kept = read
    kept = [TRUTH.get(word.casefold(), word) for word in kept]
    if {"0", "1"} & set(kept) and set(kept) <= {"0", "1", "true", "false"}:
        kept = [{"true": "1", "false": "0"}.get(word, word) for word in kept]
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


def _listed(words: list[str], named: str | None) -> tuple[Scale | None, list[str]]:
    """Return the scale of words that are lists, and each as it is compared; nothing where they are no lists.

    Lists of one are the word in them. A set is compared by what it holds, a ranking by the place of each option.
    """
    opened = [_opened(word) for word in words]
    lists = [one for one in opened if isinstance(one, list)]
    if rankings := _rankings(words, opened, named == "ranking"):
        return "ranking", [json.dumps(one, sort_keys=True, ensure_ascii=False) for one in rankings]
    texts = [word for word, one in zip(words, opened, strict=True) if not isinstance(one, list)]
    mark = _mark(texts)
    if named == "set" or mark:
        mark = mark or next((one for one in SEPARATORS if any(one in word for word in texts)), None)
        split = [one if isinstance(one, list) else _split(word, mark) for one, word in zip(opened, words, strict=True)]
        return "set", [_set(one) for one in split]
    if not lists:
        return None, []
    if all(len(one) == 1 for one in lists):
        return None, [str(one[0]) if isinstance(one, list) else word for one, word in zip(opened, words, strict=True)]
    return "set", [_set(one if isinstance(one, list) else [word]) for one, word in zip(opened, words, strict=True)]


def _opened(word: str) -> Any:
    """Return the list or mapping that a word is; of ticks (`{"4": true, "5": false}`) what is ticked."""
    if word[:1] not in ("[", "{", "("):
        return word
    found = parsed(word)
    if isinstance(found, dict) and found and all(isinstance(one, bool) for one in found.values()):
        return [key for key, one in found.items() if one]
    if isinstance(found, dict) and set(found) == {"choices"}:
        found = found["choices"]
    if isinstance(found, list):
        return [next(iter(one.values())) if isinstance(one, dict) and len(one) == 1 else one for one in found]
    return found


def _rankings(words: list[str], opened: list[Any], named: bool) -> list[dict[str, int]]:
    """Return the place of each option in each word, where all are rankings; nothing where they are none.

    Text is a ranking by itself where all of it places the same options, `A > B = C`.
    """
    placed = [places_of(one) for one in opened]
    sure = named or not all(isinstance(one, dict) and len(one) > 1 for one in opened) or are_rankings(opened)
    if sure and all(one is not None for one in placed):
        return [one for one in placed if one is not None]
    written = [_placed_text(word) for word in words]
    if all(len(one) > 1 and set(one) == set(written[0]) for one in written):
        return written
    if not named:
        return []
    texts = [word for word, one in zip(words, opened, strict=True) if not isinstance(one, list)]
    mark = next((one for one in SEPARATORS if any(one in word for word in texts)), None)
    found = []
    for word, one, place, text in zip(words, opened, placed, written, strict=True):
        order = one if isinstance(one, list) else _split(word, mark)
        found.append(place or (text if len(text) > 1 else {str(option): at for at, option in enumerate(order, 1)}))
    return found


def are_rankings(found: Sequence[Any]) -> bool:
    """Return whether mappings of names to numbers are the places of rankings, with ties, and not grades."""
    for one in found:
        if not isinstance(one, dict) or not one or not all(_is_whole(place) for place in one.values()):
            return False
        places = sorted(one.values())
        dense = {place: at for at, place in enumerate(dict.fromkeys(places), 1)}
        competition = {place: places.index(place) + 1 for place in places}
        if not any(all(place == known[place] for place in places) for known in (dense, competition)):
            return False
    return True


def _placed_text(word: str) -> dict[str, int]:
    """Return the place of each option in `A > B = C`: those that are equal have one."""
    found: dict[str, int] = {}
    for level in BETTER.split(word):
        tied = [option.strip() for option in re.split(r"[=~]", level)]
        found |= dict.fromkeys(tied, len(found) + 1)
    return found


def places_of(found: Any) -> dict[str, int] | None:
    """Return the place of each option, where a list or a mapping says it (Argilla's, Label Studio's)."""
    if isinstance(found, list) and found and all(isinstance(one, dict) and len(one) > 1 for one in found):
        pairs = [[next((one[key] for key in keys if key in one), None) for keys in (OPTION, PLACE)] for one in found]
        if all(option is not None and _is_whole(place) for option, place in pairs):
            return {str(option): int(place) for option, place in pairs if place is not None}
    if isinstance(found, dict) and len(found) == 1 and isinstance(only := next(iter(found.values())), list):
        if not only or any(isinstance(one, dict | list) for one in only):
            return None
        return {str(option): place for place, option in enumerate(only, 1)}  # Label Studio's ranker
    if isinstance(found, dict) and found and all(_is_whole(one) for one in found.values()):
        return {str(key): int(one) for key, one in found.items()}
    return None


OPTION = ("value", "option", "name", "label", "id", "item")
PLACE = ("rank", "place", "position")


def _is_whole(place: Any) -> bool:
    return isinstance(place, int) and not isinstance(place, bool)


def _set(options: Iterable[Any]) -> str:
    return json.dumps(sorted({str(one).strip() for one in options if str(one).strip()}), ensure_ascii=False)


def _split(word: str, mark: str | None) -> list[str]:
    return [part.strip() for part in word.split(mark)] if mark and mark in word else [word]


def _mark(words: list[str]) -> str | None:
    """Return what separates options, where two words are the same options in another order: then they are lists."""
    for mark in SEPARATORS:
        split = [_split(word, mark) for word in dict.fromkeys(words) if mark in word]
        several = [tuple(sorted(one)) for one in split if not all(NUMBER.fullmatch(part) for part in one)]
        if len(set(several)) < len(several):
            return mark
    return None


def _all_orders(words: list[str]) -> bool:
    """Return whether all lists hold the same options, and stand in several orders."""
    lists = [one for one in map(_opened, dict.fromkeys(words)) if isinstance(one, list)]
    return len(lists) > 1 and len({_set(one) for one in lists}) == 1 and len(lists[0]) > 1
