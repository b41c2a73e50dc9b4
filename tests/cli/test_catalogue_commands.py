"""`harness ls`, `validate`, `schema`, `init`, `plan`, `import`, `--version`: as a user calls them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

import harness
from harness.catalog import Catalog
from harness.cli import app
from harness.cli.examples import EXAMPLES
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
    # To show that the last of six rounds itself helped by the SESOI takes more items than to certify a standstill.
    assert found["certify"] < 3000 < found["detect"]
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


def commands() -> dict[str, typer.core.TyperCommand]:
    return typer.main.get_command(app).commands


def test_every_command_has_an_example_that_it_understands():
    assert set(EXAMPLES) == {*commands(), "harness"}
    for name, lines in EXAMPLES.items():
        for line in lines if name != "harness" else ():
            words = shlex.split(line.split(" > ")[0])
            assert words[:2] == ["harness", name]
            commands()[name].make_context(name, words[2:], resilient_parsing=False)  # an unknown option is an error


def test_help_shows_examples_and_variables_in_sections_of_their_own(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    for name in commands():
        text = call(name, "--help")
        assert EXAMPLES[name][0] in text
        assert "env var" not in text
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("run", "verify", "agree"):  # what is longer than its column goes on in the next line
        assert "…" not in call(name, "--help")
    assert "HARNESS_RUN_MAX_COST" in CliRunner().invoke(app, ["run", "--help"], auto_envvar_prefix="HARNESS").stdout


@pytest.mark.parametrize(
    "variable", ["VERSION", "HELP", "INSTALL_COMPLETION", "SHOW_COMPLETION", "LS_HELP", "RUN_HELP"]
)
def test_no_variable_ends_the_program_before_it_has_done_anything(variable):
    environment = {**os.environ, f"HARNESS_{variable}": "1", "HOME": "/nonexistent"}
    command = [sys.executable, "-m", "harness", "ls", "nothing"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no catalogue 'nothing'" in done.stderr
    assert done.stdout == ""


def test_the_bare_command_names_three_ways_to_begin():
    text = call()
    assert [line.split()[1] for line in text.splitlines() if line.startswith("  harness ")] == [
        "demo",
        "agree",
        "rounds",
    ]


def test_a_name_that_nobody_knows_lists_five_at_most(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text("name: x\nmodels: [{name: m, model: embedded}]\ntasks: [{task: qqqqqqq}]\n")
    with pytest.raises(HarnessError, match=r"no task 'qqqqqqq'.* more\..*--include DIR") as told:
        call("validate", str(path))
    assert len(str(told.value)) < 500


def test_a_run_is_not_made_under_the_name_of_a_page(tmp_path):
    page = tmp_path / "demo.html"
    with pytest.raises(HarnessError, match=r"demo.html: is the name of a page.*`harness report RUN --out .*demo.html`"):
        call("demo", "--out", str(page))
    assert not page.exists()


def test_a_suite_that_is_not_there_names_the_command_that_writes_one(tmp_path):
    with pytest.raises(HarnessError, match=r"mine.yaml: there is no such file; `harness init .*mine.yaml`"):
        call("plan", str(tmp_path / "mine.yaml"))


def test_the_demonstration_is_real_small_and_says_a_plain_verdict(tmp_path):
    folder = tmp_path / "demo"
    text = call("demo", "--out", str(folder))
    assert text.split("\n", 2)[1] == "Do not rely on smollm2_135m."  # the page's own decision, before all else
    assert "smollm2_135m cannot be trusted" in " ".join(text.split())
    assert f"harness agree {folder} --stand-in" in text
    assert (folder / "report.html").stat().st_size > 100_000
    run = harness.load(folder)
    assert run.ratings.groupby("rater_kind").size().to_dict() == {"human": 160 * 3 * 4, "judge": 160 * 4}
    assert run.responses["text"].isna().all()  # scores and ids alone
    assert (Catalog().file("reports/demo/README.md").read_text()).count("MIT licence") == 1
    assert json.loads(call("agree", str(folder), "--json"))  # the run is a run like any other
    before = (folder / "report.html").read_bytes()
    call("demo", "--out", str(folder))
    assert (folder / "report.html").read_bytes() == before
