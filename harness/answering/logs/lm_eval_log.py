"""The output folders of lm-eval (`results_*.json`, `samples_*.jsonl`): what was asked, answered and scored, as rows.

lm-eval has written a sample's arguments in two shapes, a list of lists and a dict of dicts; both are read. A task with
several filters has a row for each filter, with the same answer and other scores.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError

SAMPLES = re.compile(r"^samples_(?P<task>.+)_(?P<date>\d{4}-\d{2}-\d{2}T[\d.:-]+)\.jsonl$")
CHECKPOINT = re.compile(r"^(?:(?P<series>[^:=/]+):)?(?P<round>\d+)=(?P<path>.+)$")
"""How a command line says which round a folder or file is of: `ROUND=PATH` or `SERIES:ROUND=PATH`."""


@dataclass(frozen=True)
class LmEvalSample:
    """One document of a task, under one filter.

    Attributes:
        item_id: The document's number.
        doc: The document.
        prompt: What the model was given.
        choices: The texts whose log-likelihoods were compared; None where the model wrote.
        target: The right answer; for choices the number of the right one, None where that is not said.
        texts: What the model wrote, one a repeat; of choices the likeliest.
        logprobs: Of each choice; None where the model wrote.
        filter: The filter.
        filtered: What the filter made of the answer.
        scores: The metrics that are numbers.
        unread: The metrics that are not.
        doc_hash: lm-eval's hash of the document.
        target_hash: lm-eval's hash of the target.
        prompt_hash: lm-eval's hash of the prompt; None in the output of old versions.
    """

    item_id: str
    doc: dict[str, Any]
    prompt: str
    choices: list[str] | None
    target: str | list[str] | None
    texts: list[str]
    logprobs: list[float] | None
    filter: str
    filtered: Any
    scores: dict[str, float]
    unread: list[str]
    doc_hash: str | None
    target_hash: str | None
    prompt_hash: str | None


def newest_samples(folder: str | Path) -> dict[str, Path]:
    """Return the newest file of samples of each task in a folder, or below it.

    Raises:
        HarnessError: There is none.
    """
    newest: dict[str, tuple[str, Path]] = {}
    for path in sorted(Path(folder).rglob("samples_*.jsonl")):
        named = SAMPLES.match(path.name)
        if named:
            newest[named["task"]] = max(newest.get(named["task"], ("", path)), (named["date"], path))
    if not newest:
        raise HarnessError(
            f"{folder}: has no samples_*.jsonl of lm-eval; evaluate with `--log_samples --output_path {folder}`"
        )
    return {task: path for task, (_, path) in sorted(newest.items())}


def read_samples(path: Path) -> Iterator[LmEvalSample]:
    """Yield the rows of a file of samples.

    Raises:
        HarnessError: A line is no sample of lm-eval.
    """
    with path.open(encoding="utf-8") as lines:
        for place, line in enumerate(lines, start=1):
            try:
                yield _sample(json.loads(line))
            except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
                raise HarnessError(
                    f"{path}, line {place}: is no sample of lm-eval ({type(error).__name__}: {error})"
                ) from error


def read_settings(folder: str | Path) -> dict[str, Any]:
    """Return the newest `results_*.json` in a folder: how the model was run; empty where there is none.

    Raises:
        HarnessError: It is no JSON.
    """
    paths = sorted(Path(folder).glob("results_*.json"))
    if not paths:
        return {}
    try:
        found: dict[str, Any] = json.loads(paths[-1].read_text(encoding="utf-8"))
    except ValueError as error:
        raise HarnessError(f"{paths[-1]}: is no JSON ({error})") from error
    return found


def _sample(row: dict[str, Any]) -> LmEvalSample:
    metrics = {name: row.get(name) for name in row.get("metrics", [])}
    scores = {name: float(value) for name, value in metrics.items() if isinstance(value, int | float)}
    prompt, choices, texts, logprobs = _answered(_arguments(row.get("arguments", [])), row.get("resps", []))
    return LmEvalSample(
        item_id=str(row["doc_id"]),
        doc=row["doc"] if isinstance(row.get("doc"), dict) else {},
        prompt=prompt,
        choices=choices,
        target=_target(row.get("target"), choices),
        texts=texts,
        logprobs=logprobs,
        filter=str(row.get("filter", "none")),
        filtered=row.get("filtered_resps"),
        scores=scores,
        unread=sorted(set(metrics) - set(scores)),
        doc_hash=row.get("doc_hash"),
        target_hash=row.get("target_hash"),
        prompt_hash=row.get("prompt_hash"),
    )


def _arguments(written: Any) -> list[list[Any]]:
    """Return the arguments of each request, from either shape."""
    groups = written.values() if isinstance(written, dict) else written
    return [list(group.values()) if isinstance(group, dict) else list(group) for group in groups]


def _answered(
    arguments: list[list[Any]], responses: list[Any]
) -> tuple[str, list[str] | None, list[str], list[float] | None]:
    """Return prompt, choices, texts and log-probabilities of a sample."""
    if not arguments:
        return "", None, [str(text) for group in responses for text in group], None
    prompts = [_text(group[0]) for group in arguments]
    if not (len(arguments[0]) > 1 and isinstance(arguments[0][1], str)):  # the second argument is how to generate
        return prompts[0], None, [str(text) for text in responses[0]], None
    logprobs = [float(group[0][0]) for group in responses]
    same = len(set(prompts)) == 1
    choices = [str(group[1]).strip() for group in arguments] if same else prompts
    best = max(range(len(choices)), key=lambda place: logprobs[place])
    return prompts[0] if same else str(arguments[0][1]).strip(), choices, [choices[best]], logprobs


def _text(prompt: Any) -> str:
    """Return a prompt as text; a conversation is kept as its JSON."""
    return prompt if isinstance(prompt, str) else json.dumps(prompt, ensure_ascii=False)


def _target(written: Any, choices: list[str] | None) -> str | list[str] | None:
    if choices is None:
        return [str(one) for one in written] if isinstance(written, list) else None if written is None else str(written)
    text = str(written)
    if text.isdecimal() and int(text) < len(choices):
        return text
    return str(choices.index(text.strip())) if text.strip() in choices else None
