"""Every complaint about a YAML file names file, line, key, and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.suite import Suite
from harness.suite.differences import differences
from harness.suite.document import read_document
from harness.suite.file import read_suite

GOOD = """\
name: mine
models:
  - name: m
    model: embedded
tasks:
  - task: commonsense_basics
    raters: [answer_key]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "suite.yaml"
    path.write_text(text)
    return path


def complaint(path: Path) -> str:
    with pytest.raises(HarnessError) as caught:
        read_suite(path)
    return str(caught.value)


def test_a_rater_may_be_its_name_alone(tmp_path):
    suite = read_suite(write(tmp_path, GOOD))
    assert [use.rater for use in suite.tasks[0].raters] == ["answer_key"]


def test_an_unknown_key_is_named_with_its_line_and_the_nearest_known_one(tmp_path):
    text = complaint(write(tmp_path, GOOD.replace("    raters:", "    ratters:")))
    assert f"{tmp_path}/suite.yaml:7: unknown key 'tasks.0.ratters'" in text
    assert "Did you mean 'raters'?" in text


def test_a_wrong_value_is_shown(tmp_path):
    text = complaint(write(tmp_path, GOOD + "    samples: none\n"))
    assert "suite.yaml:8: tasks.0.samples" in text
    assert "found 'none'" in text


def test_a_missing_key_is_named(tmp_path):
    assert "the key 'models.0.model' is missing" in complaint(
        write(tmp_path, GOOD.replace("    model: embedded\n", ""))
    )


def test_broken_yaml_names_its_line(tmp_path):
    assert "suite.yaml:9: is not YAML" in complaint(write(tmp_path, GOOD + "  - {task: x\n"))


def test_no_tag_runs_code(tmp_path):
    assert "is not YAML" in complaint(write(tmp_path, "name: !!python/object/apply:os.getcwd []\n"))


def test_text_that_is_no_mapping_and_a_file_that_is_not_there(tmp_path):
    assert "expected keys and values, found list" in complaint(write(tmp_path, "- a\n"))
    with pytest.raises(HarnessError, match=r"absent.yaml: cannot be read \(No such file"):
        read_document(tmp_path / "absent.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\n", "there is nothing to do"),
        ("name: x\ntasks: [{task: a}]\n", "tasks but no models"),
        (GOOD + "  - task: commonsense_basics\n", "'commonsense_basics' is named twice"),
    ],
)
def test_a_suite_that_makes_no_sense(tmp_path, text, message):
    assert message in complaint(write(tmp_path, text))


def test_differences_name_the_key():
    old = Suite.model_validate({"name": "x", "models": [{"name": "m", "model": "embedded"}], "tasks": [{"task": "a"}]})
    new = old.model_copy(update={"seed": 3, "description": "other words"})
    assert differences(old, new) == ["seed: 0 there, 3 here"]
