"""The stages of a suite in their order: models answer, raters rate, the learner is trained in rounds, the page is made.

Each stage does what the run lacks, so the same call again goes on where the last one stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Literal, Unpack

from harness.answering import CHAT_PREFIXES, EMBEDDED, LOCAL, expanded, group_facts, within
from harness.catalog import Catalog
from harness.errors import HarnessError, UnavailableError, did_you_mean
from harness.rating import Wanted, asks_by_batch, find_rater, practice_of, read_spec, work_of
from harness.reporting import report
from harness.run import Run, fingerprint_of, host_facts, now, place_of
from harness.run import opened as opened_run
from harness.stages.answers import answer_tasks
from harness.stages.context import Context, Options, opened
from harness.stages.exchange import exchange_labels
from harness.stages.names import check_names
from harness.stages.ratings import hand_in_ratings, rate_task, rate_tasks
from harness.stages.rounds import train_rounds
from harness.suite import IMPORTED, RaterUse, Suite, read_suite

StageName = Literal["answer", "rate", "rounds", "exchange", "report"]
STAGES: tuple[StageName, ...] = ("answer", "rate", "rounds", "exchange", "report")


def run_suite(
    suite: Suite | str | Path,
    out: str | Path | None = None,
    *,
    stages: Sequence[str] = STAGES,
    tasks: Sequence[str] | None = None,
    models: Sequence[str] | None = None,
    raters: Sequence[str] | None = None,
    **options: Unpack[Options],
) -> Run:
    """Run a suite, or what is left of it.

    Args:
        suite: A suite, the path of its file, or its name in the catalogue.
        out: The run's folder; `runs/NAME` where not given.
        stages: Which stages: `answer`, `rate`, `rounds`, `exchange`, `report`.
        tasks: Only these tasks of the suite, now; the rest stays to be done. Without rounds.
        models: Only these models, likewise.
        raters: Only these raters, likewise.
        **options: How to work: see `Options`.

    Returns:
        The run.

    Raises:
        HarnessError: Something that the suite names is missing or wrong, or a price is not known and `max_cost` is
            given.
        IncompleteError: Another command is working on the run.
        BudgetError: The next call might exceed `max_cost`; the same call goes on.
    """
    for name in stages:
        if name not in STAGES:
            raise HarnessError(f"no stage {name!r}.{did_you_mean(name, STAGES)}")
    if not stages:
        raise HarnessError(f"no stage is named; known: {', '.join(STAGES)}")
    catalog = Catalog(options.get("include", ()))
    suite = suite if isinstance(suite, Suite) else read_suite(suite, catalog)
    check_names(suite, catalog)
    suite, groups = expanded(suite, catalog)
    part = suite.narrowed(within(tasks, groups), models, raters)
    folder = place_of(out or Path("runs") / suite.name)
    done = fingerprint_of(folder, part, stages, catalog)
    known = done and not options.get("retry_errors") and (folder / "manifest.json").is_file()
    if known and Run(folder).manifest.get("finished") == done:
        return Run(folder)
    run = Run.create(folder, suite)
    with opened(run, part, options) as context:
        if options.get("max_cost") is not None:
            _refuse_unpriced(part)
        run.freeze(suite)
        started = {} if run.manifest else {"times": {"started": now()}}
        run.note(suite=suite.name, seed=suite.seed, **host_facts(), **started)
        if groups:
            run.note(groups=group_facts(groups))
        doing = {
            "answer": answer_tasks, "rate": rate_tasks, "rounds": train_rounds, "exchange": exchange_labels,
            "report": _report,
        }  # fmt: skip
        _make_clients(context, stages)
        for name in STAGES:
            if name in stages:
                doing[name](context)
    run.note(finished=fingerprint_of(folder, part, stages, catalog))
    return run


def rate(
    run: Run | str | Path,
    raters: Sequence[str],
    *,
    tasks: Sequence[str] | None = None,
    against: Literal["reference", "sample"] = "reference",
    practice: bool = False,
    **options: Unpack[Options],
) -> Run:
    """Rate the stored answers of a run by more raters; no model is asked again.

    A page that there is says from then on that it is older than the run; `harness report` makes it anew, once for all.

    Args:
        run: The run or its folder.
        raters: Names of raters in the catalogue.
        tasks: Only these tasks; where not given, all whose family the rater fits.
        against: For raters that compare: the other side.
        practice: Rate what a loop's models answered for practice too; such ratings are flagged `selection_item`.
        **options: How to work: see `Options`.

    Returns:
        The run.
    """
    run = opened_run(run)
    with opened(run, run.suite, options) as context:
        first = run.items.drop_duplicates("task")
        families = dict(zip(first["task"].astype(str), first["family"].astype(str), strict=True))
        uses: list[tuple[str, RaterUse, Wanted]] = []
        for name in raters:
            spec = read_spec(name, context.catalog)
            if spec.kind == "human":
                raise HarnessError(f"{name} is people: `harness annotate {run.folder}`, or `harness import`")
            own = {use.called for use in run.suite.tasks} or set(families)
            fits = {str(family) for family in spec.families} or set(families.values())
            fitting = [task for task, family in families.items() if task in own and family in fits]
            chosen = tasks or fitting
            if not chosen:
                raise HarnessError(f"{name} rates {', '.join(spec.families)}, and the run has none; name one by --task")
            for task in chosen:
                if task not in families:
                    raise HarnessError(f"{run.folder} has no task {task!r}.{did_you_mean(task, families)}")
                uses.append((task, RaterUse(rater=name, against=against), partial(work_of, practice=practice)))
        hand_in_ratings(context, uses)
        for task, use, wanted in uses:
            rate_task(context, task, use, wanted, practice_of(run) if practice else ())
    return run


def _report(context: Context) -> None:
    with context.stage("the page", 1) as progress:
        report(context.run)
        progress(1)


def _make_clients(context: Context, stages: Sequence[str]) -> None:
    """Make the clients of what is asked by batch: a server that has no batches is said so before any model is asked.

    Raises:
        HarnessError: A client cannot be made, or its server has no batches.
    """
    suite = context.suite
    for who in suite.models if "answer" in stages else ():
        if who.args.get("batch"):
            context.surroundings.chat({"model": who.model, **who.args})
    uses = [use for task in suite.tasks for use in task.raters] + [use for one in suite.ratings for use in one.raters]
    for name in dict.fromkeys(use.rater for use in uses) if "rate" in stages else ():
        if asks_by_batch(name, context.catalog):
            with suppress(UnavailableError):  # said when its turn comes
                find_rater(name, context.catalog, context.surroundings)


def _refuse_unpriced(suite: Suite) -> None:
    """Refuse models whose cost nobody tells: those that lm-eval asks through an API.

    Raises:
        HarnessError: The suite has one.
    """
    for who in suite.models:
        if who.model not in (EMBEDDED, IMPORTED) and not who.model.startswith((*CHAT_PREFIXES, *LOCAL)):
            raise HarnessError(
                f"--max-cost cannot be kept: lm-eval does not tell what {who.model!r} costs; use `openai:NAME`"
            )
