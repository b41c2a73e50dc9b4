"""`harness annotate`: people rate a run's answers, in a page on this machine or in a file of their own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.catalogue import Include
from harness.cli.human import Questions, Samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from harness.catalog import Catalog
    from harness.rating import Asked, Session
    from harness.run import Run


def annotate(
    run: Annotated[Path, typer.Argument(help="A run's folder, or a table of texts.", metavar="RUN|FILE")],
    rater_id: Annotated[
        list[str] | None, typer.Option(help="Who rates; repeatable, each gets an address of their own.")
    ] = None,
    raters: Annotated[
        Path | None, typer.Option(help="A text file with more raters, a name a line.", metavar="FILE")
    ] = None,
    question: Questions = None,
    task: Annotated[
        list[str] | None, typer.Option("--task", "--tasks", help="Only these tasks; repeatable, or with commas.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many items a task, the same for every rater.")
    ] = None,
    samples: Samples = 1,
    repeats: Annotated[float, typer.Option(min=0, max=1, help="The share shown twice, for self-agreement.")] = 0.1,
    checks: Annotated[int, typer.Option(min=0, help="How many attention checks.")] = 0,
    lead: Annotated[
        str | None, typer.Option(help="Who asks: the first screen says it. One who also rates sees no agreement yet.")
    ] = None,
    links: Annotated[
        Path | None,
        typer.Option(help="Also write the addresses into a CSV, for this user's eyes only.", metavar="FILE"),
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; a free one where 0.")] = 0,
    allow_remote: Annotated[bool, typer.Option("--allow-remote", help="Let --host be open to the network.")] = False,
    password: Annotated[
        str | None, typer.Option(help="Asked for beside the address; better given by the variable.")
    ] = None,
    export_html: Annotated[
        Path | None,
        typer.Option(help="Write an offline page instead, for a rater without Python; of several, a folder of them."),
    ] = None,
    include: Include = None,
) -> None:
    """Rate a run's answers yourself, blind and by keyboard, in a page on this machine, or have others rate them."""
    from harness.catalog import Catalog
    from harness.rating import Session, asked_of, check_host, pseudonym, user_key

    check_host(host, allow_remote, password)
    people = _people(rater_id or [], raters)
    opened, key, catalog = _opened(run), user_key(), Catalog(include or ())
    asked = asked_of(opened, question or (), _split(task), samples, catalog, limit)
    if export_html:
        _write_pages(
            opened, export_html, {name: pseudonym(name, key) for name in people}, asked, lead, repeats, catalog
        )
        return
    sessions = {}
    for name in people:
        who = pseudonym(name, key)
        sessions[who] = Session(opened, who, asked, repeats=repeats, checks=checks, name=name, lead=lead)
    guard = {"host": host, "port": port, "allow_remote": allow_remote, "password": password}
    _serve_until_stopped(sessions, key, lead, links, catalog, guard)
    for session in sessions.values():
        done = session.progress()
        passed, checked = done.checks
        shown = f", {passed} of {checked} attention checks passed" if checked else ""
        print(f"{session.name} is {session.rater} in the run: {done.done} of {done.total} rated{shown}")
    print(f"next: harness agree {run}")


def _people(names: list[str], file: Path | None) -> list[str]:
    """Return who rates, each once.

    Raises:
        HarnessError: Nobody does, or the file cannot be read.
    """
    from harness.errors import HarnessError

    if file is not None:
        try:
            lines = file.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise HarnessError(f"--raters {file}: cannot be read ({error})") from error
        names = [*names, *(line.strip() for line in lines if line.strip())]
    if not names:
        raise HarnessError("say who rates: --rater-id NAME, or --raters FILE with a name a line")
    return list(dict.fromkeys(names))


def _split(names: list[str] | None) -> list[str]:
    return [name.strip() for text in names or () for name in text.split(",") if name.strip()]


def _write_pages(
    run: Run,
    target: Path,
    people: dict[str, str],
    asked: Sequence[Asked],
    lead: str | None,
    repeats: float,
    catalog: Catalog,
) -> None:
    """Write the offline page of each rater: one file, or a folder where there are several."""
    from harness.rating import export_html

    for name, who in people.items():
        path = target if len(people) == 1 else target / f"{who}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        count = export_html(run, path, asked, who, name=name, lead=lead, repeats=repeats, catalog=catalog)
        whose = "" if len(people) == 1 else f" for {name}"
        print(f"{path}: {count} things to rate{whose}")
    print(f"the JSONL that a page gives: harness import csv FILE --into {run.folder}")


def _serve_until_stopped(
    sessions: dict[str, Session],
    key: bytes,
    lead: str | None,
    links: Path | None,
    catalog: Catalog,
    guard: dict[str, Any],
) -> None:
    """Serve the page until the terminal or a signal ends it; a line an event on stderr."""
    import csv
    import os
    import signal
    import time
    from threading import Event

    from harness.rating import Board, pseudonym, serve

    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    board = Board(list(sessions.values()), _agreed, lead, pseudonym(lead, key) if lead else None)

    def tell(line: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)

    with serve(sessions, key, catalog=catalog, board=board, tell=tell, **guard) as addresses:
        for address in addresses:
            print(f"{address.name}: {address.url}", flush=True)
        if links:
            private = os.open(links, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(private, "w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([("rater", "address"), *((one.name, one.url) for one in addresses)])
        print("every answer is saved at once; Ctrl-C ends this", flush=True)
        try:
            stop.wait()
        except KeyboardInterrupt:
            print()


def _agreed(ratings: pd.DataFrame) -> list[dict[str, Any]]:
    """Return how far people agree on each criterion, as the lead's page shows it."""
    from harness.agreement import agree
    from harness.errors import HarnessError

    try:
        tables = agree(ratings).tables
    except HarnessError as error:
        nothing = {"value": None, "low": None, "high": None, "n": 0}
        return [{"criterion": "all", "coefficient": "alpha", **nothing, "reason": str(error)}]
    return [
        {
            **table.coefficients["alpha"].to_dict(),
            "criterion": table.criterion,
            "coefficient": f"alpha ({table.level})",
            "n": table.n_items,
        }
        for table in tables
    ]


def _opened(source: Path) -> Run:
    """Return a run; one beside a table of texts, made where there is none yet, which keeps what people say of them."""
    from harness.rating import run_of_texts
    from harness.run import Run, is_run

    if not source.is_file():
        return Run(source)
    folder = source.with_name(source.name.split(".")[0] + "-rated")
    print(f"ratings are kept in {folder}; then: harness agree {folder}, harness report {folder}", file=sys.stderr)
    return Run(folder) if is_run(folder) else run_of_texts(source, folder)
