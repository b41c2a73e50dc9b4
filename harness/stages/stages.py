"""The stages of a suite in their order: models answer, raters rate, the learner is trained in rounds, the page is made.

Each stage does what the run lacks, so the same call again goes on where the last one stopped.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from harness.answering import (
    CHAT_PREFIXES,
    EMBEDDED,
    LOCAL,
    Budget,
    Progress,
    Question,
    Scores,
    Task,
    answer,
    chat_models,
    default_cache,
    load_task,
    make_model,
    questions,
    reference_responses,
    score,
    torch_folder,
    unanswered,
)
from harness.catalog import Catalog
from harness.errors import HarnessError, IncompleteError, UnavailableError, did_you_mean
from harness.learning import make_learner, run_feedback
from harness.rating import (
    Surroundings,
    Wanted,
    Work,
    find_rater,
    missing,
    rate_work,
    rated_work,
    rater_facts,
    read_spec,
    tasks_of,
    work_of,
)
from harness.records import digest
from harness.reporting import report
from harness.run import Run, fingerprint_of, host_facts, now
from harness.stages.names import check_names
from harness.suite import IMPORTED, RaterUse, Suite, TaskUse, read_suite

StageName = Literal["answer", "rate", "rounds", "report"]
STAGES: tuple[StageName, ...] = ("answer", "rate", "rounds", "report")

Stage = Callable[[str, int], AbstractContextManager[Progress]]
"""Shows one stage: called with its title and the number of records to come, gives the function that counts them."""


@contextmanager
def silent(title: str, total: int) -> Iterator[Progress]:
    """Show nothing."""
    yield lambda count: None


@dataclass(frozen=True)
class Workshop:
    """What every stage works with: the run, where things are found, and what raters and models share."""

    run: Run
    suite: Suite
    catalog: Catalog
    surroundings: Surroundings
    retry_errors: bool = False
    stage: Stage = silent
    tasks: dict[str, Task] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    """Raters that this machine cannot give, with what they lack."""
    unanswered: dict[str, str] = field(default_factory=dict)
    """Models and tasks with answers that failed for no fault of the model's, with how many and why."""

    def task(self, use: TaskUse) -> Task:
        """Return a task of the suite, loaded once."""
        if use.task not in self.tasks:
            known = self.run.manifest.get("tasks", {}).get(use.task, {}).get("data", [])
            pins = {one["dataset"]: one["revision"] for one in known if one["revision"]}
            self.tasks[use.task] = load_task(use, self.catalog, self.suite.limit_of(use), pins)
        return self.tasks[use.task]

    @property
    def cache(self) -> Path:
        """Where models and finished calls are kept."""
        return self.surroundings.cache or default_cache()


@contextmanager
def _open_workshop(
    run: Run,
    suite: Suite,
    include: Sequence[str | Path],
    cache: str | Path | None,
    workers: int,
    unsafe_local: bool,
    accept_same_process: bool,
    retry_errors: bool,
    max_cost: float | None,
    stage: Stage,
) -> Iterator[Workshop]:
    """Hold the run, and give what its stages work with.

    Raises:
        IncompleteError: At the end, if a rater could not be had: the run is whole but for its ratings.
    """
    place = Surroundings(
        suite.seed, Path(cache) if cache else default_cache(), workers, unsafe_local, accept_same_process
    )
    budget = Budget(max_cost) if max_cost is not None else None
    with run.lock(), chat_models(place, budget=budget) as chat:
        shop = Workshop(run, suite, Catalog(include), replace(place, chat=chat), retry_errors, stage)
        yield shop
    if shop.unanswered:
        lines = "\n".join(f"  {where}: {reason}" for where, reason in shop.unanswered.items())
        raise IncompleteError(f"{run.folder}: answers are missing\n{lines}\nThe same command asks for them again.")
    if shop.refusals:
        lines = "\n".join(f"  {rater}: {reason}" for rater, reason in shop.refusals.items())
        raise IncompleteError(f"{run.folder}: no ratings by\n{lines}\nThen the same command adds them.")


