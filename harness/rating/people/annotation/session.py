"""One rater's session on a run: what is next, what was answered, and the ratings that follow.

The journal is the truth; the ratings part of the run is written anew from it after every event, whole, so that every
other command sees what people have said so far. The session never reads ratings: what an AI thinks cannot be shown.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from statistics import median
from typing import Any

from harness.errors import HarnessError
from harness.rating.files.repeats import with_ids
from harness.rating.people.annotation.journal import Journal
from harness.rating.people.annotation.plan import Unit, draw
from harness.rating.people.annotation.shown import parts, shown_question, shown_texts
from harness.rating.people.annotation.welcome import welcome
from harness.rating.people.human import Asked, note_questions
from harness.rating.people.questions import Question
from harness.records import Flag, Item, Rating, digest
from harness.run import Run, file_name, other_side, part_of


class StaleError(HarnessError):
    """The page answered something that is not the next thing: another tab was quicker."""


@dataclass(frozen=True)
class Progress:
    """How far a rater is: nothing of it says what was answered."""

    rater: str
    name: str
    done: int
    total: int
    skipped: int
    seconds_each: float | None
    """The median of the time that the page had the rater's eyes."""
    last: str | None
    """When the last answer was given."""
    closed: bool
    checks: tuple[int, int]
    """Attention checks passed, of those answered."""


