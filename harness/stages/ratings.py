"""The stage in which raters rate what was answered."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress

from harness.errors import UnavailableError
from harness.rating import (
    SHARD,
    Wanted,
    asks_by_batch,
    find_rater,
    missing,
    rate_work,
    rated_work,
    rater_facts,
    tasks_of,
    work_of,
)
from harness.stages.context import Context
from harness.stages.shards import rate_shard
from harness.suite import RaterUse


def rate_tasks(context: Context) -> None:
    """Let the raters of the suite rate each task, and those of data sets that people rated theirs."""
    uses: list[tuple[str, RaterUse, Wanted]] = [
        (use.called, rater_use, work_of) for use in context.suite.tasks for rater_use in use.raters
    ]
    for human in context.suite.ratings:
        with context.stage(f"people's ratings of {human.dataset} come in", 1) as progress:
            tasks = tasks_of(context.run, human.dataset, human.split, context.suite.limit_of(human), context.catalog)
            progress(1)
        uses += [(task, rater_use, rated_work) for task in tasks for rater_use in human.raters]
    hand_in_ratings(context, uses)
    for task, rater_use, wanted in uses:
        rate_task(context, task, rater_use, wanted)


def hand_in_ratings(context: Context, uses: Sequence[tuple[str, RaterUse, Wanted]]) -> None:
    """Hand in what judges ask by batch, for all tasks, before the first is waited for: each may take a day."""
    for task, use, wanted in uses:
        if not asks_by_batch(use.rater, context.catalog):
            continue
        with suppress(UnavailableError):  # said when its turn comes
            rater = find_rater(use.rater, context.catalog, context.surroundings)
            if (take := getattr(rater, "hand_in", None)) is not None:
                work = wanted(context.run, task, use, rater.spec)
                take(missing(context.run, rater, work, context.retry_errors))


def rate_task(
    context: Context, task: str, use: RaterUse, wanted: Wanted = work_of, practice: Collection[str] = ()
) -> None:
    """Let one rater rate what a task lacks of its ratings; one that this machine cannot give is noted and left."""
    try:
        rater = find_rater(use.rater, context.catalog, context.surroundings)
    except UnavailableError as error:
        context.refusals[use.rater] = str(error)
        return
    context.run.note(raters={use.rater: rater_facts(rater)})  # first: from now on, ratings by this version count
    work = wanted(context.run, task, use, rater.spec)
    left = missing(context.run, rater, work, context.retry_errors)
    with context.stage(f"{use.rater} rates {task}", len(left)) as progress:
        if context.cluster:
            context.spread(rate_shard, left, SHARD, progress, use.rater, rater.version, frozenset(practice))
        else:
            rate_work(context.run, rater, left, progress, practice)
