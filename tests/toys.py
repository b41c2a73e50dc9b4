"""A learner and raters that need nothing and take no time: what a loop and its doors are tested with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.learning.learner import Example, Training
from harness.rating.rater import Rater, RaterSpec, Surroundings, Work, rating_of
from harness.records import Item, Rating, digest

DOWN: set[str] = set()
"""The raters whose provider cannot be reached."""


@dataclass(frozen=True)
class Parrot:
    """A learner that answers an item rightly once it was taught enough; its state is how much that was."""

    seed: int = 0
    name = "parrot"

    @property
    def version(self) -> str:
        return digest("1", self.seed)

    def held_out(self, count: int) -> list[Item]:
        return [self._item(f"held-{number}") for number in range(count)]

    def practice(self, round: int) -> list[Item]:
        return [self._item(f"practice-{round}-{number}") for number in range(6)]

    def _item(self, name: str) -> Item:
        return Item(task="parrot", item_id=name, family="other", prompt=f"say {name}", target="good")

    def start(self) -> tuple[int, Training]:
        return 0, Training(1, 0.5)

    def answer(self, state: int, items: Sequence[Item]) -> list[str]:
        return ["good" if int(digest(one.item_id), 16) % 40 < 12 + state else "bad" for one in items]

    def sample(self, state: int, items: Sequence[Item], round: int) -> list[list[str]]:
        return [["bad", "good"]] * len(items)

    def train(self, state: int, examples: Sequence[Example], round: int) -> tuple[int, Training]:
        return state + sum(one.text == "good" for one in examples), Training(1, 0.25)

    def right(self, item: Item, text: str) -> bool | None:
        return text == "good"

    def save(self, state: int, path: Path) -> None:
        path.write_text(json.dumps(state))

    def load(self, path: Path) -> int:
        return int(json.loads(path.read_text()))


def parrot(settings: dict[str, Any], seed: int) -> Parrot:
    """Make a learner."""
    return Parrot(seed)


@dataclass(frozen=True)
class Fan:
    """A simulated rater that likes what is good, while its provider can be reached."""

    spec: RaterSpec
    version: str = "1"

    def rate(self, work: Sequence[Work]) -> Iterator[Rating]:
        for piece in work:
            if self.spec.name in DOWN:
                yield rating_of(self.spec, self.version, piece, status="error", error="no provider")
            else:
                yield rating_of(self.spec, self.version, piece, value=float(piece.response.text == "good"))


def fan(spec: RaterSpec, surroundings: Surroundings) -> Rater:
    """Make a rater."""
    return Fan(spec)


@dataclass(frozen=True)
class Nobody:
    """A simulated verifier that can say nothing of anything."""

    spec: RaterSpec
    version: str = "1"

    def rate(self, work: Sequence[Work]) -> Iterator[Rating]:
        for piece in work:
            yield rating_of(self.spec, self.version, piece, status="skipped", error="it has no key")


def nobody(spec: RaterSpec, surroundings: Surroundings) -> Rater:
    """Make a rater."""
    return Nobody(spec)


def rater_folder(folder: Path, name: str, **more: Any) -> Path:
    """Write the folder of a `fan`."""
    declared = {"kind": "judge", "use": "toys:fan", "criteria": ["quality"], "scale": "binary", **more}
    (folder / "raters" / name).mkdir(parents=True)
    (folder / "raters" / name / "rater.yaml").write_text(json.dumps({"description": "simulated", **declared}))
    return folder
