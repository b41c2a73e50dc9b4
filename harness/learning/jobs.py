"""The heavy work of a feedback loop as jobs: from files of a state folder to files there.

A job depends on its arguments alone, so it may run in any process, and one that is done is not done again: its result
is the JSON file that it writes last, after the state. Every file is there whole or not at all.
"""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from harness.errors import HarnessError
from harness.learning.learner import Example, Learner, Training, Written, to_json
from harness.records import Item
from harness.run import EXPLORED, write_whole


@dataclass(frozen=True)
class Evaluation:
    """What the model answers after every round."""

    items: Sequence[Item]
    """One answer each, the model's best."""
    explored: Sequence[Item] = ()
    """Several drawn answers each."""
    samples: int = 0
    """So many."""

    @classmethod
    def of(cls, held_out: Sequence[Item], explore: int = 0, samples: int = 0) -> Evaluation:
        """Return the evaluation on held-out items that also draws `samples` answers to the first `explore` of them."""
        again = [item.model_copy(update={"task": f"{item.task}{EXPLORED}"}) for item in held_out[:explore]]
        return cls(list(held_out), again, samples)


class Samples(TypedDict):
    """The result of `practise`."""

    texts: list[list[Any]]
    seconds: float


class Trained(TypedDict):
    """The result of `begin` and `improve`: how the model was trained, and its answers to the held-out items."""

    steps: int
    loss: float | None
    texts: list[Any]
    explored: list[list[Any]]
    seconds: float
    train_seconds: float


def begin(learner: Learner, folder: Path, evaluation: Evaluation) -> Trained:
    """Train the base, once for all series."""
    done: Trained | None = read_result(folder / "000.json")
    if done is None:
        started = time.perf_counter()
        state, training = learner.start()
        done = _finish(learner, state, training, folder, 0, evaluation, started)
    return done


def practise(learner: Learner, before: Path, folder: Path, items: Sequence[Item], number: int) -> Samples:
    """Sample answers to a round's practice items from the model of the round before."""
    done: Samples | None = read_result(folder / f"{number:03d}-samples.json")
    if done is None:
        started = time.perf_counter()
        texts = learner.sample(learner.load(before), items, number)
        done = {"texts": _groups(texts), "seconds": time.perf_counter() - started}
        write_whole(folder / f"{number:03d}-samples.json", json.dumps(done).encode())
    return done


def improve(
    learner: Learner,
    before: Path,
    folder: Path,
    examples: Sequence[Example],
    evaluation: Evaluation,
    number: int,
    keep_before: bool = True,
) -> Trained:
    """Train a round's model from the one before it and from what the feedback kept.

    Args:
        learner: The learner.
        before: The state of the round before.
        folder: The series' folder.
        examples: What the feedback kept.
        evaluation: What the model then answers.
        number: The round.
        keep_before: Whether the state of the round before stays when this round is done.
    """
    done: Trained | None = read_result(folder / f"{number:03d}.json")
    if done is None:
        started = time.perf_counter()
        state, training = learner.train(learner.load(before), examples, number)
        done = _finish(learner, state, training, folder, number, evaluation, started)
    if not keep_before:
        _remove(before)
    return done


def state_file(folder: Path, number: int) -> Path:
    """Return where the state after a round lies; it is there when the round's training is done."""
    return folder / f"{number:03d}.state"


def is_done(folder: Path, number: int) -> bool:
    """Return whether a round's training is done."""
    return (folder / f"{number:03d}.json").is_file()


def read_result(path: Path) -> Any:
    """Return the result of a job that is done, else None."""
    return json.loads(path.read_bytes()) if path.is_file() else None


def _finish(
    learner: Learner,
    state: Any,
    training: Training,
    folder: Path,
    number: int,
    evaluation: Evaluation,
    started: float,
) -> Trained:
    trained = time.perf_counter()
    texts = [to_json(answer) for answer in learner.answer(state, evaluation.items)]
    explored = _groups(_explore(learner, state, evaluation, number)) if evaluation.samples else []
    path = state_file(folder, number)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")  # processes of several machines may be at it
    learner.save(state, temporary)
    if path.exists():  # a folder cannot be renamed over another one, and both hold the same
        _remove(temporary)
    else:
        temporary.rename(path)
    done: Trained = {
        "steps": training.steps,
        "loss": training.loss,
        "texts": texts,
        "explored": explored,
        "seconds": time.perf_counter() - started,
        "train_seconds": trained - started,
    }
    write_whole(folder / f"{number:03d}.json", json.dumps(done).encode())
    return done


def _explore(learner: Learner, state: Any, evaluation: Evaluation, number: int) -> Sequence[Sequence[Written]]:
    explore = getattr(learner, "explore", None)
    if explore is None:
        raise HarnessError(f"rounds: explore: the learner {learner.name!r} draws no answers to held-out items")
    found: Sequence[Sequence[Written]] = explore(state, evaluation.explored, evaluation.samples, number)
    return found


def _groups(groups: Sequence[Sequence[Written]]) -> list[list[Any]]:
    return [[to_json(answer) for answer in group] for group in groups]


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
