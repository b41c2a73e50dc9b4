"""Raters rate responses: what a run lacks is worked on in shards, and written as ratings.

Work is done when the run has a rating of the same rater, in the same version, of the same response (and other side,
and repetition). So a rater that is added later rates stored answers, a changed rubric rates anew, and an
interrupted command goes on.
"""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.rating.rater import NO_ANSWER, Rater, RaterSpec, Surroundings, Work, make_rater
from harness.records import Item, Response
from harness.run import Run, practised
from harness.suite import RaterUse, read_document

SHARDS = {"judge": 512, "reward_model": 512}
SHARD = 2000
"""Pieces of work a shard: what is written at once. A killed process loses its shard, but no call: those are cached."""

Progress = Callable[[int], None]
Wanted = Callable[[Run, str, RaterUse, RaterSpec], list[Work]]
"""The work of a rater on a task of a run."""


def find_rater(name: str, catalog: Catalog, surroundings: Surroundings) -> Rater:
    """Return the rater of a folder in the catalogue `raters/`.

    Raises:
        HarnessError: There is none of that name, or its rater.yaml does not fit.
    """
    return make_rater(read_spec(name, catalog), replace(surroundings, catalog=catalog))


def read_spec(name: str, catalog: Catalog) -> RaterSpec:
    """Return the declaration of a rater in the catalogue.

    Raises:
        HarnessError: There is none of that name, or its rater.yaml does not fit.
    """
    folder = catalog.find("raters", name)
    return read_document(folder / "rater.yaml").check(RaterSpec, name=name, folder=folder)


def work_of(run: Run, task: str, use: RaterUse, spec: RaterSpec, practice: bool = False) -> list[Work]:
    """Return every piece of work that a suite wants of a rater on a task, done or not.

    Responses that failed because of the provider (status not `ok`) are work too: the rater says what it makes of them.
    What a loop's models answered for practice is work only where `practice` says so.
    """
    rows = run.items[run.items["task"] == task].sort_values("item_id", kind="stable")
    items = {item.item_id: item for item in run.records(Item, rows[: use.limit])}
    rows = run.responses[(run.responses["task"] == task) & run.responses["item_id"].isin(list(items))]
    if not practice:
        rows = rows[~rows["response_id"].isin(practice_of(run))]
    groups: dict[tuple[str, str, str | None, int | None], list[Response]] = defaultdict(list)
    for response in run.records(Response, rows.sort_values(["model", "item_id", "sample"], kind="stable")):
        groups[(response.model, response.item_id, response.series, response.round)].append(response)
    references = {key[1]: group[0] for key, group in groups.items() if key[0] == "reference"}
    lists: dict[str, list[Response]] = defaultdict(list)
    for (model, item_id, _, _), samples in groups.items():
        if model != "reference":
            lists[item_id].extend(samples[: use.samples])
    work = []
    for (model, item_id, _, _), samples in groups.items():
        if model == "reference":
            continue
        siblings = tuple(lists[item_id] if spec.lists else samples)
        for response, against in _sides(samples, use, spec, references.get(item_id)):
            for repetition in range(use.repetitions):
                work.append(Work(items[item_id], response, against, repetition, siblings))
    return work


def practice_of(run: Run) -> set[str]:
    """Return the ids of what the models of the run's loop answered for practice; none where it has no rounds."""
    if not run.suite.rounds:
        return set()
    return set(run.responses.loc[practised(run.responses, run.ratings, run.suite.rounds.gold), "response_id"])


def _sides(
    samples: list[Response], use: RaterUse, spec: RaterSpec, reference: Response | None
) -> Iterator[tuple[Response, Response | None]]:
    chosen = samples[: use.samples]
    if not spec.compares:
        yield from ((response, None) for response in chosen)
    elif use.against == "reference":
        if reference is None:
            where = f"task {samples[0].task!r}, item {samples[0].item_id!r}"
            raise HarnessError(f"{spec.name} compares against references, but {where} has none; use `against: sample`")
        yield from ((response, reference) for response in chosen)
    else:
        yield from zip(chosen, samples[1:], strict=False)


def missing(run: Run, rater: Rater, work: Sequence[Work], retry_errors: bool = False) -> list[Work]:
    """Return the work that the run has no rating of, or one from when its response had not come.

    With `retry_errors` also the work whose rating failed.
    """
    rows = run.ratings[(run.ratings["rater"] == rater.spec.name) & (run.ratings["rater_version"] == rater.version)]
    keys = rows[["response_id", "against_id", "repetition"]].astype(object).where(lambda cells: cells.notna(), None)
    done = set(keys.itertuples(index=False, name=None))
    failed: set[tuple[str, str | None, int]] = set()
    if retry_errors:  # one failed order of a comparison, or criterion of several, and the whole is asked again
        failed = set(keys[~rows["status"].isin(["ok", "skipped"])].itertuples(index=False, name=None))
    without = rows["value"].isna() & rows["error"].str.startswith(NO_ANSWER, na=False)
    early = set(keys[without].itertuples(index=False, name=None))
    there = [
        entry for entry in work if all(side is None or side.status == "ok" for side in (entry.response, entry.against))
    ]
    done -= {_key(entry) for entry in there} & early
    left = [entry for entry in work if _key(entry) not in done - failed]
    return [replace(entry, again=True) if _key(entry) in failed else entry for entry in left]


def _key(work: Work) -> tuple[str, str | None, int]:
    return work.response.response_id, work.against.response_id if work.against else None, work.repetition


def rate_work(
    run: Run,
    rater: Rater,
    work: Sequence[Work],
    progress: Progress = lambda _: None,
    practice: Collection[str] = (),
) -> None:
    """Rate work and write the ratings, shard by shard; those of answers for practice carry the flag that says so."""
    size = max(SHARDS.get(rater.spec.kind, SHARD), getattr(rater, "at_once", 0))
    for start in range(0, len(work), size):
        shard = work[start : start + size]
        ratings, seen = [], set()
        for rating in rater.rate(shard):
            if rating.response_id in practice:
                rating = rating.model_copy(update={"flags": [*rating.flags, "selection_item"]})
            ratings.append(rating)
            key = (rating.response_id, rating.against_id, rating.repetition)
            if key not in seen:
                seen.add(key)
                progress(1)
        places = {_key(entry): place for place, entry in enumerate(shard)}  # answers come in any order
        ratings.sort(key=lambda rating: places[rating.response_id or "", rating.against_id, rating.repetition])
        task, name = shard[0].item.task, rater.spec.name
        again = f"harness rate {{run}} --rater {shlex.quote(name)} --task {shlex.quote(task)}"
        run.write(ratings, f"{task}-{name}", again)
