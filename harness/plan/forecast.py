"""What a suite would do, before anything is asked: items, calls, tokens, time and cost, and what is there already.

The suite is run dry: in a run of its own that is thrown away, its tasks are loaded, and its models and judges go
through their own code with clients that write down what they are asked and send nothing. So the calls are the very
calls of the run, and the cache can be asked for each. What nobody can know before is between a low and a high figure:
how long answers get, and how fast a server is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.answering import (
    EMBEDDED,
    LOCAL,
    Model,
    Query,
    Task,
    answer,
    default_cache,
    expanded,
    load_task,
    make_model,
    questions,
    reference_responses,
    unanswered,
    within,
)
from harness.catalog import Catalog
from harness.plan import rounds
from harness.plan.dry_run import (
    ASSUMED,
    CHARACTERS,
    READS,
    SHORT,
    DryRun,
    Range,
    dry_clients,
    dry_run,
    total,
)
from harness.rating import SHARD, Surroundings, Wanted, find_rater, missing, rated_work, read_spec, tasks_of, work_of
from harness.records import Response
from harness.run import Run, place_of
from harness.stages import check_names, cluster_of
from harness.suite import IMPORTED, ModelUse, RaterUse, Suite, TaskUse, read_suite


@dataclass(frozen=True)
class Line:
    """One line of a plan: a model on a task, a rater on a task, or the rounds.

    Attributes:
        stage: answer, rate or rounds.
        who: The model, the rater or the learner.
        task: The task.
        items: Items.
        wanted: Responses or ratings that the suite wants.
        there: How many of them the run has.
        calls: Calls to a model for the others.
        cached: How many of the calls the cache of calls answers.
        prompt_tokens: Tokens of the calls that are not cached.
        completion_tokens: Tokens of their answers, low and high.
        cost_usd: What they cost, low and high; None where a price is not known.
        direct_usd: What they cost one by one, likewise.
        batch_usd: What they cost in batches, where the server has them (`batch: true` of a model).
        seconds: What they take, low and high; None where that is not known. Of rounds of training from the shortest
            and the longest that the run has already: a minute of them tells the rest.
        labels: Of rounds the samples that raters rate at most, by kind: `all`, and `people` of those; None where the
            learner does not say how many it draws and no round is there.
        disk_bytes: Of rounds what they write, from what those that are there have written; None where none is.
    """

    stage: str
    who: str
    task: str
    items: int
    wanted: int
    there: int
    calls: int = 0
    cached: int = 0
    prompt_tokens: int = 0
    completion_tokens: Range = (0, 0)
    cost_usd: Range | None = (0.0, 0.0)
    direct_usd: Range | None = (0.0, 0.0)
    batch_usd: Range | None = (0.0, 0.0)
    seconds: Range | None = None
    labels: dict[str, int] | None = None
    disk_bytes: int | None = None


@dataclass(frozen=True)
class Plan:
    """What a suite would do."""

    suite: str
    lines: list[Line]
    slots: int = 1
    """Shards that the executor works on at once; 1 for this machine alone."""
    shards: int | None = None
    """Shards that answers and ratings are cut into for the executor; None for this machine alone."""
    assumed: Sequence[str] = ASSUMED

    @property
    def calls(self) -> int:
        """Calls, the cached ones among them."""
        return sum(line.calls for line in self.lines)

    @property
    def cost_usd(self) -> Range | None:
        """The whole cost, low and high; None where a price is not known."""
        return total([line.cost_usd for line in self.lines])

    @property
    def direct_usd(self) -> Range | None:
        """The whole cost where nothing goes by batch."""
        return total([line.direct_usd for line in self.lines])

    @property
    def batch_usd(self) -> Range | None:
        """The whole cost where everything goes by batch that can."""
        return total([line.batch_usd for line in self.lines])

    @property
    def seconds(self) -> Range | None:
        """The time of all lines of which it is known, low and high."""
        return total([line.seconds for line in self.lines if line.seconds is not None])

    @property
    def untimed(self) -> list[str]:
        """Who takes time that is not known."""
        return list(dict.fromkeys(one.who for one in self.lines if one.seconds is None and one.wanted > one.there))

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        names = ("calls", "cost_usd", "direct_usd", "batch_usd", "seconds", "untimed")
        total = {name: getattr(self, name) for name in names}
        return {
            "suite": self.suite,
            "slots": self.slots,
            "shards": self.shards,
            "lines": [asdict(line) for line in self.lines],
            "total": total,
            "assumed": list(self.assumed),
        }


def plan_suite(
    suite: Suite | str | Path,
    out: str | Path | None = None,
    *,
    tasks: Sequence[str] | None = None,
    models: Sequence[str] | None = None,
    raters: Sequence[str] | None = None,
    include: Sequence[str | Path] = (),
    cache: str | Path | None = None,
    workers: int = 2,
    executor: str | None = None,
) -> Plan:
    """Return what a suite would do, or what is left of it. Nothing is asked of any model.

    Args:
        suite: A suite, the path of its file, or its name in the catalogue.
        out: The run's folder; `runs/NAME` where not given. What it has already is not done again.
        tasks: Only these tasks of the suite.
        models: Only these models.
        raters: Only these raters.
        include: Folders with catalogues of the user's own.
        cache: Where models and finished calls are kept.
        workers: Processes and threads at once.
        executor: Who would work; see `cluster_of`. It is asked how many slots it has, and for nothing else.

    Raises:
        HarnessError: Something that the suite names is missing or wrong.
    """
    catalog = Catalog(include)
    suite = suite if isinstance(suite, Suite) else read_suite(suite, catalog)
    check_names(suite, catalog)
    suite, groups = expanded(suite, catalog)
    folder = place_of(out or Path("runs") / suite.name)
    place = Surroundings(suite.seed, Path(cache) if cache else default_cache(), workers)
    with dry_run(folder, suite) as run, dry_clients(place) as (clients, surroundings):
        stage = _Stage(run, suite.narrowed(within(tasks, groups), models, raters), catalog, clients, surroundings)
        lines = list(stage.lines())
    with cluster_of(executor) as cluster:
        if cluster is None:
            return Plan(suite.name, lines)
        left = [range(line.wanted - line.there) for line in lines if line.stage != "rounds"]
        return Plan(suite.name, lines, cluster.slots, sum(len(cluster.cut(work, SHARD)) for work in left))


@dataclass(frozen=True)
class _Stage:
    """A dry_run: the run that is thrown away, and what its models and raters work with."""

    run: Run
    suite: Suite
    catalog: Catalog
    clients: dict[str, DryRun]
    surroundings: Surroundings

    def lines(self) -> Iterator[Line]:
        """Yield the lines of the plan in the order of the work."""
        asked = [who for who in self.suite.models if who.model != IMPORTED]
        for use in self.suite.tasks if asked else []:
            pins = _pins(self.run, use.called)
            task = load_task(use, self.catalog, self.suite.limit_of(use), pins)
            self.run.replace_items(use.called, task.items)
            self.run.write(reference_responses(task.items), f"{use.called}-reference")
            for who in asked:
                yield self._answers(task, use, who)
        for use in self.suite.tasks:
            for entry in use.raters:
                if read_spec(entry.rater, self.catalog).kind != "human":
                    yield self._ratings(use.called, entry)
        for human in self.suite.ratings:
            limit = self.suite.limit_of(human)
            for name in tasks_of(self.run, human.dataset, human.split, limit, self.catalog, key=bytes(32)):
                for entry in human.raters:
                    yield self._ratings(name, entry, rated_work)
        if self.suite.rounds:
            yield self._rounds()

    def _answers(self, task: Task, use: TaskUse, who: ModelUse) -> Line:
        model = make_model(who, self.surroundings.chat, lambda: "", self.surroundings.workers)
        wanted = questions(task, use, model, who, self.suite.seed)
        self.run.retire(who.name, use.called, [question.response_id for question in wanted])
        left = unanswered(self.run, wanted)
        if task.output_type == "generate_until" and model.converses:
            answer(self.run, task, use, model, who, self.suite.seed, left)
            fields = self._bill()
        else:
            fields = _scored(who, model, left)
        self.run.write([_imagined(question, who) for question in unanswered(self.run, left, True)], "imagined")
        return Line("answer", who.name, use.called, len(task.items), len(wanted), len(wanted) - len(left), **fields)

    def _ratings(self, task: str, use: RaterUse, wanted: Wanted = work_of) -> Line:
        spec = read_spec(use.rater, self.catalog)
        work = wanted(self.run, task, use, spec)
        fields: dict[str, Any] = {}
        if spec.kind == "judge":
            rater = find_rater(use.rater, self.catalog, self.surroundings)
            left = missing(self.run, rater, work)
            for _ in rater.rate(left):
                pass
            fields, there = self._bill(), len(work) - len(left)
        else:  # making it may load a model, or try a sandbox
            rated = set(self.run.ratings.loc[self.run.ratings["rater"] == use.rater, "response_id"])
            there = sum(one.response.response_id in rated for one in work)
        items = len({one.item.item_id for one in work})
        return Line("rate", use.rater, task, items, len(work), there, **fields)

    def _rounds(self) -> Line:
        use = self.suite.rounds
        assert use is not None
        items = min(use.items, self.suite.limit or use.items)
        wanted, there = len(use.feedback) * use.seeds * (use.rounds + 1), len(self.run.rounds)
        there = min(there, wanted)
        return Line(
            "rounds", use.learner, "rounds of training", items, wanted, there,
            cost_usd=rounds.cost(wanted - there, self.suite, self.catalog),
            labels=rounds.labels(self.run, self.suite, self.catalog),
            **rounds.measured(self.run, wanted - there, self.surroundings.workers),
        )  # fmt: skip

    def _bill(self) -> dict[str, Any]:
        """Return what all clients were asked since the last bill, as the fields of a line."""
        bills = [client.bill() for client in self.clients.values() if client.calls]
        if not bills:
            return {"seconds": (0.0, 0.0)}
        plain = {name: sum(bill[name] for bill in bills) for name in ("calls", "cached", "prompt_tokens")}
        return {
            **plain,
            **{name: total([bill[name] for bill in bills]) for name in RANGES},
        }


RANGES = ("completion_tokens", "cost_usd", "direct_usd", "batch_usd", "seconds")
"""The fields of a line that have a low and a high figure."""


def _scored(who: ModelUse, model: Model, left: Sequence[Query]) -> dict[str, Any]:
    """Return what requests to a model of lm-eval come to, which has no cache of calls."""
    requests = [request for question in left for request in question.requests]
    prompt = sum(len(str(request.arguments[0])) for request in requests) / CHARACTERS
    limits = [one.arguments[1].get("max_gen_toks", 256) for one in requests if isinstance(one.arguments[1], dict)]
    here = who.model == EMBEDDED or who.model.startswith(LOCAL)
    timed = who.model == EMBEDDED or not left
    cost = (0.0, 0.0) if here or not left else None
    return {
        "calls": len(requests),
        "prompt_tokens": round(prompt),
        "completion_tokens": (round(SHORT * sum(limits)), sum(limits)),
        "cost_usd": cost,
        "direct_usd": cost,
        "batch_usd": cost,
        "seconds": (prompt / READS[1], prompt / READS[0]) if timed else None,
    }


def _imagined(question: Query, who: ModelUse) -> Response:
    """Return an answer as long as it may be, and like no other, for raters to rehearse with."""
    choices = question.item.choices
    settings = question.requests[0].arguments[1]
    limit = settings.get("max_gen_toks", 256) if isinstance(settings, dict) else 1
    return Response(
        response_id=question.response_id,
        task=question.item.task,
        item_id=question.item.item_id,
        model=who.name,
        series=who.series,
        round=who.round,
        sample=question.sample,
        text=choices[0] if choices else (question.response_id * limit)[: math.ceil(limit * CHARACTERS)],
        prompt_hash=question.prompt_hash,
    )


def _pins(run: Run, task: str) -> dict[str, str]:
    data = run.manifest.get("tasks", {}).get(task, {}).get("data", [])
    return {one["dataset"]: one["revision"] for one in data if one["revision"]}
