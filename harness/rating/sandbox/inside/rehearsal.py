"""A check of a harmless program, done by the warm process itself before it forks.

Python learns while it runs: it specialises code, fills caches of types and lays out its memory, and each of those is a
write. What the warm process has learnt, its children share; what it has not, every child learns anew, and each first
write to a page costs a page fault. So it goes the way of a check once for every child.
"""

from __future__ import annotations

import socket
import sys
from typing import Any

from . import candidate, examiner, plain, together

TIMES = 20
LIMIT = 1 << 20
SECONDS = 60.0
PROGRAM = """
from typing import List
import math

def solve(numbers: List[int], factor: float = 1.0) -> List[float]:
    found = {}
    for position, number in enumerate(sorted(numbers)):
        if number % 2 == 0 and number not in found:
            found[number] = [str(number), (position, math.sqrt(number))]
    text = ", ".join(f"{key}: {value[0]}" for key, value in found.items()).strip().split(", ")
    return [factor * value[1][1] for value in found.values()] if text else []
"""
SCRIPT = """
def check(candidate):
    assert candidate([4, 16, 3]) == [2.0, 4.0]
    assert candidate([], 2.0) == []
    assert candidate([9, 4, 4], factor=0.5) == [1.0], "halved"
    assert sorted({"a": (1, None, True)}.items()) == [("a", (1, None, True))]
check(solve)
"""
JOB: dict[str, Any] = {
    "kind": "script",
    "parts": {"hidden": SCRIPT},
    "entry_point": "solve",
    "prelude": "from typing import List",
    "setup": "",
    "module": "candidate",
    "reference": None,
    "tolerance": 1e-9,
    "source": PROGRAM,
    "given": [],
}


class Echo(plain.Channel):
    """The channel to a candidate without a process of its own: what the tests ask, it answers at once."""

    def __init__(self, job: dict[str, Any]) -> None:
        """Load the program."""
        self.ends = socket.socketpair()
        self.ends[0].settimeout(SECONDS)
        super().__init__(self.ends[0], LIMIT)
        self.other = plain.Channel(self.ends[1], LIMIT)
        self.candidate = candidate.Candidate(job["source"], job["module"], self.other)
        names = plain.encode(self.candidate.load(), self.candidate.keep, plain.Shared())
        self.other.send(["value", names, []])

    def send(self, message: Any) -> None:
        """Ask, and have the answer ready."""
        super().send(message)
        self.other.send(self.candidate.answer(self.other.receive()))

    def close(self) -> None:
        """Close both ends."""
        for end in self.ends:
            end.close()


def rehearse() -> None:
    """Go through a check, with the tests apart and together."""
    for _ in range(TIMES):
        echo = Echo(JOB)
        examiner.examine(JOB, echo, SECONDS)
        echo.close()
        together.examine(JOB)
    sys.modules.pop("candidate", None)
