"""Label by label: on which labels raters agree, and what one says where another says something else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from harness.agreement.advice import MOST_RATERS, confusion, written
from harness.agreement.coefficients.coefficients import compute
from harness.agreement.coefficients.lists import set_of
from harness.agreement.grid.units import FEW_VALUES, Level, Units
from harness.statistics import Bools, number

LABEL = ("criterion", "label", "rater_a", "rater_b", "n", "given", "agreement", "kappa", "low", "high", "reason")
CONFUSION = ("criterion", "rater_a", "rater_b", "value_a", "value_b", "n")


def of_labels(
    units: Units, level: Level, *, pairs: bool = True, resamples: int = 1000, seed: int = 0
) -> Iterator[dict[str, Any]]:
    """Yield how far raters agree on each label: all of three or more together, then each pair.

    Each label is taken for itself, said or not said: by two raters Cohen's kappa (1960), by more Fleiss' kappa of a
    category (1971), beside the specific agreement: of the other ratings of what got the label, the share that repeats
    it (Fleiss 1981). A label that one rater alone uses shows here, where a coefficient of all labels hides it. Of sets
    each option is a label, ticked or not; rankings have none.

    Args:
        units: The ratings.
        level: Their level.
        pairs: Whether each pair is compared as well; above `MOST_RATERS` raters none is.
        resamples: Bootstrap resamples; 0 gives no intervals.
        seed: Decides the draws.

    Yields:
        Rows of the columns `LABEL`; none where there are too many values to be labels.
    """
    every = [units] if len(units.raters) > 2 else []
    if pairs and len(units.raters) <= MOST_RATERS:
        every += [units.of(pair) for pair in combinations(units.raters, 2)]
    for label, saying in _labels(units, level):
        for some in every:
            who = some.raters if len(some.raters) == 2 else ["", ""]
            said = _said(some, np.isin(some.values, units.values[saying]))
            name = "cohen_kappa" if len(some.raters) == 2 else "fleiss_kappa"
            found = compute(name, said.trimmed(), "nominal", resamples=resamples, seed=seed)
            yield {
                "criterion": units.criterion,
                "label": label,
                "rater_a": who[0],
                "rater_b": who[1],
                **_repeated(said),
                "kappa": number(found.value),
                "low": number(found.low),
                "high": number(found.high),
                "reason": found.reason,
            }


def confusions_of(units: Units) -> Iterator[dict[str, Any]]:
    """Yield how many items of each pair of raters got one value from the first and one from the second.

    Rows of the columns `CONFUSION`, of what occurs only; none above `MOST_RATERS` raters or of too many values.
    """
    if len(units.raters) > MOST_RATERS or len(units.values) > FEW_VALUES:
        return
    for first, second in combinations(units.raters, 2):
        table = confusion(units, first, second)
        for one, row in zip(table.index, table.to_numpy(), strict=True):
            for other, n in zip(table.columns, row.tolist(), strict=True):
                if n:
                    yield dict(zip(CONFUSION, (units.criterion, first, second, one, other, n), strict=True))


def _labels(units: Units, level: Level) -> Iterator[tuple[str, Bools]]:
    """Yield each label, and which values say it."""
    if level == "set":
        sets = [set_of(str(value)) for value in units.values]
        options = sorted(set().union(*sets))
        if len(options) <= FEW_VALUES:
            yield from ((option, np.array([option in one for one in sets])) for option in options)
    elif level != "ranking" and len(units.values) <= FEW_VALUES:
        for code, value in enumerate(units.values):
            yield written(value), np.arange(len(units.values)) == code


def _said(units: Units, saying: Bools) -> Units:
    """Return the ratings as 1 where they say a label and 0 where they do not."""
    place = np.append(saying.astype(np.int8), -1)  # the last serves code -1
    return replace(units, codes=place[units.codes], values=np.array([0.0, 1.0]), scale=None)


def _repeated(units: Units) -> dict[str, Any]:
    """Return the items of two ratings or more, how many ratings say the label, and how many others repeat it."""
    size = units.sizes
    count = (units.codes == 1).sum(axis=0) * (size >= 2)
    others = float((count * (size - 1)).sum())
    share = float((count * (count - 1)).sum()) / others if others else None
    return {"n": units.n_items, "given": int(count.sum()), "agreement": share}
