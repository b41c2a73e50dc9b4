"""`harness import lm-eval` and `import inspect`: finished evaluations become a run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path


def import_finished(
    form: str,
    sources: Sequence[str],
    into: Path | None,
    series: str | None,
    first_round: int,
    family: str | None,
    include: Sequence[Path],
    as_json: bool,
) -> None:
    """Import evaluations, and say what the run has now."""
    from typing import cast, get_args

    from harness.catalog import Catalog
    from harness.errors import HarnessError, did_you_mean
    from harness.rating import import_evaluations
    from harness.records import Family

    if not sources:
        raise HarnessError(f"name what is to be imported: harness import {form} PATH --into RUN")
    if into is None:
        raise HarnessError("say which run is made, or gets the evaluations, with --into RUN")
    if family is not None and family not in get_args(Family):
        raise HarnessError(f"--family: no family {family!r}.{did_you_mean(family, get_args(Family))}")
    run, notes = import_evaluations(
        form,  # type: ignore[arg-type]
        sources,
        into,
        series=series,
        first_round=first_round,
        family=cast("Family | None", family),
        catalog=Catalog(include),
    )
    counts = {name: len(getattr(run, name)) for name in ("items", "responses", "ratings")}
    raters = sorted(map(str, run.ratings["rater"].unique()))
    models = [who.name for who in run.suite.models]
    if as_json:
        print(json.dumps({"run": str(run.folder), "models": models, **counts, "raters": raters, "notes": notes}))
        return
    shown = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    print(f"{run.folder}: {shown}; models: {', '.join(models)}; raters: {', '.join(raters)}")
    for note in notes:
        print(f"  note: {note}")
    print(f"next: harness rate {run.folder} --rater NAME, harness agree {run.folder}, harness report {run.folder}")
