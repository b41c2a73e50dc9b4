"""Runs a pytest file that exists in memory only, since nothing in the sandbox can be written."""

from __future__ import annotations

import ast
import os
import sys
import types
from pathlib import Path
from typing import Any

from .handles import Ended

SWITCHES = (
    "-q",
    "-x",
    "-s",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:faulthandler",
    "-p",
    "no:tmpdir",
    "--rootdir=/",
    "-c",
    os.devnull,
)


def imported(script: str, module: str) -> set[str]:
    """Return the names that a test file takes from a module, by either form of import."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(script)):
        if isinstance(node, ast.ImportFrom) and node.module == module:
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            names.add(node.attr)
    return names


def run(script: str, module: str, names: dict[str, Any]) -> None:
    """Run a test file; `import <module>` in it finds the given names.

    Raises:
        BaseException: What the first test that failed raised.
        Ended: None was found.
    """
    import pytest

    stand_in = types.ModuleType(module)
    stand_in.__dict__.update(names)
    sys.modules[module] = stand_in
    tests = types.ModuleType("tests")
    exec(compile(script, "<tests>", "exec", dont_inherit=True), tests.__dict__)
    outcome = _Outcome(pytest, tests)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    code = pytest.main(list(SWITCHES), [outcome])
    if outcome.error:
        raise outcome.error
    if code != 0:
        raise Ended("failed", outcome.reason or f"pytest ended with {int(code)}")


class _Outcome:
    """A pytest plug-in that collects one module and keeps the first failure."""

    def __init__(self, pytest: Any, tests: types.ModuleType) -> None:
        self.reason = ""
        self.error: BaseException | None = None
        self.pytest = pytest
        self.tests = tests

    def pytest_collection(self, session: Any) -> bool:
        tests = self.tests

        class InMemory(self.pytest.Module):  # type: ignore[misc, name-defined]
            def _getobj(self) -> types.ModuleType:
                return tests

        session.items = list(session.genitems(InMemory.from_parent(session, path=Path("/tests.py"))))
        session.testscollected = len(session.items)
        return True

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and not self.reason:
            self.reason = str(report.longrepr).strip().splitlines()[-1][:300]

    def pytest_exception_interact(self, call: Any) -> None:
        self.error = self.error or call.excinfo.value
