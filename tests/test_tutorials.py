"""The tutorials, gone as they are written: every command in an empty folder, and what it prints.

A block with a title is a file; a block `sh` is run; the block `text` after it are lines that must come, in this order,
whatever their numbers (`...` for any words). `<!-- hands: NAME -->` is what people do there: here a script does it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import harness

TUTORIALS = Path(harness.__file__).parents[1] / "docs" / "tutorials"
STEP = re.compile(
    r'^```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$|<!-- hands: (?P<hands>\w+) -->',
    re.M | re.S,
)
DOUBTS = {"Bo": "1", "Cy": "0"}
"""What a simulated person presses where the answer is one that leaves doubt; the others, and Ada, say what is so."""


class Step(NamedTuple):
    kind: str
    text: str


def steps(page: str) -> Iterator[Step]:
    for match in STEP.finditer((TUTORIALS / f"{page}.md").read_text(encoding="utf-8")):
        if match["hands"]:
            yield Step("hands", match["hands"])
        elif match["title"]:
            yield Step(f"file {match['title']}", match["text"])
        else:
            yield Step(match["language"], match["text"])


def like(line: str) -> str:
    """Return a line without what differs between machines: numbers, pseudonyms, white space."""
    return " ".join(re.sub(r"[-+]?\d[\d,.]*", "#", re.sub(r"\bh_[0-9a-f]{8}\b", "h_#", line)).split())


def missing(wanted: str, printed: str) -> list[str]:
    """Return the wanted lines that do not come, in their order; `...` stands for any words."""
    lines = iter([like(line) for line in printed.splitlines()])
    patterns = [re.escape(like(line)).replace(r"\.\.\.", ".*") for line in wanted.splitlines() if line.strip()]
    return [pattern for pattern in patterns if not any(re.fullmatch(pattern, line) for line in lines)]


def rate(folder: Path, browser) -> None:
    """Rate as three people who were sent their pages: good answers are the longer ones."""
    team = (folder / "team.txt").read_text().split()
    pages = {page.read_text(encoding="utf-8"): page for page in (folder / "pages").iterdir()}
    for name in team:
        path = next(path for text, path in pages.items() if f'"{name}"' in text)
        page = browser.new_context(accept_downloads=True).new_page()
        page.goto(path.as_uri())
        page.click("#start")
        page.wait_for_selector("#task:not([hidden])")
        while page.is_visible("#task"):
            before, said = page.text_content("#count"), page.text_content("#sides") or ""
            honest = "0" if len(said) < 52 else "1"
            page.keyboard.press(DOUBTS.get(name, honest) if len(said) % 4 == 0 else honest)
            page.wait_for_function(
                "before => document.querySelector('#count').textContent !== before"
                " || document.querySelector('#task').hidden",
                arg=before,
            )
        with page.expect_download() as waiting:
            page.click("#end-close")
        waiting.value.save_as(folder / f"{name}.jsonl")


def go(page: str, folder: Path) -> list[tuple[str, str]]:
    """Go a tutorial; return each `sh` block with what it printed.

    Raises:
        AssertionError: A command failed, or did not print what the page says.
    """
    folder.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HARNESS_KEY_FILE": str(folder.parent / "key"),
        "COLUMNS": "120",
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }
    went: list[tuple[str, str]] = []
    for step in steps(page):
        if step.kind.startswith("file "):
            path = folder / step.kind.removeprefix("file ")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.text, encoding="utf-8")
        elif step.kind == "sh":
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", step.text], cwd=folder, env=environment, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            )  # fmt: skip
            assert done.returncode == 0, f"{step.text}\n{done.stdout}"
            went.append((step.text, done.stdout))
        elif step.kind == "text":
            assert missing(step.text, went[-1][1]) == [], went[-1]
        elif step.kind == "hands":
            from playwright.sync_api import sync_playwright

            with sync_playwright() as play:
                browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
                rate(folder, browser)
                browser.close()
    return went


@pytest.mark.slow
@pytest.mark.browser
def test_a_team_of_annotators(tmp_path):
    go("annotators", tmp_path / "empty")
    assert (tmp_path / "empty" / "site" / "index.html").is_file()


@pytest.mark.slow
@pytest.mark.model
def test_a_task_and_a_rater_of_your_own(tmp_path):
    go("your_own", tmp_path / "empty")
    assert (tmp_path / "empty" / "site" / "index.html").is_file()


@pytest.mark.slow
@pytest.mark.model
def test_checkpoints_of_a_stranger(tmp_path):
    go("checkpoints", tmp_path / "empty")
    assert (tmp_path / "empty" / "site" / "index.html").is_file()


if (
    __name__ == "__main__"
):  # what a page's commands print, to be pasted into it: python tests/test_tutorials.py PAGE DIR
    target = Path(sys.argv[2])
    target.mkdir(parents=True)
    for command, printed in go(sys.argv[1], target):
        print(f"$ {command}{printed}")
