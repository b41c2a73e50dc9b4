"""What a run says, on the terminal: tables, one sentence a finding, and what to do next."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from harness.reporting import ANNOTATE, FAILURES, summary, typeset
from harness.run import Run, is_stale

WIDTH = 120
"""Columns where the output is no terminal."""

NEXT = """\
Next:
  rate the answers yourself    harness annotate {run} --rater-id YOU
  bring human ratings          harness import FILE --into {run}
  look at disagreements        harness view {run}
  use a model of your own      harness init my_suite.yaml, change its `models:`, then harness run my_suite.yaml"""


def show(run: Run) -> None:
    """Print a run's tables, findings, the page's place, and what to do next."""
    console, found = _console(), summary(run)
    for table in (_rounds(found), _matrix(found), _positions(found), _raters(found)):
        if table.row_count:
            console.print(table)
            console.print()
    show_findings(run, NEXT)


def show_findings(run: Run, what_next: str) -> None:
    """Print the decision and what a run says in sentences, the page's place, and what to do next."""
    console, found = _console(), summary(run)
    if found["decision"]:
        console.print(f"\n{typeset(found['decision'])}", style="bold", markup=False)
    for finding in found["findings"]:
        console.print(Markdown(f"- **{finding['about']}**: {from_here(typeset(finding['sentence']), run)}"))
    page = run.folder / "report.html"
    if page.is_file():
        console.print(f"\nThe page: {page.resolve().as_uri()}", soft_wrap=True)
    if is_stale(page):
        told = f"It is older than the run: `harness report {shlex.quote(str(run.folder))}` makes it anew."
        console.print(told, soft_wrap=True, markup=False)
    console.print("\n" + what_next.format(run=shlex.quote(str(run.folder))), soft_wrap=True, markup=False)


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH)


def from_here(sentence: str, run: Run) -> str:
    """Return a sentence whose commands name the run as it is reached from where the user stands."""
    return re.sub(r"(?<=`)(harness [^`]*)\bRUN\b", lambda found: f"{found[1]}{shlex.quote(str(run.folder))}", sentence)


def _table(title: str, *columns: str, right: Sequence[str] = ()) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return table


def _rounds(found: dict[str, Any]) -> Table:
    columns = ("benchmark", "series", "verdict", "last gain", "points in all [interval]", "by itself", "items")
    table = _table("Rounds", *columns, right=("items",))
    for row in found["rounds"]:
        over = row["over_control"] if row["over_control"] and row["over_control"]["verdict"] else None
        counted = over or row
        last, total = counted["last_gain"], counted["gain_total"]
        gained = f"{_points(total['value'])} [{_points(total['low'])}, {_points(total['high'])}]" if total else "-"
        beyond = f" beyond {over['control']}" if over else ""
        table.add_row(
            row["benchmark"],
            row["series"],
            f"{counted['verdict'] or '-'}{beyond}",
            f"round {last['shown_label']}-{last['possible_label']}" if last else "-",
            gained + (f" ({row['level']:.0%})" if total else ""),
            row["verdict"] or "-",
            f"{counted['n_items']:,}" if _known(counted["n_items"]) else "-",
        )
    return table


def _matrix(found: dict[str, Any]) -> Table:
    """Return the agreement of every pair of raters on the same answers, with a line for people even if none rated."""
    columns = ("task", "raters", "n", "agreement", "coefficient [95 % interval]")
    table = _table("Agreement", *columns, right=("n", "agreement"))
    exchanged = found["exchange"] and not found["raters"]  # labels of a file: the run itself has nothing to rate
    if not exchanged and not any(row["kind"] == "human" for row in found["raters"]):
        table.add_row("all", "people", "0", "-", f"not rated yet: {ANNOTATE}")
    for row in found["matrix"]:
        interval = f" [{_number(row['low'])}, {_number(row['high'])}]" if _known(row["low"]) else ""
        reason = f" ({row['reason']})" if row["reason"] else ""
        table.add_row(
            row["task"],
            f"{row['rater_a']}, {row['rater_b']}",
            f"{row['n']:,}",
            f"{row['percent_agreement']:.0%}" if _known(row["percent_agreement"]) else "-",
            f"{row['coefficient']} {_number(row['value'])}{interval}{reason}",
        )
    return table


def _positions(found: dict[str, Any]) -> Table:
    """Return how steady each comparing rater is when the two answers change places."""
    columns = ("rater", "criterion", "pairs", "same verdict in both orders", "first answer preferred")
    table = _table("Both orders", *columns, right=columns[2:])
    for row in found["positions"]:
        shares = [f"{row[name]:.0%}" if _known(row[name]) else "-" for name in ("consistency", "first_share")]
        table.add_row(row["rater"], row["criterion"], f"{row['n']:,}", *shares)
    return table


def _raters(found: dict[str, Any]) -> Table:
    columns = ("rater", "kind", "criterion", "ratings", "failed", "0 with a reason")
    table = _table("Raters", *columns, right=columns[3:])
    for row in found["raters"]:
        failed = ", ".join(f"{row[status]:,} {status}" for status in FAILURES if row[status]) or "0"
        zeros = f"{row['zeros_with_reason']:,}"
        table.add_row(str(row["rater"]), row["kind"], row["criterion"], f"{row['n']:,}", failed, zeros)
    return table


def _known(value: float | None) -> bool:
    return value is not None


def _points(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:+z.1f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:z.2f}"
