"""Notebooks of the catalogue, run on a run: text sources in `reports/`, executed copies beside the run.

A source is a jupytext file in percent format, `reports/notebooks/NAME.py` or `reports/NAME/notebook.py`; the cell
tagged `parameters` is replaced by the run's path. Modules beside it, and in the included folder, can be imported. The
copy has its outputs in it and opens without a kernel.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from harness.catalog import Catalog
from harness.errors import HarnessError, did_you_mean
from harness.run import Run, opened

SECONDS = 600


def notebooks(include: Sequence[str | Path] = ()) -> dict[str, Path]:
    """Return the sources of the notebooks in the catalogues, by name; of two with one name, the user's."""
    found: dict[str, Path] = {}
    for root in Catalog(include).roots:
        found = notebooks_in(root) | found
    return dict(sorted(found.items()))


def notebooks_in(root: Path) -> dict[str, Path]:
    """Return the sources of the notebooks in one folder, by name; those of `reports/notebooks/` may import another."""
    beside = (root / "reports" / "notebooks").glob("*.py")
    alone = {path.stem: path for path in beside if "# %%" in path.read_text(encoding="utf-8", errors="replace")}
    folders = {path.parent.name: path for path in (root / "reports").glob("*/notebook.py")}
    return alone | folders


def path_for(source: Path) -> str:
    """Return the `PYTHONPATH` of a notebook: its folder, the included folder around it, and what was there before."""
    own = [str(source.parent.resolve()), str(source.parent.parent.parent.resolve())]
    return os.pathsep.join([*own, *filter(None, [os.environ.get("PYTHONPATH")])])


def run_notebook(
    name: str, run: Run | str | Path, path: str | Path | None = None, *, include: Sequence[str | Path] = ()
) -> Path:
    """Run a notebook of the catalogue on a run.

    Args:
        name: The notebook's name.
        run: The run or its folder; for `checkpoints` also a folder of lm-eval's outputs.
        path: Where the executed copy is written; `notebooks/NAME.ipynb` in the run's folder where not given.
        include: Folders with catalogues of the user's own.

    Returns:
        The copy's path.

    Raises:
        HarnessError: There is no such notebook, a cell failed, or the extra `notebook` is not installed.
    """
    try:
        import jupytext
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError
    except ImportError as error:
        raise HarnessError("notebooks need an extra: pip install 'feedback-harness[notebook]'") from error
    known = notebooks(include)
    if name not in known:
        raise HarnessError(f"no notebook {name!r} in reports/.{did_you_mean(name, known)}")
    folder = opened(run).folder
    if not folder.is_dir():
        raise HarnessError(f"{folder}: is no folder")
    content = jupytext.read(known[name])
    parameters = [cell for cell in content.cells if "parameters" in cell.metadata.get("tags", [])]
    for cell in parameters:
        cell.source = f"RUN = {str(folder.resolve())!r}"
    try:
        NotebookClient(content, timeout=SECONDS, kernel_name="python3").execute(
            env={**os.environ, "PYTHONPATH": path_for(known[name])}
        )
    except CellExecutionError as error:
        raise HarnessError(f"{known[name]} failed on {folder}:\n{error}") from error
    target = Path(path) if path else folder / "notebooks" / f"{name}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    for cell in parameters:  # the copy says nothing of this machine, and runs again where it lies
        cell.source = f"RUN = {os.path.relpath(folder.resolve(), target.parent.resolve())!r}"
    jupytext.write(content, target, fmt="ipynb")
    return target
