"""What people cost and how steady they are: time, pay, agreement with themselves, and whether it wears off.

Agreement between raters uses repetition 0; here all repetitions count, since they are how a rater agrees with
themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from harness.run import is_first, is_ok, is_person, is_valued, unit_names
from harness.statistics import wilson

FEW = 10
"""Ratings, or repeated ratings, below which nothing is said about somebody."""
HASTE = 1 / 3
"""Somebody whose median time is under this share of everybody's is named."""

LEAST_WEAR = 0.1
"""A share of the range: others' wear reaches the median that a steady rater is held against, a little."""


@dataclass(frozen=True)
class People:
    """The result of `describe_people`.

    Attributes:
        df: One row a person and criterion: `rater, criterion, n` (values), `skipped, seconds` (median), `hours` (all),
            `usd_per_1000` (None where neither pay nor cost is known), `repeated, same, same_low, same_high` (share of
            repeated ratings that are the same, with Wilson's 95 % interval), `distance_early, distance_late` (mean
            distance from the median of the others, in shares of the range, in the first and last third of their
            ratings), `wear, wear_low, wear_high` (late minus early, with a 95 % bootstrap interval).
        attention: `{"rater", "criterion", "code", "message"}`: whom to pay more attention to, and why.
    """

    df: pd.DataFrame
    attention: list[dict[str, str]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values: null, never NaN."""
        rows = self.df.astype(object).where(self.df.notna(), None).to_dict("records")
        return {"people": rows, "attention": self.attention}

    def _repr_html_(self) -> str:
        from html import escape

        notes = "".join(f"<li>{escape(one['message'])}</li>" for one in self.attention)
        return f"<h4>People</h4>{self.df.to_html(index=False, escape=True, na_rep='')}<ul>{notes}</ul>"


def describe_people(
    ratings: pd.DataFrame, *, usd_per_hour: float | None = None, resamples: int = 1000, seed: int = 0
) -> People:
    """Say what each human rater costs and how steady they are.

    Args:
        ratings: A run's ratings.
        usd_per_hour: What people are paid; where not given, a rating's own cost counts, and an unknown one is unknown.
        resamples: Bootstrap resamples.
        seed: Decides the draws.
    """
    columns: dict[str, Any] = {
        "seconds": np.nan,
        "cost_usd": np.nan,
        "repetition": 0,
        "status": "ok",
        "created_at": None,
    }
    rows = ratings.copy()
    for name, value in columns.items():
        if name not in rows:
            rows[name] = value
    rows = rows[is_person(rows)]
    rows = rows.assign(_unit=unit_names(rows))
    found, attention = [], []
    for criterion, group in rows.groupby("criterion", sort=True, observed=True):
        everybody = group["seconds"].median()
        for rater, own in group.groupby("rater", sort=True, observed=True):
            row = {"rater": str(rater), "criterion": str(criterion)}
            row |= _cost(own, usd_per_hour) | _steadiness(own) | _wear(own, group, resamples, seed)
            found.append(row)
            attention += _attention(row, own, everybody, group)
    return People(pd.DataFrame(found), attention)


def _cost(own: pd.DataFrame, usd_per_hour: float | None) -> dict[str, Any]:
    seconds = own["seconds"].astype(float)
    timed = seconds.dropna()
    known = own["cost_usd"].astype(float).dropna()
    usd = None
    if usd_per_hour is not None and len(timed):
        usd = timed.mean() * usd_per_hour / 3600 * 1000
    elif len(known):
        usd = known.mean() * 1000
    return {
        "n": int(is_ok(own).sum()),
        "skipped": int((~is_ok(own)).sum()),
        "seconds": float(timed.median()) if len(timed) else None,
        "hours": float(timed.sum() / 3600) if len(timed) else None,
        "usd_per_1000": None if usd is None else float(usd),
    }


def _said(rows: pd.DataFrame) -> pd.Series[Any]:
    """Return what was said: the label where there is one, else the value."""
    labels = rows["label"] if "label" in rows else pd.Series(None, index=rows.index, dtype=object)
    return labels.astype(object).where(labels.notna(), rows["value"].astype(object))


def _steadiness(own: pd.DataFrame) -> dict[str, Any]:
    said = _said(own[is_ok(own)]).dropna()
    sides = own.loc[said.index, "_unit"]
    first = is_first(own.loc[said.index])
    again = pd.DataFrame({"unit": sides[~first], "said": said[~first]})
    before = pd.Series(said[first].to_numpy(), index=sides[first])
    before = before[~before.index.duplicated()]
    again = again[again["unit"].isin(before.index)]
    same = int((again["said"].to_numpy() == before.reindex(again["unit"]).to_numpy()).sum())
    n = len(again)
    low, high = wilson(same, n)
    share = (
        {"same": same / n, "same_low": low, "same_high": high}
        if n
        else dict.fromkeys(("same", "same_low", "same_high"))
    )
    return {"repeated": n, **share}


def _wear(own: pd.DataFrame, group: pd.DataFrame, resamples: int, seed: int) -> dict[str, Any]:
    names = ("distance_early", "distance_late", "wear", "wear_low", "wear_high")
    if own["created_at"].isna().any():
        return dict.fromkeys(names)
    valued = group[is_valued(group) & is_first(group)]
    spread = valued["value"].max() - valued["value"].min()
    mine = valued[valued["rater"] == own["rater"].iloc[0]].sort_values("created_at", kind="stable")
    others = valued[valued["rater"] != own["rater"].iloc[0]].groupby("_unit")["value"].median()
    if not spread > 0:
        return dict.fromkeys(names)
    distance = ((mine["value"] - mine["_unit"].map(others)).abs() / spread).dropna().to_numpy(float)
    third = len(distance) // 3
    if third < FEW:
        return dict.fromkeys(names)
    early, late = distance[:third], distance[-third:]
    chance = np.random.default_rng(seed)
    draws = [chance.choice(part, (resamples, third)).mean(axis=1) for part in (early, late)]
    low, high = np.quantile(draws[1] - draws[0], [0.025, 0.975])
    values = (early.mean(), late.mean(), late.mean() - early.mean(), low, high)
    return dict(zip(names, (float(value) for value in values), strict=True))


def _attention(row: dict[str, Any], own: pd.DataFrame, everybody: float, group: pd.DataFrame) -> list[dict[str, str]]:
    who = f"{row['rater']} on {row['criterion']}"
    said = _said(own[is_ok(own)]).dropna()
    found: dict[str, str] = {}
    if len(said) >= FEW and said.nunique() == 1 and _said(group[is_ok(group)]).nunique() > 1:
        found["one_value"] = f"{who}: all {len(said)} ratings are {said.iloc[0]}"
    if row["seconds"] is not None and len(own) >= FEW and row["seconds"] < HASTE * everybody:
        found["haste"] = f"{who}: {row['seconds']:.1f} s a rating, where the median of all is {everybody:.1f} s"
    if row["repeated"] >= FEW and row["same_high"] < 0.8:
        share = f"{row['same']:.0%} [{row['same_low']:.0%}, {row['same_high']:.0%}]"
        found["unsteady"] = f"{who}: says the same again in {share} of {row['repeated']} repeated ratings"
    if row["wear"] is not None and row["wear"] > LEAST_WEAR and row["wear_low"] > 0:
        change = f"{row['distance_early']:.2f} to {row['distance_late']:.2f} of the range"
        found["wear"] = f"{who}: further from the others at the end than at the beginning ({change})"
    return [
        {"rater": row["rater"], "criterion": row["criterion"], "code": code, "message": message}
        for code, message in found.items()
    ]
