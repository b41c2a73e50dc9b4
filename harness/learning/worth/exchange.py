"""The exchange rate of labels: how many of a judge's labels one of a person's is worth, and what is cheapest.

Splits share documents, so their spread alone is too small an error. Nadeau and Bengio (2003, "Inference for the
Generalization Error") correct it: the variance of the mean over J splits is (1/J + held out / trained on) times the
variance between them. Intervals here are at 95 %, with J - 1 degrees of freedom; documents are what is held out, so
they count splits and documents, never items alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import pairwise
from math import isfinite, log2
from typing import Any, Literal

import numpy as np
import pandas as pd

from harness.learning.worth.curves import Curves, Point
from harness.statistics import Floats, finite
from harness.suite import PERSON

LEVEL = 0.95
FLAT = 0.01
"""A gain in the score a doubling of labels below which a curve is called flat."""
DRAWS = 4000
Measure = Literal["correlation", "share alike"]
"""What a score is: Spearman's correlation with other people's labels, or of pairs the share picked as they pick."""
Verdict = Literal["more", "less", "not shown to differ"]


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

    @property
    def verdict(self) -> Verdict:
        """Whether a person's label is shown to be worth more than one of the source's, or less."""
        return "more" if self.low > 1 else "less" if self.high < 1 else "not shown to differ"


@dataclass(frozen=True)
class End:
    """How a source's curve ends.

    Attributes:
        source: The source.
        gain: What the last doubling of labels gained.
        low: The lower end of its interval.
        high: The upper end.
        outcome: `rising` or `flat` at the end where the interval says so, else `unknown`.
        flat_from: The fewest labels from which every further doubling gains less than `FLAT`; None where the curve is
            not shown to flatten.
    """

    source: str
    gain: float
    low: float
    high: float
    outcome: Literal["rising", "flat", "unknown"]
    flat_from: int | None


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
    measure: Measure = "correlation"

    @cached_property
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

    @cached_property
    def worths(self) -> list[Worth]:
        """What a person's labels are worth in each source's, for each number of a person's labels."""
        return [one for source in self.sources for one in self.worth(source)]

    def worth(self, source: str) -> list[Worth]:
        """Return what a person's labels are worth in a source's, for each number of a person's labels."""
        mine, theirs = self._curve(PERSON), self._curve(source)
        scores = self.curves.scores[:, [*mine.values(), *theirs.values()]]
        scores = scores[~np.isnan(scores).any(axis=1)]
        if not mine or not theirs or len(scores) < 2:
            return []
        centre = scores.mean(axis=0)
        spread = np.cov(scores.T) * (1 / len(scores) + self.curves.share)
        random = np.random.default_rng(self.seed)
        draws = random.multivariate_normal(centre, np.atleast_2d(spread), DRAWS, method="eigh")
        both, sizes = np.vstack([centre, draws]), list(theirs)
        found = []
        for place, labels in enumerate(mine):
            worth, *drawn = _labels_for(both[:, place], sizes, both[:, len(mine) :]) / labels
            low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="inverted_cdf")
            seen = min(theirs) / labels, max(theirs) / labels
            found.append(Worth(source, labels, float(centre[place]), float(worth), float(low), float(high), *seen))
        return found

    @cached_property
    def ends(self) -> list[End]:
        """How the curve of each source ends, the person's first; of those with two numbers of labels or more."""
        return [self.end(source) for source in (PERSON, *self.sources) if len(self._curve(source)) > 1]

    def end(self, source: str) -> End:
        """Return how a source's curve ends, and where it flattens."""
        curve = list(self._curve(source).items())
        last, place = curve[-1]
        gains = []
        for size, at in curve[:-1]:
            gained = (self.curves.scores[:, place] - self.curves.scores[:, at]) / log2(last / size)
            gains.append((size, *self._interval(gained)))
        _, gain, low, high = gains[-1]
        outcome: Literal["rising", "flat", "unknown"] = "rising" if low > 0 else "flat" if high < FLAT else "unknown"
        flat = None
        for size, _, _, upper in reversed(gains):
            if not upper < FLAT:
                break
            flat = size
        return End(source, gain, low, high, outcome, flat)

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
    def sentence(self) -> str:
        """What a person's labels are worth in the other sources', at the middle number of a person's labels."""
        sizes = list(self._curve(PERSON))
        if not self.sources:
            return f"{self.criterion}: nobody but people gave labels, so that theirs are compared with nothing"
        if not sizes or not self.worths:
            return f"{self.criterion}: too few labels to compare a person's with another's"
        middle = sizes[(len(sizes) - 1) // 2]
        at = [one for one in self.worths if one.labels == middle]
        said = ", ".join(f"{_times(one.worth, one)} of {one.source} ({_shown(one)})" for one in at)
        return f"{self.criterion}: at {middle} labels, one of a person is worth {said}"

    @property
    def sentences(self) -> list[str]:
        """What was found, a sentence each."""
        said = [f"{self.criterion}: {_said(one, self.measure)}" for one in self.worths]
        for end in self.ends:
            words = {"rising": "still rising", "flat": "flat", "unknown": "rising or flat, which cannot be told"}
            since = f", from {end.flat_from} on" if end.flat_from else ""
            said.append(
                f"{self.criterion}: labels of {end.source}: {end.gain:+.3f} [{end.low:.3f}, {end.high:.3f}] a "
                f"doubling at the end of the curve: {words[end.outcome]}{since}"
            )
        if self.cheapest:
            said.append(
                f"{self.criterion}: the cheapest that reaches {self.wanted:.3f} is {self.cheapest}: "
                f"${self.cost(self.cheapest):,.2f} (by its mean, without an interval)"
            )
        return said

    def to_json(self) -> dict[str, Any]:
        """Return JSON values; null for what is unknown or without end."""
        return {
            "criterion": self.criterion,
            "measure": self.measure,
            "n_items": self.curves.n_items,
            "n_clusters": self.curves.n_clusters,
            "splits": len(self.curves.scores),
            "level": LEVEL,
            "points": [finite(row) for row in self.df.to_dict("records")],
            "worth": [finite({**asdict(one), "verdict": one.verdict}) for one in self.worths],
            "flattening": [finite(asdict(one)) for one in self.ends],
            "wanted": finite(self.wanted),
            "cheapest": str(self.cheapest) if self.cheapest else None,
            "cheapest_usd": self.cost(self.cheapest) if self.cheapest else None,
            "sentence": self.sentence,
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


def _labels_for(scores: Floats, sizes: Sequence[int], curves: Floats) -> Floats:
    """Return how many labels reach each score, between sizes by the logarithm: 0 below the first, inf beyond the last.

    The curves are made to never fall: more labels of one source are not worth less.

    Args:
        scores: What is to be reached.
        sizes: The numbers of labels of the curves' points.
        curves: One row a score.
    """
    rising, logs = np.maximum.accumulate(curves, axis=1), np.log(np.asarray(sizes, dtype=float))
    found = np.full(len(scores), np.inf)
    found[scores <= rising[:, 0]] = sizes[0]
    found[scores < rising[:, 0]] = 0.0
    for place, (before, after) in enumerate(pairwise(logs)):
        low, high = rising[:, place], rising[:, place + 1]
        within = (low < scores) & (scores <= high)
        share = (scores[within] - low[within]) / (high - low)[within]
        found[within] = np.exp(before + share * (after - before))
    return found


def _said(one: Worth, measure: Measure) -> str:
    return (
        f"at {one.labels} labels of a person, each is worth {_times(one.worth, one)} of {one.source} "
        f"[{_times(one.low, one)}, {_times(one.high, one)}] ({measure} {one.score:.3f})"
    )


def _shown(one: Worth) -> str:
    return one.verdict if one.verdict == "not shown to differ" else f"shown to be {one.verdict} than one"


def _times(value: float, one: Worth) -> str:
    if value == 0:
        return f"less than {one.least:.1f}"
    return f"{value:.1f}" if isfinite(value) else f"more than {one.most:.1f}"
