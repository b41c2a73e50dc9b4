"""The figures of the rounds: the race, its steps, what they won and lost, and what the feedback believed meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pandas as pd

from harness.reporting.charts import lines
from harness.reporting.evidence import Evidence, Row, value_of
from harness.reporting.figures import Drawing, Figure, Missing
from harness.reporting.finding import SIGNS, joined, points
from harness.reporting.panels import flows, races
from harness.rounds import BAND_LEVEL, at_round, counted, round_name


def races_of(evidence: Evidence, rows: list[Row]) -> Iterator[Drawing | None]:
    """Yield the race on what the feedback was about, and that on the benchmarks beside it (off target, explored)."""
    aside = {row["benchmark"] for row in evidence.rounds if row.get("is_beside")}
    yield race(evidence, [row for row in rows if row["benchmark"] not in aside])
    yield race(evidence, [row for row in rows if row["benchmark"] in aside], "race-beside")


def race(evidence: Evidence, rows: list[Row], called: str = "race") -> Drawing | None:
    """Return the figure of the scores round by round, one line a kind of feedback, and one panel a benchmark."""
    columns = ["benchmark", "series", "round", "score", "n_items"]
    data = pd.DataFrame([{name: row[name] for name in columns} for row in rows if row["score"] is not None])
    if data.empty:
        return None
    data = data.assign(points=100 * data["score"])
    data = data[data.groupby("benchmark")["round"].transform("nunique") > 1]
    ends = {str(name): _ends_of(evidence, own) for name, own in data.groupby("benchmark", sort=False)}
    if not ends:
        return None
    told = {
        name: ", ".join(f"{series} {value:.1f}" for series, value in sorted(own, key=lambda pair: -pair[1]))
        for name, own in ends.items()
    }
    signs = {name: _signs(evidence, name) for name in ends}
    last = at_round(evidence.round_called(int(data["round"].max())))
    last = last[:1].upper() + last[1:]
    data = named(data, evidence)
    same = "The same items in every round and series; the sign before a name is its verdict."
    if len(ends) == 1:
        [benchmark] = ends
        columns = columns[1:]
        about = f"{_count(data['n_items'])} held-out items of {benchmark}"
        reached = f"{last}: {told[benchmark]}. {same}"
        draw = over_rounds(data, evidence, "points", "score, points", signs=signs[benchmark], y_format=".0f")
    else:
        about = f"the held-out items of {len(ends)} benchmarks"
        of_each = "; ".join(f"{name}: {text}" for name, text in list(told.items())[:MOST_SAID])
        reached = f"{last}, {of_each}. {same} In every panel a step of the same height is the same gain."

        def draw(width: int) -> Any:
            return races(data, evidence.series, y_title="score, points", width=width, signs=signs)

    figure = Figure(
        called,
        _race_title(evidence, ends),
        f"Mean score on {about} {when(evidence)}, in points (0 to 100). {reached}",
        columns,
        table_rows([row for row in rows if row["benchmark"] in ends], columns, evidence),
    )
    return Drawing(figure, draw)


def when(evidence: Evidence) -> str:
    """Return when a score was measured."""
    return "at each checkpoint" if evidence.checkpoints else "after each round"


def _ends_of(evidence: Evidence, data: pd.DataFrame) -> list[tuple[str, float]]:
    """Return where each series of a benchmark ends, in points."""
    return [(name, 100 * _last(data, name, "score")) for name in evidence.series if name in set(data["series"])]


def _race_title(evidence: Evidence, ends: dict[str, list[tuple[str, float]]]) -> str:
    """Return what the race shows: of one benchmark all of it, of several what is reached in each."""
    if len(ends) == 1:
        [(benchmark, own)] = ends.items()
        return _shortened(_reached(evidence, benchmark, own)) or "Training alone"
    of = [row for row in evidence.rounds if row["benchmark"] in ends and row["series"] != evidence.control]
    if len(ends) > MOST_SAID and len({row["series"] for row in of}) == 1:
        return _counted([counted(row)["verdict"] or "inconclusive" for row in of], of[0]["series"])
    return _shortened(
        [f"{name}: {(_reached(evidence, name, own) or ['training alone'])[0]}" for name, own in ends.items()]
    )


def _counted(verdicts: list[str], series: str) -> str:
    """Return on how many benchmarks a series has which verdict."""
    words = ("improving", "plateaued", "worsening", "inconclusive")
    said = [f"{word} on {verdicts.count(word)}" for word in words if word in verdicts]
    return f"{series}, of {len(verdicts)} benchmarks: {', '.join(said)}"


def _shortened(said: list[str]) -> str:
    return "; ".join(said[:MOST_SAID] + ([f"{len(said) - MOST_SAID} more below"] if len(said) > MOST_SAID else []))


def _reached(evidence: Evidence, benchmark: str, ends: list[tuple[str, float]]) -> list[str]:
    """Return where each series ends on a benchmark, and which are not shown to differ from training alone."""
    rows = {row["series"]: row for row in evidence.rounds if row["benchmark"] == benchmark}
    unclear: list[tuple[str, float]] = []
    beyond: list[tuple[str, float]] = []
    for name, value in sorted(ends, key=lambda pair: -pair[1]):
        if name == evidence.control:
            continue
        total = (rows.get(name, {}).get("over_control") or {}).get("gain_total")
        (unclear if total and total["low"] <= 0 <= total["high"] else beyond).append((name, value))
    said = [
        f"{name} {'reaches' if place == 0 else 'comes to'} {value:.0f}" for place, (name, value) in enumerate(beyond)
    ]
    if unclear:
        verb = "is" if len(unclear) == 1 else "are"
        said.append(f"{joined([name for name, _ in unclear])} {verb} not shown to differ from training alone")
    return said


def titled(evidence: Evidence, benchmark: str, title: str) -> str:
    """Return the title of a figure of one benchmark, which says so where there are several."""
    return f"{benchmark}: {title}" if len({row["benchmark"] for row in evidence.rounds}) > 1 else title


def _steps_title(evidence: Evidence, benchmark: str, said: str) -> str:
    """Return up to which round each series is shown to have gained; without that, what the last round's bands show."""
    rows = [row for row in evidence.rounds if row["benchmark"] == benchmark and row["series"] != evidence.control]
    gains = [(row["series"], counted(row).get("last_gain")) for row in rows]
    parts = [
        f"{name} up to {round_name(last['shown_label'])}" if last["shown"] else f"{name} in none"
        for name, last in gains[:MOST_SAID]
        if last
    ]
    return f"Rounds that are shown to have helped: {', '.join(parts)}" if parts else f"In the last round {said}"


