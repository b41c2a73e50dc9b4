"""The output folders of lm-eval (`results_*.json`, `samples_*.jsonl`): what was asked, answered and scored, as rows.

Read is what lm-eval has written since 0.4.0: a sample's arguments as a list of lists or a dict of dicts, one JSON array
or one object a line, the metrics named or (as in the details of the Open LLM Leaderboard) merely there, files with and
without a date in their names. A task with several filters has a row for each filter, with the same answer and other
scores.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.statistics import number

SAMPLES = re.compile(r"^samples_(?P<task>.+?)(?:_(?P<date>\d{4}-\d{2}-\d{2}T[\d.:-]+))?\.jsonl?$")
DATED = re.compile(r"(\d{4}-\d{2}-\d{2}T[\d.:-]+?)\.jsonl?$")
NO_METRICS = {
    "doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics", "doc_hash", "prompt_hash",
    "target_hash", "hash_doc", "hash_full_prompt", "hash_input_tokens", "hash_cont_tokens", "repeat", "schema_version",
}  # fmt: skip
"""What a row has beside its metrics, where it does not say which those are."""
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
        texts: What the model wrote, one a repeat; of choices the likeliest; of a text that was only weighed that text
            if the model would have written it, else None.
        logprobs: Of each choice; None where the model wrote.
        filter: The filter.
        filtered: What the filter made of the answer.
        scores: The metrics that are numbers; None where lm-eval wrote null or NaN.
        unread: The metrics that are something else.
        doc_hash: lm-eval's hash of the document.
        target_hash: lm-eval's hash of the target.
        prompt_hash: lm-eval's hash of the prompt; None in the output of old versions.
    """

    item_id: str
    doc: dict[str, Any]
    prompt: str
    choices: list[str] | None
    target: str | list[str] | None
    texts: list[str | None]
    logprobs: list[float] | None
    filter: str
    filtered: Any
    scores: dict[str, float | None]
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
    folder = Path(folder)
    for path in sorted([*folder.rglob("*.jsonl"), *folder.rglob("samples_*.json")]):
        task = task_of(path)
        if task:
            newest[task] = max(newest.get(task, ("", path)), (date_of(path), path))
    if not newest:
        raise HarnessError(
            f"{folder}: has no samples_*.jsonl of lm-eval; evaluate with `--log_samples --output_path {folder}`"
        )
    return {task: path for task, (_, path) in sorted(newest.items())}


def task_of(path: Path) -> str | None:
    """Return the task of a file of samples; None where it is none.

    Before 0.4.3 the files were called by the model's arguments and the task; `results.json` beside them says the tasks.
    """
    named = SAMPLES.match(path.name)
    if named:
        return named["task"]
    results = path.parent / "results.json"
    known = (_json(results).get("results") or {}) if results.is_file() else {}
    fitting = [task for task in known if path.stem == task or path.stem.endswith(f"_{task}")]
    return max(fitting, key=len, default=None)


def date_of(path: Path) -> str:
    """Return the date in a file's name, in one way of writing; empty where it has none."""
    found = DATED.search(path.name)
    return found[1].replace(":", "-") if found else ""


def read_samples(path: Path) -> Iterator[LmEvalSample]:
    """Yield the rows of a file of samples.

    Raises:
        HarnessError: A line is no sample of lm-eval.
    """
    for place, row in _rows(path):
        try:
            yield _sample(row if isinstance(row, dict) else json.loads(row))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
            raise HarnessError(
                f"{path}, line {place}: is no sample of lm-eval ({type(error).__name__}: {error})"
            ) from error


def _rows(path: Path) -> Iterator[tuple[int, Any]]:
    try:
        with path.open(encoding="utf-8") as lines:
            start = lines.read(1)
            lines.seek(0)
            if start == "[":  # until 0.4.2: one array, over many lines
                yield from enumerate(_parsed(path, lines.read()), start=1)
            else:
                yield from ((place, line) for place, line in enumerate(lines, start=1) if line.strip())
    except UnicodeDecodeError as error:
        raise HarnessError(f"{path}: is no UTF-8 text ({error})") from error


