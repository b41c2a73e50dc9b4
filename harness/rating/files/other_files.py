"""What a file or folder is that holds no table of ratings: a run, evaluations, a suite, programs; and its commands."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from shlex import quote

from harness.answering import is_inspect_log, number_of
from harness.errors import HarnessError
from harness.run import is_run
from harness.suite import read_document

Known = tuple[str, dict[str, str]]
"""What it is, in a sentence, and the commands that fit it, each with what it gives."""

EVALUATED = ("samples_*.jsonl", "samples_*.json", "*.eval")
"""Files of lm-eval and of Inspect that hold every answer."""
PROBLEMS = {"test", "test_list", "base_input", "visible_tests", "hidden_tests", "input_output", "pytest"}
"""Columns of problems that programs are written for."""
PROGRAMS = {"code", "completion"}
RATED = {"rater", "value", "score", "rating", "label", "winner"}
"""Columns by which programs would be a table of ratings."""


def other_file(path: Path) -> Known | None:
    """Return what a path is beside a table, None where it may be one.

    Raises:
        HarnessError: It is a folder of which nothing is known, or YAML that cannot be read.
    """
    name = quote(str(path))
    if path.is_dir():
        return _folder(path, name)
    if path.suffix in (".yaml", ".yml"):
        return _yaml(path, name)
    if is_inspect_log(path) or (path.name.startswith("samples_") and path.suffix in (".jsonl", ".json")):
        return _evaluation(path)
    if re.fullmatch(r"results_.*\.json", path.name):
        what = "lm-eval's means of each task; its answers, samples_*.jsonl beside it, are what --log_samples writes"
        return what, {
            f"harness rounds {quote(str(path.parent))}": "with the answers: a verdict, or the ratings of a run"
        }
    return None


def programs(columns: Collection[str], name: str) -> Known | None:
    """Return what a table is whose columns are those of problems or of programs, None where they are not."""
    columns = set(columns)
    if columns & RATED or not columns & {"task_id", "name"}:
        return None
    if columns & PROBLEMS:
        command = f"harness verify --problems {name} --completions COMPLETIONS.jsonl"
        return "problems with their tests", {command: "which of a model's programs pass, in a sandbox"}
    if "task_id" in columns and columns & PROGRAMS:
        command = f"harness verify --problems PROBLEMS.jsonl --completions {name}"
        return "programs that a model wrote", {command: "which of them pass the problems' tests, in a sandbox"}
    return None


def _folder(path: Path, name: str) -> Known:
    if is_run(path):
        return "a run", {
            f"harness report {name}": "its page",
            f"harness agree {name}": "how far its raters agree",
            **({f"harness rounds {name}": "does training still help?"} if (path / "rounds").is_dir() else {}),
            f"harness check {name}": "whether every file is what was written",
        }
    for mark, kind, catalogue in (("rater.yaml", "a rater", "raters"), ("task.yaml", "a task", "tasks")):
        if (path / mark).is_file():
            return kind, _included(path.resolve().parent.parent, catalogue)
    below = sorted(one for one in path.iterdir() if one.is_dir())
    evaluated = [one for one in below if _evaluated(one)]
    if len(evaluated) > 1:
        named = _kind_of(path) == "lm-eval" and all(number_of(one.name) is not None for one in evaluated)
        taken = name if named else " ".join(quote(str(one)) for one in evaluated)
        return f"evaluations in {len(evaluated)} folders", {
            f"harness rounds {name}": "does training still help? the folders are the rounds, where their names say so",
            f"harness import {_kind_of(path)} {taken} --series NAME --into runs/mine": "a run of them, for all else",
        }
    if _evaluated(path):
        return _evaluation(path)
    if any(is_run(one) for one in below):
        return "a folder of runs", {f"harness publish {name} --out site": "a static site of them all"}
    own = [
        catalogue for catalogue in ("tasks", "raters", "learners", "reports", "suites") if (path / catalogue).is_dir()
    ]
    if own:
        return f"a catalogue of your own, with {', '.join(own)}", _included(path, own[0])
    raise HarnessError(
        f"{path}: is a folder of which nothing is known: no run, no evaluations by lm-eval or Inspect, no runs in it, "
        "no tasks, raters, reports or suites"
    )


def _included(root: Path, catalogue: str) -> dict[str, str]:
    where = quote(str(root))
    return {
        f"harness ls {catalogue} --include {where}": "what is found there",
        f"harness run SUITE --include {where}": "a suite that names it",
    }


def _evaluated(folder: Path) -> bool:
    return any(any(folder.rglob(pattern)) for pattern in EVALUATED)


def _kind_of(path: Path) -> str:
    return "inspect" if is_inspect_log(path) or (path.is_dir() and any(path.rglob("*.eval"))) else "lm-eval"


def _evaluation(path: Path) -> Known:
    """Return what an evaluation is; of a file of lm-eval's samples the folder is what commands take."""
    kind = _kind_of(path)
    taken = quote(str(path if path.is_dir() or kind == "inspect" else path.parent))
    return f"an evaluation by {'Inspect' if kind == 'inspect' else 'lm-eval'}, with every answer", {
        f"harness import {kind} {taken} --into runs/mine": "a run, for more raters, people and a page",
        f"harness rounds 0={taken} 1=ANOTHER": "with that of a later checkpoint: does training still help?",
    }


def _yaml(path: Path, name: str) -> Known:
    """Return what a YAML file is by its keys.

    Raises:
        HarnessError: By none of them.
    """
    content = read_document(path).content
    keys = set(content) if isinstance(content, dict) else set()
    if {"kind", "use", "criteria"} <= keys:
        return "a rater's declaration", _included(path.resolve().parent.parent.parent, "raters")
    if keys & {"dataset_path", "output_type", "doc_to_text"}:
        return "a task of lm-eval", _included(path.resolve().parent.parent.parent, "tasks")
    if "fields" in keys and keys & {"reads", "records", "rows"}:
        return "a format of ratings", {f"harness import FILE --mapping {name} --dry-run": "the ratings of a file in it"}
    if keys & {"models", "tasks", "rounds", "ratings", "include"}:
        return "a suite", {
            f"harness validate {name}": "is it right, and is everything there that it names?",
            f"harness plan {name}": "what it would do and cost, before anything is asked",
            f"harness run {name}": "does it; the same command again goes on",
        }
    raise HarnessError(f"{path}: is YAML, but no suite, no rater, no task of lm-eval and no format of ratings")
