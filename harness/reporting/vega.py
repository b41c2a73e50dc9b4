"""Vega-Lite charts as plain values: marks over the rows of a frame, layers, and charts beside each other.

A chart is the dictionary that Vega-Lite reads, and `altair.Chart.from_dict` shows one in a notebook. The page writes
them itself: to import a whole grammar and to check each part against it took longer than all the drawing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

Spec = dict[str, Any]
TYPES = {"Q": "quantitative", "N": "nominal", "O": "ordinal"}


def channel(column: str, **how: Any) -> Spec:
    """Return how a column is shown: `round:Q` and its `scale`, `axis`, `title`, `sort` or `legend`; None for without.

    The other end of a span (`x2`, `y2`) is a column without a letter: it is measured as the first end is.

    Raises:
        KeyError: The letter after the colon is not in `TYPES`.
    """
    name, _, letter = column.partition(":")
    return {"field": name} | ({"type": TYPES[letter]} if letter else {}) | how


def layer(*marks: Chart, **how: Any) -> Spec:
    """Return marks over each other, with the `width`, `height` and `title` of the whole."""
    return {"layer": [one.spec() for one in marks], **how}


@dataclass(frozen=True)
class Chart:
    """One mark over the rows of a frame; each method returns another chart.

    Attributes:
        data: The rows.
        drawn: The mark and its looks.
        channels: What shows which column, or which value.
    """

    data: pd.DataFrame
    drawn: Spec = field(default_factory=dict)
    channels: Spec = field(default_factory=dict)

    def mark(self, kind: str, **how: Any) -> Chart:
        """Return the chart with its mark: `line`, `point`, `rule`, `area`, `bar` or `text`, and its looks."""
        return replace(self, drawn={"type": kind, **how})

    def encode(self, **channels: Spec | str | float) -> Chart:
        """Return the chart with further channels: a column as `channel` has it or in short, or a number of pixels."""
        return replace(self, channels=self.channels | {name: _told(how) for name, how in channels.items()})

    def spec(self) -> Spec:
        """Return what Vega-Lite reads; what is no number there is null."""
        rows = self.data.astype(object).where(self.data.notna(), None).to_dict("records")
        return {"data": {"values": rows}, "mark": self.drawn, "encoding": self.channels}


def _told(how: Spec | str | float) -> Spec:
    if isinstance(how, dict):
        return how
    return channel(how) if isinstance(how, str) else {"value": how}
