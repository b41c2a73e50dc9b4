"""The agreement of all raters on one criterion, and such tables as a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from harness.agreement.coefficients.consistency import ICC_NAMES, RandomRaters
from harness.agreement.grid.units import Level
from harness.statistics import Estimate


@dataclass(frozen=True)
class Table:
    """The agreement of all raters on one criterion.

    Attributes:
        criterion: Its name; `all` where criteria are pooled.
        level: The level of measurement.
        raters: Who rated.
        n_items: Items with at least two ratings.
        n_ratings: Their ratings.
        coefficients: Each coefficient by name.
        why: Why these coefficients.
        check: How alpha compares with the `krippendorff` package, where that was asked.
        random_raters: The intervals of icc2 and icc2k where raters are a random sample too; all others hold for these
            raters only.
    """

    criterion: str
    level: Level
    raters: list[str]
    n_items: int
    n_ratings: int
    coefficients: dict[str, Estimate]
    why: str
    check: dict[str, Any]
    random_raters: dict[str, RandomRaters] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        values: dict[str, dict[str, Any]] = {name: found.to_dict() for name, found in self.coefficients.items()}
        for name in ICC_NAMES.keys() & values.keys():
            values[name]["names"] = dict(zip(("shrout_fleiss", "mcgraw_wong"), ICC_NAMES[name], strict=True))
        for name, random in self.random_raters.items():
            values[name] |= {"raters": "fixed", "random_raters": random.to_dict()}
        return {
            "criterion": self.criterion,
            "level": self.level,
            "raters": self.raters,
            "n_items": self.n_items,
            "n_ratings": self.n_ratings,
            **values,
            "why": self.why,
            "cross_check": self.check,
        }


def frame_of(tables: Sequence[Table]) -> pd.DataFrame:
    """Return one row a table and coefficient, with `value, low, high, n, reason` and `n_ratings`."""
    rows = [
        {
            "criterion": table.criterion,
            "level": table.level,
            "coefficient": name,
            **found.to_dict(),
            "n_ratings": table.n_ratings,
        }
        for table in tables
        for name, found in table.coefficients.items()
    ]
    columns = ["criterion", "level", "coefficient", "value", "low", "high", "n", "reason", "n_ratings"]
    return pd.DataFrame(rows, columns=columns)
