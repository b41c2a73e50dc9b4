"""The output folders of lm-eval, as evaluations."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.answering import LmEvalSample, date_of, newest_samples, read_samples, read_settings
from harness.errors import HarnessError
from harness.rating.files.evaluations.evaluation import CORRECTNESS, Checkpoint, Evaluation, Families
from harness.records import Family, Item, Response, digest
from harness.suite import model_called, without_paths, without_secrets

KEPT = ("config", "n-shot", "versions", "lm_eval_version", "transformers_version", "git_hash", "date", "chat_template")
"""What is kept of lm-eval's results as the settings."""


def read_lm_eval(checkpoint: Checkpoint, families: Families) -> Iterator[Evaluation]:
    """Yield the evaluations in an output folder of lm-eval: of each model in it, of each task the newest."""
    found = newest_samples(checkpoint.path).values() if checkpoint.path.is_dir() else [checkpoint.path]
    folders = sorted({path.parent for path in found})
    if checkpoint.series and len(folders) > 1:
        names = ", ".join(folder.name for folder in folders)
        raise HarnessError(f"{checkpoint.path}: holds the output of several models, but a round has one: {names}")
    for folder in folders:
        for task, path in newest_samples(folder).items():
            results = read_settings(folder, date_of(path)) or read_settings(folder)
            config = results.get("config") or {}
            args = {"model": config.get("model"), **_model_args(config.get("model_args"))}
            settings = {key: results[key] for key in KEPT if results.get(key) is not None}
            settings["task_config"] = (results.get("configs") or {}).get(task)
            evaluation = Evaluation(
                "lm-eval",
                checkpoint.named(_model_name(args, results, folder)),
                task,
                checkpoint,
                without_paths(without_secrets(args), distinct=True),
                {"path": path.name, **without_paths(without_secrets(settings))},
                made=date_of(path),
            )
            samples = list(read_samples(path))
            if not samples:
                evaluation.notes.append(f"{path}: is empty, left out")
            _add_samples(evaluation, samples, families(task))
            yield evaluation


def _model_name(args: dict[str, Any], results: dict[str, Any], folder: Path) -> str:
    """Return what a model is called: another revision or adapter of it is another model."""
    base = args.get("pretrained")
    if not base:
        return model_called(str(args.get("model") or results.get("model_name") or folder.name))
    name = Path(str(base).rstrip("/")).name
    if args.get("revision") not in (None, "", "main", "None"):
        name += f"@{args['revision']}"
    for adapter in ("peft", "delta", "gguf_file"):
        if args.get(adapter) not in (None, "", "None"):
            name += f"+{Path(str(args[adapter]).rstrip('/')).name}"
    return name


def _model_args(written: Any) -> dict[str, Any]:
    """Return lm-eval's `model_args`, a mapping or a text of `key=value,key=value`."""
    if isinstance(written, dict):
        return written
    pairs = [pair.partition("=") for pair in str(written or "").split(",") if pair]
    return {key.strip(): value for key, _, value in pairs}


def _add_samples(evaluation: Evaluation, samples: Sequence[LmEvalSample], family: Family) -> None:
    filters = list(dict.fromkeys(sample.filter for sample in samples))
    binary = {
        name: all(sample.scores.get(name) in (None, 0.0, 1.0) for sample in samples)
        for name in dict.fromkeys(name for sample in samples for name in sample.scores)
    }
    answers: dict[str, Response] = {}
    for sample in samples:
        if sample.item_id not in answers:  # a row of each filter has the same answers
            item = _item(evaluation.task, sample, family)
            evaluation.items.append(item)
            for number, text in enumerate(sample.texts):
                response = evaluation.add_response(
                    item,
                    number,
                    sample.prompt_hash,
                    logprobs=sample.logprobs,
                    text=text,
                    **({} if text is not None else {"error": "the model would not write the target"}),
                )
                answers.setdefault(sample.item_id, response)
        for name, value in sample.scores.items():
            evaluation.add_rating(
                answers[sample.item_id],
                f"{name},{sample.filter}" if len(filters) > 1 else name,
                "correctness" if name in CORRECTNESS else name,
                rater_kind="verifier" if binary[name] else "metric",
                scale="binary" if binary[name] else "interval",
                value=value,
                status="skipped" if value is None else "ok",
                error="lm-eval wrote no number" if value is None else None,
                rater_version=f"lm-eval {evaluation.settings.get('lm_eval_version', '')}".strip(),
                raw=None if sample.choices else json.dumps(sample.filtered, ensure_ascii=False),
            )
    unread = sorted({name for sample in samples for name in sample.unread})
    if unread:
        evaluation.notes.append(f"{evaluation.task}: no number an item, left out: {', '.join(unread)}")


def _item(task: str, sample: LmEvalSample, family: Family) -> Item:
    written = sample.choices is None
    references = sample.target if isinstance(sample.target, list) else [sample.target] if sample.target else []
    return Item(
        task=task,
        item_id=sample.item_id,
        family=family,
        prompt=sample.prompt,
        choices=sample.choices,
        target=references[0] if references else None,
        targets=references if len(references) > 1 else [],
        references=references if written else [],
        content_hash=digest(sample.doc_hash or sample.doc, sample.target_hash or sample.target),
        metadata=json.dumps(sample.doc, sort_keys=True, ensure_ascii=False),
    )
