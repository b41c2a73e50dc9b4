"""The stage in which the learner is trained in rounds, once with each kind of feedback and each seed."""

from __future__ import annotations

import json
import os
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from harness.errors import HarnessError
from harness.learning import (
    Evaluation,
    Mixture,
    People,
    ProblemTask,
    Round,
    Series,
    SeriesEnded,
    make_learner,
    parts_of,
    problem_task,
    run_seeds,
)
from harness.rating import Rater, Work, find_rater, missing, rate_work, rater_facts
from harness.records import Item, Response
from harness.run import file_name, is_elsewhere, write_whole
from harness.stages.context import Context
from harness.stages.feedback import ended_before, feedback_of, settle
from harness.suite import RoundsUse


def train_rounds(context: Context) -> None:
    """Train the learner with each kind of feedback, and let the gold raters rate the held-out answers of every round.

    Raises:
        IncompleteError: A series could not go on; the others are done.
    """
    use = context.suite.rounds
    if use is None:
        return
    run = context.run
    seeds = [context.suite.seed + number for number in range(use.seeds)]
    far = is_elsewhere(run.folder)
    here = context.cache / "states" / file_name(str(run.folder)) if far else run.folder.resolve() / ".states"
    there = {"catalog": context.catalog, "cache": context.cache, "work": here, "budget": context.budget}
    learners = [make_learner(use.learner, use.settings, seed, **there) for seed in seeds]
    own = learners[0].held_out(min(use.items, context.suite.limit or use.items))
    others = list(_off_target(context, use, {item.task for item in own}))
    explore = min(use.explore.items, len(own)) if use.explore else 0
    evaluation = Evaluation.of(own, explore, use.explore.samples if use.explore else 0)
    evaluation = Evaluation(
        [*own, *(item for _, items, _ in others for item in items)], evaluation.explored, evaluation.samples
    )
    gold = {
        name: find_rater(name, context.catalog, context.surroundings) for name in [use.gold, *(r for *_, r in others)]
    }
    raters = {series: feedback_of(context, use, series) for series in use.feedback}
    asked = [part.rater for rater in raters.values() if rater is not None for part in parts_of(rater)]
    for rater in (*gold.values(), *asked):
        run.note(raters={rater.spec.name: rater_facts(rater)})
    finished = _finished(context) | ended_before(context, use)
    left = sum(use.rounds - finished.get((series, seed), -1) for series in raters for seed in seeds)
    if left:
        run.write([*evaluation.items, *evaluation.explored], "held-out")
    golds = {task.name: gold[rater] for task, _, rater in others}
    proxies = {name: rater for name, rater in raters.items() if not isinstance(rater, Mixture | People)}
    proxies = proxies if use.explore and use.explore.proxy else {}
    judges = {item.task: golds.get(item.task, gold[use.gold]) for item in (*evaluation.items, *evaluation.explored)}
    stopped: list[tuple[Series, SeriesEnded]] = []
    _rate_again(context, evaluation, judges, proxies)
    with context.stage("the learner trains", left) as progress:
        for done in run_seeds(
            learners,
            raters,
            use.rounds,
            evaluation,
            here,
            keep=use.keep,
            budget=use.budget,
            export=use.export == "only",
            keep_states=use.checkpoints != "none",
            finished=finished,
            workers=1 if getattr(learners[0], "budget", None) else context.surroundings.workers,  # one process keeps it
            call=None if far else context.call,  # a state is a file or a folder, which an address has not
            ended=lambda series, error: stopped.append((series, error)),
        ):
            _write(context, done, evaluation, judges, proxies)
            progress(1)
    settle(context, use, stopped)
    shutil.rmtree(here, ignore_errors=True)


def _off_target(context: Context, use: RoundsUse, own: set[str]) -> Iterator[tuple[ProblemTask, list[Item], str]]:
    """Yield the tasks that feedback is not about, with their items and the rater of their answers."""
    for place, entry in enumerate(use.off_target):
        if entry.task in own:
            where = context.suite.where("rounds", "off_target", place)
            raise HarnessError(f"{where}rounds: off_target: {entry.task} is the task that the feedback is about")
        task = problem_task(entry.task, context.catalog)
        rater = entry.rater or next(iter(task.raters), None)
        if rater is None:
            raise HarnessError(f"rounds: off_target: {entry.task} names no rater; write `rater:`")
        yield task, task.held_out(entry.items), rater


def _finished(context: Context) -> dict[tuple[str, int], int]:
    """Return the last round that the run has of each series and seed."""
    last: dict[tuple[str, int], int] = {}
    for row in context.run.rounds.itertuples():
        key = str(row.series), int(str(row.seed))
        last[key] = max(int(str(row.round)), last.get(key, -1))
    return last


