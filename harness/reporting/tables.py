"""The matrices of who was compared with whom, and the scores round by round, as plain rows.

Counts are taken here; every coefficient and interval comes from `Evidence` as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from harness.reporting.evidence import Evidence, Row
from harness.reporting.finding import decimals, joined
from harness.reporting.scorecard import KIND_WORDS

MIN_N = 10
"""Shared answers below which a cell of the matrix is grey: its coefficient stands in the numbers alone."""


def matrices(evidence: Evidence) -> list[Row]:
    """Return one matrix a task that two raters rated: raters along both sides, people first even without any.

    Each is `{task, axes: [{rater, kind, criterion, label}], rows: [[cell or null]], pairs, caption, few, kappa}`; a
    cell is a row of `Evidence.pairs`, null where two raters share nothing.
    """
    tasks = sorted({row["task"] for row in evidence.pairs} | set(evidence.run.ratings["task"].unique()))
    voices = evidence.run.ratings.drop_duplicates(["task", "rater", "criterion"])["task"].value_counts()
    found = [_matrix(evidence, task) for task in tasks if voices.get(task, 0) > 1]
    return [matrix for matrix in found if matrix["pairs"]] or found[:1]


def apart(evidence: Evidence) -> list[str]:
    """Return the tasks whose raters rated different answers, where other tasks have something to compare."""
    voices = evidence.run.ratings.drop_duplicates(["task", "rater", "criterion"])["task"].value_counts()
    compared = {row["task"] for row in evidence.pairs}
    return sorted(task for task in voices.index[voices > 1] if task not in compared) if compared else []


def alone(evidence: Evidence) -> dict[str, str]:
    """Return the tasks that one rater alone rated, on one criterion, with its name: nothing to compare."""
    voices = evidence.run.ratings.drop_duplicates(["task", "rater", "criterion"])
    single = voices[~voices["task"].duplicated(keep=False)]
    return {task: evidence.name(rater) for task, rater in sorted(zip(single["task"], single["rater"], strict=True))}


def _matrix(evidence: Evidence, task: str) -> Row:
    ratings = evidence.run.ratings
    compared = {
        (row[f"rater_{s}"], row[f"criterion_{s}"]) for row in evidence.pairs if row["task"] == task for s in "ab"
    }
    known = {rater for rater, _ in compared}
    own = ratings[ratings["task"] == task].drop_duplicates(["rater", "criterion"])
    spoken = zip(own["rater"], own["criterion"], ~own["rater"].duplicated(), strict=True)
    own = own[[(r, c) in compared or (r not in known and first) for r, c, first in spoken]]
    keys = sorted(zip(own["rater_kind"], own["rater"], own["criterion"], strict=True))
    keys.sort(key=lambda key: list(KIND_WORDS).index(key[0]))
    several = own.groupby("rater")["criterion"].nunique()
    axes = [
        {
            "rater": evidence.name(rater),
            "kind": kind,
            "criterion": criterion,
            "label": evidence.name(rater) + (f" · {criterion}" if several[rater] > 1 else ""),
        }
        for kind, rater, criterion in keys
    ]
    if not any(axis["kind"] == "human" for axis in axes):
        axes.insert(0, {"rater": None, "kind": "human", "criterion": None, "label": "People"})
    cells: dict[tuple[Any, ...], Row] = {}
    for row in (row for row in evidence.pairs if row["task"] == task):
        a, b = ((evidence.name(row[f"rater_{s}"]), row[f"criterion_{s}"]) for s in "ab")
        cells[(a, b)] = cells[(b, a)] = {**row, "rater_a": a[0], "rater_b": b[0]}
    ends = [(axis["rater"], axis["criterion"]) for axis in axes]
    labels = {(axis["rater"], axis["criterion"]): axis["label"] for axis in axes}
    pairs = [
        cells[(a, b)] | {"label_a": labels[a], "label_b": labels[b]}
        for a, b in combinations(ends, 2)
        if (a, b) in cells
    ]
    return {
        "task": task,
        "axes": axes,
        "rows": [[cells.get((a, b)) if a != b else None for b in ends] for a in ends],
        "pairs": pairs,
        "caption": _caption(pairs, {axis["rater"] for axis in axes if axis["kind"] == "human" and axis["rater"]}),
        "few": any(row["n"] < MIN_N for row in pairs),
        "kappa": any(row.get("kappa") for row in pairs),
    }


def _caption(pairs: list[Row], people: set[str]) -> str:
    """Return what a matrix shows in this run: who agrees most, and how far people agree with each other."""
    known = [row for row in pairs if row["value"] is not None]
    if not known:
        return "No two raters can be compared here."
    best = max(known, key=lambda row: float(row["value"]))
    names = ", ".join(sorted({str(row["coefficient"]).replace("_", " ") for row in known}))
    return (
        f"Agreement of each pair of raters on the same answers ({names}): 1 is full agreement, 0 what chance gives. "
        f"The closest are {best['label_a']} and {best['label_b']}, {decimals(best['value'])} over {best['n']:,}."
        + _ceiling(known, people)
    )


def _ceiling(known: list[Row], people: set[str]) -> str:
    """Return how far people agree with each other, and the other raters who agree with them as far."""
    by_count: dict[int, list[Row]] = {0: [], 1: [], 2: []}
    for row in known:
        by_count[(row["rater_a"] in people) + (row["rater_b"] in people)].append(row)
    if not by_count[2]:
        return ""
    ceiling = float(np.mean([row["value"] for row in by_count[2]]))
    others: dict[str, list[float]] = {}
    for row in by_count[1]:
        if row["coefficient"] == by_count[2][0]["coefficient"]:
            others.setdefault(row["label_b" if row["rater_a"] in people else "label_a"], []).append(row["value"])
    means = {name: float(np.mean(values)) for name, values in others.items()}
    as_far = [f"{name} ({decimals(mean)})" for name, mean in sorted(means.items()) if mean >= ceiling]
    pairs = "1 pair" if len(by_count[2]) == 1 else f"the mean of {len(by_count[2])} pairs"
    return (
        f" People agree with each other at {decimals(ceiling)} ({pairs}): the ceiling. "
        f"As far with them on average: {joined(as_far) if as_far else 'no other rater'}."
    )


def scores(evidence: Evidence) -> list[Row]:
    """Return one row a benchmark, series and round: the mean score, its number of items, and the step's gain.

    `score` is the plain mean over the held-out items; `delta`, `low` and `high` are those of the verdict.
    """
    rows: list[Row] = []
    means = _means(evidence.scores)
    for result in evidence.rounds:
        deltas = {evidence.round_of(row["round"]): row for row in result.get("deltas") or []}
        points = means.get((result["benchmark"], result["series"]), {})
        for number in sorted(set(points) | set(deltas)):
            score, n = points.get(number, (None, result.get("n_items")))
            delta = deltas.get(number, {})
            rows.append(
                {
                    "benchmark": result["benchmark"],
                    "series": result["series"],
                    "round": number,
                    "score": score,
                    "n_items": n,
                    "delta": delta.get("delta"),
                    "low": delta.get("low"),
                    "high": delta.get("high"),
                }
            )
    return rows


def _means(scores: pd.DataFrame) -> dict[tuple[str, str], dict[int, tuple[float, int]]]:
    found: dict[tuple[str, str], dict[int, tuple[float, int]]] = {}
    if scores.empty:
        return found
    for key, group in scores.groupby(["benchmark", "series", "round"], sort=True):
        benchmark, series, number = map(str, key)
        found.setdefault((benchmark, series), {})[int(number)] = (
            float(group["score"].mean()),
            int(group.loc[group["score"].notna(), "item"].nunique()),
        )
    return found


QUANTITIES = {
    "rate": "points a round",
    "gain": "points, first to last round",
    "gain_per_label": "points for 1,000 ratings",
    "gain_per_dollar": "points a dollar",
}
"""What two series are compared in, with its unit."""


def compared(comparisons: Sequence[Row]) -> Row:
    """Return the comparisons of series as one table: a row a pair and benchmark, a column a quantity."""
    kept = [row for row in comparisons if row["quantity"] != "final"]
    rows: dict[tuple[str, str, str], Row] = {}
    for row in kept:
        about = {name: row[name] for name in ("a", "b", "benchmark", "control", "n_items")}
        one = rows.setdefault((row["benchmark"], row["a"], row["b"]), {**about, "by": {}})
        one["by"][row["quantity"]] = row
    quantities = [name for name in QUANTITIES if any(name in one["by"] for one in rows.values())]
    quantities += sorted({name for one in rows.values() for name in one["by"]} - set(quantities))
    for one in rows.values():
        one["by"] = {name: one["by"].get(name) for name in quantities}
    return {
        "rows": list(rows.values()),
        "quantities": quantities,
        "several": len({one["benchmark"] for one in rows.values()}) > 1,
        "level": kept[0]["level"] if kept else None,
    }
