"""Label by label, who says what where another says what, and means by model: of few labels and raters, as tables."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from harness.agreement import Agreed, Table, Units, confusion, of_labels
from harness.reporting.evidence import Evidence, Row, value_of

MOST_VALUES, MOST_RATERS = 7, 5
"""Labels and raters up to which the page has these tables; the files of `harness agree` have them all."""


def labels(evidence: Evidence) -> list[Row]:
    """Return the rows of `labels_of` for a run."""
    return labels_of(evidence.shown)


def labels_of(agreed: Agreed) -> list[Row]:
    """Return one row a table of few labels: `criterion`, the rows of `by_label` of all raters, and `confusions`.

    A confusion is `{rater_a, rater_b, values, rows}`: rows the first rater's values, columns the second's.
    """
    return [
        {
            "criterion": table.criterion,
            "rows": [value_of(row) for row in _rows(agreed, table, units)],
            "confusions": list(_confusions(units)),
        }
        for table, units in zip(agreed.tables, agreed.units, strict=True)
        if 1 < len(units.values) <= MOST_VALUES and table.level != "ranking"
    ]


def means(evidence: Evidence) -> list[Row]:
    """Return the mean rating of each model, of the criteria that several were rated on."""
    return [value_of(one.to_dict()) for one in evidence.shown.means if len({row["group"] for row in one.rows}) > 1]


def _rows(agreed: Agreed, table: Table, units: Units) -> list[Row]:
    """Return what is said of each label; nothing where no two raters rated the same."""
    if table.level not in ("nominal", "set"):
        return []
    found = [*of_labels(units, table.level, pairs=len(units.raters) == 2, **agreed.draws)]
    return found if any(row["given"] for row in found) else []


def _confusions(units: Units) -> Iterator[Row]:
    for first, second in combinations(units.raters, 2) if len(units.raters) <= MOST_RATERS else ():
        counts = confusion(units, first, second)
        if counts.to_numpy().any():
            rows = [[name, *row] for name, row in zip(counts.index, counts.to_numpy().tolist(), strict=True)]
            yield {"rater_a": first, "rater_b": second, "values": [*counts.columns], "rows": rows}


def slices(evidence: Evidence) -> list[Row]:
    """Return alpha in each group of items, where groups were asked for."""
    return [value_of(one.to_dict()) for one in evidence.shown.slices]
