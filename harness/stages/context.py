"""What the stages of a command work with: the run, the options, and what raters and models share."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypedDict
from uuid import uuid4

from harness.answering import Budget, Progress, RunCalls, Task, chat_models, default_cache, load_task
from harness.beside import modules_beside
from harness.catalog import Catalog
from harness.errors import HarnessError, IncompleteError
from harness.rating import Surroundings
from harness.run import Run
from harness.stages.cluster import Cluster, cluster_of
from harness.stages.shards import learner_job, nothing_else, site_of
from harness.suite import Suite, TaskUse

Stage = Callable[[str, int], AbstractContextManager[Progress]]
"""Shows one stage: called with its title and the number of records to come, gives the function that counts them."""


class Options(TypedDict, total=False):
    """How a command works, whatever it does; every key may be left out."""

    include: Sequence[str | Path]
    """Folders with catalogues of the user's own."""
    cache: str | Path | None
    """Where models and finished calls are kept; the user's cache folder where not given."""
    workers: int
    """Processes and threads at once; 2 where not given."""
    unsafe_local: bool
    """Run model-written code without a sandbox; every rating so made says so."""
    accept_same_process: bool
    """Let tests that cannot be kept apart from the candidate run beside it; flagged."""
    retry_errors: bool
    """Ask raters again where they failed."""
    max_cost: float | None
    """US dollars that this command may spend on calls at most."""
    stage: Stage
    """Shows the progress of one stage."""
    note: Callable[[str], None]
    """Is told in a line how far something is that is waited for: a batch of calls."""
    executor: str | None
    """Who works: `local` (the default), or `dask:ADDRESS`, `dask:local:N`: see `cluster_of`."""


@contextmanager
def silent(title: str, total: int) -> Iterator[Progress]:
    """Show nothing."""
    yield lambda count: None


def _unheard(line: str) -> None:
    """Let a line be."""


@dataclass(frozen=True)
class Context:
    """What every stage works with: the run, where things are found, and what raters and models share."""

    run: Run
    suite: Suite
    catalog: Catalog
    surroundings: Surroundings
    retry_errors: bool = False
    stage: Stage = silent
    cluster: Cluster | None = None
    command: str = ""
    """Tells this command from the next, on a cluster."""
    budget: Budget | None = None
    """What this command may spend on calls; None for as much as they cost."""
    tasks: dict[str, Task] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    """Raters that this machine cannot give, with what they lack."""
    unanswered: dict[str, str] = field(default_factory=dict)
    """Models and tasks with answers that failed for no fault of the model's, with how many and why."""

    def task(self, use: TaskUse) -> Task:
        """Return a task of the suite, loaded once."""
        if use.called not in self.tasks:
            known = self.run.manifest.get("tasks", {}).get(use.called, {}).get("data", [])
            pins = {one["dataset"]: one["revision"] for one in known if one["revision"]}
            self.tasks[use.called] = load_task(use, self.catalog, self.suite.limit_of(use), pins)
        return self.tasks[use.called]

    def spread(self, job: Callable[..., int], work: Sequence[Any], most: int, progress: Progress, *first: Any) -> None:
        """Let the cluster do work in shards: each by `job(site, *first, shard)`, which returns how much it did."""
        assert self.cluster is not None
        limits = tuple((use.called, self.suite.limit_of(use)) for use in self.suite.tasks)
        pins = tuple(
            (one["dataset"], one["revision"])
            for facts in self.run.manifest.get("tasks", {}).values()
            for one in facts["data"]
            if one["revision"]
        )
        site = site_of(
            self.run, self.command, self.surroundings, self.catalog.roots[:-1], self.cluster.slots, limits, pins
        )
        for count in self.cluster.do(job, [(site, *first, shard) for shard in self.cluster.cut(work, most)]):
            progress(count)
        self.run.changed()

    @property
    def call(self) -> Callable[..., Any] | None:
        """Runs a job of a learner on the cluster; None where there is none."""
        cluster = self.cluster
        if cluster is None:
            return None
        return lambda job, *arguments: cluster.call(learner_job, modules_beside(), pickle.dumps((job, arguments)))

    @property
    def cache(self) -> Path:
        """Where models and finished calls are kept."""
        return self.surroundings.cache or default_cache()


@contextmanager
def opened(run: Run, suite: Suite, options: Options) -> Iterator[Context]:
    """Hold the run, and give what its stages work with.

    Raises:
        IncompleteError: At the end, if a rater could not be had: the run is whole but for its ratings.
    """
    cache, max_cost = options.get("cache"), options.get("max_cost")
    place = Surroundings(
        suite.seed,
        Path(cache) if cache else default_cache(),
        options.get("workers", 2),
        options.get("unsafe_local", False),
        options.get("accept_same_process", False),
    )
    executor = options.get("executor")
    if max_cost is not None and executor not in (None, "local"):
        raise HarnessError("--max-cost is kept by one process: with --executor, set a limit with the provider instead")
    budget = Budget(max_cost) if max_cost is not None else None

    def task(name: str) -> Task:
        return context.task(next((use for use in suite.tasks if use.called == name), TaskUse(task=name)))

    def adapted(found: dict[str, dict[str, str]]) -> None:
        run.note(endpoints=found)

    with (
        run.lock(),
        chat_models(
            place,
            options.get("note", _unheard),
            budget,
            adapted,
            batches=run.folder / "batches",
            alone=executor in (None, "local"),
        ) as chat,
        cluster_of(executor) as cluster,
    ):
        context = Context(
            run,
            suite,
            Catalog(options.get("include", ())),
            replace(place, chat=chat, task=task),
            options.get("retry_errors", False),
            options.get("stage", silent),
            cluster,
            uuid4().hex,
            budget,
        )
        calls = RunCalls(run.folder, context.command)
        if cluster and calls.take_over():
            cluster.settle(nothing_else)
        yield context
        if cluster:
            calls.clear()
    if context.unanswered:
        lines = "\n".join(f"  {where}: {reason}" for where, reason in context.unanswered.items())
        raise IncompleteError(f"{run.folder}: answers are missing\n{lines}\nThe same command asks for them again.")
    if context.refusals:
        lines = "\n".join(f"  {rater}: {reason}" for rater, reason in context.refusals.items())
        raise IncompleteError(f"{run.folder}: no ratings by\n{lines}\nThen the same command adds them.")
