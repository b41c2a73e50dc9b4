"""How the items that people rated were chosen, as a caller says it."""

from __future__ import annotations

from harness.errors import HarnessError

CHOSEN = ("random", "by-judge", "by-outcome")
"""How the human-rated items can have been chosen; or `by:COLUMN`."""


def check_chosen(chosen: str | None, strata: str | None) -> tuple[str | None, str | None]:
    """Return how the items were chosen and the column of their strata, which name each other.

    Raises:
        HarnessError: The word is unknown, or the two do not fit.
    """
    if chosen is None:
        return (f"by:{strata}", strata) if strata else (None, None)
    if column := column_of(chosen):
        if strata not in (None, column):
            raise HarnessError(f"chosen by {column!r} and strata by {strata!r}: name one column")
        return chosen, column
    if chosen not in CHOSEN:
        raise HarnessError(f"chosen is {chosen!r}: expected {', '.join(CHOSEN)} or by:COLUMN")
    if strata:
        raise HarnessError(f"strata belong to items chosen by a column (by:{strata}), not {chosen}")
    return chosen, None


def column_of(chosen: str | None) -> str | None:
    """Return the column of `by:COLUMN`; None where items were chosen otherwise."""
    return (chosen or "").removeprefix("by:") or None if (chosen or "").startswith("by:") else None
