"""What a learner is: a recipe that trains a model in rounds and answers with it.

A learner is values only (settings and a seed), so that it can be sent to another process; the model that it trains is
a *state*, which the loop passes around and saves after each round. Every method is a function of its arguments, the
settings and the seed: the same call gives the same result, whatever ran before, and so an interrupted run goes on as
if nothing had happened. A learner knows nothing of feedback; the loop knows nothing of what is learnt.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol

from harness.beside import called
from harness.catalog import Catalog, function_named
from harness.errors import HarnessError, IncompleteError, did_you_mean
from harness.records import Item, Status

BUILTIN = {"addition": "addition", "language_model": "language_model", "command": "command", "prompt": "prompt"}
"""The learners that come with the harness; others are found by the entry point group `harness.learners`."""


@dataclass(frozen=True)
class Example:
    """One thing to learn from: an item and the answer that the feedback kept."""

    item: Item
    text: str
    weight: float = 1.0
    """How much it counts, where feedback weighs."""
    rejected: str | None = None
    """The answer that it was preferred to, where feedback prefers."""
    wanted: bool | None = None
    """Whether feedback wants it or rejects it, where it says so of each answer; else it is wanted."""

    @property
    def facts(self) -> tuple[object, ...]:
        """What tells it from another example, for a hash."""
        known = () if self.wanted is None else (self.wanted,)
        return self.item.item_id, self.text, self.weight, self.rejected, *known


@dataclass(frozen=True)
class Answer:
    """An answer of a model that tells more than its text."""

    text: str
    logprobs: list[float] | None = None
    """Of each token, in nats, as the model has them at temperature 1."""
    kl: float | None = None
    """How far the model is from its base: the divergence of the next token's distribution from the base's, summed over
    the tokens, in nats.
    """
    finish_reason: str | None = None
    """`stop`, or `length` where the answer was cut."""
    status: Status = "ok"
    """Why there is no text, where there is none: the model's own failure, which counts as a wrong answer."""
    error: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None

    @property
    def tokens(self) -> int | None:
        """How many tokens it has, as the model counted them or as their probabilities say."""
        if self.completion_tokens is not None or self.logprobs is None:
            return self.completion_tokens
        return len(self.logprobs)


Written = str | Answer
"""What a learner answers: a text, or one with more."""


def to_json(answer: Written) -> Any:
    """Return an answer as a JSON value."""
    return answer if isinstance(answer, str) else asdict(answer)


def from_json(value: Any) -> Answer:
    """Return the answer that `to_json` wrote."""
    return Answer(value) if isinstance(value, str) else Answer(**value)


class SeriesEnded(HarnessError):
    """A series cannot go on (no memory, a loss that is no number); the others can."""

    def __init__(self, status: str, message: str) -> None:
        """Make the error.

        Args:
            status: `out_of_memory`, `diverged`, or another word for the run's record.
            message: What happened.
        """
        super().__init__(status, message)
        self.status, self.message = status, message

    def __str__(self) -> str:
        return f"{self.status}: {self.message}"


class Unrated(SeriesEnded, IncompleteError):
    """A rater gave nothing a value: the series cannot go on until it is mended."""

    def __init__(self, message: str) -> None:
        """Make the error; `message` says who failed, on what and why."""
        super().__init__("no_feedback", message)


@dataclass(frozen=True)
class Training:
    """What one training was: the same number of steps in every round and series, so that kinds of feedback compare."""

    steps: int
    loss: float | None
    """The mean training loss over the last tenth of the steps, as the learner defines it; None without steps."""


class Learner(Protocol):
    """Makes its own items, trains a model from examples, and answers with it. Must be picklable.

    A state is whatever the learner's model is to it; nobody else looks inside. No method may change the state that it
    is given. A learner may have two more methods and one more attribute, which a suite can ask for:

    - `explore(state, items, samples, round)`: so many drawn answers to each of some held-out items (`explore:`);
    - `takes`: which fields of `Example` it learns from beside the text: `weight`, `rejected`, `wanted` (`keep:`).
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

    def answer(self, state: Any, items: Sequence[Item]) -> Sequence[Written]:
        """Return one answer an item, the model's best, without chance."""
        ...

    def sample(self, state: Any, items: Sequence[Item], round: int) -> Sequence[Sequence[Written]]:
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


METHODS = {name for name in dir(Learner) if not name.startswith("_")}
"""What a learner has."""


def _known() -> dict[str, str]:
    return {point.name: point.value for point in entry_points(group="harness.learners")} | BUILTIN


LOADING = ("language_model", "command")
"""Learners that may fetch a model when they are made; `unloaded` of their module makes them without."""


def check_learner(name: str, catalog: Catalog | None = None) -> None:
    """Check that a learner is known by its name, or its function can be imported.

    Args:
        name: See `make_learner`.
        catalog: In the user's folders of it a module is looked for first.

    Raises:
        HarnessError: It is not; says which is near.
    """
    known = _known()
    if ":" in name:
        _function(name, catalog)
    elif name not in known:
        raise HarnessError(f"rounds: learner: no learner {name!r}.{did_you_mean(name, known)}")


def unloaded_learner(name: str, settings: dict[str, Any], seed: int, catalog: Catalog) -> Learner:
    """Return a learner made by its settings, but for a model that would have to be fetched, and check what it has.

    Raises:
        HarnessError: It refuses its settings, or lacks a method.
    """
    if name in LOADING:
        made: Learner = import_module(f"harness.learning.learners.{name}").unloaded(settings, seed, catalog)
        return made
    made = make_learner(name, settings, seed, catalog=catalog)
    lacks = [one for one in sorted(METHODS) if not hasattr(made, one)]
    if lacks:
        raise HarnessError(
            f"rounds: learner: {name!r} returned {type(made).__name__!r} without {', '.join(lacks)}; "
            "docs/learners.md says what each does"
        )
    return made


def _function(name: str, catalog: Catalog | None) -> Callable[..., Any]:
    included = catalog.roots[:-1] if catalog else ()
    return function_named(_known().get(name, name), "rounds: learner", included=included)


def make_learner(name: str, settings: dict[str, Any], seed: int, **surroundings: Any) -> Learner:
    """Return the learner of a name, with a suite's settings.

    Args:
        name: A built-in learner, one of the entry point group `harness.learners`, or `package.module:function`. The
            function is called as `function(settings, seed)`.
        settings: `rounds: settings:` of the suite; the learner checks them.
        seed: The seed of the training run.
        **surroundings: What the run has (`catalog`, `cache`); the function is given those that it has a parameter for.

    Raises:
        HarnessError: There is no such learner, or it refuses its settings.
    """
    catalog = surroundings.get("catalog")
    check_learner(name, catalog)
    make = _function(name, catalog)
    given = {name: value for name, value in surroundings.items() if name in inspect.signature(make).parameters}
    learner: Learner = called("rounds: learner", make, settings, seed, **given)
    return learner
