"""A corrected score that may be looked at after every few labels: a confidence sequence.

A 95 % interval that is looked at again and again, to stop when it looks good, excludes the truth at some look in a
quarter of all cases. The asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024)
holds at all looks at once, for about one and a half times the width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr, stdtrit

from harness.agreement.grid.columns import where
from harness.agreement.grid.units import Units
from harness.agreement.stand_in.corrected import Sample, lacking, ppi_of, sample_of, strata_of
from harness.errors import HarnessError, did_you_mean
from harness.run import is_first, is_ok, is_person, unit_names
from harness.statistics import PPI, Floats, number

FIRST, EVERY = 20, 10
"""The first look, in labels, and how many come before the next, ..."""
MANY, PART = 500, 20
"""... from so many labels on a twentieth of them: a sequence may be looked at as seldom as one likes."""
SHARPEST = 150
"""The number of labels at which the sequence is about as narrow as it can be."""


ORDER = "labelling_order"


def with_order(ratings: pd.DataFrame, time: str | None) -> pd.DataFrame:
    """Return ratings with the column `ORDER`: the place in which people rated each unit, by a column or by the lines.

    Raises:
        HarnessError: The column is not there, or a person's rating has no time that can be read.
    """
    people = is_person(ratings) & is_ok(ratings) & is_first(ratings)
    place = pd.Series(np.arange(len(ratings), dtype=float), ratings.index)
    if time is not None:
        if time not in ratings:
            raise HarnessError(f"the ratings have no column {time!r}.{did_you_mean(time, map(str, ratings.columns))}")
        column = ratings[time]
        if not pd.api.types.is_numeric_dtype(column):
            column = pd.to_datetime(column.astype(object), utc=True, errors="coerce", format="mixed")
        if column[people].isna().any():
            row = int(np.argmax((people & column.isna()).to_numpy()))
            raise HarnessError(f"{where(ratings, row)}: {ratings[time].iloc[row]!r} in {time!r} is no time or number")
        place = column.rank(method="first").astype(float)
    unit = unit_names(ratings)
    first = place.where(people).groupby(unit).transform("min")
    return ratings.assign(**{ORDER: first.fillna(len(ratings)).to_numpy()})


def spread_over_looks(labels: float | Floats, error_rate: float = 0.05) -> Any:
    """Return by how many standard errors a confidence sequence reaches out when there are so many labels."""
    rho = (2 * np.log(1 / error_rate) + np.log(2 * np.log(1 / error_rate)) + 1) / SHARPEST
    grown = np.asarray(labels) * rho + 1
    return np.sqrt(2 * grown / (grown - 1) * np.log(np.sqrt(grown) / error_rate))


@dataclass(frozen=True)
class Looks:
    """How a score is looked at.

    Attributes:
        width: The interval is narrow enough at so much of the range of people's ratings.
        by: What the order of labelling is from, in words.
    """

    width: float
    by: str


def sequence(units: Units, ai: str, humans: Sequence[str], chosen: str | None, asked: Looks) -> dict[str, Any]:
    """Return the corrected score as it was at each look, and whether there are labels enough.

    Args:
        units: Ratings of humans and AI, with the column `ORDER`.
        ai: The AI rater.
        humans: The human raters.
        chosen: How the human-rated items were chosen, as in `correct`.
        asked: The width that is narrow enough, and what the order is from.

    Returns:
        `by, n, value, low, high, width, enough, more, looks, reason`: `more` labels are about needed for the width
        (None where the AI has not rated so many items), `looks` has `n, value, low, high` of each look.
    """
    sample = sample_of(units, ai, humans)
    order = units.further[ORDER][sample.kept]
    place = np.flatnonzero(sample.labelled)
    place = place[np.argsort(order[place], kind="stable")]
    said = sample.human[place]
    wanted = asked.width * (1.0 if sample.share else float(np.ptp(said)) if len(said) else 1.0)
    looks = []
    found: PPI | None = None
    for n in _looks(len(place)) if chosen != "by-outcome" else []:
        human = np.full(len(sample.human), np.nan)
        human[place[:n]] = sample.human[place[:n]]
        seen = replace(sample, human=human)
        strata = strata_of(chosen, seen)
        if lacking(seen, strata) is None:
            found = ppi_of(seen, strata)
            looks.append({"n": n, "value": found.value, **_ends(found, seen)})
    head = {"by": asked.by, "n": len(place), "width": wanted}
    empty = {"value": None, "low": None, "high": None, "enough": None, "more": None, "looks": looks}
    if found is None:
        return {**head, **empty, "reason": "not_sequential" if chosen == "by-outcome" else "too_few_items"}
    last = looks[-1]
    enough = last["high"] - last["low"] <= wanted
    more = 0 if enough else _more(found, sample, wanted)
    ends = {name: number(last[name]) for name in ("value", "low", "high")}
    return {**head, **ends, "enough": enough, "more": more, "looks": looks, "reason": None}


def _looks(labels: int) -> list[int]:
    looks, next_one = list[int](), FIRST
    while next_one < labels:
        looks.append(next_one)
        next_one += EVERY if next_one < MANY else next_one // PART
    return [*looks, labels] if labels >= FIRST else []


def _units(sample: Sample) -> int:
    labelled = sample.labelled
    return int(labelled.sum()) if sample.cluster is None else len(np.unique(sample.cluster[labelled]))


def _ends(found: PPI, sample: Sample) -> dict[str, float]:
    # the standard error is estimated: as far out on the t distribution as the sequence is on the normal
    reach = float(stdtrit(max(found.df, 1.0), ndtr(spread_over_looks(_units(sample)))))
    margin = reach * found.variance**0.5
    low, high = found.centre - margin, found.centre + margin
    if found.share:
        low, high = max(low, 0.0), min(high, 1.0)
    return {"low": min(low, found.value), "high": max(high, found.value)}


def _more(found: PPI, sample: Sample, wanted: float) -> int | None:
    """Return how many labels more make the interval narrow enough, if they are like those that are there."""
    n, units, left = int(sample.labelled.sum()), _units(sample), int((~sample.labelled).sum())
    rest = found.influence[~sample.labelled]
    of_proxy = float(rest @ rest)  # the part that labels do not lessen
    each = max(found.variance - of_proxy, 0.0) * n
    many = n + np.arange(1, left + 1)
    reached = 2 * spread_over_looks(many * units / n) * np.sqrt(each / many + of_proxy)
    enough = np.flatnonzero(reached <= wanted)
    return int(enough[0]) + 1 if len(enough) else None
