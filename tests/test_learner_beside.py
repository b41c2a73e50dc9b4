"""A learner in an included folder is found without PYTHONPATH, and `validate` says what is wrong with it."""

import pytest
from typer.testing import CliRunner

from harness.catalog import Catalog
from harness.cli import app
from harness.errors import HarnessError
from harness.learning import check_learner, make_learner

LEARNER = """
class Mine:
    name = version = "mine"
    held_out = practice = start = answer = sample = train = right = save = load = None

    def __init__(self, settings, seed):
        self.settings, self.seed = settings, seed


def make(settings, seed):
    return Mine(settings, seed)
"""
SUITE = "name: s\nrounds: {{learner: '{}', feedback: {{control: null}}}}\n"


@pytest.mark.parametrize(("file", "name"), [("mine.py", "mine:make"), ("learners/own.py", "learners.own:make")])
def test_its_module_lies_in_the_included_folder(file, name, tmp_path):
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(LEARNER)
    made = make_learner(name, {"a": 1}, 7, catalog=Catalog([tmp_path]))
    assert (made.settings, made.seed) == ({"a": 1}, 7)
    with pytest.raises(HarnessError, match="names no function"):
        check_learner(name, Catalog())


@pytest.mark.parametrize(
    ("text", "code", "said"), [(LEARNER, 0, "is right"), ("import nowhere", 2, "nowhere"), ("x = 1", 2, "make")]
)
def test_validate_imports_it(text, code, said, tmp_path):
    (tmp_path / "mine.py").write_text(text)
    (tmp_path / "s.yaml").write_text(SUITE.format("mine:make"))
    found = CliRunner().invoke(app, ["validate", str(tmp_path / "s.yaml"), "--include", str(tmp_path)])
    shown = found.output + str(found.exception or "")
    assert said in shown
    assert (found.exit_code == 0) == (code == 0)
