"""Progress on stderr: a bar for each stage on a terminal, otherwise one plain line every few seconds."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY = 5.0
"""Seconds between plain lines."""


@contextmanager
def bar(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show one stage's progress.

    Args:
        title: What is being done.
        total: How many records the stage makes; with 0 the stage has nothing to do and says so.

    Yields:
        A function that is called with the number of records that are newly there.
    """
    show = _rich_bar if sys.stderr.isatty() and "CI" not in os.environ else _plain_lines
    with show(title, total) as advance:
        yield advance


@contextmanager
def _rich_bar(title: str, total: int) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<34}"), BarColumn(28), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=max(total, 1), completed=0 if total else 1)
        yield lambda count: progress.update(task, advance=count)


@contextmanager
def _plain_lines(title: str, total: int) -> Iterator[Callable[[int], None]]:
    started = last = time.monotonic()
    done = 0

    def advance(count: int) -> None:
        nonlocal done, last
        done += count
        now = time.monotonic()
        if done < total and now - last >= EVERY:  # the last line comes with the end
            last = now
            say(f"{title}: {done:,} of {total:,} ({now - started:.0f} s)")

    yield advance
    if total:
        say(f"{title}: {done:,} of {total:,} ({time.monotonic() - started:.0f} s)")
    else:
        say(f"{title}: nothing left to do")


def say(line: str) -> None:
    """Print a line to stderr."""
    print(line, file=sys.stderr, flush=True)
