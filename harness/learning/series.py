"""A series: one lineage of a learner, trained in rounds with one kind of feedback.

All series start from one base (round 0). Round r takes the model of round r - 1, has it answer the round's practice
items several times, lets the rater rate the answers, keeps at most one answer an item, trains, and answers the
held-out items, which are the same in every round.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from harness.errors import HarnessError, IncompleteError
from harness.learning.jobs import Samples, Trained, begin, improve, practise, state_file
from harness.learning.learner import Example, Learner
from harness.learning.processes import Call
from harness.learning.selection import keep
from harness.rating import Rater, Work
from harness.records import Item, Rating, Response, digest


class RoundSummary(BaseModel):
    """What one round of one series was: a row of a run's `rounds`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    series: str
    round: int
    seed: int
    feedback: str | None
    """The rater that gave the feedback; null where everything was kept."""
    n_prompts: int
    """Practice items; 0 for the base, as the other counts."""
    n_samples: int
    n_ratings: int
    n_failed: int
    """Ratings without a value."""
    n_kept: int
    """Answers kept as examples, at most one a practice item."""
    share_right_kept: float | None
    """The share of right answers among those kept, by the learner's own key: for the record, never for selection."""
    steps: int
    train_loss: float
    cost_usd: float | None
    """What the feedback cost; null where the rater does not say."""
    seconds: float
    """Sampling, rating, training and answering; for round 0 the base, which the series share."""


@dataclass(frozen=True)
class Round:
    """One finished round of one series, as records."""

    summary: RoundSummary
    responses: list[Response]
    """The held-out answers of the model after the round."""
    practice_items: list[Item] = field(default_factory=list)
    practice: list[Response] = field(default_factory=list)
    """The samples that feedback chose from; their `round` is that of the model that gave them, one less."""
    ratings: list[Rating] = field(default_factory=list)
    """The feedback on the samples, each with the flag `selection_item`."""


