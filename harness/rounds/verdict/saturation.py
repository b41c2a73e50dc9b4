"""Whether a series has come so near the top that little is left to gain."""

from __future__ import annotations

import numpy as np

from harness.rounds.harms.flags import Flag
from harness.statistics import Moments


def saturated(moments: Moments, sesoi: float, top: float) -> list[Flag]:
    """Return the flag where the last score is within the SESOI, or two standard errors, of the highest to be had.

    Args:
        moments: Of the rounds.
        sesoi: The smallest effect of interest.
        top: The top of the scale, or what people (or gold) reach, a fraction of the range.
    """
    last = float(moments.means[-1])
    error = float(np.sqrt(moments.covariance()[-1, -1]))
    left = top - last
    if left > max(sesoi, 2 * error) + 1e-12:
        return []
    return [{"flag": "saturated", "outcome": "yes", "score": last, "top": top, "left": left}]
