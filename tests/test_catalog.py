"""Catalogues: ours are written as a user would write theirs, a user's folder is found, and comes first."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.rating.rate import read_spec
from harness.rating.rater import Surroundings, make_rater
from harness.suite.file import read_suite

RATER = """\
kind: verifier
use: verifier.answer_key
criteria: [correct]
scale: binary
"""


def add_rater(folder: Path, name: str, text: str = RATER) -> None:
    (folder / "raters" / name).mkdir(parents=True)
    (folder / "raters" / name / "rater.yaml").write_text(text)


def test_a_folder_added_by_include_is_found_and_its_rater_made(tmp_path):
    add_rater(tmp_path, "mine")
    spec = read_spec("mine", Catalog([tmp_path]))
    assert (spec.name, spec.folder) == ("mine", tmp_path / "raters" / "mine")
    assert make_rater(spec, Surroundings()).spec is spec


def test_the_variable_adds_folders_too(tmp_path, monkeypatch):
    add_rater(tmp_path, "mine")
    monkeypatch.setenv("HARNESS_PATH", str(tmp_path))
    assert "mine" in Catalog().entries("raters")


def test_a_users_entry_comes_before_the_built_in_one(tmp_path):
    add_rater(tmp_path, "answer_key")
    assert Catalog([tmp_path]).find("raters", "answer_key") == tmp_path / "raters" / "answer_key"
    assert Catalog().find("raters", "answer_key") != tmp_path / "raters" / "answer_key"


def test_wrong_names_are_answered_with_the_nearest(tmp_path):
    with pytest.raises(HarnessError, match=r"no 'anser_key' in raters/. Did you mean 'answer_key'\?"):
        Catalog().find("raters", "anser_key")
    with pytest.raises(HarnessError, match="is no folder"):
        Catalog([tmp_path / "absent"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RATER.replace("kind: verifier", "kind: oracle"), r"rater.yaml:1: kind: .*found 'oracle'"),
        (RATER.replace("scale:", "scales:"), r"rater.yaml:4: unknown key 'scales'. Did you mean 'scale'\?"),
        (RATER.replace("answer_key", "anser"), r"use: no kind .verifier.anser.. Did you mean .verifier.answer_key."),
        (
            RATER.replace("verifier.answer_key", "harness.rating.rater:anser"),
            r"rater:anser. names no",
        ),
        (RATER + "settings: {normalise: true}\n", r"settings: normalise"),
    ],
)
def test_a_rater_yaml_that_is_wrong_is_refused_where_it_is_wrong(tmp_path, text, message):
    add_rater(tmp_path, "mine", text)
    with pytest.raises(HarnessError, match=message):
        make_rater(read_spec("mine", Catalog([tmp_path])), Surroundings())


def test_every_built_in_rater_and_suite_is_right():
    catalog = Catalog()
    raters = catalog.entries("raters")
    assert raters
    for name in raters:
        spec = read_spec(name, catalog)
        card = raters[name] / "README.md"
        assert spec.description, f"{name} says nothing of itself"
        assert spec.kind == "human" or card.is_file()
        assert spec.kind != "judge" or "hecked" in card.read_text(), f"the card of {name} does not say how well it does"
    tasks = catalog.entries("tasks")
    for path in catalog.entries("suites").values():
        suite = read_suite(path)
        assert suite.description
        assert {use.rater for task in suite.tasks for use in task.raters} <= set(raters)
        if suite.name == "quickstart":
            assert {task.task for task in suite.tasks} <= set(tasks)
