"""The options that say how a file of ratings is read: one set for every command that takes such a file."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from harness.rating import Columns, Words

Item = Annotated[str | None, typer.Option(help="Column of the item; several, with commas, are the unit together.")]
Rater = Annotated[str | None, typer.Option(help="Column of the rater.")]
Criterion = Annotated[str | None, typer.Option(help="Column of the criterion.")]
Value = Annotated[str | None, typer.Option(help="Column of the value.")]
Kind = Annotated[str | None, typer.Option(help="Column of the rater's kind: human, judge, verifier, metric, ...")]
Ai = Annotated[list[str] | None, typer.Option("--ai", help="Glob of raters that are AI judges; repeatable.")]
RaterColumn = Annotated[
    str | None, typer.Option("--rater-column", help="Column of the rater, where --rater names who is looked at.")
]
Raters = Annotated[list[str] | None, typer.Option(help="Glob of the raters to compare; repeatable.")]
Criteria = Annotated[list[str] | None, typer.Option(help="Glob of the criteria to compare; repeatable.")]
RaterName = Annotated[str | None, typer.Option(help="Who rated, where no column says it.")]
Missing = Annotated[
    list[str] | None,
    typer.Option(help="Words that are no value, with commas, beside NA, n/a and -; '' for empty cells alone."),
]
Recode = Annotated[list[str] | None, typer.Option(help="OLD=NEW: a word that means another; repeatable.")]
Levels = Annotated[
    list[str] | None,
    typer.Option(
        "--level",
        help="nominal, ordinal, interval, ratio, set, ranking; or CRITERION=LEVEL, repeatable; what fits if not given.",
    ),
]
Categories = Annotated[
    list[str] | None,
    typer.Option(help="The words of the scale in their order (poor,fair,good); or CRITERION=WORDS, repeatable."),
]
ScoreRange = Annotated[
    list[str] | None,
    typer.Option(help="The least and the most grade of the scale (1,5); or CRITERION=LEAST,MOST, repeatable."),
]
Header = Annotated[
    str | None,
    typer.Option(
        "--map", help="How a wide file's headers are read: a regular expression with the groups rater and criterion."
    ),
]


FILE_OPTIONS: dict[str, Any] = {
    "item": Item, "rater": Rater, "criterion": Criterion, "value": Value, "kind": Kind, "raters": Raters,
    "criteria": Criteria, "ai": Ai, "rater_name": RaterName, "missing": Missing, "recode": Recode, "map_": Header,
}  # fmt: skip
"""The options of every command that takes a run, or a file of ratings in its place."""


@dataclass(frozen=True)
class FileOptions:
    """What was said of how a file is read: each of `FILE_OPTIONS` by the name that the command has for it."""

    given: dict[str, Any]

    @property
    def columns(self) -> Columns:
        """What they say about columns."""
        known = {"header" if name == "map" else name: said for name, said in self.given.items()}
        known["rater"] = known.pop("rater_column", None) or known.get("rater")
        return columns_said(**{name: said for name, said in known.items() if name not in ("ai", "missing", "recode")})

    def words(self, levels: str | dict[str, str] | None = None) -> Words:
        """Return what they say about words."""
        return words_said(self.given["missing"], self.given["recode"], levels)

    @property
    def ai(self) -> list[str] | None:
        """Globs of the raters that are AI judges."""
        ai: list[str] | None = self.given["ai"]
        return ai


def reads_files(**instead: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command `FILE_OPTIONS` in the place of its parameter `said`, which gets them as `FileOptions`.

    Args:
        instead: Options that take the place of `rater`, for commands in which that is something else.
    """
    options: dict[str, Any] = {}
    for name, option in FILE_OPTIONS.items():
        options |= instead if name == "rater" and instead else {name: option}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def wrapped(**arguments: Any) -> None:
            command(said=FileOptions({name.removesuffix("_"): arguments.pop(name) for name in options}), **arguments)

        kind = inspect.Parameter.KEYWORD_ONLY
        own = inspect.signature(command, eval_str=True).parameters.values()
        wrapped.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [
                new
                for one in own
                for new in (
                    [inspect.Parameter(name, kind, default=None, annotation=of) for name, of in options.items()]
                    if one.name == "said"
                    else [one.replace(kind=kind)]
                )
            ]
        )
        return wrapped

    return decorate


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


def refuse_for_a_run(**options: object) -> None:
    """Refuse the options that a run's own scales and items decide, instead of dropping them in silence."""
    given = [f"--{name.replace('_', '-')}" for name, value in options.items() if value]
    if given:
        raise typer.BadParameter(
            "for a file of ratings only: a run's raters, scales and items are compared as they are", param_hint=given[0]
        )


def by_criterion(entries: list[str] | None, option: str) -> str | dict[str, str] | None:
    """Return the one value for all criteria, or the value of each that is named."""
    if not entries:
        return None
    if len(entries) == 1 and "=" not in entries[0]:
        return entries[0]
    named = dict(entry.split("=", 1) for entry in entries if "=" in entry)
    if len(named) < len(entries):
        raise typer.BadParameter(f"{', '.join(entries)}: name each criterion once, CRITERION=...", param_hint=option)
    return named


def scales_said(categories: list[str] | None, score_range: list[str] | None) -> dict[str, Any]:
    """Return what the options say about scales, as `agree` takes it."""

    def words(text: str) -> list[str]:
        return [word.strip() for word in text.split(",")]

    def ends(text: str) -> tuple[float, float]:
        try:
            low, high = map(float, text.split(","))
        except ValueError as error:
            raise typer.BadParameter(f"{text!r}: expected two numbers, 1,5", param_hint="--score-range") from error
        return low, high

    told: dict[str, Any] = {}
    for name, entries, read in (("categories", categories, words), ("score_range", score_range, ends)):
        said = by_criterion(entries, "--" + name.replace("_", "-"))
        if said is not None:
            told[name] = read(said) if isinstance(said, str) else {one: read(text) for one, text in said.items()}
    return told


def words_said(
    missing: list[str] | None = None, recode: list[str] | None = None, levels: str | dict[str, str] | None = None
) -> Words:
    """Return what the options say about words."""
    from harness.rating import Words

    table = {}
    for entry in recode or ():
        old, mark, new = entry.partition("=")
        if not mark or not old:
            raise typer.BadParameter(f"{entry!r}: expected OLD=NEW", param_hint="--recode")
        table[old.strip()] = new.strip()
    absent = [word.strip() for entry in missing or () for word in (entry.split(",") if entry else [""])]
    return Words.said(absent, table, levels)
