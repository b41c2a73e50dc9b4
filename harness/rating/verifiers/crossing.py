"""Judges programs, and decides what becomes of tests that cannot be run across two processes.

Whether tests can cross is a property of the problem, never of the candidate: else a model could escape a 0 by
returning something odd. Where a reference solution is known, it tells: tests that it passes in one process but not in
two cannot cross, and tests that it fails in both say nothing about anybody. Where none is known, tests that need an
object of the candidate's own, or patch what it uses, are given to both in one process: what fails even there is wrong,
what passes there may be forged, and is skipped.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

from harness.rating.sandbox.check import Check, CheckResult
from harness.rating.sandbox.sandbox import Sandboxes
from harness.rating.verifiers.reaching import reaches
from harness.records import Flag

Word = str
"""passed, failed, visible_only, timeout, memory, crash, error or skipped."""


NO_VALUE = "the problem's own solution fails its tests: "
Crosses = Literal["apart", "together", "never"]
"""How the reference solution passes its tests: across two processes, in one alone, not at all."""


@dataclass(frozen=True)
class Judgement:
    """What is said of one program."""

    word: Word
    reason: str
    verdict: CheckResult | None
    flags: tuple[Flag, ...] = ()

    @property
    def value(self) -> float | None:
        """1 passed, 0 not, None where nothing is known about the program."""
        return None if self.word in ("error", "skipped") else float(self.word == "passed")


class ProgramChecker:
    """Judges programs in sandboxes; remembers which problems' tests can cross."""

    def __init__(self, sandboxes: Sandboxes, accept_same_process: bool = False) -> None:
        """Take the sandboxes, and whether tests that cannot cross may run in the candidate's own process."""
        self.sandboxes = sandboxes
        self.accept_same_process = accept_same_process
        self._crosses: dict[str, tuple[Crosses, CheckResult]] = {}
        self._lock = threading.Lock()

    def judge_all(self, checks: Sequence[Check]) -> Iterator[Judgement]:
        """Judge programs side by side; yields in their order."""
        with ThreadPoolExecutor(self.sandboxes.workers) as threads:
            yield from threads.map(self.judge, checks)

    def judge(self, check: Check) -> Judgement:
        """Judge one program."""
        flags: tuple[Flag, ...] = ("unsafe_local",) if self.sandboxes.jail.isolation == "none" else ()
        if not check.source.strip():
            return Judgement("failed", "the answer holds no code", None, flags)
        crosses, trial = self._can_cross(check)
        if crosses == "never":
            return Judgement("skipped", f"{NO_VALUE}{trial.reason if trial else ''}", None, flags)
        if crosses == "together":
            return self._same_process(check, flags)
        verdict = trial if trial and check.source == check.tests.reference else self.sandboxes.check(check)
        unsure = verdict.outcome in ("uncrossable", "opaque") or (verdict.outcome == "failed" and reaches(check.tests))
        if unsure and crosses is None:
            return self._undecided(check, verdict, flags)
        if verdict.outcome == "skipped" and crosses is None:
            return Judgement("skipped", verdict.reason, verdict, flags)
        word = "failed" if verdict.outcome in ("uncrossable", "opaque", "skipped") else str(verdict.outcome)
        if word not in ("passed", "error") and "visible" in verdict.passed and "hidden" in check.tests.parts:
            return Judgement("visible_only", verdict.reason, verdict, (*flags, "visible_only"))
        return Judgement(word, verdict.reason, verdict, flags)

    def _undecided(self, check: Check, verdict: CheckResult, flags: tuple[Flag, ...]) -> Judgement:
        """Judge a program whose own objects the tests compare, where nobody knows whether they have to."""
        if self.accept_same_process:
            return self._same_process(check, flags)
        if check.tests.kind in ("script", "pytest"):
            beside = self.sandboxes.check(replace(check, together=True))
            if beside.outcome == "passed":
                return self._same_process(check, flags)
        return Judgement("failed", verdict.reason, verdict, flags)

    def _same_process(self, check: Check, flags: tuple[Flag, ...]) -> Judgement:
        flags = (*flags, "same_process")
        if not self.accept_same_process:
            return Judgement("skipped", "the tests need more of the candidate than plain data", None, flags)
        verdict = self.sandboxes.check(replace(check, together=True))
        return Judgement(str(verdict.outcome), verdict.reason, verdict, flags)

    def _can_cross(self, check: Check) -> tuple[Crosses | None, CheckResult | None]:
        """Tell whether the tests can cross, and the verdict on the reference solution; None where there is none."""
        reference = check.tests.reference
        if reference is None:
            return None, None
        key = check.tests.identity()
        with self._lock:
            known = self._crosses.get(key)
        if known is None:
            trial = check.of(reference)
            verdict = self.sandboxes.check(trial)
            crosses: Crosses = "apart"
            if verdict.outcome != "passed":
                beside = self.sandboxes.check(replace(trial, together=True))
                crosses = "together" if beside.outcome == "passed" else "never"
            known = crosses, verdict
            if verdict.outcome != "error":
                with self._lock:
                    self._crosses[key] = known
        return known
