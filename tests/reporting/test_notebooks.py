"""The notebooks of the catalogue run to their end on a run."""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.learning import Exchange, ExchangeRates, keep_rates
from harness.learning.worth.curves import Curves, Point
from harness.reporting.notebook import notebooks, run_notebook
from harness.suite import ExchangeUse

needs_jupyter = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("nbclient", "jupytext", "ipykernel")),
    reason="the extra `notebook` is not installed",
)


def test_the_catalogue_has_them():
    assert {"stand_in", "plateau", "checkpoints", "race", "human_or_ai"} <= set(notebooks())


@needs_jupyter
def test_a_wrong_name_names_the_near_one(run):
    with pytest.raises(HarnessError, match="plateau"):
        run_notebook("plateua", run)


@needs_jupyter
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "people"),
    [
        ("stand_in", 0),
        ("stand_in", 3),
        ("plateau", 0),
        ("plateau", 3),
        ("checkpoints", 0),
        ("race", 0),
        ("feedback_story", 0),
    ],
)
def test_a_notebook_runs_to_its_end(name, people, made_up_run, tmp_path):
    made = made_up_run(tmp_path / "run", people=people, held_out=60)
    written = run_notebook(name, made)
    assert written == made.folder / "notebooks" / f"{name}.ipynb"
    cells = [cell for cell in json.loads(written.read_text())["cells"] if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in cells)
    outputs = json.dumps([cell["outputs"] for cell in cells])
    assert ("It cannot be known here" in outputs) == (name == "stand_in")  # people and judges share no criterion here


@needs_jupyter
@pytest.mark.slow
def test_the_notebook_of_labels_shows_what_the_run_keeps(made_up_run, tmp_path):
    points = [Point(source, size) for source in ("person", "judge") for size in (10, 20)]
    scores = np.array([[0.3, 0.5, 0.2, 0.3], [0.32, 0.52, 0.22, 0.34], [0.28, 0.51, 0.21, 0.32]])
    run = made_up_run(tmp_path / "run")
    keep_rates(run, ExchangeRates([Exchange("style", Curves(points, scores, 0.4, 60, 12))]))
    run.freeze(run.suite.model_copy(update={"exchange": ExchangeUse(data="elsewhere.csv")}))
    outputs = run_notebook("human_or_ai", run).read_text()
    assert "style: at 10 labels, one of a person is worth 1." in outputs
