"""Several runs side by side: what each reached, how far they lie apart, and one chart with all of them.

Runs share no answers, and perhaps no items: a difference is that of two independent figures, so that its interval is at
least as wide as pairing items would make it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot
from typing import Any

import pandas as pd

from harness.reporting import tables
from harness.reporting.charts import lines
from harness.reporting.evidence import Evidence, Row
from harness.reporting.figures import Drawing, Figure
from harness.reporting.finding import decimals, spanned, words
from harness.rounds import counted

MOST_LINES = 8
"""Lines that one chart can tell apart."""


def beside(several: Sequence[Evidence]) -> Row:
    """Return what a page shows of several runs together.

    Returns:
        `rows`: `about`, `what`, `cells` (for each run `value`, `interval`, `anchor` of its evidence, or None), and
        `difference` of the second run minus the first (`value`, `interval`), None where one of them has no figure.
        `figures`: one drawing a benchmark that two runs share.
    """
    gains = [_gains(one) for one in several]
    pairs = [_pairs(one) for one in several]
    rows = [_row(key, [one.get(key) for one in gains], True) for key in _shared(gains)]
    rows += [_row(key, [one.get(key) for one in pairs], False) for key in _shared(pairs)]
    return {"rows": rows, "figures": _figures(several)}


def _shared(found: Sequence[dict[tuple[str, str], Row]]) -> list[tuple[str, str]]:
    return list(dict.fromkeys(key for one in found for key in one))


def _gains(evidence: Evidence) -> dict[tuple[str, str], Row]:
    found = {}
    for row in evidence.rounds:
        part = counted(row)
        if total := part.get("gain_total"):
            beyond = "beyond training alone" if part is not row else "first to last round"
            found[f"{row['series']} on {row['benchmark']}", f"points gained, {beyond}"] = {**total, "anchor": "rounds"}
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
    cells = [None if one is None else {**_said(one, in_points), "anchor": one["anchor"]} for one in found]
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
    found: list[Drawing] = []
    scores = [[row for row in tables.scores(one) if row["score"] is not None] for one in several]
    names = _names(several)
    for benchmark in sorted({row["benchmark"] for rows in scores for row in rows}):
        parts: list[dict[str, Any]] = [
            {"series": f"{name} · {row['series']}", "round": row["round"], "points": 100 * row["score"]}
            for name, rows in zip(names, scores, strict=True)
            for row in rows
            if row["benchmark"] == benchmark
        ]
        data = pd.DataFrame(parts)
        order = list(dict.fromkeys(data["series"]))[:MOST_LINES]
        data = data[data["series"].isin(order)]
        if data["series"].str.partition(" · ")[0].nunique() < 2 or data["round"].nunique() < 2:
            continue
        ends = data.sort_values("round").groupby("series")["points"].last().sort_values(ascending=False)
        title = f"{benchmark}: {ends.index[0]} reaches {ends.iloc[0]:.0f}, {ends.index[-1]} {ends.iloc[-1]:.0f}"
        figure = Figure(
            f"both-{len(found) + 1}",
            title,
            f"Mean score on the held-out items of {benchmark} after each round, in points, of all runs.",
            ["series", "round", "points"],
            data.to_numpy(dtype=object).tolist(),
        )
        found.append(Drawing(figure, _drawing(data, order)))
    return found


def _names(several: Sequence[Evidence]) -> list[str]:
    """Return what each run is called; two of one name by their folders."""
    names = [one.run.suite.name for one in several]
    return [name if names.count(name) == 1 else f"{name} {place}" for place, name in enumerate(names, 1)]


def _drawing(data: pd.DataFrame, order: Sequence[str]) -> Any:
    return lambda width: lines(
        data, order, x="round", y="points", x_title="round", y_title="score, points", width=width, y_format=".0f"
    )
