"""What one model did on one task, as another harness wrote it down, in our records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import HarnessError
from harness.records import Family, Item, Rating, Response, digest

CORRECTNESS = (
    "acc",
    "exact_match",
    "pass@1",
    "pass_at_1",
    "em",
    "match",
    "includes",
    "choice",
    "answer",
    "pattern",
    "exact",
)
"""The metrics and scorers that say whether the answer is right; the others are criteria of their own."""

Families = Callable[[str], Family]
"""From a task's name to its family."""


@dataclass(frozen=True)
class Checkpoint:
    """Where one evaluation lies, and which round of which series it is."""

    path: Path
    series: str | None = None
    round: int | None = None
    label: str | None = None
    """What the round is called, where its folder's name says it."""

    def named(self, model: str) -> str:
        """Return the name of its model in the run: each round has its own."""
        name = f"{model}@{self.series}:{self.round}" if self.series else model
        return re.sub(r"[^\w.@:/+-]", "_", name) or "model"


@dataclass
class Evaluation:
    """What one model did on one task."""

    source: str
    model: str
    task: str
    checkpoint: Checkpoint
    args: dict[str, Any]
    settings: dict[str, Any]
    items: list[Item] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)
    ratings: list[Rating] = field(default_factory=list)
    made: str = ""
    """When, as far as its files say: what is older never takes the place of what is newer."""
    notes: list[str] = field(default_factory=list)
    """What could not be brought along, and why."""

    @property
    def name(self) -> str:
        """What the manifest calls it."""
        return f"{self.model} on {self.task}"

    def add_response(self, item: Item, sample: int, prompt_hash: str | None, **fields: Any) -> Response:
        """Add an answer; its id follows from all that is known of it, so that bringing it twice is harmless."""
        identity = digest(self.source, self.model, self.task, item.item_id, prompt_hash, sample, fields)
        response = Response(
            response_id=identity,
            task=self.task,
            item_id=item.item_id,
            model=self.model,
            series=self.checkpoint.series,
            round=self.checkpoint.round,
            sample=sample,
            prompt_hash=prompt_hash or "",
            **fields,
        )
        self.responses.append(response)
        return response

    def add_rating(self, response: Response, scorer: str, criterion: str, **fields: Any) -> None:
        """Add what a scorer of the other harness said of an answer."""
        rater = f"{self.source}:{scorer}"
        self.ratings.append(
            Rating(
                rating_id=digest(response.response_id, rater, criterion),
                task=self.task,
                item_id=response.item_id,
                response_id=response.response_id,
                rater=rater,
                criterion=criterion,
                source=self.source,
                **fields,
            )
        )


Log = TypeVar("Log")


def those_whole(logs: Iterable[Log], read: Callable[[Log], Evaluation], notes: Sequence[str] = ()) -> list[Evaluation]:
    """Return the evaluations of the logs that can be read; the first has the notes, and what was wrong with the others.

    Raises:
        HarnessError: None can be read.
    """
    whole: list[Evaluation] = []
    broken: list[str] = []
    for log in logs:
        try:
            whole.append(read(log))
        except HarnessError as error:
            broken.append(f"left out: {error}")
    if not whole:
        raise HarnessError("\n".join(broken))
    whole[0].notes += [*notes, *broken]
    return whole
