"""What a judge says in the fields of a JSON object: its verdict, under any of the usual names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from harness.rating.judges.vocabulary import NAMES, Vocabulary

FIELD = re.compile(
    rf"(?:(?:final|overall|my)[ _-]*)*(?:{NAMES}|"
    r"(?:better|best|preferred)(?:[ _-]*(?:response|answer|assistant|model|output))?)(?:\s*[(\[][^()\[\]]{0,40}[)\]])?",
    re.IGNORECASE,
)
CHOSEN = ("winner", "decision", "judgment", "judgement", "preference", "final_verdict")
"""Fields that say the same as a verdict, or another."""
LIMIT = re.compile(r"(?:max(?:imum)?|scale|out)[ _-]?(?:of|max|score|rating|points|value)?|of", re.IGNORECASE)
"""How a JSON object names the end of a scale."""


def words_of(value: Any, vocabulary: Vocabulary) -> tuple[set[str | None], str]:
    """Return the words that an object gives as a verdict (None for what is no word), and what stands there."""
    given = [*_fields(value), *_limits(value, vocabulary)]
    return {_word(one, vocabulary) for one in given}, " and ".join(dict.fromkeys(str(one) for one in given))


def _fields(value: Any) -> Iterator[Any]:
    """Yield the values that stand under the name of a verdict, at any depth but in longer lists."""
    if isinstance(value, list) and len(value) == 1:
        yield from _fields(value[0])
    elif isinstance(value, dict):
        named = {name: entry for name, entry in value.items() if FIELD.fullmatch(name.strip())}
        verdict = {name: entry for name, entry in named.items() if name.strip().casefold() == "verdict"}
        if verdict:
            verdict |= {name: entry for name, entry in named.items() if name.strip().casefold() in CHOSEN}
        for name, entry in (verdict or named or value).items():
            yield from _fields(entry) if isinstance(entry, dict | list) else [entry] if name in named else []


def _limits(value: Any, vocabulary: Vocabulary) -> Iterator[Any]:
    """Yield the end of a scale that an object names and that is not the words': its score is on another scale."""
    if isinstance(value, dict) and vocabulary.numbers:
        for name, entry in value.items():
            number = entry if isinstance(entry, int | float) and not isinstance(entry, bool) else None
            if LIMIT.fullmatch(name.strip()) and number is not None and number != max(vocabulary.numbers):
                yield f"of {number}"


def _word(value: Any, vocabulary: Vocabulary) -> str | None:
    if isinstance(value, bool | str | int | float):
        return vocabulary.word(str(value)) or vocabulary.leading(str(value))
    return None
