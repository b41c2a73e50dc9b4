"""What a learner is: a recipe that trains a model in rounds and answers with it.

A learner is values only (settings and a seed), so that it can be sent to another process; the model that it trains is
a *state*, which the loop passes around and saves after each round. Every method is a function of its arguments, the
settings and the seed: the same call gives the same result, whatever ran before, and so an interrupted run goes on as
if nothing had happened. A learner knows nothing of feedback; the loop knows nothing of what is learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol

from harness.catalog import function_named
from harness.errors import HarnessError, did_you_mean
from harness.records import Item

BUILTIN = {"addition": "addition"}
"""The learners that come with the harness; others are found by the entry point group `harness.learners`."""


@dataclass(frozen=True)
class Example:
    """One thing to learn from: an item and the answer that the feedback kept."""

    item: Item
    text: str


@dataclass(frozen=True)
class Training:
    """What one training was: the same number of steps in every round and series, so that kinds of feedback compare."""

    steps: int
    loss: float
    """The mean training loss over the last tenth of the steps, as the learner defines it."""


class Learner(Protocol):
    """Makes its own items, trains a model from examples, and answers with it. Must be picklable.

    A state is whatever the learner's model is to it; nobody else looks inside. No method may change the state that it
    is given.
    """

    @property
    def name(self) -> str:
        """The name of the model in responses."""
        ...

    @property
    def version(self) -> str:
        """The hash of everything that decides what the learner does: settings, seed, the recipe's own version."""
        ...

    @property
    def seed(self) -> int:
        """The seed of the training run."""
        ...

    def held_out(self, count: int) -> list[Item]:
        """Return the first `count` items that are never trained on; the same for every training seed.

        Raises:
            HarnessError: There are fewer.
        """
        ...

    def practice(self, round: int) -> list[Item]:
        """Return the items that a round practises on (from 1); the same in every series."""
        ...

    def start(self) -> tuple[Any, Training]:
        """Return the state of round 0, before any feedback, and how it was trained."""
        ...

    def answer(self, state: Any, items: Sequence[Item]) -> list[str]:
        """Return one answer an item, the model's best, without chance."""
        ...

    def sample(self, state: Any, items: Sequence[Item], round: int) -> list[list[str]]:
        """Return several drawn answers an item, of which the feedback of a round chooses."""
        ...

    def train(self, state: Any, examples: Sequence[Example], round: int) -> tuple[Any, Training]:
        """Return the state after a round of training on what was kept, which may be nothing."""
        ...

    def right(self, item: Item, text: str) -> bool | None:
        """Say whether an answer is right by the learner's own key, None where it has none: for the record alone."""
        ...

    def save(self, state: Any, path: Path) -> None:
        """Write a state to a new file or folder."""
        ...

    def load(self, path: Path) -> Any:
        """Read a state that `save` wrote."""
        ...


def _known() -> dict[str, str]:
    return {point.name: point.value for point in entry_points(group="harness.learners")} | BUILTIN


def check_learner(name: str) -> None:
    """Check that a learner is known by its name, or written as `package.module:function`.

    Raises:
        HarnessError: It is neither; says which is near.
    """
    known = _known()
    if ":" not in name and name not in known:
        raise HarnessError(f"rounds: learner: no learner {name!r}.{did_you_mean(name, known)}")


def make_learner(name: str, settings: dict[str, Any], seed: int) -> Learner:
    """Return the learner of a name, with a suite's settings.

    Args:
        name: A built-in learner, one of the entry point group `harness.learners`, or `package.module:function`. The
            function is called as `function(settings, seed)`.
        settings: `rounds: settings:` of the suite; the learner checks them.
        seed: The seed of the training run.

    Raises:
        HarnessError: There is no such learner, or it refuses its settings.
    """
    check_learner(name)
    target = _known().get(name, name)
    make = function_named(target, "rounds: learner")
    learner: Learner = make(settings, seed)
    return learner
