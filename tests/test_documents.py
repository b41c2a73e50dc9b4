"""The documents name what is there."""

from __future__ import annotations

import re
from pathlib import Path

import harness

ROOT = Path(harness.__file__).parents[1]
PACKAGE = Path(harness.__file__).parent


def test_the_house_is_drawn_as_it_stands():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.pyi")} - {"harness"}
    assert {room for room in rooms if not re.search(rf"\b{room}\b", text)} == set()
    for name in re.findall(r"`((?:harness/)?[\w/]+\.py)`", text):
        path = ROOT / name if name.startswith(("harness/", "tests/")) else PACKAGE / name
        assert path.is_file(), f"architecture.md names {name}"


def test_each_term_stands_once():
    terms = re.findall(r"^\| \*\*(.+?)\*\* \|", (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"), re.M)
    assert len(terms) > 40
    assert len(set(terms)) == len(terms)
    assert terms == sorted(terms, key=str.lower)


def test_every_page_stands_in_the_navigation():
    """The strict build of the site says so, too, but late. The runs of the gallery stand in the gallery's table."""
    named = re.findall(r"(?<![\w/])\w[\w/]*\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert {name for name in named if not name.startswith("reference/")} == {
        page for page in pages if not re.match(r"(example_plugin|gallery)/.+/", page)
    }
    shown = set(
        re.findall(r"\]\((\w+/README\.md)\)", (ROOT / "docs" / "gallery" / "README.md").read_text(encoding="utf-8"))
    )
    assert shown == {page.removeprefix("gallery/") for page in pages if re.match(r"gallery/.+/", page)}
