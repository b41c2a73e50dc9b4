"""The matrix of a run: every pair of raters on what both rated.

In a run raters have criteria and scales of their own: an answer key says `correct`, a judge grades quality, ROUGE
counts words. A criterion that both rated is compared, elsewhere each rater's first one; by labels where both scales are
labels and by rank elsewhere.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from harness.agreement.coefficients import compute
from harness.agreement.intervals import number
from harness.agreement.units import Level, Units, encode

Row = dict[str, Any]

LABELS = {"binary", "nominal"}
UNIT = ["item_id", "response_id", "against_id"]


def pair_matrix(ratings: pd.DataFrame, *, resamples: int = 1000, seed: int = 0) -> list[Row]:
    """Return the agreement of each pair of raters of a run, task by task.

    What raters share is a response, or a pair of responses in either direction. The verdicts of a comparing rater in
    both orders count as one: what `settled` says, or their mean. Intervals cluster by item where an item has several
    responses.

    Args:
        ratings: Ratings as in a run.
        resamples: Bootstrap resamples; 0 gives no intervals.
        seed: Decides the draws.

    Returns:
        Rows `{task, rater_a, rater_b, criterion_a, criterion_b, n, percent_agreement, coefficient, value, low, high,
        reason, kappa}`: alpha (nominal) where both scales are labels, alpha (ordinal) where both are preferences,
        Spearman's correlation elsewhere, where percent agreement and kappa are null. `kappa` is Cohen's (with quadratic
        weights for preferences) as `{value, low, high}`. Only pairs that share something.
    """
    rows: list[Row] = []
    ratings = settled(ratings)
    counted = ratings[(ratings["status"] == "ok") & ratings["value"].notna() & (ratings["repetition"] == 0)]
    if "flags" in counted:
        counted = counted[counted["flags"].map(lambda flags: "aggregate" not in flags).astype(bool)]
    for task, group in counted.groupby("task", sort=True, observed=True):
        columns = _columns(group)
        for (name_a, of_a), (name_b, of_b) in combinations(sorted(columns.items()), 2):
            common = next((name for name in of_a if name in of_b), None)
            a, b = (of[common] if common else next(iter(of.values())) for of in (of_a, of_b))
            shared = a["values"].index.intersection(b["values"].index, sort=False)
            if len(shared):
                head = {"task": str(task), "rater_a": name_a, "rater_b": name_b}
                rows.append({**head, **_pair(a, b, shared, resamples, seed)})
    return rows


def _columns(group: pd.DataFrame) -> dict[str, dict[str, dict[str, Any]]]:
    """Return for each rater and each of its criteria, in the order of its ratings, scale and values by unit."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for (rater, criterion), rows in group.groupby(["rater", "criterion"], sort=False, observed=True):
        mine = one_direction(rows)
        found.setdefault(str(rater), {})[str(criterion)] = {
            "criterion": str(criterion),
            "scale": str(mine["scale"].iloc[0]),
            "values": mine.groupby(UNIT, sort=False, observed=True, dropna=False)["value"].mean(),
        }
    return found


def settled(ratings: pd.DataFrame) -> pd.DataFrame:
    """Drop the verdicts of single orders where the rater said, in a rating of no order, what counts of both.

    A rating of no order without a value drops them too: the rater says that they count for nothing.
    """
    if not {"against_id", "order"} <= set(ratings.columns):
        return ratings
    compared, ordered = ratings["against_id"].notna(), ratings["order"].notna()
    if not ordered.any() or not (compared & ~ordered).any():
        return ratings
    cell = [name for name in ("task", *UNIT, "rater", "criterion", "repetition", "rater_version") if name in ratings]
    whole = (compared & ~ordered).groupby([ratings[name] for name in cell], dropna=False, observed=True)
    return ratings[~(ordered & whole.transform("any"))]


def one_direction(rows: pd.DataFrame) -> pd.DataFrame:
    """Turn comparisons so that the smaller id is the response: (a against b) and (b against a) are one unit."""
    turned = rows["against_id"].notna() & (rows["against_id"] < rows["response_id"])
    rows = rows.assign(against_id=rows["against_id"].fillna(""))
    if not turned.any():
        return rows
    response, against = rows["response_id"].copy(), rows["against_id"].copy()
    return rows.assign(
        response_id=response.where(~turned, against),
        against_id=against.where(~turned, response),
        value=rows["value"].where(~turned, 1 - rows["value"]),
    )


def _pair(a: dict[str, Any], b: dict[str, Any], shared: pd.Index[Any], resamples: int, seed: int) -> Row:
    x, y = (column["values"].reindex(shared).to_numpy(float) for column in (a, b))
    scales = {a["scale"], b["scale"]}
    same = scales <= LABELS or scales == {"preference"}
    coefficient, level = ("alpha", "nominal" if scales <= LABELS else "ordinal") if same else ("spearman", "ordinal")
    item = pd.factorize(shared.get_level_values("item_id"))[0]
    clusters = item if len(np.unique(item)) < len(item) else None
    codes, values = encode([x, y])
    units = Units("", ["a", "b"], np.stack(codes), values, None, clusters)
    chosen: Level = "nominal" if level == "nominal" else "ordinal"
    found = compute(coefficient, units, chosen, resamples=resamples, seed=seed)
    equal = compute("percent_agreement", units, chosen, resamples=0) if same else None
    name = "cohen_kappa" if level == "nominal" else "cohen_kappa_quadratic"
    kappa = compute(name, units, chosen, resamples=resamples, seed=seed) if same else None
    return {
        "criterion_a": a["criterion"],
        "criterion_b": b["criterion"],
        "n": len(shared),
        "percent_agreement": number(equal.value) if equal else None,
        "coefficient": coefficient,
        "value": number(found.value),
        "low": number(found.low),
        "high": number(found.high),
        "reason": found.reason,
        "kappa": {end: number(getattr(kappa, end)) for end in ("value", "low", "high")} if kappa else None,
    }
