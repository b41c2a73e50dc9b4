"""What several answers to one item tell beyond their mean: whether a model collapses onto fewer solutions."""

from __future__ import annotations

import numpy as np

from harness.rounds.harms.flags import Flag, evidence, falling
from harness.rounds.scores.grid import ScoreGrid
from harness.rounds.verdict.verdict import ENOUGH_UNITS, decide
from harness.statistics import Floats, Moments, pass_at_k


def sampling_flags(grid: ScoreGrid, contrast: Floats, sesoi: float, significance: float) -> list[Flag]:
    """Return the flags `collapsing` and `sharpening` of a grid of repeated right-or-wrong answers; none of another.

    Collapsing: pass@k falls. Sharpening: pass@1 rises while pass@k - pass@1 shrinks, so that the model finds more often
    what it could find before. k is the smallest number of answers that every item has in every round.
    """
    rows = grid.complete
    if grid.counts is None or int(rows.sum()) < ENOUGH_UNITS:
        return []
    counts, shares = grid.counts[:, rows], grid.scores[:, rows]
    k = int(counts.min())
    if k < 2:
        return []
    best = pass_at_k(np.round(shares * counts), counts, k)
    cluster = grid.clusters_of(rows)
    both = Moments.of(np.concatenate([best, shares], axis=2), cluster)
    zero = np.zeros_like(contrast)
    parts = ([contrast, zero], [zero, contrast], [contrast, -contrast])
    falls, rises, gap = (decide(both.estimate(np.concatenate(part)), sesoi, significance) for part in parts)
    solved = best.max(axis=0) > 0
    return [
        {
            "flag": "collapsing",
            "outcome": falling(falls, sesoi),
            "k": k,
            "pass_at_k": evidence(falls),
            "newly_solved": int((~solved[:, 0] & solved[:, -1]).sum()),
            "no_longer_solved": int((solved[:, 0] & ~solved[:, -1]).sum()),
        },
        {
            "flag": "sharpening",
            "outcome": falling(gap, sesoi) if rises.low > 0 else "no" if rises.high < sesoi else "unknown",
            "k": k,
            "pass_at_1": evidence(rises),
            "pass_at_k_minus_pass_at_1": evidence(gap),
        },
    ]
