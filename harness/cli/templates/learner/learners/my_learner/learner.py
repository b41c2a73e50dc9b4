"""Learns from the answers that feedback kept which last digits make a number even."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from pydantic import BaseModel, ConfigDict

from harness.learning import Example, Training
from harness.records import Item, digest
from harness.suite import fitted

State = dict[str, int]
"""What the model knows: of each last digit and answer (`7 no`) how often it was kept."""


class MySettings(BaseModel):
    """What `rounds: settings:` of a suite may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompts: int = 20
    """New items a round."""
    samples: int = 4
    """Drawn answers to each."""


@dataclass(frozen=True)
class MyLearner:
    """Every method is a function of its arguments, the settings and the seed; no state is changed."""

    settings: MySettings
    seed: int
    name = "my_learner"

    @property
    def version(self) -> str:
        """What decides the numbers: count the number on where the recipe changes."""
        return digest("my_learner", 1, self.settings.model_dump(), self.seed)

    def held_out(self, count: int) -> list[Item]:
        """Even thousands are never practised on."""
        return [self._item(2000 * (number // 1000) + number % 1000) for number in range(count)]

    def practice(self, round: int) -> list[Item]:
        """Odd thousands are, other ones in every round."""
        start = round * self.settings.prompts
        return [self._item(1000 + 2000 * (n // 1000) + n % 1000) for n in range(start, start + self.settings.prompts)]

    def _item(self, number: int) -> Item:
        target = "no" if number % 2 else "yes"
        return Item(
            task="evenness", item_id=str(number), family="mathematics", prompt=f"Is {number} even?", target=target
        )

    def start(self) -> tuple[State, Training]:
        """Nothing is known."""
        return {}, Training(steps=0, loss=None)

    def answer(self, state: State, items: Sequence[Item]) -> list[str]:
        """Say what was kept more often, `yes` where nothing tells."""
        return ["yes" if self._share_yes(state, item) >= 0.5 else "no" for item in items]

    def sample(self, state: State, items: Sequence[Item], round: int) -> list[list[str]]:
        """Draw by those shares, from a generator of its own for seed and round."""
        draw = Random(digest("sample", self.seed, round))
        return [
            ["yes" if draw.random() < self._share_yes(state, item) else "no" for _ in range(self.settings.samples)]
            for item in items
        ]

    def _share_yes(self, state: State, item: Item) -> float:
        digit = item.item_id[-1]
        yes, no = state.get(f"{digit} yes", 0), state.get(f"{digit} no", 0)
        return (yes + 1) / (yes + no + 2)

    def train(self, state: State, examples: Sequence[Example], round: int) -> tuple[State, Training]:
        """Count what was kept; one step a round, whatever it was."""
        kept = Counter(f"{example.item.item_id[-1]} {example.text}" for example in examples)
        return dict(Counter(state) + kept), Training(steps=1, loss=None)

    def right(self, item: Item, text: str) -> bool | None:
        """By the learner's own key, for the record alone."""
        return text == item.target

    def save(self, state: State, path: Path) -> None:
        """Write a state."""
        path.write_text(json.dumps(state))

    def load(self, path: Path) -> State:
        """Read what `save` wrote."""
        state: State = json.loads(path.read_text())
        return state


def make(settings: dict[str, Any], seed: int) -> MyLearner:
    """Make the learner that a suite names."""
    return MyLearner(fitted(MySettings, settings, "rounds.settings."), seed)
