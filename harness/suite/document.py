"""A YAML file that remembers its lines, so that every complaint about it can say where.

No tag of YAML runs code here: only plain values load, and a key that stands twice in one place is refused.
`Document.check` turns the contents into a pydantic model, and what pydantic refuses into one `HarnessError` with file,
line, key, value and the nearest known key. Nodes may come from several files (a suite includes others): each knows its
own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from harness.errors import HarnessError, did_you_mean

Model = TypeVar("Model", bound=BaseModel)
Key = str | int
MOST_BYTES = 16 << 20
DEEP = 200
BRACKETS = re.compile(r"[\[{\]}]")
INDENT = re.compile(r"[-?:\s]*")
MOST_NODES = 1_000_000
"""Of a file, each counted as often as aliases lead to it: a few lines of them can stand for more than fits anywhere."""


@dataclass(frozen=True)
class Document:
    """The contents of a YAML file, as the nodes that they came from."""

    path: Path
    root: yaml.Node | None

    @cached_property
    def content(self) -> Any:
        """The plain values.

        Raises:
            HarnessError: A value has a tag that is not YAML's own, or cannot be read as what it says it is.
        """
        if self.root is None:
            return None
        try:
            return yaml.constructor.SafeConstructor().construct_document(self.root)
        except (yaml.YAMLError, ValueError, TypeError, OverflowError) as error:
            raise _not_yaml(self.path, error) from error

    def where(self, location: tuple[Key, ...]) -> str:
        """Return file and line, counted from 1, of the deepest part of `location` that stands in the file."""
        node, found = self.root, f"{self.path}:1"
        for key in location:
            if isinstance(node, yaml.MappingNode):
                pairs = [pair for pair in node.value if pair[0].value == key]
                if not pairs:
                    continue  # pydantic names the member of a union it tried; that is no key of the file
                name, node = pairs[-1]  # what `<<` merged in stands before the mapping's own
                found = place(name)
            elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
                node = node.value[key]
                found = place(node)
        return found

    def check(self, model: type[Model], **extra: Any) -> Model:
        """Return the contents as a model.

        Args:
            model: The pydantic model that defines the file.
            **extra: Fields that may not stand in the file (its folder, its name).

        Raises:
            HarnessError: The contents do not fit; names every place.
        """
        if not isinstance(self.content, dict):
            raise HarnessError(f"{self.path}:1: expected keys and values, found {type(self.content).__name__}")
        for key in extra:
            if key in self.content:
                raise HarnessError(
                    f"{self.where((key,))}: the key {key!r} may not stand here: it follows from the path"
                )
        try:
            return model.model_validate({**self.content, **extra})
        except ValidationError as error:
            places = [self._complaint(dict(entry), model) for entry in error.errors()]
            raise HarnessError("\n".join(places)) from error

    def _complaint(self, entry: dict[str, Any], model: type[BaseModel]) -> str:
        location = tuple(entry["loc"])
        key = ".".join(str(part) for part in location)
        where = self.where(location)
        if entry["type"] == "extra_forbidden":
            known = _fields_at(model, location[:-1])
            return f"{where}: unknown key {key!r}.{did_you_mean(str(location[-1]), known)}"
        if entry["type"] == "missing":
            return f"{where}: the key {key!r} is missing"
        if entry["type"] == "value_error":  # a check of the model's own: it says what is wrong
            return ": ".join(filter(None, (where, key, str(entry["ctx"]["error"]))))
        hint = ""
        if entry["type"] in ("literal_error", "enum") and isinstance(entry["input"], str):
            allowed = str(entry["ctx"]["expected"]).replace(" or ", ", ").split(", ")
            hint = did_you_mean(entry["input"], [word.strip("'") for word in allowed])
        return f"{where}: {key}: {entry['msg']} (found {entry['input']!r}){hint and '.' + hint}"


def read_document(path: str | Path) -> Document:
    """Read a YAML file.

    Raises:
        HarnessError: There is no such file, it cannot be read, it is not YAML, or a key stands twice in one place.
    """
    document = Document(Path(path), compose(Path(path)))
    _ = document.content
    return document


def compose(path: Path) -> yaml.Node | None:
    """Return the nodes of a YAML file, without making values of them.

    Raises:
        HarnessError: As `read_document`, but for the values.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise HarnessError(f"{path}: has more than {MOST_BYTES:,} bytes; no YAML file of ours is so large")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise HarnessError(f"{path}: is not UTF-8 text ({error.reason} at byte {error.start})") from error
    try:
        node = _fast_nodes(text, path)
        if node is None:
            node = _nodes(text, path, yaml.SafeLoader)  # says better what is wrong
    except (yaml.YAMLError, ValueError) as error:
        raise _not_yaml(path, error) from error
    except RecursionError:
        raise _too_deep(path) from None
    try:
        _refuse_twice(node, set())
        size = _size(node, {})
    except RecursionError:
        raise _too_deep(path) from None
    if size > MOST_NODES:
        raise HarnessError(f"{path}: its aliases stand for more than {MOST_NODES:,} values")
    return node


