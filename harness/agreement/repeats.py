"""Self-agreement: whether a rater who is asked twice says the same twice."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from harness.agreement.cautions import Caution, caution
from harness.agreement.coefficients.coefficients import compute
from harness.agreement.grid.ratings import read
from harness.agreement.grid.units import Level
from harness.run import UNIT

CELL = (*UNIT, "rater", "criterion", "order")
"""What a rater may be asked once; anything more is a repetition."""


def with_repetitions(ratings: pd.DataFrame) -> pd.DataFrame:
    """Return the ratings with a column `repetition`: counted in the order of the file's own, and else of its lines.

    The same value at the same time, or under the same number, is a copy, no repetition, and keeps the number 0. Without
    times and numbers a copy cannot be told from a second rating that agrees.
    """
    cell = [name for name in CELL if name in ratings]
    numbered = [name for name in ("repetition", "created_at") if name in ratings]
    first = ratings.reset_index(drop=True)
    if numbered:
        told = [name for name in ("value", "label") if name in ratings]
        first = first[~first.duplicated([*cell, *told, *numbered])]
    if "repetition" in ratings:
        first = first.sort_values("repetition", kind="stable")
    number = first.groupby(cell, sort=False, observed=True, dropna=False).cumcount()
    return ratings.assign(repetition=number.reindex(range(len(ratings))).fillna(0).to_numpy("int64"))


def self_agreement(
    ratings: pd.DataFrame,
    levels: Mapping[str, Level],
    *,
    raters: Collection[str] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Iterator[dict[str, Any]]:
    """Yield how far each rater who rated items more than once agrees with itself: its repetitions as raters.

    Args:
        ratings: As `agree` takes them, with a column `repetition`.
        levels: The level of each criterion to keep (`all`: of all together).
        raters: The raters to keep; all where not given.
        resamples: Bootstrap resamples; 0 gives no intervals.
        seed: Decides the draws.

    Yields:
        Rows `criterion, rater, n` (items rated more than once), `n_differing`, `percent_agreement`, `alpha`.
    """
    rater = ratings["rater"].map(str)
    again = sorted(set(rater[ratings["repetition"] > 0]) & set(raters if raters is not None else rater))
    for name, (criterion, level) in product(again, levels.items()):
        mine = ratings[(rater == name).to_numpy(bool)]
        if criterion != "all" and "criterion" in mine:
            mine = mine[(mine["criterion"].map(str) == criterion).to_numpy(bool)]
        number = mine["repetition"].astype(str).radd("repetition ")
        if number.nunique() < 2:
            continue
        rows = read(mine.assign(rater=number, repetition=0), level=level)
        for one in rows.criteria:
            units = rows.units(one)
            if units.n_items == 0:
                continue
            twice = units.codes[:, units.sizes >= 2]
            low = np.where(twice >= 0, twice, twice.max(axis=0))
            options = {"resamples": resamples, "seed": seed}
            yield {
                "criterion": one,
                "rater": name,
                "n": units.n_items,
                "n_differing": int((low.min(axis=0) < twice.max(axis=0)).sum()),
                **{part: compute(part, units, level, **options).to_dict() for part in ("percent_agreement", "alpha")},
            }


def of_repeats(rows: Sequence[dict[str, Any]]) -> Iterator[Caution]:
    """Yield a caution for each rater and criterion whose repeated ratings differ."""
    for row in rows:
        if row["n_differing"]:
            share = row["percent_agreement"]["value"]
            yield caution(
                "self_agreement",
                f"{row['criterion']}: {row['rater']} rated {row['n']:,} items more than once and differed on "
                f"{row['n_differing']:,} (self-agreement {share:.0%}); the first rating counts",
                criterion=row["criterion"],
                raters=[row["rater"]],
                n=row["n_differing"],
            )
