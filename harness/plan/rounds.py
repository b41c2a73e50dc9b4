"""What rounds of training would take: labels by the suite, time and disk by the rounds that the run has already."""

from __future__ import annotations

from typing import Any

from harness.catalog import Catalog
from harness.rating import RaterSpec, read_spec
from harness.run import Run
from harness.suite import RoundsUse, Suite

PARTS = ("items", "responses", "ratings", "rounds", "data", "checkpoints")


def measured(run: Run, left: int, workers: int) -> dict[str, Any]:
    """Return seconds (low and high) and bytes of the rounds that are left, by those that are there.

    The rounds of training that are there are as long as the others: each has the same steps and the same items.

    Args:
        run: The run, or what a dry run has of it.
        left: Rounds that are left.
        workers: Rounds that are worked on at once.
    """
    if not left:
        return {"seconds": (0.0, 0.0), "disk_bytes": 0}
    rows = run.rounds
    trained: list[float] = rows.loc[rows["round"] > 0, "seconds"].tolist() if len(rows) else []
    if not trained:
        return {"seconds": None, "disk_bytes": None}
    share = left / workers
    written = sum(
        path.stat().st_size for name in PARTS for path in (run.folder / name).rglob("*") if path.is_file()
    )  # fmt: skip
    return {
        "seconds": (share * min(trained), share * max(trained)),
        "disk_bytes": round(left * written / len(rows)),
    }


def cost(left: int, suite: Suite, catalog: Catalog) -> tuple[float, float] | None:
    """Return the dollars of the rounds that are left: none where nobody asks a server; else nobody knows beforehand."""
    use = suite.rounds
    assert use is not None
    raters = {use.gold, *(one.rater for one in use.off_target if one.rater)}
    raters |= {name for series in use.feedback for name in use.raters_of(series)}
    asked = _asks_server(use.settings.get("model")) or any(
        _is_paid(read_spec(name, catalog), catalog) for name in raters
    )
    return None if left and asked else (0.0, 0.0)


def _is_paid(spec: RaterSpec, catalog: Catalog) -> bool:
    """Whether a rater, or one that it is made of, asks a server that may charge."""
    members = spec.settings.get("raters") or ()
    return _asks_server(spec.settings.get("model")) or any(
        _is_paid(read_spec(name, catalog), catalog) for name in members if isinstance(name, str)
    )


def _asks_server(model: Any) -> bool:
    name = model.get("model") if isinstance(model, dict) else model
    return isinstance(name, str) and name.startswith(("openai:", "anthropic:", "lm-eval:"))


def labels(run: Run, suite: Suite, catalog: Catalog) -> dict[str, int] | None:
    """Return how many samples raters rate in the whole of the rounds at most, and how many of those people do.

    None where nothing says how many samples a round has.
    """
    use = suite.rounds
    assert use is not None
    drawn = _samples(run, use)
    if drawn is None:
        return None
    whole = drawn * use.rounds
    found = {"all": 0, "people": 0}
    for series in use.feedback:
        names = use.raters_of(series)
        if names:
            # a series ends before the round that would begin with its budget spent
            most = min(whole, use.budget.labels + drawn) if use.budget.labels else whole
            found["all"] += use.seeds * most
            found["people"] += use.seeds * min(most, _of_people(use, series, most, catalog))
    return found


def _of_people(use: RoundsUse, series: str, most: int, catalog: Catalog) -> int:
    given = use.feedback[series]
    if given is None or isinstance(given, str):
        return most if given and read_spec(given, catalog).kind == "human" else 0
    asked = [part for part in given if read_spec(part.rater, catalog).kind == "human"]
    return sum(min(part.labels or most, round((part.share or 1.0) * most)) for part in asked)


def _samples(run: Run, use: RoundsUse) -> int | None:
    """Return the samples of one round of a series: as rounds that are there had, else as the learner's settings say."""
    rows = run.rounds
    if len(rows) and rows["n_samples"].max() > 0:
        return int(rows["n_samples"].max())
    prompts, samples = use.settings.get("prompts"), use.settings.get("samples")
    return prompts * samples if isinstance(prompts, int) and isinstance(samples, int) else None
