"""Questions that people answer in their own words: what they say is why, and no rating."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from harness.rating.files.repeats import Answer, Rejected

ENOUGH = 5
"""Fewer answers do not show whether a question is answered in people's own words."""
WORDS = 8
"""Labels are seldom longer than so many letters on average, and texts seldom shorter."""


def without_texts(answers: list[Answer]) -> tuple[list[Answer], list[Rejected]]:
    """Return answers without those to questions of text, whose text is the rationale of the same rater's others.

    A question is one of text where most of its answers are words of their own, and others of the file are not.
    """
    words: dict[str, list[str]] = defaultdict(list)
    for answer in answers:
        if answer.word is not None:
            words[answer.rating.criterion].append(answer.word)
    texts = {name for name, said in words.items() if _are_texts(said)}
    if not texts or texts >= {answer.rating.criterion for answer in answers}:
        return answers, []
    told: dict[tuple[str, str | None, str], list[str]] = defaultdict(list)
    for answer in answers:
        if answer.rating.criterion in texts and answer.word:
            told[_sitting(answer)].append(answer.word)
    kept, rejected = [], []
    for answer in answers:
        if answer.rating.criterion in texts:
            rejected.append(Rejected(answer.row, f"{answer.rating.criterion!r} is answered in words: a rationale"))
            continue
        said = told.get(_sitting(answer))
        if said and not answer.rating.rationale:
            answer = replace(answer, rating=answer.rating.model_copy(update={"rationale": "\n".join(said)}))
        kept.append(answer)
    return kept, rejected


def _are_texts(words: list[str]) -> bool:
    plain = [word for word in words if word[:1] not in "[{"]
    known = set(plain)
    return (
        len(plain) >= ENOUGH
        and len(known) > len(words) / 2
        and sum(map(len, known)) > WORDS * len(known)
        and sum(" " in word for word in known) > len(known) / 2
    )


def _sitting(answer: Answer) -> tuple[str, str | None, str]:
    return answer.rating.item_id, answer.rating.response_id, answer.rating.rater
