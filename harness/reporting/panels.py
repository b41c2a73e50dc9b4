"""The kinds of chart that give each series a panel of its own, where in one plot they would cover each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import altair as alt
import pandas as pd

from harness.reporting.figures import HUES, INK, QUIET
from harness.reporting.labels import ROOMY, broken, heading

GAP = 20
"""Pixels between two panels."""
AXIS = 36
"""Pixels that the numbers of an axis up take."""
END = 52
"""Pixels that the name of a line takes at its end."""
LETTER = 6.6
"""Pixels of a letter of a count."""


def flows(data: pd.DataFrame, order: Sequence[str], *, width: int) -> Any:
    """Return bars up for what was won and down for what was lost in each round, one panel a series.

    Args:
        data: Columns `series`, `round`, `won`, `lost` (counts).
        order: The series' names; the place decides the hue.
        width: Width of the whole drawing in pixels.
    """
    data = data.assign(down=-data["lost"], up=data["won"].map("+{:,}".format), minus=data["lost"].map("−{:,}".format))
    over, under = (float(max(data[name].max(), 1)) for name in ("won", "lost"))
    room = 0.16 * (over + under)  # for the counts beyond the bars
    scale = alt.Scale(domain=[-under - room, over + room], nice=False)
    longest = max(len(text) for name in ("up", "minus") for text in data[name])
    rounds = data["round"].nunique()

    def draw(rows: pd.DataFrame, hue: str, each: float, first: bool) -> Any:
        counted = each / rounds > LETTER * longest  # else the counts would run into each other
        numbers = alt.Axis(
            labelExpr="datum.value < 0 ? '−' + format(-datum.value, ',') : format(datum.value, ',')", tickCount=5,
            labels=first and not counted, grid=not counted,
        )  # fmt: skip
        across = alt.X("round:O", title="round", axis=alt.Axis(labelAngle=0, labelOverlap=True))
        base = alt.Chart(rows).encode(x=across)
        bar = {"size": min(30, each / rounds * 0.55)}
        layers = [
            base.mark_bar(color=hue, **bar).encode(y=alt.Y("won:Q", title=None, scale=scale, axis=numbers)),
            base.mark_bar(color=hue, fillOpacity=0.3, stroke=hue, **bar).encode(y=alt.Y("down:Q", scale=scale)),
            alt.Chart(pd.DataFrame({"zero": [0]})).mark_rule(color=INK).encode(y="zero:Q"),
        ]
        for y, text, dy in (("won:Q", "up:N", -8), ("down:Q", "minus:N", 9)) if counted else ():
            layers.append(base.mark_text(dy=dy, fontSize=11, color=INK).encode(y=alt.Y(y, scale=scale), text=text))
        return alt.layer(*layers).properties(height=180 if width > ROOMY else 140)

    return _panels(data, order, draw, width, least=200, axis=12)


def fans(data: pd.DataFrame, order: Sequence[str], *, y_title: str, width: int) -> Any:
    """Return a fan over the rounds, one panel a series: a line for each k, and what lies between the outermost filled.

    Args:
        data: Columns `series`, `round`, `k`, `value`.
        order: The series' names; the place decides the hue.
        y_title: Title up.
        width: Width of the whole drawing in pixels.
    """
    ends = sorted(data["k"].unique())[:: max(1, data["k"].nunique() - 1)]
    data = data.assign(name="pass@" + data["k"].astype(str), outer=data["k"].isin(ends))
    low, high = float(data["value"].min()), float(data["value"].max())
    pad = 0.05 * (high - low or 1.0)
    rounds = sorted(int(value) for value in data["round"].unique())

    def draw(rows: pd.DataFrame, hue: str, each: float, first: bool) -> Any:
        space = alt.Scale(domain=[rounds[0], rounds[-1]], nice=False, padding=8)
        axis = alt.Axis(values=rounds, format="d", grid=False, labelOverlap=True)
        across = alt.X("round:Q", title="round", scale=space, axis=axis)
        numbers = alt.Axis(tickCount=5, labels=first, format=".0f")
        scale = alt.Scale(domain=[low - pad, high + pad], nice=False)
        up = alt.Y("value:Q", title=None, scale=scale, axis=numbers)
        band = rows.pivot_table(index="round", columns="k", values="value").reset_index()
        band = pd.DataFrame({"round": band["round"], "low": band[ends[0]], "high": band[ends[-1]]})
        base = alt.Chart(rows).encode(across, up, detail="k:N")
        edges = alt.Chart(rows[rows["outer"]]).encode(across, up, detail="k:N")
        last = rows[(rows["round"] == rows["round"].max()) & rows["outer"]]
        layers = [
            alt.Chart(band)
            .mark_area(color=hue, opacity=0.14)
            .encode(across, y=alt.Y("low:Q", scale=scale), y2="high:Q"),
            base.mark_line(color=hue, strokeWidth=1, opacity=0.7),
            edges.mark_line(color=hue, strokeWidth=2.2),
            edges.mark_point(color=hue, size=30, filled=True, opacity=1),
            alt.Chart(last).mark_text(align="left", dx=10, fontSize=12, color=hue).encode(across, up, text="name:N"),
        ]
        return alt.layer(*layers).properties(height=200 if width > ROOMY else 150)

    return _panels(data, order, draw, width, least=200, end=END, y_title=y_title)


def shares(data: pd.DataFrame, order: Sequence[str], *, x_title: str, y_title: str, width: int) -> Any:
    """Return what was stated against what came true, from 0 to 1, with the line of the perfectly calibrated.

    Args:
        data: Columns `series` (the rater), `x`, `y`, `low`, `high`.
        order: The raters' names.
        x_title: Title along.
        y_title: Title up.
        width: Width of the whole drawing in pixels.
    """
    perfect = pd.DataFrame({"x": [0.0, 1.0], "y": [0.0, 1.0]})

    def draw(rows: pd.DataFrame, hue: str, each: float, first: bool) -> Any:
        scale = alt.Scale(domain=[0, 1], nice=False)
        numbers = alt.Axis(values=[0, 0.5, 1], format=".1f", labelFlush=False)
        across = alt.X("x:Q", title=x_title, scale=scale, axis=numbers)
        up = alt.Y("y:Q", title=None, scale=scale, axis=alt.Axis(values=[0, 0.5, 1], format=".1f", labels=first))
        base = alt.Chart(rows).encode(across, up)
        layers = [
            alt.Chart(perfect).mark_line(color=QUIET, strokeDash=[3, 3], strokeWidth=1).encode(across, up),
            alt.Chart(rows).mark_rule(strokeWidth=1.4, color=HUES[0]).encode(across, y="low:Q", y2="high:Q"),
            base.mark_line(strokeWidth=1.6, color=HUES[0]),
            base.mark_point(size=50, filled=True, opacity=1, color=HUES[0]),
        ]
        return alt.layer(*layers).properties(height=min(each, 190))

    return _panels(data, order, draw, width, least=130, y_title=y_title, hued=False)


def _panels(
    data: pd.DataFrame,
    order: Sequence[str],
    draw: Callable[[pd.DataFrame, str, float, bool], Any],
    width: int,
    *,
    least: int,
    axis: int = AXIS,
    end: int = 0,
    y_title: str = "",
    hued: bool = True,
) -> Any:
    """Return a panel a series, as many side by side as fit.

    Args:
        data: The rows, with a column `series`.
        order: The series' names in order.
        draw: Called with a series' rows, its hue, the panel's width, and whether it stands at the left.
        width: Width of the whole drawing in pixels.
        least: Pixels that a panel needs.
        axis: Pixels that the numbers at the left take.
        end: Pixels for names at the ends of a panel's lines.
        y_title: What stands over the drawing.
        hued: Whether a series has the hue of its place, as in the other figures.
    """
    names = [name for name in order if name in set(data["series"])]
    columns = max(1, min(3, len(names), (width - axis + GAP) // (least + GAP)))
    each = (width - axis + GAP) / columns - GAP
    panels = []
    for place, name in enumerate(names):
        hue = HUES[list(order).index(name) % len(HUES)] if hued else HUES[0]
        title = heading(
            broken(name, int(each / 8)),
            fontSize=13,
            fontWeight="bold",
            color=hue if hued else INK,
            offset=8,
            frame="group",
        )
        panel = draw(data[data["series"] == name], hue, each, place % columns == 0)
        panels.append(panel.properties(width=each - end, title=title))
    joined = alt.concat(*panels, columns=columns, spacing=GAP, align="each")
    return joined.properties(title=heading(y_title)) if y_title else joined
