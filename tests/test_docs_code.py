"""What the documentation tells people to type is understood: commands, Python, YAML, TOML, JSON."""

from __future__ import annotations

import ast
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml

import harness
from harness.cli import app
from harness.errors import HarnessError
from harness.rating import RaterSpec
from harness.suite import Suite


class Loader(yaml.SafeLoader):
    """Reads lm-eval's `!function` as the text that follows."""


Loader.add_constructor("!function", lambda loader, node: loader.construct_scalar(node))
ROOT = Path(harness.__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>\w*)(?P<more>[^\n]*)\n(?P<text>.*?)^ *```$", re.M | re.S)


def blocks(*languages: str) -> Iterator[tuple[str, str]]:
    """Yield the place and text of every block in one of some languages."""
    for page in PAGES:
        content = page.read_text(encoding="utf-8")
        for match in BLOCK.finditer(content):
            if match["language"] in languages:
                line = content[: match.start()].count("\n") + 1
                yield f"{page.relative_to(ROOT)}:{line}", match["text"]


def commands() -> Iterator[tuple[str, list[str], bool]]:
    """Yield the place and words of every command of ours, and whether it stands in a block, to be pasted."""
    for page in PAGES:
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
            for said in re.findall(r"`(harness [a-z][^`]*)`", line):
                yield (
                    f"{page.relative_to(ROOT)}:{number}: {said}",
                    shlex.split(re.sub(r"(?<! --executor) \.\.\.", "", said)),
                    False,
                )
    for place, text in blocks("sh", "", "bash", "console"):
        for line in text.replace("\\\n", " ").splitlines():
            for part in re.split(r"\s(?:&&|\|\|?)\s", re.sub(r"\s#\s.*", "", line)):
                said = re.sub(r"^\s*(?:[A-Z_]+=\S+ )*(?:\S*/bin/)?", "", part)
                if said.startswith("harness "):
                    yield f"{place}: {said}", shlex.split(re.sub(r"\s(?:>|&).*$", "", said)), True


def test_every_command_is_understood():
    known = typer.main.get_command(app).commands
    seen = 0
    for place, words, whole in commands():
        assert words[1] in known, place
        # `csv|argilla` stands for either
        words[2:] = [word.split("|")[0] if re.fullmatch(r"[a-z-]+(\|[a-z-]+)+", word) else word for word in words[2:]]
        try:
            known[words[1]].make_context(words[1], words[2:])
        except Exception as error:
            if whole or type(error).__name__ != "MissingParameter":  # what is only named may lack what it needs
                pytest.fail(f"{place}: {error}")
        seen += 1
    assert seen > 180


def test_python_is_python():
    seen = 0
    for place, text in blocks("python", "py"):
        seen += 1
        try:
            tree = ast.parse(text)
        except SyntaxError as error:
            pytest.fail(f"{place}: {error}")
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("harness"):
                module = __import__(str(node.module), fromlist=["x"])
                assert not [alias.name for alias in node.names if not hasattr(module, alias.name)], place
    assert seen > 5


@pytest.mark.parametrize(("languages", "reads"), [(("json",), json.loads), (("toml",), tomllib.loads)])
def test_data_can_be_read(languages, reads):
    for place, text in blocks(*languages):
        try:
            reads(text)
        except ValueError as error:
            pytest.fail(f"{place}: {error}")


def test_yaml_says_what_it_is_shown_for():
    """A whole suite fits its model, and a rater's declaration its own; pieces of either are YAML."""
    suites = raters = 0
    for place, text in blocks("yaml"):
        for part in yaml.load_all(text, Loader):
            keys = set(part)
            try:
                if "name" in keys and keys & {"models", "tasks", "rounds", "ratings"} and "on" not in keys:
                    Suite.model_validate(
                        {key: part[key] for key in part if key != "include" and not key.startswith("x-")}
                    )
                    suites += 1
                elif {"kind", "use", "criteria"} <= keys:
                    RaterSpec.model_validate(part)
                    raters += 1
            except (ValueError, HarnessError) as error:
                pytest.fail(f"{place}: {error}")
    assert suites >= 4
    assert raters >= 4
