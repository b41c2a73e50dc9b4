"""Folders of packages for the sandbox: made by one command, found by name."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.catalog import Catalog
from harness.cli import app
from harness.errors import HarnessError
from harness.rating import Surroundings, find_rater, make_packages, packages_folder

pytestmark = pytest.mark.sandbox


@pytest.fixture
def wheels(tmp_path, monkeypatch) -> Path:
    """Wheels on this disk, which pip takes instead of an index's."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name, text in (("two_digits", "TEN = 10\n"), ("broken", "import nowhere\n")):
        with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}.py", text)
            info = f"{name}-1.0.dist-info"
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\n")
            wheel.writestr(
                f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            )
            wheel.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    return folder


def harness(*words: str) -> str:
    found = CliRunner().invoke(app, list(words))
    return found.output + str(found.exception or "")


def test_one_command_makes_it_and_its_name_finds_it(wheels, tmp_path):
    problem = {"task_id": "a", "prompt": "def ten():\n", "entry_point": "ten", "test": "assert ten() == 10"}
    source = "import two_digits\ndef ten():\n    return two_digits.TEN\n"
    (tmp_path / "p.jsonl").write_text(json.dumps(problem))
    (tmp_path / "c.jsonl").write_text(json.dumps({"task_id": "a", "solution": source}))
    files = ["--problems", f"{tmp_path}/p.jsonl", "--completions", f"{tmp_path}/c.jsonl", "--out", f"{tmp_path}/out"]
    verify = ["verify", *files, "--packages", "two-digits", "--json"]
    assert "none was made; `harness packages two-digits` does" in harness(*verify)
    assert "--packages two-digits" in harness("packages", "two-digits")
    assert '"passed": 1' in harness(*verify)
    assert packages_folder("two-digits").parent.parent == tmp_path / "cache" / "packages"


@pytest.mark.slow
def test_a_rater_names_it(wheels, tmp_path):
    folder = tmp_path / "raters" / "tested"
    folder.mkdir(parents=True)
    text = "kind: verifier\nuse: verifier.unit_tests\ncriteria: [correctness]\nscale: binary\n"
    (folder / "rater.yaml").write_text(f"{text}settings: {{packages: two-digits}}\n")
    with pytest.raises(HarnessError, match="`harness packages two-digits` does"):
        find_rater("tested", Catalog([tmp_path]), Surroundings())
    assert make_packages(["two-digits"], folder / "two-digits") == folder / "two-digits"
    assert find_rater("tested", Catalog([tmp_path]), Surroundings()).spec.name == "tested"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("broken", "cannot be imported in the sandbox: .*nowhere", marks=pytest.mark.slow),
        pytest.param("absent", "cannot be installed: .*absent", marks=pytest.mark.slow),
        ("--index-url=x", "is no requirement"),
        ("../x", "is no requirement"),
    ],
)
def test_what_cannot_be_had_leaves_no_folder(name, said, wheels, tmp_path):
    with pytest.raises(HarnessError, match=said):
        make_packages([name])
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    with pytest.raises(HarnessError, match="is no folder"):
        packages_folder(name)


@pytest.mark.slow
def test_a_folder_of_something_else_stays(wheels, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    with pytest.raises(HarnessError, match="holds no packages"):
        make_packages(["two-digits"], tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years"


@pytest.mark.slow
def test_numpy_from_the_index(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    try:
        make_packages(["numpy"])
    except HarnessError as error:
        pytest.skip(f"no index: {error}")
    assert (packages_folder("numpy") / "numpy").is_dir()
