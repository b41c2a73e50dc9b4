"""Reads a judge's verdict: one of the declared words, from the probabilities of the next token or from text.

What cannot be read is `None` with a reason, never a default.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import regex  # type: ignore[import-untyped]
from pydantic import BaseModel, ConfigDict, field_validator

from harness.answering import answer_of, split_reasoning, unfinished
from harness.rating.judges import statements
from harness.rating.judges.objects import objects
from harness.rating.judges.statements import Statement
from harness.rating.judges.vocabulary import NUMBER, OF, Vocabulary, key_of

LEAST_MASS = 0.5
"""How much of all probability the words must hold: with less, the judge wanted to say something else."""
BLANK = " \t\r\n▁ĠĊ"
"""White space, and how tokenizers write it."""
PATTERN_SECONDS = 1.0


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


def read_probabilities(
    top: Sequence[Mapping[str, float]] | None,
    words: Sequence[str],
    least_mass: float = LEAST_MASS,
    weighed: bool = False,
) -> Reading:
    """Return the most probable of the words as the next token, with the probabilities of all.

    A token counts for a word that it equals without white space; for words of several letters case does not matter
    (`Yes`, `yes`), for single letters it does: `a` is an article, `A` an answer. A token that begins another word too
    (`1` where there is `10`) counts for neither: which of them it is, only the next token would say.

    Args:
        top: For each token written, the log-probabilities of the most probable tokens; the first is read.
        words: The declared words.
        least_mass: With less of all probability the words are no answer.
        weighed: The log-probabilities are of whole words: none is the beginning of another.
    """
    if not top:
        return Reading(None, problem="the server gave no token probabilities")
    found = dict.fromkeys(words, 0.0)
    keys = {key_of(word): word for word in words}
    undecided: dict[str, float] = {}
    for token, logprob in top[0].items():
        key = key_of(token.strip(BLANK))
        if not weighed and key in keys and any(other != key and other.startswith(key) for other in keys):
            undecided[key] = undecided.get(key, 0.0) + math.exp(logprob)
        elif key in keys:
            found[keys[key]] += math.exp(logprob)
    mass = math.fsum(found.values())
    if mass <= 0.0 and not undecided:
        problem = f"none of {', '.join(words)} is among the {len(top[0])} most probable tokens"
        return Reading(None, mass=0.0, problem=problem)
    shares = {word: probability / mass for word, probability in found.items()} if mass > 0 else None
    if mass < least_mass or math.fsum(undecided.values()) > mass:
        return Reading(None, shares, mass, problem=_too_little(mass, undecided, top[0]))
    best = sorted(found, key=lambda word: -found[word])
    if len(best) > 1 and found[best[0]] == found[best[1]]:
        return Reading(None, shares, mass, problem=f"{best[0]} and {best[1]} are equally probable")
    return Reading(best[0], shares, mass)


def _too_little(mass: float, undecided: Mapping[str, float], top: Mapping[str, float]) -> str:
    if undecided and math.fsum(undecided.values()) > mass:
        shown = ", ".join(map(repr, undecided))
        return f"the token {shown} begins more than one word; use words that begin differently, or `by: text`"
    likeliest = max(top, key=lambda token: top[token])
    return (
        f"the words hold {mass:.2g} of the probability; the likeliest token is {likeliest!r}. Ask for one of the words "
        "alone in the prompt, use words of one token, or `by: text`"
    )


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


class Pattern(BaseModel):
    """A reader by a regular expression: the first group of its last match, or all of it, is the verdict."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pattern: str

    @field_validator("pattern")
    @classmethod
    def _is_one(cls, pattern: str) -> str:
        try:
            regex.compile(pattern)
        except regex.error as error:
            raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
        return pattern


Reads = Literal["statement", "json", "brackets", "last_number"] | Pattern
"""How a written verdict is read: from the judge's last statement in any of the usual forms, from a JSON object alone,
from `[[ ]]` alone, as the last number, or by a pattern.
"""


def read_text(
    text: str | None,
    words: Sequence[str],
    reads: Reads = "statement",
    tie: str | None = None,
    finish_reason: str | None = None,
) -> Reading:
    """Return the verdict of a written answer.

    Args:
        text: The answer; reasoning in it is no part of what is read.
        words: The declared words.
        reads: The reader.
        tie: Of a comparison: the word for equally good, which `[[A=B]]` stands for.
        finish_reason: How the answer ended: what was cut off states nothing.
    """
    if problem := unfinished(finish_reason):
        return Reading(None, rationale=text or None, problem=problem)
    answer, reasoning = split_reasoning(text or "")
    if not answer.strip():
        problem = "the judge only reasoned, and wrote no answer" if reasoning else "the judge wrote nothing"
        return Reading(None, rationale=reasoning, problem=problem)
    found = _read(answer, Vocabulary(words, tie), reads)
    thought = "\n".join(filter(None, (reasoning, found.rationale or (answer if _more(answer) else None))))
    return found._replace(rationale=thought or None)


def _more(answer: str) -> bool:
    """Tell whether an answer has more than a word or an object: then it is the verdict's rationale."""
    return len(answer.split()) > 1 and not answer.lstrip().startswith("{")


