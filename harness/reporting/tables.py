"""The tables of the page, as plain rows: raters, their failures, the matrix of who was compared with whom.

Counts and shares of the records are taken here; every coefficient and interval comes from `Evidence` as it is.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pandas as pd

from harness.records import Status
from harness.reporting.evidence import Evidence, Row, value_of

FAILURES: tuple[Status, ...] = ("skipped", "unparsed", "refused", "timeout", "error")
KIND_WORDS = {
    "human": "people",
    "judge": "AI judge",
    "verifier": "verifier",
    "metric": "metric",
    "reward_model": "reward model",
}


def raters(evidence: Evidence) -> list[Row]:
    """Return one row a rater and criterion: how much it rated, what failed, what it cost.

    Columns: `rater, kind, criterion, scale, tasks, n, ok, skipped, unparsed, refused, timeout, error, missing` (share
    without a value), `zeros_with_reason` (answers that failed, rated 0), `ties`, `usd_per_1000`, `seconds_per_1000`
    (null where nothing was recorded), `flags`, `version`.
    """
    rows = []
    grouped = evidence.run.ratings.groupby(["rater", "criterion"], sort=True, observed=True)
    for (rater, criterion), group in grouped:
        ok = group[group["status"] == "ok"]
        counts = group["status"].value_counts()
        rows.append(
            {
                "rater": evidence.name(str(rater)),
                "kind": group["rater_kind"].iloc[0],
                "criterion": criterion,
                "scale": group["scale"].iloc[0],
                "tasks": sorted(group["task"].unique()),
                "n": len(group),
                "ok": len(ok),
                **{str(status): int(counts.get(status, 0)) for status in FAILURES},
                "missing": 1 - len(ok) / len(group),
                "zeros_with_reason": int((ok["error"].notna() & (ok["value"] == 0)).sum()),
                "ties": int((ok["value"] == 0.5).sum()) if group["scale"].iloc[0] == "preference" else None,
                "usd_per_1000": _per_1000(group["cost_usd"]),
                "seconds_per_1000": _per_1000(group["seconds"]),
                "flags": sorted({flag for flags in group["flags"] if flags is not None for flag in flags}),
                "version": group["rater_version"].iloc[0],
            }
        )
    order = list(KIND_WORDS)
    return sorted(rows, key=lambda row: (order.index(row["kind"]), row["rater"], row["criterion"]))


def scorecard(evidence: Evidence) -> list[Row]:
    """Return one row a rater that is no person: how it compares with people, what biases it, what it costs.

    Columns: `rater, kind, with_people, ceiling, with_verifiers` (each `[lowest, highest, number of comparisons]`),
    `first_share, first_low, first_high, consistency`, `ties`, `missing`, `usd_per_1000`, `seconds_per_1000`. What has
    not been measured is null, never 0.
    """
    ceiling = _span(evidence, "human", "human", None)
    places = {row["rater"]: row for row in evidence.positions}
    own = evidence.run.ratings
    rows = []
    for rater, kind in sorted(evidence.kinds.items(), key=lambda pair: (list(KIND_WORDS).index(pair[1]), pair[0])):
        if kind == "human":
            continue
        given = own[own["rater"] == rater]
        compares = given[(given["scale"] == "preference") & (given["status"] == "ok")]
        place = places.get(rater, {})
        rows.append(
            {
                "rater": evidence.name(rater),
                "kind": kind,
                "with_people": _span(evidence, kind, "human", rater),
                "ceiling": ceiling,
                "with_verifiers": _span(evidence, kind, "verifier", rater),
                **{name: place.get(name) for name in ("first_share", "first_low", "first_high", "consistency")},
                "ties": float((compares["value"] == 0.5).mean()) if len(compares) else None,
                "missing": float((given["status"] != "ok").mean()),
                "usd_per_1000": _per_1000(given["cost_usd"]),
                "seconds_per_1000": _per_1000(given["seconds"]),
            }
        )
    return rows


def _span(evidence: Evidence, kind: str, other: str, rater: str | None) -> list[Any] | None:
    """Return lowest and highest coefficient between raters of two kinds, and how many; null where there is none."""
    values = []
    for row in evidence.pairs:
        ends = [row["rater_a"], row["rater_b"]]
        kinds = [evidence.kinds.get(end, "") for end in ends]
        if row["value"] is not None and sorted(kinds) == sorted([kind, other]) and (rater is None or rater in ends):
            values.append(row["value"])
    return [min(values), max(values), len(values)] if values else None


def matrices(evidence: Evidence) -> list[Row]:
    """Return one matrix a task that two raters rated: raters along both sides, people first even without any.

    Each is `{task, axes: [{rater, kind, criterion, label}], rows: [[cell or null]], pairs, caption}`; a cell is
    a row of `Evidence.pairs`, null where two raters share nothing.
    """
    tasks = sorted({row["task"] for row in evidence.pairs} | set(evidence.run.ratings["task"].unique()))
    voices = evidence.run.ratings.drop_duplicates(["task", "rater", "criterion"])["task"].value_counts()
    return [_matrix(evidence, task) for task in tasks if voices.get(task, 0) > 1]


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
        "caption": _caption(pairs),
    }


def _caption(pairs: list[Row]) -> str:
    """Return what a matrix shows in this run."""
    known = [row for row in pairs if row["value"] is not None]
    if not known:
        return "No two raters can be compared here."
    best = max(known, key=lambda row: float(row["value"]))
    names = ", ".join(sorted({str(row["coefficient"]).replace("_", " ") for row in known}))
    return (
        f"Agreement of each pair of raters on the same answers ({names}): 1 is full agreement, 0 what chance gives. "
        f"The closest are {best['label_a']} and {best['label_b']}, {best['value']:.2f} over {best['n']:,}."
    )


def scores(evidence: Evidence) -> list[Row]:
    """Return one row a benchmark, series and round: the mean score, its number of items, and the step's gain.

    `score` is the plain mean over the held-out items; `delta`, `low` and `high` are those of the verdict.
    """
    rows: list[Row] = []
    means = _means(evidence.scores)
    for result in evidence.rounds:
        deltas = {row["round"]: row for row in result.get("deltas") or []}
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
            int(group["score"].notna().sum()),
        )
    return found


def _per_1000(column: pd.Series) -> float | None:
    """Return 1,000 times the mean of what was recorded, null where nothing was: unknown is never 0."""
    known = column.dropna()
    mean: float | None = value_of(known.mean()) if len(known) else None
    return None if mean is None else 1000 * mean
