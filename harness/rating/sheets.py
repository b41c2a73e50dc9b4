"""The forms in which a run's answers go out to be rated: a spreadsheet, Label Studio's tasks, Argilla's records."""

from __future__ import annotations

from harness.rating.human import export_csv

EXPORTS = {"csv": export_csv}
