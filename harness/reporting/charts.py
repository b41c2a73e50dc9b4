"""The kinds of chart: lines over rounds, dots with intervals, paths, a fan of bars, shares against what was stated.

Each takes plain columns and a width, and knows nothing of runs. Lines differ by dash and marker as well as by hue and
carry their names at their ends, so that there is no legend to look up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import altair as alt
import pandas as pd

from harness.reporting.figures import GRID, HUES, INK, PAPER, QUIET

DASHES = ([1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [4, 2], [1, 3], [12, 3], [3, 3, 8, 3])
SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right", "triangle-left")
ROOMY = 500
"""Pixels from which a drawing is made for a screen, below for a phone."""


def lines(
    data: pd.DataFrame,
    order: Sequence[str],
    *,
    x: str,
    y: str,
    x_title: str,
    y_title: str,
    width: int,
    height: int = 300,
    zero: bool = False,
    y_format: str = "+",
    signs: Mapping[str, str] | None = None,
    behind: pd.DataFrame | None = None,
) -> Any:
    """Return a chart of lines with bands, named at their ends.

    Args:
        data: Columns `series`, `x`, `y`, and for bands `low` and `high`; several rows a series.
        order: The series' names; the place decides hue, dash and marker, so that a series looks alike in each figure.
        x: Column of whole numbers along.
        y: Column of values up.
        x_title: Title along.
        y_title: Title up.
        width: Width of the whole drawing in pixels.
        height: Height of the plot in pixels.
        zero: Draw a line at zero and say so by a heavier rule.
        y_format: d3 format of the axis' numbers; `+` writes signs on all but zero.
        signs: What stands before a series' name: the sign of its verdict.
        behind: Other lines, thin and without names: columns `name`, `x`, `y`.
    """
    names = [name for name in order if name in set(data["series"])]
    margin = 150 if width > ROOMY else 108
    ticks = sorted(int(value) for value in data[x].unique())
    last = data.sort_values(x).groupby("series", sort=False).tail(1)
    labels = [_label(f"{(signs or {}).get(name, '')} {name}".strip(), width) for name in last["series"]]
    gap = 17 * max(label.count("\n") + 1 for label in labels)
    last = last.assign(at=_spread(last[y].tolist(), data, y, height, gap), name=labels)
    color, dash, shape = _looks(order, names)
    space = alt.Scale(domain=[ticks[0], ticks[-1]], nice=False, padding=14)
    across = alt.X(f"{x}:Q", title=x_title, scale=space, axis=alt.Axis(values=ticks, format="d", grid=False))
    up = alt.Y(f"{y}:Q", title=None, scale=alt.Scale(zero=zero, nice=True), axis=_numbers(y_format))
    base = alt.Chart(data).encode(across)
    layers = []
    if behind is not None and len(behind):
        thin = alt.Chart(behind[behind[x].between(ticks[0], ticks[-1])]).mark_line(color=QUIET, strokeWidth=1)
        layers.append(thin.encode(across, y=up, detail="name:N", opacity=alt.value(0.45)))
    if zero:
        layers.append(alt.Chart(pd.DataFrame({"zero": [0]})).mark_rule(color=INK, strokeWidth=1.2).encode(y="zero:Q"))
    if {"low", "high"} <= set(data.columns) and data["low"].notna().any():
        banded = data[data["low"].notna()]
        layers.append(alt.Chart(banded).mark_area(opacity=0.14).encode(across, y="low:Q", y2="high:Q", color=color))
    layers.append(base.mark_line(strokeWidth=2.2).encode(y=up, color=color, strokeDash=dash))
    layers.append(base.mark_point(size=52, filled=True, opacity=1).encode(y=up, color=color, shape=shape))
    end = alt.Chart(last).mark_text(
        align="left", baseline="middle", dx=18, fontSize=13, fontWeight="bold", lineBreak="\n", lineHeight=15
    )
    layers.append(end.encode(across, y="at:Q", text="name:N", color=color))
    return alt.layer(*layers).properties(width=width - margin - 44, height=height, title=_up(y_title))


def paths(data: pd.DataFrame, order: Sequence[str], *, x_title: str, y_title: str, width: int) -> Any:
    """Return a chart of paths from round to round, with the line on which both quantities are the same.

    Args:
        data: Columns `series`, `round`, `x`, `y`.
        order: The series' names, as for `lines`.
        x_title: Title along.
        y_title: Title up.
        width: Width of the whole drawing in pixels.
    """
    names = [name for name in order if name in set(data["series"])]
    color, dash, shape = _looks(order, names)
    low, high = (float(getattr(data[["x", "y"]].stack(), side)()) for side in ("min", "max"))
    pad = 0.06 * (high - low or 1.0)
    scale = alt.Scale(domain=[low - pad, high + pad], nice=False)
    across = alt.X("x:Q", title=x_title, scale=scale, axis=alt.Axis(tickCount=6))
    up = alt.Y("y:Q", title=None, scale=scale, axis=alt.Axis(tickCount=6))
    base = alt.Chart(data).encode(across, up)
    groups = data.sort_values("round").groupby("series", sort=False)
    ends, turns = groups.tail(1), pd.concat([groups.head(1), groups.tail(1)])
    ends = ends.assign(name=[_label(name, width) for name in ends["series"]])
    same = pd.DataFrame({"x": [low - pad, high + pad], "y": [low - pad, high + pad]})
    layers = [
        alt.Chart(same).mark_line(color=QUIET, strokeDash=[3, 3], strokeWidth=1).encode(across, up),
        base.mark_line(strokeWidth=2.2).encode(color=color, strokeDash=dash, order="round:O"),
        base.mark_point(size=52, filled=True, opacity=1).encode(color=color, shape=shape),
        alt.Chart(turns).mark_text(dy=-13, fontSize=11).encode(across, up, text="round:Q", color=color),
        alt.Chart(ends)
        .mark_text(align="left", dx=12, fontSize=13, fontWeight="bold", lineBreak="\n", lineHeight=15)
        .encode(across, up, text="name:N", color=color),
    ]
    side = width - (194 if width > ROOMY else 152)
    return alt.layer(*layers).properties(width=side, height=min(side, 360), title=_up(y_title))


def dots(data: pd.DataFrame, *, title: str, width: int, domain: tuple[float, float], mark: float | None = None) -> Any:
    """Return a chart of one dot and interval a row; on a phone the names stand above their rows.

    Args:
        data: Columns `name`, `value`, `low`, `high`.
        title: Title along.
        width: Width of the whole drawing in pixels.
        domain: The ends of the scale.
        mark: Where a rule stands: what an unbiased rater would score.
    """
    roomy = width > ROOMY
    data = data.assign(name=[_label(name, 10 * width, 60 if roomy else 44) for name in data["name"]])
    axis = alt.Axis(grid=False, labelLimit=280, labelColor=INK, labelFontSize=13) if roomy else None
    rows = alt.Y("name:N", sort=None, title=None, axis=axis)
    scale = alt.Scale(domain=list(domain), nice=False)
    base = alt.Chart(data).encode(rows)
    layers = []
    if mark is not None:
        rule = alt.Chart(pd.DataFrame({"mark": [mark]})).mark_rule(color=INK, strokeDash=[3, 3])
        layers.append(rule.encode(x=alt.X("mark:Q", scale=scale)))
    span = data[data["low"].notna()]
    if len(span):
        whisker = alt.Chart(span).mark_rule(strokeWidth=2.4, color=HUES[0])
        layers.append(whisker.encode(rows, x=alt.X("low:Q", scale=scale), x2="high:Q"))
    axis_x = alt.Axis(tickCount=5, labelFlush=False)
    layers.append(
        base.mark_point(size=80, filled=True, opacity=1, color=HUES[0]).encode(
            x=alt.X("value:Q", scale=scale, title=title, axis=axis_x)
        )
    )
    if not roomy:
        above = base.mark_text(align="left", dy=-15, fontSize=12, color=INK)
        layers.append(above.encode(x=alt.value(0), text="name:N"))
    longest = max(len(str(name)) for name in data["name"])
    left = min(290, 24 + 7.2 * longest) if roomy else 14
    return alt.layer(*layers).properties(width=width - left - 20, height=(34 if roomy else 46) * len(data))


def scatter(data: pd.DataFrame, *, x_title: str, y_title: str, width: int) -> Any:
    """Return a chart of named points over a logarithmic scale, the best buys bold and joined.

    Args:
        data: Columns `name`, `x` (above 0), `y`, `low`, `high`, `best` (whether nothing is cheaper and better).
        x_title: Title along.
        y_title: Title up.
        width: Width of the whole drawing in pixels.
    """
    low, high = float(data["x"].min()), float(data["x"].max())
    scale = alt.Scale(type="log", domain=[low / 3, high * (3 if width > ROOMY else 6)], nice=False)
    across = alt.X("x:Q", title=x_title, scale=scale, axis=alt.Axis(tickCount=4, format="~g"))
    up = alt.Y("y:Q", title=None, scale=alt.Scale(zero=False, nice=True), axis=alt.Axis(tickCount=6))
    best, rest = data[data["best"]], data[~data["best"]]
    layers = [alt.Chart(best.sort_values("x")).mark_line(color=HUES[0], strokeWidth=1.4).encode(across, up)]
    known = data[data["low"].notna()]
    if len(known):
        layers.append(alt.Chart(known).mark_rule(color=QUIET, strokeWidth=1.4).encode(across, y="low:Q", y2="high:Q"))
    for rows, hue, filled, weight in ((best, HUES[0], True, "bold"), (rest, QUIET, False, "normal")):
        if len(rows):
            base = alt.Chart(rows).encode(across, up)
            layers.append(base.mark_point(size=80, filled=filled, fill=hue if filled else PAPER, color=hue, opacity=1))
            text = base.mark_text(align="left", dx=10, dy=-10, fontSize=12, fontWeight=weight, color=hue)
            layers.append(text.encode(text="name:N"))
    return alt.layer(*layers).properties(width=width - 70, height=300, title=_up(y_title))


def shares(data: pd.DataFrame, order: Sequence[str], *, x_title: str, y_title: str, width: int) -> Any:
    """Return a chart of what was stated against what came true, from 0 to 1, with the line of the perfectly calibrated.

    Args:
        data: Columns `series` (the rater), `x`, `y`, `low`, `high`.
        order: The raters' names, as for `lines`.
        x_title: Title along.
        y_title: Title up.
        width: Width of the whole drawing in pixels.
    """
    names = [name for name in order if name in set(data["series"])]
    color, dash, shape = _looks(order, names)
    scale = alt.Scale(domain=[0, 1], nice=False)
    across = alt.X("x:Q", title=x_title, scale=scale, axis=alt.Axis(tickCount=5))
    up = alt.Y("y:Q", title=None, scale=scale, axis=alt.Axis(tickCount=5))
    base = alt.Chart(data).encode(across, up)
    last = data.sort_values("x").groupby("series", sort=False).tail(1)
    side = width - (260 if width > ROOMY else 152)
    height = min(side, 340)
    last = last.assign(
        at=_spread(last["y"].tolist(), pd.DataFrame({"y": [0.0, 1.0]}), "y", height, 32 if width <= ROOMY else 17),
        name=[_label(name, width, 26 if width > ROOMY else None) for name in last["series"]],
    )
    perfect = alt.Chart(pd.DataFrame({"x": [0.0, 1.0], "y": [0.0, 1.0]}))
    end = alt.Chart(last).mark_text(align="left", dx=12, fontSize=13, fontWeight="bold", lineBreak="\n", lineHeight=15)
    layers = [
        perfect.mark_line(color=QUIET, strokeDash=[3, 3], strokeWidth=1).encode(across, up),
        alt.Chart(data).mark_rule(strokeWidth=1.4).encode(across, y="low:Q", y2="high:Q", color=color),
        base.mark_line(strokeWidth=1.6).encode(color=color, strokeDash=dash),
        base.mark_point(size=60, filled=True, opacity=1).encode(color=color, shape=shape),
        end.encode(x=alt.value(side), y=alt.Y("at:Q", scale=scale), text="name:N", color=color),
    ]
    return alt.layer(*layers).properties(width=side, height=height, title=_up(y_title))


def flows(data: pd.DataFrame, order: Sequence[str], *, y_title: str, width: int) -> Any:
    """Return bars up for what was won and down for what was lost in each round, one panel a series.

    Args:
        data: Columns `series`, `round`, `won`, `lost` (counts).
        order: The series' names, as for `lines`.
        y_title: Title up.
        width: Width of the whole drawing in pixels.
    """
    names = [name for name in order if name in set(data["series"])]
    data = data.assign(down=-data["lost"], up=data["won"].map("+{:,}".format), minus=data["lost"].map("−{:,}".format))
    over, under = (float(max(data[name].max(), 1)) for name in ("won", "lost"))
    room = 0.16 * (over + under)  # for the counts beyond the bars
    scale = alt.Scale(domain=[-under - room, over + room], nice=False)
    roomy = width > ROOMY
    each = (width - 64) // len(names) - 16 if roomy else width - 64
    panels = []
    for place, name in enumerate(names):
        rows = data[data["series"] == name]
        hue = HUES[list(order).index(name) % len(HUES)]
        numbers = alt.Axis(
            labelExpr="datum.value < 0 ? '−' + format(-datum.value, ',') : format(datum.value, ',')", tickCount=5,
            labels=place == 0 or not roomy,
        )  # fmt: skip
        base = alt.Chart(rows).encode(x=alt.X("round:O", title="round", axis=alt.Axis(labelAngle=0)))
        bar = {"size": min(30, each / len(rows) * 0.55)}
        layers = [
            base.mark_bar(color=hue, **bar).encode(y=alt.Y("won:Q", title=None, scale=scale, axis=numbers)),
            base.mark_bar(color=hue, fillOpacity=0.3, stroke=hue, **bar).encode(y=alt.Y("down:Q", scale=scale)),
            alt.Chart(pd.DataFrame({"zero": [0]})).mark_rule(color=INK).encode(y="zero:Q"),
            base.mark_text(dy=-8, fontSize=11, color=INK).encode(y=alt.Y("won:Q", scale=scale), text="up:N"),
            base.mark_text(dy=9, fontSize=11, color=INK).encode(y=alt.Y("down:Q", scale=scale), text="minus:N"),
        ]
        heading = alt.TitleParams(_label(name, 10 * width, 30), anchor="start", fontSize=13, color=hue, offset=8)
        panels.append(alt.layer(*layers).properties(width=each, height=200 if roomy else 150, title=heading))
    joined = alt.hconcat(*panels, spacing=16) if roomy else alt.vconcat(*panels, spacing=18)
    return joined.properties(title=_up(y_title))


def _looks(order: Sequence[str], names: Sequence[str]) -> tuple[Any, Any, Any]:
    """Return hue, dash and marker of each series, by its place."""
    place = [list(order).index(name) % len(HUES) for name in names]
    ranges = [[look[i] for i in place] for look in (HUES, DASHES, SHAPES)]
    channels = (alt.Color, alt.StrokeDash, alt.Shape)
    color, dash, shape = (
        channel("series:N", scale=alt.Scale(domain=list(names), range=values), legend=None)
        for channel, values in zip(channels, ranges, strict=True)
    )
    return color, dash, shape


def _up(text: str) -> Any:
    """Return the title of the axis up, written along, where it can be read."""
    return alt.TitleParams(
        text, anchor="start", fontSize=12, fontWeight="normal", color=QUIET, offset=10, frame="bounds"
    )


def _numbers(text: str) -> Any:
    if text != "+":
        return alt.Axis(format=text, tickCount=6, gridColor=GRID)
    return alt.Axis(
        labelExpr="datum.value === 0 ? '0' : replace(format(datum.value, '+'), '-', '−')", tickCount=6, gridColor=GRID
    )


def _label(name: str, width: int, limit: int | None = None) -> str:
    """Return a name in at most two lines, broken at its own joints; what still does not fit ends in dots."""
    limit = limit or (20 if width > ROOMY else 13)
    if len(name) <= limit:
        return name
    joints = [found.end() for found in re.finditer(r"[\s_/.:-]", name) if found.end() <= limit]
    cut = joints[-1] if joints and joints[-1] > 3 else limit
    rest = name[cut:]
    return name[:cut].rstrip() + "\n" + (rest if len(rest) <= limit else rest[: limit - 1] + "…")


def _spread(values: list[float], data: pd.DataFrame, y: str, height: int, gap: float) -> list[float]:
    """Return heights for the labels at the lines' ends, moved apart where they would overlap."""
    ends = [data[c].dropna() for c in (y, "low", "high") if c in data.columns]
    low, high = min(e.min() for e in ends if len(e)), max(e.max() for e in ends if len(e))
    step = (high - low or 1.0) * gap / height
    order = sorted(range(len(values)), key=lambda i: values[i])
    placed = list(values)
    for before, after in pairwise(order):
        placed[after] = max(placed[after], placed[before] + step)
    excess = max(0.0, placed[order[-1]] - max(high, values[order[-1]])) if order else 0.0
    for i in reversed(order):  # shift the pile down as far as it rose over the plot
        placed[i] -= excess
    return placed
