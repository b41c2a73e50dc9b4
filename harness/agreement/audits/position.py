"""Does a judge that compares read the answers, or their place? Both orders of each pair tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import betaincinv

from harness.run import is_first, is_valued, unit_columns
from harness.statistics import Estimate, Floats, number, wilson


def position_consistency(ratings: pd.DataFrame) -> list[dict[str, Any]]:
    """Return how steady each comparing rater is when the two answers change places.

    Args:
        ratings: Ratings as in a run; those with `against_id` and `order` are used, repetition 0.

    Returns:
        One row a rater: `rater, criterion, n` (pairs with a verdict in both orders), `consistency, low, high` (share of
        pairs whose verdict stayed), `first_share, first_low, first_high` (share of verdicts for the answer shown
        first, a tie half), `ties` (share of verdicts), `n_failed` (pairs in which an order has no verdict), `reason`.
        The interval of the consistency is Wilson's, that of the first share `first_preference`'s.
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
    first, _ = first_preference(shown_first, shown_second)
    ties = float(((shown_first == 0.5).sum() + (shown_second == 0.5).sum()) / (2 * n))
    low, high = wilson(same, n)
    return {
        "n": n,
        "consistency": same / n,
        "low": number(low),
        "high": number(high),
        "first_share": first.value,
        "first_low": number(first.low),
        "first_high": number(first.high),
        "ties": ties,
        "n_failed": pairs - n,
        "reason": None,
    }


def first_preference(one: Floats, other: Floats) -> tuple[Estimate, int]:
    """Return the share of verdicts for the answer shown first, and in how many pairs the order changed the outcome.

    Only those pairs tell: whether the answer shown first wins them more often than a coin would is a sign test. The
    interval holds that of the sign test (Clopper and Pearson's, given how many changed) and the normal one over pairs,
    by the spread of their changes: it leaves out one half only where both do.

    Args:
        one: The preference for the response where it was shown first, a tie .5, shape (pairs,).
        other: The same where it was shown second.
    """
    n, change = len(one), one - other
    moved = np.abs(change) > 1e-9
    count, towards = int(moved.sum()), int((change > 1e-9).sum())
    far = float(np.abs(change).sum()) / (2 * n)
    low, high = exact_share(towards, count)
    value = float(0.5 + change.sum() / (2 * n))
    margin = 1.96 * float(change.std()) / (2 * n**0.5)
    ends = (0.5 + far * (2 * low - 1), 0.5 + far * (2 * high - 1), value - margin, value + margin)
    return Estimate(value, max(min(ends), 0.0), min(max(ends), 1.0), n), count


def exact_share(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return Clopper and Pearson's interval of a share; 0 to 1 where n is 0."""
    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, tail))
    high = 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1 - tail))
    return low, high
