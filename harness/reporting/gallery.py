"""Which figures the page has: each a chart of one run's evidence with a caption that says what it shows there."""

from __future__ import annotations

from typing import Any

import pandas as pd

from harness.reporting import tables
from harness.reporting.evidence import Evidence, Row, value_of
from harness.reporting.figures import NARROW, WIDE, Figure, dots, lines, svg
from harness.rounds.bands import BAND_LEVEL


def figures(evidence: Evidence, prefix: str = "") -> dict[str, list[Figure]]:
    """Return the figures of a run by the section of the page that shows them.

    Args:
        evidence: The run's evidence.
        prefix: Stands before every figure's name where a page shows several runs.
    """
    rows = tables.scores(evidence)
    benchmarks = sorted({row["benchmark"] for row in rows})
    shown: list[Figure] = []
    for place, benchmark in enumerate(benchmarks):
        own = [row for row in rows if row["benchmark"] == benchmark]
        mark = prefix + (f"{place + 1}-" if place else "")
        shown += filter(None, (race(evidence, benchmark, own, mark), steps(evidence, benchmark, own, mark)))
    return {
        "rounds": [*shown, *filter(None, [kept(evidence, prefix)])],
        "agreement": [figure for figure in [places(evidence, prefix)] if figure],
    }


def race(evidence: Evidence, benchmark: str, rows: list[Row], prefix: str) -> Figure | None:
    """Return the figure of the scores round by round, one line a kind of feedback."""
    columns = ["series", "round", "score", "n_items"]
    data = pd.DataFrame([{name: row[name] for name in columns} for row in rows if row["score"] is not None])
    if data.empty or data["round"].nunique() < 2:
        return None
    data = data.assign(points=100 * data["score"])
    ends = [(name, 100 * _last(data, name, "score")) for name in evidence.series if name in set(data["series"])]
    reached = ", ".join(f"{name} {value:.1f}" for name, value in sorted(ends, key=lambda pair: -pair[1]))
    n = _count(data["n_items"])
    return _drawn(
        f"{prefix}race",
        "The race of the kinds of feedback",
        f"Mean score on {n} held-out items of {benchmark} after each round, in points (0 to 100). In round "
        f"{int(data['round'].max())}: {reached}. The same items in every round and series.",
        columns,
        [[row[name] for name in columns] for row in rows],
        lambda width: lines(
            data, evidence.series, x="round", y="points", x_title="round", y_title="score, points",
            width=width, y_format=".0f",
        ),
    )  # fmt: skip


def steps(evidence: Evidence, benchmark: str, rows: list[Row], prefix: str) -> Figure | None:
    """Return the figure of each round's gain with its band: the evidence of the verdicts."""
    data = pd.DataFrame([row for row in rows if row["delta"] is not None])
    if data.empty:
        return None
    scaled = {name: 100 * pd.to_numeric(data[name]) for name in ("delta", "low", "high")}
    data = data.assign(**scaled)
    final = data[data["round"] == data["round"].max()]
    clear = [str(s) for s, low in zip(final["series"], final["low"], strict=True) if pd.notna(low) and low > 0]
    said = (
        f"In the last round the band of {_and(clear)} lies above zero."
        if clear
        else "In the last round no band lies above zero."
    )
    return _drawn(
        f"{prefix}rounds",
        "What each round added",
        f"Gain of each round over the one before on {benchmark}, in points: paired differences on the same "
        f"{_count(data['n_items'])} items, with simultaneous {100 * BAND_LEVEL:.0f} % bands over a series’ rounds. "
        f"{said} Each series is judged by itself; with several, some band misses by chance.",
        ["series", "round", "delta", "low", "high", "n_items"],
        [[row[key] for key in ("series", "round", "delta", "low", "high", "n_items")] for row in rows],
        lambda width: lines(
            data, evidence.series, x="round", y="delta", x_title="round", y_title="gain over the round before, points",
            width=width, zero=True,
        ),
    )  # fmt: skip


def kept(evidence: Evidence, prefix: str) -> Figure | None:
    """Return the figure of how much of what the feedback kept was right: what decides how far it can lead."""
    rounds = evidence.run.rounds
    if rounds.empty or "share_right_kept" not in rounds or not rounds["share_right_kept"].notna().any():
        return None
    known = rounds[rounds["share_right_kept"].notna()].groupby(["series", "round"], as_index=False)
    data = known.agg(share=("share_right_kept", "mean"), kept=("n_kept", "sum"))
    data = data.assign(points=100 * data["share"])
    last = data[data["round"] == data["round"].max()].sort_values("share", ascending=False)
    said = ", ".join(f"{name} {value:.0f}" for name, value in zip(last["series"], last["points"], strict=True))
    return _drawn(
        f"{prefix}kept",
        "What the feedback kept",
        "Right answers among those that the feedback kept for training, in percent, by the learner’s own key, which "
        f"decided nothing. In the last round: {said}. Feedback that keeps wrong answers teaches them.",
        ["series", "round", "share right", "kept"],
        value_of(data[["series", "round", "share", "kept"]].to_numpy(dtype=object)),
        lambda width: lines(
            data, evidence.series, x="round", y="points", x_title="round", y_title="right among kept, %",
            width=width, height=220, y_format=".0f",
        ),
    )  # fmt: skip


def places(evidence: Evidence, prefix: str) -> Figure | None:
    """Return the figure of how often each comparing judge preferred the answer shown first."""
    known = [row for row in evidence.positions if row["first_share"] is not None]
    if not known:
        return None
    data = pd.DataFrame(
        [
            {
                "name": evidence.name(row["rater"]),
                "value": row["first_share"],
                "low": row["first_low"],
                "high": row["first_high"],
            }
            for row in known
        ]
    )
    biased = [
        str(name)
        for name, low, high in zip(data["name"], data["low"], data["high"], strict=True)
        if low > 0.5 or high < 0.5
    ]
    said = f"{_and(biased)} clearly does not." if biased else "No judge’s interval leaves one half out."
    return _drawn(
        f"{prefix}places",
        "Does the judge read the answers, or their place?",
        "Share of verdicts for the answer shown first, with 95 % Wilson intervals over pairs. A judge that does not "
        f"care about the place stands at one half. {said}",
        ["judge", "preferred the first", "low", "high", "pairs"],
        [[*row, pair["n"]] for row, pair in zip(value_of(data.to_numpy(dtype=object)), known, strict=True)],
        lambda width: dots(data, title="share for the answer shown first", width=width, domain=(0, 1), mark=0.5),
    )


def _drawn(name: str, title: str, caption: str, columns: list[str], rows: list[list[Any]], draw: Any) -> Figure:
    return Figure(
        name, title, caption, columns, rows,
        wide=svg(draw(WIDE), f"{name}-wide"),
        narrow=svg(draw(NARROW), f"{name}-narrow"),
        label=f"{title}. {caption} The numbers stand in the table below.",
    )  # fmt: skip


def _last(data: pd.DataFrame, series: str, column: str) -> float:
    own = data[data["series"] == series].sort_values("round")
    return float(own[column].iloc[-1])


def _count(column: pd.Series) -> str:
    low, high = int(column.min()), int(column.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
