"""What a spreadsheet takes for a formula, in cells that models and users have written."""

from __future__ import annotations

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a formula begins with, or what a spreadsheet passes over before one."""


def guarded(cell: str | None) -> str | None:
    """Return a cell that a spreadsheet takes for text."""
    return f"'{cell}" if cell and cell.startswith(STARTS) else cell


def unguarded(cell: str) -> str:
    """Return what `guarded` was given."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(STARTS) else cell
