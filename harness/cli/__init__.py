"""The command `harness`: every command is a thin module here, over a function that can be called from Python.

Results go to stdout, progress and messages to stderr. Exit codes: 0 done, 1 unexpected error, 2 wrong input, 3
incomplete but resumable, 4 a gate failed, 5 budget, 130 interrupted (what was done is saved).
"""

from __future__ import annotations

import errno
import sys
from typing import Annotated

import typer

from harness.cli.command import Command, Group
from harness.errors import BudgetError, HarnessError, IncompleteError

app = typer.Typer(
    name="harness",
    help="Compare human and AI feedback; tell whether training on it keeps improving a model.",
    cls=Group,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "HARNESS"},
)


def _say_version(wanted: bool) -> None:
    if wanted:
        from harness import __version__

        print(f"feedback-harness {__version__}")
        raise typer.Exit


BEGIN = """\
Compare human and AI feedback; tell whether training on it keeps improving a model.

Three ways to begin:
  harness demo           see a finished comparison in seconds: no model, no key, no network
  harness agree FILE     you have ratings of people or judges: how far they agree, and who can be trusted
  harness rounds FILE    you have scores of rounds or checkpoints: does training still help?

Then: harness quickstart (the whole product with a real small model, five minutes), harness init (a suite of your own).
All commands: harness --help"""


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Say which version this is.", callback=_say_version, is_eager=True)
    ] = False,
    max_bytes: Annotated[
        int | None, typer.Option(min=1, help="Read files of up to so many bytes, unpacked; 4 GiB where not given.")
    ] = None,
) -> None:
    """Compare human and AI feedback; tell whether training on it keeps improving a model."""
    from harness.cli.plain_text import show_control_characters

    show_control_characters()
    if max_bytes:
        from harness.rating import allow_bytes

        allow_bytes(max_bytes)
    if context.invoked_subcommand is None:
        print(BEGIN)


def _register() -> None:
    from harness.cli.agree import agree
    from harness.cli.annotate import annotate
    from harness.cli.audit import audit
    from harness.cli.catalogue import ls, schema, validate
    from harness.cli.check import check
    from harness.cli.demo import demo
    from harness.cli.doctor import doctor
    from harness.cli.exchange import exchange
    from harness.cli.human import export, import_
    from harness.cli.init import init
    from harness.cli.new import new
    from harness.cli.packages import packages
    from harness.cli.people import people
    from harness.cli.plan import plan
    from harness.cli.report import publish, report, view
    from harness.cli.rounds import rounds
    from harness.cli.run import quickstart, rate, run
    from harness.cli.verify import verify

    for command in (
        demo,
        quickstart,
        init,
        new,
        plan,
        run,
        rate,
        annotate,
        agree,
        audit,
        people,
        rounds,
        exchange,
        report,
        publish,
        view,
        verify,
        packages,
        export,
        ls,
        validate,
        schema,
        check,
        doctor,
    ):
        app.command(cls=Command)(command)
    app.command("import", cls=Command)(import_)


_register()


ROOM = "make room or choose another place, then the same command goes on"
WRITABLE = "choose a place that may be written, or change who may"
REFUSED = {
    errno.ENOSPC: ROOM,
    errno.EDQUOT: ROOM,
    errno.EFBIG: ROOM,
    errno.EROFS: WRITABLE,
    errno.EACCES: WRITABLE,
    errno.EPERM: WRITABLE,
    errno.EIO: "the disk is failing; `harness check RUN` says what is whole",
}
"""What a machine refuses, and what helps: told without a traceback wherever it happens."""


def main() -> None:
    """Run the command line; a `HarnessError`, a full disk and too little memory are told without a traceback."""
    try:
        app()
    except BudgetError as error:
        _stop(str(error), 5)
    except IncompleteError as error:
        _stop(str(error), 3)
    except HarnessError as error:
        _stop(str(error), 2)
    except OSError as error:
        if error.errno not in REFUSED:
            raise
        _stop(f"{error.filename or 'a file'}: {error.strerror}; {REFUSED[error.errno]}", 2)
    except MemoryError:
        _stop("there is too little memory for this; give it less at once (--limit, a smaller file) or more memory", 2)
    except KeyboardInterrupt:
        _stop("interrupted; what was done is saved, the same command goes on", 130)


def _stop(message: str, code: int) -> None:
    print(f"harness: {message}", file=sys.stderr)
    sys.exit(code)
