"""The notebook runs, and shows what it is for."""

from pathlib import Path

from harness.reporting import run_notebook
from harness.stages import make_demo

INCLUDED = Path(__file__).parents[2]


def test_it_runs_on_the_demonstration(tmp_path: Path) -> None:
    """The executed copy has alpha in it."""
    made = run_notebook("my_report", make_demo(tmp_path / "demo"), include=[INCLUDED])
    assert "alpha" in made.read_text()
