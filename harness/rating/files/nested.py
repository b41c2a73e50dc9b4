"""Cells that hold records of their own: several scores, the ratings of several people, a rater's account.

Logs and scripts write `"scores": {"fluency": 3, "relevance": 4}`, `"ratings": {"ann": 3, "bob": 4}`, and
`"annotations": [{"annotator": "ann", "label": "x"}]`. They become columns, or rows, before it is asked what each is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import pandas as pd
import pyarrow as pa

from harness.rating.files.headers import criterion_in, is_named_otherwise, is_rater, plain_name
from harness.rating.files.lists import are_rankings
from harness.rating.files.table import Table, of_records, opened

ACCOUNT = ("email", "username", "name", "login", "id", "user_id")
"""Where the record of a person says who it is, the surer first."""
BY_RATER = {"ratings", "raters", "annotations", "annotators", "labels", "votes", "judges", "judgments", "people"}
"""What a column of one rating a person is called."""


def unnested(
    table: Table, raters: Sequence[str], values: Sequence[str], kept: Sequence[str]
) -> tuple[Table, list[str]]:
    """Return a table whose records in cells are columns and rows of their own, and what was opened.

    Args:
        table: The table.
        raters: What columns of raters are called.
        values: What columns of values are called.
        kept: Columns that stay as they are, since somebody named them.
    """
    notes: list[str] = []
    for name in [one for one in table.names if one not in kept and not is_named_otherwise(one)]:
        cells = [opened(cell) for cell in table.head[name] if cell is not None]
        if not cells:
            continue
        if all(isinstance(cell, dict) for cell in cells) and plain_name(name) in raters:
            if key := next((one for one in ACCOUNT if all(cell.get(one) is not None for cell in cells)), None):
                table = _replaced(table, name, {name: key})
        elif keys := _scores(cells):
            table = _replaced(table, name, {key if key not in table.names else f"{name}.{key}": key for key in keys})
            table.opened[name] = [key if key in table.names else f"{name}.{key}" for key in keys]
            notes.append(f"{name} holds {', '.join(keys)}: each is a column")
        elif _lists_ratings(cells, raters, values):
            table, more = unnested(_exploded(table, name), raters, values, kept)
            return table, [*notes, f"{name} holds several ratings: each is a row", *more]
    return table, notes


def are_raters(name: str, keys: Sequence[str]) -> bool | None:
    """Return whether the entries of a column of records are raters, not criteria; None where nobody can say."""
    if all(map(is_rater, keys)):
        return True
    if any(map(criterion_in, keys)):
        return False
    return True if plain_name(name) in BY_RATER else None


def _scores(cells: Sequence[Any]) -> list[str]:
    """Return the keys of cells that all hold the same several grades or words; none for ticks and rankings."""
    if not all(isinstance(cell, dict) for cell in cells):
        return []
    keys = list(dict.fromkeys(key for cell in cells for key in cell))
    plain = all(one is None or isinstance(one, bool | int | float | str) for cell in cells for one in cell.values())
    ticks = all(isinstance(one, bool) for cell in cells for one in cell.values())
    shared = all(2 * len(cell) >= len(keys) for cell in cells)
    return keys if len(keys) > 1 and plain and shared and not ticks and not are_rankings(cells) else []


def _lists_ratings(cells: Sequence[Any], raters: Sequence[str], values: Sequence[str]) -> bool:
    """Return whether cells list ratings: records that each say who rated and what."""
    if not all(isinstance(cell, list) and all(isinstance(one, dict) for one in cell) for cell in cells):
        return False
    keys = [{plain_name(key) for key in one} for cell in cells for one in cell]
    return bool(keys) and all(one & {*raters} and one & {*values} for one in keys)


def _replaced(table: Table, name: str, keys: Mapping[str, str]) -> Table:
    """Return a table with a column's entries in the column's place."""
    place = table.names.index(name)
    names = [*table.names[:place], *keys, *table.names[place + 1 :]]

    @cache
    def cells() -> list[Any]:
        return [opened(cell) for cell in table.load(name).to_pylist()]

    def load(column: str) -> pa.ChunkedArray:
        if column not in keys:
            return table.load(column)
        found = [cell.get(keys[column]) if isinstance(cell, dict) else None for cell in cells()]
        return of_records([{column: one} for one in found], table.index).load(column)

    return Table(names, load, table.index, table.orders, table.rows, opened=dict(table.opened))


def _exploded(table: Table, name: str) -> Table:
    """Return a table with a row for each record that a column lists."""
    columns = {one: table.load(one).to_pylist() for one in table.names}
    records, places = [], []
    for place in range(len(table)):
        whole = {one: columns[one][place] for one in table.names if one != name}
        for part in opened(columns[name][place]) or []:
            own = {key if key not in whole else f"{name}.{key}": cell for key, cell in part.items()}
            records.append(whole | own)
            places.append(place)
    numbers = [place + 1 if table.rows is None else table.rows[place] for place in places]
    found = of_records(records, pd.Index(table.index.take(places), name=table.index.name))
    found.rows = numbers
    return found
