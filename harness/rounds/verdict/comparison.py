"""Two series on the same items: which kind of feedback gives more, by contrasts of the same items and paired seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import combinations
from typing import Any, Literal

import numpy as np

from harness.rounds.scores.grid import ScoreGrid
from harness.rounds.scores.labels import Label
from harness.rounds.verdict.difference import Difference, difference, final_score
from harness.rounds.verdict.sayings import points
from harness.rounds.verdict.verdict import decide, p_below, window_contrast
from harness.statistics import Floats, Moments, finite

Quantity = Literal["rate", "final", "gain", "gain_per_label", "gain_per_dollar"]
WORDS = {"improving": "more", "worsening": "less", "plateaued": "equivalent", "inconclusive": "inconclusive"}


@dataclass(frozen=True)
class Comparison:
    """The difference a - b of one quantity of two series; fractions of the score range.

    Attributes:
        quantity: `rate` a round over the last half, `final` score, `gain` since the first round, and that gain for each
            label or dollar that the feedback cost: all over the rounds that both series have.
        verdict: From a's side `more`, `less`, `equivalent` (inside the SESOI; not for gains by cost), `inconclusive`.
        control: Whether b is the control: what a gained over it is what its feedback gave.
        rounds: The first and the last round that both series have.
        finals: The last round of each series and its mean score, on that series' own items.
        note: What is left out where the series differ in length.
    """

    benchmark: str
    a: str
    b: str
    quantity: Quantity
    value: float | None
    low: float | None
    high: float | None
    level: float
    verdict: str | None
    n_items: int
    n_seeds: int
    scope: str
    control: bool
    reason: str | None
    rounds: list[Label] = field(default_factory=list)
    finals: dict[str, dict[str, Any]] = field(default_factory=dict)
    note: str = ""
    p_values: dict[str, float] = field(default_factory=dict)
    """Of `more` and `less`: for the summary over comparisons only."""

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON values."""
        plain: dict[str, Any] = finite(asdict(self))
        del plain["p_values"]
        return plain

    @property
    def sentence(self) -> str:
        """The comparison as a person reads it."""
        if self.value is None or self.low is None or self.high is None:
            return f"{self.a} and {self.b} on {self.benchmark} cannot be compared: {self.reason}"
        unit = {"rate": " points a round", "final": " points", "gain": " points"}.get(
            self.quantity, f" points {self.quantity[5:].replace('_', ' ')}"
        )
        run = " in this run" if self.n_seeds == 1 else ""
        least = 1 if self.quantity in ("rate", "final", "gain") else 5
        shown = points([self.value, self.low, self.high], 0.0, least)
        return (
            f"{self.a} over {self.b}{' (the control)' if self.control else ''}, {self.quantity.replace('_', ' ')}: "
            f"{shown[0]}{unit} [{shown[1]}, {shown[2]}]{run} ({100 * self.level:.3g} % interval, "
            f"n = {self.n_items:,}): {self.verdict}" + (f"; {self.note}" if self.note else "")
        )


def compared_pairs(
    grids: Sequence[ScoreGrid], control: str | None, every: bool = False
) -> Iterator[tuple[ScoreGrid, ScoreGrid]]:
    """Yield the pairs of series of one benchmark that are compared; the control always stands second.

    Each with the control, or with the first series where there is none; `every` two.
    """
    base = next((grid for grid in grids if grid.series == control), None)
    for a, b in combinations(grids, 2):
        if every or any(one is (base or grids[0]) for one in (a, b)):
            yield (b, a) if a is base else (a, b)


def compare_series(
    a: ScoreGrid,
    b: ScoreGrid,
    apart: Difference,
    control: bool,
    sesoi: float,
    significance: float,
    costs: Mapping[str, Mapping[str, float]] | None = None,
) -> Iterator[Comparison]:
    """Yield the comparisons of two series of one benchmark.

    Args:
        a: The one series.
        b: The other, from whose side nothing is said.
        apart: Their difference.
        control: Whether b is the control.
        sesoi: The smallest effect of interest, a fraction of the range.
        significance: Of each one-sided test.
        costs: `labels` and `dollars`, each series to what its feedback cost.
    """
    level = 1 - 2 * significance
    ends = [apart.rounds[0], apart.rounds[-1]] if apart.rounds else []
    finals = {grid.series: {"round": grid.rounds[-1], "score": final_score(grid)} for grid in (a, b)}
    blank = Comparison(
        a.benchmark, a.series, b.series, "rate", None, None, None, level, None, apart.n_items, apart.n_seeds,
        apart.scope, control, apart.reason, ends, finals, apart.note,
    )  # fmt: skip
    if apart.grid is None or apart.reason is not None:
        yield blank
        return
    moments = apart.grid.moments()
    last = np.eye(len(apart.rounds))[-1]
    gain = last - np.eye(len(apart.rounds))[0]
    asked: list[tuple[Quantity, Moments, Floats, float]] = [
        ("rate", moments, window_contrast(apart.rounds)[1], sesoi),
        ("final", moments, last, sesoi),
        ("gain", moments, gain, sesoi),
    ]
    kinds: list[tuple[Quantity, str]] = [("gain_per_label", "labels"), ("gain_per_dollar", "dollars")]
    for cheap, kind in kinds:
        known = (costs or {}).get(kind, {})
        if known.get(a.series, 0) > 0 and known.get(b.series, 0) > 0:
            priced = difference(a, b, (1 / known[a.series], 1 / known[b.series])).grid
            if priced is not None:
                asked.append((cheap, priced.moments(), gain, 0.0))
    for quantity, of, contrast, margin in asked:
        estimate = of.estimate(contrast)
        found = decide(estimate, margin, significance)
        below = p_below(estimate, 0.0)
        yield replace(
            blank, quantity=quantity, value=found.rate, low=found.low, high=found.high, verdict=WORDS[found.verdict],
            p_values={"more": 1 - below, "less": below},
        )  # fmt: skip
