"""Where the records of a JSON document stand: a list, or what pandas and people write in the place of one."""

from __future__ import annotations

from typing import Any

LISTED = ("data", "records", "rows", "items", "results", "examples", "samples", "ratings", "judgments", "entries")
"""What the one list of a document is called that has a head beside it."""
FEW = 2


def records_in(document: Any) -> tuple[list[Any], list[str]]:
    """Return a document's records, and what was assumed.

    Known are a list; one record; a mapping with the list of records under one of its keys; pandas' `to_json` with
    orient `columns` (its default), `index`, `split` and `table`; items by their ids, `{"q1": {"ann": 3, "bob": 4}}`.
    """
    if not isinstance(document, dict):
        return document, []
    columns, rows = document.get("columns"), document.get("data")
    if isinstance(columns, list) and isinstance(rows, list) and all(isinstance(row, list) for row in rows):
        records = [dict(zip(map(_header, columns), row, strict=False)) for row in rows]
        return _indexed(records, document.get("index")), ["columns and data are read as a table (pandas)"]
    lists = [name for name in LISTED if _holds_records(document.get(name))]
    if len(lists) == 1 and not isinstance(document.get("annotations"), list):
        return document[lists[0]], [f"the records are those of {lists[0]!r}"]
    if len(document) < FEW or not all(isinstance(one, dict) and len(one) >= FEW for one in document.values()):
        return [document], []
    keys = list(dict.fromkeys(key for one in document.values() for key in one))
    if any(isinstance(cell, dict | list) for one in document.values() for cell in one.values()):
        return [document], []
    if _counted(keys) or (not _counted(list(document)) and len(keys) > len(document)):
        records = [{name: one.get(key) for name, one in document.items()} for key in keys]
        return _indexed(records, keys), [f"{', '.join(list(document)[:3])}, ... are read as columns (pandas)"]
    return _indexed(list(document.values()), list(document)), [f"{', '.join(keys[:3])}, ... are read as columns"]


def _holds_records(found: Any) -> bool:
    return isinstance(found, list) and bool(found) and all(isinstance(one, dict) for one in found)


def _header(name: Any) -> str:
    return "_".join(map(str, name)) if isinstance(name, list) else str(name)


def _counted(keys: list[str]) -> bool:
    return keys == [str(place) for place in range(len(keys))]


def _indexed(records: list[dict[str, Any]], index: Any) -> list[dict[str, Any]]:
    """Return records with their names as `item_id`, where they have names and not numbers alone."""
    if not isinstance(index, list) or len(index) != len(records) or _counted([str(one) for one in index]):
        return records
    return [{"item_id": one, **record} for one, record in zip(index, records, strict=True)]
