"""The weights of a panel: how much each judge's vote counts, from how often it agreed with people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.agreement.grid.units import Level, Units
from harness.agreement.rest import beside

FEWEST = 10
"""Items under which a judge's accuracy is not known."""


def panel_weights(units: Units, judges: Sequence[str], humans: Sequence[str], level: Level) -> dict[str, float]:
    """Return the weights, adding up to 1, with which the judges' votes come nearest to the people's consensus.

    Labels: the log odds of being right, log((q - 1) a / (1 - a)), a the accuracy (with half an item added on either
    side), q the values; a judge no better than chance gets 0 (Nitzan and Paroush 1982). Numbers: the inverse of the
    mean squared distance from the consensus.

    Args:
        units: Ratings of judges and people.
        judges: The judges of the panel.
        humans: The people.
        level: The level of measurement.

    Returns:
        The weights of the judges that shared `FEWEST` items with people; empty where none is better than chance.
    """
    found = {}
    for judge in judges:
        pair = beside(units, judge, humans, level)
        both = (pair.codes >= 0).all(axis=0)
        if both.sum() < FEWEST:
            continue
        mine, people = pair.codes[0][both], pair.codes[1][both]
        if level == "nominal" or pair.numbers is None:
            right, q = float((mine == people).mean()), max(len(units.values), 2)
            share = (right * len(mine) + 0.5) / (len(mine) + 1)
            found[judge] = max(0.0, float(np.log((q - 1) * share / (1 - share))))
        else:
            found[judge] = 1 / (float(np.mean((pair.numbers[mine] - pair.numbers[people]) ** 2)) + 1e-9)
    total = sum(found.values())
    return {judge: weight / total for judge, weight in found.items()} if total > 0 else {}
