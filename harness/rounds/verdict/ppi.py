"""Whether the items with gold scores look like the others: what a correction by gold takes for granted.

The correction holds where the gold items are a random sample. A difference is said with what it does to the gain;
nothing is switched, since a test can neither prove a sample random nor say how it was drawn.
"""

from __future__ import annotations

import numpy as np
from scipy.special import chdtrc, stdtrit

from harness.rounds.harms.flags import Flag
from harness.rounds.scores.checked import Notice
from harness.rounds.scores.grid import ScoreGrid
from harness.statistics import NO_CHANGE, proxy_weight

SHIFT_SIGNIFICANCE = 0.01
"""Of the shift test: one in a hundred honest samples is called shifted."""


def gold_shift(grid: ScoreGrid, level: float) -> tuple[Flag, list[Notice]] | None:
    """Return whether the proxy gains differently on the gold items and on the others; None without both kinds of items.

    The test is Wald's on all steps between rounds. The evidence is the gap of the proxy's total gain (gold items minus
    others) with its interval, and how far the correction moves the total gain on its account.
    """
    if grid.labelled is None or grid.gold is None or len(grid.rounds) < 2:
        return None
    rows = grid.rows
    labelled = grid.labelled[rows]
    proxy = grid.scores[:, rows].mean(axis=0)
    y, f, others = grid.gold[:, rows].mean(axis=0)[labelled], proxy[labelled], proxy[~labelled]
    weight, p = proxy_weight(y, f, others), 1.0
    value = half = 0.0
    if len(others) > 1:
        steps = [np.diff(part, axis=1) for part in (f, others)]
        apart = steps[0].mean(axis=0) - steps[1].mean(axis=0)
        spread = np.sum([np.cov(part.T).reshape(len(apart), -1) / len(part) for part in steps], axis=0)
        squared = float(apart @ np.linalg.pinv(spread, hermitian=True) @ apart)
        if spread.max() > NO_CHANGE**2:
            p = float(chdtrc(np.linalg.matrix_rank(spread, hermitian=True), squared))
        else:  # every item of a kind gains the same: rounding is no spread, and a gap no chance
            p = float(np.abs(apart).max() <= NO_CHANGE)
        total = np.ones(len(apart))
        value = float(apart.sum())
        half = float(stdtrit(len(f) - 1, (1 + level) / 2) * np.sqrt(total @ spread @ total))
    shifted = p < SHIFT_SIGNIFICANCE
    flag: Flag = {
        "flag": "gold_shift",
        "outcome": "yes" if shifted else "no",
        "p": p,
        "proxy_weight": weight,
        "n_gold": int(labelled.sum()),
        "gap": {"rate": value, "low": value - half, "high": value + half},
        "effect_on_gain": -weight * value,
    }
    if not shifted:
        return flag, []
    message = (
        f"{grid.series} on {grid.benchmark}: the proxy gains {100 * value:+.1f} points more "
        f"[{100 * (value - half):.1f}, {100 * (value + half):.1f}] on the items with gold scores than on the others "
        f"(p = {p:.2g}); if they are no random sample, the correction, which moves the gain by "
        f"{-100 * weight * value:+.1f}, does not hold"
    )
    about = {"benchmark": grid.benchmark, "series": grid.series}
    return flag, [{"code": "gold_shift", "message": message, **about}]
