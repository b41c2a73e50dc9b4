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
from math import exp, fsum
from pathlib import Path
from statistics import fmean
from typing import Any

from pydantic import TypeAdapter

from harness.learning.feedback import Exported, Mixture, deciding, gathered, parts_of
from harness.learning.jobs import (
    Evaluation,
    Samples,
    Trained,
    begin,
    improve,
    is_done,
    practise,
    read_result,
    state_file,
)
from harness.learning.learner import Answer, Example, Learner, Unrated, from_json
from harness.learning.overlap import refuse_held_out
from harness.learning.processes import Call
from harness.learning.round import Round, RoundSummary
from harness.learning.selection import Kept, examples_of, kept, taught
from harness.learning.spending import refuse_spent
from harness.rating import Rater, Work
from harness.records import Item, Rating, Response, digest
from harness.run import write_whole
from harness.suite import BudgetUse, KeepUse

RATINGS = TypeAdapter(list[Rating])


@dataclass(frozen=True)
class Series:
    """One lineage of a learner, trained with one kind of feedback."""

    name: str
    learner: Learner
    rater: Rater | None
    """Gives the feedback; None keeps the first sample of every item, without looking: the control."""
    evaluation: Evaluation
    state_dir: Path
    call: Call = lambda job, *arguments: job(*arguments)
    """Runs a job."""
    turn: AbstractContextManager[Any] = field(default_factory=nullcontext)
    """Held while the rater rates, for raters that other threads use too."""
    use: KeepUse = field(default_factory=KeepUse)
    """What is kept of the samples."""
    budget: BudgetUse = field(default_factory=BudgetUse)
    """What it may cost."""
    export: bool = False
    """Whether the first round's data are all that is wanted."""
    keep_states: bool = False
    """Whether states stay until the caller removes them, who may be some rounds behind."""

    @cached_property
    def base(self) -> Path:
        """The folder of round 0, which all series of a learner share."""
        asked = [(item.task, item.item_id, item.prompt) for item in self.evaluation.items]
        more = [len(self.evaluation.explored), self.evaluation.samples] if self.evaluation.samples else []
        return self.state_dir / f"base-{digest(self.learner.version, asked, *more)}"

    @cached_property
    def lineage(self) -> str:
        """The hash of everything that decides the series' numbers."""
        feedback = (self.rater.spec.name, self.rater.version) if self.rater else None
        rule = [self.use.model_dump()] if self.use.rule else []
        return digest(self.base.name, self.name, feedback, *rule)

    @cached_property
    def folder(self) -> Path:
        """The folder of the series' own states and results."""
        return self.state_dir / f"series-{self.lineage}"

    def rounds(self, count: int, finished: int = -1) -> Iterator[Round]:
        """Yield the rounds after `finished` in order, from 0 (the base) to `count`."""
        trained = self.call(begin, self.learner, self.base, self.evaluation)
        if finished < 0:
            yield self._base_round(trained)
        for number in range(1, count + 1):
            if number > finished or not is_done(self.folder, number):
                self._within_budget(number)
                done = self._next_round(number)
                if number > finished:
                    yield done

    def state(self, number: int) -> Path:
        """Return where the state after a round lies."""
        return state_file(self.folder, number) if number else state_file(self.base, 0)

    def _base_round(self, trained: Trained) -> Round:
        summary = self._summary(0, trained, seconds=trained["seconds"], training_seconds=trained["train_seconds"])
        return Round(summary, self._answers(0, trained), explored=self._explored(0, trained), state=self.state(0))

    def _next_round(self, number: int) -> Round:
        before, folder = self.state(number - 1), self.folder
        items = self.learner.practice(number)
        refuse_held_out(self.learner.name, items, self.evaluation.items, number)
        samples: Samples = {"texts": [[] for _ in items], "seconds": 0.0}
        if self.use.rule != "reference":
            samples = self.call(practise, self.learner, before, folder, items, number)
        practice = [
            self._response(number - 1, item, from_json(answer), sample)
            for item, answers in zip(items, samples["texts"], strict=True)
            for sample, answer in enumerate(answers)
        ]
        started = time.perf_counter()
        ratings = self._ratings(items, practice, number)
        found: list[Kept] = []
        if self.use.rule == "reference":
            examples = taught(items)
        else:
            known = ratings
            if isinstance(self.rater, Mixture):
                known = deciding(self.rater.parts, ratings, self._before(number))
            found = kept(self.rater.spec.scale if self.rater else None, practice, known, self.use)
            examples = examples_of(found, items)
        rating_seconds = time.perf_counter() - started
        if self.export:
            raise Exported(list(items), practice, ratings, examples)
        trained: Trained = self.call(
            improve, self.learner, before, folder, examples, self.evaluation, number, self.keep_states or number == 1
        )
        costs = [rating.cost_usd for rating in ratings if rating.cost_usd is not None]
        summary = self._summary(
            number,
            trained,
            n_prompts=len(items),
            n_samples=len(practice),
            n_ratings=len(ratings),
            n_failed=sum(rating.value is None for rating in ratings),
            n_human=len({one.response_id for one in ratings if one.rater_kind == "human"}),
            n_labels=len({one.response_id for one in ratings}),
            n_kept=sum(one.wanted is not False for one in examples),
            n_rejected=sum(one.wanted is False for one in examples),
            n_tied=sum(one.tied for one in found),
            share_right_kept=self._share_right(examples),
            cost_usd=sum(costs) if costs else None,
            seconds=samples["seconds"] + rating_seconds + trained["seconds"],
            sampling_seconds=samples["seconds"],
            rating_seconds=rating_seconds,
            training_seconds=trained["train_seconds"],
            data_hash=digest([one.facts for one in examples]),
        )
        explored = self._explored(number, trained)
        state = self.state(number)
        return Round(summary, self._answers(number, trained), items, practice, ratings, explored, examples, state)

    def _ratings(self, items: Sequence[Item], practice: Sequence[Response], number: int) -> list[Rating]:
        """Return the feedback of a round: what was given before it was interrupted, or what the rater gives now."""
        if self.rater is None:
            return []
        path = self.folder / f"{number:03d}-ratings.json"
        if path.is_file():
            return RATINGS.validate_json(path.read_bytes())
        with self.turn:
            ratings = self._feedback(items, practice, number)
        write_whole(path, RATINGS.dump_json(ratings))
        return ratings

    def _before(self, number: int) -> list[Rating]:
        """Return what was rated in the rounds before."""
        paths = [self.folder / f"{earlier:03d}-ratings.json" for earlier in range(1, number)]
        return [one for path in paths if path.is_file() for one in RATINGS.validate_json(path.read_bytes())]

    def _within_budget(self, number: int) -> None:
        """End the series before a round that would begin with a budget that is spent.

        Raises:
            SeriesEnded: It is.
        """
        jobs = [
            read_result(self.folder / f"{one:03d}{kind}.json") for one in range(1, number) for kind in ("-samples", "")
        ]
        refuse_spent(self.budget, self._before(number), [job for job in jobs if job], number)

    def _feedback(self, items: Sequence[Item], practice: Sequence[Response], number: int) -> list[Rating]:
        """Return the rater's ratings of the samples, flagged as what selected the training data.

        Raises:
            Unrated: Nothing has a value: to go on would be a round without feedback under a wrong name.
            Waiting: People have not rated what they are to rate.
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
            rating.model_copy(update={"flags": [*dict.fromkeys([*rating.flags, "selection_item"])]})
            for rating in gathered(parts_of(self.rater), work, self._before(number))
        ]
        written = any((one.text or "").strip() for one in practice)  # what says nothing may have no value
        if written and ratings and all(rating.value is None for rating in ratings):
            raise Unrated(
                f"series {self.name!r}: the rater {self.rater.spec.name!r} failed on all {len(practice)} samples "
                f"({ratings[0].error}); mend it and run the same command again"
            )
        return ratings

    def _answers(self, number: int, trained: Trained) -> list[Response]:
        answers = map(from_json, trained["texts"])
        return [
            self._response(number, item, answer) for item, answer in zip(self.evaluation.items, answers, strict=True)
        ]

    def _explored(self, number: int, trained: Trained) -> list[Response]:
        groups = zip(self.evaluation.explored, trained["explored"], strict=True)
        return [
            self._response(number, item, from_json(answer), sample)
            for item, answers in groups
            for sample, answer in enumerate(answers)
        ]

    def _response(self, number: int, item: Item, answer: Answer, sample: int | None = None) -> Response:
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
            text=answer.text if answer.status == "ok" else None,
            logprobs=answer.logprobs,
            kl=answer.kl,
            finish_reason=answer.finish_reason,
            status=answer.status,
            error=answer.error,
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.tokens,
            cost_usd=answer.cost_usd,
            prompt_hash=prompt_hash,
        )

    def _share_right(self, examples: Sequence[Example]) -> float | None:
        verdicts = [self.learner.right(one.item, one.text) for one in examples if one.wanted is not False]
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
            "confidence": self._confidence(trained),
            "kl": _mean(
                [answer.get("kl") for group in trained["explored"] for answer in group if isinstance(answer, dict)]
            ),
        }
        return RoundSummary.model_validate({**nothing, **known, **facts})

    def _confidence(self, trained: Trained) -> float | None:
        """Return the mean probability of the answers to the items of the learner's own task."""
        own = self.evaluation.items[0].task if self.evaluation.items else None
        answers = [
            from_json(answer)
            for item, answer in zip(self.evaluation.items, trained["texts"], strict=True)
            if item.task == own
        ]
        return _mean([None if one.logprobs is None else exp(fsum(one.logprobs)) for one in answers])


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
