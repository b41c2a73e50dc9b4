"""A few processes that do jobs, and leave with the process that hired them, however that ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any

from harness.beside import import_beside, modules_beside
from harness.errors import IncompleteError

Call = Callable[..., Any]
"""Runs a job, somewhere, and returns its result: `call(job, *arguments)`."""


@contextmanager
def process_pool(workers: int) -> Iterator[Call]:
    """Give a `Call` that runs jobs in other processes; it may be called from many threads.

    The processes hold the reading end of a pipe whose writing end is here: when it closes (on leaving this context,
    or because this process was killed) they exit at once, in the middle of a job if need be.

    The `Call` raises an `IncompleteError` where a process was killed from outside: what is done is kept.
    """
    context = get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, context, _begin, (reader, modules_beside()))

    def call(job: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return pool.submit(job, *arguments).result()
        except BrokenProcessPool as error:
            raise IncompleteError(
                "a process that trains was killed, as the system does where memory is short; the same command goes on "
                "(`--workers 1` takes less memory)"
            ) from error

    try:
        yield call
    finally:
        writer.close()
        for worker in set(multiprocessing.active_children()) - before:
            worker.kill()  # one that hangs in a driver does not see the pipe close
        pool.shutdown(cancel_futures=True)
        reader.close()


def _begin(reader: Connection, beside: dict[str, str]) -> None:
    import_beside(beside)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the hiring process decides what an interrupt means
    Thread(target=_watch, args=(reader,), daemon=True).start()


def _watch(reader: Connection) -> None:
    try:
        reader.recv()
    except (EOFError, OSError):
        os._exit(1)
