"""What the user asked for, as one pydantic model: the models, the tasks with their raters, and the rounds of training.

Everything that a run does follows from it, so the run keeps a frozen copy. How its file is read (variables, other files
that it includes) is the business of `file.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

import yaml
from pydantic import Field, PrivateAttr, model_validator

from harness.errors import HarnessError, did_you_mean
from harness.records import digest
from harness.suite.document import Document, Key
from harness.suite.exchange import OF_FILE, ExchangeUse
from harness.suite.uses import ModelUse, RatingsUse, RoundsUse, Section, TaskUse
from harness.suite.variables import escape, secrets


class Named(NamedTuple):
    """Something that a suite names.

    Attributes:
        what: A `generator` is a task that makes its own items; the others are as the suite calls them.
        name: As it is looked up.
        location: The keys of its place in the file, for `Suite.where`.
    """

    what: Literal["model", "task", "dataset", "rater", "learner", "generator"]
    name: str
    location: tuple[Key, ...]

    @property
    def in_rounds(self) -> bool:
        """Whether it belongs to the rounds of training."""
        return self.location[0] == "rounds"


class Suite(Section):
    """A whole suite file."""

    name: str = Field(pattern=r"^[\w.-]+$")
    """The run's folder is `runs/NAME` where no other is named."""
    description: str = ""
    """A sentence for `harness ls`."""
    seed: int = 0
    """Decides every draw: samples, the order of pairs, training."""
    limit: int | None = Field(default=None, ge=1)
    """At most so many items a task, and held-out items in rounds."""
    models: list[ModelUse] = Field(default_factory=list)
    """Who answers; each is loaded once, and let go when it has answered."""
    tasks: list[TaskUse] = Field(default_factory=list)
    """What is answered, and who rates it."""
    ratings: list[RatingsUse] = Field(default_factory=list)
    """What people have rated already."""
    rounds: RoundsUse | None = None
    """A learner trained in rounds."""
    exchange: ExchangeUse | None = None
    """What labels of people and of others are worth."""
    _document: Document | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _makes_sense(self) -> Suite:
        for what, names in (
            ("model", [m.name for m in self.models]),
            ("task", [t.called for t in self.tasks]),
            ("data set", [r.name for r in self.ratings]),
            ("checkpoint", [f"{m.series}, round {m.round}" for m in self.models if m.series]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"the {what} {twice[0]!r} is named twice; give each its own name")
        for model in self.models:
            if (model.series is None) != (model.round is None):
                raise ValueError(f"the model {model.name!r} needs both `series` and `round`, or neither")
        if self.tasks and not self.models:
            raise ValueError("there are tasks but no models to answer them; add `models:`")
        if not self.tasks and not self.ratings and not self.rounds and not self.exchange:
            raise ValueError("there is nothing to do; add `tasks:`, `ratings:`, `rounds:` or `exchange:`")
        if self.exchange and self.exchange.data is None:
            if not self.tasks and not self.ratings:
                raise ValueError(
                    "exchange: there are no ratings; name a file by `data:`, or add `ratings:` or `tasks:`"
                )
            if said := [name for name in OF_FILE if getattr(self.exchange, name)]:
                raise ValueError(f"exchange: {said[0]}: is told of a file, `data:`; a run's own ratings have theirs")
        elsewhere = self.model_dump(exclude={"models": {"__all__": {"args"}}})
        if names := sorted(secrets(elsewhere)):
            raise ValueError(f"a secret (${{{names[0]}}}) may stand under `models: args:` alone")
        return self

    @property
    def fingerprint(self) -> str:
        """The hash of everything that decides the run's records; the description and rounds' names do not."""
        return digest(self.model_dump(exclude={"description": True, "models": {"__all__": {"checkpoint"}}}))

    def to_yaml(self) -> str:
        """Return the suite as YAML, without the keys that have their default; a secret stays `${NAME}`."""
        content = escape(self.model_dump(exclude_defaults=True))
        return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)

    def walk(self) -> Iterator[Named]:
        """Yield everything that the suite names, in the order of the file: each in the place where it stands."""
        for place, who in enumerate(self.models):
            yield Named("model", who.model, ("models", place, "model"))
        for place, use in enumerate(self.tasks):
            yield Named("task", use.task, ("tasks", place, "task"))
            yield from _raters_of(use, "tasks", place)
        for place, human in enumerate(self.ratings):
            yield Named("dataset", human.dataset, ("ratings", place, "dataset"))
            yield from _raters_of(human, "ratings", place)
        if self.rounds:
            yield Named("learner", self.rounds.learner, ("rounds", "learner"))
            yield Named("rater", self.rounds.gold, ("rounds", "gold"))
            for series in self.rounds.feedback:
                for rater in self.rounds.raters_of(series):
                    yield Named("rater", rater, ("rounds", "feedback", series))
            for place, entry in enumerate(self.rounds.off_target):
                yield Named("generator", entry.task, ("rounds", "off_target", place))
                if entry.rater:
                    yield Named("rater", entry.rater, ("rounds", "off_target", place, "rater"))

    def read_from(self, document: Document | None) -> Suite:
        """Return the suite, which knows from here on where each of its parts stands; or no longer, by None."""
        self._document = document
        return self

    def where(self, *location: Key) -> str:
        """Return "FILE:LINE: " of a part of the suite; nothing for a suite that was read from no file."""
        return f"{self._document.where(location)}: " if self._document else ""

    def limit_of(self, use: TaskUse | RatingsUse) -> int | None:
        """Return at most how many items of a task, or records of a data set, the suite wants; None for all."""
        return min((limit for limit in (use.limit, self.limit) if limit is not None), default=None)

    def narrowed(
        self,
        tasks: Sequence[str] | None = None,
        models: Sequence[str] | None = None,
        raters: Sequence[str] | None = None,
    ) -> Suite:
        """Return the part of the suite with these tasks, models and raters; rounds only where nothing is narrowed.

        What people have rated goes by the name of its data set, as a task does, and needs no model.

        Raises:
            HarnessError: The suite has none of that name; says which is near.
        """
        if tasks is None and models is None and raters is None:
            return self
        _refuse_unknown("task", tasks, (*(use.called for use in self.tasks), *(use.dataset for use in self.ratings)))
        _refuse_unknown("model", models, (who.name for who in self.models))
        _refuse_unknown("rater", raters, (one.name for one in self.walk() if one.what == "rater" and not one.in_rounds))
        chosen: dict[str, Any] = {
            key: [
                use.model_copy(update={"raters": [r for r in use.raters if raters is None or r.rater in raters]})
                for use in uses
                if tasks is None or (use.called if isinstance(use, TaskUse) else use.dataset) in tasks
            ]
            for key, uses in (("tasks", self.tasks), ("ratings", self.ratings))
        }
        who = [model for model in self.models if models is None or model.name in models]
        return self.model_copy(update={**chosen, "models": who, "rounds": None, "exchange": None})


def _raters_of(use: TaskUse | RatingsUse, *location: Key) -> Iterator[Named]:
    for number, entry in enumerate(use.raters):
        yield Named("rater", entry.rater, (*location, "raters", number, "rater"))


def _refuse_unknown(what: str, wanted: Sequence[str] | None, known: Iterable[str]) -> None:
    names = set(known)
    for name in wanted or ():
        if name not in names:
            raise HarnessError(f"--{what}s: the suite has no {what} {name!r}.{did_you_mean(name, names)}")
