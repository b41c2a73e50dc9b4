"""The example package is installed as a user installs it, and what it brings is found and used."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import harness

ROOT = Path(harness.__file__).parents[1]
NIGHT = {
    "night": {
        "votes": [
            {"riddle": riddle, "by": who, "stars": stars}
            for who, given in {"Ada": ("three", "one", "two"), "Bo": ("three", "none", "two")}.items()
            for riddle, stars in zip(("hands", "neck", "wet"), given, strict=True)
        ]
    }
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages with the example in it."""
    folder = tmp_path_factory.mktemp("plugin")
    shutil.copytree(ROOT / "docs" / "example_plugin", folder / "source")
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(folder / "site"))
    pip = [sys.executable, "-m", "pip", "install", *options, str(folder / "source")]
    subprocess.run(pip, check=True)
    return folder / "site"


def command(*words: str, site: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(site)}
    line = [sys.executable, "-m", "harness", *words]
    return subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_its_suite_runs_by_its_name(installed, tmp_path):
    listed = json.loads(command("ls", "--json", site=installed, folder=tmp_path).stdout)
    assert "riddles" in listed["tasks"]
    assert "names_it" in listed["raters"]
    done = command("run", "riddles", "--stages", "answer,rate", site=installed, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert harness.load(tmp_path / "runs" / "riddles").ratings["rater"].tolist() == ["names_it"] * 4


@pytest.mark.slow
def test_its_format_is_recognised(installed, tmp_path):
    (tmp_path / "night.json").write_text(json.dumps(NIGHT))
    found = command("agree", "night.json", "--level", "interval", "--json", site=installed, folder=tmp_path)
    assert found.returncode == 0, found.stderr
    (table,) = json.loads(found.stdout)["tables"]
    assert (table["criterion"], table["raters"]) == ("elegance", ["Ada", "Bo"])
    # 3 3, 1 0, 2 2: one step apart on one of three items, 1/3; 6.8333 squares about the mean, 2 x 6.8333 / 5 by chance
    assert table["alpha"]["value"] == pytest.approx(1 - (1 / 3) / (2 * (27 - 121 / 6) / 5))


@pytest.mark.slow
def test_it_replaces_nothing_that_comes_with_the_harness(installed, tmp_path):
    site = tmp_path / "site"
    shutil.copytree(installed, site)
    raters = site / "harness_riddles" / "catalog" / "raters"
    shutil.copytree(raters / "names_it", raters / "answer_key")
    refused = command("ls", "raters", site=site, folder=tmp_path)
    assert refused.returncode == 2
    assert "feedback-harness-riddles" in refused.stderr
    assert "answer_key" in refused.stderr
