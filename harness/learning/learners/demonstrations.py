"""Demonstrations: kept answers that a model is shown before it is asked, and which of them are shown.

Of a round's kept answers those with the highest weight come first; of equals the one that shares the fewest words with
those chosen before it, and of those the earlier item's. Demonstrations of rounds before fill what room is left, chosen
in the same way. An answer without a text, and one that does not fit the room, is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from harness.learning.learner import Example
from harness.learning.overlap import WORD


@dataclass(frozen=True)
class Demonstration:
    """A prompt and the answer to it that feedback kept."""

    prompt: str
    answer: str
    item_id: str
    round: int

    @cached_property
    def words(self) -> frozenset[str]:
        """Its different words."""
        return frozenset(WORD.findall(f"{self.prompt} {self.answer}".casefold()))

    @property
    def length(self) -> int:
        """Its characters."""
        return len(self.prompt) + len(self.answer)

    def likeness(self, other: Demonstration) -> float:
        """Return the share of words that both have, of those that either has."""
        either = self.words | other.words
        return len(self.words & other.words) / len(either) if either else 1.0


def choose(
    examples: Sequence[Example], former: Sequence[Demonstration], round: int, most: int, characters: int
) -> tuple[Demonstration, ...]:
    """Return what is shown after a round.

    Args:
        examples: What the round's feedback kept.
        former: What was shown in the round.
        round: The round.
        most: Demonstrations at most.
        characters: Characters of all of them together at most.
    """
    fresh = [
        (one.weight, Demonstration(one.item.prompt, one.text, one.item.item_id, round))
        for one in examples
        if one.text.strip()
    ]
    shown: list[Demonstration] = []
    for rated in (fresh, [(1.0, one) for one in former]):
        _fill(shown, rated, most, characters)
    return tuple(shown)


def _fill(shown: list[Demonstration], rated: Iterable[tuple[float, Demonstration]], most: int, characters: int) -> None:
    """Add those that there is room for, the best first."""
    left = list(rated)
    likest = [max((one.likeness(other) for other in shown), default=0.0) for _, one in left]
    room = characters - sum(one.length for one in shown)
    while left and len(shown) < most:
        place = min(range(len(left)), key=lambda place: (-left[place][0], likest[place]))
        _, best = left.pop(place)
        del likest[place]
        if best.length <= room:
            shown.append(best)
            room -= best.length
            likest = [max(so_far, one.likeness(best)) for so_far, (_, one) in zip(likest, left, strict=True)]


def to_json(shown: Sequence[Demonstration]) -> bytes:
    """Return demonstrations as a JSON array, one a line."""
    return ("[" + ",\n ".join(json.dumps(asdict(one), ensure_ascii=False) for one in shown) + "]\n").encode()


def from_json(content: bytes) -> tuple[Demonstration, ...]:
    """Return the demonstrations that `to_json` wrote."""
    found: list[dict[str, Any]] = json.loads(content)
    return tuple(Demonstration(**one) for one in found)
