"""The options that say how a file of ratings is read: one set for every command that takes such a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harness.rating import Columns, Words

Item = Annotated[str | None, typer.Option(help="Column of the item; several, with commas, are the unit together.")]
Rater = Annotated[str | None, typer.Option(help="Column of the rater.")]
Criterion = Annotated[str | None, typer.Option(help="Column of the criterion.")]
Value = Annotated[str | None, typer.Option(help="Column of the value.")]
Kind = Annotated[str | None, typer.Option(help="Column of the rater's kind: human, judge, verifier, metric, ...")]
Ai = Annotated[list[str] | None, typer.Option("--ai", help="Glob of raters that are AI judges; repeatable.")]
RaterName = Annotated[str | None, typer.Option(help="Who rated, where no column says it.")]
Missing = Annotated[
    list[str] | None,
    typer.Option(help="Words that are no value, with commas, beside NA, n/a and -; '' for empty cells alone."),
]
Recode = Annotated[list[str] | None, typer.Option(help="OLD=NEW: a word that means another; repeatable.")]
Header = Annotated[
    str | None, typer.Option("--map", help="How a wide file's headers are read: (?P<rater>.+)_(?P<criterion>.+)")
]


def columns_said(
    item: str | None = None,
    rater: str | None = None,
    criterion: str | None = None,
    value: str | None = None,
    kind: str | None = None,
    header: str | None = None,
    raters: list[str] | None = None,
    criteria: list[str] | None = None,
    rater_name: str | None = None,
    column: list[str] | None = None,
) -> Columns:
    """Return what the options say about columns; what they do not say is not set."""
    from harness.rating import Columns, columns_of

    named = columns_of(column or ())

    unit = tuple(part.strip() for part in item.split(",") if part.strip()) if item else ()
    said = {
        "item": unit, "rater": rater, "criterion": criterion, "value": value, "kind": kind, "header": header,
        "raters": tuple(raters or ()), "criteria": tuple(criteria or ()), "rater_name": rater_name,
    }  # fmt: skip
    told = {name: given for name, given in said.items() if given}
    return Columns.model_validate(named.model_dump(exclude_unset=True) | told)


def words_said(missing: list[str] | None = None, recode: list[str] | None = None, level: str | None = None) -> Words:
    """Return what the options say about words."""
    from harness.rating import Words

    table = {}
    for entry in recode or ():
        old, mark, new = entry.partition("=")
        if not mark or not old:
            raise typer.BadParameter(f"{entry!r}: expected OLD=NEW", param_hint="--recode")
        table[old.strip()] = new.strip()
    absent = [word.strip() for entry in missing or () for word in (entry.split(",") if entry else [""])]
    return Words(tuple(absent), table, level if level in ("set", "ranking") else None)
