"""`harness report`, `publish` and `view`: the page of a run or several, a site of many, and a big one on loopback."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.catalogue import AsJson, Include
from harness.cli.columns import FileOptions, reads_files, refuse_for_a_run
from harness.cli.gates import JUnit
from harness.cli.given import advice_of, run_or_file

if TYPE_CHECKING:
    from harness.rounds import Rounds

Redact = Annotated[bool, typer.Option("--redact-text", help="Ids and values only, no texts.")]
Open = Annotated[bool, typer.Option("--open", help="Open the page in the browser.")]


@reads_files()
def report(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="A run's folder, or a file of ratings, or one of scores; or several.", metavar="RUN|FILE..."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="The page's file; where not given report.html in the run, or FILE.report.html."),
    ] = None,
    *,
    said: FileOptions,
    include: Include = None,
    redact_text: Redact = False,
    bundle: Annotated[
        Path | None, typer.Option(help="Write index.html and data shards into a folder, for large runs.")
    ] = None,
    single_file_limit: Annotated[
        float, typer.Option(min=0.1, help="Megabytes that a page in one file may have; over it, --bundle.")
    ] = 25,
    usd_per_hour: Annotated[
        float | None, typer.Option(min=0, help="What people are paid, where their ratings have no price.")
    ] = None,
    card: Annotated[Path | None, typer.Option(help="Also draw what the run says into a PNG file, for sharing.")] = None,
    pdf: Annotated[Path | None, typer.Option(help="Also print the page into a PDF file (needs Chromium).")] = None,
    notebook: Annotated[
        str | None,
        typer.Option(help="Run a notebook on the run instead: stand_in, plateau, checkpoints, race, or one of yours."),
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="Column of groups of items: alpha in each, and whether they differ.")
    ] = None,
    fail_if: Annotated[
        str | None,
        typer.Option(
            metavar="GATES",
            help="Exit with 4 where this is so: 'pass_rate<.8', 'failures>5%', 'missing>0', 'alpha<.6', 'gain<1' "
            "(points), distrusted, plateaued; with a name or a glob in square brackets after the figure, of those "
            "alone; several with commas.",
        ),
    ] = None,
    junit: JUnit = None,
    open_: Open = False,
    as_json: AsJson = False,
) -> None:
    """Write the page of a run: one file that opens from disk and asks the network for nothing."""
    from harness import reporting
    from harness.cli.agreement_shown import show_slices
    from harness.cli.gated import gates_of_a_run, stop_where_runs_fail
    from harness.cli.progress import bar
    from harness.errors import HarnessError

    gates = gates_of_a_run(fail_if, junit)
    if notebook:
        if len(runs) > 1 or gates or by:
            raise HarnessError(
                "a notebook takes one run" + ", and no --fail-if" * bool(gates) + ", and no --by" * bool(by)
            )
        _alone("--notebook", "runs in the place of the page", json=as_json, pdf=pdf, card=card, bundle=bundle,
               redact_text=redact_text, usd_per_hour=usd_per_hour, open=open_, **said.given)  # fmt: skip
        typer.echo(str(reporting.run_notebook(notebook, runs[0], out, include=include or ())))
        return
    if as_json:
        _alone("--json", "prints, and writes no page", out=out, pdf=pdf, card=card, bundle=bundle, open=open_,
               redact_text=redact_text, usd_per_hour=usd_per_hour)  # fmt: skip
    columns, words = said.columns, said.words()
    if all(source.is_dir() for source in runs):
        refuse_for_a_run(**said.given)
    if len(runs) == 1 and (scores := _scores(runs[0])) is not None:
        told = {**said.given, "redact-text": redact_text, "bundle": bundle, "usd-per-hour": usd_per_hour,
                "by": by, "fail-if": fail_if, "card": card}  # fmt: skip
        if wrong := [name.replace("_", "-") for name, one in told.items() if one]:
            raise HarnessError(f"--{wrong[0]}: {runs[0]} holds scores, not ratings; `harness rounds` has their options")
        if as_json:
            typer.echo(json.dumps(scores.to_json(), indent=2, ensure_ascii=False, allow_nan=False))
            return
        for sentence in scores.summary:
            typer.echo(sentence)
        page = reporting.report(scores, out or runs[0].with_suffix(".report.html"), include=include or ())
        _done(page, pdf, open_)
        return
    with ExitStack() as stack:
        opened = [stack.enter_context(run_or_file(source, columns, words, said.ai, by)) for source in runs]
        if as_json:
            found = [reporting.summary(run, by) for run in opened]
            content = found[0] if len(found) == 1 else found
            typer.echo(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))
            stop_where_runs_fail(gates, found, junit)
            return
        files = [source for source in runs if source.is_file()]
        for source in files:
            for sentence in advice_of(source, columns, words, said.ai):
                typer.echo(sentence)
            evidence = reporting.Evidence.of(opened[runs.index(source)])
            for table, needed in evidence.needed.items():  # simulations: drawn once, so that the page says the same
                for sentence in needed:
                    typer.echo(f"{evidence.agreed.places[table][1]}: {sentence}")
            names = evidence.names
            if letters := [f"{letter} is {name}" for name, letter in names.items() if letter != name]:
                typer.echo(f"on the page people go by letters: {', '.join(letters)}")
        for run in opened if by else ():
            show_slices(reporting.Evidence.of(run, by=by).agreed)
        progress = stack.enter_context(bar("the page", 1))
        page = reporting.report(
            list(opened),
            out or (files[0].with_suffix(".report.html") if files and files[0] == runs[0] else None),
            include=include or (),
            redact_text=redact_text,
            bundle=bundle,
            single_file_limit=int(single_file_limit * 1_000_000),
            usd_per_hour=usd_per_hour,
            card=card,
            by=by,
        )
        progress(1)
        summaries = [reporting.summary(run) for run in opened] if gates else []
    _done(page, pdf, open_)
    stop_where_runs_fail(gates, summaries, junit)


def _alone(option: str, what: str, **others: object) -> None:
    """Refuse what an option would leave undone, instead of dropping it in silence."""
    given = [f"--{name.replace('_', '-')}" for name, value in others.items() if value]
    if given:
        raise typer.BadParameter(f"stands alone: it {what}; leave {', '.join(given)} out", param_hint=option)


def _scores(path: Path) -> Rounds | None:
    """Return the verdicts on a file of scores; None for what is none."""
    from harness.rating import is_scores, read_source
    from harness.rounds import compare_rounds, read_scores

    if not path.is_file() or not is_scores(read_source(path).table.names):
        return None
    return compare_rounds(read_scores([str(path)])[0])


def _done(page: Path, pdf: Path | None, open_: bool) -> None:
    from harness import reporting

    if pdf:
        reporting.print_pdf(page, pdf)
    typer.echo(str(page))
    if open_:
        typer.launch(page.resolve().as_uri())


def publish(
    source: Annotated[list[Path], typer.Argument(help="A folder that holds runs, or several.", metavar="DIR...")],
    out: Annotated[Path, typer.Option(help="The folder of the site.")] = Path("site"),
    base_url: Annotated[
        str,
        typer.Option(
            help="Where the site will stand: feed readers, and sites that show a page's card, need whole addresses."
        ),
    ] = "",
    include: Include = None,
    redact_text: Redact = False,
    open_: Open = False,
) -> None:
    """Write a static site of many runs: an index with search and filters, a page a run, a feed of the verdicts."""
    from harness import reporting

    index = reporting.publish(list(source), out, include=include or (), redact_text=redact_text, base_url=base_url)
    typer.echo(str(index))
    if open_:
        typer.launch(index.resolve().as_uri())


def view(
    runs: Annotated[list[Path], typer.Argument(help="A run's folder, or several.", metavar="RUN...")],
    port: Annotated[int, typer.Option(help="The port on this machine; a free one where not given.")] = 0,
    include: Include = None,
    redact_text: Redact = False,
    open_: Open = False,
) -> None:
    """Serve the page of a big run on this machine, with every answer in it, until interrupted."""
    from signal import SIGTERM, default_int_handler, signal
    from threading import Event

    from harness import reporting

    signal(SIGTERM, default_int_handler)  # however it is stopped, the bundle's folder goes

    def listening(address: str) -> None:
        typer.echo(address)
        typer.echo("reading the run; the page comes by itself", err=True)
        if open_:
            typer.launch(address)

    with reporting.view(list(runs), port, include=include or (), redact_text=redact_text, listening=listening):
        typer.echo("serving; stop with Ctrl-C", err=True)
        try:
            Event().wait()
        except KeyboardInterrupt:
            return
