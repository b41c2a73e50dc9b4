"""How many items a verdict takes, found by simulating the verdict's own rule.

With rounds whose scores hang together equally, the chance of a verdict depends on the number of rounds and on the ratio
of the effect to the error of a gain between two rounds. So the ratio at which four in five series get their verdict
is found once for each number of rounds, and items follow from it.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from typing import Literal

import numpy as np
from scipy.special import ndtri, stdtrit

from harness.rounds.verdict.last_gain import last_gain, p_later
from harness.rounds.verdict.verdict import ENOUGH_UNITS
from harness.statistics import Floats, Moments, gain_variance

POWER = 0.8
SERIES = {"detect": 24_000, "certify": 6_000}
"""Series drawn to find a ratio, over the number of rounds."""
SERIES_AS_SEEN = 400
MANY = 10**6
Question = Literal["detect", "certify"]
QUESTIONS: tuple[Question, Question] = ("detect", "certify")
RATIOS = np.geomspace(0.5, 10, 300)
"""Ratios of the smallest effect of interest to the error of a gain that are tried."""
USUAL = 0.05
"""The significance that verdicts are usually reached at."""
KNOWN: dict[Question, tuple[int, ...]] = {
    "detect": (161, 161, 161, 161, 161, 161, 162, 162, 163, 161, 161, 161, 163, 161),
    "certify": (169, 111, 67, 53, 57, 58, 60, 67, 69, 63, 77, 72, 74, 75),
}
"""The places in `RATIOS` that `searched` finds at the usual significance for 2 rounds, 3, ...: each takes .2 s."""
MOST = 10**9


@dataclass(frozen=True)
class NeededItems:
    """Items needed at 80 % power: to show that a round which gains the SESOI helped, and to certify a standstill."""

    detect: int | None
    certify: int | None


@dataclass(frozen=True)
class Needs:
    """What so many items could have told, and what would tell; effects are fractions of the score range.

    Attributes:
        mde: The smallest gain a round that they show with 80 % power.
        smallest_certifiable_sesoi: The smallest effect of interest inside which they certify a true standstill.
        needed: Items for the smallest effect of interest.
        seen: More items that would decide if the means are what they seem; None where these are all within the SESOI.
        general: More items that would decide whether there is a gain of the SESOI or a standstill; None where no number
            would.
        sesoi: The smallest effect of interest.
    """

    mde: float | None
    smallest_certifiable_sesoi: float | None
    needed: NeededItems
    seen: int | None
    general: int | None
    sesoi: float

    @classmethod
    def of(cls, moments: Moments, sesoi: float, significance: float, open_: bool) -> Needs:
        """Return what these items tell; `open_` where the verdict is inconclusive, and more would be of use."""
        precision = Precision.of(moments)
        needed = precision.needed(sesoi, significance)
        most = max(needed.detect, needed.certify) if needed.detect and needed.certify else None
        n, seen = moments.n_items, None
        if open_ and float(np.ptp(moments.means)) >= sesoi:
            enough = items_as_seen(moments, sesoi, significance)
            seen = None if enough is None else about(max(enough - n, 1))
        general = None if most is None else max(most - n, 0)
        mde, certifiable = (precision.smallest(asked, n, significance) for asked in QUESTIONS)
        return cls(mde, certifiable, needed, seen, general, sesoi)

    @property
    def more(self) -> int | None:
        """How many more items would decide: as the means seem, else about the SESOI; None where no number is known."""
        return self.seen if self.seen is not None else self.general or None

    @property
    def sentence(self) -> str:
        """What would decide, as a person reads it."""
        asked = f"a gain of {100 * self.sesoi:g} point{'' if self.sesoi == 0.01 else 's'} a round or a standstill"
        said = []
        if self.seen is not None:
            said.append(f"about {self.seen:,} more items would decide if the means are as they seem")
        if self.general:
            said.append(f"about {self.general:,} more {'items ' if not said else ''}would decide about {asked}")
        elif self.general is None:
            said.append(f"{asked} takes more training seeds, not more items")
        return "; ".join(said) or "the means lie between a gain of interest and a standstill, and more items would tell"


def about(count: int) -> int:
    """Return a count of items to two figures, rounded up: what is simulated is not known more exactly."""
    step = int(10 ** max(len(str(count)) - 2, 0))
    return -(-count // step) * step


@dataclass(frozen=True)
class Precision:
    """How precisely the gain between two rounds is known.

    Attributes:
        rounds: Rounds of the series.
        variance: The variance of an item's (a cluster's) gain between two rounds.
        reach: See `Moments`.
        size: Items a cluster; 1 without clusters.
        seed_variance: What more items do not lessen, and its degrees of freedom `seed_df`.
    """

    rounds: int
    variance: float
    reach: float
    size: float = 1.0
    seed_variance: float = 0.0
    seed_df: float = np.inf

    @classmethod
    def of(cls, moments: Moments) -> Precision:
        """Return the precision of the gains between the rounds of a series, on average."""
        units, seeds = moments.n_units, len(moments.seed_means)
        of_items = float(gain_variance(moments.scatter)) / (units - 1)
        of_seeds = float(gain_variance(moments.covariance())) - of_items / units
        size = moments.n_items / units
        if seeds == 1:
            return cls(len(moments.means), of_items, float(moments.reach), size)
        return cls(len(moments.means), of_items, float(moments.reach), size, max(of_seeds, 0.0), seeds - 1)

    def needed(self, sesoi: float, significance: float) -> NeededItems:
        """Return the items that 80 % power takes at a smallest effect of interest."""
        return NeededItems(self._items("detect", sesoi, significance), self._items("certify", sesoi, significance))

    def smallest(self, question: Question, items: int, significance: float) -> float | None:
        """Return the smallest effect of interest of which so many items answer the question with 80 % power."""
        ratio = critical_ratio(self.rounds, significance, question)
        return None if ratio is None else ratio * self._error(items / self.size, significance)

    def _items(self, question: Question, sesoi: float, significance: float) -> int | None:
        ratio = critical_ratio(self.rounds, significance, question)
        if ratio is None or ratio * sqrt(self.seed_variance) >= sesoi:
            return None
        counts = range(ENOUGH_UNITS, MOST)
        place = bisect_left(
            counts, True, key=lambda count: ratio * self._error(count / self.size, significance) <= sesoi
        )
        return counts[place] if place < len(counts) else None

    def _error(self, units: float, significance: float) -> float:
        """Return the guarded error of a gain, with what t quantiles are wider than the normal's."""
        guard = 2 * (2 * self.reach) ** 2
        items = (units * self.variance + guard) / ((units + 1) * (units + 2))
        df = self.seed_df if self.seed_variance > items else units + 1
        wider = float(stdtrit(min(df, 1e12), 1 - significance) / ndtri(1 - significance))
        return wider * sqrt(items + self.seed_variance)


