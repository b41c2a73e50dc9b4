"""`harness doctor FILE` says what anything that people have in hand is, with commands that are understood."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
import typer

from harness.catalog import builtin
from harness.cli import app
from harness.errors import HarnessError
from harness.rating import look_at
from harness.stages import make_demo

SAMPLE = {"doc_id": 0, "doc": {}, "target": "1", "arguments": [["q", "a"]], "resps": [["x"]], "acc": 1.0}


def evaluation(folder: Path) -> Path:
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "samples_piqa_2026-01-01T00-00-00.1.jsonl").write_text(json.dumps(SAMPLE) + "\n")
    (folder / "model" / "results_2026-01-01T00-00-00.1.json").write_text("{}")
    return folder


def lines(path: Path, **record: object) -> Path:
    path.write_text(json.dumps(record) + "\n" + json.dumps(record | {"task_id": "b"}) + "\n")
    return path


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("things")
    evaluation(root / "evals" / "step-0")
    evaluation(root / "evals" / "step-100")
    make_demo(root / "runs" / "demo")
    (root / "mine" / "raters").mkdir(parents=True)
    (root / "means.csv").write_text("round,score,n_items\n0,50,100\n1,60,100\n")
    (root / "scores.csv").write_text("item,round,score\na,0,1\na,1,0\n")
    return {
        "run": root / "runs" / "demo",
        "runs": root / "runs",
        "checkpoints": root / "evals",
        "evaluation": root / "evals" / "step-0",
        "samples": next(root.rglob("samples_*.jsonl")),
        "results": next(root.rglob("results_*.json")),
        "suite": builtin() / "suites" / "quickstart.yaml",
        "rater": builtin() / "raters" / "rouge" / "rater.yaml",
        "rater's folder": builtin() / "raters" / "rouge",
        "task": builtin() / "tasks" / "products" / "task.yaml",
        "format": builtin() / "raters" / "human" / "presets" / "arena.yaml",
        "catalogue": root / "mine",
        "problems": lines(root / "p.jsonl", task_id="a", prompt="def f():", test="assert f()", entry_point="f"),
        "programs": lines(root / "c.jsonl", task_id="a", completion="    return 1", model="m"),
        "means": root / "means.csv",
        "scores": root / "scores.csv",
    }


WANTED = {
    "run": ("a run", "harness report"),
    "runs": ("a folder of runs", "harness publish"),
    "checkpoints": ("evaluations in 2 folders", "harness rounds"),
    "evaluation": ("an evaluation by lm-eval", "harness import lm-eval"),
    "samples": ("an evaluation by lm-eval", "harness import lm-eval"),
    "results": ("means of each task", "harness rounds"),
    "suite": ("a suite", "harness validate"),
    "rater": ("a rater's declaration", "harness ls raters --include"),
    "rater's folder": ("a rater", "harness ls raters --include"),
    "task": ("a task of lm-eval", "harness ls tasks --include"),
    "format": ("a format of ratings", "harness import FILE --mapping"),
    "catalogue": ("a catalogue of your own", "harness ls raters --include"),
    "problems": ("problems with their tests: 2", "harness verify --problems"),
    "programs": ("programs that a model wrote: 2", "harness verify --problems PROBLEMS.jsonl --completions"),
    "means": ("scores of rounds", "harness rounds"),
    "scores": ("scores of rounds", "harness rounds"),
}


@pytest.mark.parametrize("thing", WANTED)
def test_it_is_known_and_its_commands_are_understood(thing, things):
    found = look_at(things[thing])
    what, command = WANTED[thing]
    assert what in found.what
    assert next(iter(found.commands)).startswith(command)
    for line in found.commands:
        words = shlex.split(line)
        typer.main.get_command(app).commands[words[1]].make_context(words[1], words[2:])


def test_checkpoints_are_imported_by_their_folder_since_a_list_has_an_order_of_its_own(things):
    assert any(line.endswith(f"{things['checkpoints']} --series NAME --into runs/mine")
               for line in look_at(things["checkpoints"]).commands)  # fmt: skip


def test_means_are_told_from_scores(things):
    assert [line.endswith("--summary") for name in ("means", "scores") for line in look_at(things[name]).commands] == [
        True,
        False,
    ]


def test_what_is_not_known_is_told(tmp_path):
    with pytest.raises(HarnessError, match="nothing is known: no run, no evaluations"):
        look_at(tmp_path)
    (tmp_path / "x.yaml").write_text("colour: red\n")
    with pytest.raises(HarnessError, match="is YAML, but no suite"):
        look_at(tmp_path / "x.yaml")
