"""What a check is: a program, the tests it must pass, the limits it runs under, and the verdict."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from harness.records import digest

Outcome = Literal["passed", "failed", "timeout", "memory", "crash", "uncrossable", "opaque", "skipped", "error"]
Kind = Literal["cases", "script", "programs", "pytest"]


@dataclass(frozen=True)
class Limits:
    """What a check may use."""

    seconds: float = 10.0
    """Of the program's processor time, or of time while it hardly runs; four times as long at the most."""
    memory_mb: int = 1024
    """Of address space."""
    message_mb: int = 8
    """Of one argument list or result that crosses."""


@dataclass(frozen=True)
class Tests:
    """The tests of one problem.

    `parts` maps a name (`visible`, `hidden`) to tests, run in order until one fails: for the kind `cases` pairs of
    arguments and expected result (a third entry is right too), for `programs` pairs of standard input and output, for
    `script` and `pytest` the text of a program.
    """

    kind: Kind
    parts: dict[str, Any]
    entry_point: str | None = None
    """The function that the tests call; without it, every name that the tests use and nobody else defines."""
    prelude: str = ""
    """What the tests may use besides: the prompt, with its imports and helper functions."""
    setup: str = ""
    """Run before each part, with the candidate's names there."""
    module: str = "candidate"
    """For `pytest`: the module that the test file imports from."""
    reference: str | None = None
    """A solution that is known to be right: tells what the tests need from a candidate, and whether it can cross."""
    tolerance: float = 1e-9
    """Relative difference of numbers that are taken to be the same, in `cases` and `programs`."""

    def identity(self) -> str:
        """Return a hash of all fields."""
        return digest(asdict(self))


@dataclass(frozen=True)
class Check:
    """One program and the tests it must pass."""

    source: str
    tests: Tests
    limits: Limits = field(default_factory=Limits)
    together: bool = False
    """Run both in one process: the verdict can be forged."""
    given: tuple[str, ...] = ()
    """Statements that are run before the program: what its problem lets it use without defining it."""

    def of(self, source: str, together: bool = False) -> Check:
        """Return the same check of another program."""
        return replace(self, source=source, together=together)


@dataclass(frozen=True)
class CheckResult:
    """How a check ended.

    `uncrossable`: the tests give the candidate what is no plain data; `opaque`: they compare what is the candidate's
    own; `skipped`: the tests fail by themselves, or are larger than may cross. `error`: the sandbox failed, and nothing
    is known about the program.
    """

    outcome: Outcome
    reason: str = ""
    passed: tuple[str, ...] = ()
    """The parts of the tests that passed."""
    seconds: float = 0.0
    """Of processor time, both sides."""
