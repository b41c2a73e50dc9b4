"""The house keeps its order: imports run one way, and a command's start is cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import harness

PACKAGE = Path(harness.__file__).parent

ORDER = [
    {"errors"},
    {"records", "document", "variables"},
    {"catalog", "suite", "suite_file", "run", "manifest", "fingerprint"},
    {"answering"},
    {"rating"},
    {"agreement"},
    {"rounds"},
    {"reporting"},
    {"stages", "naming", "rehearsal", "forecast"},
    {"cli"},
]
LEVEL = {room: level for level, rooms in enumerate(ORDER) for room in rooms}


def imported_rooms(path: Path, everywhere: bool) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = ast.walk(tree) if everywhere else iter(tree.body)
    found = set()
    for node in nodes:
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("harness.")}
    return found


def test_imports_run_one_way():
    for path in sorted(PACKAGE.rglob("*.py")):
        relative = path.relative_to(PACKAGE)
        room = relative.parts[0].removesuffix(".py")
        if room in ("__init__", "__main__", "_catalog"):
            continue
        assert room in LEVEL, f"{relative}: a room that the house does not have"
        for other in imported_rooms(path, everywhere=True):
            assert LEVEL[other] <= LEVEL[room], f"{relative} imports {other}, which comes after {room}"


def test_the_command_line_imports_nothing_heavy_before_a_command_runs():
    heavy = ("pandas", "numpy", "scipy", "torch", "datasets", "lm_eval", "pyarrow", "openai", "altair", "pydantic")
    code = f"import sys, harness.cli; print([name for name in {heavy!r} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"


def test_modules_stay_readable():
    """No module over 400 lines: a longer one holds two nouns."""
    lengths = {path.relative_to(PACKAGE): len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {path: length for path, length in lengths.items() if length > 400} == {}
