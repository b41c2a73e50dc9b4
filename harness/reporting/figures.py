"""Figures: Vega-Lite charts, and the static SVG that the page shows.

A chart is drawn in the light palette; on the page every colour of the palette
becomes a CSS variable, and one SVG serves light, dark and print.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from harness.reporting.vega import Spec

INK, QUIET, GRID, PAPER = "#1d1b18", "#5f5b53", "#dedad2", "#fdfcfa"
HUES = ("#0067a5", "#b04a00", "#00735a", "#9c3d74", "#7a5a00", "#4f4fb0", "#5b6770", "#8b2f2f")
"""Okabe and Ito's hues, darkened until each has 4.5:1 on the page's paper."""
VARIABLES = {INK: "--ink", QUIET: "--quiet", GRID: "--rule", PAPER: "--paper"} | {
    hue: f"--hue-{number}" for number, hue in enumerate(HUES, 1)
}
EDGES = {"left": 0, "top": 4, "right": 4, "bottom": 4}
"""Pixels around a drawing: none at the left, where it stands in line with the text."""
STYLE: dict[str, Any] = {
    "background": "transparent", "font": "inherit", "padding": EDGES, "lineBreak": "\n", "view": {"stroke": None},
    "axis": {
        "labelColor": QUIET, "titleColor": QUIET, "gridColor": GRID, "domain": False, "ticks": False,
        "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "labelPadding": 8, "titlePadding": 10,
        "gridWidth": 1,
    },
}  # fmt: skip
"""The house style of Vega-Lite."""
WIDE, NARROW = 704, 340
"""The two widths, in CSS pixels, that each figure is drawn at: the measure of the captions, and a phone's."""


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
    source: str = ""
    """Where its numbers are from, and of how many."""
    method: str = ""
    """The anchor of how they were made."""


@dataclass(frozen=True)
class Drawing:
    """A figure and how it is drawn at a width."""

    figure: Figure
    draw: Callable[[int], Spec]


@dataclass(frozen=True)
class Missing:
    """A figure that a run cannot have, and why: said where it would have stood."""

    title: str
    why: str
    """Plain text; a command stands between backticks."""


def svg(chart: Spec, name: str) -> str:
    """Return a chart as the static SVG that stands in the page.

    The text is parsed and written anew: only drawing elements stay, links and the numbering that the renderer counts
    up over a process do not, so that the same chart gives the same bytes and nothing in it can act or load.

    Args:
        chart: A Vega-Lite chart.
        name: The figure's name, which makes ids unique on the page.
    """
    import vl_convert

    drawing = vl_convert.vegalite_to_svg({**chart, "config": STYLE})
    root = ElementTree.fromstring(drawing)  # noqa: S314 the engine's own drawing, which escapes every text
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
