"""A task's own metric as a rater: what lm-eval makes of each answer, so that the ratings' mean is its table's figure.

Filters, normalisation and several right answers are those of the task's definition. A metric that lm-eval computes over
all items together (perplexity, F1 of a class, BLEU) is none of a single answer: its rating is skipped, and says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from harness.answering import Task, item_scores, load_task, mean_metrics
from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.kinds import identity_of
from harness.rating.rater import RaterSpec, Surroundings, Work, rating_of
from harness.rating.settings import Settings, read_settings
from harness.rating.verifiers.verifier import unanswered
from harness.records import Rating, digest
from harness.suite import TaskUse


class LmEvalSettings(Settings):
    """Which of a task's figures."""

    metric: str | None = None
    """As in lm-eval's table (`acc`, `exact_match`, `f1`); the task's first that is a mean where not given."""
    filter: str | None = None
    """As in lm-eval's table (`strict-match`); the task's first where not given."""


class LmEvalMetric:
    """Rates an answer by the metric of its task."""

    def __init__(self, spec: RaterSpec, surroundings: Surroundings) -> None:
        """Make the rater; tasks are loaded when their answers come."""
        self.spec = spec
        self.settings = read_settings(spec, LmEvalSettings)
        self.surroundings = surroundings
        self.version = digest(identity_of(spec.use), self.settings.model_dump(mode="json"), 1)

    def rate(self, work: Sequence[Work]) -> Iterator[Rating]:
        """Yield one rating a piece of work; the answers of a model to a task are scored together."""
        groups: dict[tuple[Any, ...], list[Work]] = defaultdict(list)
        for piece in work:
            absent = unanswered(self.spec, self.version, piece)
            if absent is not None:
                yield absent
            else:
                response = piece.response
                groups[piece.item.task, response.model, response.series, response.round, response.sample].append(piece)
        for (task, *_), pieces in groups.items():
            yield from self._scored(task, pieces)

    def _scored(self, name: str, pieces: Sequence[Work]) -> Iterator[Rating]:
        try:
            task = self._task(name)
        except HarnessError as error:
            yield from (rating_of(self.spec, self.version, one, status="error", error=str(error)) for one in pieces)
            return
        scores = item_scores(task, {piece.item.item_id: [piece.response] for piece in pieces})
        means = mean_metrics(task)
        chosen = self._chosen(list(scores), means)
        for piece in pieces:
            value = scores[chosen].get(piece.item.item_id) if chosen in scores else None
            if chosen and chosen[0] not in means:
                reason = f"lm-eval computes {chosen[0]} over all items: no answer has it by itself"
                yield rating_of(self.spec, self.version, piece, status="skipped", error=reason)
            elif not isinstance(value, int | float):
                known = ", ".join(f"{metric} ({filter_})" for metric, filter_ in scores) or "none"
                reason = f"lm-eval has no such figure of this answer; of the task: {known}"
                yield rating_of(self.spec, self.version, piece, status="error", error=reason)
            else:
                facts = {"metric": chosen[0], "filter": chosen[1]} if chosen else {}
                yield rating_of(self.spec, self.version, piece, value=float(value), metadata=facts)

    def _chosen(self, known: Sequence[tuple[str, str]], means: set[str]) -> tuple[str, str] | None:
        wanted, named = self.settings.metric, self.settings.filter
        fitting = [
            (metric, filter_)
            for metric, filter_ in known
            if metric == (wanted or metric) and filter_ == (named or filter_)
        ]
        return next((one for one in fitting if one[0] in means), fitting[0] if fitting else None)

    def _task(self, name: str) -> Task:
        if self.surroundings.task is not None:
            task: Task = self.surroundings.task(name)
            return task
        return load_task(TaskUse(task=name), self.surroundings.catalog or Catalog())


def lm_eval_metric(spec: RaterSpec, surroundings: Surroundings) -> LmEvalMetric:
    """Make the rater `lm_eval_metric`."""
    return LmEvalMetric(spec, surroundings)
