"""Which files of an lm-eval output folder belong together: samples, their task, day and model, and the results beside.

Since 0.4.3 a file is called `samples_TASK_DATE.jsonl`, in a folder of its model. Before, it was called by the model's
arguments and the task, several models in one folder, with one `results.json` that the last of them wrote.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.errors import HarnessError

SAMPLES = re.compile(r"^samples_(?P<task>.+?)(?:_(?P<date>\d{4}-\d{2}-\d{2}T[\d.:-]+))?\.jsonl?$")
DATED = re.compile(r"(\d{4}-\d{2}-\d{2}T[\d.:-]+?)\.jsonl?$")


@dataclass(frozen=True)
class SamplesFile:
    """A file of samples.

    Attributes:
        path: Where it lies.
        task: Its task.
        model: How the file's name says the model's arguments, before 0.4.3.
    """

    path: Path
    task: str
    model: str | None = None

    @property
    def date(self) -> str:
        """The date in its name, in one way of writing; empty where it has none."""
        return _date_of(self.path)

    @cached_property
    def results(self) -> dict[str, Any]:
        """How the model was run: the results of its day, or the first after it that have the task.

        Where none are, the newest of the folder, if all are of one model; else empty.

        Raises:
            HarnessError: A file of results is no JSON.
        """
        known = {path: _json(path) for path in _results_in(self.path.parent)}
        same = [path for path in known if _date_of(path) == self.date]
        later = [path for path in known if _date_of(path) > self.date and self.task in _tasks_of(known[path])]
        alike = list(known) if len({_arguments_of(one) for one in known.values()}) == 1 else []
        chosen = [*same[-1:], *(later[:1] if self.date else []), *alike[-1:]]
        found = known[chosen[0]] if chosen else {}
        written = _arguments_of(found)
        if self.model is not None and self.model != re.sub("/|=", "__", written):
            return {"config": {"model_args": self.model.replace("__", "=", 1)}}  # of another model, which ran later
        return found

    @property
    def made(self) -> str:
        """When, as far as the files say; empty where they do not."""
        date = self.results.get("date")
        if self.date or not isinstance(date, int | float):
            return self.date
        try:
            return datetime.fromtimestamp(date).astimezone().strftime("%Y-%m-%dT%H-%M-%S.%f")
        except (ValueError, OverflowError, OSError):  # NaN, or a year that no clock knows
            return self.date


def samples_in(folder: Path) -> list[SamplesFile]:
    """Return the files of samples in a folder and below it, of each model and task in one folder the newest.

    Raises:
        HarnessError: There is none.
    """
    newest: dict[tuple[Path, str | None, str], SamplesFile] = {}
    for path in sorted([*folder.rglob("*.jsonl"), *folder.rglob("samples_*.json")]):
        if one := samples_file(path):
            key = (path.parent, one.model, one.task)
            newest[key] = max(newest.get(key, one), one, key=lambda file: (file.date, file.path))
    if not newest:
        raise HarnessError(
            f"{folder}: has no samples_*.jsonl of lm-eval; evaluate with `--log_samples --output_path {folder}`"
        )
    return list(newest.values())


def strangers_in(folder: Path) -> list[Path]:
    """Return files that lie beside a `results.json` of before 0.4.3 and may be samples, of a task that it lacks."""
    beside = [path for path in sorted(folder.rglob("*.jsonl")) if (path.parent / "results.json").is_file()]
    return [path for path in beside if samples_file(path) is None]


def newest_samples(folder: str | Path) -> dict[str, Path]:
    """Return the newest file of samples of each task in a folder, or below it: of one model.

    Raises:
        HarnessError: There is none, or a task was answered by several models.
    """
    tasks: dict[str, list[SamplesFile]] = defaultdict(list)
    for one in samples_in(Path(folder)):
        tasks[one.task].append(one)
    for task, files in tasks.items():
        models = sorted({one.model or one.path.parent.name for one in files})
        if len(models) > 1:
            named = ", ".join(models)
            raise HarnessError(f"{folder}: {task} was answered by several models ({named}); name the folder of one")
    return {task: max(tasks[task], key=lambda one: (one.date, one.path)).path for task in sorted(tasks)}


def samples_file(path: Path) -> SamplesFile | None:
    """Return what a file of samples is of; None where it is none."""
    named = SAMPLES.match(path.name)
    if named:
        return SamplesFile(path, named["task"])
    results = path.parent / "results.json"
    known = _tasks_of(_json(results)) if results.is_file() else ()
    task = max((task for task in known if path.stem == task or path.stem.endswith(f"_{task}")), key=len, default=None)
    return SamplesFile(path, task, path.stem[: -len(task)].removesuffix("_") or None) if task else None


def _results_in(folder: Path) -> list[Path]:
    return sorted([*folder.glob("results_*.json"), *folder.glob("results.json")], key=_date_of)


def _tasks_of(results: dict[str, Any]) -> Iterable[str]:
    parts = (results.get("results"), results.get("configs"))
    return {task: None for part in parts if isinstance(part, dict) for task in part}


def _arguments_of(results: dict[str, Any]) -> str:
    """Return a model's arguments as text, so that they can be compared."""
    config = results.get("config")
    written = config.get("model_args") if isinstance(config, dict) else None
    return written if isinstance(written, str) else json.dumps(written, sort_keys=True)


def _date_of(path: Path) -> str:
    found = DATED.search(path.name)
    return found[1].replace(":", "-") if found else ""


def _json(path: Path) -> dict[str, Any]:
    try:
        found = parsed(path, path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise HarnessError(f"{path}: is no UTF-8 text ({error})") from error
    if not isinstance(found, dict):
        raise HarnessError(f"{path}: is no JSON object")
    return found


def parsed(path: Path, text: str) -> Any:
    """Return the JSON value of a file's text.

    Raises:
        HarnessError: It is no JSON.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise HarnessError(f"{path}: is no JSON ({error})") from error
