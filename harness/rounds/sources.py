"""Where scores come from: runs, long tables, and the output folders of lm-eval, one folder a round."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from harness.errors import HarnessError, did_you_mean
from harness.rounds.run_scores import costs_of, from_run
from harness.run import Run

NAMED = re.compile(r"^(?:(?P<series>[^:=/]+):)?(?P<round>\d+)=(?P<path>.+)$")
"""`ROUND=FOLDER` or `SERIES:ROUND=FOLDER`."""
SAMPLES = re.compile(r"^samples_(?P<task>.+)_(?P<date>\d{4}-\d{2}-\d{2}T[\d.:-]+)\.jsonl$")
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
        named = NAMED.match(str(source))
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
    newest: dict[str, tuple[str, Path]] = {}
    for path in sorted(Path(folder).rglob("samples_*.jsonl")):
        named = SAMPLES.match(path.name)
        if named:
            newest[named["task"]] = max(newest.get(named["task"], ("", path)), (named["date"], path))
    if not newest:
        raise HarnessError(
            f"{folder}: is no run and has no samples_*.jsonl of lm-eval; evaluate with `--log_samples --output_path`"
        )
    rows = [row for task, (_, path) in sorted(newest.items()) for row in _samples(path, task, metric)]
    frame = pd.DataFrame(rows)
    several = frame.groupby("task")["filter"].transform("nunique") > 1
    frame["benchmark"] = frame["task"].where(~several, frame["task"] + "," + frame["filter"])
    return frame.drop(columns=["task", "filter"]).assign(round=number, series=series)


def _samples(path: Path, task: str, metric: str | None) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for place, line in enumerate(lines, start=1):
            try:
                sample = json.loads(line)
                name = _metric(sample, metric, f"{path}, line {place}")
                yield {
                    "item": str(sample["doc_id"]),
                    "score": float(sample[name]),
                    "task": task,
                    "filter": str(sample.get("filter", "none")),
                    "content_hash": f"{sample.get('doc_hash')} {sample.get('target_hash')}",
                    "prompt_hash": sample.get("prompt_hash"),
                    "rater_version": name,
                }
            except (json.JSONDecodeError, KeyError) as error:
                raise HarnessError(f"{path}, line {place}: is no sample of lm-eval ({error})") from error


def _metric(sample: Mapping[str, Any], wanted: str | None, where: str) -> str:
    numbers = [name for name in sample.get("metrics", []) if isinstance(sample.get(name), int | float)]
    if wanted is not None and wanted not in numbers:
        raise HarnessError(f"{where}: has no number for the metric {wanted!r}.{did_you_mean(wanted, numbers)}")
    if not numbers:
        raise HarnessError(f"{where}: no metric is a number a sample; name one with --metric")
    return wanted or next((name for name in PREFERRED if name in numbers), numbers[0])


def _long(table: pd.DataFrame, columns: Mapping[str, str], path: Path) -> pd.DataFrame:
    for ours, theirs in columns.items():
        if theirs not in table.columns and (theirs != ours or ours in ("item", "round", "score")):
            raise HarnessError(
                f"{path}: there is no column {theirs!r} (--{ours}).{did_you_mean(theirs, map(str, table.columns))}"
            )
    return table.rename(columns={theirs: ours for ours, theirs in columns.items() if theirs != ours})
