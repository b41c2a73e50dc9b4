"""The page of a result: how far raters agree, or whether rounds still help, where there is no run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from harness.agreement import Agreed, Agreement, sentences
from harness.catalog import Catalog
from harness.rating import PRIVATE, pseudonym, user_key
from harness.reporting import charts
from harness.reporting.figures import Drawing, Figure
from harness.reporting.gallery import drawn
from harness.reporting.result_tables import tables_of
from harness.reporting.terms import TERMS, anchor
from harness.rounds import BAND_LEVEL, Rounds
from harness.run import write_whole

Result = Agreed | Rounds


def write_result(result: Result, path: Path, catalog: Catalog) -> Path:
    """Write the page of a result.

    Args:
        result: What `agree` of a table, or `compare_rounds`, gave.
        path: The page's file.
        catalog: Where templates, style and script lie.
    """
    from harness.reporting.page import FOLDER, environment, parts

    style, script = (catalog.file(f"{FOLDER}/page.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    content = (
        environment(catalog, FOLDER)
        .get_template("result.html")
        .render(
            **(_of_rounds(result) if isinstance(result, Rounds) else _of_agreement(result)),
            terms=[(anchor(name), name, line) for name, line in TERMS.items()],
            **parts(style, script),
        )
    )
    write_whole(path, content.encode())
    return path


def _of_rounds(result: Rounds) -> dict[str, Any]:
    fed = any(one.over_control for one in result.results)
    return {
        "title": "Does the feedback still help?" if fed else "Does training still help?",
        "answers": result.summary,
        "figures": [drawn(one) for one in _steps(result)],
        "tables": [],
        "heading": "In full",
        "told": [
            said.replace("**", "")
            for said in (*(one.sentence for one in result.results), *(one.sentence for one in result.comparisons))
        ],
        "notes": [str(one["message"]) for one in result.warnings],
    }


def _steps(result: Rounds) -> Iterator[Drawing]:
    """Yield for each benchmark the gain of every round over the one before, with its band."""
    columns = ["series", "round", "points", "low", "high"]
    for place, benchmark in enumerate(dict.fromkeys(one.benchmark for one in result.results), 1):
        mine = [one for one in result.results if one.benchmark == benchmark]
        rows = [
            [
                one.series,
                step.round,
                *(None if value is None else 100 * value for value in (step.delta, step.low, step.high)),
            ]
            for one in mine
            for step in one.deltas
        ]
        data = pd.DataFrame([row for row in rows if row[2] is not None], columns=columns)
        if data.empty:
            continue
        order = [one.series for one in mine]
        figure = Figure(
            f"steps-{place}",
            f"{benchmark}: the gain of each round over the one before",
            f"Points (0 to 100) on the same items of {benchmark}, with simultaneous {100 * BAND_LEVEL:.0f} % "
            "bands; at the line a round adds nothing.",
            columns,
            rows,
        )

        def draw(width: int, data: pd.DataFrame = data, order: list[str] = order) -> dict[str, Any]:
            titled = "points over the round before"
            return charts.lines(
                data, order, x="round", y="points", x_title="round", y_title=titled, width=width, zero=True
            )

        yield Drawing(figure, draw)


def _of_agreement(result: Agreed) -> dict[str, Any]:
    raters = {rater for units in result.units for rater in units.raters}
    hidden = {name: pseudonym(name, user_key()) for name in raters if PRIVATE.fullmatch(name)}
    shown = result.called(lambda name: hidden.get(name, name)) if hidden else result
    return {
        "title": "How far do the raters agree?",
        "answers": shown.plain,
        "figures": [drawn(one) for one in _coefficients(shown)],
        "tables": list(tables_of(shown)),
        "heading": "How the table was read",
        "told": shown.read if isinstance(shown, Agreement) else [],
        "notes": [said for _, said in sentences(shown.warnings)],
    }


def _coefficients(result: Agreed) -> Iterator[Drawing]:
    """Yield for each criterion its coefficients on their intervals."""
    columns = ["name", "value", "low", "high", "n"]
    for place, (criterion, part) in enumerate(result.df.groupby("criterion", sort=False), 1):
        known = part[part["value"].notna()].rename(columns={"coefficient": "name"})
        if known.empty:
            continue
        data = known[columns].reset_index(drop=True)
        ends = data[["value", "low", "high"]].min().min(), 1.0
        low = min(0.0, float(ends[0]))
        figure = Figure(
            f"agreement-{place}",
            f"{criterion}: coefficients of agreement",
            "Each coefficient with its 95 % interval; 1 is full agreement, 0 what chance would give (for percent "
            "agreement: none at all).",
            columns,
            data.astype(object).where(data.notna(), None).to_numpy().tolist(),
        )

        def draw(width: int, data: pd.DataFrame = data, low: float = low) -> dict[str, Any]:
            return charts.dots(data, title="agreement", width=width, domain=(low, 1.0), mark=0.0)

        yield Drawing(figure, draw)
