"""One rater, one item, several answers: a duplicate, a changed answer, or a repetition.

The same value at the same time is a duplicate and counted once; what the source's own history says was replaced is
left out, and the answer that took its place is flagged; anything else is a repetition, numbered in file order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from harness.records import Rating, digest


@dataclass(frozen=True)
class Answer:
    """A rating with its place in the file, before anyone has looked for others of its kind."""

    row: int
    rating: Rating
    own_id: str | None = None
    parent_id: str | None = None
    numbered: bool = False
    """The source itself numbers its repetitions."""
    assignment: str | None = None
    """The sitting that gave it."""
    texts: dict[str, str] = field(default_factory=dict)
    """What was rated: `item`, `prompt`, `response`, `against`."""
    word: str | None = None
    """What it says, where that is still to be read."""
    nothing: bool = False
    """Nothing was ticked, whatever was asked."""


@dataclass(frozen=True)
class Rejected:
    """A row that became no rating, and why."""

    row: int
    reason: str


def settle(answers: list[Answer]) -> tuple[list[Answer], list[Rejected]]:
    """Return answers with their repetitions numbered and ids given, and what was left out."""
    by_id = {(answer.own_id, _key(answer)): answer for answer in answers if answer.own_id}
    replaced = {
        (answer.parent_id, _key(answer)): answer
        for answer in answers
        if answer.parent_id and (answer.parent_id, _key(answer)) in by_id
    }
    answered = {_key(answer): answer.row for answer in reversed(answers) if answer.rating.status == "ok"}
    kept: list[Answer] = []
    rejected: list[Rejected] = []
    seen: dict[tuple[Any, ...], int] = {}
    counts: dict[tuple[Any, ...], int] = {}
    numbers: dict[tuple[Any, ...], int] = {}
    for answer in answers:
        key = _key(answer)
        newer = replaced.get((answer.own_id or "", key))
        if newer:
            rejected.append(Rejected(answer.row, f"replaced by the same rater's later answer in row {newer.row}"))
            continue
        rating = answer.rating
        if rating.status != "ok" and key in answered:
            rejected.append(
                Rejected(answer.row, f"{rating.status}, but the same rater answered in row {answered[key]}")
            )
            continue
        same = (*key, rating.value, rating.label, rating.status, rating.created_at)
        same = (*same, rating.repetition if answer.numbered else None)
        if same in seen:
            rejected.append(Rejected(answer.row, f"duplicate of row {seen[same]}"))
            continue
        seen[same] = answer.row
        repetition = rating.repetition if answer.numbered else counts.get(key, 0)
        if (*key, repetition) in numbers:
            rejected.append(
                Rejected(
                    answer.row, f"another answer for repetition {repetition}; row {numbers[(*key, repetition)]} has it"
                )
            )
            continue
        numbers[(*key, repetition)] = answer.row
        counts[key] = counts.get(key, 0) + 1
        edited = answer.parent_id is not None and (answer.parent_id, key) in by_id
        flags = [*rating.flags, *(["edited"] if edited and "edited" not in rating.flags else [])]
        settled = rating.model_copy(update={"repetition": repetition, "flags": flags})
        kept.append(replace(answer, rating=next(with_ids([settled]))))
    return kept, rejected


def with_ids(ratings: Iterable[Rating]) -> Iterator[Rating]:
    """Yield ratings with the id that follows from who rated what, on which criterion, for the how-manieth time."""
    for rating in ratings:
        identity = digest(
            rating.task, rating.item_id, rating.response_id, rating.against_id, rating.rater, rating.criterion,
            rating.repetition, *(["against_first"] if rating.order == "against_first" else []),
        )  # fmt: skip
        yield rating.model_copy(update={"rating_id": identity})


def _key(answer: Answer) -> tuple[Any, ...]:
    rating = answer.rating
    shown = rating.order if rating.against_id else None  # the two orders of a comparison are two answers
    return rating.task, rating.item_id, rating.response_id, rating.against_id, rating.rater, rating.criterion, shown