class Session:
    """What one rater has done and has left to do."""

    def __init__(
        self,
        run: Run,
        rater: str,
        asked: Sequence[Asked],
        *,
        repeats: float = 0.1,
        checks: int = 0,
        name: str | None = None,
        lead: str | None = None,
    ) -> None:
        """Open a rater's session, or go on with it.

        Args:
            run: The run.
            rater: The rater's pseudonym.
            asked: What can be asked; what came to the run since the session began is added at its end.
            repeats: The share of things shown twice.
            checks: How many attention checks there are.
            name: What the page calls the rater.
            lead: Who asks, as the first screen says.

        Raises:
            IncompleteError: The rater has a session open in another process.
        """
        self.run = run
        self.rater = rater
        self.name = name or rater
        self.lead = lead
        self.asked = {self._about(one): one for one in asked}
        self.items = {(item.task, item.item_id): item for item in run.records(Item)}
        self.journal = Journal(run.folder / "annotation" / f"{file_name(rater)}.jsonl")
        self._lock = threading.Lock()
        self._shown: tuple[str, float] | None = None
        known = {Unit(**unit).about for event in self.journal.events for unit in event.get("units", [])}
        new = [one for about, one in self.asked.items() if about not in known]
        if new:
            seed = digest(run.suite.seed, rater, len(known))
            units = draw(new, seed, repeats, checks if not known else 0)
            facts = [self._facts(unit) for unit in units]
            self.journal.add(event="plan", seed=seed, units=[unit.to_dict() for unit in units], facts=facts)
        if self.journal.events and self.journal.events[-1]["event"] == "closed":
            self.journal.add(event="reopened", at=_now())
        plans = [event for event in self.journal.events if event["event"] == "plan"]
        planned = [Unit(**unit) for event in plans for unit in event["units"]]
        self.known = dict(zip((unit.key for unit in planned), enumerate(planned), strict=True))
        self.facts = dict(zip(self.known, (facts for event in plans for facts in event["facts"]), strict=True))
        self.plan = [unit for unit in planned if unit.check is not None or unit.about in self.asked]
        note_questions(run, {one.question.criterion: one.question for one in asked}.values())
        self._write()

    @staticmethod
    def _about(one: Asked) -> tuple[str, str | None, str | None]:
        return one.question.criterion, one.response.response_id, one.against.response_id if one.against else None

    @property
    def closed(self) -> bool:
        """Whether the rater has ended the session."""
        return bool(self.journal.events[-1]["event"] == "closed")

    def answers(self) -> dict[str, dict[str, Any]]:
        """Return the answers that stand, by unit, in the order in which they were given; undone ones do not."""
        standing: dict[str, dict[str, Any]] = {}
        undone: dict[str, Any] = {}
        for event in self.journal.events:
            if event["event"] == "answer":
                before = undone.pop(event["unit"], None)
                edited = before is not None and before["value"] != event["value"]
                standing[event["unit"]] = {**event, "edited": edited}
            elif event["event"] == "undo":
                undone[event["unit"]] = standing.pop(event["unit"])
        return standing

    def next_unit(self) -> Unit | None:
        """Return what is to be shown; None at the end."""
        done = self.answers()
        return next((unit for unit in self.plan if unit.key not in done), None)

    def state(self) -> dict[str, Any]:
        """Return what the page begins with: what is asked, progress, and the next thing with its question."""
        with self._lock:
            return self._state() | {"welcome": self.welcome}

    @cached_property
    def welcome(self) -> dict[str, Any]:
        """What the first screen says."""
        left = [self.asked[unit.about] for unit in self.plan if unit.check is None]
        return welcome(self.run, left, self.lead)

    def progress(self) -> Progress:
        """Return how far the rater is."""
        with self._lock:
            done = self.answers()
            times = [one["seconds"] for one in done.values() if one["seconds"] is not None]
            return Progress(
                rater=self.rater,
                name=self.name,
                done=sum(unit.key in done for unit in self.plan),
                total=len(self.plan),
                skipped=sum(one["value"] is None for one in done.values()),
                seconds_each=median(times) if times else None,
                last=max((one["at"] for one in done.values()), default=None),
                closed=self.closed,
                checks=self.checks(),
            )

    def answer(self, unit: str, value: float | None, comment: str = "", seconds: float | None = None) -> dict[str, Any]:
        """Take an answer; it is on disk when this returns.

        Args:
            unit: What the page showed.
            value: The grade as shown (for a comparison 1 is the side shown first); None for a skip.
            comment: What the rater says about it.
            seconds: How long the page had the rater's eyes.

        Returns:
            The next state.

        Raises:
            StaleError: Something else is next.
            HarnessError: The value is no grade of the question.
        """
        with self._lock:
            current = self.next_unit()
            if current is None or current.key != unit:
                raise StaleError("this was answered already, in another tab perhaps")
            question = self._question(current)
            if value is not None and value not in [grade.value for grade in question.grades]:
                raise HarnessError(f"{value} is no grade of {question.criterion!r}")
            given = other_side(value) if current.swapped else value
            self.journal.add(
                event="answer", unit=unit, value=given, comment=comment, seconds=self._time(unit, seconds), at=_now()
            )
            self._write()
            return self._state()

    def undo(self) -> dict[str, Any]:
        """Take back the last answer, which is then shown again with what was said.

        Raises:
            StaleError: There is none.
        """
        with self._lock:
            done = list(self.answers())
            if not done:
                raise StaleError("there is nothing to undo")
            self.journal.add(event="undo", unit=done[-1], at=_now())
            self._write()
            return self._state()

    def close(self) -> dict[str, Any]:
        """End the session."""
        with self._lock:
            if not self.closed:
                self.journal.add(event="closed", at=_now())
            return self._state()

    def ratings(self) -> list[Rating]:
        """Return the ratings that the answers are; attention checks are none."""
        given = [(self.known[key], answer) for key, answer in self.answers().items()]
        return list(with_ids(self._rating(place, unit, one) for (place, unit), one in given if unit.check is None))

    def checks(self) -> tuple[int, int]:
        """Return how many attention checks were passed, of how many that were answered."""
        told = {unit.key: unit for unit in self.plan if unit.check is not None}
        met = [answer["value"] == told[key].check for key, answer in self.answers().items() if key in told]
        return sum(met), len(met)

    def _rating(self, place: int, unit: Unit, answer: dict[str, Any]) -> Rating:
        flags: list[Flag] = ["edited"] if answer["edited"] else []
        skipped = answer["value"] is None
        order = None if unit.against_id is None else ("against_first" if unit.swapped else "response_first")
        return Rating.model_validate(
            {
                "rating_id": "-",
                **self.facts[unit.key],
                "response_id": unit.response_id,
                "against_id": unit.against_id,
                "rater": self.rater,
                "rater_kind": "human",
                "criterion": unit.criterion,
                "value": answer["value"],
                "order": order,
                "repetition": unit.repetition,
                "rationale": answer["comment"] or None,
                "status": "skipped" if skipped else "ok",
                "error": "skipped by the rater" if skipped else None,
                "flags": flags,
                "seconds": answer["seconds"],
                "created_at": answer["at"],
                "source": "annotate",
                "metadata": json.dumps({"place": place, "of": len(self.known)}),
            }
        )

    def _facts(self, unit: Unit) -> dict[str, Any]:
        """Return what a rating of a unit says besides the answer, kept with the plan: later changes do not reach it."""
        if unit.check is not None:
            return {}
        asked = self.asked[unit.about]
        return {
            "task": asked.response.task,
            "item_id": asked.response.item_id,
            "scale": asked.question.scale,
            "rater_version": asked.question.version,
        }

    def _write(self) -> None:
        path = self.run.folder / "ratings" / f"annotation-{file_name(self.rater)}.parquet"
        self.run.keep(path, part_of(self.ratings(), Rating), f"harness annotate {{run}} --rater-id {self.rater}")

    def _time(self, unit: str, seconds: float | None) -> float | None:
        """Return the page's time, which cannot be longer than it has been shown."""
        if seconds is None or seconds < 0:
            return None
        if self._shown and self._shown[0] == unit:
            seconds = min(seconds, time.monotonic() - self._shown[1])
        return round(seconds, 2)

    def _question(self, unit: Unit) -> Question:
        return next(one.question for one in self.asked.values() if one.question.criterion == unit.criterion)

    def _state(self) -> dict[str, Any]:
        done = self.answers()
        unit = self.next_unit()
        state: dict[str, Any] = {
            "rater": self.name,
            "run": self.run.suite.name,
            "done": sum(one.key in done for one in self.plan),
            "total": len(self.plan),
            "can_undo": bool(done),
            "closed": self.closed,
            "unit": None,
        }
        if unit is None or self.closed:
            return state
        if not self._shown or self._shown[0] != unit.key:
            self._shown = (unit.key, time.monotonic())
        return state | self._showing(unit) | {"before": self._before(unit)}

    def _before(self, unit: Unit) -> dict[str, Any] | None:
        """Return what was said the last time, where this answer was undone."""
        last = next(
            (one for one in reversed(self.journal.events) if one["event"] == "answer" and one["unit"] == unit.key), None
        )
        if last is None:
            return None
        value = last["value"]
        return {"value": other_side(value) if unit.swapped else value, "comment": last["comment"]}

    def _showing(self, unit: Unit) -> dict[str, Any]:
        question = self._question(unit)
        shown: dict[str, Any] = {"unit": unit.key, "question": shown_question(question)}
        if unit.check is not None:
            name = next(grade.name for grade in question.grades if grade.value == unit.check)
            told = f"This only checks that you are reading: please choose “{name}”."
            return {**shown, "task": "", "prompt": told, "prompt_parts": parts(told), "sides": []}
        asked = self.asked[unit.about]
        sides = [asked.response, *([asked.against] if asked.against else [])]
        item = self.items[asked.response.task, asked.response.item_id]
        return {**shown, **shown_texts(item, sides[::-1] if unit.swapped else sides)}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
