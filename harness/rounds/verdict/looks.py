"""Looks at a panel: the judgement of its rate after some rounds, and the correction where only some items have gold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.errors import HarnessError
from harness.rounds.harms.flags import Flag
from harness.rounds.scores.grid import Notice, Panel
from harness.rounds.verdict.ppi import correct_contrast
from harness.rounds.verdict.result import Look
from harness.rounds.verdict.verdict import Judged, judge, look_significance, window_contrast
from harness.statistics import Bools, ContrastEstimate, Floats, Moments

LookRule = Literal["final", "every"]


@dataclass(frozen=True)
class Question:
    """What is asked of every series: effects as fractions of the range."""

    sesoi: float
    significance: float
    look: LookRule

    @classmethod
    def of(cls, sesoi: float, significance: float, look: str) -> Question:
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


def look_plan(rounds: int, question: Question) -> Iterator[tuple[int, int, float]]:
    """Yield each look's number, how many rounds it sees, and the significance that it spends."""
    if question.look == "final":
        yield 1, rounds, question.significance
        return
    for number in range(1, rounds):
        yield number, number + 1, look_significance(number, question.significance)


def take_looks(
    panel: Panel,
    moments: Moments,
    labelled: Bools | None,
    rows: Bools,
    question: Question,
    warnings: list[Notice],
) -> tuple[list[Look], Judged, list[Flag]]:
    """Return every look, the last one's judgement, and what the correction by gold has to say."""
    count = len(panel.rounds)
    looks: list[Look] = []
    flags: list[Flag] = []
    for number, seen, spent in look_plan(count, question):
        window, contrast = window_contrast(panel.rounds[:seen])
        contrast = np.pad(contrast, (0, count - seen))
        estimate = moments.estimate(contrast)
        if labelled is not None:
            estimate, flags = _corrected(panel, labelled, rows, contrast, warnings if seen == count else [])
        judged = judge(estimate, question.sesoi, spent)
        looks.append(
            Look(number, panel.rounds[seen - 1], [window[0], window[-1]], spent, judged.level,
                 judged.rate, judged.low, judged.high, judged.verdict)
        )  # fmt: skip
    return looks, judged, flags


def _corrected(
    panel: Panel, labelled: Bools, rows: Bools, contrast: Floats, warnings: list[Notice]
) -> tuple[ContrastEstimate, list[Flag]]:
    """Return the rate corrected by few gold scores; seeds add the variance between them."""
    assert panel.gold is not None
    scores, gold, cluster = panel.scores[:, rows], panel.gold[:, rows], panel.clusters_of(rows)
    found = correct_contrast(scores, gold, labelled[rows], contrast, cluster)
    if found.shifted:
        message = (
            f"{panel.series} on {panel.benchmark}: the items with gold scores differ from the others "
            f"(p = {found.shift_p:.2g}), so they are no random sample; the verdict is from them alone"
        )
        warnings.append(
            {"code": "gold_shift", "message": message, "benchmark": panel.benchmark, "series": panel.series}
        )
    flag: Flag = {
        "flag": "gold_shift",
        "outcome": "yes" if found.shifted else "no",
        "p": found.shift_p,
        "proxy_weight": found.weight,
        "n_gold": int(labelled.sum()),
    }
    return found.estimate, [flag]
