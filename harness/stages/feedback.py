"""Who gives the feedback of a series in a run: raters of the catalogue, several with budgets, people who are asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from harness.errors import IncompleteError
from harness.learning import Exported, Mixture, Part, People, Series, SeriesEnded, Waiting, conversational
from harness.rating import Rater, find_rater
from harness.records import Rating
from harness.run import Run, file_name
from harness.stages.context import Context
from harness.suite import RoundsUse


def feedback_of(context: Context, use: RoundsUse, series: str) -> Rater | Mixture | None:
    """Return who gives the feedback of a series; None where nobody does."""
    given = use.feedback[series]
    if given is None:
        return None
    if isinstance(given, str):
        return _rater(context, given)
    return Mixture(tuple(Part(_rater(context, one.rater), one.labels, one.share, one.corrects) for one in given))


def _rater(context: Context, name: str) -> Rater:
    rater = find_rater(name, context.catalog, context.surroundings)
    if rater.spec.kind != "human":
        return rater
    rows = context.run.ratings
    rows = rows[(rows["rater_kind"] == "human") & rows["criterion"].isin(rater.spec.criteria)]
    known: dict[str, list[Rating]] = defaultdict(list)
    for rating in context.run.records(Rating, rows[rows["response_id"].notna() & rows["against_id"].isna()]):
        known[rating.response_id].append(rating)
    return People(rater.spec, rater.version, known)


def settle(context: Context, use: RoundsUse, stopped: Sequence[tuple[Series, SeriesEnded]]) -> None:
    """Note which series could not go on, and why, and those no more that now can; give people what they are waited for.

    A series that has spent its budget, or was only to be exported, has ended as it should.

    Raises:
        IncompleteError: Series wait for people, or could not go on; the others are done.
    """
    run = context.run
    waiting: dict[str, Any] = dict.fromkeys(run.manifest.get("waiting", {}))
    caps = use.budget.model_dump(exclude_none=True)
    known = run.manifest.get("ended", {})
    ended: dict[str, str | None] = {
        key: reason if reason and run.manifest.get("budgets", {}).get(key) == caps else None
        for key, reason in known.items()
    }
    lines, asked = [], []
    for series, error in stopped:
        key = _key(series.name, series.learner.seed)
        if error.status == "budget":
            ended[key] = str(error)
            run.note(budgets={key: caps})
            continue
        if isinstance(error, Exported):
            _export(run, key, error, use.settings.get("system_prompt"))
            continue
        lines.append(f"  {key}: {error}")
        if isinstance(error, Waiting):
            run.write(error.items, f"{key} practice")
            run.write(error.practice, f"{key} practice")
            waiting[key] = {"rater": error.rater, "responses": [one.response_id for one in error.practice]}
            asked.append(error.rater)
        else:
            ended[key] = str(error)
    if ended != known:
        run.note(ended=ended)
    if waiting:
        run.note(waiting=waiting)
    if not lines:
        return
    how = "The others are done. The same command tries them again."
    if asked:
        how = (
            f"`harness annotate {run.folder} --rater-id NAME` shows people what is waited for, and `harness import "
            f"FILE --into {run.folder}` brings what they said elsewhere; then the same command goes on."
        )
    raise IncompleteError(f"{run.folder}: series that could not go on\n" + "\n".join(lines) + f"\n{how}")


def _export(run: Run, key: str, done: Exported, system: str | None) -> None:
    """Write the data of a series' first round in TRL's conversational formats, and the records that they come from."""
    for records in (done.items, done.practice, done.ratings):
        run.write(records, f"{key} practice")
    path = run.folder / "export" / f"{file_name(key)}-round001.jsonl"
    run.keep(path, conversational(done.examples, system))
    run.note(exported={key: f"export/{path.name}"})


def ended_before(context: Context, use: RoundsUse) -> dict[tuple[str, int], int]:
    """Return the series that have spent the very budget that they have now, or are exported, as finished."""
    caps, exported = use.budget.model_dump(exclude_none=True), context.run.manifest.get("exported", {})
    spent = context.run.manifest.get("budgets", {}) if caps else {}
    seeds = [context.suite.seed + number for number in range(use.seeds)]
    return {
        (series, seed): use.rounds
        for series in use.feedback
        for seed in seeds
        if spent.get(_key(series, seed), "") == caps or (use.export and _key(series, seed) in exported)
    }


def _key(series: str, seed: int) -> str:
    return f"{series}, seed {seed}"
