"""`harness people`: what a run's human raters cost, and how steady they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.catalogue import AsJson
from harness.cli.columns import FileOptions, reads_files, refuse_for_a_run
from harness.cli.given import run_or_file

if TYPE_CHECKING:
    from harness.agreement import People


@reads_files()
def people(
    run: Annotated[Path, typer.Argument(help="A run's folder, or a file of ratings.", metavar="RUN|FILE")],
    usd_per_hour: Annotated[float | None, typer.Option(min=0, help="What people are paid, for the cost.")] = None,
    *,
    said: FileOptions,
    as_json: AsJson = False,
) -> None:
    """Say what people's ratings cost, how steady each rater is, and to whom to pay more attention."""
    from harness.agreement import describe_people
    from harness.errors import HarnessError

    if run.is_dir():
        refuse_for_a_run(**said.given)
    with run_or_file(run, said.columns, said.words(), said.ai) as opened:
        found = describe_people(opened.ratings, usd_per_hour=usd_per_hour)
    if found.df.empty:
        raise HarnessError(f"{run}: no person has rated anything; `harness annotate {run} --rater-id YOU` opens a page")
    print(json.dumps(found.to_json(), indent=2, allow_nan=False)) if as_json else _show(found)


def _show(found: People) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(title="People", title_justify="left", box=SIMPLE_HEAD)
    counted = ("ratings", "skipped", "s each", "hours", "USD per 1,000", "the same again", "wear")
    for name in ("rater", "criterion", *counted):
        table.add_column(name, justify="right" if name in counted else "left", overflow="fold")
    for row in found.to_json()["people"]:
        again = f"{_range(row, 'same', '.0%')} of {row['repeated']}" if row["repeated"] else "-"
        table.add_row(
            *[str(row[name]) for name in ("rater", "criterion", "n", "skipped")],
            _number(row["seconds"], ".1f"),
            _number(row["hours"], ".2f"),
            _number(row["usd_per_1000"], ".2f"),
            again,
            _range(row, "wear", "+.2f"),
        )
    console = Console(highlight=False)
    (console if console.is_terminal else Console(highlight=False, width=140)).print(table)
    for one in found.attention:
        print(f"attention: {one['message']}")


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _range(row: dict[str, Any], name: str, form: str) -> str:
    """Return a value with its interval."""
    if row[name] is None:
        return "-"
    return f"{row[name]:{form}} [{row[f'{name}_low']:{form}}, {row[f'{name}_high']:{form}}]"
