"""What becomes of a rating whose rater has rated the same before, in a file that was imported earlier.

Within one file a second rating is a repetition. Over imports the same rating id, or the same file by name, replaces;
a later time in another file is a repetition; and what neither ids nor times tell apart is asked, never guessed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from harness.errors import HarnessError
from harness.rating.files.repeats import Rejected, with_ids
from harness.records import Rating
from harness.run import Run

Over = Literal["replace", "repetition"]
"""What the user says of ratings that neither ids nor times tell apart."""
SOURCE_ID = "source_id"
"""Where in a rating's metadata the id stands that its source gave it."""

Key = tuple[Any, ...]


@dataclass
class Settled:
    """The ratings of one import, in their place among those that the run has."""

    ratings: list[Rating] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    replaced: int = 0
    """Ratings of the run whose place one of these takes, with another value."""
    repeated: int = 0
    """Ratings that are a further repetition of what the run has."""
    unclear: list[tuple[Rating, Rating]] = field(default_factory=list)
    """New and earlier ratings that nothing tells apart."""

    def notes(self) -> list[str]:
        """Return what the user is told."""
        told = []
        if self.replaced:
            told.append(f"{self.replaced:,} ratings replace earlier ones, which stay in the run as replaced")
        if self.repeated:
            told.append(f"{self.repeated:,} ratings are further repetitions of what was rated before")
        return told


def settle_over_imports(run: Run, ratings: list[Rating], rows: list[int], over: Over | None) -> Settled:
    """Return an import's ratings with the repetition that each has in the run.

    Args:
        run: The run.
        ratings: What is imported, with the run's ids, repetitions numbered within the file.
        rows: The row of each.
        over: What is to become of ratings that nothing tells apart.

    Raises:
        HarnessError: There are such, and nothing is said about them.
    """
    left: dict[Key, list[Rating]] = defaultdict(list)
    numbers: dict[Key, set[int]] = defaultdict(set)
    raters = {rating.rater for rating in ratings}
    rows_before = run.ratings[run.ratings["rater"].isin(list(raters))]
    for one in run.records(Rating, rows_before.sort_values("repetition", kind="stable")):
        left[_key(one)].append(one)
        numbers[_key(one)].add(one.repetition)
    done = Settled()
    for rating, row in zip(ratings, rows, strict=True):
        key = _key(rating)
        before = _replaced(rating, left[key], over, done)
        if before and before.status == "ok" and rating.status != "ok" and before.source != rating.source:
            done.rejected.append(Rejected(row, f"{rating.status}, but the run has an answer of this rater already"))
            continue
        if before:
            left[key].remove(before)
            number = before.repetition
            done.replaced += _said(before) != _said(rating)
        else:
            taken = rating.repetition in numbers[key]
            number = max(numbers[key]) + 1 if taken else rating.repetition
            done.repeated += taken
        numbers[key].add(number)
        done.ratings += with_ids([rating.model_copy(update={"repetition": number})])
    if done.unclear:
        raise HarnessError(_question(done.unclear))
    return done


def _replaced(rating: Rating, there: list[Rating], over: Over | None, done: Settled) -> Rating | None:
    """Return the earlier rating whose place a new one takes; None where it is one more."""
    own_id = _own_id(rating)
    answered = [one for one in there if one.status == "ok"]
    for fits in (
        lambda one: own_id is not None and _own_id(one) == own_id,
        lambda one: one.source == rating.source,
        lambda one: (*_said(one), one.created_at) == (*_said(rating), rating.created_at),
        lambda one: not answered or rating.status != "ok",
    ):
        if same := [one for one in there if fits(one)]:
            return same[0]
    mine, times = _time(rating.created_at), [_time(one.created_at) for one in answered]
    if not answered or (mine is not None and all(time is not None and time < mine for time in times)):
        return None
    if over is None:
        done.unclear.append((rating, answered[0]))
    return None if over == "repetition" else answered[0]


def _key(rating: Rating) -> Key:
    return rating.task, rating.item_id, rating.response_id, rating.against_id, rating.rater, rating.criterion


def _said(rating: Rating) -> Key:
    return rating.value, rating.label, rating.status


def _own_id(rating: Rating) -> str | None:
    found = json.loads(rating.metadata).get(SOURCE_ID)
    return None if found is None else str(found)


def _time(text: str | None) -> pd.Timestamp | None:
    found = None if text is None else pd.to_datetime(text, utc=True, errors="coerce")
    return None if found is None or pd.isna(found) else found


def _question(unclear: list[tuple[Rating, Rating]]) -> str:
    new, old = unclear[0]
    about = f"{new.rater} on {new.criterion} of item {new.item_id!r}"
    was, now = (one.label if one.value is None else f"{one.value:g}" for one in (old, new))
    return (
        f"{len(unclear):,} ratings are in the run already, from {old.source or 'another source'}, and neither ids nor "
        f"times tell which counts: {about} was {was}, and is {now} here. Say --replace if this file corrects the "
        "earlier one, or --as-repetition if the raters have rated a second time"
    )
