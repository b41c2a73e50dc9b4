"""`harness report`: the page of a run, or of several side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.catalogue import AsJson, Include


def report(
    runs: Annotated[list[Path], typer.Argument(help="A run's folder, or several.", metavar="RUN...")],
    out: Annotated[Path | None, typer.Option(help="The page's file; report.html in the run where not given.")] = None,
    include: Include = None,
    redact_text: Annotated[bool, typer.Option("--redact-text", help="Ids and values only, no texts.")] = False,
    bundle: Annotated[
        Path | None, typer.Option(help="Write index.html and data shards into a folder, for large runs.")
    ] = None,
    pdf: Annotated[Path | None, typer.Option(help="Also print the page into a PDF file (needs Chromium).")] = None,
    notebook: Annotated[
        str | None, typer.Option(help="Run a notebook of the catalogue on the run instead (stand_in, plateau).")
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the page of a run: one file that opens from disk and asks the network for nothing."""
    from harness import reporting
    from harness.errors import HarnessError

    if notebook:
        from harness.reporting.notebook import run_notebook

        if len(runs) > 1:
            raise HarnessError("a notebook takes one run")
        typer.echo(str(run_notebook(notebook, runs[0], out, include=include or ())))
        return
    if as_json:
        found = [reporting.summary(run) for run in runs]
        typer.echo(json.dumps(found[0] if len(found) == 1 else found, indent=2, ensure_ascii=False, allow_nan=False))
        return
    page = reporting.report(list(runs), out, include=include or (), redact_text=redact_text, bundle=bundle)
    if pdf:
        reporting.print_pdf(page, pdf)
    typer.echo(str(page))
    if open_:
        typer.launch(page.resolve().as_uri())
