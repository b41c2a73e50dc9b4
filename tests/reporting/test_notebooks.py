"""The notebooks of the catalogue run to their end on a run."""

from __future__ import annotations

import importlib.util
import json

import pytest

from harness.errors import HarnessError
from harness.reporting.notebook import notebooks, run_notebook

needs_jupyter = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("nbclient", "jupytext", "ipykernel")),
    reason="the extra `notebook` is not installed",
)


def test_the_catalogue_has_them():
    assert {"stand_in", "plateau", "checkpoints", "race"} <= set(notebooks())


@needs_jupyter
def test_a_wrong_name_names_the_near_one(run):
    with pytest.raises(HarnessError, match="plateau"):
        run_notebook("plateua", run)


@needs_jupyter
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "people"),
    [("stand_in", 0), ("stand_in", 3), ("plateau", 0), ("plateau", 3), ("checkpoints", 0), ("race", 0)],
)
def test_a_notebook_runs_to_its_end(name, people, made_up_run, tmp_path):
    made = made_up_run(tmp_path / "run", people=people, held_out=60)
    written = run_notebook(name, made)
    assert written == made.folder / "notebooks" / f"{name}.ipynb"
    cells = [cell for cell in json.loads(written.read_text())["cells"] if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in cells)
    outputs = json.dumps([cell["outputs"] for cell in cells])
    assert ("It cannot be known here" in outputs) == (name == "stand_in")  # people and judges share no criterion here
