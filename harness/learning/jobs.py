"""The heavy work of a feedback loop as jobs: from files of a state folder to files there.

A job depends on its arguments alone, so it may run in any process, and one that is done is not done again: its result
is the JSON file that it writes last, after the state. Every file is there whole or not at all.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

from harness.learning.learner import Example, Learner, Training
from harness.records import Item
from harness.run import write_whole


class Samples(TypedDict):
    """The result of `practise`."""

    texts: list[list[str]]
    seconds: float


class Trained(TypedDict):
    """The result of `begin` and `improve`: how the model was trained, and its answers to the held-out items."""

    steps: int
    loss: float
    texts: list[str]
    seconds: float


def begin(learner: Learner, folder: Path, held_out: Sequence[Item]) -> Trained:
    """Train the base, once for all series."""
    done: Trained | None = _result(folder / "000.json")
    if done is None:
        started = time.perf_counter()
        state, training = learner.start()
        done = _finish(learner, state, training, folder, 0, held_out, started)
    return done


def practise(learner: Learner, before: Path, folder: Path, items: Sequence[Item], number: int) -> Samples:
    """Sample answers to a round's practice items from the model of the round before."""
    done: Samples | None = _result(folder / f"{number:03d}-samples.json")
    if done is None:
        started = time.perf_counter()
        texts = learner.sample(learner.load(before), items, number)
        done = {"texts": texts, "seconds": time.perf_counter() - started}
        write_whole(folder / f"{number:03d}-samples.json", json.dumps(done).encode())
    return done


def improve(
    learner: Learner, before: Path, folder: Path, examples: Sequence[Example], held_out: Sequence[Item], number: int
) -> Trained:
    """Train a round's model from the one before it and from what the feedback kept."""
    done: Trained | None = _result(folder / f"{number:03d}.json")
    if done is None:
        started = time.perf_counter()
        state, training = learner.train(learner.load(before), examples, number)
        done = _finish(learner, state, training, folder, number, held_out, started)
    return done


def state_file(folder: Path, number: int) -> Path:
    """Return where the state after a round lies; it is there when the round's training is done."""
    return folder / f"{number:03d}.state"


def _finish(
    learner: Learner,
    state: Any,
    training: Training,
    folder: Path,
    number: int,
    held_out: Sequence[Item],
    started: float,
) -> Trained:
    texts = learner.answer(state, held_out)
    path = state_file(folder, number)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    learner.save(state, temporary)
    if not path.exists():  # a folder cannot be renamed over another one, and both hold the same
        temporary.rename(path)
    seconds = time.perf_counter() - started
    done: Trained = {"steps": training.steps, "loss": training.loss, "texts": texts, "seconds": seconds}
    write_whole(folder / f"{number:03d}.json", json.dumps(done).encode())
    return done


def _result(path: Path) -> Any:
    return json.loads(path.read_bytes()) if path.is_file() else None
