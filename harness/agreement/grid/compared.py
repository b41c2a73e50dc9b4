"""Comparisons in a file: one verdict a rater and pair, as in a run."""

from __future__ import annotations

import pandas as pd

from harness.run import UNIT, one_verdict


def compared_once(ratings: pd.DataFrame) -> pd.DataFrame:
    """Return comparisons with one verdict a rater and pair: the first of each order, and of both orders the mean."""
    if "against_id" not in ratings or "value" not in ratings or not pd.api.types.is_numeric_dtype(ratings["value"]):
        return ratings
    if ratings.loc[ratings["against_id"].notna(), "value"].isna().all():  # words, of which no mean can be taken
        return ratings
    again = [name for name in (*UNIT, "order", "rater", "criterion", "repetition", "rater_version") if name in ratings]
    if "repetition" not in ratings:
        times = ratings.groupby(again, sort=False, observed=True, dropna=False).cumcount()
        ratings = ratings.assign(repetition=times.where(ratings["against_id"].notna(), 0))
    names = [name for name in ("response_id", "against_id", "order", "label") if name in ratings]
    return one_verdict(ratings.astype(dict.fromkeys(names, object)))  # categories of two columns do not mix
