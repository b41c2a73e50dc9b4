"""`${NAME}` in a suite: a value from the environment, and a secret that stays a name until it is used.

Values are put in when the file is read, so that the frozen copy of a run says what was used. A secret is not: the
suite, its frozen copy, the manifest and every hash hold `${NAME}`, and only the loader of the model sees what it
stands for.
"""

from __future__ import annotations

import os
import re
from typing import Any

import yaml

from harness.errors import HarnessError
from harness.suite.document import place

REFERENCE = re.compile(r"\$(?P<escaped>\$)?\{(?P<name>[A-Za-z_]\w*)(?P<fallback>:-[^}]*)?\}")
"""`${NAME}`, `${NAME:-what stands for it where it is not set}`, and `$${NAME}` for the text itself."""

SECRET = re.compile(r"(^|[_-])(key|token|secret|password|passwd|credentials?|authorization|bearer)$", re.IGNORECASE)
"""The end of a key's or a variable's name that makes its value a secret."""

LITERAL = re.compile(
    r"(api|access|private|secret)_?key$|password$|secret$|authorization$|^(hf_|auth_|access_)?token$", re.I
)
"""The keys under which a text that is no `${NAME}` is surely a secret written down."""


def substitute(node: yaml.Node | None, key: str = "", seen: set[int] | None = None) -> None:
    """Put the environment's values in the place of `${NAME}`, in the nodes of a file; secrets stay names.

    A value that is `${NAME}` alone, without quotes, is read as YAML would read it: a number, true, null.

    Raises:
        HarnessError: A variable is not set and has no fallback, or a secret is written down; names file and line.
    """
    seen = set() if seen is None else seen
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            substitute(value, str(name.value), seen)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            substitute(value, key, seen)
    elif isinstance(node, yaml.ScalarNode) and node.tag in ("tag:yaml.org,2002:str", "!"):
        _substitute_scalar(node, key)


def _substitute_scalar(node: yaml.ScalarNode, key: str) -> None:
    text: str = node.value
    if _secret_in(text, key):
        if any(found["fallback"] for found in REFERENCE.finditer(text)):
            raise HarnessError(f"{place(node)}: {key}: a secret has no fallback; write ${{NAME}} alone")
        return
    if LITERAL.search(key) and text:
        raise HarnessError(f"{place(node)}: {key}: a secret may not stand in a suite; write ${{NAME}} and set NAME")
    if not REFERENCE.search(text):
        return

    def value(found: re.Match[str]) -> str:
        if found["escaped"]:
            return found[0][1:]
        given = os.environ.get(found["name"])
        if given is None and found["fallback"] is None:
            raise HarnessError(
                f"{place(node)}: {key}: the environment variable {found['name']} is not set; set it, or write "
                f"${{{found['name']}:-FALLBACK}}"
            )
        return given if given is not None else found["fallback"][2:]

    whole = REFERENCE.fullmatch(text)
    node.value = REFERENCE.sub(value, text)
    if whole and not whole["escaped"] and node.style is None:
        node.tag = yaml.resolver.Resolver().resolve(yaml.ScalarNode, node.value, (True, False))  # type: ignore[no-untyped-call]


def escape(value: Any, key: str = "") -> Any:
    """Return plain values so that a suite read from them is the same: `${NAME}` that is text becomes `$${NAME}`."""
    if isinstance(value, dict):
        return {name: escape(entry, str(name)) for name, entry in value.items()}
    if isinstance(value, list):
        return [escape(entry, key) for entry in value]
    if isinstance(value, str) and not _secret_in(value, key):
        return REFERENCE.sub(lambda found: "$" + found[0], value)
    return value


def secrets(value: Any, key: str = "") -> set[str]:
    """Return the names of the variables that hold the secrets of plain values."""
    if isinstance(value, dict):
        return {name for inner, entry in value.items() for name in secrets(entry, str(inner))}
    if isinstance(value, list):
        return {name for entry in value for name in secrets(entry, key)}
    if isinstance(value, str) and _secret_in(value, key):
        return {found["name"] for found in REFERENCE.finditer(value)}
    return set()


def reveal(value: Any, key: str = "") -> Any:
    """Return plain values with the secrets in the place of their names: for the one who needs them, and no file.

    Raises:
        HarnessError: A variable is not set.
    """
    if isinstance(value, dict):
        return {name: reveal(entry, str(name)) for name, entry in value.items()}
    if isinstance(value, list):
        return [reveal(entry, key) for entry in value]
    if isinstance(value, str) and _secret_in(value, key):
        return REFERENCE.sub(_revealed, value)
    return value


def without_secrets(value: Any) -> Any:
    """Return plain values from elsewhere without the texts that stand under a secret's key."""
    if isinstance(value, dict):
        return {
            name: without_secrets(entry)
            for name, entry in value.items()
            if not (isinstance(entry, str) and LITERAL.search(str(name)))
        }
    return [without_secrets(entry) for entry in value] if isinstance(value, list) else value


def _revealed(found: re.Match[str]) -> str:
    value = os.environ.get(found["name"])
    if not value:
        raise HarnessError(f"the environment variable {found['name']} is not set, and the suite takes a secret from it")
    return value


def _secret_in(text: str, key: str) -> bool:
    """Whether a text refers to a secret: by its key's name, or by a variable's."""
    found = [one for one in REFERENCE.finditer(text) if not one["escaped"]]
    return bool(found) and bool(SECRET.search(key) or any(SECRET.search(one["name"]) for one in found))
