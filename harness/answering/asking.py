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

from harness.answering.models.generation import Generation, Model
from harness.answering.tasks.task import Task
from harness.errors import HarnessError
from harness.records import Item, Response, digest
from harness.run import Run
from harness.suite import ModelUse, TaskUse

SAMPLING_TEMPERATURE = 0.7

Progress = Callable[[int], None]
"""Called with the number of records that are newly there."""


@dataclass(frozen=True)
class Query:
    """One response that the suite wants: an item, a sample, and the id that the response will have."""

    item: Item
    requests: list[Any]
    """lm-eval's requests: one a choice, or one to generate."""
    sample: int
    response_id: str
    prompt_hash: str


def questions(task: Task, use: TaskUse, model: Model, who: ModelUse, seed: int) -> list[Query]:
    """Return every response that a suite wants of a model on a task, done or not."""
    generates = task.output_type == "generate_until"
    samples = max(use.samples, int(task.lm_task.config.repeats or 1)) if generates else 1
    asked = task.requests_for(who, model.converses)
    wanted = []
    for item in task.items:
        requests = asked[item.item_id]
        prompt_hash = digest([request.arguments for request in requests])
        for sample in range(samples):
            settings = (_temperature(task, use), seed) if samples > 1 or use.temperature else ()
            identity = digest(
                model.identity, who.series, who.round, task.name, item.item_id, prompt_hash, settings, sample
            )
            wanted.append(Query(item, requests, sample, identity, prompt_hash))
    return wanted


def unanswered(run: Run, wanted: Sequence[Query], retry_errors: bool = False) -> list[Query]:
    """Return the questions that a run has no response to, or one that failed for no fault of the model's.

    With `retry_errors` also those whose response failed otherwise: refused, or too long to ask.
    """
    there = run.responses
    again = ~there["status"].isin(["ok"] if retry_errors else ["ok", "refused", "skipped", "unparsed"])
    known = set(there.loc[~again, "response_id"])
    return [question for question in wanted if question.response_id not in known]


def answer(
    run: Run,
    task: Task,
    use: TaskUse,
    model: Model,
    who: ModelUse,
    seed: int,
    missing: Sequence[Query],
    progress: Progress = lambda _: None,
) -> None:
    """Ask a model for the responses that a run lacks, and write them as they come.

    Raises:
        HarnessError: The model cannot answer this type of task.
    """
    if task.output_type == "loglikelihood_rolling":
        raise HarnessError(f"task {task.name!r} scores whole texts (loglikelihood_rolling): it has no answer to rate")
    if task.output_type == "generate_until":
        ask, ordered = _generate, list(missing)
    else:  # what is scored together is of one length, as lm-eval orders it: little is padded
        ask, ordered = _choose, sorted(missing, key=_length, reverse=True)
    for start in range(0, len(ordered), model.shard):
        responses = []
        for response in ask(task, use, model, who, seed, ordered[start : start + model.shard]):
            responses.append(response)
            progress(1)
        run.write(responses, f"{task.name}-{who.name}")


def hand_in_questions(task: Task, use: TaskUse, model: Model, seed: int, missing: Sequence[Query]) -> None:
    """Send on its way what a model is asked for later, if it is asked by batch; another one is asked nothing."""
    take = getattr(model, "hand_in", None)
    if take is not None and task.output_type == "generate_until":
        take([_generation(task, use, question, seed) for question in missing])


def _length(question: Query) -> int:
    return max(len(str(request.arguments)) for request in question.requests)


def _choose(
    task: Task, use: TaskUse, model: Model, who: ModelUse, seed: int, shard: Sequence[Query]
) -> Iterator[Response]:
    """Answer by log-likelihood: the choice that the model finds most likely is its answer."""
    started = time.perf_counter()
    scored = model.loglikelihood([question.requests for question in shard])
    seconds = (time.perf_counter() - started) / len(shard)
    for question, scores in zip(shard, scored, strict=True):
        identity = {**_identity(question, who, seed), "seconds": seconds}
        if isinstance(scores, Exception):
            yield Response(**identity, status="error", error=f"{type(scores).__name__}: {scores}")
            continue
        logprobs, greedy = [score for score, _ in scores], [is_greedy for _, is_greedy in scores]
        text, reason = _chosen(question, logprobs, greedy)
        yield Response(**identity, text=text, error=reason, logprobs=logprobs, greedy=greedy)


def _chosen(question: Query, logprobs: list[float], greedy: list[bool]) -> tuple[str | None, str | None]:
    """Return the choice taken; where there is one text to score, that text if the model would write it."""
    if question.item.choices is not None:
        return question.item.choices[int(np.argmax(logprobs))], None
    if greedy[0]:
        return str(question.requests[0].arguments[1]), None
    return None, "the model would not write the target"


def _generate(
    task: Task, use: TaskUse, model: Model, who: ModelUse, seed: int, shard: Sequence[Query]
) -> Iterator[Response]:
    wanted = [_generation(task, use, question, seed) for question in shard]
    for position, reply in model.generate(wanted):
        yield Response(
            **_identity(shard[position], who, seed),
            text=reply.text,
            reasoning=reply.reasoning,
            finish_reason=reply.finish_reason,
            status=reply.status,
            error=reply.error,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            cost_usd=reply.cost_usd,
            seconds=reply.seconds,
        )


def _identity(question: Query, who: ModelUse, seed: int) -> dict[str, Any]:
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


def _generation(task: Task, use: TaskUse, question: Query, seed: int) -> Generation:
    """Return what to generate: the task's own settings, but for a temperature that the suite or its samples ask for."""
    prompt, settings = question.requests[0].arguments[:2]
    temperature = _temperature(task, use)
    if use.temperature is not None or (temperature and not settings.get("do_sample")):
        settings = {**settings, "do_sample": temperature > 0, "temperature": temperature}
    return Generation(prompt, settings, seed + question.sample)


def _temperature(task: Task, use: TaskUse) -> float:
    if use.temperature is not None:
        return use.temperature
    settings = task.lm_task.config.generation_kwargs or {}
    if settings.get("do_sample"):
        return float(settings.get("temperature", 1.0))
    return SAMPLING_TEMPERATURE if use.samples > 1 else 0.0


def reference_responses(items: Sequence[Item]) -> list[Response]:
    """Return the items' first references as responses of a model called `reference`: the other side of comparisons."""
    return [
        Response(
            response_id=digest("reference", item.task, item.item_id, item.references[0]),
            task=item.task,
            item_id=item.item_id,
            model="reference",
            text=item.references[0],
        )
        for item in items
        if item.references
    ]