def run_suite(
    suite: Suite | str | Path,
    out: str | Path | None = None,
    *,
    include: Sequence[str | Path] = (),
    cache: str | Path | None = None,
    workers: int = 2,
    stages: Sequence[str] = STAGES,
    tasks: Sequence[str] | None = None,
    models: Sequence[str] | None = None,
    raters: Sequence[str] | None = None,
    unsafe_local: bool = False,
    accept_same_process: bool = False,
    retry_errors: bool = False,
    max_cost: float | None = None,
    stage: Stage = silent,
) -> Run:
    """Run a suite, or what is left of it.

    Args:
        suite: A suite, the path of its file, or its name in the catalogue.
        out: The run's folder; `runs/NAME` where not given.
        include: Folders with catalogues of the user's own.
        cache: Where models and finished calls are kept; the user's cache folder where not given.
        workers: Processes and threads at once.
        stages: Which stages: `answer`, `rate`, `rounds`, `report`.
        tasks: Only these tasks of the suite, now; the rest stays to be done. Without rounds.
        models: Only these models, likewise.
        raters: Only these raters, likewise.
        unsafe_local: Run model-written code without a sandbox; every rating so made says so.
        accept_same_process: Let tests that cannot be kept apart from the candidate run beside it; flagged.
        retry_errors: Ask raters again where they failed.
        max_cost: US dollars that this command may spend on calls at most.
        stage: Shows the progress of one stage.

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
    catalog = Catalog(include)
    suite = suite if isinstance(suite, Suite) else read_suite(suite, catalog)
    part = suite.narrowed(tasks, models, raters)
    folder = Path(out or Path("runs") / suite.name)
    done = fingerprint_of(folder, part, stages, catalog)
    known = done and not retry_errors and (folder / "manifest.json").is_file()
    if known and Run(folder).manifest.get("finished") == done:
        return Run(folder)
    check_names(suite, catalog)
    run = Run.create(folder, suite)
    with _open_workshop(
        run, part, include, cache, workers, unsafe_local, accept_same_process, retry_errors, max_cost, stage
    ) as shop:
        if max_cost is not None:
            _refuse_unpriced(part)
        run.freeze(suite)
        started = {} if run.manifest else {"times": {"started": now()}}
        run.note(suite=suite.name, seed=suite.seed, **host_facts(), **started)
        doing = {"answer": _answer, "rate": _rate, "rounds": _rounds, "report": _report}
        for name in STAGES:
            if name in stages:
                doing[name](shop)
    run.note(finished=fingerprint_of(folder, part, stages, catalog))
    return run


def rate(
    run: Run | str | Path,
    raters: Sequence[str],
    *,
    tasks: Sequence[str] | None = None,
    against: Literal["reference", "sample"] = "reference",
    include: Sequence[str | Path] = (),
    cache: str | Path | None = None,
    workers: int = 2,
    unsafe_local: bool = False,
    accept_same_process: bool = False,
    retry_errors: bool = False,
    max_cost: float | None = None,
    stage: Stage = silent,
) -> Run:
    """Rate the stored answers of a run by more raters; no model is asked again.

    Args:
        run: The run or its folder.
        raters: Names of raters in the catalogue.
        tasks: Only these tasks; where not given, all whose family the rater fits.
        against: For raters that compare: the other side.
        include: Folders with catalogues of the user's own.
        cache: Where models and finished calls are kept.
        workers: Processes and threads at once.
        unsafe_local: Run model-written code without a sandbox; every rating so made says so.
        accept_same_process: Let tests that cannot be kept apart from the candidate run beside it; flagged.
        retry_errors: Ask raters again where they failed.
        max_cost: US dollars that this command may spend on calls at most.
        stage: Shows the progress of one stage.

    Returns:
        The run.
    """
    run = run if isinstance(run, Run) else Run(run)
    with _open_workshop(
        run, run.suite, include, cache, workers, unsafe_local, accept_same_process, retry_errors, max_cost, stage
    ) as shop:
        first = run.items.drop_duplicates("task")
        families = dict(zip(first["task"].astype(str), first["family"].astype(str), strict=True))
        for name in raters:
            spec = read_spec(name, shop.catalog)
            if spec.kind == "human":
                raise HarnessError(f"{name} is people: `harness annotate {run.folder}`, or `harness import`")
            own = {use.task for use in run.suite.tasks} or set(families)
            fits = {str(family) for family in spec.families} or set(families.values())
            fitting = [task for task, family in families.items() if task in own and family in fits]
            chosen = tasks or fitting
            if not chosen:
                raise HarnessError(f"{name} rates {', '.join(spec.families)}, and the run has none; name one by --task")
            for task in chosen:
                if task not in families:
                    raise HarnessError(f"{run.folder} has no task {task!r}.{did_you_mean(task, families)}")
                _rate_task(shop, task, RaterUse(rater=name, against=against))
        if (run.folder / "report.html").is_file():
            _report(shop)  # the page would say what was true before
    return run


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


def _answer(shop: Workshop) -> None:
    """Let each model of the suite answer each task; a model is loaded once, and let go when it is done."""
    threads = shop.surroundings.workers
    for who in shop.suite.models:
        if who.model == IMPORTED:  # its answers are there, and nobody is asked again
            continue
        if who.model == EMBEDDED:
            with shop.stage("the embedded model is fetched", 1) as progress:
                torch_folder(shop.cache)
                progress(1)
        model = make_model(who, shop.surroundings.chat, lambda: str(torch_folder(shop.cache)), threads)
        found: dict[str, Scores] = shop.run.manifest.get("scores", {}).get(who.name, {})
        for use in shop.suite.tasks:
            task = shop.task(use)
            _keep_items(shop.run, task)
            wanted = questions(task, use, model, who, shop.suite.seed)
            shop.run.retire(who.name, use.task, [question.response_id for question in wanted])
            left = unanswered(shop.run, wanted, shop.retry_errors)
            shop.run.note(models={who.name: who.model_dump(exclude_defaults=True)})
            with shop.stage(f"{who.name} answers {use.task}", len(left)) as progress:
                answer(shop.run, task, use, model, who, shop.suite.seed, left, progress)
            failed = unanswered(shop.run, wanted)
            if failed:
                shop.unanswered[f"{who.name} on {use.task}"] = _why_failed(shop.run, failed, len(wanted))
            scores = score(shop.run, task, wanted)
            if scores is not None:
                found[use.task] = scores
        shop.run.note(scores={who.name: found})
        model.close()


def _why_failed(run: Run, failed: Sequence[Question], n: int) -> str:
    ids = {question.response_id for question in failed}
    reasons = run.responses.loc[run.responses["response_id"].isin(ids), "error"]
    return f"{len(failed)} of {n} answers failed, the first with: {reasons.iloc[0]}"


def _keep_items(run: Run, task: Task) -> None:
    """Write a task's items and references where the run has none, or has others: the task was changed since."""
    facts = task_facts(task)
    if run.manifest.get("tasks", {}).get(task.name, {}).get("hash") == facts["hash"]:
        return
    run.replace_items(task.name, task.items)
    references = reference_responses(task.items)
    run.write(references, f"{task.name}-reference")
    run.retire("reference", task.name, [one.response_id for one in references])
    run.note(tasks={task.name: facts})  # last: until then the same command does all of it again


