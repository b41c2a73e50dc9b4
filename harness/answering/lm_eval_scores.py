"""lm-eval's own scores of a run's answers: its filters, metrics and standard errors, in the columns of its table.

Each score is computed from the stored responses as lm-eval computes it from a model's outputs, so the table equals that
of `lm_eval.simple_evaluate` for the same model and items. An answer that is missing for no fault of the model's (a
provider's error) is left out and counted; lm-eval would score it as an empty one.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from harness.answering.asking import Query
from harness.answering.reasoning import answer_of
from harness.answering.tasks.definitions import quiet_lm_eval
from harness.answering.tasks.groups import Group, Groups, group_scores
from harness.answering.tasks.task import Task
from harness.records import Response
from harness.run import Run

BOOTSTRAP = 100_000
"""Draws for the standard errors of metrics that are no mean: lm-eval's default."""

Scores = dict[str, Any]
"""What lm-eval's results say of one task: `results`, `versions`, `n-shot`, `higher_is_better`, `n-samples`."""


def score(run: Run, task: Task, wanted: Sequence[Query]) -> Scores | None:
    """Return lm-eval's scores of the answers that a run has to the wanted questions of one model.

    Returns:
        None where there is nothing to score: no answers, or metrics that are a rater's work (unit tests).
    """
    ids = {question.response_id for question in wanted}
    rows = run.responses[run.responses["response_id"].isin(ids)]
    answers: dict[str, list[Response]] = defaultdict(list)
    for response in sorted(run.records(Response, rows), key=lambda response: response.sample):
        answers[response.item_id].append(response)
    raw = {key: list(values.values()) for key, values in item_scores(task, answers).items()}
    if not raw:
        return None
    lm_task = task.lm_task
    n = max(len(values) for values in raw.values())
    return {
        "results": {"alias": task.name, "sample_len": n, **_aggregates(lm_task, raw)},
        "versions": lm_task.VERSION,
        "n-shot": lm_task.config.num_fewshot or 0,
        "higher_is_better": dict(lm_task.higher_is_better()),
        "n-samples": {"original": len(lm_task.eval_docs), "effective": n, "unanswered": len(task.items) - n},
    }


def item_scores(task: Task, answers: Mapping[str, Sequence[Response]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what lm-eval's metrics make of each item.

    Args:
        task: The task.
        answers: Each item's responses, the samples in order; an item with one that failed is left out.

    Returns:
        For each metric and filter, the value of each item by its id; nothing of items that lm-eval asks for more than
        a response holds (SQuAD 2: a text and a log-likelihood).
    """
    lm_task = task.lm_task
    scored: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    if set(lm_task._metric_fn_list) <= {"bypass"}:
        return scored
    groups = {}
    for item, (_, doc) in zip(task.items, task.docs, strict=True):
        outputs = _outputs(answers.get(item.item_id, ()))
        asked = task.requests[item.item_id]
        if outputs is not None and len(outputs) == len(asked):
            requests = [
                dataclasses.replace(request, resps=list(output), filtered_resps={})
                for request, output in zip(asked, outputs, strict=True)
            ]
            groups[item.item_id] = (doc, requests)
    if not groups:
        return scored
    lm_task._instances = [request for _, requests in groups.values() for request in requests]
    with quiet_lm_eval():
        lm_task.apply_filters()
        for name in lm_task._instances[0].filtered_resps:
            for item_id, (doc, requests) in groups.items():
                values = lm_task.process_results(doc, [request.filtered_resps[name] for request in requests])
                for metric, value in values.items():
                    scored[metric, name][item_id] = value
    return scored


def mean_metrics(task: Task) -> set[str]:
    """Return the metrics of a task whose figure is the mean over its items: those that a single answer has."""
    from lm_eval.api.metrics import mean, nanmean

    return {metric for metric, aggregate in task.lm_task.aggregation().items() if aggregate in (mean, nanmean)}


def _outputs(responses: Sequence[Response]) -> list[list[Any]] | None:
    """Return the outputs as lm-eval keeps them, for each request of an item one a sample; None where any is missing."""
    if not responses or any(response.status in ("error", "timeout", "skipped") for response in responses):
        return None
    first = responses[0]
    if first.logprobs is not None and first.greedy is not None:
        return [[pair] for pair in zip(first.logprobs, first.greedy, strict=True)]
    return [
        [answer_of(response.text or "") for response in responses]
    ]  # what a model refused to say is scored as said empty


def _aggregates(lm_task: Any, raw: Mapping[tuple[str, str], list[Any]]) -> dict[str, Any]:
    """Return each metric over all items, and its standard error, by the names of lm-eval's results."""
    from lm_eval.api.metrics import mean, stderr_for_metric

    found: dict[str, Any] = {}
    for (metric, name), values in raw.items():
        aggregate = lm_task.aggregation().get(metric, mean)
        draws = min(BOOTSTRAP, 100) if metric in ("bleu", "chrf", "chrf++", "ter") else BOOTSTRAP
        error = stderr_for_metric(metric=aggregate, bootstrap_iters=draws)
        found[f"{metric},{name}"] = _plain(aggregate(values))
        found[f"{metric}_stderr,{name}"] = _plain(error(values)) if error and len(values) > 1 else "N/A"
    return found


def _plain(value: Any) -> Any:
    """Return a number of numpy as Python's own, which JSON can write."""
    return value.item() if hasattr(value, "item") else value


def lm_eval_table(scores: Mapping[str, Scores], groups: Groups | None = None) -> str:
    """Return the tables that lm-eval prints of these tasks of one model, and of the groups above them, in Markdown."""
    from lm_eval.utils import make_table

    keys = ("results", "versions", "n-shot", "higher_is_better")
    whole: dict[str, Any] = {key: {task: found[key] for task, found in scores.items()} for key in keys}
    aggregates = group_scores(groups or {}, scores)
    if not groups or not aggregates:
        return str(make_table(whole))
    for group in groups.values():
        _say_what_all_say(group, whole["higher_is_better"], whole["n-shot"])
    whole["group_subtasks"] = {group.name: group.members for group in groups.values()}
    whole["versions"] |= {group.name: group.version for group in groups.values()}
    whole["results"] |= aggregates
    whole["groups"] = {name: found for name, found in aggregates.items() if groups[name].metrics}
    tables = ["results", *(["groups"] if whole["groups"] else [])]
    return "\n".join(str(make_table(whole, column)) for column in tables)


def _say_what_all_say(group: Group, better: dict[str, dict[str, bool | None]], shots: dict[str, int]) -> None:
    """Give a group's row the direction of each metric and the number of examples, where its members have the same."""
    directions: dict[str, set[bool | None]] = defaultdict(set)
    for member in group.members:
        for metric, direction in better.get(member, {}).items():
            directions[metric].add(direction)
    if directions:
        better[group.name] = {metric: one.pop() if len(one) == 1 else None for metric, one in directions.items()}
    known = {shots[member] for member in group.members if member in shots}
    if len(known) == 1:
        shots[group.name] = known.pop()
