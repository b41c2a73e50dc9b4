"""Where scores come from: runs, long tables, and the logs of lm-eval and Inspect, one a round."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from harness.answering import CHECKPOINT, checkpoints_in, is_inspect_log, names_in_order
from harness.errors import HarnessError, did_you_mean
from harness.rounds.scores.labels import named_rounds
from harness.rounds.scores.logs import inspect_scores, lm_eval_scores
from harness.rounds.scores.run_scores import costs_of, from_checkpoint, from_run, settings_of
from harness.rounds.scores.wide import melted
from harness.run import is_run
from harness.suite import read_document

Costs = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Source:
    """Where scores are, and of which round and series where that is said."""

    path: Path
    round: int | None = None
    series: str | None = None
    label: str | None = None
    """What the round is called, where it has a name: a checkpoint's folder."""


def read_scores(
    sources: Sequence[str | Path | Source],
    columns: Mapping[str, str] | None = None,
    metric: str | None = None,
    gold: str | None = None,
) -> tuple[pd.DataFrame, Costs]:
    """Return the scores of several sources as one long frame, and what the feedback of runs cost.

    Args:
        sources: Runs' folders, CSV or Parquet files, output folders of lm-eval, logs of Inspect. Folders and logs are
            rounds in their order, or each is `ROUND=PATH` or `SERIES:ROUND=PATH`; a run named so is one round too. A
            folder of checkpoints (`step-0`, `step-1000`, ...) has them as rounds, by their names. A table is long, or
            has a column of scores a round.
        columns: Our names (item, round, score, series, benchmark, gold, seed) to the tables' own.
        metric: Where there are several: the metric of lm-eval, the scorer of Inspect, the rater of a run.
        gold: The rater of runs whose ratings are gold, where those of `metric` are a proxy.

    Raises:
        HarnessError: A source is none of these, or lacks a column.
    """
    frames: list[pd.DataFrame] = []
    costs: Costs = {}
    logs: dict[str, int] = {}
    told = [*_each(map(_source, sources))]
    called = named_rounds([one.label for one in told])
    for source in told:
        path, series = source.path, source.series or "all"
        number = logs.get(series, 0) if source.round is None else source.round
        if is_run(path):
            from harness.run import Run  # and the models of a suite with it: a table asks for neither

            run = Run(path)
            if source.round is not None:
                frames.append(_called(from_checkpoint(run, source.round, series, metric, gold), source, called))
                continue
            frames.append(from_run(run, metric, gold))
            for kind, amounts in costs_of(run).items():
                costs.setdefault(kind, {}).update(amounts)
        elif path.is_dir() or is_inspect_log(path):
            read = inspect_scores if is_inspect_log(path) or any(path.glob("*.eval")) else lm_eval_scores
            frames.append(_called(read(path, number, series, metric), source, called))
            logs[series] = number + 1
        else:
            frames.append(_long(melted(read_table(path), columns or {}, path), columns or {}, path))
    return pd.concat(frames, ignore_index=True), costs


def sources_settings(sources: Sequence[str | Path | Source]) -> dict[str, Any]:
    """Return what the suites of runs among the sources say of their rounds; see `settings_of`.

    Raises:
        HarnessError: Two runs want different things.
    """
    found: dict[str, Any] = {}
    for source in _each(map(_source, sources)):
        if not is_run(source.path):
            continue
        from harness.run import Run

        for name, value in settings_of(Run(source.path)).items():
            if value in (None, []):
                continue
            if found.setdefault(name, value) != value:
                raise HarnessError(
                    f"{source.path}: its suite says {name} {value}, another run's {found[name]}; say which holds "
                    f"(--{name.replace('_', '-')})"
                )
    return found


def is_fed(sources: Sequence[str | Path | Source]) -> bool:
    """Return whether any scores may be of a series trained with feedback: tables, and runs that trained some.

    Checkpoints that were only evaluated, by lm-eval, Inspect or a run, are training alone.
    """
    fed = []
    for source in _each(map(_source, sources)):
        if is_run(source.path):
            from harness.run import Run

            fed.append(Run(source.path).suite.rounds is not None)
        else:
            fed.append(not source.path.is_dir() and not is_inspect_log(source.path))
    return any(fed)


def read_map(path: str | Path) -> list[Source]:
    """Return the sources that a YAML file maps to rounds: `SERIES: {ROUND: PATH}`, paths beside the file.

    Raises:
        HarnessError: It cannot be read as YAML (see `read_document`), or is no such mapping.
    """
    path = Path(path)
    content = read_document(path).content
    example = "write each series with its rounds, e.g. `dpo: {0: base, 1: checkpoint-1}`"
    if not isinstance(content, dict) or not content:
        raise HarnessError(f"{path}: maps nothing; {example}")
    found = []
    for series, places in content.items():
        if not isinstance(places, dict) or not places:
            raise HarnessError(f"{path}: the series {series!r} has no rounds; {example}")
        for number, place in places.items():
            if type(number) is not int or number < 0 or not isinstance(place, str):
                raise HarnessError(f"{path}: {series!r}: {number!r}: {place!r} is no round and path; {example}")
            found.append(Source(path.parent / place, number, str(series)))
    return found


def _source(given: str | Path | Source) -> Source:
    if isinstance(given, Source):
        return given
    named = CHECKPOINT.match(str(given))
    return Source(Path(named["path"]), int(named["round"]), named["series"]) if named else Source(Path(given))


def _each(sources: Iterable[Source]) -> Iterator[Source]:
    """Yield the sources, of a folder of checkpoints each as its round; several checkpoints by their own names."""
    sources = list(sources)
    listed = [one.path for one in sources if one.round is None and one.path.is_dir() and not is_run(one.path)]
    if len(listed) == len(sources) and not any(map(checkpoints_in, listed)):
        labels = names_in_order(listed)
        yield from (replace(source, label=label) for source, label in zip(sources, labels, strict=True))
        return
    for source in sources:
        found = checkpoints_in(source.path) if source.round is None and source.path.is_dir() else {}
        yield from [Source(path, place, source.series, path.name) for path, place in found.items()] or [source]


def _called(frame: pd.DataFrame, source: Source, called: bool) -> pd.DataFrame:
    """Return a round's scores under the round's name, where all rounds have one that says their order.

    A name that is a number alone is that number.
    """
    if not called or source.label is None:
        return frame
    return frame.assign(round=int(source.label) if source.label.isdecimal() else source.label)


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


def _long(table: pd.DataFrame, columns: Mapping[str, str], path: Path) -> pd.DataFrame:
    for ours, theirs in columns.items():
        if theirs not in table.columns and (theirs != ours or ours in ("item", "round", "score")):
            raise HarnessError(
                f"{path}: there is no column {theirs!r} (--{ours}).{did_you_mean(theirs, map(str, table.columns))}"
            )
    return table.rename(columns={theirs: ours for ours, theirs in columns.items() if theirs != ours})
