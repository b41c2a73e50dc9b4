"""Words that are lists: sets of what was ticked, in any order, and rankings, by the place of each option."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from harness.rating.files.cells import NUMBER
from harness.rating.files.paths import parsed
from harness.records import Scale

SEPARATORS = (";", "|", "\n", "::", ",", "/", "+", "#", "；", "，", "、")
"""What stands between the options that were ticked, in tools that write them as one text."""
BRACES = re.compile(r"[\[{]([^\[\]{}:]+)[\]}]")
"""Ticks as a database writes a list, Python a set, or somebody by hand: `{a,b}`, `[a, b]`."""
QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
ARRAY = re.compile(r"\[\s*(?:'[^']*'|\"[^\"]*\")(?:\s+(?:'[^']*'|\"[^\"]*\"))+\s*\]")
"""Ticks as numpy prints them, without commas: to Python, `['a' 'b']` is one word."""
NUMBERED = re.compile(r"\s*(\d+)\s*[.):]\s*(.*\S)\s*")
"""An option behind its place: `2. beta`."""
BETTER = re.compile(r"\s*>+\s*")
"""What stands between the places of a ranking that is written as text, `A > B = C`."""


def listed(words: list[str], named: str | None) -> tuple[Scale | None, list[str]]:
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
    if ARRAY.fullmatch(word):
        return [one or other for one, other in QUOTED.findall(word)]
    found = parsed(word)
    if not isinstance(found, list | dict) and (match := BRACES.fullmatch(word)):
        return [part.strip(" '\"") for part in match[1].split(",") if part.strip()]
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
        behind = [NUMBERED.fullmatch(str(option)) for option in order]
        if all(behind):
            text = {match[2]: int(match[1]) for match in behind if match}
        found.append(
            place or (text if len(text) > 1 or all(behind) else {str(option): at for at, option in enumerate(order, 1)})
        )
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
    worse = "<" in word and ">" not in word
    for level in reversed(word.split("<")) if worse else BETTER.split(word):
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


def all_orders(words: list[str]) -> bool:
    """Return whether all lists hold the same options, and stand in several orders."""
    lists = [one for one in map(_opened, dict.fromkeys(words)) if isinstance(one, list)]
    return len(lists) > 1 and len({_set(one) for one in lists}) == 1 and len(lists[0]) > 1
