"""Names in a chart: how they break, and where they stand so that none covers another or a mark."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pandas as pd

from harness.reporting.figures import PAPER, QUIET
from harness.reporting.vega import Chart, Spec

ROOMY = 500
"""Pixels from which a drawing is made for a screen, below for a phone."""
LINE = 15
"""Pixels from one line of a name to the next."""
Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels of the plot."""


@dataclass(frozen=True)
class Spot:
    """Where a name stands: the middle of its first letter's side, or of its last one's."""

    x: float
    y: float
    align: str
    """`left` where the name begins at the spot, `right` where it ends there."""


def broken(name: str, limit: int) -> str:
    """Return a name in at most two lines, broken at its own joints; what still does not fit ends in dots."""
    if len(name) <= limit:
        return name
    joints = [found.end() for found in re.finditer(r"[\s_/.:·-]", name) if found.end() <= limit]
    cut = joints[-1] if joints and joints[-1] > 3 else limit
    rest = name[cut:]
    return name[:cut].rstrip() + "\n" + (rest if len(rest) <= limit else rest[: limit - 1] + "…")


def spread(values: Sequence[float], low: float, high: float, height: float, gap: float) -> list[float]:
    """Return heights for names at the ends of lines, moved apart where they would overlap.

    Args:
        values: Where the lines end.
        low: The lower end of the scale.
        high: Its upper end.
        height: The plot's height in pixels.
        gap: Pixels that a name needs.
    """
    step = (high - low or 1.0) * gap / height
    order = sorted(range(len(values)), key=lambda i: values[i])
    placed = list(values)
    for before, after in pairwise(order):
        placed[after] = max(placed[after], placed[before] + step)
    excess = max(0.0, placed[order[-1]] - max(high, values[order[-1]])) if order else 0.0
    for i in reversed(order):  # shift the pile down as far as it rose over the plot
        placed[i] -= excess
    return placed


OFFSETS = tuple(
    (side * across, up) for across, ups in ((11, (13, -13, 0)), (11, (28, -28)), (30, (40, -40))) for up in ups
    for side in (1, -1)
)  # fmt: skip
"""Where a name may stand from its point, in pixels, the best place first: below right, where a rising line is not."""


def placed(
    points: Sequence[tuple[float, float]], names: Sequence[str], taken: Sequence[Box], width: float, height: float
) -> list[Spot]:
    """Return a spot for each name beside its point, where it covers least of what is taken and of the other names.

    Args:
        points: Each name's point, in pixels from the plot's upper left corner.
        names: The names, perhaps of several lines.
        taken: What is drawn: marks, intervals, lines.
        width: The plot's width in pixels.
        height: Its height.
    """
    boxes = [*taken, *((x - 6, y - 6, x + 6, y + 6) for x, y in points)]
    spots = []
    for (x, y), name in zip(points, names, strict=True):
        lines = name.split("\n")
        long, tall = 7.0 * max(map(len, lines)), LINE * len(lines)

        def box(across: float, up: float, x: float = x, y: float = y, long: float = long, tall: float = tall) -> Box:
            left = x + across - (long if across < 0 else 0)
            return left, y + up - tall / 2, left + long, y + up + tall / 2

        across, up = min(OFFSETS, key=lambda offset: _cover(box(*offset), boxes, width, height))
        boxes.append(box(across, up))
        spots.append(Spot(x + across, y + up, "left" if across > 0 else "right"))
    return spots


def _cover(box: Box, boxes: Sequence[Box], width: float, height: float) -> float:
    """Return how much of a name would cover something, or stand outside."""
    left, top, right, bottom = box
    inside = max(0.0, min(right, width) - max(left, 0)) * max(0.0, min(bottom, height) - max(top, 0))
    hidden = sum(
        max(0.0, min(right, other[2]) - max(left, other[0])) * max(0.0, min(bottom, other[3]) - max(top, other[1]))
        for other in boxes
    )
    return hidden + 10 * ((right - left) * (bottom - top) - inside)


def path(points: Sequence[tuple[float, float]]) -> list[Box]:
    """Return small boxes along a line through some points: what a name should not cover."""
    boxes = []
    for (x, y), (u, v) in pairwise(points):
        parts = max(1, int(max(abs(u - x), abs(v - y)) // 6))
        for part in range(parts + 1):
            a, b = x + (u - x) * part / parts, y + (v - y) * part / parts
            boxes.append((a - 3, b - 3, a + 3, b + 3))
    return boxes


def named(base: Chart, text: str, hue: str | Spec, **how: Any) -> list[Chart]:
    """Return the layers of a text that stays readable over lines: a halo of paper under it."""
    how = {"fontSize": 12, "lineBreak": "\n", "lineHeight": LINE} | how
    halo = base.mark("text", stroke=PAPER, strokeWidth=4, color=PAPER, **how).encode(text=f"{text}:N")
    if isinstance(hue, str):
        return [halo, base.mark("text", color=hue, **how).encode(text=f"{text}:N")]
    return [halo, base.mark("text", **how).encode(text=f"{text}:N", color=hue)]


def standing(data: pd.DataFrame, spots: Sequence[Spot], hue: str | Spec, **how: Any) -> list[Chart]:
    """Return the layers of the names of some rows (column `name`) at their spots."""
    layers: list[Chart] = []
    for place, spot in enumerate(spots):
        row = data.iloc[[place]]
        first = spot.y - LINE * str(row["name"].iloc[0]).count("\n") / 2
        here = Chart(row).encode(x=spot.x, y=first)
        layers += named(here, "name", hue, align=spot.align, baseline="middle", **how)
    return layers


def heading(text: str, **how: Any) -> Spec:
    """Return what stands over a drawing at its left: the title of the axis up, where it can be read, or a name."""
    quiet = {"fontSize": 12, "fontWeight": "normal", "color": QUIET, "offset": 10, "frame": "bounds"}
    return {"text": text, "anchor": "start", **quiet, **how}