MOST_SAID = 3
"""Series that a title speaks of."""


def steps(evidence: Evidence, benchmark: str, rows: list[Row]) -> Drawing | None:
    """Return the figure of each round's gain with its band: the evidence of the verdicts."""
    data = pd.DataFrame([row for row in rows if row["delta"] is not None])
    if data.empty:
        return None
    data = data.assign(**{name: 100 * pd.to_numeric(data[name]) for name in ("delta", "low", "high")})
    final = data[data["round"] == data["round"].max()]
    clear = [str(s) for s, low in zip(final["series"], final["low"], strict=True) if pd.notna(low) and low > 0]
    said = f"the band of {joined(clear)} lies above zero" if clear else "no band lies above zero"
    columns = ["series", "round", "delta", "low", "high", "n_items"]
    figure = Figure(
        "rounds",
        titled(evidence, benchmark, _steps_title(evidence, benchmark, said)),
        f"Gain of each round over the one before on {benchmark}, in points: paired differences on the same "
        f"{_count(data['n_items'])} items, with simultaneous {100 * BAND_LEVEL:.0f} % bands over a series’ rounds. "
        f"In the last round {said}. Each series is judged by itself; with several, some band misses by chance.",
        columns,
        table_rows(rows, columns, evidence),
    )
    signs = _signs(evidence, benchmark)
    title = "gain over the round before, points"
    return Drawing(figure, over_rounds(named(data, evidence), evidence, "delta", title, signs=signs, zero=True))


