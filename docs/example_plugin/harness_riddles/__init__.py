"""A task, a rater, a suite and a format of ratings for feedback-harness: what entry points name."""

from pathlib import Path

CATALOG = Path(__file__).parent / "catalog"
"""A folder with `tasks/`, `raters/` and `suites/`, as `--include` takes one."""
RIDDLE_NIGHT = Path(__file__).parent / "riddle_night.yaml"
"""How the club's minutes of a riddle night become ratings."""
