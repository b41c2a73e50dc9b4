"""Self-agreement: whether a rater who is asked twice says the same twice."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from harness.agreement.cautions import Caution, caution
from harness.agreement.coefficients import compute
from harness.agreement.ratings import UNIT_COLUMNS, read
from harness.agreement.units import Level

CELL = (*UNIT_COLUMNS, "rater", "criterion", "order")
"""What a rater may be asked once; anything more is a repetition."""


def with_repetitions(ratings: pd.DataFrame) -> pd.DataFrame:
    """Return the ratings with a column `repetition`: counted in the order of the file where the file has none.

    The same value at the same time is a copy, not a repetition, and keeps the number 0. Without times a copy cannot be
    told from a second rating that agrees.
    """
    if "repetition" in ratings:
        return ratings
    cell = [name for name in CELL if name in ratings]
    told = [name for name in ("value", "label", "created_at") if name in ratings]
    first = ratings[~ratings.duplicated([*cell, *told])] if "created_at" in ratings else ratings
    number = first.groupby(cell, sort=False, observed=True, dropna=False).cumcount()
    return ratings.assign(repetition=number.reindex(ratings.index).fillna(0).astype("int64"))


def self_agreement(
    ratings: pd.DataFrame,
    level: Level,
    *,
    raters: Collection[str] | None = None,
    criterion: str | Sequence[str] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Iterator[dict[str, Any]]:
    """Yield how far each rater who rated items more than once agrees with itself: its repetitions as raters.

    Args:
        ratings: As `agree` takes them, with a column `repetition`.
        level: The level of measurement.
        raters: The raters to keep; all where not given.
        criterion: Globs of the criteria to keep.
        resamples: Bootstrap resamples; 0 gives no intervals.
        seed: Decides the draws.

    Yields:
        Rows `criterion, rater, n` (items rated more than once), `n_differing`, `percent_agreement`, `alpha`.
    """
    if "repetition" not in ratings:
        return
    names = map(str, ratings.loc[ratings["repetition"] > 0, "rater"].dropna().unique())
    for name in sorted(name for name in names if raters is None or name in raters):
        mine = ratings[(ratings["rater"] == name).to_numpy(bool)]
        number = mine["repetition"].astype(str).radd("repetition ")
        rows = read(mine.assign(rater=number, repetition=0), level=level, criterion=criterion)
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
