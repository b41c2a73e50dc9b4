"""One warm process in a jail, seen from outside: orders go in with sockets, and how the child ended comes back."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from harness.errors import HarnessError
from harness.rating.sandbox.check import Limits
from harness.rating.sandbox.inside.zygote import EXIT, ORDER
from harness.rating.sandbox.jail import Jail

PATIENCE = 4.0
"""How many times its seconds a check may last where the machine is busy."""
START_SECONDS = 60.0
ANSWER_SECONDS = 30.0


class ZygoteDied(Exception):
    """The warm process is gone: nothing is known about the program that it ran."""


@dataclass(frozen=True)
class Exit:
    """How a child ended."""

    code: int
    """The exit code, or minus the signal."""
    late: bool
    seconds: float
    """Of processor time."""


@contextlib.contextmanager
def on_processor(processor: int) -> Iterator[None]:
    """Let this thread, and what it starts meanwhile, run on one processor only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {processor})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Zygote:
    """A warm process that forks a child per check."""

    def __init__(self, jail: Jail, processor: int) -> None:
        """Start the process and wait until it is ready.

        Args:
            jail: How it is shut in.
            processor: The one that it and its children run on.

        Raises:
            HarnessError: It does not start.
        """
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, on_processor(processor):
            self.process = subprocess.Popen(
                jail.command,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "LD_BIND_NOW": "1"},
                start_new_session=True,
            )
        self.control.settimeout(START_SECONDS)
        if self._receive(len(b"ready")) != b"ready":
            self.process.kill()
            _, errors = self.process.communicate()
            self.control.close()
            raise HarnessError(f"the sandbox ({jail.isolation}) does not start: {errors.decode()[-500:].strip()}")
        self.control.settimeout(ANSWER_SECONDS)

    def begin(self, limits: Limits, ends: Sequence[socket.socket | BinaryIO], waits: bool = False) -> None:
        """Fork a child that owns the sockets: the job's, and the one to the other side where there is one.

        Args:
            limits: The check's.
            ends: The sockets; a job for which there is no answer can come as a file.
            waits: Whether the child mostly waits for another one, so that its idle time is not its own.

        Raises:
            ZygoteDied: Nobody takes the order.
        """
        patience = limits.seconds * PATIENCE
        order = ORDER.pack(
            b"R",
            patience + 1 if waits else limits.seconds,
            patience + 1,
            limits.memory_mb << 20,
            limits.message_mb << 20,
        )
        try:
            socket.send_fds(self.control, [order], [end.fileno() for end in ends])
        except OSError as error:
            raise ZygoteDied(str(error)) from error

    def stop(self) -> None:
        """End the child if it still runs.

        Raises:
            ZygoteDied: Nobody takes the order.
        """
        try:
            self.control.send(ORDER.pack(b"E", 0.0, 0.0, 0, 0))
        except OSError as error:
            raise ZygoteDied(str(error)) from error

    def ended(self) -> Exit:
        """Return how the child ended that was stopped.

        Raises:
            ZygoteDied: There is no answer.
        """
        data = self._receive(EXIT.size)
        if len(data) != EXIT.size:
            raise ZygoteDied("no answer")
        status, late, seconds, _ = EXIT.unpack(data)
        return Exit(os.waitstatus_to_exitcode(status), late, seconds)

    def _receive(self, size: int) -> bytes:
        try:
            return self.control.recv(size)
        except OSError:
            return b""

    def close(self) -> None:
        """End the process and whatever it runs."""
        self.control.close()
        try:
            self.process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        if self.process.stderr:
            self.process.stderr.close()
