"""What a worker does: a shard of answers or of ratings, from its arguments to one part of the run; a learner's job.

A worker keeps its models, raters and tasks between shards, one shard at a time in a process.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any

from harness.answering import (
    Model,
    Query,
    RunCalls,
    Task,
    answer,
    chat_models,
    default_cache,
    load_task,
    make_model,
    questions,
    torch_folder,
)
from harness.beside import import_beside
from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.rating import Rater, Surroundings, Work, find_rater, rate_work
from harness.records import digest
from harness.run import Run, is_elsewhere
from harness.suite import ModelUse, TaskUse


@dataclass(frozen=True)
class Site:
    """Where shards are worked on, and how: the same for all of a command."""

    address: str
    """The run's folder, which every worker must reach under this name."""
    slots: int
    """Shards that the cluster works on at once: by so many a server's calls in flight are shared."""
    command: str
    """Tells one command from the next: workers that still have shards of the one before stop asking."""
    surroundings: Surroundings
    """Without a chat client: every worker makes its own. No cache means the worker's own."""
    include: tuple[str, ...] = ()
    limits: tuple[tuple[str, int | None], ...] = ()
    pins: tuple[tuple[str, str], ...] = ()


@dataclass
class _Workplace:
    """What a worker process keeps for a site."""

    run: Run
    catalog: Catalog
    surroundings: Surroundings
    calls: RunCalls
    raters: dict[str, Rater] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)
    queries: dict[tuple[str, str], tuple[Task, dict[str, Query]]] = field(default_factory=dict)


_WORKPLACES: dict[Site, _Workplace] = {}
_OPEN = ExitStack()
_ONE_AT_A_TIME = Lock()


def rate_shard(site: Site, name: str, version: str, practice: frozenset[str], shard: Sequence[Work]) -> int:
    """Rate work and write the ratings as one part.

    Raises:
        HarnessError: The worker has the rater in another version: other code, another prompt, another model.
    """
    with _at(site, digest(name, version, [_identity(work) for work in shard])) as place:
        if name not in place.raters:
            place.raters[name] = find_rater(name, place.catalog, place.surroundings)
        rater = place.raters[name]
        if rater.version != version:
            raise HarnessError(
                f"a worker has {name} in version {rater.version}, the command in {version}: let both have the same "
                "code, catalogues (--include) and isolation"
            )
        rate_work(place.run, rater, shard, practice=practice)
    return len(shard)


def answer_shard(site: Site, who: ModelUse, use: TaskUse, ids: Sequence[str]) -> int:
    """Let a model answer questions of a task and write the responses as one part.

    Raises:
        HarnessError: The worker's task asks other questions: other data, or another version of it.
    """
    with _at(site, digest(who.name, use.called, list(ids))) as place:
        if who.name not in place.models:
            folder = place.surroundings.cache or default_cache()
            threads = place.surroundings.workers
            place.models[who.name] = make_model(
                who, place.surroundings.chat, lambda: str(torch_folder(folder)), threads
            )
        model = place.models[who.name]
        if (who.name, use.called) not in place.queries:
            task = load_task(use, place.catalog, dict(site.limits).get(use.called), dict(site.pins))
            wanted = questions(task, use, model, who, place.surroundings.seed)
            place.queries[who.name, use.called] = task, {query.response_id: query for query in wanted}
        task, known = place.queries[who.name, use.called]
        absent = [name for name in ids if name not in known]
        if absent:
            raise HarnessError(
                f"a worker's task {use.called!r} asks other questions than the command's ({len(absent)} of "
                f"{len(ids)}): let both have the same code, catalogues (--include) and data"
            )
        answer(place.run, task, use, model, who, place.surroundings.seed, [known[name] for name in ids])
    return len(ids)


def nothing_else() -> None:
    """Wait until this worker has no shard."""
    with _ONE_AT_A_TIME:
        pass


def learner_job(beside: Mapping[str, str], packed: bytes) -> Any:
    """Do a job of a series: from files of its folder, which is the run's, to files there.

    Args:
        beside: Modules from files beside YAML, which the learner may be made of.
        packed: The job and its arguments, pickled.
    """
    with _ONE_AT_A_TIME:
        import_beside(beside)
        job, arguments = pickle.loads(packed)  # noqa: S301 from the command, by Dask, which pickles too
        return job(*arguments)


@contextmanager
def _at(site: Site, shard: str) -> Iterator[_Workplace]:
    with _ONE_AT_A_TIME:
        if site not in _WORKPLACES:
            _OPEN.close()  # of an earlier command
            _WORKPLACES.clear()
            run = Run(site.address)
            calls = RunCalls(run.folder, site.command)
            chat = _OPEN.enter_context(
                chat_models(site.surroundings, calls=calls, lease=lambda server, most: _lease(server, most, site.slots))
            )
            catalog = Catalog(site.include)

            def task(name: str) -> Task:
                return load_task(TaskUse(task=name), catalog, dict(site.limits).get(name), dict(site.pins))

            _WORKPLACES[site] = _Workplace(run, catalog, replace(site.surroundings, chat=chat, task=task), calls)
        place = _WORKPLACES[site]
        place.calls.begin(shard)
        yield place
        place.calls.end()


@contextmanager
def _lease(server: str, most: int, slots: int) -> Iterator[int]:
    """Hold this worker's part of the calls that a server may have in flight: a share, or what is free of it."""
    from distributed import Semaphore

    # the limit is in the name: a scheduler that has been there for long knows the one of an earlier suite
    leases = Semaphore(max_leases=most, name=f"harness {server} {most}")
    leases.acquire()
    held = 1
    try:
        while held < most // slots and leases.acquire(timeout="20ms"):
            held += 1
        yield held
    finally:
        for _ in range(held):
            leases.release()


def _identity(work: Work) -> list[Any]:
    return [work.response.response_id, work.against.response_id if work.against else None, work.repetition]


def site_of(
    run: Run,
    command: str,
    surroundings: Surroundings,
    include: Sequence[Path],
    slots: int,
    limits: tuple[tuple[str, int | None], ...],
    pins: tuple[tuple[str, str], ...],
) -> Site:
    """Return the site of a command: its surroundings without what belongs to this process."""
    plain = replace(surroundings, chat=None, catalog=None, task=None)
    folder = str(run.folder if is_elsewhere(run.folder) else run.folder.resolve())
    return Site(folder, slots, command, plain, tuple(map(str, include)), limits, pins)
