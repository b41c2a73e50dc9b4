"""Logs of Inspect (inspect-ai): what was asked, answered and scored, as plain rows.

Inspect's own reader opens the file (`.eval`, or the older `.json`), so that each version of the format is its business.
Scores keep Inspect's meaning: C, P, I and N are 1, .5, 0 and 0; a sample that its scorer left unscored has no value.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, UnavailableError
from harness.statistics import number

WORDS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0, "yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
"""Words that Inspect's scorers give in place of a number (`inspect_ai.scorer.value_to_float`)."""
UNREAD = {"events", "store", "timelines"}
"""The bulky parts of a sample that are no answer and no score."""


@dataclass(frozen=True)
class InspectScore:
    """What one scorer said of one sample.

    Attributes:
        name: The scorer; `scorer/key` where it gave several values.
        value: The score; None where the sample was left unscored or the value is a word of the scorer's own.
        label: The value as written, where it is no number.
        answer: The answer that the scorer read out of the output.
        explanation: The scorer's reason.
    """

    name: str
    value: float | None
    label: str | None
    answer: str | None
    explanation: str | None


@dataclass(frozen=True)
class InspectSample:
    """One sample in one epoch.

    Attributes:
        id: The sample's name in its data set.
        epoch: The repetition, from 1.
        input: The prompt; of a conversation the turns, each after its role.
        target: The right answers; none, one or several.
        choices: The choices of a multiple-choice question.
        messages: The whole conversation, each turn `role` and `content`.
        output: What the model answered.
        finish_reason: Why it stopped.
        scores: By scorer, in their order; empty where the sample failed before it was scored.
        error: Why the sample failed; None where it did not.
        metadata: The data set's other columns.
    """

    id: str
    epoch: int
    input: str
    target: list[str]
    choices: list[str] | None
    messages: list[dict[str, str]]
    output: str
    finish_reason: str | None
    scores: list[InspectScore]
    error: str | None
    metadata: dict[str, Any]


@dataclass(frozen=True)
class InspectLog:
    """One evaluation: a task by a model.

    Attributes:
        path: The file.
        task: The task.
        version: The task's version.
        model: The model, as Inspect names it (`openai/gpt-4o`).
        created: When the evaluation began, ISO 8601.
        status: success, error, cancelled or started; samples of an evaluation that did not end are as far as it came.
        config: How the model was sampled, and how often each sample was asked (`epochs`).
        scorers: The scorers, each with its options.
        samples: The samples, ordered as in the file.
    """

    path: Path
    task: str
    version: str
    model: str
    created: str
    status: str
    config: dict[str, Any]
    scorers: dict[str, dict[str, Any]]
    samples: list[InspectSample]


def is_inspect_log(path: str | Path) -> bool:
    """Return whether a file has the ending of Inspect's logs, `.eval`."""
    return Path(path).suffix == ".eval"


def read_inspect_log(path: str | Path) -> InspectLog:
    """Return a log of Inspect with its samples.

    Raises:
        UnavailableError: The extra `inspect` is not installed.
        HarnessError: There is no such file, it is no log, or it has no samples.
    """
    path = Path(path)
    if not path.is_file():
        raise HarnessError(f"{path}: there is no such file")
    try:
        from inspect_ai.log import read_eval_log
    except ImportError as error:
        raise UnavailableError(
            f"{path}: logs of Inspect need an extra: pip install 'feedback-harness[inspect]'"
        ) from error
    try:
        log = read_eval_log(path, resolve_attachments=True, exclude_fields=UNREAD)
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise HarnessError(f"{path}: is no log that this version of Inspect reads: {error}") from error
    if not log.samples:
        raise HarnessError(f"{path}: has no samples (status {log.status}); evaluate without --no-log-samples")
    sampling = log.plan.config.model_dump(exclude_none=True) | log.eval.model_generate_config.model_dump(
        exclude_none=True
    )
    return InspectLog(
        path=path,
        task=log.eval.task,
        version=str(log.eval.task_version),
        model=log.eval.model,
        created=str(log.eval.created),
        status=log.status,
        config=sampling | {"epochs": log.eval.config.epochs or 1},
        scorers={scorer.name: scorer.options or {} for scorer in log.eval.scorers or []},
        samples=[_sample(sample) for sample in log.samples],
    )


def _sample(sample: Any) -> InspectSample:
    asked = sample.input
    if not isinstance(asked, str):
        asked = asked[0].text if len(asked) == 1 else "\n\n".join(f"{turn.role}: {turn.text}" for turn in asked)
    return InspectSample(
        id=str(sample.id),
        epoch=sample.epoch,
        input=asked,
        target=[sample.target] if isinstance(sample.target, str) else list(sample.target),
        choices=sample.choices,
        messages=[{"role": turn.role, "content": turn.text} for turn in sample.messages],
        output=sample.output.completion,
        finish_reason=sample.output.stop_reason if sample.output.choices else None,
        scores=[one for name, score in (sample.scores or {}).items() for one in _scores(name, score)],
        error=sample.error.message if sample.error else None,
        metadata=sample.metadata,
    )


def _scores(name: str, score: Any) -> Iterator[InspectScore]:
    """Yield a score, or each value of a score of several."""
    values = {name: score.value}
    if isinstance(score.value, dict):
        values = {f"{name}/{key}": value for key, value in score.value.items()}
    elif isinstance(score.value, list):
        values = {f"{name}/{place}": value for place, value in enumerate(score.value)}
    for each, value in values.items():
        yield InspectScore(
            each, _number(value), value if isinstance(value, str) else None, score.answer, score.explanation
        )


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        known = WORDS.get(value, WORDS.get(value.lower()))
        try:
            value = float(value) if known is None else known
        except ValueError:
            return None
    return number(value)
