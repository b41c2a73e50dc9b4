"""Everything that decides whether a run's stages have anything to do, as one hash.

A run notes it when its stages are done. Where it is the same, the same command has nothing to do, and need not load
tasks and raters to find that out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.catalog import Catalog
from harness.records import digest
from harness.run.manifest import host_facts
from harness.run.place import listing
from harness.suite import Suite

PARTS = ("items", "responses", "ratings", "rounds")


def fingerprint_of(folder: Path, suite: Suite, stages: Sequence[str], catalog: Catalog) -> str | None:
    """Return the hash of what a command would look at: suite, stages, code, tasks, raters, data, and the run's parts.

    None where a task is named by a path: what lies beside it decides too, and may be anything.

    Args:
        folder: The run's folder.
        suite: What of the suite the command does.
        stages: The stages that it does.
        catalog: Where tasks and raters are found.
    """
    if any(Path(use.task).exists() for use in suite.tasks if use.task not in catalog.entries("tasks")):
        return None
    looked_at = [Path(__file__).parents[1], *_entries(suite, catalog), *(folder / name for name in PARTS)]
    mirror = os.environ.get("HARNESS_DATA_DIR")
    if mirror:
        looked_at.append(Path(mirror))
    page = (folder / "report.html").is_file()
    return digest(suite.fingerprint, sorted(stages), page, host_facts(), [list(listing(path)) for path in looked_at])


def _entries(suite: Suite, catalog: Catalog) -> Iterator[Path]:
    """Yield the folders of the tasks that a suite names, all raters, and all tasks of the user's own catalogues.

    A file there may define a task of another name, and a rater may be made of others. lm-eval's own tasks change with
    its version.
    """
    yield from (root / "raters" for root in catalog.roots)
    yield from (root / "tasks" for root in catalog.roots[:-1])
    tasks = catalog.entries("tasks")
    yield from (tasks[use.task] for use in suite.tasks if use.task in tasks)
