"""The kinds of chart that show all series in one plot: lines over rounds, paths, dots with intervals, a scatter.

Each takes plain columns and a width, and knows nothing of runs. Lines differ by dash and marker as well as by hue and
carry their names at their ends, so that there is no legend to look up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from harness.reporting.along import Along
from harness.reporting.figures import GRID, HUES, INK, PAPER, QUIET
from harness.reporting.labels import LINE, ROOMY, broken, heading, named, path, placed, spread, standing
from harness.reporting.vega import Chart, Spec, channel, layer

DASHES = ([1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [4, 2], [1, 3], [12, 3], [3, 3, 8, 3])
SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right", "triangle-left")


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
    log: bool = False,
    steps: Sequence[int | str] | None = None,
    span: tuple[float, float] | None = None,
) -> Spec:
    """Return a chart of lines with bands, named at their ends.

    Args:
        data: Columns `series`, `x`, `y`, and for bands `low` and `high`; several rows a series.
        order: The series' names; the place decides hue, dash and marker, so that a series looks alike in each figure.
        x: Column along: whole numbers, or the names of checkpoints, which stand one beside the other.
        y: Column of values up.
        x_title: Title along; that of names is their common word.
        y_title: Title up.
        width: Width of the whole drawing in pixels.
        height: Height of the plot in pixels.
        zero: Draw a line at zero and say so by a heavier rule.
        y_format: d3 format of the axis' numbers; `+` writes signs on all but zero.
        signs: What stands before a series' name: the sign of its verdict.
        behind: Other lines, thin and without names: columns `name`, `x`, `y`.
        log: Double along with equal steps.
        steps: What stands along, where it is more than the data have: a panel's neighbours.
        span: The ends of the scale up, where they are not the data's own.
    """
    names = [name for name in order if name in set(data["series"])]
    rounds = Along.of(data[x] if steps is None else steps, x_title)
    data, ticks = rounds.placed(data, x), rounds.ticks
    if behind is not None:
        behind = behind[behind[x].between(ticks[0], ticks[-1])]
    seen = [data[name] for name in (y, "low", "high") if name in data]
    seen += [behind[y]] if behind is not None else []
    seen += [pd.Series(span)] if span is not None else []
    ends = pd.concat([*seen, pd.Series([0.0] * zero)]).dropna()
    last = data.sort_values(x).groupby("series", sort=False).tail(1)
    labels = [
        broken(f"{(signs or {}).get(name, '')} {name}".strip(), 20 if width > ROOMY else 13) for name in last["series"]
    ]
    margin = 26 + 8 * max(len(line) for label in labels for line in label.split("\n"))
    gap = 1.15 * (LINE + 2) * max(label.count("\n") + 1 for label in labels)  # more, as round ticks widen the scale
    last = last.assign(at=spread(last[y].tolist(), float(ends.min()), float(ends.max()), height, gap), name=labels)
    color, dash, shape = _looks(order, names)
    space = {"domain": [ticks[0], ticks[-1]], "nice": False, "padding": 14} | ({"type": "log"} if log else {})
    across = channel(f"{x}:Q", title=rounds.title, scale=space, axis=rounds.axis)
    tall = {"zero": zero, "nice": True} if span is None else {"domain": list(span), "nice": False}
    up = channel(f"{y}:Q", title=None, scale=tall, axis=_numbers(y_format))
    base = Chart(data).encode(x=across)
    layers = []
    if behind is not None and len(behind):
        thin = Chart(behind).mark("line", color=QUIET, strokeWidth=1)
        layers.append(thin.encode(x=across, y=up, detail="name:N", opacity=0.45))
    if zero:
        layers.append(Chart(pd.DataFrame({"zero": [0]})).mark("rule", color=INK, strokeWidth=1.2).encode(y="zero:Q"))
    if {"low", "high"} <= set(data.columns) and data["low"].notna().any():
        banded = data[data["low"].notna()]
        layers.append(Chart(banded).mark("area", opacity=0.14).encode(x=across, y="low:Q", y2="high", color=color))
    layers.append(base.mark("line", strokeWidth=2.2).encode(y=up, color=color, strokeDash=dash))
    layers.append(base.mark("point", size=52, filled=True, opacity=1).encode(y=up, color=color, shape=shape))
    end = Chart(last).mark(
        "text", align="left", baseline="middle", dx=18, fontSize=13, fontWeight="bold", lineBreak="\n", lineHeight=LINE
    )
    layers.append(end.encode(x=across, y="at:Q", text="name:N", color=color))
    return layer(*layers, width=width - margin - 44, height=height, title=heading(y_title))


def paths(data: pd.DataFrame, order: Sequence[str], *, x_title: str, y_title: str, width: int) -> Spec:
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
    low, high = low - pad, high + pad
    scale = {"domain": [low, high], "nice": False}
    across = channel("x:Q", title=x_title, scale=scale, axis={"tickCount": 6})
    up = channel("y:Q", title=None, scale=scale, axis={"tickCount": 6})
    side = width - (90 if width > ROOMY else 50)
    height = min(side, 360)
    plane = _Plane(side, height, (low, high), (low, high))
    base = Chart(data).encode(x=across, y=up)
    groups = data.sort_values("round").groupby("series", sort=False)
    ends, turns = groups.tail(1), pd.concat([groups.head(1), groups.tail(1)])
    tracks = [plane.pixels(group) for _, group in groups]
    numbers = [(x - 8, y - 22, x + 8, y - 6) for x, y in plane.pixels(turns)]
    ends = ends.assign(name=[broken(name, 20 if width > ROOMY else 14) for name in ends["series"]])
    taken = [*numbers, *(box for track in tracks for box in path(track))]
    at = placed(plane.pixels(ends), ends["name"].tolist(), taken, side, height)
    layers = [
        Chart(pd.DataFrame({"x": [low, high], "y": [low, high]}))
        .mark("line", color=QUIET, strokeDash=[3, 3], strokeWidth=1)
        .encode(x=across, y=up),
        base.mark("line", strokeWidth=2.2).encode(color=color, strokeDash=dash, order="round:O"),
        base.mark("point", size=52, filled=True, opacity=1).encode(color=color, shape=shape),
        *named(
            Chart(turns.assign(number=turns["round"].astype(str))).encode(x=across, y=up),
            "number",
            color,
            dy=-13,
            fontSize=11,
        ),
        *standing(ends, at, color, fontSize=13, fontWeight="bold"),
    ]
    return layer(*layers, width=side, height=height, title=heading(y_title))


def dots(data: pd.DataFrame, *, title: str, width: int, domain: tuple[float, float], mark: float | None = None) -> Spec:
    """Return a chart of one dot and interval a row; on a phone the names stand above their rows.

    Args:
        data: Columns `name`, `value`, `low`, `high`.
        title: Title along.
        width: Width of the whole drawing in pixels.
        domain: The ends of the scale.
        mark: Where a rule stands: what an unbiased rater would score.
    """
    roomy = width > ROOMY
    data = data.assign(name=[broken(name, 36 if roomy else 50) for name in data["name"]])
    breaks = data["name"].str.count("\n")
    rows = channel("name:N", sort=data["name"].tolist(), title=None, axis=None)
    scale = {"domain": list(domain), "nice": False}
    base = Chart(data).encode(y=rows)
    layers = []
    if mark is not None:
        rule = Chart(pd.DataFrame({"mark": [mark]})).mark("rule", color=INK, strokeDash=[3, 3])
        layers.append(rule.encode(x=channel("mark:Q", scale=scale)))
    span = data[data["low"].notna()]
    if len(span):
        whisker = Chart(span).mark("rule", strokeWidth=2.4, color=HUES[0])
        layers.append(whisker.encode(y=rows, x=channel("low:Q", scale=scale), x2="high"))
    axis_x = {"tickCount": 5, "labelFlush": False}
    layers.append(
        base.mark("point", size=80, filled=True, opacity=1, color=HUES[0]).encode(
            x=channel("value:Q", scale=scale, title=title, axis=axis_x)
        )
    )
    for count in sorted(set(breaks)):
        beside = Chart(data[breaks == count]).encode(y=rows)
        if roomy:
            layers += named(beside.encode(x=-10), "name", INK, align="right", dy=-LINE * count / 2, fontSize=13)
        else:
            layers += named(beside.encode(x=0), "name", INK, align="left", dy=-15 - LINE * count)
    longest = max(len(line) for name in data["name"] for line in name.split("\n"))
    left = min(290, 24 + 7.2 * longest) if roomy else 14
    step = (34 if roomy else 46) + (LINE - 7 if roomy else LINE) * int(breaks.max())
    return layer(*layers, width=width - left - 20, height=step * len(data))


def scatter(data: pd.DataFrame, *, x_title: str, y_title: str, width: int) -> Spec:
    """Return a chart of named points over a logarithmic scale, the best buys bold and joined.

    Args:
        data: Columns `name`, `x` (above 0), `y`, `low`, `high`, `best` (whether nothing is cheaper and better).
        x_title: Title along.
        y_title: Title up.
        width: Width of the whole drawing in pixels.
    """
    low, high = math.log10(data["x"].min() / 2), math.log10(data["x"].max() * 2)
    ends = pd.concat([data["y"], data["low"], data["high"]]).dropna()
    pad = 0.06 * (float(ends.max() - ends.min()) or 1.0)
    bottom, top = float(ends.min()) - pad, float(ends.max()) + pad
    side, height = width - 64, 300
    plane = _Plane(side, height, (low, high), (bottom, top))
    scale = {"domain": [low, high], "nice": False}
    exponents = list(range(math.ceil(low), math.floor(high) + 1))
    price = "format(pow(10, datum.value), datum.value < -2 ? '~g' : datum.value < 0 ? '.2f' : ',')"
    numbers = {"values": exponents, "labelExpr": f"'$' + {price}"}
    across = channel("log:Q", title=x_title, scale=scale, axis=numbers)
    up = channel("y:Q", title=None, scale={"domain": [bottom, top], "nice": False}, axis={"tickCount": 6})
    data = data.assign(log=[math.log10(x) for x in data["x"]])
    best, rest = data[data["best"]].sort_values("x"), data[~data["best"]]
    layers = [Chart(best).mark("line", color=HUES[0], strokeWidth=1.4).encode(x=across, y=up)]
    known = data[data["low"].notna()]
    if len(known):
        layers.append(Chart(known).mark("rule", color=QUIET, strokeWidth=1.4).encode(x=across, y="low:Q", y2="high"))
    spans = zip(plane.pixels(known, "log", "high"), plane.pixels(known, "log", "low"), strict=True)
    taken = [(x - 3, y - 2, x + 3, v + 2) for (x, y), (_, v) in spans] + path(plane.pixels(best, "log"))
    both = pd.concat([best, rest])
    both["name"] = [broken(name, 30 if width > ROOMY else 18) for name in both["name"]]
    at = placed(plane.pixels(both, "log"), both["name"].tolist(), taken, side, height)
    for rows, spots, hue, filled, weight in (
        (both[both["best"]], at[: len(best)], HUES[0], True, "bold"),
        (both[~both["best"]], at[len(best) :], QUIET, False, "normal"),
    ):
        if len(rows):
            base = Chart(rows).encode(x=across, y=up)
            layers.append(
                base.mark("point", size=80, filled=filled, fill=hue if filled else PAPER, color=hue, opacity=1)
            )
            layers += standing(rows, spots, hue, fontWeight=weight)
    return layer(*layers, width=side, height=height, title=heading(y_title))


@dataclass(frozen=True)
class _Plane:
    """A plot with linear scales: where data lie in pixels, and pixels in the data."""

    width: float
    height: float
    across: tuple[float, float]
    up: tuple[float, float]

    def pixels(self, data: pd.DataFrame, x: str = "x", y: str = "y") -> list[tuple[float, float]]:
        """Return the points of some rows in pixels from the upper left corner."""
        (left, right), (bottom, top) = self.across, self.up
        return [
            (self.width * (a - left) / (right - left), self.height * (top - b) / (top - bottom))
            for a, b in zip(data[x], data[y], strict=True)
        ]


def _looks(order: Sequence[str], names: Sequence[str]) -> tuple[Spec, Spec, Spec]:
    """Return hue, dash and marker of each series, by its place."""
    place = [list(order).index(name) % len(HUES) for name in names]
    ranges = [[look[i] for i in place] for look in (HUES, DASHES, SHAPES)]
    color, dash, shape = (
        channel("series:N", scale={"domain": list(names), "range": values}, legend=None) for values in ranges
    )
    return color, dash, shape


def _numbers(text: str) -> Spec:
    if text != "+":
        return {"format": text, "tickCount": 6, "gridColor": GRID}
    return {
        "labelExpr": "datum.value === 0 ? '0' : replace(format(datum.value, '+'), '-', '−')",
        "tickCount": 6,
        "gridColor": GRID,
    }