def read_settings(folder: str | Path, date: str | None = None) -> dict[str, Any]:
    """Return a `results_*.json` in a folder: how the model was run; empty where there is none.

    Args:
        folder: Where it lies.
        date: That of the samples; the results of the same run are meant, or the first after it. The newest of all where
            not given.

    Raises:
        HarnessError: It is no JSON.
    """
    paths = sorted([*Path(folder).glob("results_*.json"), *Path(folder).glob("results.json")], key=date_of)
    if date:
        paths = [path for path in paths if date_of(path) == date] or [path for path in paths if date_of(path) > date][
            :1
        ]
    return _json(paths[-1]) if paths else {}


def _json(path: Path) -> dict[str, Any]:
    try:
        found = _parsed(path, path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise HarnessError(f"{path}: is no UTF-8 text ({error})") from error
    if not isinstance(found, dict):
        raise HarnessError(f"{path}: is no JSON object")
    return found


def _parsed(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise HarnessError(f"{path}: is no JSON ({error})") from error


def _sample(row: dict[str, Any]) -> LmEvalSample:
    names = row["metrics"] if "metrics" in row else [name for name in row if name not in NO_METRICS]
    metrics = {name: row.get(name) for name in names}
    scores = {name: number(value) for name, value in metrics.items() if value is None or isinstance(value, int | float)}
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
) -> tuple[str, list[str] | None, list[str | None], list[float] | None]:
    """Return prompt, choices, texts and log-probabilities of a sample."""
    if not arguments:
        return "", None, [str(text) for group in responses for text in group], None
    prompts = [_text(group[0]) for group in arguments]
    if len(arguments[0]) == 1 and not _is_text(responses[0][0]):  # a text whose likelihood was asked for, all of it
        return prompts[0], None, [None], [_logprob(group[0]) for group in responses]
    if not (len(arguments[0]) > 1 and isinstance(arguments[0][1], str)):  # the second argument is how to generate
        return prompts[0], None, [str(text) for text in responses[0]], None
    logprobs = [_logprob(group[0]) for group in responses]
    if len(arguments) == 1:  # one text was weighed: the model said it if it is the likeliest of all
        said = isinstance(responses[0][0], list) and str(responses[0][0][1]).lower() in ("true", "1")
        return prompts[0], None, [str(arguments[0][1]) if said else None], logprobs
    same = len(set(prompts)) == 1
    choices = [str(group[1]).strip() for group in arguments] if same else prompts
    best = max(range(len(choices)), key=lambda place: logprobs[place])
    return prompts[0] if same else str(arguments[0][1]).strip(), choices, [choices[best]], logprobs


def _is_text(response: Any) -> bool:
    return isinstance(response, str) and not re.fullmatch(r"-?[0-9.]+(?:[eE][-+]?[0-9]+)?", response)


def _logprob(response: Any) -> float:
    """Return a log-likelihood, alone or with whether it is the greedy text; numbers were written as texts too."""
    return float(response[0] if isinstance(response, list) else response)


def _text(prompt: Any) -> str:
    """Return a prompt as text; a conversation is kept as its JSON."""
    return prompt if isinstance(prompt, str) else json.dumps(prompt, ensure_ascii=False)


def _target(written: Any, choices: list[str] | None) -> str | list[str] | None:
    if choices is None:
        return [str(one) for one in written] if isinstance(written, list) else None if written is None else str(written)
    if isinstance(written, list):
        known = [place for one in written if (place := _target(one, choices)) is not None]
        return [str(place) for place in known] or None
    text = str(int(written)) if isinstance(written, bool) else str(written)
    if text.isdecimal() and int(text) < len(choices):
        return text
    return str(choices.index(text.strip())) if text.strip() in choices else None
