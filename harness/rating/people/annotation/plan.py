"""In which order a rater sees what: drawn at random for each rater, some of it twice, and kept with the answers."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.rating.people.human import Asked
from harness.records import digest

GAP = 10
"""How many other things lie between two showings of one, where there are as many."""


@dataclass(frozen=True)
class Unit:
    """One thing shown once."""

    criterion: str
    response_id: str | None = None
    against_id: str | None = None
    swapped: bool = False
    """True where the other side of the comparison is shown first."""
    repetition: int = 0
    check: float | None = None
    """For an attention check: the grade that the rater is told to choose."""

    @property
    def about(self) -> tuple[str, str | None, str | None]:
        """What is asked about, whichever time it is shown."""
        return self.criterion, self.response_id, self.against_id

    @property
    def key(self) -> str:
        """An id that tells the rater nothing."""
        return digest(asdict(self))

    def to_dict(self) -> dict[str, Any]:
        """Return the unit as it is kept."""
        return asdict(self)


def draw(asked: Sequence[Asked], seed: str, repeats: float = 0.1, checks: int = 0) -> list[Unit]:
    """Return what a rater is shown, in order.

    Args:
        asked: What can be asked.
        seed: Decides the order; another one for each rater.
        repeats: The share of things shown twice, for self-agreement.
        checks: How many attention checks there are.
    """
    chance = random.Random(seed)
    first = [
        Unit(
            one.question.criterion,
            one.response.response_id,
            one.against.response_id if one.against else None,
            swapped=one.against is not None and chance.random() < 0.5,
        )
        for one in asked
    ]
    chance.shuffle(first)
    gap = min(GAP, len(first) // 2)
    again: dict[int, list[Unit]] = defaultdict(list)  # after how many first showings
    for place in sorted(chance.sample(range(len(first)), round(repeats * len(first)))):
        unit = first[place]
        swapped = unit.against_id is not None and not unit.swapped  # a pair comes back with its sides exchanged
        later = chance.randint(min(place + 1 + gap, len(first)), len(first))
        again[later].append(Unit(*unit.about, swapped=swapped, repetition=1))
    plan = [unit for place in range(len(first) + 1) for unit in [*first[place : place + 1], *again[place + 1]]]
    grades = {one.question.criterion: [grade.value for grade in one.question.grades] for one in asked}
    for number in range(checks):
        criterion = chance.choice(sorted(grades))
        told = Unit(criterion, response_id=f"check-{number}", check=chance.choice(grades[criterion]))
        plan.insert(chance.randint(0, len(plan)), told)
    return plan
