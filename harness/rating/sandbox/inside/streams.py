"""The standard streams of a program under test, as it would find them in a process of its own.

Descriptors 0 and 1 are pipes, so it makes no difference by which way a program reads and prints: `print`,
`sys.__stdout__`, `os.write(1, ...)`, `open(1, "w")`.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import io
import os
import sys
import threading
from typing import Any, NoReturn

OPEN = open
DEVICES = {"/dev/stdin": 0, "/dev/fd/0": 0, "/dev/stdout": 1, "/dev/fd/1": 1}


def _opened(file: Any, *arguments: Any, **named: Any) -> Any:
    """Open a file, or a standard stream by its name, which needs a `/proc` otherwise."""
    if isinstance(file, str) and file in DEVICES:
        return OPEN(DEVICES[file], *arguments, **{**named, "closefd": False})
    return OPEN(file, *arguments, **named)


class Left(BaseException):
    """The program called `os._exit`."""

    def __init__(self, code: int = 0) -> None:
        super().__init__(code)
        self.code = code


def leave(code: int = 0) -> NoReturn:
    """Stand in for `os._exit`, which would take what the program printed with it."""
    raise Left(code)


class Streams:
    """What a program reads, and what it has printed when it has ended."""

    def __init__(self, given: str, most: int) -> None:
        """Put pipes in the place of descriptors 0 and 1.

        Args:
            given: The standard input.
            most: Bytes of output that are kept; more is read, and dropped.
        """
        self.most = most
        self.printed = bytearray()
        self.end = os.urandom(16)
        source, feed = os.pipe()
        self.drain, self.sink = os.pipe()
        os.dup2(source, 0)
        os.dup2(self.sink, 1)
        if source:
            os.close(source)
        threading.Thread(target=_feed, args=(feed, given.encode(errors="surrogatepass")), daemon=True).start()
        self.collector = threading.Thread(target=self._collect, daemon=True)
        self.collector.start()
        sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115
        written = io.FileIO(1, "w", closefd=False)
        sys.stdout = sys.__stdout__ = io.TextIOWrapper(  # type: ignore[misc]
            io.BufferedWriter(written), encoding="utf-8", errors="replace"
        )
        os._exit = leave  # type: ignore[assignment]
        builtins.open = io.open = _opened

    def _collect(self) -> None:
        tail = b""
        with contextlib.suppress(OSError):
            while part := os.read(self.drain, 1 << 16):
                tail = (tail + part)[-len(self.end) :]
                if len(self.printed) < self.most + len(self.end):
                    self.printed += part
                if tail == self.end:
                    return

    def ended(self) -> str:
        """End the program as the interpreter would, and return what it printed."""
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join()
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.__stdout__):
            _flush(stream)
        for descriptor in (self.sink, 1):
            with contextlib.suppress(OSError):
                os.write(descriptor, self.end)
                break
        self.collector.join(10.0)
        return bytes(self.printed.removesuffix(self.end)[: self.most]).decode(errors="replace")


def _flush(stream: Any) -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        stream.flush()


def _feed(writer: int, data: bytes) -> None:
    """Write a program's standard input; a program that does not read it all is no failure."""
    with contextlib.suppress(OSError), open(writer, "wb") as pipe:
        pipe.write(data)
