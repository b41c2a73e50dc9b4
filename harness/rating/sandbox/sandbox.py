"""Two jails, one for the tests and one for the candidate: what checks a program.

The harness reads nothing that the candidate wrote. Calls cross between the two children directly; only the verdict
of the tests' child, and how the candidate's child ended, come out.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO, Self

from harness.rating.sandbox.check import Check, CheckResult, Outcome, Tests
from harness.rating.sandbox.inside.plain import Channel, Closed, Descriptor, TooLarge
from harness.rating.sandbox.jail import Jail
from harness.rating.sandbox.zygote import PATIENCE, Exit, Zygote, ZygoteDied, on_processor

MAX_VERDICT = 1 << 20
MAX_JOB = 1 << 30


class Sandbox:
    """One worker: checks one program at a time. Use as a context manager.

    The harness and the two processes take turns, so a check stays on one processor: waking another one costs more than
    most calls.
    """

    def __init__(self, jail: Jail, number: int = 0) -> None:
        """Take a jail, and a number that chooses the processor; the processes start with the first check."""
        self.jail = jail
        usable = sorted(os.sched_getaffinity(0))
        self.processor = usable[number % len(usable)]
        self._tests: Zygote | None = None
        self._candidate: Zygote | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        for zygote in (self._tests, self._candidate):
            if zygote:
                zygote.close()
        self._tests = self._candidate = None

    def check(self, check: Check) -> CheckResult:
        """Run a check; a sandbox that was killed is made anew, and the check done once more."""
        for _ in range(2):
            try:
                with on_processor(self.processor):
                    if check.together:
                        return self._together(check)
                    return self._inputs(check) if check.tests.kind == "programs" else self._apart(check)
            except ZygoteDied as error:
                self.close()
                died = str(error)
        return CheckResult("error", f"the sandbox died twice: {died}")

    def _apart(self, check: Check) -> CheckResult:
        """Tests and candidate in a jail each."""
        self._tests = self._tests or Zygote(self.jail, self.processor)
        self._candidate = self._candidate or Zygote(self.jail, self.processor)
        limits, tests = check.limits, check.tests
        name = "__main__" if tests.kind == "programs" else tests.module
        candidate_job = {"role": "candidate", "source": check.source, "name": name, "given": check.given}
        with _pair() as (tests_job, tests_end), _pair() as (left, right), _file(candidate_job) as job:
            self._candidate.begin(limits, (job, right))
            self._tests.begin(limits, (tests_end, left), waits=True)
            for end in (tests_end, left, right):
                end.close()
            _give(tests_job, {"role": "tests", "seconds": limits.seconds * PATIENCE, **_job(tests)})
            found = _verdict(tests_job, limits.seconds)
            self._candidate.stop()
            self._tests.stop()
            candidate_exit, tests_exit = self._candidate.ended(), self._tests.ended()
        seconds = candidate_exit.seconds + tests_exit.seconds
        if found is None:
            return _without_verdict(tests_exit, seconds)
        outcome, reason = found["outcome"], found["reason"]
        if outcome == "gone":
            outcome, reason = _fate(candidate_exit)
        return CheckResult(outcome, reason, tuple(found["passed"]), seconds)

    def _inputs(self, check: Check) -> CheckResult:
        """A new process for each input: nothing that a program leaves in a module is there for the next one."""
        passed: list[str] = []
        seconds = 0.0
        for part, cases in check.tests.parts.items():
            for case in cases:
                limits = replace(check.limits, seconds=check.limits.seconds - seconds)
                one = replace(check, tests=replace(check.tests, parts={part: [case]}), limits=limits)
                found = self._apart(one) if limits.seconds > 0 else CheckResult("timeout", "not answered in time")
                seconds += found.seconds
                if found.outcome != "passed":
                    return replace(found, passed=tuple(passed), seconds=seconds)
            passed.append(part)
        return CheckResult("passed", "", tuple(passed), seconds)

    def _together(self, check: Check) -> CheckResult:
        """Tests and candidate in one process: the verdict can be forged."""
        self._candidate = self._candidate or Zygote(self.jail, self.processor)
        with _pair() as (job, end):
            self._candidate.begin(check.limits, (end,))
            end.close()
            _give(job, {"role": "together", "source": check.source, "given": check.given, **_job(check.tests)})
            found = _verdict(job, check.limits.seconds)
            self._candidate.stop()
            exit_ = self._candidate.ended()
        if found is None:
            outcome, reason = _fate(exit_)
            return CheckResult(outcome, reason, (), exit_.seconds)
        return CheckResult(found["outcome"], found["reason"], tuple(found["passed"]), exit_.seconds)


@contextlib.contextmanager
def _pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@contextlib.contextmanager
def _file(job: dict[str, Any]) -> Iterator[BinaryIO]:
    """Give a job as a file without a name: a candidate has nothing to tell the harness, so a socket is too much."""
    with open(os.memfd_create("job"), "r+b", buffering=0) as file:
        Channel(Descriptor(file.fileno()), MAX_JOB).send(job)
        file.seek(0)
        yield file


def _job(tests: Tests) -> dict[str, Any]:
    return {
        "kind": tests.kind,
        "parts": tests.parts,
        "entry_point": tests.entry_point,
        "prelude": tests.prelude,
        "setup": tests.setup,
        "module": tests.module,
        "reference": tests.reference,
        "tolerance": tests.tolerance,
    }


def _give(end: socket.socket, job: dict[str, Any]) -> None:
    """Send a job; a child that is gone already shows in how it ended."""
    end.settimeout(10.0)
    with contextlib.suppress(Closed, TimeoutError):
        Channel(end, MAX_JOB).send(job)


def _verdict(end: socket.socket, seconds: float) -> dict[str, Any] | None:
    """Return what the child reports, or None where it ended without a report."""
    end.settimeout(seconds * PATIENCE + 5)
    try:
        found = Channel(end, MAX_VERDICT).receive()
    except (Closed, TooLarge, TimeoutError, ValueError):
        return None
    known = isinstance(found, dict) and {"outcome", "reason", "passed"} <= set(found)
    return found if known else None


def _without_verdict(tests_exit: Exit, seconds: float) -> CheckResult:
    """Say why the tests' child gave no verdict: what the candidate returned kept it too long, or the sandbox failed."""
    if tests_exit.late or tests_exit.code in (-signal.SIGXCPU, -signal.SIGKILL):
        return CheckResult("timeout", "the tests did not end in time with what the candidate returned", (), seconds)
    return CheckResult("error", f"the tests' process ended with {tests_exit.code} and no verdict", (), seconds)


def _fate(exit_: Exit) -> tuple[Outcome, str]:
    """Say why a candidate's process is gone."""
    if exit_.late or exit_.code == -signal.SIGXCPU:
        return "timeout", "not answered in time"
    if exit_.code < 0 and exit_.code != -signal.SIGKILL:
        return "crash", f"ended by {signal.Signals(-exit_.code).name}"
    return "crash", "left before the tests were through"


class Sandboxes:
    """Several workers; checks run side by side. Use as a context manager."""

    def __init__(self, jail: Jail, workers: int = 2) -> None:
        """Take a jail and a number of workers."""
        self.jail = jail
        self.workers = max(1, workers)
        self._all = [Sandbox(jail, number) for number in range(self.workers)]
        self._free: queue.SimpleQueue[Sandbox] = queue.SimpleQueue()
        for sandbox in self._all:
            self._free.put(sandbox)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all processes."""
        for sandbox in self._all:
            sandbox.close()

    def check(self, check: Check) -> CheckResult:
        """Run one check on a free worker, waiting for one."""
        sandbox = self._free.get()
        try:
            return sandbox.check(check)
        finally:
            self._free.put(sandbox)
