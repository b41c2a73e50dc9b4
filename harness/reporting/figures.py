"""Figures: Altair charts, and the static SVG that the page shows.

A chart is drawn in the light palette, so that a notebook shows it as it is; on the page every colour of the palette
becomes a CSS variable, and one SVG serves light, dark and print. Lines differ by dash and marker as well as by hue,
and carry their names at their ends, so that there is no legend to look up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import altair as alt
import pandas as pd

INK, QUIET, GRID, PAPER = "#1d1b18", "#5f5b53", "#dedad2", "#fdfcfa"
HUES = ("#0067a5", "#b04a00", "#00735a", "#9c3d74", "#7a5a00", "#4f4fb0", "#5b6770", "#8b2f2f")
"""Okabe and Ito's hues, darkened until each has 4.5:1 on the page's paper."""
VARIABLES = {INK: "--ink", QUIET: "--quiet", GRID: "--rule", PAPER: "--paper"} | {
    hue: f"--hue-{number}" for number, hue in enumerate(HUES, 1)
}
DASHES = ([1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [4, 2], [1, 3], [12, 3], [3, 3, 8, 3])
SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right", "triangle-left")
WIDE, NARROW = 800, 340
"""The two widths, in CSS pixels, that each figure is drawn at: a phone gets its own drawing, not a shrunk one."""


@dataclass(frozen=True)
class Figure:
    """One figure of the page: what it shows, its drawings, and the numbers behind it."""

    name: str
    """The anchor: `fig-NAME`."""
    title: str
    caption: str
    columns: list[str]
    rows: list[list[Any]]
    wide: str = ""
    narrow: str = ""
    label: str = ""
    """What a screen reader says instead of the drawing."""
    notes: tuple[str, ...] = ()


def styled(chart: Any) -> Any:
    """Return a chart with the house style: no frame, few quiet rules, the page's own fonts."""
    return (
        chart.configure(background="transparent", font="inherit", padding=4)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=QUIET, titleColor=QUIET, gridColor=GRID, domain=False, ticks=False, labelFontSize=12,
            titleFontSize=12, titleFontWeight="normal", labelPadding=8, titlePadding=10, gridWidth=1,
        )
        .configure_header(labelColor=INK, titleColor=QUIET, labelFontSize=13, labelFontWeight="bold")
    )  # fmt: skip


def svg(chart: Any, name: str) -> str:
    """Return a chart as the static SVG that stands in the page.

    The text is parsed and written anew: only drawing elements stay, links and the numbering that the renderer counts
    up over a process do not, so that the same chart gives the same bytes and nothing in it can act or load.

    Args:
        chart: An Altair chart.
        name: The figure's name, which makes ids unique on the page.
    """
    import vl_convert

    root = ElementTree.fromstring(vl_convert.vegalite_to_svg(styled(chart).to_dict(validate=False)))
    _clean(root, {}, name)
    view = root.get("viewBox", "0 0 0 0").split()
    text = ElementTree.tostring(root, encoding="unicode")
    text = re.sub("|".join(VARIABLES), lambda found: f"var({VARIABLES[found[0]]})", text)
    return text.replace("<svg ", f'<svg aria-hidden="true" focusable="false" width="{view[2]}" height="{view[3]}" ', 1)


_DRAWING = {"svg", "g", "path", "line", "rect", "circle", "text", "tspan", "defs", "clipPath", "title"}
_KEPT = re.compile(
    r"viewBox|d|transform|x[12]?|y[12]?|r|c[xy]|d[xy]|width|height|fill(-opacity)?|stroke(-[a-z]+)?|opacity|"
    r"text-anchor|font-(size|weight|style)|clip-path|id"
)


