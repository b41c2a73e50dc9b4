"""The stage in which each model of the suite answers each task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from harness.answering import (
    EMBEDDED,
    Query,
    Scores,
    Task,
    answer,
    group_scores,
    hand_in_questions,
    make_model,
    questions,
    read_groups,
    reference_responses,
    score,
    torch_folder,
    unanswered,
)
from harness.rating import SHARD
from harness.records import digest
from harness.run import Run
from harness.stages.context import Context
from harness.stages.shards import answer_shard
from harness.suite import IMPORTED


def answer_tasks(context: Context) -> None:
    """Let each model of the suite answer each task; a model is loaded once, and let go when it is done."""
    threads = context.surroundings.workers
    _hand_in(context)
    for who in context.suite.models:
        if who.model == IMPORTED:  # its answers are there, and nobody is asked again
            continue
        if who.model == EMBEDDED:
            with context.stage("the embedded model is fetched", 1) as progress:
                torch_folder(context.cache)
                progress(1)
        model = make_model(who, context.surroundings.chat, lambda: str(torch_folder(context.cache)), threads)
        found: dict[str, Scores] = context.run.manifest.get("scores", {}).get(who.name, {})
        for use in context.suite.tasks:
            task = context.task(use)
            _keep_items(context.run, task)
            wanted = questions(task, use, model, who, context.suite.seed)
            context.run.retire(who.name, use.called, [question.response_id for question in wanted])
            left = unanswered(context.run, wanted, context.retry_errors)
            context.run.note(models={who.name: who.model_dump(exclude_defaults=True)})
            with context.stage(f"{who.name} answers {use.called}", len(left)) as progress:
                if context.cluster:
                    ids = [query.response_id for query in left]
                    context.spread(answer_shard, ids, SHARD, progress, who, use)
                else:
                    answer(context.run, task, use, model, who, context.suite.seed, left, progress)
            failed = unanswered(context.run, wanted)
            if failed:
                context.unanswered[f"{who.name} on {use.called}"] = _why_failed(context.run, failed, len(wanted))
            scores = score(context.run, task, wanted)
            if scores is not None:
                found[use.called] = scores
        context.run.note(scores={who.name: found})
        if groups := read_groups(context.run.manifest.get("groups", [])):
            context.run.note(group_scores={who.name: group_scores(groups, found)})
        model.close()


def _hand_in(context: Context) -> None:
    """Hand in what models are asked by batch, for all tasks, before the first is waited for: each may take a day."""
    for who in context.suite.models:
        if who.args.get("batch"):
            model = make_model(who, context.surroundings.chat, lambda: "")
            for use in context.suite.tasks:
                task = context.task(use)
                wanted = questions(task, use, model, who, context.suite.seed)
                left = unanswered(context.run, wanted, context.retry_errors)
                hand_in_questions(task, use, model, context.suite.seed, left)


def _why_failed(run: Run, failed: Sequence[Query], n: int) -> str:
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


def task_facts(task: Task) -> dict[str, Any]:
    """Return what the manifest says of a task: its size, the hash of its contents, its card."""
    return {
        "family": task.facts.family,
        "items": len(task.items),
        "hash": digest([item.content_hash for item in task.items]),
        "card": task.card,
        "data": [asdict(origin) for origin in task.data],
    }
