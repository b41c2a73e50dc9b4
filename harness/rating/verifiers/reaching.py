"""Whether tests reach into the program's own process, which the text of the tests alone tells.

What they patch, redirect or seed is not the program's where each has a process, and a class or a function that they
look into is not here. Only the problem decides: a program that returns something odd changes nothing.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator

from harness.rating.sandbox.check import Tests

SURROUNDINGS = re.compile(
    r"\bredirect_std(?:out|err)\b|\bcap(?:sys|fd|log)\b|\bmonkeypatch\b|\bpatch\b|\bMock\b|\bsys\.(?:std(?:in|out|err)|argv|path)\b|"
    r"\bos\.(?:environ|putenv|chdir)\b|\bseed\(|\bfreeze_time\b|\bassert(?:Logs|NoLogs|Warns)\b|\b(?:warns|catch_warnings)\(|"
    r"\btype\([^()]*(?:\([^()]*\))?\)\.__|\.__class__\b|\bsetrecursionlimit\("
)
"""What is changed or watched in one process is not in the other."""
LOOKS_INTO = {
    *(
        "assertRaises",
        "assertRaisesRegex",
        "raises",
        "issubclass",
        "isinstance",
        "signature",
        "getsource",
        "vars",
        "dir",
    ),
    *("getfullargspec", "get_type_hints", "getmembers", "iscoroutinefunction", "isgeneratorfunction", "isfunction"),
    *("isasyncgenfunction", "isclass", "isabstract", "is_dataclass", "fields", "asdict", "astuple", "replace"),
}
"""Functions that need the thing itself that they are given."""


def reaches(tests: Tests) -> bool:
    """Tell whether tests need more of a program's process than what it returns."""
    scripts = [tests.setup, *map(str, tests.parts.values())]
    if tests.kind not in ("script", "pytest"):
        return False
    text = "\n".join(scripts)
    return bool(SURROUNDINGS.search(text)) or any(_looks_into(script, tests.module) for script in scripts)


def _looks_into(script: str, module: str) -> bool:
    try:
        tree = ast.parse(script)
    except SyntaxError:
        return False
    own = {"self", "cls", *dir(builtins), *_bound(tree, module)}
    return any(
        isinstance(name, ast.Name) and name.id not in own
        for place in _places(tree)
        for name in (place.elts if isinstance(place, ast.Tuple) else [place])
    )


def _bound(tree: ast.AST, module: str) -> Iterator[str]:
    """Yield the names that tests make themselves, but for what they import from the program."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and node.module != module):
            yield from (alias.asname or alias.name.split(".")[0] for alias in node.names)


def _places(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield what stands where the thing itself is needed, and a call of it is not enough."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.type:
            yield node.type
        elif isinstance(node, ast.ClassDef):
            yield from node.bases
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from node.decorator_list
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
            if called in LOOKS_INTO:
                yield from node.args[:1] if "aises" in called else node.args