FORMATTING = re.compile(
    r"</?(?:b|strong|i|em|u|p|br|span|div|output|result|response|evaluation|final|feedback)\s*/?>|&nbsp;", re.I
)
"""Marks around a statement that say nothing."""
STARS = re.compile(
    r"((?:^|[:：|]|\bof)[ \t*_]*)((?:[⭐★🌟]\ufe0f?)+)([☆✩]*)(?=[ \t*_.!)|]*(?:$|\(|/|out\b|of\b))", re.MULTILINE
)
"""A grade in stars; the empty ones say how many there are at the most."""


def _stars(found: re.Match[str]) -> str:
    full = len(found[2].replace("\ufe0f", ""))
    return f"{found[1]}{full}" + (f"/{full + len(found[3])}" if found[3] else "")


def _read(answer: str, vocabulary: Vocabulary, reads: Reads) -> Reading:
    if isinstance(reads, Pattern):
        return _by_pattern(answer, vocabulary, reads.pattern)
    answer = STARS.sub(_stars, FORMATTING.sub(" ", answer))
    if reads == "last_number":
        numbers = list(LAST_NUMBER.finditer(answer))
        return _decided([_number(numbers[-1], vocabulary)] if numbers else [], vocabulary, answer)
    if reads == "brackets":
        marks = statements.in_marks(answer, vocabulary)
        return _decided([one for one in marks if answer[one.start] == "["], vocabulary, answer)
    if statements.broken_json(answer):
        return Reading(None, problem="the answer begins as JSON and is none")
    answer = re.sub(r"\*\*([0-9.]+)\*\*(?=\s*/)|(?<=[a-z] )\*\*([A-Z])\*\*", r"\1\2", answer)
    in_json, rest = statements.in_json(answer, vocabulary)
    if reads == "json":
        return _decided(in_json, vocabulary, answer)
    if statements.refuses(rest):
        return Reading(None, problem="the judge says that it gives no verdict")
    stated = [*in_json, *statements.in_marks(rest, vocabulary), *statements.by_name(rest, vocabulary)]
    return _decided(stated or statements.in_passing(rest, vocabulary), vocabulary, rest)


def _decided(stated: Sequence[Statement], vocabulary: Vocabulary, text: str) -> Reading:
    """Return the verdict that all statements agree on, the last of which must be one."""
    if not stated:
        return Reading(None, problem=f"no verdict among {', '.join(vocabulary.words)} in the judge's answer")
    last = max(stated, key=lambda one: (one.start, one.word is not None))
    named = list(dict.fromkeys(one.word for one in sorted(stated) if one.word is not None))
    if last.word is None:
        return Reading(None, rationale=last.rationale, problem=f"the verdict {last.shown!r} is no known word")
    if len(named) > 1:
        return Reading(None, rationale=last.rationale, problem=f"several verdicts: {', '.join(named)}")
    if statements.takes_back(text[last.end :], vocabulary, last.word):
        return Reading(None, rationale=last.rationale, problem=f"the verdict {last.word} is taken back after it")
    return Reading(last.word, rationale=last.rationale)


LAST_NUMBER = re.compile(rf"(?<![\w.,])(?:{OF}|{NUMBER})(?:(?:\s*[-–]\s*|[.,]|\s+to\s+)?[\w%½+]+)?")
"""The number with what sticks to it: `3-4`, `4th` and `5%` are none."""


def _number(found: re.Match[str], vocabulary: Vocabulary) -> Statement:
    shown = re.sub(r"\s+(?!out\b|of\b|to\b|[0-9])\w+$", "", found[0])
    return Statement(found.start(), found.end(), vocabulary.word(shown), found[0])


def _by_pattern(answer: str, vocabulary: Vocabulary, pattern: str) -> Reading:
    expression = regex.compile(pattern)
    try:
        matches = list(expression.finditer(answer, timeout=PATTERN_SECONDS))
    except TimeoutError:
        return Reading(None, problem=f"the pattern was not matched within {PATTERN_SECONDS:g} s")
    if not matches:
        return Reading(None, problem="the pattern is not in the judge's answer")
    shown = (matches[-1][1] if expression.groups else matches[-1][0]) or ""
    word = vocabulary.word(shown)
    return Reading(word, problem=None if word else f"the verdict {shown!r} is no known word")


class Ranking(NamedTuple):
    """An order that was read."""

    labels: list[str] | None
    """Best first, every label once."""
    rationale: str | None = None
    problem: str | None = None


def read_ranking(text: str | None, labels: Sequence[str], finish_reason: str | None = None) -> Ranking:
    """Return the order that an answer gives: of a JSON object, or of its last line `A > B > C`."""
    if problem := unfinished(finish_reason):
        return Ranking(None, text or None, problem)
    text = answer_of(text or "")
    if not text.strip():
        return Ranking(None, problem="the judge wrote nothing")
    for _, _, fields in reversed(list(objects(text))):
        if isinstance(fields, dict) and isinstance(fields.get("ranking"), list):
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
