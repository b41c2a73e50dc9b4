"""What a run says, on the terminal: tables, one sentence a finding, and what to do next."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from harness.reporting import summary
from harness.reporting.tables import FAILURES
from harness.run import Run

NEXT = """\
Next:
  rate the answers yourself    harness export csv {run} --out sheet.csv
                               (fill in the value column) harness import csv sheet.csv --into {run}
  use a model of your own      copy suites/quickstart.yaml, change `models:`, harness run YOUR.yaml
  bring human ratings          harness agree RATINGS.csv"""


def show(run: Run) -> None:
    """Print a run's tables, findings, the page's place, and what to do next."""
    console = Console(highlight=False)
    found = summary(run)
    for table in (_rounds(found), _matrix(found), _raters(found)):
        if table.row_count:
            console.print(table)
            console.print()
    for finding in found["findings"]:
        console.print(Markdown(f"- **{finding['about']}**: {finding['sentence']}"))
    page = run.folder / "report.html"
    if page.is_file():
        console.print(f"\nThe page: {page.resolve().as_uri()}", soft_wrap=True)
    console.print("\n" + NEXT.format(run=run.folder), soft_wrap=True, markup=False)


def _rounds(found: dict[str, Any]) -> Table:
    table = Table(title="Rounds", title_justify="left")
    for name in ("benchmark", "series", "verdict", "points a round", "interval", "rounds", "n"):
        table.add_column(name, justify="right" if name in ("points a round", "n") else "left")
    for row in found["rounds"]:
        first, last = row["window"] or (None, None)
        table.add_row(
            row["benchmark"],
            row["series"],
            row["verdict"],
            _points(row["rate"]),
            f"[{_points(row['low'])}, {_points(row['high'])}] at {row['level']:.0%}" if row["low"] is not None else "-",
            "-" if first is None else f"{first}-{last}",
            f"{row['n_items']:,}" if row["n_items"] is not None else "-",
        )
    return table


def _matrix(found: dict[str, Any]) -> Table:
    table = Table(title="Agreement of every pair of raters on the same answers", title_justify="left")
    for name in ("task", "rater", "rater", "n", "percent agreement", "coefficient", "value", "95 % interval"):
        table.add_column(name, justify="right" if name in ("n", "percent agreement", "value") else "left")
    for row in found["matrix"]:
        table.add_row(
            row["task"],
            row["rater_a"],
            row["rater_b"],
            f"{row['n']:,}",
            "-" if row["percent_agreement"] is None else f"{row['percent_agreement']:.0%}",
            row["coefficient"] or "-",
            _number(row["value"]),
            f"[{_number(row['low'])}, {_number(row['high'])}]" if row["low"] is not None else row["reason"] or "-",
        )
    return table


def _raters(found: dict[str, Any]) -> Table:
    table = Table(title="Raters", title_justify="left")
    for name in ("rater", "kind", "criterion", "ratings", "failed", "0 with a reason"):
        table.add_column(name, justify="left" if name in ("rater", "kind", "criterion") else "right")
    for row in found["raters"]:
        failed = ", ".join(f"{row[status]:,} {status}" for status in FAILURES if row[status]) or "0"
        zeros = f"{row['zeros_with_reason']:,}"
        table.add_row(str(row["rater"]), row["kind"], row["criterion"], f"{row['n']:,}", failed, zeros)
    return table


def _points(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:+.1f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
