"""In which order a rater sees what: drawn at random for each rater, some of it twice, and kept with the answers."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
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
    """Return what a rater is shown, in order: a task at a time, within it a question at a time.

    Args:
        asked: What can be asked.
        seed: Decides the order, of tasks, questions and answers; another one for each rater.
        repeats: The share of things shown twice, for self-agreement.
        checks: How many attention checks there are.
    """
    chance = random.Random(seed)
    first: list[Unit] = []
    ends: list[int] = []  # of each place, where its block ends
    for block in _blocks(asked, chance):
        first += block
        ends += [len(first)] * len(block)
    again: dict[int, list[Unit]] = defaultdict(list)  # after how many first showings
    for place, gap in _twice(ends, round(repeats * len(first)), chance):
        unit = first[place]
        swapped = unit.against_id is not None and not unit.swapped  # a pair comes back with its sides exchanged
        later = chance.randint(min(place + 1 + gap, ends[place]), ends[place])
        again[later].append(Unit(*unit.about, swapped=swapped, repetition=1))
    plan = [unit for place in range(len(first) + 1) for unit in [*first[place : place + 1], *again[place + 1]]]
    grades = {one.question.criterion: [grade.value for grade in one.question.grades] for one in asked}
    for number in range(checks):
        criterion = chance.choice(sorted(grades))
        told = Unit(criterion, response_id=f"check-{number}", check=chance.choice(grades[criterion]))
        plan.insert(chance.randint(0, len(plan)), told)
    return plan


def _blocks(asked: Sequence[Asked], chance: random.Random) -> list[list[Unit]]:
    """Return what is asked of one task by one question, shuffled; a task's blocks follow each other."""
    tasks: dict[str, dict[str, list[Unit]]] = defaultdict(lambda: defaultdict(list))
    for one in asked:
        unit = Unit(
            one.question.criterion,
            one.response.response_id,
            one.against.response_id if one.against else None,
            swapped=one.against is not None and chance.random() < 0.5,
        )
        tasks[one.response.task][unit.criterion].append(unit)
    blocks = []
    for questions in chance.sample(list(tasks.values()), len(tasks)):
        for block in chance.sample(list(questions.values()), len(questions)):
            chance.shuffle(block)
            blocks.append(block)
    return blocks


def _twice(ends: Sequence[int], count: int, chance: random.Random) -> list[tuple[int, int]]:
    """Return the places that are shown twice, each with the gap it keeps: first those after which there is room."""
    sizes = Counter(ends)
    gaps = [min(GAP, sizes[end] // 2) for end in ends]
    places = chance.sample(range(len(ends)), len(ends))
    roomy = sorted(places, key=lambda place: place + 1 + gaps[place] > ends[place])
    return [(place, gaps[place]) for place in sorted(roomy[:count])]
