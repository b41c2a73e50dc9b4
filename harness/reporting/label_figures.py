"""The figures of exchange rates: what a small rater learns from labels of each kind, one figure a criterion."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd

from harness.reporting.charts import lines
from harness.reporting.evidence import Evidence, Row
from harness.reporting.figures import Drawing, Figure
from harness.reporting.finding import decimals
from harness.reporting.vega import Spec

COLUMNS = ["source", "labels", "other", "other_labels", "score", "low", "high", "splits"]


def curves(evidence: Evidence) -> Iterator[Drawing]:
    """Yield a figure a criterion: the score against the number of labels, a line a source; mixtures in the numbers."""
    for place, one in enumerate(evidence.exchange):
        known = [row for row in one["points"] if row["score"] is not None]
        data = pd.DataFrame([{**row, "series": row["source"]} for row in known if not row["other"]])
        if data.empty or data["labels"].nunique() < 2:
            continue
        figure = Figure(
            f"labels-{place + 1}",
            title(one),
            f"How well a small rater that learnt from so many labels agrees with {scorers(evidence)} on held-out "
            f"documents ({one['measure']}, the mean of {one['splits']} splits by document; "
            f"{one['n_items']:,} items of {one['n_clusters']:,} documents). Bands are 95 % intervals that count splits "
            "and documents; what mixtures teach stands in the numbers.",
            COLUMNS,
            [[row[name] for name in COLUMNS] for row in known],
        )
        yield Drawing(figure, _draw(data, str(one["measure"])))


def _draw(data: pd.DataFrame, measure: str) -> Callable[[int], Spec]:
    order = list(dict.fromkeys(data["series"]))
    return lambda width: lines(
        data, order, x="labels", y="score", x_title="labels", y_title=measure, width=width, y_format=".2f", log=True
    )


def scorers(evidence: Evidence) -> str:
    """Return whose labels score what was learnt."""
    use = evidence.run.suite.exchange
    return f"the labels of {', '.join(use.scored_by)}" if use and use.scored_by else "the people who gave no label"


def title(one: Row) -> str:
    """Return the sentence of the middle number of labels, shorter: what is shown, else that nothing is."""
    sizes = sorted({row["labels"] for row in one["worth"]})
    if not sizes:
        return f"{one['criterion']}: what labels teach"
    middle = sizes[(len(sizes) - 1) // 2]
    at = [row for row in one["worth"] if row["labels"] == middle]
    parts = []
    for verdict in ("more", "less"):
        names = [row["source"] for row in at if row["verdict"] == verdict]
        if names:
            parts.append(f"more of {_or(names)}" if verdict == "more" else f"less of {_or(names)}")
    if not parts:
        return f"{one['criterion']}: at {middle} labels a person’s is not shown to be worth more or less than another"
    said = "; ".join(f"worth {part.partition(' of ')[0]} than one of {part.partition(' of ')[2]}" for part in parts)
    return f"{one['criterion']}: at {middle} labels a person’s is {said}"


def _or(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def times(value: float | None, row: Row) -> str:
    """Return how many labels one is worth, as a sentence has it: beyond what was seen it is more or less than that."""
    if value is None:
        return f"> {decimals(row['most'], 1)}"
    return f"< {decimals(row['least'], 1)}" if value == 0 else decimals(value, 1)
