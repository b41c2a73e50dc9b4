"""Paths into nested records: how a mapping says where something stands.

`annotation.result[type=textarea].value.text.0` goes down keys, takes from a list the first element with that key
and value, and counts list elements from 0. Keys that themselves hold dots (`Answer.quality`) are found too: the
longest key that is there wins. `{name}` is replaced by a name that an earlier step has bound. A list or mapping that
stands in a table as text, as JSON or as Python prints it, is gone into like any other; a mapping of lists that are
equally long is a list too.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from typing import Any

FILTER = re.compile(r"(?P<key>[^\[\]]*)\[(?P<field>[^=\]]+)=(?P<value>[^\]]*)\]$")
NAME = re.compile(r"\{([\w.|]+)\}")
"""`{a|b}` is a, or b where there is no a."""


class Missing:
    """What a path gives that leads nowhere; a null that stands in the file is None."""

    def __bool__(self) -> bool:
        return False


MISSING = Missing()


def fill(template: str, names: Mapping[str, Any]) -> str | Missing:
    """Return the template with `{name}` replaced; MISSING where a name is not bound, or bound to nothing."""
    found = [_first(name.split("|"), names) for name in NAME.findall(template)]
    if any(value is MISSING or value is None for value in found):
        return MISSING
    values = iter(found)
    return NAME.sub(lambda match: str(next(values)), template)


def _first(paths: list[str], names: Mapping[str, Any]) -> Any:
    found = [look_up(path, names) for path in paths]
    return next((one for one in found if one is not MISSING and one is not None), MISSING)


def look_up(path: str, names: Mapping[str, Any]) -> Any:
    """Return what stands at a path in the names, or else in the record (bound to `.`); MISSING where nothing does."""
    if "{" in path:
        filled = fill(path, names)
        if isinstance(filled, Missing):
            return MISSING
        path = filled
    if path == ".":
        return names["."]
    if path in names:
        return names[path]
    if path.isidentifier() and isinstance(names.get("."), dict):
        return names["."].get(path, MISSING)  # a plain key, as columns of a table are
    found = descend(names, path.split("."))
    return descend(names["."], path.split(".")) if found is MISSING and "." in names else found


def descend(node: Any, parts: list[str]) -> Any:
    """Return what lies below a node."""
    if not parts:
        return node
    for length in range(len(parts), 0, -1):
        child = _child(node, ".".join(parts[:length]))
        if child is not MISSING:
            below = descend(child, parts[length:])
            if below is not MISSING:
                return below
    return MISSING


def _child(node: Any, key: str) -> Any:
    if isinstance(node, str) and node.startswith(("[", "{")):
        node = parsed(node)
    if isinstance(node, Mapping):
        if key in node:
            return node[key]
        match = FILTER.match(key)
        if match:
            listed = node.get(match["key"]) if match["key"] else node
            return _chosen(listed, match["field"], match["value"])
        if key.isdigit() and (listed := of_columns(node)) is not None:
            return listed[int(key)] if int(key) < len(listed) else MISSING
        return MISSING
    if isinstance(node, list) and key.lstrip("-").isdigit():
        return node[int(key)] if -len(node) <= int(key) < len(node) else MISSING
    return MISSING


def of_columns(node: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return a mapping of equally long lists as the list of mappings that it is, as `datasets` writes sequences."""
    columns = list(node.values())
    if len(columns) < 2 or not all(isinstance(one, list) and len(one) == len(columns[0]) for one in columns):
        return None
    return [dict(zip(node, cells, strict=True)) for cells in zip(*columns, strict=True)]


def _chosen(listed: Any, field: str, value: str) -> Any:
    if not isinstance(listed, list):
        return MISSING
    return next((entry for entry in listed if isinstance(entry, Mapping) and str(entry.get(field)) == value), MISSING)


def parsed(word: str) -> Any:
    """Return JSON, or what Python prints of a list; the word itself where it is neither."""
    try:
        return json.loads(word)
    except (json.JSONDecodeError, RecursionError):
        pass
    try:
        found = ast.literal_eval(word)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return word
    return sorted(found, key=str) if isinstance(found, set) else list(found) if isinstance(found, tuple) else found
