"""The logs of Inspect, as evaluations."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from harness.answering import InspectSample, InspectScore, read_inspect_log
from harness.rating.files.evaluations.evaluation import CORRECTNESS, Checkpoint, Evaluation, Families
from harness.records import Family, Item, Scale, digest
from harness.suite import without_secrets

JUDGES = "model_graded"
"""How the names of Inspect's scorers begin that ask a model."""


def read_inspect(checkpoint: Checkpoint, families: Families) -> Iterator[Evaluation]:
    """Yield the evaluation in a log of Inspect."""
    log = read_inspect_log(checkpoint.path)
    task = log.task.rsplit("/", 1)[-1]
    settings = {"path": log.path.name, "created": log.created, "status": log.status, "config": log.config}
    evaluation = Evaluation(
        "inspect", checkpoint.named(log.model), task, checkpoint, {"model": log.model}, without_secrets(settings)
    )
    if log.status != "success":
        evaluation.notes.append(f"{log.path}: the evaluation ended as {log.status!r}; brought along is what it came to")
    items: dict[str, Item] = {}
    scores = [score for sample in log.samples for score in sample.scores]
    scales = {name: _scale([score for score in scores if score.name == name]) for name in {one.name for one in scores}}
    for sample in log.samples:
        if sample.id not in items:
            items[sample.id] = _item(task, sample, families(task))
        response = evaluation.add_response(
            items[sample.id],
            sample.epoch - 1,
            digest(sample.input, sample.choices),
            text=sample.output if sample.error is None else None,
            finish_reason=sample.finish_reason,
            status="ok" if sample.error is None else "error",
            error=sample.error,
        )
        for score in sample.scores:
            evaluation.add_rating(response, score.name, **_rating(score, scales[score.name]))
    evaluation.items = list(items.values())
    yield evaluation


def _scale(scores: Sequence[InspectScore]) -> Scale:
    if any(score.value is None and score.label for score in scores):
        return "nominal"  # words of the scorer's own
    return "binary" if all(score.value in (None, 0.0, 1.0) for score in scores) else "interval"


def _rating(score: InspectScore, scale: Scale) -> dict[str, Any]:
    scorer = score.name.split("/")[0]
    judged = scorer.startswith(JUDGES)
    unscored = score.value is None and score.label is None
    return {
        "criterion": "correctness" if judged or scorer in CORRECTNESS else score.name,
        "rater_kind": "judge" if judged else "verifier" if scale == "binary" else "metric",
        "scale": scale,
        "value": score.value if scale != "nominal" else None,
        "label": (score.label or str(score.value)) if scale == "nominal" and not unscored else None,
        "status": "skipped" if unscored else "ok",
        "error": "left unscored" if unscored else None,
        "rationale": score.explanation,
        "raw": score.answer,
    }


def _item(task: str, sample: InspectSample, family: Family) -> Item:
    contents = {"prompt": sample.input, "choices": sample.choices, "references": sample.target}
    return Item(
        task=task,
        item_id=sample.id,
        family=family,
        prompt=sample.input,
        choices=sample.choices,
        target=_target(sample),
        references=sample.target if sample.choices is None else [],
        content_hash=digest(contents),
        metadata=json.dumps(sample.metadata, sort_keys=True, ensure_ascii=False, default=str),
    )


def _target(sample: InspectSample) -> str | None:
    """Return the answer; of choices, for which Inspect names a letter, its number."""
    if not sample.target:
        return None
    if sample.choices is None:
        return sample.target[0]
    letter = sample.target[0].strip().upper()
    place = ord(letter) - ord("A") if len(letter) == 1 else -1
    return str(place) if 0 <= place < len(sample.choices) else None
