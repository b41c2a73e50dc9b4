"""The file of a suite: `include`, anchors, `${NAME}`, and then the model.

All of it happens on the nodes of the YAML, before they become values, so that a complaint names the file and the line
where the wrong thing stands, be it in a file that was included.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.suite.document import Document, compose, place, read_document
from harness.suite.model import Suite
from harness.suite.variables import substitute

NAMES = {"models": "name", "tasks": "task"}
"""The lists that join what is included, and the key by which an entry takes the place of an included one."""


def read_suite(path: str | Path, catalog: Catalog | None = None) -> Suite:
    """Read and check a suite file.

    Args:
        path: The file, or the name of a suite in the catalogue.
        catalog: Where names are looked up; the built-in catalogue where not given.

    Raises:
        HarnessError: The file cannot be read or does not fit the model, a variable is not set; names file and line.
    """
    catalog = catalog or Catalog()
    path = find_suite(path, catalog)
    node = _included(path, catalog, ())
    substitute(node)
    document = Document(path, node)
    return document.check(Suite).read_from(document)


def find_suite(name: str | Path, catalog: Catalog) -> Path:
    """Return the file of a suite, given by its path or, without `.yaml`, by its name in the catalogue.

    Raises:
        HarnessError: A file that somebody named is not there, or the catalogue has no such suite.
    """
    path = Path(name) if isinstance(name, str) else name  # a path may be of a file system elsewhere
    if path.suffix in (".yaml", ".yml") or path.is_file():
        if isinstance(name, str) and not path.exists():
            raise HarnessError(f"{name}: there is no such file; `harness init {name}` writes a suite to start from")
        return path
    return catalog.find("suites", str(name))


def suite_schema() -> dict[str, Any]:
    """Return the JSON Schema of a suite file, for editors: the model, and what the file may have beside it."""
    schema = Suite.model_json_schema()
    one = {"type": "string"}
    schema["properties"]["include"] = {
        "anyOf": [one, {"type": "array", "items": one}],
        "description": "Other suites, by path from this file or by their names in the catalogue; this file's keys win.",
    }
    schema["patternProperties"] = {"^x-": {"description": "Anything that anchors are made of; not read."}}
    return schema


def _included(path: Path, catalog: Catalog, above: tuple[Path, ...]) -> yaml.Node | None:
    """Return the nodes of a suite file, with those that it includes under them."""
    if path.resolve() in above:
        raise HarnessError(f"{above[-1]}: include: {path} includes itself, by way of others")
    node = compose(path)
    if not isinstance(node, yaml.MappingNode):
        return node
    wanted = [value for key, value in node.value if key.value == "include"]
    node.value = [pair for pair in node.value if pair[0].value != "include" and not str(pair[0].value).startswith("x-")]
    entries = [one for value in wanted for one in (value.value if isinstance(value, yaml.SequenceNode) else [value])]
    pairs: list[tuple[yaml.Node, yaml.Node]] = []
    for entry in entries:
        try:
            found = find_suite(_path_of(entry, path), catalog)
            base = _included(found, catalog, (*above, path.resolve()))
        except HarnessError as error:
            raise HarnessError(f"{place(entry)}: include: {error}") from error
        pairs = _joined(pairs, base.value if isinstance(base, yaml.MappingNode) else [])
    node.value = _joined(pairs, node.value)
    return node


def _path_of(entry: yaml.Node, path: Path) -> Path | str:
    if not isinstance(entry, yaml.ScalarNode):
        raise HarnessError("expected a path, or the name of a suite in the catalogue")
    named = str(entry.value)
    return path.parent / named if named.endswith((".yaml", ".yml")) else named


Pairs = list[tuple[yaml.Node, yaml.Node]]


def _joined(below: Pairs, above: Pairs) -> Pairs:
    """Return the pairs of two mappings: of two with one key the upper, but `models` and `tasks` entry by entry."""
    joined = {str(key.value): (key, value) for key, value in below}
    for key, value in above:
        name = str(key.value)
        if name in joined and name in NAMES:
            value = _joined_entries(joined[name][1], value, NAMES[name])
        joined[name] = (key, value)
    return list(joined.values())


def _joined_entries(below: yaml.Node, above: yaml.Node, name: str) -> yaml.Node:
    """Return two sequences as one; an upper entry takes the place of a lower one with the same name."""
    if not isinstance(below, yaml.SequenceNode) or not isinstance(above, yaml.SequenceNode):
        return above
    named = {_name_of(entry, name) for entry in above.value}
    entries = [entry for entry in below.value if _name_of(entry, name) not in named] + above.value
    return yaml.SequenceNode(above.tag, entries, above.start_mark, above.end_mark, above.flow_style)


def _name_of(entry: yaml.Node, name: str) -> Any:
    values = (
        [value.value for key, value in entry.value if key.value == name] if isinstance(entry, yaml.MappingNode) else []
    )
    return values[-1] if values and isinstance(values[-1], str) else id(entry)


def description(path: Path) -> str:
    """Return what an entry says of itself: the description in its YAML, or the first paragraph of its card."""
    for file in (path, path / "rater.yaml"):
        if file.is_file() and file.suffix == ".yaml":
            content = read_document(file).content
            if isinstance(content, dict) and content.get("description"):
                return str(content["description"])
    card = path / "README.md"
    if not card.is_file():
        return ""
    paragraphs = card.read_text(encoding="utf-8").split("\n\n")
    return next((" ".join(text.split()) for text in paragraphs if text.strip() and not text.startswith("#")), "")
