"""`harness ls`, `validate`, `schema`, `init`, `plan`, `import`, `--version`: as a user calls them."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import harness
from harness.cli import app
from harness.errors import HarnessError
from harness.suite.file import read_suite


def call(*arguments: str) -> str:
    """What the command prints; what a user is told of an error is raised."""
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_version_is_said():
    assert call("--version") == f"feedback-harness {harness.__version__}\n"


def test_ls_lists_every_entry_with_whole_words(monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    text = call("ls", "raters")
    assert "exact_match " in text
    assert "after a stated normalisation." in text
    found = json.loads(call("ls", "--json"))
    assert set(found) == {"tasks", "raters", "reports", "suites"}
    assert found["tasks"]["humaneval"]["description"].startswith("HumanEval (M. Chen et al., 2021")
    for name in ("quickstart", "commonsense", "coding", "summarization", "all-three", "checkpoints"):
        assert found["suites"][name]["description"].endswith(".")
    with pytest.raises(HarnessError, match=r"no catalogue 'rater'. Did you mean 'raters'\?"):
        call("ls", "rater")


@pytest.mark.parametrize("name", ["quickstart", "commonsense", "coding", "summarization", "all-three", "checkpoints"])
def test_every_suite_that_is_shipped_is_right(name):
    found = json.loads(call("validate", name, "--json"))
    assert (found["suite"], found["valid"]) == (name, True)
    assert found["tasks"]
    assert found["raters"]


def test_init_writes_a_suite_that_is_right_and_its_schema(tmp_path):
    path = tmp_path / "new.yaml"
    assert f"next: harness run {path}" in call("init", str(path))
    assert "is right" in call("validate", str(path))
    schema = json.loads((tmp_path / "suite.schema.json").read_text())
    assert schema == json.loads(call("schema"))
    assert f"$schema={tmp_path.joinpath('suite.schema.json').name}" in path.read_text()
    assert read_suite(path).name == "new"
    with pytest.raises(HarnessError, match="is there already"):
        call("init", str(path))
    with pytest.raises(HarnessError, match=r"ends in \.yaml"):
        call("init", str(tmp_path / "new.txt"))


def test_the_schema_of_a_rater_has_what_stands_in_the_file_alone():
    properties = json.loads(call("schema", "rater"))["properties"]
    assert {"kind", "use", "settings"} <= set(properties)
    assert not {"name", "folder"} & set(properties)


def test_one_thing_is_planned_at_a_time():
    found = json.loads(call("plan", "--rounds", "6", "--items", "3000", "--json"))
    assert found["detect"] < found["certify"] < 3000
    for wrong in ([], ["quickstart", "--rounds", "6"]):
        with pytest.raises(HarnessError, match="a SUITE, --human RUN, or --rounds N"):
            call("plan", *wrong)


def test_import_says_what_it_needs(tmp_path):
    with pytest.raises(HarnessError, match="--into RUN"):
        call("import", "lm-eval", str(tmp_path))
    with pytest.raises(HarnessError, match=r"--family: no family 'maths'. Did you mean 'mathematics'\?"):
        call("import", "lm-eval", str(tmp_path), "--into", str(tmp_path / "run"), "--family", "maths")
    with pytest.raises(HarnessError, match="one file at a time"):
        call("import", "csv", "a.csv", "b.csv", "--into", str(tmp_path / "run"))
