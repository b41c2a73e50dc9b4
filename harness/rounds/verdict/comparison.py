"""Two series on the same items: which kind of feedback gives more, by contrasts of the same items and paired seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any, Literal

import numpy as np

from harness.rounds.scores.grid import ScoreGrid, whole
from harness.rounds.verdict.ppi import correct_contrast
from harness.rounds.verdict.result import finite, points
from harness.rounds.verdict.verdict import ENOUGH_UNITS, decide, p_values, window_contrast
from harness.statistics import Floats, Moments

Quantity = Literal["rate", "final", "gain", "gain_per_label", "gain_per_dollar"]
WORDS = {"improving": "more", "worsening": "less", "plateaued": "equivalent", "inconclusive": "inconclusive"}


@dataclass(frozen=True)
class Comparison:
    """The difference a - b of one quantity of two series; fractions of the score range.

    Attributes:
        quantity: `rate` a round over the window, `final` score, `gain` since the first round, and that gain for each
            label or dollar that the feedback cost.
        verdict: From a's side `more`, `less`, `equivalent` (inside the SESOI; not for gains by cost), `inconclusive`.
        control: Whether b is the control: what a gained over it is what its feedback gave.
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
            f"{shown[0]}{unit} [{shown[1]}, {shown[2]}]{run} ({100 * self.level:.3g} % interval): {self.verdict}"
        )


def compare_series(
    score_grids: list[ScoreGrid],
    control: str | None,
    sesoi: float,
    significance: float,
    costs: Mapping[str, Mapping[str, float]] | None = None,
) -> Iterator[Comparison]:
    """Yield the comparisons of every two series of one benchmark; the control always stands on the side of b.

    Args:
        score_grids: The score_grids of one benchmark.
        control: The series without feedback, if there is one.
        sesoi: The smallest effect of interest, a fraction of the range.
        significance: Of each one-sided test.
        costs: `labels` and `dollars`, each series to what its feedback cost.
    """
    for a, b in combinations(score_grids, 2):
        if a.series == control:
            a, b = b, a
        yield from _pair(a, b, b.series == control, sesoi, significance, costs or {})


def _pair(
    a: ScoreGrid,
    b: ScoreGrid,
    control: bool,
    sesoi: float,
    significance: float,
    costs: Mapping[str, Mapping[str, float]],
) -> Iterator[Comparison]:
    rounds = sorted(set(a.rounds) & set(b.rounds))
    seeds = _paired_seeds(a, b)
    level = 1 - 2 * significance
    about = (max(len(seeds), 1), "run" if len(seeds) < 2 else "method", control)
    reason = "no_common_rounds" if len(rounds) < 2 else "no_common_seeds" if not seeds else None
    if reason is not None:
        yield Comparison(a.benchmark, a.series, b.series, "rate", None, None, None, level, None, 0, *about, reason)
        return
    joint = _side_by_side(a, b, rounds, seeds)
    rows = whole(joint.judged)
    labelled = rows & whole(joint.gold) if joint.gold is not None and joint.partly_gold else rows
    n, cluster = int(rows.sum()), joint.clusters_of(rows)
    for some, short in ((rows, "too_few_items"), (labelled, "too_few_gold")):
        if joint.units_of(some) < ENOUGH_UNITS:
            yield Comparison(a.benchmark, a.series, b.series, "rate", None, None, None, level, None, n, *about, short)
            return
    moments = Moments.of(joint.judged[:, rows], cluster)
    for quantity, left, right in _contrasts(rounds, a.series, b.series, costs):
        contrast, margin = np.concatenate([left, -right]), sesoi if quantity in ("rate", "final", "gain") else 0.0
        estimate = moments.estimate(contrast)
        if labelled is not None and joint.gold is not None:
            estimate = correct_contrast(
                joint.scores[:, rows], joint.gold[:, rows], labelled, contrast, cluster
            ).estimate
        found, p = decide(estimate, margin, significance), p_values(estimate, margin)
        yield Comparison(
            a.benchmark, a.series, b.series, quantity, found.rate, found.low, found.high, level, WORDS[found.verdict],
            n, *about, None, {"more": p["improving"], "less": p["worsening"]},
        )  # fmt: skip


def _contrasts(
    rounds: list[int], a: str, b: str, costs: Mapping[str, Mapping[str, float]]
) -> Iterator[tuple[Quantity, Floats, Floats]]:
    slope = window_contrast(rounds)[1]
    final = np.eye(len(rounds))[-1]
    gain = final - np.eye(len(rounds))[0]
    yield "rate", slope, slope
    yield "final", final, final
    yield "gain", gain, gain
    kinds: list[tuple[Quantity, str]] = [("gain_per_label", "labels"), ("gain_per_dollar", "dollars")]
    for quantity, kind in kinds:
        known = costs.get(kind, {})
        if known.get(a, 0) > 0 and known.get(b, 0) > 0:
            yield quantity, gain / known[a], gain / known[b]


def _paired_seeds(a: ScoreGrid, b: ScoreGrid) -> list[tuple[int, int]]:
    """Return the places of the seeds that both have; one seed each are a pair whatever their names."""
    if len(a.seeds) == len(b.seeds) == 1:
        return [(0, 0)]
    return [(place, b.seeds.index(seed)) for place, seed in enumerate(a.seeds) if seed in b.seeds]


def _side_by_side(a: ScoreGrid, b: ScoreGrid, rounds: list[int], seeds: list[tuple[int, int]]) -> ScoreGrid:
    """Return the scores of both on the items that both have, a's rounds and then b's; gold where both have gold."""
    items = a.items.intersection(b.items)

    def taken(grid: ScoreGrid, values: Floats, side: int) -> Floats:
        columns = [grid.rounds.index(number) for number in rounds]
        return values[[pair[side] for pair in seeds]][:, grid.items.get_indexer(items)][:, :, columns]

    gold = None
    if a.gold is not None and b.gold is not None:
        gold = np.concatenate([taken(a, a.gold, 0), taken(b, b.gold, 1)], axis=2)
    return ScoreGrid(
        benchmark=a.benchmark,
        series=f"{a.series} - {b.series}",
        rounds=rounds,
        seeds=list(range(len(seeds))),
        items=items,
        scores=np.concatenate([taken(a, a.scores, 0), taken(b, b.scores, 1)], axis=2),
        gold=gold,
        cluster=None if a.cluster is None else a.cluster[a.items.get_indexer(items)],
    )
