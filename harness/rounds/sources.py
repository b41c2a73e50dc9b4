"""Where scores come from: runs, long tables, and the output folders of lm-eval, one folder a round."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from harness.answering.lm_eval_log import CHECKPOINT, newest_samples, read_samples
from harness.errors import HarnessError, did_you_mean
from harness.rounds.run_scores import costs_of, from_run
from harness.run import Run

PREFERRED = ("exact_match", "acc", "pass@1", "acc_norm")
"""The metric of a task that has several, unless one is named."""

Costs = dict[str, dict[str, float]]


def read_scores(
    sources: Sequence[str | Path],
    columns: Mapping[str, str] | None = None,
    metric: str | None = None,
) -> tuple[pd.DataFrame, Costs]:
    """Return the scores of several sources as one long frame, and what the feedback of runs cost.

    Args:
        sources: Runs' folders, CSV or Parquet files, or lm-eval output folders: in the order of the rounds, or each
            as `ROUND=FOLDER` or `SERIES:ROUND=FOLDER`.
        columns: Our names (item, round, score, series, benchmark, gold, seed) to the tables' own.
        metric: The metric of lm-eval folders; where not given, the first of `PREFERRED` that a task has.

    Raises:
        HarnessError: A source is none of these, or lacks a column.
    """
    frames: list[pd.DataFrame] = []
    costs: Costs = {}
    folders = 0
    for source in sources:
        named = CHECKPOINT.match(str(source))
        path = Path(named["path"]) if named else Path(source)
        if (path / "suite.yaml").is_file():
            run = Run(path)
            frames.append(from_run(run))
            for kind, amounts in costs_of(run).items():
                costs.setdefault(kind, {}).update(amounts)
        elif path.is_dir():
            number = int(named["round"]) if named else folders
            frames.append(lm_eval_scores(path, number, (named and named["series"]) or "all", metric))
            folders += 1
        else:
            frames.append(_long(read_table(path), columns or {}, path))
    return pd.concat(frames, ignore_index=True), costs


def read_table(path: str | Path) -> pd.DataFrame:
    """Return a CSV (.gz too) or Parquet file as a frame.

    Raises:
        HarnessError: There is no such file, or it cannot be read.
    """
    path = Path(path)
    try:
        return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except FileNotFoundError:
        raise HarnessError(f"{path}: there is no such file or folder") from None
    except (ValueError, OSError) as error:
        raise HarnessError(
            f"{path}: cannot be read as {'Parquet' if path.suffix == '.parquet' else 'CSV'}: {error}"
        ) from error


def lm_eval_scores(folder: str | Path, number: int, series: str = "all", metric: str | None = None) -> pd.DataFrame:
    """Return the per-item scores that lm-eval left in an output folder (`samples_*.jsonl`, of each task the newest).

    Args:
        folder: The folder, or one above it; written with `--log_samples`.
        number: The round that its model is of.
        series: The series.
        metric: The metric; see `read_scores`.

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
        }


def _metric(scores: Mapping[str, float], wanted: str | None, where: str) -> str:
    if wanted is not None and wanted not in scores:
        raise HarnessError(f"{where}: has no number for the metric {wanted!r}.{did_you_mean(wanted, scores)}")
    if not scores:
        raise HarnessError(f"{where}: no metric is a number a sample; name one with --metric")
    return wanted or next((name for name in PREFERRED if name in scores), next(iter(scores)))


def _long(table: pd.DataFrame, columns: Mapping[str, str], path: Path) -> pd.DataFrame:
    for ours, theirs in columns.items():
        if theirs not in table.columns and (theirs != ours or ours in ("item", "round", "score")):
            raise HarnessError(
                f"{path}: there is no column {theirs!r} (--{ours}).{did_you_mean(theirs, map(str, table.columns))}"
            )
    return table.rename(columns={theirs: ours for ours, theirs in columns.items() if theirs != ours})
