"""A made-up run for the tests of the page: every rater in it carries the flag `simulated`.

No figure here says anything about a model or a judge; the run exists to have something of every kind on the page.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.learning.round import RoundSummary
from harness.records import Item, Rating, Response, digest
from harness.reporting.evidence import Evidence
from harness.run.folder import Run
from harness.suite import Suite

SERIES = {
    "verifier": [0.40, 0.55, 0.66, 0.75, 0.83],
    "majority": [0.40, 0.46, 0.46, 0.46, 0.46],
    "none": [0.40, 0.43, 0.43, 0.43, 0.43],
}
TOPICS = ("umbrella", "kettle", "ladder", "lantern", "anchor", "compass")


def make_run(
    folder: Path,
    *,
    series: dict[str, list[float]] | None = None,
    held_out: int = 200,
    questions: int = 40,
    people: int = 0,
    hostile: str = "",
    seed: int = 0,
) -> Run:
    """Write a made-up run.

    Args:
        folder: Where.
        series: Mean score of each series round by round; the last one is the control.
        held_out: Held-out items.
        questions: Items of the task that judges rate.
        people: Simulated people who rate.
        hostile: Stands in every text that a model, a rater or a file name can fill.
        seed: Decides every draw.
    """
    rng = np.random.default_rng(seed)
    series = SERIES if series is None else series
    control = list(series)[-1] if series else ""
    rounds = {
        "learner": "addition",
        "rounds": max([len(means) - 1 for means in series.values()], default=1),
        "items": held_out,
        "feedback": {name: (None if name == control else f"{name}_rater") for name in series},
    }
    suite = Suite.model_validate(
        {
            "name": "made-up",
            "description": "A made-up run, to look at the page with. " + hostile,
            "models": [{"name": "toy", "model": "embedded"}],
            "tasks": [{"task": "objects"}],
            **({"rounds": rounds} if series else {}),
        }
    )
    run = Run.create(folder, suite)
    run.note(**manifest(hostile))
    run.write(list(_questions(questions, hostile)), "objects")
    _rate_questions(run, questions, people, hostile, rng)
    if series:
        _train(run, series, held_out, rng)
    return run


def manifest(hostile: str) -> dict[str, Any]:
    """Return a manifest of the shape that a run writes."""
    return {
        "harness": "0.1.0",
        "python": "3.11.7",
        "platform": "Linux x86_64",
        "seed": 0,
        "suite": "made-up",
        "git": None,
        "packages": {"lm-eval": "0.4.13", "numpy": "2.4.6"},
        "tasks": {
            "objects": {
                "family": "commonsense",
                "items": 40,
                "hash": "0" * 16,
                "licence": "CC0 " + hostile,
                "card": "Made up. " + hostile,
            }
        },
        "models": {"toy": {"model": "embedded", "note": hostile}},
        "raters": {
            "judge": {
                "kind": "judge",
                "version": "v1",
                "scale": "ordinal",
                "prompt": "Rate 1 to 5. " + hostile,
                "prompt_hash": "abc",
            }
        },
        "times": {"started": "2026-01-01T00:00:00Z"},
        "scores": {"toy": {"objects": {"results": {"alias": "objects", "acc,none": 0.5, "acc_stderr,none": 0.07}}}},
    }


def _questions(count: int, hostile: str) -> list[Item]:
    return [
        Item(
            task="objects", item_id=f"q{n:03d}{hostile}", family="commonsense",
            prompt=f"Question {n}. Where would you look for a {TOPICS[n % 6]} on a rainy morning? {hostile}",
            choices=["in the hall", "on the moon"], target="0", references=[f"In the hall. {hostile}"],
        )
        for n in range(count)
    ]  # fmt: skip


def _rate_questions(run: Run, count: int, people: int, hostile: str, rng: np.random.Generator) -> None:
    items = list(run.records(Item))
    responses, ratings = [], []
    for item in items:
        sides = []
        for sample in range(2):
            right = bool(rng.random() < 0.6)
            text = f"I would look {'in the hall' if right else 'on the moon'}, sample {sample}. {hostile}"
            response = Response(
                response_id=digest("objects", item.item_id, sample), task="objects", item_id=item.item_id, model="toy",
                sample=sample, text=text, error=hostile or None,
            )  # fmt: skip
            responses.append(response)
            sides.append((response, right))
            ratings.append(_rating(response, "answer_key", "verifier", "correctness", "binary", float(right)))
            grade = int(np.clip(round(3 + right + rng.normal(0, 1.1)), 1, 5))
            ratings.append(
                _rating(
                    response,
                    "judge",
                    "judge",
                    "quality",
                    "ordinal",
                    grade,
                    rationale=f"It reads well. {hostile}",
                    raw=f"<score>{grade}</score>{hostile}",
                    seconds=0.2,
                    cost_usd=0.0004,
                )
            )
            for person in range(people):
                value = float(right if rng.random() < 0.85 else not right)
                ratings.append(_rating(response, f"h_{person:08x}", "human", "correctness", "binary", value))
        (first, _), (second, _) = sides
        for order in ("response_first", "against_first"):
            chosen = 1.0 if order == "response_first" else 0.0
            shown_first = chosen if rng.random() < 0.97 else 1 - chosen
            failed = rng.random() < 0.05
            ratings.append(
                _rating(
                    first,
                    "pair_judge",
                    "judge",
                    "preference",
                    "preference",
                    None if failed else shown_first,
                    against_id=second.response_id,
                    order=order,
                    status="unparsed" if failed else "ok",
                    error=f"no verdict in the answer {hostile}" if failed else None,
                )
            )
    run.write(responses, "objects")
    run.write(ratings, "objects")


def _rating(
    response: Response, rater: str, kind: Any, criterion: str, scale: Any, value: float | None, **more: Any
) -> Rating:
    return Rating(
        rating_id=digest(rater, criterion, response.response_id, more.get("order")), task=response.task,
        item_id=response.item_id, response_id=response.response_id, rater=rater, rater_kind=kind, criterion=criterion,
        scale=scale, value=value, rater_version="v1", flags=["simulated"], **more,
    )  # fmt: skip


def _train(run: Run, series: dict[str, list[float]], held_out: int, rng: np.random.Generator) -> None:
    items = [
        Item(task="addition", item_id=f"a{n:05d}", family="mathematics", prompt=f"{n} + 1 =", target=str(n + 1))
        for n in range(held_out)
    ]
    run.write(items, "addition")
    luck = rng.random(held_out)  # one luck an item: neighbouring rounds are correlated, as they are when a model learns
    for name, means in series.items():
        for number, mean in enumerate(means):
            noise = rng.random(held_out) < 0.1
            scores = np.where(noise, rng.random(held_out) < mean, luck < mean)
            responses = [
                Response(
                    response_id=digest("addition", item.item_id, name, number), task="addition", item_id=item.item_id,
                    model=f"{name}-{number}", series=name, seed=0, round=number, text="?",
                )
                for item in items
            ]  # fmt: skip
            run.write(responses, f"addition-{name}-{number}")
            run.write(
                [
                    _rating(response, "answer_key", "verifier", "correctness", "binary", float(score))
                    for response, score in zip(responses, scores, strict=True)
                ],
                f"addition-{name}-{number}",
            )
            summary = RoundSummary(
                series=name, round=number, seed=0, feedback=f"{name}_rater", n_prompts=200 * bool(number),
                n_samples=800 * bool(number), n_ratings=800 * bool(number), n_failed=0, n_kept=100 * bool(number),
                share_right_kept=mean if number else None, steps=80, train_loss=1.0, cost_usd=None, seconds=1.0,
            )  # fmt: skip
            run.write_round(summary.model_dump())


@pytest.fixture(scope="session")
def made_up_run() -> Callable[..., Run]:
    return make_run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("run") / "made-up")


def stand_in(run: Run, hostile: str = "") -> Evidence:
    """Return evidence of a made-up run with figures set by hand: for what the page does with them, not for them."""
    rounds = []
    for name, means in SERIES.items():
        deltas = [
            {"round": number, "delta": means[number] - means[number - 1], "low": -0.02, "high": 0.2}
            for number in range(1, len(means))
        ]
        rounds.append(
            {
                "benchmark": "addition", "series": name, "verdict": "improving", "rate": 0.08, "low": 0.07,
                "high": 0.09, "sesoi": 0.01, "window": [2, 3, 4], "level": 0.9, "n_items": 200, "n_seeds": 1,
                "rounds": list(range(len(means))), "significance": 0.05, "deltas": deltas, "reason": None,
                "flags": [], "missing": [],
                "sentence": f"{name}: a sentence. {hostile}",
            }
        )  # fmt: skip
    pair = {
        "task": "objects", "rater_a": "answer_key", "criterion_a": "correctness", "rater_b": "judge",
        "criterion_b": "correctness", "n": 80, "percent_agreement": None, "coefficient": "spearman", "value": 0.38,
        "low": 0.17, "high": 0.56, "reason": None, "kappa": None,
    }  # fmt: skip
    close = pair | {"rater_a": "judge", "criterion_a": "quality", "rater_b": "pair_judge", "criterion_b": "preference"}
    position = {
        "task": "objects",
        "rater": "pair_judge",
        "n": 38,
        "consistency": 0.05,
        "low": 0.01,
        "high": 0.16,
        "first_share": 0.97,
        "first_low": 0.9,
        "first_high": 0.99,
        "criterion": "preference",
        "ties": 0.0,
        "n_failed": 2,
        "reason": None,
    }
    answers = run.responses[run.responses["series"].notna()][["response_id", "series", "round"]]
    scores = run.ratings.merge(answers, on="response_id").rename(
        columns={"task": "benchmark", "value": "score", "item_id": "item"}
    )
    if not run.suite.rounds:
        rounds = []
    return Evidence(
        run=run,
        rounds=rounds,
        scores=scores,
        pairs=[pair, close | {"value": 0.88, "low": 0.8, "high": 0.93}],
        positions=[position],
    )


@pytest.fixture(scope="session")
def made_up_evidence() -> Callable[..., Evidence]:
    return stand_in


def make_checkpoints(
    folder: Path,
    means: list[float],
    beside: dict[str, list[float]] | None = None,
    items: int = 600,
    series: str = "pretraining",
) -> Run:
    """Write a made-up run of imported checkpoints: one series that nobody fed, measured by an answer key.

    `beside` has the means on other tasks.
    """
    tasks = {"addition": means, **(beside or {})}
    suite = {
        "name": "checkpoints" if series == "pretraining" else series,
        "models": [
            {"name": f"step-{1000 * n}", "model": "imported", "series": series, "round": n} for n in range(len(means))
        ],
        "tasks": [{"task": task} for task in tasks],
    }
    run = Run.create(folder, Suite.model_validate(suite))
    rng = np.random.default_rng(0)
    for task, levels in tasks.items():
        asked = [Item(task=task, item_id=f"a{n}", family="mathematics", prompt=f"{n} + 1 =") for n in range(items)]
        run.write(asked, task)
        luck = rng.random(items)
        for number, mean in enumerate(levels):
            answers = [
                Response(
                    response_id=digest("checkpoint", task, number, n), task=task, item_id=f"a{n}",
                    model=f"step-{1000 * number}", series=series, round=number, text="?",
                )
                for n in range(items)
            ]  # fmt: skip
            run.write(answers, f"{task}-{number}")
            scores = np.where(rng.random(items) < 0.1, rng.random(items) < mean, luck < mean)
            run.write(
                [
                    _rating(one, "acc", "verifier", "correctness", "binary", float(score))
                    for one, score in zip(answers, scores, strict=True)
                ],
                f"{task}-{number}",
            )
    return run


@pytest.fixture(scope="session")
def made_up_checkpoints() -> Callable[..., Run]:
    return make_checkpoints
