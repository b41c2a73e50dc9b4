"""Systems compared on corrected scores: what people would say of each, from few human and many AI ratings.

Each system's score is corrected by what the AI got wrong on that system: an AI that likes one of them is no advantage.
Differences are paired by the item (the prompt), through the influences that an item's answers have on both scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from harness.agreement.grid.units import Units
from harness.agreement.stand_in.corrected import Sample, lacking, ppi_of, sample_of, strata_of
from harness.errors import HarnessError, did_you_mean
from harness.statistics import PPI, Bools, Floats, number


def compare_systems(
    units: Units, ai: str, humans: Sequence[str], by: str, chosen: str | None, *, level: float = 0.95
) -> dict[str, Any]:
    """Return each system's corrected score, and the difference of each two.

    Args:
        units: Ratings of humans and AI of all systems' answers; the clusters are the items that several answered.
        ai: The AI rater.
        humans: The human raters.
        by: The column of `units.further` that names the system of each answer.
        chosen: How the human-rated answers were chosen, as in `correct`; by outcome there is no comparison.
        level: Coverage aimed at, of each interval.

    Returns:
        `systems`: rows `system, n_human, n_items, value, low, high, reason`, the best first; `differences`: rows
        `system_a, system_b, value, low, high, p, p_holm` (a minus b; two-sided, p_holm over all of them).
    """
    sample = sample_of(units, ai, humans)
    system = units.further[by][sample.kept].astype(str)
    names = np.unique(system).tolist()
    cluster = np.arange(len(system)) if sample.cluster is None else np.unique(sample.cluster, return_inverse=True)[1]
    rows, known = [], {}
    for name in names:
        mine = system == name
        some = _of(sample, mine)
        strata = strata_of(chosen, some)
        reason = "needs_ppi" if chosen == "by-outcome" else lacking(some, strata)
        row = {"system": name, "n_human": int(some.labelled.sum()), "n_items": int(mine.sum())}
        if reason:
            rows.append({**row, "value": None, "low": None, "high": None, "reason": reason})
            continue
        found = ppi_of(some, strata)
        low, high = found.interval(level)
        rows.append({**row, "value": found.value, "low": number(low), "high": number(high), "reason": None})
        known[name] = score_of(found, cluster[mine], cluster, cluster[mine & sample.labelled])
    rows.sort(key=lambda row: -np.inf if row["value"] is None else row["value"], reverse=True)
    order = [row["system"] for row in rows if row["system"] in known]
    pairs = [difference(a, b, known[a], known[b], level) for a, b in combinations(order, 2)]
    return {"systems": rows, "differences": holm(pairs)}


def one_answer_a_system(ratings: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return ratings in which each system's answer to an item is a unit, whether or not answers have names."""
    if by not in ratings:
        raise HarnessError(f"the ratings have no column {by!r}.{did_you_mean(by, map(str, ratings.columns))}")
    if "response_id" in ratings and ratings["response_id"].notna().any():
        return ratings
    return ratings.assign(response_id=ratings[by].astype(object))


class Score:
    """A system's score, how far each cluster moves it, and the clusters with a human rating."""

    def __init__(self, found: PPI, moved: Floats, rated: Any) -> None:
        self.found, self.moved, self.rated = found, moved, set(rated.tolist())
        # what the interval holds beyond the influences: the items that are added to a share, and n / (n - 1)
        self.guard = max(found.variance / max(float(moved @ moved), 1e-300), 1.0)


def score_of(found: PPI, mine: Any, cluster: Any, rated: Any) -> Score:
    """Return a system's score.

    Args:
        found: Its mean, with the influence of each of its items.
        mine: The cluster of each of its items.
        cluster: The clusters of all systems' items.
        rated: The clusters of those of its items that people rated.
    """
    return Score(found, _by_cluster(found.influence, mine, cluster), rated)


def _of(sample: Sample, mine: Bools) -> Sample:
    strata = None if sample.strata is None else np.unique(sample.strata[mine], return_inverse=True)[1]
    cluster = None if sample.cluster is None else sample.cluster[mine]
    return replace(
        sample, human=sample.human[mine], machine=sample.machine[mine], strata=strata, cluster=cluster,
        kept=sample.kept[mine],
    )  # fmt: skip


def _by_cluster(influence: Floats, mine: Any, cluster: Any) -> Floats:
    summed: Floats = np.bincount(mine, weights=influence, minlength=int(cluster.max()) + 1).astype(float)
    return summed


def difference(a: str, b: str, first: Score, second: Score, level: float = 0.95) -> dict[str, Any]:
    """Return how far two scores lie apart, a minus b, with a t interval and a two-sided p value.

    What a cluster does to both scores cancels. Where the variance is 0 nothing is known of p: it is 1.
    """
    value = first.found.value - second.found.value
    centre = first.found.centre - second.found.centre
    moved = first.moved - second.moved
    error = float(moved @ moved * max(first.guard, second.guard)) ** 0.5
    df = max(len(first.rated | second.rated) - 1, 1)
    margin = float(stdtrit(df, (1 + level) / 2)) * error
    p = float(2 * stdtr(df, -abs(centre) / error)) if error > 0 else 1.0
    return {"system_a": a, "system_b": b, "value": value, "low": centre - margin, "high": centre + margin, "p": p}


def holm(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows with `p_holm`, their p values for all of them together (Holm 1979)."""
    order = np.argsort([row["p"] for row in rows], kind="stable")
    adjusted, highest = [0.0] * len(rows), 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(rows) - rank) * rows[i]["p"]))
        adjusted[i] = highest
    return [{**row, "p_holm": p} for row, p in zip(rows, adjusted, strict=True)]
