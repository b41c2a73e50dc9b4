"""Models answer items: what a run lacks is asked for, in shards, and written as responses.

A response's id follows from the model, the item's request, the sampling settings and the sample's number; so what
is done is known without a list, and a changed prompt makes new responses and keeps the old.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.answering.chat import Call
from harness.answering.models import Model
from harness.answering.tasks import Task
from harness.errors import HarnessError
from harness.records import Item, Response, digest
from harness.run import Run
from harness.suite import ModelUse, TaskUse

SHARD = 16
"""Items a shard: what is written at once, and lost at most when the process is killed."""

SAMPLING_TEMPERATURE = 0.7

Progress = Callable[[int], None]
"""Called with the number of records that are newly there."""


@dataclass(frozen=True)
class Question:
    """One response that the suite wants: an item, a sample, and the id that the response will have."""

    item: Item
    sample: int
    response_id: str
    prompt_hash: str


def questions(task: Task, use: TaskUse, model: Model, who: ModelUse, seed: int) -> list[Question]:
    """Return every response that a suite wants of a model on a task, done or not."""
    samples = 1 if task.output_type == "multiple_choice" else use.samples
    wanted = []
    for item in task.items:
        prompt_hash = digest([request.arguments for request in task.requests[item.item_id]])
        for sample in range(samples):
            settings = (_temperature(task, use), seed) if samples > 1 or use.temperature else ()
            identity = digest(
                model.identity, who.series, who.round, task.name, item.item_id, prompt_hash, settings, sample
            )
            wanted.append(Question(item, sample, identity, prompt_hash))
    return wanted


def unanswered(run: Run, wanted: Sequence[Question], retry_errors: bool = False) -> list[Question]:
    """Return the questions that a run has no response to; with `retry_errors` also those whose response failed."""
    there = run.responses
    if retry_errors:
        there = there[there["status"] == "ok"]
    known = set(there["response_id"])
    return [question for question in wanted if question.response_id not in known]


def answer(
    run: Run,
    task: Task,
    use: TaskUse,
    model: Model,
    who: ModelUse,
    seed: int,
    missing: Sequence[Question],
    progress: Progress = lambda _: None,
) -> None:
    """Ask a model for the responses that a run lacks, and write them as they come.

    Raises:
        HarnessError: The model cannot answer this type of task.
    """
    ask = _choose if task.output_type in ("multiple_choice", "loglikelihood") else _generate
    if task.output_type == "loglikelihood_rolling":
        raise HarnessError(f"task {task.name!r} scores whole texts (loglikelihood_rolling): it has no answer to rate")
    for start in range(0, len(missing), SHARD):
        shard = missing[start : start + SHARD]
        responses = []
        for response in ask(task, use, model, who, seed, shard):
            responses.append(response)
            progress(1)
        run.write(responses, f"{task.name}-{who.name}")


def _choose(
    task: Task, use: TaskUse, model: Model, who: ModelUse, seed: int, shard: Sequence[Question]
) -> Iterator[Response]:
    """Answer by log-likelihood: the choice that the model finds most likely is its answer."""
    requests = [task.requests[question.item.item_id] for question in shard]
    started = time.perf_counter()
    scores = iter(model.loglikelihood([request for group in requests for request in group]))
    seconds = (time.perf_counter() - started) / len(shard)
    for question, group in zip(shard, requests, strict=True):
        logprobs = [next(scores)[0] for _ in group]
        choices = question.item.choices or [str(group[0].arguments[1])]
        logprobs = logprobs[: len(choices)]  # lm-eval appends the unconditional scores of acc_mutual_info
        yield Response(
            **_identity(question, who, seed),
            text=choices[int(np.argmax(logprobs))],
            logprobs=logprobs,
            seconds=seconds,
        )


def _generate(
    task: Task, use: TaskUse, model: Model, who: ModelUse, seed: int, shard: Sequence[Question]
) -> Iterator[Response]:
    calls = [_call(task, use, question, seed) for question in shard]
    for position, reply in model.generate(calls):
        yield Response(
            **_identity(shard[position], who, seed),
            text=reply.text,
            finish_reason=reply.finish_reason,
            status=reply.status,
            error=reply.error,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            cost_usd=reply.cost_usd,
            seconds=reply.seconds,
        )


def _identity(question: Question, who: ModelUse, seed: int) -> dict[str, Any]:
    return {
        "response_id": question.response_id,
        "task": question.item.task,
        "item_id": question.item.item_id,
        "model": who.name,
        "series": who.series,
        "round": who.round,
        "seed": seed,
        "sample": question.sample,
        "prompt_hash": question.prompt_hash,
    }


def _call(task: Task, use: TaskUse, question: Question, seed: int) -> Call:
    prompt, settings = task.requests[question.item.item_id][0].arguments
    stop = settings.get("until") or []
    return Call(
        messages=(("user", prompt),),
        max_tokens=int(settings.get("max_gen_toks", 256)),
        temperature=_temperature(task, use),
        seed=seed + question.sample,
        stop=tuple([stop] if isinstance(stop, str) else stop),
    )


def _temperature(task: Task, use: TaskUse) -> float:
    if use.temperature is not None:
        return use.temperature
    settings = task.lm_task.config.generation_kwargs or {}
    if settings.get("do_sample"):
        return float(settings.get("temperature", 1.0))
    return SAMPLING_TEMPERATURE if use.samples > 1 else 0.0


def reference_responses(task: Task) -> list[Response]:
    """Return the items' first references as responses of a model called `reference`: the other side of comparisons."""
    return [
        Response(
            response_id=digest("reference", item.task, item.item_id, item.references[0]),
            task=item.task,
            item_id=item.item_id,
            model="reference",
            text=item.references[0],
        )
        for item in task.items
        if item.references
    ]
