"""Holm's step-down: several statements that hold together, since one of many is wrong by chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values adjusted by Holm's step-down (1979), in the order given."""
    order = np.argsort(p_values)
    adjusted, worst = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        worst = max(worst, min((len(p_values) - rank) * p_values[place], 1.0))
        adjusted[place] = worst
    return adjusted
