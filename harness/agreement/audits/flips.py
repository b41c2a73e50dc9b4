"""Which items a rater is not sure of: those whose verdict turns when it is asked again, or shown them the other way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from harness.agreement.audits.subject import Subject
from harness.run import is_valued
from harness.statistics import number, wilson


@dataclass(frozen=True)
class Flips:
    """Items whose verdict turned, and what that means for a gate.

    Attributes:
        rows: `between` (`repeats` or `orders`), the unit's ids, `criterion`, and the `verdicts` in the order in which
            they were given.
        n: Units that were asked about more than once.
        turned: Those whose verdicts differ.
        margin: How far the mean over these units moves by chance from one time of asking to the next (95 %), in parts
            of the scale; NaN without repeats.
    """

    rows: list[dict[str, Any]]
    n: int
    turned: int
    margin: float

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        low, high = wilson(self.turned, self.n)
        share = {"value": self.turned / self.n, "low": low, "high": high} if self.n else None
        return {"n": self.n, "turned": self.turned, "share": share, "margin": number(self.margin), "items": self.rows}

    @property
    def sentence(self) -> str:
        """What a gate on this rater should know."""
        if not self.n:
            return "no item was asked about twice: which verdicts turn by chance is not known"
        low, high = wilson(self.turned, self.n)
        said = (
            f"{self.turned:,} of {self.n:,} items changed their verdict when asked about again: a gate on one verdict "
            f"turns by chance in {self.turned / self.n:.1%} [{low:.1%}, {high:.1%}] of cases"
        )
        if not np.isfinite(self.margin):
            return said
        return (
            f"{said}; a gate on the mean of these items is safe from chance where it is {self.margin:.3f} off or more"
        )


def flips(subject: Subject) -> Flips:
    """Return the units whose verdicts differ between repeats of one order, or between the two orders."""
    rows = subject.ratings[is_valued(subject.ratings)].assign(order=lambda frame: frame["order"].fillna(""))
    rows = rows[rows.duplicated("unit", keep=False)].sort_values("repetition", kind="stable")
    found: list[dict[str, Any]] = []
    asked: set[Any] = set()
    turned: set[Any] = set()
    wide = (subject.high - subject.low) or 1.0
    spread: list[float] = []
    for unit, group in rows.groupby("unit", sort=False):
        repeats = [one for _, one in group.groupby("order", sort=False) if len(one) > 1]
        first = group.drop_duplicates("order")
        sides = [("repeats", one) for one in repeats] + ([("orders", first)] if len(first) > 1 else [])
        spread += [float(np.var(one["value"].to_numpy(float) / wide, ddof=1)) for one in repeats]
        if sides:
            asked.add(unit)
        for between, some in sides:
            if some["value"].nunique() > 1:
                turned.add(unit)
                found.append(_row(between, some))
    # two times of asking differ by twice the variance of one; a unit counts one n-th of the mean
    known = spread and not subject.labels
    margin = 1.96 * float(np.sqrt(2 * np.sum(spread))) / len(spread) if known else float("nan")
    return Flips(found, len(asked), len(turned), margin)


def _row(between: str, some: pd.DataFrame) -> dict[str, Any]:
    one = some.iloc[0]
    ids = {name: one[name] for name in ("task", "item_id", "response_id", "against_id", "criterion") if one[name]}
    said = some["word"].where(some["word"].notna(), some["value"])
    return {"between": between, **ids, "verdicts": said.tolist()}
