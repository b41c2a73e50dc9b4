"""Which columns of a table with an item a row are ratings: one a rater, or one a rater and criterion.

What one rater graded on several criteria, and the grades of the two sides of a comparison, stand in columns that look
just like those of several raters; compared, they would give a number that means nothing. They are told by their names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from harness.errors import HarnessError
from harness.rating.files.alike import alike, not_compared, several_alike
from harness.rating.files.headers import criterion_in, grid_of, is_beside, is_rater, is_text, plain_name
from harness.rating.files.nested import are_raters
from harness.rating.files.table import Table

SIDES = ({"a", "b"}, {"0", "1"}, {"1", "2"})
"""Endings of the columns of two sides."""


@dataclass(frozen=True)
class Cell:
    """A column of ratings: whose, on which criterion, of which item; None where other columns say so."""

    column: str
    rater: str | None = None
    criterion: str | None = None
    item: str | None = None


def by_header(pattern: str, names: Sequence[str], where: str) -> list[Cell]:
    """Return the columns whose whole name a pattern fits, with the rater and the criterion that its groups find.

    Raises:
        HarnessError: It fits none.
    """
    found = [(name, match.groupdict()) for name in names if (match := re.fullmatch(pattern, name))]
    if not found:
        raise HarnessError(f"{where}: --map {pattern!r} fits none of the columns {', '.join(names)}")
    return [Cell(name, groups.get("rater"), groups.get("criterion")) for name, groups in found]


def cells_among(
    table: Table, left: Sequence[str], aside: Mapping[str, str], where: str
) -> tuple[list[Cell], dict[str, str], list[str]]:
    """Return the columns of ratings among those that may be some, the others with the reason, and what was assumed.

    Args:
        table: The table.
        left: The columns that may be ratings.
        aside: Those that are none, and why.
        where: The file, for complaints.

    Raises:
        HarnessError: They are one rater's criteria, the grades of two sides, or hold records that nobody can read.
    """
    for name, parts in table.opened.items():
        if not are_raters(name, parts):
            raise HarnessError(f"{where}: {name!r} holds {_one_or_several(parts)}")
    if closed := [name for name, why in aside.items() if why == "holds records"]:
        raise HarnessError(
            f"{where}: {', '.join(map(repr, closed))} holds records, in which ratings may be; write one rating a row, "
            "or name the columns of the raters with --raters"
        )
    grid, of_some = grid_of(left)
    if grid:
        _check_sides(table, {rater for rater, _ in grid.values()}, list(grid), where)
        grid |= {name: pair for name, pair in of_some.items() if several_alike(table, [name, *_rating(grid, pair[1])])}
        cells = [Cell(name, rater, criterion) for name, (rater, criterion) in grid.items()]
        others = {name: "is no rater with a criterion" for name in left if name not in grid}
        shown = ", ".join(list(grid)[:2])
        notes = [f"headers are read as a rater and a criterion ({shown}, ...); --map says otherwise"]
    else:
        raters, others = alike(table, left)
        cells, notes = [Cell(name, rater=name) for name in raters], []
        asked = {*map(criterion_in, raters)}  # of `ann_score` and `bob_score` it is one, and two rated
        if len(asked) > 1 and None not in asked and not any(is_rater(re.split(r"[\W_]+", name)[0]) for name in raters):
            raise HarnessError(f"{where}: has {_one_or_several(raters)}")
        _check_sides(table, {name[-1:] for name in raters}, raters, where)
        if any(_are_of_answers(table, first, second) for first, second in combinations(raters, 2)):
            raise HarnessError(f"{where}: {', '.join(raters)} {OF_ANSWERS}")
    settled = [cell for cell in cells if is_beside(cell.rater or "")]
    if len({cell.rater for cell in cells} - {cell.rater for cell in settled}) > 1:
        cells = [cell for cell in cells if cell not in settled]
        others |= {cell.column: "by its name" for cell in settled}
    return cells, others, notes


def _rating(grid: Mapping[str, tuple[str, str]], criterion: str) -> list[str]:
    """Return the first column of a criterion."""
    return [name for name, (_, what) in grid.items() if what == criterion][:1]


def _one_or_several(names: Sequence[str]) -> str:
    return (
        f"{', '.join(names)}, and no column says who rated: --rater-name NAME takes each for a criterion of one rater, "
        f"--raters {names[0]!r} --raters {names[1]!r} ... for a rater"
    )


def _check_sides(table: Table, raters: set[str], columns: Sequence[str], where: str) -> None:
    """Refuse the grades of the two sides of comparisons as two raters: columns of texts have the same endings.

    Raises:
        HarnessError: They are such.
    """
    ends = {name.casefold() for name in raters}
    if ends not in SIDES or all(map(is_rater, columns)):
        return
    aside = not_compared(table, table.names)
    texts = [name for name in table.names if aside.get(name) == "holds texts" or is_text(name)]
    stems = [{re.sub(r"[\W_]+$", "", name[:-1]) for name in texts if name[-1:].casefold() == end} for end in ends]
    if set.intersection(*stems):
        raise HarnessError(f"{where}: {', '.join(columns)} {OF_ANSWERS}")


OF_ANSWERS = (
    "are of the two answers in each row, not of two raters; name the column that says which answer was preferred with "
    "--value, and who chose with --rater or --rater-name"
)


def _are_of_answers(table: Table, first: str, second: str) -> bool:
    """Return whether two columns are called like two others, and more: `is_response_0_safe` beside `response_0`."""
    parts = [re.split(r"[\W_]+", plain_name(name)) for name in (first, second)]
    apart = [place for place, (a, b) in enumerate(zip(*parts, strict=False)) if a != b]
    if len(parts[0]) != len(parts[1]) or len(apart) != 1 or not apart[0]:
        return False
    at = apart[0]
    stems = {"_".join(own[at - 1 : at + 1]) for own in parts}
    others = {plain_name(name) for name in table.names if name not in (first, second)}
    return {own[at] for own in parts} in SIDES and stems <= others
