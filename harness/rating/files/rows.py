"""Goes from the records of a file to its rows, by the steps of a mapping."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from harness.rating.files.by_file import name_of, names_of, place_of, told
from harness.rating.files.cells import holds, plain
from harness.rating.files.mapping import Mapping, Step
from harness.rating.files.paths import MISSING, look_up, of_columns
from harness.rating.files.source import Source
from harness.rating.files.table import Entry

Names = dict[str, Any]
"""What paths begin with: `.` is the record of the file, the others were bound by steps."""
OWNER = "by_file"
"""Of several files that are called as raters are, the one whose a record's file is."""


def rows_of(source: Source, mapping: Mapping) -> Iterator[tuple[Entry, Names]]:
    """Yield every row of a file with its record; a record without any is one row, so that it is counted."""
    data = {step.name: data_columns(source, step) for step in mapping.rows if step.answers_only}
    for name, columns in data.items():
        if columns:
            source.notes.append(f"taken for data, not for answers ({name}): {', '.join(sorted(columns))}")
    owners = _owners(source, mapping)
    for entry in source.entries:
        start: Names = {".": entry.record, "file": name_of(source, entry.row), "row_number": str(entry.row)}
        if owners:
            start[OWNER] = owners[place_of(source, entry.row)]
        rows = [start]
        for step in mapping.rows:
            rows = [below for names in rows for below in _below(names, step, data.get(step.name, set()))]
        yield from ((entry, names) for names in rows)
        rows = [{**start, "by_ai": True}] if mapping.ai_rows else []
        for step in mapping.ai_rows:
            rows = [below for names in rows for below in _some_below(names, step, set())]
        yield from ((entry, names) for names in rows)


def _owners(source: Source, mapping: Mapping) -> list[str]:
    """Return whose each of several files is, where no record says who rated; that is said."""
    paths = [path for path in mapping.fields["rater"].path if path != OWNER] if "rater" in mapping.fields else []
    if not paths or OWNER not in mapping.fields["rater"].path:
        return []
    records = ({".": entry.record} for entry in source.entries)
    if any(plain(look_up(path, record)) is not None for record in records for path in paths):
        return []
    names = names_of([path for path, _ in source.files])
    if len(names) > 1:
        source.notes.append(told(names))
    return names


def _below(names: Names, step: Step, data: set[str]) -> list[Names]:
    return _some_below(names, step, data) or [names]


def _some_below(names: Names, step: Step, data: set[str]) -> list[Names]:
    below = [{**names, **bound} for bound in _bound(names, step, data)]
    return [one for one in below if all(holds(condition, one) for condition in step.where)]


def _bound(names: Names, step: Step, data: set[str]) -> Iterator[Names]:
    if step.each is not None:
        for position, element in enumerate(_listed(look_up(step.each, names))):
            yield {step.name: element, f"{step.name}_position": position}
    elif step.entries is not None:
        node = look_up(step.entries, names)
        for key, value in node.items() if isinstance(node, dict) else ():
            match = re.fullmatch(step.match, key) if step.match else re.fullmatch(".*", key, re.DOTALL)
            if match and key not in data:
                yield {step.name: {"key": key, "value": value}, **match.groupdict()}
    elif step.together is not None:
        lists = {name: _listed(look_up(path, names)) for name, path in step.together.items()}
        for place in range(max(map(len, lists.values()), default=0)):
            together = {name: _at(values, place) for name, values in lists.items()}
            yield {step.name: together, f"{step.name}_position": place}


def _listed(found: Any) -> list[Any]:
    if isinstance(found, list):
        return found
    if isinstance(found, dict) and (listed := of_columns(found)) is not None:
        return listed
    return [] if found is MISSING or found is None else [found]


def _at(values: list[Any], place: int) -> Any:
    return values[place] if place < len(values) else None


def data_columns(source: Source, step: Step) -> set[str]:
    """Return the columns that say which item a row is, not what somebody thinks of it.

    A column is data if it holds a text of its own for every item; where the file has one row an item only, if it
    holds a long
    text, or texts that are all different.
    """
    texts: dict[str, list[str]] = {}
    for entry in source.entries:
        for key, value in entry.record.items():
            if isinstance(value, str) and value.strip() and re.fullmatch(step.match or ".*", key, re.DOTALL):
                texts.setdefault(key, []).append(value.strip())
    data = set()
    for key, values in texts.items():
        different = len(set(values))
        wordy = not all(re.fullmatch(r"[+-]?[\d.,]+", value) for value in values)
        if max(map(len, values)) > 120 or (wordy and different > 2 and different > len(values) / 2):
            data.add(key)
    return data
