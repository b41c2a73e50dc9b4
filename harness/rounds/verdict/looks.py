"""What is asked of every series, and the looks that answer it: the verdict after some rounds or after all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.errors import HarnessError
from harness.rounds.scores.labels import Label
from harness.rounds.verdict.last_gain import Verdict
from harness.rounds.verdict.verdict import Outcome, judge, look_significance
from harness.statistics import Moments

LookRule = Literal["final", "every"]


@dataclass(frozen=True)
class Look:
    """One look at the verdict, after a round; `rate` is the slope over the window, with its interval."""

    look: int
    round: Label
    window: list[Label]
    significance: float
    level: float
    rate: float
    low: float
    high: float
    verdict: Verdict


@dataclass(frozen=True)
class VerdictRule:
    """What is asked of every series: effects as fractions of the range."""

    sesoi: float
    significance: float
    look: LookRule

    @classmethod
    def of(cls, sesoi: float, significance: float, look: str) -> VerdictRule:
        """Return the question asked in points a round.

        Raises:
            HarnessError: A number makes no sense, or there is no such rule of looks.
        """
        if not sesoi > 0:
            raise HarnessError(f"sesoi {sesoi:g}: the smallest effect of interest must be above 0 points a round")
        if not 0 < significance < 0.5:
            raise HarnessError(f"significance {significance:g}: must lie between 0 and 0.5")
        if look not in ("final", "every"):
            raise HarnessError(f"look {look!r}: is neither 'final' nor 'every'")
        return cls(sesoi / 100, significance, "every" if look == "every" else "final")

    def plan(self, rounds: int) -> Iterator[tuple[int, int, float]]:
        """Yield each look's number, how many rounds it sees, and the significance that it spends."""
        if self.look == "final":
            yield 1, rounds, self.significance
            return
        for number in range(1, rounds):
            yield number, number + 1, look_significance(number, self.significance)

    def take(self, moments: Moments, rounds: Sequence[Label]) -> tuple[list[Look], Outcome]:
        """Return every look at a series, and the outcome of the last one."""
        looks: list[Look] = []
        for number, seen, spent in self.plan(len(rounds)):
            outcome = judge(moments.columns(range(seen)), rounds[:seen], self.sesoi, spent)
            rate = outcome.rate
            looks.append(
                Look(number, rounds[seen - 1], outcome.window, spent, outcome.level, rate.rate, rate.low, rate.high,
                     outcome.verdict)
            )  # fmt: skip
        return looks, outcome
