"""The documentation's site is built strictly, with every link and anchor checked, and asks the network for nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import harness

ROOT = Path(harness.__file__).parents[1]
FETCHED = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)=\"?(?:https?:)?//[^\"\s>]+")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder


@pytest.mark.slow
def test_nothing_is_fetched_from_elsewhere(site):
    for page in site.rglob("*.html"):
        assert not FETCHED.findall(page.read_text(encoding="utf-8")), page
    for style in site.rglob("*.css"):
        assert not re.findall(r"(?:url\(|@import )[\"']?(?:https?:)?//", style.read_text(encoding="utf-8")), style


@pytest.mark.slow
def test_the_reference_is_made_from_the_code(site):
    commands = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    from harness.cli.examples import EXAMPLES

    assert all(f'id="harness-{name}"' in commands for name in EXAMPLES if name != "harness")
    assert "--fail-if" in commands
    python = (site / "reference" / "python.html").read_text(encoding="utf-8")
    assert [name for name in harness.__all__ if not re.search(rf'id="[\w.]*\.?{name}"', python)] == []
    suite = (site / "reference" / "suite.html").read_text(encoding="utf-8")
    assert "What is answered, and who rates it." in suite
    rater = (site / "reference" / "rater.html").read_text(encoding="utf-8")
    assert "least_mass" in rater


@pytest.mark.slow
def test_a_page_s_link_to_the_repository_leads_to_the_file(site):
    assert (site / "repository" / "suites" / "checkpoints.yaml").read_bytes() == (
        ROOT / "suites" / "checkpoints.yaml"
    ).read_bytes()
