"""`harness demo`: a finished comparison of people and a judge, in seconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.catalogue import AsJson

NEXT = """\
Next:
  all coefficients, and why    harness agree {run} --stand-in
  your own ratings             harness agree FILE
  the whole product at work    harness quickstart"""


def demo(
    out: Annotated[Path, typer.Option(help="The run's folder.")] = Path("runs/demo"),
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """See a finished comparison in seconds: experts and a small model grade summaries; no model, no key, no network."""
    from harness.cli.terminal import show_findings
    from harness.reporting import report, summary
    from harness.stages import make_demo

    run = make_demo(out)
    page = report(run)
    if as_json:
        print(json.dumps(summary(run), indent=2, allow_nan=False))
    else:
        show_findings(run, NEXT)
    if open_:
        typer.launch(page.resolve().as_uri())
