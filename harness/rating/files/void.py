"""Rows that a table says do not count: cancelled, deleted, replaced. They are skipped, and that is said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import get_args

import numpy as np
import pyarrow as pa

from harness.rating.files.headers import plain_name
from harness.rating.files.table import Table
from harness.records import Status

STATES = {"status", "state", "annotation_status", "response_status", "assignment_status", "submission_status"}
"""What a column is called that says in words whether a row counts."""
COUNTING = {
    "submitted", "completed", "complete", "approved", "accepted", "ok", "done", "finished", "active", "valid",
    "published", "final", "labeled", "labelled", "annotated", "current",
}  # fmt: skip
VOID = {
    "deleted", "rejected", "discarded", "draft", "cancelled", "canceled", "skipped", "withdrawn", "superseded",
    "expired", "returned", "timed_out", "abandoned", "removed", "retracted", "replaced", "obsolete", "archived",
}  # fmt: skip
"""Words for rows that do not count, which are also what columns of yes and no are called (`was_cancelled`)."""
LATEST = {"is_latest", "latest", "is_current", "is_active"}
"""Columns whose no says that a row does not count."""
YES, NO = {"true", "1", "yes", "t", "y", "1.0"}, {"false", "0", "no", "f", "n", "0.0"}


def with_void_skipped(table: Table, kept: Sequence[str]) -> tuple[Table, list[str]]:
    """Return a table with a status for each row where some do not count, and what is said of these.

    Args:
        table: The table.
        kept: Columns that somebody named as something else.
    """
    void = np.zeros(len(table), dtype=bool)
    notes, replaced = [], "status"
    for name in table.names:
        if name in kept or (wrong := _void(table, name)) is None:
            continue
        notes.append(f"{int(wrong.sum())} rows do not count, as {name} says")
        void |= wrong
        if plain_name(name) == "status":
            replaced = name
    if not notes:
        return table, []
    status = pa.chunked_array([pa.array(np.where(void, "skipped", "ok"))])
    names = table.names if replaced in table.names else [*table.names, replaced]
    found = Table(
        names,
        lambda name: status if name == replaced else table.load(name),
        table.index,
        table.orders,
        table.rows,
        opened=table.opened,
    )
    return found, notes


def _void(table: Table, name: str) -> np.ndarray | None:
    """Return which rows a column says do not count; None where it says nothing of the kind, or of all or none."""
    plain = plain_name(name)
    flag = re.sub(r"^(is|was|_)_?", "", plain)
    if plain not in STATES | LATEST and flag not in {*VOID, "tainted"}:
        return None
    column = table.words(name)
    words = [re.sub(r"[\s-]+", "_", str(word).casefold()) for word in column.cat.categories]
    if plain in STATES:
        fits = {*words} <= COUNTING | VOID and not {*words} <= {*get_args(Status)}
        wrong = [word in VOID for word in words]
    else:
        fits = {*words} <= YES | NO
        wrong = [word in (NO if plain in LATEST else YES) for word in words]
    found: np.ndarray = np.append(wrong, False)[column.cat.codes]  # the last serves code -1
    return found if fits and found.any() and not found.all() else None
