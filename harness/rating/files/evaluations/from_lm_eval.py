"""The output folders of lm-eval, as evaluations."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.answering import LmEvalSample, SamplesFile, read_samples, samples_file, samples_in, strangers_in
from harness.errors import HarnessError
from harness.rating.files.evaluations.evaluation import CORRECTNESS, Checkpoint, Evaluation, Families, those_whole
from harness.records import Family, Item, Response, digest
from harness.suite import model_called, without_paths, without_secrets

KEPT = ("config", "n-shot", "versions", "lm_eval_version", "transformers_version", "git_hash", "date", "chat_template")
"""What is kept of lm-eval's results as the settings."""


def read_lm_eval(checkpoint: Checkpoint, families: Families) -> Iterator[Evaluation]:
    """Yield the evaluations in an output folder of lm-eval: of each model in it, of each task the newest.

    A file that is broken is noted, and the rest goes on.

    Raises:
        HarnessError: There is none, or all are broken.
    """
    files = _files(checkpoint)
    folders = sorted({file.path.parent for file in files})
    if checkpoint.series and len(folders) > 1:
        names = ", ".join(folder.name for folder in folders)
        raise HarnessError(f"{checkpoint.path}: holds the output of several models, but a round has one: {names}")
    notes = [
        f"{path}: left out: its task is not among those of the results.json beside it"
        for path in (strangers_in(checkpoint.path) if checkpoint.path.is_dir() else [])
    ]
    yield from those_whole(files, lambda file: _evaluation(file, checkpoint, families), notes)


def _files(checkpoint: Checkpoint) -> list[SamplesFile]:
    if checkpoint.path.is_dir():
        return samples_in(checkpoint.path)
    if not checkpoint.path.is_file():
        raise HarnessError(f"{checkpoint.path}: there is no such file or folder")
    file = samples_file(checkpoint.path)
    if file is None:
        raise HarnessError(f"{checkpoint.path}: is no samples_*.jsonl of lm-eval, as `--log_samples` writes them")
    return [file]


def _evaluation(file: SamplesFile, checkpoint: Checkpoint, families: Families) -> Evaluation:
    results = file.results
    config = results.get("config") or {}
    args = {"model": config.get("model"), **_model_args(config.get("model_args"))}
    settings = {key: results[key] for key in KEPT if results.get(key) is not None}
    settings["task_config"] = (results.get("configs") or {}).get(file.task)
    evaluation = Evaluation(
        "lm-eval",
        checkpoint.named(_model_name(args, results, file.path.parent)),
        file.task,
        checkpoint,
        without_paths(without_secrets(args), distinct=True),
        {"path": file.path.name, **without_paths(without_secrets(settings))},
        made=file.made,
    )
    samples = _once(file.path)
    if not samples:
        evaluation.notes.append(f"{file.path}: is empty, left out")
    if not results:
        evaluation.notes.append(
            f"{file.path}: no results of its day say how the model was run; it is called by its folder"
        )
    choice = (settings["task_config"] or {}).get("doc_to_choice")
    if choice is not None:
        samples = [_chosen(sample, choice) for sample in samples]
    _add_samples(evaluation, samples, families(file.task))
    return evaluation


def _once(path: Path) -> list[LmEvalSample]:
    """Return the samples of a file, each document once under each filter.

    Raises:
        HarnessError: One stands there twice, with other answers or scores.
    """
    found: dict[tuple[str, str], LmEvalSample] = {}
    for sample in read_samples(path):
        known = found.setdefault((sample.item_id, sample.filter), sample)
        if repr(known) != repr(sample):  # not ==: a score may be NaN
            raise HarnessError(f"{path}: document {sample.item_id} stands there twice, with different contents")
    return list(found.values())


def _chosen(sample: LmEvalSample, choice: Any) -> LmEvalSample:
    """Return a sample with the text of the right choice as its target, where the task has choices and the model writes.

    lm-eval names the right one by its number; where its text cannot be told from the log there is no target.
    """
    if sample.choices is not None or not (isinstance(sample.target, str) and sample.target.isdecimal()):
        return sample
    listed: Any = choice
    if isinstance(choice, str):  # a field, `choices` or `{{choices.text}}`
        listed = sample.doc
        for name in choice.strip("{} ").split("."):
            listed = listed.get(name) if isinstance(listed, dict) else None
    known = isinstance(listed, list) and int(sample.target) < len(listed)
    return replace(sample, target=str(listed[int(sample.target)]) if known else None)


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