def _clean(element: ElementTree.Element, ids: dict[str, str], name: str) -> None:
    element.tag = element.tag.rpartition("}")[2]
    is_root = element.tag == "svg"
    for key, value in list(element.attrib.items()):
        if not _KEPT.fullmatch(key) or (is_root and key != "viewBox"):
            del element.attrib[key]
        elif key == "id":
            element.set(key, ids.setdefault(value, f"{name}-{len(ids)}"))
        elif found := re.fullmatch(r"url\(#(.+)\)", value):
            element.set(key, f"url(#{ids.setdefault(found[1], f'{name}-{len(ids)}')})")
    for child in list(element):
        if child.tag.rpartition("}")[2] in _DRAWING and child.get("display") != "none":
            _clean(child, ids, name)
        else:
            element.remove(child)
    element.attrib.update(sorted(element.attrib.items()))


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
    """
    names = [name for name in order if name in set(data["series"])]
    place = [list(order).index(name) % len(HUES) for name in names]
    margin = 130 if width > 500 else 92
    ticks = sorted(int(value) for value in data[x].unique())
    last = data.sort_values(x).groupby("series", sort=False).tail(1)
    last = last.assign(at=_spread(last[y].tolist(), data, y, height, 17), name=[_short(n, width) for n in last.series])
    color = alt.Color("series:N", scale=alt.Scale(domain=names, range=[HUES[i] for i in place]), legend=None)
    dash = alt.StrokeDash("series:N", scale=alt.Scale(domain=names, range=[DASHES[i] for i in place]), legend=None)
    shape = alt.Shape("series:N", scale=alt.Scale(domain=names, range=[SHAPES[i] for i in place]), legend=None)
    space = alt.Scale(domain=[ticks[0], ticks[-1]], nice=False, padding=14)
    across = alt.X(f"{x}:Q", title=x_title, scale=space, axis=alt.Axis(values=ticks, format="d", grid=False))
    up = alt.Y(f"{y}:Q", title=None, scale=alt.Scale(zero=zero, nice=True), axis=_numbers(y_format))
    base = alt.Chart(data).encode(across)
    layers = []
    if zero:
        layers.append(alt.Chart(pd.DataFrame({"zero": [0]})).mark_rule(color=INK, strokeWidth=1.2).encode(y="zero:Q"))
    if {"low", "high"} <= set(data.columns) and data["low"].notna().any():
        banded = data[data["low"].notna()]
        layers.append(alt.Chart(banded).mark_area(opacity=0.14).encode(across, y="low:Q", y2="high:Q", color=color))
    layers.append(base.mark_line(strokeWidth=2.2).encode(y=up, color=color, strokeDash=dash))
    layers.append(base.mark_point(size=52, filled=True, opacity=1).encode(y=up, color=color, shape=shape))
    end = alt.Chart(last).mark_text(align="left", dx=12, fontSize=13, fontWeight="bold", limit=margin + 30)
    layers.append(end.encode(across, y="at:Q", text="name:N", color=color))
    title = alt.TitleParams(
        y_title, anchor="start", fontSize=12, fontWeight="normal", color=QUIET, offset=10, frame="bounds"
    )
    return alt.layer(*layers).properties(width=width - margin - 44, height=height, title=title)


def dots(data: pd.DataFrame, *, title: str, width: int, domain: tuple[float, float], mark: float | None = None) -> Any:
    """Return a chart of one dot and interval a row.

    Args:
        data: Columns `name`, `value`, `low`, `high`.
        title: Title along.
        width: Width of the whole drawing in pixels.
        domain: The ends of the scale.
        mark: Where a rule stands: what an unbiased rater would score.
    """
    rows = alt.Y("name:N", sort=None, title=None, axis=alt.Axis(grid=False, labelLimit=150, labelColor=INK))
    scale = alt.Scale(domain=list(domain), nice=False)
    base = alt.Chart(data).encode(rows)
    layers = []
    if mark is not None:
        layers.append(
            alt.Chart(pd.DataFrame({"mark": [mark]})).mark_rule(color=INK, strokeDash=[3, 3]).encode(x="mark:Q")
        )
    span = data[data["low"].notna()]
    if len(span):
        layers.append(
            alt.Chart(span)
            .mark_rule(strokeWidth=2.4, color=HUES[0])
            .encode(rows, x=alt.X("low:Q", scale=scale), x2="high:Q")
        )
    layers.append(
        base.mark_point(size=80, filled=True, opacity=1, color=HUES[0]).encode(
            x=alt.X("value:Q", scale=scale, title=title, axis=alt.Axis(tickCount=5))
        )
    )
    return alt.layer(*layers).properties(width=width - 180, height=34 * len(data))


def _numbers(text: str) -> Any:
    if text != "+":
        return alt.Axis(format=text, tickCount=6)
    return alt.Axis(labelExpr="datum.value === 0 ? '0' : format(datum.value, '+')", tickCount=6)


def _short(name: str, width: int) -> str:
    limit = 22 if width > 500 else 14
    return name if len(name) <= limit else name[: limit - 1] + "…"


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