@dataclass(frozen=True)
class Series:
    """One lineage of a learner, trained with one kind of feedback."""

    name: str
    learner: Learner
    rater: Rater | None
    """Gives the feedback; None keeps the first sample of every item, without looking: the control."""
    held_out: Sequence[Item]
    state_dir: Path
    call: Call = lambda job, *arguments: job(*arguments)
    """Runs a job."""
    turn: AbstractContextManager[Any] = field(default_factory=nullcontext)
    """Held while the rater rates, for raters that other threads use too."""

    @cached_property
    def base(self) -> Path:
        """The folder of round 0, which all series of a learner share."""
        asked = [(item.task, item.item_id, item.prompt) for item in self.held_out]
        return self.state_dir / f"base-{digest(self.learner.version, asked)}"

    @cached_property
    def lineage(self) -> str:
        """The hash of everything that decides the series' numbers."""
        feedback = (self.rater.spec.name, self.rater.version) if self.rater else None
        return digest(self.base.name, self.name, feedback)

    def rounds(self, count: int, finished: int = -1) -> Iterator[Round]:
        """Yield the rounds after `finished` in order, from 0 (the base) to `count`."""
        folder = self.state_dir / f"series-{self.lineage}"
        trained = self.call(begin, self.learner, self.base, self.held_out)
        if finished < 0:
            yield self._base_round(trained)
        before = state_file(self.base, 0)
        for number in range(1, count + 1):
            after = state_file(folder, number)
            if number > finished or not after.exists():
                done = self._next_round(before, folder, number)
                if number > finished:
                    yield done
            before = after

    def _base_round(self, trained: Trained) -> Round:
        return Round(self._summary(0, trained, seconds=trained["seconds"]), self._answers(0, trained["texts"]))

    def _next_round(self, before: Path, folder: Path, number: int) -> Round:
        items = self.learner.practice(number)
        self._refuse_held_out(items, number)
        samples: Samples = self.call(practise, self.learner, before, folder, items, number)
        practice = [
            self._response(number - 1, item, text, sample)
            for item, texts in zip(items, samples["texts"], strict=True)
            for sample, text in enumerate(texts)
        ]
        started = time.perf_counter()
        with self.turn:
            ratings = self._feedback(items, practice)
        by_id = {item.item_id: item for item in items}
        kept = keep(self.rater.spec.scale if self.rater else None, practice, ratings)
        examples = [Example(by_id[response.item_id], response.text or "") for response in kept]
        rating_seconds = time.perf_counter() - started
        trained: Trained = self.call(improve, self.learner, before, folder, examples, self.held_out, number)
        costs = [rating.cost_usd for rating in ratings if rating.cost_usd is not None]
        summary = self._summary(
            number,
            trained,
            n_prompts=len(items),
            n_samples=len(practice),
            n_ratings=len(ratings),
            n_failed=sum(rating.value is None for rating in ratings),
            n_kept=len(examples),
            share_right_kept=self._share_right(examples),
            cost_usd=sum(costs) if costs else None,
            seconds=samples["seconds"] + rating_seconds + trained["seconds"],
        )
        return Round(summary, self._answers(number, trained["texts"]), items, practice, ratings)

    def _feedback(self, items: Sequence[Item], practice: Sequence[Response]) -> list[Rating]:
        """Return the rater's ratings of the samples, flagged as what selected the training data.

        Raises:
            IncompleteError: Every rating failed: to go on would be a round without feedback under a wrong name.
        """
        if self.rater is None:
            return []
        siblings: dict[str, list[Response]] = defaultdict(list)
        for response in practice:
            siblings[response.item_id].append(response)
        work = [
            Work(item, response, siblings=group)
            for item in items
            for group in [siblings[item.item_id]]
            for response in group
        ]
        ratings = [
            rating.model_copy(update={"flags": [*rating.flags, "selection_item"]}) for rating in self.rater.rate(work)
        ]
        failed = [rating for rating in ratings if rating.status in ("error", "timeout")]
        if ratings and len(failed) == len(ratings):
            raise IncompleteError(
                f"series {self.name!r}: the rater {self.rater.spec.name!r} failed on all {len(failed)} samples "
                f"({failed[0].error}); mend it and run the same command again"
            )
        return ratings

    def _refuse_held_out(self, items: Sequence[Item], number: int) -> None:
        """Raise a `HarnessError` if a round would practise on what it is evaluated on."""
        ids = {(item.task, item.item_id) for item in self.held_out}
        prompts = {item.prompt for item in self.held_out}
        both = [item.item_id for item in items if (item.task, item.item_id) in ids or item.prompt in prompts]
        if both:
            raise HarnessError(
                f"learner {self.learner.name!r}, round {number}: {len(both)} of {len(items)} practice items are "
                f"held-out items too ({both[0]!r}); a model may not be evaluated on what selected its training data"
            )
        twice = len(items) - len({item.item_id for item in items})
        if twice:
            raise HarnessError(
                f"learner {self.learner.name!r}, round {number}: {twice} practice items have the id of another one"
            )

    def _answers(self, number: int, texts: Sequence[str]) -> list[Response]:
        return [self._response(number, item, text) for item, text in zip(self.held_out, texts, strict=True)]

    def _response(self, number: int, item: Item, text: str, sample: int | None = None) -> Response:
        prompt_hash = digest(item.prompt)
        return Response(
            response_id=digest(self.lineage, number, item.task, item.item_id, prompt_hash, sample),
            task=item.task,
            item_id=item.item_id,
            model=self.learner.name,
            series=self.name,
            seed=self.learner.seed,
            round=number,
            sample=sample or 0,
            text=text,
            prompt_hash=prompt_hash,
        )

    def _share_right(self, examples: Sequence[Example]) -> float | None:
        verdicts = [self.learner.right(example.item, example.text) for example in examples]
        known = [verdict for verdict in verdicts if verdict is not None]
        return sum(known) / len(known) if known else None

    def _summary(self, number: int, trained: Trained, **facts: Any) -> RoundSummary:
        nothing = dict.fromkeys(("n_prompts", "n_samples", "n_ratings", "n_failed", "n_kept"), 0)
        known = {
            "series": self.name,
            "round": number,
            "seed": self.learner.seed,
            "feedback": self.rater.spec.name if self.rater else None,
            "share_right_kept": None,
            "cost_usd": None,
            "steps": trained["steps"],
            "train_loss": trained["loss"],
        }
        return RoundSummary.model_validate({**nothing, **known, **facts})