def _rate(shop: Workshop) -> None:
    for use in shop.suite.tasks:
        for rater_use in use.raters:
            _rate_task(shop, use.task, rater_use)
    for human in shop.suite.ratings:
        with shop.stage(f"people's ratings of {human.dataset} come in", 1) as progress:
            tasks = tasks_of(shop.run, human.dataset, human.split, shop.suite.limit_of(human), shop.catalog)
            progress(1)
        for task in tasks:
            for rater_use in human.raters:
                _rate_task(shop, task, rater_use, rated_work)


def _rate_task(shop: Workshop, task: str, use: RaterUse, wanted: Wanted = work_of) -> None:
    try:
        rater = find_rater(use.rater, shop.catalog, shop.surroundings)
    except UnavailableError as error:
        shop.refusals[use.rater] = str(error)
        return
    shop.run.note(raters={use.rater: rater_facts(rater)})  # first: from now on, ratings by this version count
    work = wanted(shop.run, task, use, rater.spec)
    left = missing(shop.run, rater, work, shop.retry_errors)
    with shop.stage(f"{use.rater} rates {task}", len(left)) as progress:
        rate_work(shop.run, rater, left, progress)


def _rounds(shop: Workshop) -> None:
    """Train the learner with each kind of feedback, and let the gold rater rate the held-out answers of every round."""
    use = shop.suite.rounds
    if use is None:
        return
    run = shop.run
    learner = make_learner(use.learner, use.settings, shop.suite.seed)
    held_out = learner.held_out(min(use.items, shop.suite.limit or use.items))
    gold = find_rater(use.gold, shop.catalog, shop.surroundings)
    raters = {
        series: find_rater(name, shop.catalog, shop.surroundings) if name else None
        for series, name in use.feedback.items()
    }
    for rater in (gold, *raters.values()):
        if rater is not None:
            run.note(raters={rater.spec.name: rater_facts(rater)})
    finished: dict[str, int] = {}
    for row in run.rounds.itertuples():
        finished[str(row.series)] = max(int(str(row.round)), finished.get(str(row.series), -1))
    left = sum(use.rounds - finished.get(series, -1) for series in raters)
    if left:
        run.write(held_out, "held-out")
    states = run.folder / ".states"
    with shop.stage("the learner trains", left) as progress:
        for done in run_feedback(
            learner,
            raters,
            use.rounds,
            held_out=held_out,
            state_dir=states,
            finished=finished,
            workers=shop.surroundings.workers,
        ):
            part = f"{learner.name}-{done.summary.series}-round{done.summary.round:03d}"
            for records in (done.responses, done.practice_items, done.practice, done.ratings):
                run.write(records, part)
            items = {item.item_id: item for item in held_out}
            answers = [Work(items[response.item_id], response) for response in done.responses]
            run.write(gold.rate(answers), f"{part}-{use.gold}")
            run.write_round(done.summary.model_dump())  # last: a round with a summary is whole
            progress(1)
    shutil.rmtree(states, ignore_errors=True)


def _report(shop: Workshop) -> None:
    with shop.stage("the page", 1) as progress:
        report(shop.run)
        progress(1)


def task_facts(task: Task) -> dict[str, Any]:
    """Return what the manifest says of a task: its size, the hash of its contents, its card."""
    return {
        "family": task.facts.family,
        "items": len(task.items),
        "hash": digest([item.content_hash for item in task.items]),
        "card": task.card,
        "data": [asdict(origin) for origin in task.data],
    }