@lru_cache(maxsize=256)
def critical_ratio(rounds: int, significance: float, question: Question) -> float | None:
    """Return the ratio of the SESOI to the error of a gain at which a verdict comes in four of five series.

    `detect`: improving, of series that gain the SESOI every round. `certify`: plateaued, of series that stand still.
    None where no ratio does: at a loose significance a standstill is called something else too often.
    """
    known = KNOWN[question] if significance == USUAL else ()
    place = known[rounds - 2] if rounds - 2 < len(known) else searched(rounds, significance, question)
    return float(RATIOS[place]) if place < len(RATIOS) else None


def searched(rounds: int, significance: float, question: Question) -> int:
    """Return the place in `RATIOS` of the critical ratio, by simulation; the number of ratios where none is."""
    noise = np.random.default_rng(0).standard_normal((SERIES[question] // rounds, rounds)) * sqrt(0.5)
    gains = np.arange(rounds) if question == "detect" else np.zeros(rounds)

    def often(ratio: float) -> bool:
        moments = _moments(noise + ratio * gains, np.eye(rounds) / 2)
        if question == "detect":
            return float((p_later(moments).max(axis=-1) < significance).mean()) >= POWER
        return float((last_gain(moments, ratio, significance).verdict == "plateaued").mean()) >= POWER

    return bisect_left(RATIOS, True, key=often)


def items_as_seen(moments: Moments, sesoi: float, significance: float) -> int | None:
    """Return the items that give a verdict with 80 % power if the means are what they seem; None for too many."""
    count = len(moments.means)
    item = moments.scatter / (moments.n_units - 1)
    values, vectors = np.linalg.eigh(item)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    noise = np.random.default_rng(0).standard_normal((SERIES_AS_SEEN, count)) @ root.T

    def often(units: int) -> bool:
        means = moments.means + noise / sqrt(units)
        found = last_gain(_moments(means, item / units, units, moments), sesoi, significance)
        return float((found.verdict != "inconclusive").mean()) >= POWER

    sizes = np.unique(np.geomspace(moments.n_units, 1000 * moments.n_units, 60).astype(int))
    place = bisect_left(sizes, True, key=lambda units: often(int(units)))
    return int(sizes[place] * moments.n_items / moments.n_units) if place < len(sizes) else None


def _moments(means: Floats, covariance: Floats, units: int = MANY, like: Moments | None = None) -> Moments:
    """Return many series of one covariance; with the seeds of another one."""
    seeds = means[:, None, :] if like is None else means[:, None, :] + (like.seed_means - like.means)
    return Moments(means, covariance * units * (units - 1), units, units, seeds, 0.0 if like is None else like.reach)
