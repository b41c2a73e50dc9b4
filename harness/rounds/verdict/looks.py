"""Looks at a grid: the judgement of its rate after some rounds, and the correction where only some items have gold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.errors import HarnessError
from harness.rounds.harms.flags import Flag
from harness.rounds.scores.grid import Notice, ScoreGrid
from harness.rounds.verdict.ppi import correct_contrast
from harness.rounds.verdict.result import Look
from harness.rounds.verdict.verdict import Decision, decide, look_significance, window_contrast
from harness.statistics import Bools, ContrastEstimate, Floats, Moments

LookRule = Literal["final", "every"]


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


def look_plan(rounds: int, question: VerdictRule) -> Iterator[tuple[int, int, float]]:
    """Yield each look's number, how many rounds it sees, and the significance that it spends."""
    if question.look == "final":
        yield 1, rounds, question.significance
        return
    for number in range(1, rounds):
        yield number, number + 1, look_significance(number, question.significance)


def take_looks(
    grid: ScoreGrid,
    moments: Moments,
    labelled: Bools | None,
    rows: Bools,
    question: VerdictRule,
    warnings: list[Notice],
) -> tuple[list[Look], Decision, list[Flag]]:
    """Return every look, the last one's judgement, and what the correction by gold has to say."""
    count = len(grid.rounds)
    looks: list[Look] = []
    flags: list[Flag] = []
    for number, seen, spent in look_plan(count, question):
        window, contrast = window_contrast(grid.rounds[:seen])
        contrast = np.pad(contrast, (0, count - seen))
        estimate = moments.estimate(contrast)
        if labelled is not None:
            estimate, flags = _corrected(grid, labelled, rows, contrast, warnings if seen == count else [])
        judged = decide(estimate, question.sesoi, spent)
        looks.append(
            Look(number, grid.rounds[seen - 1], [window[0], window[-1]], spent, judged.level,
                 judged.rate, judged.low, judged.high, judged.verdict)
        )  # fmt: skip
    return looks, judged, flags


def _corrected(
    grid: ScoreGrid, labelled: Bools, rows: Bools, contrast: Floats, warnings: list[Notice]
) -> tuple[ContrastEstimate, list[Flag]]:
    """Return the rate corrected by few gold scores; seeds add the variance between them."""
    assert grid.gold is not None
    scores, gold, cluster = grid.scores[:, rows], grid.gold[:, rows], grid.clusters_of(rows)
    found = correct_contrast(scores, gold, labelled[rows], contrast, cluster)
    if found.shifted:
        message = (
            f"{grid.series} on {grid.benchmark}: the items with gold scores differ from the others "
            f"(p = {found.shift_p:.2g}), so they are no random sample; the verdict is from them alone"
        )
        warnings.append({"code": "gold_shift", "message": message, "benchmark": grid.benchmark, "series": grid.series})
    flag: Flag = {
        "flag": "gold_shift",
        "outcome": "yes" if found.shifted else "no",
        "p": found.shift_p,
        "proxy_weight": found.weight,
        "n_gold": int(labelled.sum()),
    }
    return found.estimate, [flag]
