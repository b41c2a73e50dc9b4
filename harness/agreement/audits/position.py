"""Does a judge that compares read the answers, or their place? Both orders of each pair tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from harness.run import is_first, is_valued, unit_columns
from harness.statistics import number, wilson


def position_consistency(ratings: pd.DataFrame) -> list[dict[str, Any]]:
    """Return how steady each comparing rater is when the two answers change places.

    Args:
        ratings: Ratings as in a run; those with `against_id` and `order` are used, repetition 0.

    Returns:
        One row a rater: `rater, criterion, n` (pairs with a verdict in both orders), `consistency, low, high` (share of
        pairs whose verdict stayed), `first_share, first_low, first_high` (share of verdicts for the answer shown
        first, a tie half), `ties` (share of verdicts), `n_failed` (pairs in which an order has no verdict), `reason`.
        The intervals are Wilson's over pairs: a judge that always takes the first has one below 1.
    """
    if not {"against_id", "order", "response_id"} <= set(ratings.columns):
        return []
    rows = ratings[ratings["against_id"].notna() & ratings["order"].notna() & is_first(ratings)]
    columns = unit_columns(rows)
    found = []
    for (rater, criterion), group in rows.groupby(["rater", "criterion"], sort=True, observed=True):
        sides = group.assign(value=group["value"].where(is_valued(group)).astype(float)).pivot_table(
            index=columns, columns="order", values="value", aggfunc="first", dropna=False, observed=True
        )
        sides = sides.reindex(columns=["response_first", "against_first"])
        both = sides.dropna()
        found.append({"rater": str(rater), "criterion": str(criterion), **_steadiness(both, _pairs(group, columns))})
    return found


def _pairs(group: pd.DataFrame, columns: list[str]) -> int:
    return len(group[columns].drop_duplicates())


def _steadiness(both: pd.DataFrame, pairs: int) -> dict[str, Any]:
    n = len(both)
    if n == 0:
        empty = dict.fromkeys(("consistency", "low", "high", "first_share", "first_low", "first_high", "ties"))
        return {"n": 0, **empty, "n_failed": pairs, "reason": "no_overlap"}
    shown_first = both["response_first"].to_numpy(float)
    shown_second = both["against_first"].to_numpy(float)
    same = float(np.isclose(shown_first, shown_second).sum())
    first = float(((shown_first + 1 - shown_second) / 2).sum())
    ties = float(((shown_first == 0.5).sum() + (shown_second == 0.5).sum()) / (2 * n))
    low, high = wilson(same, n)
    first_low, first_high = wilson(first, n)
    return {
        "n": n,
        "consistency": same / n,
        "low": number(low),
        "high": number(high),
        "first_share": first / n,
        "first_low": number(first_low),
        "first_high": number(first_high),
        "ties": ties,
        "n_failed": pairs - n,
        "reason": None,
    }
