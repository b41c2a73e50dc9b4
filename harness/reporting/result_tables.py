"""The tables of an agreement's page: all that was asked of a file beside the coefficients, as the command prints it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from harness.agreement import Agreed
from harness.reporting.evidence import Row
from harness.reporting.label_tables import labels_of

INTERVAL = ("value", "low", "high")
ESTIMATE = (*INTERVAL, "n", "reason")
EACH = (
    "Each label for itself, said or not said: how often it was given, the share of the other ratings of the same that "
    "repeat it, and kappa (of two raters Cohen’s, of more Fleiss’)."
)


def tables_of(result: Agreed) -> Iterator[Row]:
    """Yield `{title, columns, rows, caption}` of everything that a result has, in the order of the command."""
    yield from _labels(result)
    if len(result.without):
        columns = ["criterion", "rater", "alpha", "without", "rise"]
        yield table("Without each rater", columns, _rows(columns, result.without.to_dict("records")),
                    "Krippendorff’s alpha of all, and of all but the one.")  # fmt: skip
    for part in result.slices:
        groups = [{"group": name, **one.to_dict()} for name, one in part.groups.items()]
        columns = ["group", *ESTIMATE]
        yield table(f"{part.criterion}: alpha by {part.column}", columns, _rows(columns, groups), part.sentence)
    for means in result.means:
        yield from _means(means.to_dict())
    yield from _asked(result)


def table(title: str, columns: Sequence[str], rows: list[list[Any]], caption: str = "") -> Row:
    """Return a table of the page, its columns in words; one that is empty throughout is left out."""
    kept = [place for place, _ in enumerate(columns) if any(row[place] is not None for row in rows)]
    named = [columns[place].replace("_", " ") for place in kept]
    return {"title": title, "columns": named, "rows": [[row[n] for n in kept] for row in rows], "caption": caption}


def _labels(result: Agreed) -> Iterator[Row]:
    for one in labels_of(result):
        if one["rows"]:
            columns = ["label", "given", "agreement", "kappa", "low", "high", "reason"]
            yield table(f"{one['criterion']}: label by label", columns, _rows(columns, one["rows"]), EACH)
        for pair in one["confusions"]:
            first = f"{pair['rater_a']} (below), {pair['rater_b']} (to the right)"
            title = f"{one['criterion']}: {pair['rater_a']} and {pair['rater_b']}"
            yield {"title": title, "columns": [first, *pair["values"]], "rows": pair["rows"], "caption": ""}


def _means(found: Row) -> Iterator[Row]:
    columns = ["rater", "group", *INTERVAL, "n", "n_ratings", "reason"]
    partly = f"{', '.join(found['partly'])} rated some of these only." if found["partly"] else ""
    why = f"Undefined: {found['reason']}." if found["reason"] else partly
    yield table(f"{found['criterion']}: the mean by {found['by']}", columns, _rows(columns, found["rows"]), why)
    if found["differences"]:
        columns = ["rater", "group_a", "group_b", *INTERVAL, "p_holm", "n", "paired"]
        rows = _rows(columns, found["differences"])
        yield table(f"{found['criterion']}: how far they lie apart by {found['by']}", columns, rows)


def _asked(result: Agreed) -> Iterator[Row]:
    for one in result.stand_in:
        rows = [[name, *(getattr(one.ceiling, name).to_dict()[key] for key in ESTIMATE)]
                for name in ("human", "ai", "difference")]  # fmt: skip
        title = f"{one.criterion}: {one.rater} and a person against the consensus ({one.ceiling.measure})"
        yield table(title, ["", *ESTIMATE], rows, one.sentence)
    for row in result.corrected:
        columns = ["method", *INTERVAL, "assumes"]
        title = f"{row['criterion']}: what people would say of all items, by {row['rater']}"
        few = f"{row['n_human']:,} of {row['n_items']:,} items were rated by people."
        yield table(title, columns, _rows(columns, row["estimates"]), few)
        if "by" in row:
            columns = ["system", *INTERVAL, "n_human", "n_items", "reason"]
            yield table(f"{title}: by {row['by']['column']}", columns, _rows(columns, row["by"]["systems"]))
            columns = ["system_a", "system_b", *INTERVAL, "p_holm"]
            yield table(f"{title}: apart by {row['by']['column']}", columns, _rows(columns, row["by"]["differences"]))
    if result.self_agreement:
        rows = [[row["criterion"], row["rater"], row["n"], row["percent_agreement"]["value"], row["alpha"]["value"]]
                for row in result.self_agreement]  # fmt: skip
        yield table("Each rater with itself", ["criterion", "rater", "n", "percent_agreement", "alpha"], rows)


def _rows(columns: Sequence[str], rows: Sequence[Any]) -> list[list[Any]]:
    return [[row.get(name) for name in columns] for row in rows]
