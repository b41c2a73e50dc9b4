"""The figure of an agreement: every coefficient as a point on its interval, criterion by criterion."""

from __future__ import annotations

from typing import Any

import pandas as pd


def intervals_chart(frame: pd.DataFrame) -> Any:
    """Return an Altair chart.

    Args:
        frame: One row a criterion and coefficient, with `value, low, high, n`.
    """
    import altair as alt

    shown = frame[frame["value"].notna()]
    base = alt.Chart(shown).encode(y=alt.Y("coefficient:N", title=None, sort=None))
    line = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", title="agreement, 95 % interval", scale=alt.Scale(zero=False)), x2="high:Q"
    )
    point = base.mark_point(filled=True, size=60).encode(
        x=alt.X("value:Q"),
        tooltip=[
            "criterion",
            "coefficient",
            *(alt.Tooltip(name, format=".3f") for name in ("value", "low", "high")),
            "n",
        ],
    )
    return alt.layer(line, point).properties(width=420).facet(row=alt.Row("criterion:N", title=None))
