"""Reads a judge's verdict: one of the declared words, from the probabilities of the next token or from text.

What cannot be read is `None` with a reason, never a default.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Reading(NamedTuple):
    """What was read."""

    word: str | None
    """One of the declared words."""
    probabilities: dict[str, float] | None = None
    """Of the words among each other; they add up to 1."""
    mass: float | None = None
    """How much of all probability the words had together."""
    rationale: str | None = None
    problem: str | None = None


def read_probabilities(top: Sequence[Mapping[str, float]] | None, words: Sequence[str]) -> Reading:
    """Return the most probable of the words as the next token, with the probabilities of all.

    A token counts for a word that it equals without white space; for words of several letters case does not matter
    (`Yes`, `yes`), for single letters it does: `a` is an article, `A` an answer.
    """
    if not top:
        return Reading(None, problem="the server gave no token probabilities")
    found = dict.fromkeys(words, 0.0)
    keys = {_key(word): word for word in words}
    for token, logprob in top[0].items():
        word = keys.get(_key(token.strip()))
        if word is not None:
            found[word] += math.exp(logprob)
    mass = math.fsum(found.values())
    if mass <= 0.0:
        return Reading(None, problem=f"none of {', '.join(words)} is among the {len(top[0])} most probable tokens")
    shares = {word: probability / mass for word, probability in found.items()}
    best = sorted(shares, key=lambda word: -shares[word])
    if len(best) > 1 and shares[best[0]] == shares[best[1]]:
        return Reading(None, shares, mass, problem=f"{best[0]} and {best[1]} are equally probable")
    return Reading(best[0], shares, mass)


def _key(word: str) -> str:
    return word if len(word) == 1 else word.casefold()


def answer_schema(words: Sequence[str], reasoning: bool) -> dict[str, Any]:
    """Return the JSON Schema of an answer in text: the verdict, after its reasons where these are wanted."""
    return _object("verdict", {"type": "string", "enum": list(words)}, reasoning)


def ranking_schema(labels: Sequence[str], reasoning: bool) -> dict[str, Any]:
    """Return the JSON Schema of an order in text: all labels, best first, after its reasons where these are wanted."""
    k = len(labels)
    order = {"type": "array", "items": {"type": "string", "enum": list(labels)}, "minItems": k, "maxItems": k}
    return _object("ranking", order, reasoning)


def _object(name: str, wanted: dict[str, Any], reasoning: bool) -> dict[str, Any]:
    properties: dict[str, Any] = {"reasoning": {"type": "string"}} if reasoning else {}
    properties[name] = wanted
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


NAMED = r"(?:verdict|score|rating|grade|answer|winner)"


def read_text(text: str | None, words: Sequence[str]) -> Reading:
    """Return the verdict of a written answer: of a JSON object, of the last line `verdict: WORD`, or the whole text."""
    if not text or not text.strip():
        return Reading(None, problem="the judge wrote nothing")
    known = {_key(word): word for word in words}
    for fields in _objects(text):
        if "verdict" not in fields:
            continue
        given, reasons = fields["verdict"], fields.get("reasoning")
        rationale = reasons if isinstance(reasons, str) else None
        word = known.get(_key(str(given).strip())) if not isinstance(given, bool) else None
        return Reading(word, rationale=rationale, problem=None if word else f"the verdict {given!r} is no known word")
    among = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    bare = text.strip().strip("*_`\"'.[]() ")
    if _key(bare) in known:
        return Reading(known[_key(bare)])
    pattern = rf"(?i:\b{NAMED}\b[\"*_ ]*(?:is|[:=])[\"*_\[( ]*)({among})(?![\w.]*\w|\s*(?:/|\||or\b))"
    matches = re.findall(pattern, text, flags=0 if all(len(word) == 1 for word in words) else re.IGNORECASE)
    if not matches:
        return Reading(None, rationale=text, problem=f"no verdict among {', '.join(words)} in the judge's answer")
    if len(set(map(_key, matches))) > 1:
        return Reading(None, rationale=text, problem=f"several verdicts: {', '.join(matches)}")
    return Reading(known[_key(matches[-1])], rationale=text)


class Ranking(NamedTuple):
    """An order that was read."""

    labels: list[str] | None
    """Best first, every label once."""
    rationale: str | None = None
    problem: str | None = None


def read_ranking(text: str | None, labels: Sequence[str]) -> Ranking:
    """Return the order that an answer gives: of a JSON object, or of its last line `A > B > C`."""
    if not text or not text.strip():
        return Ranking(None, problem="the judge wrote nothing")
    for fields in _objects(text):
        if isinstance(fields.get("ranking"), list):
            given = [str(label).strip() for label in fields["ranking"]]
            reasons = fields.get("reasoning")
            return _ranking(given, labels, reasons if isinstance(reasons, str) else None)
    lines = re.findall(r"^\W*(?:ranking\W+)?(\w+(?:\s*>\s*\w+)+)\W*$", text, flags=re.IGNORECASE | re.MULTILINE)
    if not lines:
        return Ranking(None, text, f"no order of {', '.join(labels)} in the judge's answer")
    return _ranking(re.split(r"\s*>\s*", lines[-1]), labels, text)


def _ranking(given: list[str], labels: Sequence[str], rationale: str | None) -> Ranking:
    if sorted(given) == sorted(labels):
        return Ranking(given, rationale)
    return Ranking(None, rationale, f"the order {' > '.join(given)} does not name each of {', '.join(labels)} once")


def _objects(text: str) -> list[dict[str, Any]]:
    """Return the JSON objects at the top level of a text, the last one first."""
    decoder = json.JSONDecoder()
    found = []
    position = text.find("{")
    while position >= 0:
        try:
            value, end = decoder.raw_decode(text, position)
        except ValueError:
            end = position + 1
        else:
            if isinstance(value, dict):
                found.append(value)
        position = text.find("{", end)
    return found[::-1]
