"""The logs of Inspect, as evaluations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.answering import InspectSample, InspectScore, read_inspect_log
from harness.errors import HarnessError
from harness.rating.files.evaluations.evaluation import CORRECTNESS, Checkpoint, Evaluation, Families, those_whole
from harness.rating.verifiers.verifier import ALL
from harness.records import Family, Item, Scale, digest
from harness.suite import without_paths, without_secrets

JUDGES = "model_graded"
"""How the names of Inspect's scorers begin that ask a model."""


def read_inspect(checkpoint: Checkpoint, families: Families) -> Iterator[Evaluation]:
    """Yield the evaluation in a log of Inspect, or those of a folder of logs; of those, one that is broken is noted.

    Raises:
        HarnessError: The log is none, or no log of the folder is one.
    """
    if not checkpoint.path.is_dir():
        yield _evaluation(checkpoint.path, checkpoint, families)
        return
    paths = sorted([*checkpoint.path.rglob("*.eval"), *checkpoint.path.rglob("*.json")])
    if not paths:
        raise HarnessError(f"{checkpoint.path}: has no log of Inspect (*.eval, *.json)")
    yield from those_whole(paths, lambda path: _evaluation(path, checkpoint, families))


def _evaluation(path: Path, checkpoint: Checkpoint, families: Families) -> Evaluation:
    log = read_inspect_log(path)
    task = log.task.rsplit("/", 1)[-1]
    settings = {"path": log.path.name, "created": log.created, "status": log.status, "config": log.config}
    evaluation = Evaluation(
        "inspect",
        checkpoint.named(log.model),
        task,
        checkpoint,
        without_paths({"model": log.model}, distinct=True),
        without_paths(without_secrets(settings)),
        made=log.created,
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
    return evaluation


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
    targets = _targets(sample)
    metadata = {**sample.metadata, **({ALL: True} if sample.choices and len(targets) > 1 else {})}
    return Item(
        task=task,
        item_id=sample.id,
        family=family,
        prompt=sample.input,
        choices=sample.choices,
        target=next(iter(targets), None),
        targets=targets if len(targets) > 1 else [],
        references=sample.target if sample.choices is None else [],
        content_hash=digest(contents),
        metadata=json.dumps(metadata, sort_keys=True, ensure_ascii=False, default=str),
    )


def _targets(sample: InspectSample) -> list[str]:
    """Return the right answers; of choices, for which Inspect names letters, their numbers."""
    if sample.choices is None:
        return sample.target
    return [str(place) for target in sample.target for place in _places(target.strip(), sample.choices)]


def _places(target: str, choices: Sequence[str]) -> list[int]:
    """Return the numbers of the choices that a target names: by its text, or by letters (`B`, `AC`, `A, C`)."""
    if target in choices:
        return [choices.index(target)]
    letters = re.sub(r"[\s,;.()]", "", target)
    places = [ord(letter) - ord("A") for letter in (letters.upper() if len(letters) == 1 else letters)]
    known = all(0 <= place < len(choices) for place in places) and places == sorted(set(places))
    return places if known else []
