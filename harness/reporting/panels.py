"""The kinds of chart with panels: one a series, where in one plot they would cover each other, or one a benchmark."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from harness.reporting.along import Along
from harness.reporting.charts import lines
from harness.reporting.figures import HUES, INK, QUIET
from harness.reporting.labels import ROOMY, broken, heading
from harness.reporting.vega import Chart, Spec, channel, layer

GAP = 20
"""Pixels between two panels."""
AXIS = 36
"""Pixels that the numbers of an axis up take."""
END = 52
"""Pixels that the name of a line takes at its end."""
LEAST = 320
"""Pixels that a panel with names at its lines' ends needs."""
LETTER = 6.6
"""Pixels of a letter of a count."""


def races(
    data: pd.DataFrame, order: Sequence[str], *, y_title: str, width: int, signs: Mapping[str, Mapping[str, str]]
) -> Spec:
    """Return lines over the rounds with every series, one panel a benchmark.

    All panels have the same rounds along, and a step of the same height is the same gain in each.

    Args:
        data: Columns `benchmark`, `series`, `round`, `points`.
        order: The series' names; the place decides their looks.
        y_title: Title up.
        width: Width of the whole drawing in pixels.
        signs: For each benchmark what stands before a series' name.
    """
    groups = {str(name): own for name, own in data.groupby("benchmark", sort=False)}
    columns = max(1, min(2, len(groups), (width + GAP) // (LEAST + GAP)))
    each = int((width - (columns - 1) * GAP) / columns)
    lowest, highest = float(data["points"].min()), float(data["points"].max())
    tall = max(float(own["points"].max() - own["points"].min()) for own in groups.values()) or 1.0
    panels = []
    for name, own in groups.items():
        middle = float(own["points"].max() + own["points"].min()) / 2
        low = max(lowest, min(middle - tall / 2, highest - tall))
        panel = lines(
            own, order, x="round", y="points", x_title="round", y_title="", width=each, height=190, y_format=".0f",
            signs=signs[name], steps=sorted(data["round"].unique()), span=(low - tall / 20, low + tall * 21 / 20),
        )  # fmt: skip
        title = heading(broken(name, int(each / 8)), fontSize=13, fontWeight="bold", color=INK, offset=8, frame="group")
        panels.append(panel | {"title": title})
    own_looks = {"scale": dict.fromkeys(("color", "strokeDash", "shape"), "independent")}
    return {
        "concat": panels,
        "columns": columns,
        "spacing": GAP,
        "align": "each",
        "resolve": own_looks,
        "title": heading(y_title),
    }


def flows(data: pd.DataFrame, order: Sequence[str], *, width: int) -> Spec:
    """Return bars up for what was won and down for what was lost in each round, one panel a series.

    Args:
        data: Columns `series`, `round`, `won`, `lost` (counts).
        order: The series' names; the place decides the hue.
        width: Width of the whole drawing in pixels.
    """
    data = data.assign(down=-data["lost"], up=data["won"].map("+{:,}".format), minus=data["lost"].map("−{:,}".format))
    over, under = (float(max(data[name].max(), 1)) for name in ("won", "lost"))
    room = 0.16 * (over + under)  # for the counts beyond the bars
    scale = {"domain": [-under - room, over + room], "nice": False}
    longest = max(len(text) for name in ("up", "minus") for text in data[name])
    along = Along.of(data["round"])
    data, rounds = along.placed(data, "round"), len(along.places)
    named = {"labelExpr": along.axis["labelExpr"]} if along.called else {}

    def draw(rows: pd.DataFrame, hue: str, each: float, first: bool) -> Spec:
        counted = each / rounds > LETTER * longest  # else the counts would run into each other
        numbers = {
            "labelExpr": "datum.value < 0 ? '−' + format(-datum.value, ',') : format(datum.value, ',')", "tickCount": 5,
            "labels": first and not counted, "grid": not counted,
        }  # fmt: skip
        across = channel("round:O", title=along.title, axis={"labelAngle": 0, "labelOverlap": True} | named)
        base = Chart(rows).encode(x=across)
        bar = {"size": min(30, each / rounds * 0.55)}
        layers = [
            base.mark("bar", color=hue, **bar).encode(y=channel("won:Q", title=None, scale=scale, axis=numbers)),
            base.mark("bar", color=hue, fillOpacity=0.3, stroke=hue, **bar).encode(y=channel("down:Q", scale=scale)),
            Chart(pd.DataFrame({"zero": [0]})).mark("rule", color=INK).encode(y="zero:Q"),
        ]
        for y, text, dy in (("won:Q", "up:N", -8), ("down:Q", "minus:N", 9)) if counted else ():
            layers.append(base.mark("text", dy=dy, fontSize=11, color=INK).encode(y=channel(y, scale=scale), text=text))
        return layer(*layers, height=180 if width > ROOMY else 140)

    return _panels(data, order, draw, width, least=200, axis=12)


def fans(data: pd.DataFrame, order: Sequence[str], *, y_title: str, width: int) -> Spec:
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
    along = Along.of(data["round"])
    data, rounds = along.placed(data, "round"), along.ticks

    def draw(rows: pd.DataFrame, hue: str, each: float, first: bool) -> Spec:
        space = {"domain": [rounds[0], rounds[-1]], "nice": False, "padding": 8}
        across = channel("round:Q", title=along.title, scale=space, axis=along.axis | {"labelOverlap": True})
        numbers = {"tickCount": 5, "labels": first, "format": ".0f"}
        scale = {"domain": [low - pad, high + pad], "nice": False}
        up = channel("value:Q", title=None, scale=scale, axis=numbers)
        band = rows.pivot_table(index="round", columns="k", values="value").reset_index()
        band = pd.DataFrame({"round": band["round"], "low": band[ends[0]], "high": band[ends[-1]]})
        base = Chart(rows).encode(x=across, y=up, detail="k:N")
        edges = Chart(rows[rows["outer"]]).encode(x=across, y=up, detail="k:N")
        last = rows[(rows["round"] == rows["round"].max()) & rows["outer"]]
        layers = [
            Chart(band)
            .mark("area", color=hue, opacity=0.14)
            .encode(x=across, y=channel("low:Q", scale=scale), y2="high"),
            base.mark("line", color=hue, strokeWidth=1, opacity=0.7),
            edges.mark("line", color=hue, strokeWidth=2.2),
            edges.mark("point", color=hue, size=30, filled=True, opacity=1),
            Chart(last).mark("text", align="left", dx=10, fontSize=12, color=hue).encode(x=across, y=up, text="name:N"),
        ]
        return layer(*layers, height=200 if width > ROOMY else 150)

    return _panels(data, order, draw, width, least=200, end=END, y_title=y_title)


def shares(data: pd.DataFrame, order: Sequence[str], *, x_title: str, y_title: str, width: int) -> Spec:
    """Return what was stated against what came true, from 0 to 1, with the line of the perfectly calibrated.

    Args:
        data: Columns `series` (the rater), `x`, `y`, `low`, `high`.
        order: The raters' names.
        x_title: Title along.
        y_title: Title up.
        width: Width of the whole drawing in pixels.
    """
    perfect = pd.DataFrame({"x": [0.0, 1.0], "y": [0.0, 1.0]})

    def draw(rows: pd.DataFrame, hue: str, each: float, first: bool) -> Spec:
        scale = {"domain": [0, 1], "nice": False}
        numbers = {"values": [0, 0.5, 1], "format": ".1f", "labelFlush": False}
        across = channel("x:Q", title=x_title, scale=scale, axis=numbers)
        up = channel("y:Q", title=None, scale=scale, axis={"values": [0, 0.5, 1], "format": ".1f", "labels": first})
        base = Chart(rows).encode(x=across, y=up)
        layers = [
            Chart(perfect).mark("line", color=QUIET, strokeDash=[3, 3], strokeWidth=1).encode(x=across, y=up),
            Chart(rows).mark("rule", strokeWidth=1.4, color=HUES[0]).encode(x=across, y="low:Q", y2="high"),
            base.mark("line", strokeWidth=1.6, color=HUES[0]),
            base.mark("point", size=50, filled=True, opacity=1, color=HUES[0]),
        ]
        return layer(*layers, height=min(each, 190))

    return _panels(data, order, draw, width, least=130, y_title=y_title, hued=False)


def _panels(
    data: pd.DataFrame,
    order: Sequence[str],
    draw: Callable[[pd.DataFrame, str, float, bool], Spec],
    width: int,
    *,
    least: int,
    axis: int = AXIS,
    end: int = 0,
    y_title: str = "",
    hued: bool = True,
) -> Spec:
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
        panels.append(panel | {"width": each - end, "title": title})
    joined: Spec = {"concat": panels, "columns": columns, "spacing": GAP, "align": "each"}
    return joined | {"title": heading(y_title)} if y_title else joined
