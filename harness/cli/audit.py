"""`harness audit`: how biased, how steady and how readable an AI rater is."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.catalogue import AsJson, Include
from harness.cli.columns import FileOptions, RaterColumn, reads_files, refuse_for_a_run
from harness.cli.gates import JUnit

if TYPE_CHECKING:
    import pandas as pd

    from harness.agreement import Audit


@reads_files(rater_column=RaterColumn)
def audit(
    source: Annotated[Path, typer.Argument(help="A run's folder, or a file of ratings in any format that is known.")],
    rater: Annotated[str, typer.Option(help="The rater to audit.")],
    *,
    said: FileOptions,
    judge_model: Annotated[str | None, typer.Option(help="The rater's own model; a run knows it.")] = None,
    anchor: Annotated[Path | None, typer.Option(help="A file of earlier ratings by this rater, for drift.")] = None,
    ask: Annotated[
        int, typer.Option(min=0, help="For a run: ask the judge again about so many answers (attacks, retest).")
    ] = 0,
    include: Include = None,
    cache: Annotated[Path | None, typer.Option(help="Where models and finished calls are kept, for --ask.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Threads, for --ask.")] = 2,
    fail_if: Annotated[
        str | None,
        typer.Option(help="Exit with 4 where a check is so: flagged, unclear, not_run, 'parse_failures>5%'."),
    ] = None,
    junit: JUnit = None,
    as_json: AsJson = False,
) -> None:
    """Audit an AI rater: position, length, self-preference, repeats, drift, attacks, scale, failures, independence."""
    from harness.agreement import CHECKS
    from harness.agreement import audit as audit_rater
    from harness.cli.gated import CHECKED, of_audit
    from harness.cli.gates import gates_of, stop_where_failing
    from harness.errors import HarnessError
    from harness.run import Run, is_run

    gates = gates_of(fail_if, CHECKS, CHECKED, junit)
    if is_run(source):
        refuse_for_a_run(**said.given)
        what: Run | pd.DataFrame = Run(source)
    elif source.is_dir():
        raise HarnessError(f"{source}: is a folder that is no run (no suite.yaml); see `harness doctor {source}`")
    else:
        what = _read(source, said)
    found = audit_rater(
        what,
        rater,
        judge_model=judge_model,
        anchor=_read(anchor, said) if anchor else None,
        ask=ask,
        include=include or (),
        cache=cache,
        workers=workers,
    )
    if as_json:
        print(json.dumps(found.to_json(), indent=2, allow_nan=False))
    else:
        _show(found)
    stop_where_failing(gates, *of_audit(found), CHECKED, junit)


MOST_FLIPS = 10
"""Items that turned up to which they are printed; `--json` has all."""


def _read(path: Path, said: FileOptions) -> pd.DataFrame:
    from harness.agreement import COLUMNS
    from harness.rating import read_any, read_source

    names = read_source(path).table.names
    also = [name for name in COLUMNS if name in names]
    ratings = read_any(path, also=also, columns=said.columns, words=said.words(), ai=said.ai)
    for note in ratings.attrs.get("notes", ()):
        print(note, file=sys.stderr)
    return ratings


def _show(found: Audit) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"Audit of {found.rater}", title_justify="left", box=SIMPLE_HEAD)
    for name in ("check", "value [95 %]", "n", "verdict", "what was found, or what to record"):
        table.add_column(name, justify="right" if name == "n" else "left", overflow="fold")
    for check in found.checks:
        value = "-" if check.value is None else f"{check.value:.3f}"
        if check.low is not None and check.high is not None:
            value += f" [{check.low:.3f}, {check.high:.3f}]"
        table.add_row(check.name, value, f"{check.n:,}", check.verdict, check.reason)
    Console(highlight=False, width=None if Console().is_terminal else 150).print(table)
    _show_flips(found)


def _show_flips(found: Audit) -> None:
    from harness.run import UNIT

    print(found.flips.sentence)
    for row in found.flips.rows[:MOST_FLIPS]:
        where = " ".join(str(row[name]) for name in UNIT if name in row)
        verdicts = ", then ".join(f"{one:g}" if isinstance(one, float) else str(one) for one in row["verdicts"])
        print(f"  between {row['between']}: {where}: {verdicts}")
    if len(found.flips.rows) > MOST_FLIPS:
        print(f"  and {len(found.flips.rows) - MOST_FLIPS:,} more (--json)")
