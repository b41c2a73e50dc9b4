"""`harness new` writes folders that work as they are: their own tests pass, and a run uses them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import harness as h
from harness.cli import app
from harness.cli.new import KINDS

SUITE = """
name: s
models: [{name: guesses, model: dummy}]  # lm-eval's: it reads nothing
tasks:
  - {task: riddles, raters: [exact_match, concise, named]}
"""


def new(kind: str, name: str, folder: Path) -> str:
    found = CliRunner().invoke(app, ["new", kind, name, "--into", str(folder)])
    return found.output + str(found.exception or "")


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mine")
    made = {"task": "riddles", "rater": "concise", "verifier": "named", "learner": "evens", "report": "monday"}
    assert set(made) == set(KINDS)
    for kind, name in made.items():
        assert f"test_{name}.py" in new(kind, name, folder)
    return folder


@pytest.mark.slow
def test_their_own_tests_pass_as_written(mine):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(mine), "-W", "error"]
    ignored = ["--ignore", str(mine / "reports")]  # needs a kernel: below
    found = subprocess.run([*command, *ignored], cwd=mine, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout
    assert "12 passed" in found.stdout


def test_nothing_of_the_template_is_left_in_the_name_s_place(mine):
    texts = [path.read_text() for path in mine.rglob("*") if path.suffix in (".py", ".yaml", ".md", ".jsonl")]
    assert not [text for text in texts if any(f"my_{kind}" in text for kind in KINDS)]


def test_a_run_uses_them(mine, tmp_path):
    (tmp_path / "s.yaml").write_text(SUITE)
    run = h.run_suite(tmp_path / "s.yaml", tmp_path / "run", include=[mine])
    counts = run.ratings.groupby("rater", observed=True)["value"].count()
    assert counts.to_dict() == {"exact_match": 4, "concise": 4, "named": 4}


def test_its_suite_trains_the_learner(mine, tmp_path):
    run = h.run_suite("evens", tmp_path / "run", include=[mine])
    gold = run.ratings.merge(run.responses[["response_id", "series", "round"]], on="response_id")
    means = gold[gold["item_id"].str.len() <= 3].groupby(["series", "round"])["value"].mean()  # held out: 0 to 199
    assert means["verifier", 0] == means["none", 0] == 0.5  # it says yes to all
    assert means["verifier", 3] == 1
    assert means["none", 3] < 1


@pytest.mark.slow
def test_its_report_runs(mine):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(mine / "reports")]
    found = subprocess.run(command, cwd=mine, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("rater", "concise", "is there already"),
        ("rater", "not a name", "letters, figures"),
        ("rater", "class", "letters, figures"),
        ("ratter", "x", "Did you mean 'rater'"),
        ("task", "gsm8k", "in tasks/ already"),
        ("report", "page", "in reports/ already"),
    ],
)
def test_what_is_there_stays_and_a_wrong_name_is_told(kind, name, said, mine):
    before = {path: path.stat().st_mtime_ns for path in mine.rglob("*.*")}
    assert said in new(kind, name, mine)
    assert {path: path.stat().st_mtime_ns for path in mine.rglob("*.*")} == before
