"""JSON objects in what a judge wrote, with the trailing commas, single quotes and line breaks of models."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

LONGEST = 20_000
"""Characters of an object that is read although it is not quite JSON."""
INSIDE = re.compile(r"[{}]|\"(?:[^\"\\]|\\.)*\"|(?<=[:{,\s])'(?:[^'\\]|\\.)*'", re.DOTALL)
COMMENT = re.compile(r"(?<=[\s,])//[^\n\"']*$", re.MULTILINE)
KEY = re.compile(r"[A-Za-z_][\w -]*")


def objects(text: str) -> Iterator[tuple[int, int, Any]]:
    """Yield place and value of the JSON objects at the top level of a text, and of lists of them."""
    decoder = json.JSONDecoder(object_pairs_hook=_pairs, strict=False)
    opened = re.compile(r"\{|\[\s*\{")
    found = opened.search(text)
    while found:
        try:
            value, end = decoder.raw_decode(text, found.start())
        except (ValueError, RecursionError):
            value, end = _nearly(text, found.start())
        if value is not None:
            yield found.start(), end, value
        found = opened.search(text, end)


def _nearly(text: str, start: int) -> tuple[dict[str, Any] | None, int]:
    """Return an object that is JSON but for trailing commas, single quotes or bare names, and where it ends.

    These are YAML's. What YAML would make of a broken value (`1,5` has a key 5 without a value) is no object.
    """
    depth = 0
    for part in INSIDE.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(part[0], 0)
        if not depth:
            break
    else:
        return None, start + 1
    written = COMMENT.sub("", text[start : part.end()])
    if len(written) > LONGEST or re.search(r"[&*!]\w", written):
        return None, start + 1
    if r"\'" in written:  # a dict as Python writes it, which YAML does not read
        return _literal(written), part.end()
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        value = YAML(typ="safe", pure=True).load(written)
    except (YAMLError, ValueError, RecursionError):
        return None, start + 1
    if not isinstance(value, dict) or not all(isinstance(key, str) and KEY.fullmatch(key) for key in value):
        return None, start + 1
    return (None, start + 1) if None in value.values() else (value, part.end())


def _literal(written: str) -> dict[str, Any] | None:
    """Return a Python dict with a key a name, or None."""
    try:
        tree = ast.parse(written, mode="eval")
        value = ast.literal_eval(tree)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
    keys = [[ast.dump(key) for key in node.keys if key] for node in ast.walk(tree) if isinstance(node, ast.Dict)]
    once = all(len(set(names)) == len(names) for names in keys)
    return value if once and isinstance(value, dict) and all(isinstance(key, str) for key in value) else None


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; of a key that is there twice with two values, that there are two."""
    entries: dict[str, Any] = {}
    for key, value in pairs:
        entries[key] = f"{entries[key]} and {value}" if key in entries and entries[key] != value else value
    return entries
