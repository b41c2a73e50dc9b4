"""Several runs side by side: what each reached, how far they lie apart, and one chart with all of them.

Runs share no answers, and perhaps no items: a difference is that of two independent figures, so that its interval is at
least as wide as pairing items would make it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from math import hypot
from typing import Any

import pandas as pd

from harness.reporting import tables
from harness.reporting.charts import lines
from harness.reporting.evidence import Evidence, Row
from harness.reporting.figures import Drawing, Figure
from harness.reporting.finding import decimals, spanned, words
from harness.reporting.findings import findings_of, folded
from harness.reporting.panels import races
from harness.reporting.round_figures import MOST_SAID, when
from harness.rounds import counted

MOST_LINES = 8
"""Lines that one chart can tell apart."""


def beside(several: Sequence[Evidence]) -> Row:
    """Return what a page shows of several runs together.

    Returns:
        `rows`: `about`, `what`, `cells` (for each run `value`, `interval`, `anchor` of its evidence, the verdict's
        `mark`, or None), and `difference` of the second run minus the first (`value`, `interval`), None where one of
        them has no figure.
        `abouts`: what the runs' other findings are about; verdicts on rounds stand with their numbers.
        `figures`: one drawing, with a panel a benchmark that two runs share; none where they share none.
    """
    gains = [_gains(one, _alone(several)) for one in several]
    pairs = [_pairs(one) for one in several]
    rows = [_row(key, [one.get(key) for one in gains], True) for key in _shared(gains)]
    rows += [_row(key, [one.get(key) for one in pairs], False) for key in _shared(pairs)]
    found = [one for each in several for one in folded(findings_of(each))]
    told = [one.about for one in found if one.mark != "note" and one.evidence != "fig-rounds"]
    return {"rows": rows, "figures": _figures(several), "abouts": list(dict.fromkeys(told))}


def _shared(found: Sequence[dict[tuple[str, str], Row]]) -> list[tuple[str, str]]:
    return list(dict.fromkeys(key for one in found for key in one))


def _alone(several: Sequence[Evidence]) -> bool:
    """Tell whether each run has one series beside its control, of another name: it stands for the run then."""
    series = [{row["series"] for row in one.rounds} - {one.control} for one in several]
    return all(len(names) == 1 for names in series) and len(set().union(*series)) > 1


def _gains(evidence: Evidence, alone: bool) -> dict[tuple[str, str], Row]:
    """Return the gains of a run's series by what is compared: the series on a benchmark; the benchmark of its only one.

    What a control gained is no gain of feedback, and stands in its own run.
    """
    found = {}
    for row in evidence.rounds:
        part = counted(row)
        if (total := part.get("gain_total")) and not (alone and row["series"] == evidence.control):
            beyond = "beyond training alone" if part is not row else "first to last round"
            about = row["benchmark"] if alone else f"{row['series']} on {row['benchmark']}"
            mark = part["verdict"] or "unknown"
            found[about, f"points gained, {beyond}"] = {**total, "anchor": "rounds", "mark": mark}
    return found


def _pairs(evidence: Evidence) -> dict[tuple[str, str], Row]:
    found = {}
    for row in evidence.pairs:
        if row["value"] is not None:
            names = [evidence.name(row[f"rater_{side}"]) + f" ({row[f'criterion_{side}']})" for side in "ab"]
            found[f"{names[0]} and {names[1]} on {row['task']}", words(row["coefficient"])] = {
                **row,
                "anchor": "agreement",
            }
    return found


def _row(key: tuple[str, str], found: Sequence[Row | None], in_points: bool) -> Row:
    cells = [
        None if one is None else {**_said(one, in_points), "anchor": one["anchor"], "mark": one.get("mark")}
        for one in found
    ]
    difference = None
    if len(found) > 1 and found[0] and found[1]:
        difference = _said(_apart(found[0], found[1]), in_points)
    return {"about": key[0], "what": key[1], "cells": cells, "difference": difference}


def _apart(one: Row, other: Row) -> Row:
    """Return the difference of two independent figures, each end from the halves of the intervals that it rests on."""
    value = other["value"] - one["value"]
    if any(row.get(end) is None for row in (one, other) for end in ("low", "high")):
        return {"value": value, "low": None, "high": None}
    down = hypot(other["value"] - other["low"], one["high"] - one["value"])
    up = hypot(other["high"] - other["value"], one["value"] - one["low"])
    return {"value": value, "low": value - down, "high": value + up}


def _said(row: Row, in_points: bool) -> Row:
    if in_points:
        value, interval = spanned(row["value"], row["low"], row["high"])
        return {"value": value, "interval": interval}
    known = row["low"] is not None
    interval = f"[{decimals(row['low'])}, {decimals(row['high'])}]" if known else "–"
    return {"value": decimals(row["value"]), "interval": interval}


def _figures(several: Sequence[Evidence]) -> list[Drawing]:
    """Return the figure with the scores of all runs, one panel a benchmark that two of them share; none without."""
    names, alone = _names(several), _alone(several)
    called = len({frozenset(one.checkpoints.items()) for one in several}) == 1  # else their rounds by number
    data = pd.DataFrame(
        [
            {
                "benchmark": row["benchmark"],
                "run": name,
                "series": _line(name, row["series"], one, alone),
                "round": one.round_called(row["round"]) if called else row["round"],
                "points": 100 * row["score"],
            }
            for name, one in zip(names, several, strict=True)
            for row in tables.scores(one)
            if row["score"] is not None
        ],
        columns=["benchmark", "run", "series", "round", "points"],
    )
    lines_there = list(dict.fromkeys(data["series"]))
    order = lines_there[:MOST_LINES]
    counts = data[data["series"].isin(order)].groupby("benchmark")[["run", "round"]].nunique().min(axis=1)
    shared = [str(name) for name, count in counts.items() if count > 1]
    if not shared:
        return []
    data = data[data["series"].isin(order) & data["benchmark"].isin(shared)].sort_values("benchmark", kind="stable")
    ends = [_ends(name, data[data["benchmark"] == name]) for name in shared]
    more = [f"{len(shared) - MOST_SAID} more below"] if len(shared) > MOST_SAID else []
    left = f" The first {MOST_LINES} of {len(lines_there)} lines." if len(lines_there) > MOST_LINES else ""
    about = shared[0] if len(shared) == 1 else f"{len(shared)} benchmarks"
    columns = ["benchmark", "series", "round", "points"][len(shared) == 1 :]
    figure = Figure(
        "both-1",
        "; ".join(ends[:MOST_SAID] + more),
        f"Mean score on the held-out items of {about} {when(several[0])}, in points, of all runs.{left}",
        columns,
        data[columns].to_numpy(dtype=object).tolist(),
    )
    return [Drawing(figure, _drawing(data, order))]


def _ends(benchmark: str, data: pd.DataFrame) -> str:
    """Return which line ends highest on a benchmark, and which lowest."""
    ends = data.groupby("series")["points"].last().sort_values(ascending=False)
    return f"{benchmark}: {ends.index[0]} reaches {ends.iloc[0]:.0f}, {ends.index[-1]} {ends.iloc[-1]:.0f}"


def _line(run: str, series: str, evidence: Evidence, alone: bool) -> str:
    """Return how a line is called: by its run, where that has one series."""
    return run if alone and series != evidence.control else f"{run} · {series}"


def _names(several: Sequence[Evidence]) -> list[str]:
    """Return what each run is called; two of one name by their folders."""
    names = [one.run.suite.name for one in several]
    return [name if names.count(name) == 1 else f"{name} {place}" for place, name in enumerate(names, 1)]


def _drawing(data: pd.DataFrame, order: Sequence[str]) -> Callable[[int], Any]:
    title = "score, points"
    if data["benchmark"].nunique() == 1:
        return lambda width: lines(
            data, order, x="round", y="points", x_title="round", y_title=title, width=width, y_format=".0f"
        )
    return lambda width: races(data, order, y_title=title, width=width, signs=defaultdict(dict))
