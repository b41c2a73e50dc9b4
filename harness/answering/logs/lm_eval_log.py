"""The samples of lm-eval (`samples_*.jsonl`): what was asked, answered and scored, as rows.

Read is what lm-eval has written since 0.4.0: a sample's arguments as a list of lists or a dict of dicts, one JSON array
or one object a line, the metrics named or (as in the details of the Open LLM Leaderboard) merely there, files with and
without a date in their names. A task with several filters has a row for each filter, with the same answer and other
scores.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.answering.logs.lm_eval_files import parsed
from harness.errors import HarnessError
from harness.statistics import number

NO_METRICS = {
    "doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics", "doc_hash", "prompt_hash",
    "target_hash", "hash_doc", "hash_full_prompt", "hash_input_tokens", "hash_cont_tokens", "repeat", "schema_version",
    "scores_per_repeat",
}  # fmt: skip
"""What a row has beside its metrics, where it does not say which those are."""
UNSCORED = "bypass"
"""The metric of what lm-eval did not score: it writes 999."""
LARGEST = 0.01
"""Of log-likelihoods, which rounding may lift over 0."""
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
                yield from enumerate(parsed(path, lines.read()), start=1)
            else:
                yield from ((place, line) for place, line in enumerate(lines, start=1) if line.strip())
    except UnicodeDecodeError as error:
        raise HarnessError(f"{path}: is no UTF-8 text ({error})") from error


def _sample(row: dict[str, Any]) -> LmEvalSample:
    names = row["metrics"] if "metrics" in row else [name for name in row if name not in NO_METRICS]
    metrics = {name: _value(row.get(name)) for name in names if name != UNSCORED}
    scores = {name: number(value) for name, value in metrics.items() if value is None or isinstance(value, int | float)}
    arguments = _conditional(_arguments(row.get("arguments", [])))
    prompt, choices, texts, logprobs = _answered(arguments, row.get("resps", [])[: len(arguments) or None])
    doc = row["doc"] if isinstance(row.get("doc"), dict) else {}
    return LmEvalSample(
        item_id=str(row["doc_id"]),
        doc=doc,
        prompt=prompt,
        choices=choices,
        target=_target(_listed(row.get("target"), doc, choices), choices),
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


def _conditional(arguments: list[list[Any]]) -> list[list[Any]]:
    """Return the arguments without those that ask for the choices again, alone, for `acc_mutual_info`."""
    half = len(arguments) // 2
    alone = [[part[0], str(part[1]).strip()] for part in arguments[half:] if len(part) > 1]
    again = [["", str(part[1]).strip()] for part in arguments[:half] if len(part) > 1]
    return arguments[:half] if half and alone == again and len(arguments) == 2 * half else arguments


def _value(written: Any) -> Any:
    """Return a metric's value; numpy's numbers and truth values were written as texts."""
    if not isinstance(written, str):
        return written
    if written in ("True", "False"):
        return written == "True"
    try:
        return float(written)
    except ValueError:
        return written


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
    found = float(response[0] if isinstance(response, list) else response)
    if found > LARGEST:
        raise ValueError(f"{found} is no log-likelihood")
    return found


def _text(prompt: Any) -> str:
    """Return a prompt as text; a conversation is kept as its JSON."""
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str):
        return prompt[0]  # the JSON of a conversation for a chat interface
    return prompt if isinstance(prompt, str) else json.dumps(prompt, ensure_ascii=False)


def _listed(written: Any, doc: dict[str, Any], choices: list[str] | None) -> Any:
    """Return several targets as a list: since 0.4.9 they are written as its text, which may also be the one target."""
    if not (isinstance(written, str) and written.startswith("[") and written.endswith("]")) or written in doc.values():
        return written
    try:
        found = ast.literal_eval(written)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return written
    if str(found) != written or not isinstance(found, list):
        return written
    several = choices is not None or found in doc.values() or all(isinstance(one, str) for one in found)
    return found if several else written


def _target(written: Any, choices: list[str] | None) -> str | list[str] | None:
    if choices is None:
        return [str(one) for one in written] if isinstance(written, list) else None if written is None else str(written)
    if isinstance(written, list):
        known = [place for one in written if (place := _target(one, choices)) is not None]
        return [str(place) for place in known] or None
    truth = {"True": True, "False": False}.get(str(written), written) if written not in choices else written
    text = str(int(truth)) if isinstance(truth, bool) else str(truth)
    if text.isdecimal() and int(text) < len(choices):
        return text
    return str(choices.index(text.strip())) if text.strip() in choices else None
