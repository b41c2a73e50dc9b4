"""A column an option: `sentiment:::positive` and `sentiment:::negative` are one question, as potato writes it."""

from __future__ import annotations

import json
import re
from typing import Any

import pyarrow as pa

from harness.rating.files.table import Table

MARK = ":::"
"""What stands between a question and its option."""
NOT_TICKED = {"", "false", "0", "none", "nan"}
POINT = re.compile(r"(?:scale|point|option|level)?[_\s-]?(\d+)")
"""An option that is a point of a scale, by its number."""


def with_options_joined(table: Table) -> tuple[Table, list[str]]:
    """Return a table with one column for a question whose options are columns, and what was joined."""
    questions: dict[str, list[str]] = {}
    for name in table.names:
        if all(parts := name.partition(MARK)):
            questions.setdefault(parts[0], []).append(name)
    questions = {question: columns for question, columns in questions.items() if question not in table.names}
    if not questions:
        return table, []
    joined = {question: _answers(table, columns) for question, columns in questions.items()}
    names = list(dict.fromkeys(name.partition(MARK)[0] if MARK in name else name for name in table.names))
    found = Table(
        [name for name in names if name in joined or name in table.names],
        lambda name: joined[name] if name in joined else table.load(name),
        table.index,
        table.orders,
        table.rows,
    )
    told = ", ".join(f"{question} ({len(columns)})" for question, columns in questions.items())
    return found, [f"columns of options are read as one answer to each question: {told}"]


def _answers(table: Table, columns: list[str]) -> pa.ChunkedArray:
    """Return what was ticked in each row: the option, its number on a scale, or a list where several are ticked.

    A question of one column (a slider, a text) holds its answer.
    """
    cells = [[_plain(cell) for cell in table.load(name).to_pylist()] for name in columns]
    if len(columns) == 1:
        return pa.chunked_array([pa.array([cell or None for cell in cells[0]], pa.string())])
    options = [name.partition(MARK)[2] for name in columns]
    points = [POINT.fullmatch(option) for option in options]
    shown = [match[1] if match else option for match, option in zip(points, options, strict=True)]
    shown = shown if all(points) else options
    rows = [
        [option for option, cell in zip(shown, row, strict=True) if cell.casefold() not in NOT_TICKED]
        for row in zip(*cells, strict=True)
    ]
    several = any(len(row) > 1 for row in rows)
    said = [json.dumps(row, ensure_ascii=False) if several else next(iter(row), None) for row in rows]
    return pa.chunked_array([pa.array(said, pa.string())])


def _plain(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()
