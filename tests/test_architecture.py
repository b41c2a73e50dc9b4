"""The house keeps its order: imports run one way and through each room's surface, and a command's start is cheap."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import harness
from harness import kinds

PACKAGE = Path(harness.__file__).parent

ORDER = [
    {"errors", "kinds", "statistics"},
    {"records"},
    {"beside", "catalog"},
    {"suite"},
    {"run"},
    {"answering"},
    {"rating"},
    {"agreement"},
    {"learning", "rounds"},
    {"reporting"},
    {"stages", "plan"},
    {"cli"},
]
LEVEL = {room: level for level, rooms in enumerate(ORDER) for room in rooms}
ROOMS = sorted(room for room in LEVEL if (PACKAGE / room / "__init__.pyi").is_file())


def modules() -> Iterator[tuple[Path, str]]:
    """Yield every module with its room."""
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if room not in ("__init__", "__main__", "_catalog"):
            yield path, room


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_imports_run_one_way_and_through_surfaces():
    for path, room in modules():
        relative = path.relative_to(PACKAGE)
        assert room in LEVEL, f"{relative}: a room that the house does not have"
        for name in imported(path):
            parts = name.split(".")
            if parts[0] != "harness" or len(parts) < 2 or parts[1] == room:
                continue
            assert LEVEL[parts[1]] <= LEVEL[room], f"{relative} imports {name}, which comes after {room}"
            assert len(parts) == 2, f"{relative} imports {name}: other rooms give what they give by harness.{parts[1]}"


def test_statistics_are_numbers_alone():
    for path, room in modules():
        if room == "statistics":
            for name in imported(path):
                allowed = name.split(".")[0] in {*sys.stdlib_module_names, "numpy", "scipy", "lazy_loader"}
                assert allowed or name.startswith("harness.statistics"), f"{path.name} imports {name}"


@pytest.mark.parametrize("room", [None, *ROOMS])
def test_a_room_gives_what_its_surface_names(room):
    surface = importlib.import_module(f"harness.{room}" if room else "harness")
    beside = {path.stem for path in Path(surface.__file__).parent.iterdir()}
    for name in surface.__all__:
        assert hasattr(surface, name)
        assert name not in beside, f"{name} is a module of {room} too: which of them is meant depends on who came first"


def test_what_the_documentation_named_before_the_move_is_found():
    for former, now in kinds.MOVED.items():
        assert importlib.import_module(former) is importlib.import_module(now)
    for name, kind in kinds.KINDS.items():
        assert kinds.short_name(kind.identity) == kinds.short_name(kind.target) == name
        assert kinds.target_of(kind.identity) == kinds.target_of(name) == kind.target
        module, _, function = kind.target.partition(":")
        assert callable(getattr(importlib.import_module(module), function))


def test_the_command_line_imports_nothing_heavy_before_a_command_runs():
    heavy = ("pandas", "numpy", "scipy", "torch", "datasets", "lm_eval", "pyarrow", "openai", "altair", "pydantic")
    code = f"import sys, harness.cli; print([name for name in {heavy!r} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"


def test_modules_stay_readable():
    """No module over 350 lines, and few over 300: a longer one holds two nouns."""
    lengths = {path.relative_to(PACKAGE): len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    files = Path("rating/files")  # the readers of other people's tables
    assert {path: length for path, length in lengths.items() if length > (400 if path.parent == files else 350)} == {}


PRIVATE_ELSEWHERE = {
    "answering/lm_eval_scores.py": {"_metric_fn_list", "_instances"},  # lm-eval scores answers that it made itself only
    "cli/plain_text.py": {"_CONTROL_STRIP_TRANSLATE"},  # rich has no other place for what its tables print
    "rating/judges/reward_model.py": {"_commit_hash"},  # transformers tells a model's revision nowhere else
    "rating/sandbox/inside/streams.py": {"_run_exitfuncs"},  # a candidate's process ends without the interpreter's end
}
"""What other packages keep for themselves and is read all the same, with the reason."""
PUBLIC = {"_exit", "_replace", "_fields", "_base_executable"}
"""Named so by Python itself, and documented."""


def test_no_module_reads_what_another_keeps_for_itself():
    for path, _ in modules():
        relative = path.relative_to(PACKAGE).as_posix()
        tree = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        own = {node.name for node in tree if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        own |= {
            node.target.id for node in tree if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        }
        own |= {node.attr for node in tree if isinstance(node, ast.Attribute) and of_itself(node)}
        own |= PUBLIC | PRIVATE_ELSEWHERE.get(relative, set())
        for node in tree:
            if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
                assert node.attr in own, f"{relative}:{node.lineno}: {ast.unparse(node)} is its owner's alone"
            if isinstance(node, ast.ImportFrom):
                taken = {alias.name for alias in node.names if alias.name.startswith("_")} - PUBLIC - {"__version__"}
                assert not taken, f"{relative}:{node.lineno}: {taken} is its module's alone"
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "vars" and "inside" not in relative:
                whole = ast.unparse(node.args[0])
                assert whole in ("self", "module"), f"{relative}:{node.lineno}: {ast.unparse(node)}: ask it by name"


def of_itself(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
