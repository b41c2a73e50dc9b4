"""The exchange rate of labels: how many of a judge's labels one of a person's is worth, and what is cheapest.

Splits share documents, so their spread alone is too small an error. Nadeau and Bengio (2003, "Inference for the
Generalization Error") correct it: the variance of the mean over J splits is (1/J + held out / trained on) times the
variance between them. Intervals here are at 95 %, with J - 1 degrees of freedom; documents are what is held out, so
they count splits and documents, never items alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite, log
from typing import Any

import numpy as np
import pandas as pd

from harness.learning.exchange.curves import PERSON, Curves, Point
from harness.statistics import Floats, finite

LEVEL = 0.95
FLAT = 0.01
"""A gain in correlation over the last doubling of labels below which a curve is called flat."""
DRAWS = 4000


@dataclass(frozen=True)
class Worth:
    """How many labels of another source one of a person's is worth, where the person gave so many.

    Attributes:
        source: The other source.
        labels: Labels of a person.
        score: What a rater learns from them.
        worth: Labels of the source a label of a person; inf where the source never gets there, 0 where its fewest
            labels are enough.
        low: The lower end, likewise.
        high: The upper end, likewise.
        least: What can be seen: the source's fewest labels, a label of a person.
        most: The source's most labels, a label of a person.
    """

    source: str
    labels: int
    score: float
    worth: float
    low: float
    high: float
    least: float
    most: float


@dataclass(frozen=True)
class Exchange:
    """What labels are worth on one criterion."""

    criterion: str
    curves: Curves
    seed: int = 0
    rates: Mapping[str, float] = field(default_factory=dict)
    """US dollars a label, by source; `person` for a person's."""
    quality: float | None = None
    """The score that is wanted; what half of the most of a person's labels reach where not given."""

    @property
    def df(self) -> pd.DataFrame:
        """One row a point: its mean score over the splits with the interval."""
        rows = []
        for place, point in enumerate(self.curves.points):
            mean, low, high = self._interval(self.curves.scores[:, place])
            row = {"criterion": self.criterion, **asdict(point), "score": mean, "low": low, "high": high}
            rows.append(
                row | {"splits": int((~np.isnan(self.curves.scores[:, place])).sum()), "cost": self.cost(point)}
            )
        return pd.DataFrame(rows)

    def cost(self, point: Point) -> float:
        """Return the dollars that a point's labels cost; nan where a rate is not known."""
        unknown = float("nan")
        mine = point.labels * self.rates.get(point.source, unknown)
        return mine + point.other_labels * self.rates.get(point.other, unknown) if point.other else mine

    @property
    def sources(self) -> list[str]:
        """The sources beside the person."""
        return list(dict.fromkeys(one.source for one in self.curves.points if one.source != PERSON))

    def worth(self, source: str) -> list[Worth]:
        """Return what a person's labels are worth in a source's, for each number of a person's labels."""
        mine, theirs = self._curve(PERSON), self._curve(source)
        if not mine or not theirs:
            return []
        places = [*mine.values(), *theirs.values()]
        scores = self.curves.scores[:, places]
        scores = scores[~np.isnan(scores).any(axis=1)]
        if len(scores) < 2:
            return []
        centre = scores.mean(axis=0)
        spread = np.cov(scores.T) * (1 / len(scores) + self.curves.share)
        random = np.random.default_rng(self.seed)
        draws = random.multivariate_normal(centre, np.atleast_2d(spread), DRAWS, method="eigh")
        found = []
        for place, labels in enumerate(mine):
            worth = _labels_for(centre[place], list(theirs), centre[len(mine) :]) / labels
            drawn = [_labels_for(one[place], list(theirs), one[len(mine) :]) / labels for one in draws]
            low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="inverted_cdf")
            seen = min(theirs) / labels, max(theirs) / labels
            found.append(Worth(source, labels, float(centre[place]), worth, float(low), float(high), *seen))
        return found

    def flattening(self, source: str) -> dict[str, Any]:
        """Return the gain over the last doubling of a source's labels, and whether the curve is flat there."""
        curve = list(self._curve(source).items())
        if len(curve) < 2:
            return {"source": source, "outcome": "unknown"}
        (before, first), (after, last) = curve[-2:]
        doubled = log(2) / log(after / before)
        mean, low, high = self._interval((self.curves.scores[:, last] - self.curves.scores[:, first]) * doubled)
        outcome = "rising" if low > 0 else "flat" if high < FLAT else "unknown"
        return {
            "source": source,
            "from": before,
            "to": after,
            "gain": mean,
            "low": low,
            "high": high,
            "outcome": outcome,
        }

    @property
    def wanted(self) -> float:
        """The score that is wanted."""
        if self.quality is not None:
            return self.quality
        mine = list(self._curve(PERSON).values())
        return float(np.nanmean(self.curves.scores[:, mine[(len(mine) - 1) // 2]])) if mine else float("nan")

    @property
    def cheapest(self) -> Point | None:
        """The cheapest point whose mean score is what is wanted; None where none is, or no rates are known."""
        rows = self.df
        enough = (rows["score"] >= self.wanted - 1e-12) & rows["cost"].notna()
        costs = rows["cost"].where(enough).to_numpy(float)
        return self.curves.points[int(np.nanargmin(costs))] if enough.any() else None

    @property
    def sentences(self) -> list[str]:
        """What was found, a sentence each."""
        said = []
        for source in self.sources:
            for one in self.worth(source):
                said.append(f"{self.criterion}: {_said(one)}")
        for source in (PERSON, *self.sources):
            end = self.flattening(source)
            if "gain" in end:
                words = {"rising": "still rising", "flat": "flat", "unknown": "rising or flat, which cannot be told"}
                said.append(
                    f"{self.criterion}: labels of {source}: {end['gain']:+.3f} [{end['low']:.3f}, {end['high']:.3f}] a "
                    f"doubling at the end of the curve: {words[end['outcome']]}"
                )
        if self.cheapest:
            said.append(
                f"{self.criterion}: the cheapest that reaches {self.wanted:.3f} is {self.cheapest}: "
                f"${self.cost(self.cheapest):,.2f} (by its mean, without an interval)"
            )
        return said

    def to_json(self) -> dict[str, Any]:
        """Return JSON values; null for what is unknown or without end."""
        rows = [finite(row) for row in self.df.to_dict("records")]
        worth = [asdict(one) for source in self.sources for one in self.worth(source)]
        return {
            "criterion": self.criterion,
            "n_items": self.curves.n_items,
            "n_clusters": self.curves.n_clusters,
            "level": LEVEL,
            "points": rows,
            "worth": [finite(one) for one in worth],
            "flattening": [self.flattening(source) for source in (PERSON, *self.sources)],
            "wanted": finite(self.wanted),
            "cheapest": str(self.cheapest) if self.cheapest else None,
            "sentences": self.sentences,
        }

    def _curve(self, source: str) -> dict[int, int]:
        """Return the numbers of labels of a source alone that some split has, each with its place."""
        return {
            point.labels: place
            for place, point in enumerate(self.curves.points)
            if point.source == source and not point.other and not np.isnan(self.curves.scores[:, place]).all()
        }

    def _interval(self, values: Floats) -> tuple[float, float, float]:
        from scipy.stats import t

        known = values[~np.isnan(values)]
        if len(known) < 2:
            return (float(known[0]) if len(known) else float("nan"), float("nan"), float("nan"))
        error = float(np.sqrt((1 / len(known) + self.curves.share) * known.var(ddof=1)))
        reach = float(t.ppf((1 + LEVEL) / 2, len(known) - 1)) * error
        mean = float(known.mean())
        return mean, mean - reach, mean + reach


def _labels_for(score: float, sizes: Sequence[int], curve: Floats) -> float:
    """Return how many labels reach a score, between sizes by the logarithm: 0 below the first, inf beyond the last.

    The curve is made to never fall: more labels of one source are not worth less.
    """
    rising = np.maximum.accumulate(curve)
    if score > rising[-1]:
        return float("inf")
    if score < rising[0]:
        return 0.0
    return float(np.exp(np.interp(score, rising, np.log(np.asarray(sizes, dtype=float)))))


def _said(one: Worth) -> str:
    return (
        f"at {one.labels} labels of a person, each is worth {_times(one.worth, one)} of {one.source} "
        f"[{_times(one.low, one)}, {_times(one.high, one)}] (correlation {one.score:.3f})"
    )


def _times(value: float, one: Worth) -> str:
    if value == 0:
        return f"less than {one.least:.1f}"
    return f"{value:.1f}" if isfinite(value) else f"more than {one.most:.1f}"
