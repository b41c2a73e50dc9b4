"""Scores of every item from the logs of other harnesses, one log (or folder) a round: lm-eval's and Inspect's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from harness.answering import InspectLog, InspectSample, newest_samples, read_inspect_log, read_samples
from harness.errors import HarnessError, did_you_mean
from harness.records import digest

PREFERRED = ("exact_match", "acc", "pass@1", "pass_at_1", "acc_norm")
"""The metric of a task that has several, unless one is named."""


def lm_eval_scores(folder: str | Path, number: int, series: str = "all", metric: str | None = None) -> pd.DataFrame:
    """Return the per-item scores that lm-eval left in an output folder (`samples_*.jsonl`, of each task the newest).

    Args:
        folder: The folder, or one above it; written with `--log_samples`.
        number: The round that its model is of.
        series: The series.
        metric: The metric; where not given, the first of `PREFERRED` that a task has.

    Returns:
        A long frame; the benchmark is the task, with the filter where a task has several.

    Raises:
        HarnessError: There are no samples, a line cannot be read, or no metric is a number.
    """
    rows = [row for task, path in newest_samples(folder).items() for row in _samples(path, task, metric)]
    frame = pd.DataFrame(rows)
    several = frame.groupby("task")["filter"].transform("nunique") > 1
    frame["benchmark"] = frame["task"].where(~several, frame["task"] + "," + frame["filter"])
    return frame.drop(columns=["task", "filter"]).assign(round=number, series=series)


def _samples(path: Path, task: str, metric: str | None) -> Iterator[dict[str, Any]]:
    for sample in read_samples(path):
        name = _metric(sample.scores, metric, f"{path}, document {sample.item_id}")
        yield {
            "item": sample.item_id,
            "score": sample.scores[name],
            "task": task,
            "filter": sample.filter,
            "content_hash": f"{sample.doc_hash} {sample.target_hash}",
            "prompt_hash": sample.prompt_hash,
            "rater_version": name,
            "text": sample.texts[0] if len(sample.texts) == 1 and sample.logprobs is None else None,
        }


def _metric(scores: Mapping[str, float | None], wanted: str | None, where: str) -> str:
    if wanted is not None and wanted not in scores:
        raise HarnessError(f"{where}: has no number for the metric {wanted!r}.{did_you_mean(wanted, scores)}")
    if not scores:
        raise HarnessError(f"{where}: no metric is a number a sample; name one with --metric")
    return wanted or next((name for name in PREFERRED if name in scores), next(iter(scores)))


def inspect_scores(path: str | Path, number: int, series: str = "all", scorer: str | None = None) -> pd.DataFrame:
    """Return the per-item scores of a log of Inspect, or of a folder of logs, of each task the newest.

    Args:
        path: The `.eval` file, or the folder.
        number: The round that its model is of.
        series: The series.
        scorer: Whose scores; where not given, those of the first scorer that gave numbers.

    Returns:
        A long frame; epochs are repeated answers, the score of a sample that failed or was left unscored is nan.

    Raises:
        HarnessError: It is no log, or the scorer gave no numbers.
    """
    path = Path(path)
    logs = [read_inspect_log(each) for each in (sorted(path.glob("*.eval")) if path.is_dir() else [path])]
    newest = {log.task: log for log in sorted(logs, key=lambda log: log.created)}
    frames = [_inspect_frame(log, scorer) for log in newest.values()]
    return pd.concat(frames, ignore_index=True).assign(round=number, series=series)


def _inspect_frame(log: InspectLog, scorer: str | None) -> pd.DataFrame:
    known = {one.name: None for sample in log.samples for one in sample.scores if one.value is not None}
    if scorer is not None and scorer not in known:
        raise HarnessError(f"{log.path}: has no number by the scorer {scorer!r}.{did_you_mean(scorer, known)}")
    if not known:
        raise HarnessError(f"{log.path}: no scorer gave a number")
    chosen = scorer or next(iter(known))
    version = f"{chosen} {digest(log.scorers.get(chosen.split('/')[0], {}), log.version)}"
    rows = [_inspect_row(sample, chosen) for sample in log.samples]
    return pd.DataFrame(rows).assign(benchmark=log.task, rater_version=version)


def _inspect_row(sample: InspectSample, scorer: str) -> dict[str, Any]:
    value = next((one.value for one in sample.scores if one.name == scorer), None)
    asked = [turn for turn in sample.messages if turn["role"] != "assistant"]
    return {
        "item": sample.id,
        "sample": sample.epoch - 1,
        "score": float("nan") if value is None else value,
        "content_hash": digest(sample.input, sample.target, sample.choices),
        "prompt_hash": digest(asked[: len(asked) if len(sample.messages) == len(asked) + 1 else 1]),
        "text": sample.output if sample.error is None else None,
    }