def flow(evidence: Evidence, benchmark: str, rows: list[Row]) -> Drawing | Missing | None:
    """Return the figure of how many items each round solved newly, and lost."""
    scores = evidence.scores
    own = scores[(scores["benchmark"] == benchmark) & scores["score"].notna()] if len(scores) else scores
    if own.empty:
        return None
    title = "Items won and lost"
    if not own["score"].isin([0.0, 1.0]).all():
        return Missing(title, f"Scores on {benchmark} are grades, so that no item is simply solved or not")
    units = [name for name in ("item", "seed") if name in own]
    right = own.groupby(["series", *units, "round"], dropna=False)["score"].mean().unstack("round") > 0.5
    known = own.groupby(["series", *units, "round"], dropna=False)["score"].size().unstack("round").notna()
    found = []
    for series, group in right.groupby(level="series", sort=False):
        numbers = sorted(group.columns)
        for before, after in pairwise(numbers):
            both = known.loc[group.index, before] & known.loc[group.index, after]
            was, now = group.loc[both, before], group.loc[both, after]
            won, lost = int((~was & now).sum()), int((was & ~now).sum())
            found.append([str(series), evidence.round_called(int(after)), won, lost, int(both.sum())])
    if not found:
        return None
    columns = ["series", "round", "won", "lost", "n_items"]
    data = pd.DataFrame(found, columns=columns)
    order = [name for name in evidence.series if name in set(data["series"])]
    totals = {name: data[data["series"] == name] for name in order}
    said = "; ".join(f"{name} {own['won'].sum():,} and {own['lost'].sum():,}" for name, own in totals.items())
    gained = max(order, key=lambda name: int(totals[name]["won"].sum() - totals[name]["lost"].sum()))
    own = totals[gained]
    figure = Figure(
        "flow",
        titled(evidence, benchmark, f"{gained} wins {own['won'].sum():,} items and loses {own['lost'].sum():,}"),
        f"Items of {benchmark} that were wrong in the round before and are right now (up), and those that were right "
        f"and are wrong now (down). Won and lost over all rounds: {said}. A score that stands still can hide both.",
        columns,
        found,
    )
    return Drawing(figure, lambda width: flows(data, order, width=width))


def published(evidence: Evidence) -> Drawing | None:
    """Return the figure of the run's series over those that papers published."""
    known = [row for row in evidence.published if row["deltas"] and row["rounds"] and row["rounds"][0] == 0]
    own = [row for row in evidence.rounds if row["deltas"]]
    if not known or not own:
        return None

    def gained(row: Row) -> list[tuple[int, float]]:
        found = [(evidence.round_of(row["rounds"][0]), 0.0)]
        for step in row["deltas"]:
            found.append((evidence.round_of(step["round"]), found[-1][1] + 100 * step["delta"]))
        return found

    several = len({row["benchmark"] for row in own}) > 1
    order = evidence.series
    names = {f"{row['series']} · {row['benchmark']}" if several else row["series"]: row for row in own}
    order = list(names) if several else order
    mine = pd.DataFrame([(name, r, value) for name, row in names.items() for r, value in gained(row)])
    mine.columns = pd.Index(["series", "round", "gain"])
    others = [(f"{row['series']} · {row['benchmark']}", r, value) for row in known for r, value in gained(row)]
    behind = pd.DataFrame(others, columns=["name", "round", "gain"])
    total = {
        name: f"{points(value / 100)}" for name, value in mine.groupby("series", sort=False)["gain"].last().items()
    }
    figure = Figure(
        "published",
        "Beside rounds that papers published",
        f"Gain since round 0, in points, of this run’s series and, thin, of {len(known)} series that papers published "
        "(other models, benchmarks and sizes of training: a background to read the shape against, no contest). "
        f"At the end: {', '.join(f'{name} {value}' for name, value in total.items())}.",
        ["series", "round", "gain"],
        value_of(pd.concat([mine, behind.rename(columns={"name": "series"})]).to_numpy(dtype=object)),
    )
    return Drawing(
        figure,
        lambda width: lines(
            mine, order, x="round", y="gain", x_title="round", y_title="gain since round 0, points", width=width,
            zero=True, behind=behind,
        ),
    )  # fmt: skip


def over_rounds(data: pd.DataFrame, evidence: Evidence, y: str, y_title: str, **how: Any) -> Callable[[int], Any]:
    """Return how a column is drawn over the rounds, a line a series."""
    return lambda width: lines(
        data, evidence.series, x="round", y=y, x_title="round", y_title=y_title, width=width, **how
    )


def named(data: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
    """Return rows with the rounds by their names, where they have some."""
    return data.assign(round=data["round"].map(evidence.checkpoints)) if evidence.checkpoints else data


def table_rows(rows: list[Row], columns: list[str], evidence: Evidence) -> list[list[Any]]:
    """Return the columns of rows for the table under a figure, rounds by their names."""
    called = [{**row, "round": evidence.round_called(row["round"])} for row in rows]
    return [[row[name] for name in columns] for row in called]


def _signs(evidence: Evidence, benchmark: str) -> dict[str, str]:
    """Return the sign of each series' verdict, beyond the control where there is one."""
    rows = [row for row in evidence.rounds if row["benchmark"] == benchmark]
    return {row["series"]: SIGNS[counted(row)["verdict"] or "unknown"] for row in rows}


def _last(data: pd.DataFrame, series: str, column: str) -> float:
    own = data[data["series"] == series].sort_values("round")
    return float(own[column].iloc[-1])


def _count(column: pd.Series) -> str:
    low, high = int(column.min()), int(column.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