def _write(
    context: Context,
    done: Round,
    evaluation: Evaluation,
    judges: dict[str, Rater],
    proxies: Mapping[str, Rater | None],
) -> None:
    """Write a round: answers, feedback, gold and the feedback's own ratings, the data, the model; its summary last."""
    run, summary = context.run, done.summary
    part = f"{summary.series}-seed{summary.seed}-round{summary.round:03d}"
    for records in ([*done.responses, *done.explored], done.practice_items, done.practice, done.ratings):
        run.write(records, part)
    for rater, work in _work([*done.responses, *done.explored], evaluation, judges, proxies):
        rate_work(run, rater, work)
    if done.examples:
        lines = [
            {
                "prompt": example.item.prompt,
                "completion": example.text,
                **({"rejected": example.rejected} if example.rejected is not None else {}),
                **({"weight": example.weight} if example.weight != 1 else {}),
                **({"label": example.wanted} if example.wanted is not None else {}),
                "item_id": example.item.item_id,
            }
            for example in done.examples
        ]
        content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        write_whole(run.folder / "data" / f"{file_name(part)}.jsonl", content.encode())
    _keep_model(context, done, part)
    run.write_round(summary.model_dump())  # last: a round with a summary is whole


def _rate_again(
    context: Context, evaluation: Evaluation, judges: dict[str, Rater], proxies: Mapping[str, Rater | None]
) -> None:
    """Let raters rate what they lack of the rounds that are there: where they failed, if asked, or changed since."""
    run = context.run
    held_out = {(item.task, item.item_id) for item in (*evaluation.items, *evaluation.explored)}
    of_series = run.records(Response, run.responses[run.responses["series"].notna()])
    answers = [one for one in of_series if (one.task, one.item_id) in held_out]
    for rater, work in _work(answers, evaluation, judges, proxies):
        left = missing(run, rater, work, context.retry_errors)
        if left:
            with context.stage(f"{rater.spec.name} rates the held-out answers", len(left)) as progress:
                rate_work(run, rater, left, progress)


def _work(
    responses: Sequence[Response],
    evaluation: Evaluation,
    judges: dict[str, Rater],
    proxies: Mapping[str, Rater | None],
) -> list[tuple[Rater, list[Work]]]:
    """Return what each rater has to rate: each task's gold rater, and the feedback's own where there are samples."""
    items = {(item.task, item.item_id): item for item in (*evaluation.items, *evaluation.explored)}
    work: dict[str, tuple[Rater, list[Work]]] = {}
    for response, siblings in _with_siblings(responses):
        piece = Work(items[response.task, response.item_id], response, siblings=siblings)
        rater, proxy = judges[response.task], proxies.get(response.series or "")
        work.setdefault(rater.spec.name, (rater, []))[1].append(piece)
        if proxy is not None and len(siblings) > 1 and proxy.spec.name not in (rater.spec.name, "human"):
            work.setdefault(proxy.spec.name, (proxy, []))[1].append(piece)
    return list(work.values())


def _with_siblings(responses: Sequence[Response]) -> Iterator[tuple[Response, Sequence[Response]]]:
    groups: dict[tuple[object, ...], list[Response]] = defaultdict(list)
    for one in responses:
        groups[one.series, one.seed, one.round, one.task, one.item_id].append(one)
    for group in groups.values():
        yield from ((response, group) for response in group)


def _keep_model(context: Context, done: Round, part: str) -> None:
    """Keep the model of a round by the suite's rule: a link, which outlives the state that the loop works with.

    The loop needs the state of the round before no more.
    """
    use, summary, state = context.suite.rounds, done.summary, done.state
    if use is None or use.checkpoints == "none" or state is None:
        return
    folder = context.run.folder / "checkpoints"
    kept = folder / f"{file_name(part)}.state"
    if is_elsewhere(folder):
        if state.is_dir():
            raise HarnessError("rounds: checkpoints: a model that is a folder is kept on this machine's own disk alone")
        write_whole(kept, state.read_bytes())
    elif not kept.exists():
        folder.mkdir(exist_ok=True)
        shutil.copytree(state, kept, copy_function=os.link) if state.is_dir() else os.link(state, kept)
    if summary.round > 0:
        before = f"{summary.round - 1:03d}.state"
        former = [state.with_name(before)] if summary.round > 1 else []  # the base is everybody's
        if use.checkpoints == "last":
            former.append(folder / f"{file_name(part.removesuffix(f'{summary.round:03d}'))}{before}")
        for path in former:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
