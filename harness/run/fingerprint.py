"""Everything that decides whether a run's stages have anything to do, as one hash.

A run notes it when its stages are done. Where it is the same, the same command has nothing to do, and need not load
tasks and raters to find that out.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from harness.catalog import Catalog
from harness.records import digest
from harness.run.manifest import host_facts
from harness.run.place import listing
from harness.suite import Suite

PARTS = ("items", "responses", "ratings", "rounds")


def fingerprint_of(folder: Path, suite: Suite, stages: Sequence[str], catalog: Catalog) -> str | None:
    """Return the hash of what a command would look at: suite, stages, code, tasks, raters, data, and the run's parts.

    None where a task is named by a path, for what lies beside it decides too and may be anything, and where labels of a
    file are exchanged, which may have changed.

    Args:
        folder: The run's folder.
        suite: What of the suite the command does.
        stages: The stages that it does.
        catalog: Where tasks and raters are found.
    """
    tasks, own = [one.name for one in suite.walk() if one.what in ("task", "generator")], catalog.entries("tasks")
    if any(Path(name).exists() for name in tasks if name not in own):
        return None
    if suite.exchange and suite.exchange.data and "exchange" in stages:
        return None
    # A file of the user may define a task of another name, and a rater may be made of others; lm-eval's own tasks
    # change with its version.
    entries = [root / "raters" for root in catalog.roots] + [root / "tasks" for root in catalog.roots[:-1]]
    entries += [own[name] for name in tasks if name in own]
    learner = suite.rounds.learner.partition(":")[0].partition(".")[0] if suite.rounds else "learners"
    modules = []
    for root in catalog.roots[:-1]:  # modules of the user's own, for all raters and for the learner
        entries.append(root / learner)
        modules += [(path.name, path.stat().st_mtime_ns) for path in sorted(root.glob("*.py"))]
    looked_at = [Path(__file__).parents[1], *entries, *(folder / name for name in PARTS)]
    mirror = os.environ.get("HARNESS_DATA_DIR")
    if mirror:
        looked_at.append(Path(mirror))
    page = (folder / "report.html").is_file()
    seen = [list(listing(path)) for path in looked_at]
    return digest(suite.fingerprint, sorted(stages), page, host_facts(), modules, seen)
