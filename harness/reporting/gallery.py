"""Which figures the page has, section by section; one that a run cannot have is named with what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from harness.reporting import fan_figure, feedback_figures, label_figures, rater_figures, round_figures, tables
from harness.reporting.beside import beside
from harness.reporting.closeness import closeness
from harness.reporting.evidence import Evidence, Row
from harness.reporting.figures import NARROW, WIDE, Drawing, Figure, Missing, svg

Gallery = dict[str, dict[str, list[Any]]]


def figures(evidence: Evidence, prefix: str = "") -> Gallery:
    """Return the figures of a run by the section of the page that shows them.

    Args:
        evidence: The run's evidence.
        prefix: Stands before every figure's name where a page shows several runs.

    Returns:
        For `rounds`, `exchange`, `agreement` and `raters` the `shown` figures and the `missing` ones.
    """
    return {
        "rounds": _section(_of_rounds(evidence, prefix)),
        "exchange": _section(_drawn(one, prefix, evidence) for one in label_figures.curves(evidence)),
        "agreement": _section(
            [_drawn(make(evidence), prefix, evidence) for make in (closeness, rater_figures.principles)]
        ),
        "raters": _section(
            _drawn(make(evidence), prefix, evidence)
            for make in (rater_figures.biases, rater_figures.frontier, rater_figures.calibration)
        ),
    }


def figures_beside(several: Sequence[Evidence]) -> list[Figure]:
    """Return the figures that show several runs at once."""
    found = [_drawn(one, "") for one in beside(several)["figures"]]
    return [one for one in found if isinstance(one, Figure)]


def _of_rounds(evidence: Evidence, prefix: str) -> list[Figure | Missing | None]:
    rows = tables.scores(evidence)
    found: list[Figure | Missing | None] = []
    makers: tuple[Callable[[Evidence, str, list[Row]], Drawing | Missing | None], ...] = (
        round_figures.steps, round_figures.flow, fan_figure.fan,
    )  # fmt: skip
    found += [_drawn(one, prefix, evidence) for one in round_figures.races_of(evidence, rows)]
    judged = [row["benchmark"] for row in evidence.rounds]
    for place, benchmark in enumerate(dict.fromkeys([*judged, *sorted(row["benchmark"] for row in rows)])):
        own = [row for row in rows if row["benchmark"] == benchmark]
        mark = prefix + (f"{place + 1}-" if place else "")
        found += [_drawn(make(evidence, benchmark, own), mark, evidence, prefix) for make in makers]
    if rows and evidence.fed:
        of_feedback = (feedback_figures.kept, feedback_figures.proxy)
        found += [_drawn(make(evidence), prefix, evidence) for make in of_feedback]
        found.append(_drawn(round_figures.published(evidence), prefix))
    return found


def lead(gallery: Gallery) -> Figure | None:
    """Return the figure that stands at the head of the page: the race, what labels teach, or how close judges come."""
    shown = [figure for section in ("rounds", "exchange", "agreement") for figure in gallery[section]["shown"]]
    return next((one for one in shown if one.name.endswith(("race", "labels-1", "closeness"))), None)


def _section(found: Iterable[Figure | Missing | None]) -> dict[str, list[Any]]:
    known = [one for one in found if one is not None]
    return {
        "shown": [one for one in known if isinstance(one, Figure)],
        "missing": list(dict.fromkeys(one for one in known if isinstance(one, Missing))),
    }


def _drawn(
    found: Drawing | Missing | None, mark: str, evidence: Evidence | None = None, prefix: str | None = None
) -> Figure | Missing | None:
    """Return a figure with its drawings and its source: the run, where it is of one run."""
    if found is None or isinstance(found, Missing):
        return found
    figure = drawn(found, mark)
    if evidence is None:
        return figure
    source = f"run {evidence.run.suite.name}{_counted(figure)}"
    return replace(figure, source=source, method=f"{mark if prefix is None else prefix}methods")


def drawn(found: Drawing, prefix: str = "") -> Figure:
    """Return a figure with its two drawings."""
    figure = replace(found.figure, name=f"{prefix}{found.figure.name}")
    drawings = [svg(found.draw(width), f"{figure.name}-{name}") for width, name in ((WIDE, "wide"), (NARROW, "narrow"))]
    return replace(
        figure,
        wide=drawings[0],
        narrow=drawings[1],
        label=f"{figure.title}. {figure.caption} The numbers stand in the table below.",
    )


def _counted(figure: Figure) -> str:
    """Return of how many items, answers or ratings the numbers are, where they say it."""
    name = next((name for name in ("n_items", "n") if name in figure.columns), None)
    counts = [row[figure.columns.index(name)] for row in figure.rows] if name else []
    known = [int(count) for count in counts if isinstance(count, int | float) and count == count]
    if not known:
        return ""
    least, most = min(known), max(known)
    return f", n = {least:,}" + ("" if least == most else f" to {most:,}")
