"""Whether the reports of the user's own folders can be made: their notebooks and the templates of the page."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from harness.beside import telling
from harness.catalog import Catalog, builtin
from harness.errors import HarnessError
from harness.reporting.notebook import notebooks_in, path_for

PARAMETERS = re.compile(r"^# %%.*\btags=\[.*[\"']parameters[\"']", re.MULTILINE)
"""The head of the cell that gets the run's path."""


def check_reports(catalog: Catalog) -> list[str]:
    """Check the reports in the user's folders: notebooks are Python and import what they name, templates parse.

    Nothing of a notebook but its imports is run, in a process of its own.

    Returns:
        The names of the notebooks that were looked at.

    Raises:
        HarnessError: One cannot be made; names every fault, with file and line.
    """
    wrong: list[str] = []
    names: list[str] = []
    for root in catalog.roots:
        if root != builtin():
            for name, path in notebooks_in(root).items():
                names.append(name)
                wrong += _faults_of_notebook(path)
            for path in sorted((root / "reports" / "page").glob("*.html")):
                wrong += _faults_of_template(path)
    if wrong:
        raise HarnessError("\n".join(wrong))
    return names


def _faults_of_notebook(path: Path) -> Iterator[str]:
    try:
        text = path.read_text(encoding="utf-8")
        ast.parse(text, str(path))
    except UnicodeDecodeError as error:
        yield f"{path}: is not UTF-8 text ({error.reason} at byte {error.start})"
        return
    except SyntaxError as error:
        yield f"{path}:{error.lineno}: {error.msg}"
        return
    if not PARAMETERS.search(text):
        yield f'{path}:1: no cell is tagged `# %% tags=["parameters"]`: the run\'s path would reach none'
    command = [sys.executable, "-c", f"from {__name__} import import_lines; import_lines({str(path)!r})"]
    found = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path_for(path)}, capture_output=True, text=True, check=False
    )
    if found.returncode:
        yield found.stderr.strip().rpartition("HarnessError: ")[2] or f"{path}: its imports end the process"


def import_lines(path: str) -> None:
    """Run the imports of a notebook that stand outside of functions.

    Raises:
        HarnessError: One fails; says where.
    """
    tree = ast.parse(Path(path).read_text(encoding="utf-8"), path)
    lines: list[ast.stmt] = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    with telling(path, "cannot import what it names"):
        exec(compile(ast.Module(lines, []), path, "exec"), {"__name__": "__main__"})  # noqa: S102 the user's imports


def _faults_of_template(path: Path) -> Iterator[str]:
    from jinja2 import TemplateSyntaxError
    from jinja2.sandbox import SandboxedEnvironment

    try:
        SandboxedEnvironment().parse(path.read_text(encoding="utf-8"))
    except TemplateSyntaxError as error:
        yield f"{path}:{error.lineno}: {error.message}"
