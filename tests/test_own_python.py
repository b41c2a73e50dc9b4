"""The folder of docs/how/own_python.md works as it is written there, and `validate` finds what is broken in it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

import harness as h
from harness.cli import app
from harness.reporting import run_notebook

PAGE = Path(h.__file__).parents[1] / "docs/how/own_python.md"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page's blocks to the files that their first lines name."""
    folder = tmp_path_factory.mktemp("own")
    text = PAGE.read_text(encoding="utf-8")
    for block in re.findall(r"```(?:yaml|python)\n# (mine/\S+)\n(.*?)```", text, re.DOTALL):
        path = folder / block[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block[1])
    data = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    (folder / "mine/tasks/doubles/data.jsonl").write_text("".join(data))
    return folder / "mine"


def validated(folder: Path) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["validate", "own", "--include", str(folder)])
    return found.exit_code, found.output + str(found.exception or "")


def test_it_is_right_and_runs(written, tmp_path):
    code, said = validated(written)
    assert code == 0, said
    run = h.run_suite("own", tmp_path / "run", include=[written])
    rated = run.ratings[run.ratings["task"] == "doubles"]
    assert rated.groupby("rater", observed=True)["value"].count().to_dict() == {"exact_match": 1, "short": 1}
    gold = run.ratings.merge(run.responses[["response_id", "series", "round"]], on="response_id")
    means = gold[gold["item_id"].str.endswith("even?")].groupby(["series", "round"])["value"].mean()
    assert means["verifier", 0] == 1  # says yes to all even numbers, before it learns `no` from the odd ones
    assert means["verifier", 2] == 0


@pytest.mark.slow
def test_its_notebook_finds_what_lies_beside_it(written, tmp_path):
    run = h.run_suite("own", tmp_path / "run", include=[written], stages=["answer", "rate"])
    made = run_notebook("who", run, include=[written])
    assert "who rates" in made.read_text()


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "raters/short/short.py",
            "import rating_of",
            "import rating_off",
            r"own.yaml:6.*rater.yaml:2.*short.py:3: Imp",
        ),
        ("raters/short/short.py", "class Short:", "class Short", r"rater.yaml:2: use: .*short.py:10: "),
        ("raters/short/short.py", "return Short(", "return Shorter(", r"rater.yaml:2: .*short.py:22: NameError"),
        ("raters/short/short.py", "return Short(", "print(", r"rater.yaml:2: .*'NoneType' without spec, version, rate"),
        ("raters/short/short.py", "    def rate(", "    def rat(", r"rater.yaml:2: .*without rate"),
        ("raters/short/rater.yaml", "most: 5", "least: 5", r"rater.yaml:2: use: make\(\) fails: .*short.py:22: "),
        ("raters/short/rater.yaml", "short:make", "shorts:make", r"rater.yaml:2: .*'shorts'; not in .*--include"),
        ("tasks/doubles/doubles.py", "def ask", "def asks", r"task.yaml:6: doc_to_text: .*has no function 'ask'"),
        ("tasks/doubles/doubles.py", "def double(", "def triple(", r"task.yaml:11: .*no attribute 'double'"),
        ("tasks/doubles/doubles.py", "import Problem", "import Puzzle", r"task.yaml:11: .*doubles.py:1: ImportError"),
        ("learners/memory.py", "import Training", "import Trained", r"own.yaml:9: .*memory.py:7: ImportError"),
        ("learners/memory.py", "    def train(", "    def trains(", r"own.yaml:9: .*without train; docs"),
        ("learners/memory.py", '{"prompts": 20} | settings', 'settings["x"]', r"own.yaml:9: .*memory.py:57: KeyError"),
        ("reports/who/notebook.py", "import tally\n", "import talley\n", r"notebook.py:5: ModuleNotFoundError"),
        ("reports/who/notebook.py", "tally.tally(", "tally.tally((", r"notebook.py:9: '\(' was never closed"),
        ("reports/who/notebook.py", 'tags=["parameters"]', "", r"notebook.py:1: no cell is tagged"),
        ("reports/who/tally.py", "import HEAD", "import TAIL", r"notebook.py: .*tally.py:1: ImportError"),
    ],
)
def test_what_is_broken_is_told_where(file, old, new, said, written, tmp_path):
    mine = tmp_path / "mine"
    shutil.copytree(written, mine, ignore=shutil.ignore_patterns("__pycache__"))
    text = (mine / file).read_text()
    assert old in text
    (mine / file).write_text(text.replace(old, new, 1))
    if not file.startswith("reports"):
        shutil.rmtree(mine / "reports")  # looked at in a process of its own
    code, told = validated(mine)
    assert code != 0
    assert re.search(said, told), told


def test_a_template_of_the_page_is_read(written, tmp_path):
    mine = tmp_path / "mine"
    shutil.copytree(written, mine)
    (mine / "reports/page").mkdir()
    (mine / "reports/page/methods.html").write_text("<p>\n{% if x %}")
    assert re.search(r"methods.html:2: Unexpected end of template", validated(mine)[1])


def test_a_module_reaches_another_one_beside_it_and_is_told_how(written, tmp_path):
    mine = tmp_path / "mine"
    shutil.copytree(written, mine)
    made = mine / "raters/short/short.py"
    (mine / "raters/short/other.py").write_text("LEAST = 1\n")
    text = made.read_text()
    made.write_text("import other\n" + text)
    assert re.search(r"short.py:1: .*other.py lies beside it: write `from . import other`", validated(mine)[1])
    made.write_text("from . import other\n" + text)
    assert validated(mine)[0] == 0


def test_a_changed_module_is_no_finished_run(written, tmp_path):
    mine = tmp_path / "mine"
    shutil.copytree(written, mine)
    stages = ["answer", "rate"]
    h.run_suite("own", tmp_path / "run", include=[mine], stages=stages)
    made = mine / "raters/short/short.py"
    made.write_text(made.read_text().replace("short 1", "short 2"))
    run = h.run_suite("own", tmp_path / "run", include=[mine], stages=stages)
    assert run.manifest["raters"]["short"]["version"] == "short 2 5"