def _fast_nodes(text: str, path: Path) -> yaml.Node | None:
    """Return the nodes by the loader in C, ten times as fast; None where it fails, or a deep file would end it."""
    if _may_be_deep(text) or not hasattr(yaml, "CSafeLoader"):
        return None
    try:
        return _nodes(text, path, yaml.CSafeLoader)
    except yaml.YAMLError:
        return None


def _may_be_deep(text: str) -> bool:
    """Tell whether a text may nest deeper than any file of ours: by open brackets, indentation, and marks in a row."""
    depth = deepest = 0
    for mark in BRACKETS.findall(text):
        depth += 1 if mark in "[{" else -1
        deepest = max(deepest, depth)
    return deepest > DEEP or any(len(INDENT.match(line)[0]) > 2 * DEEP for line in text.splitlines())  # type: ignore[index]


def _too_deep(path: Path) -> HarnessError:
    return HarnessError(f"{path}: is nested too deeply")


def _nodes(text: str, path: Path, kind: Any) -> yaml.Node | None:
    stream = StringIO(text)
    stream.name = str(path)  # so that every node knows its file
    node: yaml.Node | None = kind(stream).get_single_node()
    return node


def _size(node: yaml.Node | None, known: dict[int, int]) -> int:
    """Return how many values a node stands for, aliases followed; one that leads to itself stands for too many."""
    if not isinstance(node, yaml.CollectionNode):
        return 1
    if id(node) not in known:
        known[id(node)] = MOST_NODES + 1
        parts = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
        known[id(node)] = 1 + sum(_size(part, known) for part in parts)
    return known[id(node)]


def place(node: yaml.Node) -> str:
    """Return file and line of a node."""
    return f"{node.start_mark.name}:{node.start_mark.line + 1}"


def _refuse_twice(node: yaml.Node | None, seen: set[int]) -> None:
    """Raise a `HarnessError` if a mapping has a key twice: YAML would take the last in silence."""
    if node is None or id(node) in seen:  # an alias leads to a node that was seen
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_twice(value, seen)
    elif isinstance(node, yaml.MappingNode):
        first: dict[tuple[str, str], yaml.Node] = {}
        for key, value in node.value:
            name = (key.tag, str(key.value))
            if name in first and key.value != "<<":
                raise HarnessError(f"{place(key)}: the key {key.value!r} is there already, at {place(first[name])}")
            first[name] = key
            _refuse_twice(value, seen)


def _not_yaml(path: Path, error: Exception) -> HarnessError:
    mark = getattr(error, "problem_mark", None)
    where = f"{mark.name}:{mark.line + 1}" if mark else f"{path}:1"
    return HarnessError(f"{where}: is not YAML: {getattr(error, 'problem', None) or error}")


def _fields_at(model: type[BaseModel], location: tuple[Key, ...]) -> list[str]:
    """Return the field names of the model nested at `location`, read from the JSON Schema."""
    schema = model.model_json_schema()
    node = _resolve(schema, schema)
    for key in location:
        node = node.get("items", {}) if isinstance(key, int) else node.get("properties", {}).get(key, node)
        node = _resolve(node, schema)
    return list(node.get("properties", {}))


def _resolve(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Follow references and choices until there are properties or items."""
    if "$ref" in node:
        return _resolve(schema["$defs"][node["$ref"].rsplit("/", 1)[-1]], schema)
    for option in node.get("anyOf", []):
        found = _resolve(option, schema)
        if "properties" in found or "items" in found:
            return found
    return node
