"""The rater `unit_tests`: does model-written code pass its tests, judged where the code cannot reach the verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import Field

from harness.errors import HarnessError
from harness.kinds import identity_of
from harness.rating.rater import RaterSpec, Surroundings, Work, rating_of
from harness.rating.sandbox.attacks import choose
from harness.rating.sandbox.check import Check, Limits
from harness.rating.sandbox.packages import packages_folder
from harness.rating.sandbox.sandbox import Sandboxes
from harness.rating.settings import Settings, read_settings
from harness.rating.verifiers.crossing import Judgement, ProgramChecker
from harness.rating.verifiers.given import given
from harness.rating.verifiers.problems import program, read_tests
from harness.rating.verifiers.verifier import NoKey, facts_of, unanswered
from harness.records import Rating, digest


class UnitTestSettings(Settings):
    """Settings of the rater; a task's own `limits` in an item's metadata come first."""

    seconds: float = Field(10.0, gt=0)
    """Of processor time, or of time while the program hardly runs; four times as long at the most."""
    memory_mb: int = Field(1024, ge=64)
    message_mb: int = Field(8, ge=1)
    packages: Path | None = None
    """What programs and tests may import: a folder, relative to the rater's, or names that `harness packages` was given
    (`numpy`)."""
    modules: list[str] = Field(default_factory=list)
    """What is imported once for all checks, besides the usual modules."""
    tests: Literal["all", "visible"] = "all"
    """`visible`: those that the prompt shows alone, a check that sees part of what is asked."""


class UnitTests:
    """Rates 1 what passes all tests, 0 what does not, with the reason in `error`.

    Passing the visible and failing the hidden tests is 0 with the flag `visible_only`. Tests that cannot run apart from
    the candidate are skipped (flag `same_process`) unless accepted.
    """

    def __init__(self, spec: RaterSpec, surroundings: Surroundings) -> None:
        """Make the rater.

        Raises:
            HarnessError: There is no sandbox here; says what to install.
        """
        self.spec = spec
        self.settings = read_settings(spec, UnitTestSettings)
        named = self.settings.packages
        packages = packages_folder(str(named), spec.folder, surroundings.cache) if named is not None else None
        self.jail = choose(surroundings.unsafe_local, packages, tuple(self.settings.modules))
        self.surroundings = surroundings
        decisive = self.settings.model_dump(mode="json", exclude={"tests"} if self.settings.tests == "all" else None)
        self.version = digest(identity_of(spec.use), decisive, self.jail.isolation, surroundings.accept_same_process, 5)

    def rate(self, work: Sequence[Work]) -> Iterator[Rating]:
        """Yield one rating a piece of work."""
        checks: list[tuple[Work, Check]] = []
        for piece in work:
            known = unanswered(self.spec, self.version, piece)
            if known is None:
                try:
                    checks.append((piece, self._check(piece)))
                except HarnessError as error:
                    known = rating_of(self.spec, self.version, piece, status="error", error=str(error))
            if known is not None:
                yield known
        if not checks:
            return
        with Sandboxes(self.jail, self.surroundings.workers) as sandboxes:
            court = ProgramChecker(sandboxes, self.surroundings.accept_same_process)
            for (piece, _), judgement in zip(checks, court.judge_all([check for _, check in checks]), strict=True):
                yield self._rating(piece, judgement)

    def _check(self, work: Work) -> Check:
        facts = facts_of(work.item)
        limits = {name: getattr(self.settings, name) for name in ("seconds", "memory_mb", "message_mb")}
        chosen = facts.get("limits") or {}
        if not isinstance(chosen, dict) or set(chosen) - set(limits):
            raise NoKey(f"item {work.item.item_id!r}: limits are {', '.join(limits)}, not {chosen!r}")
        source = program(facts, work.response.text or "")
        tests = read_tests({"task_id": work.item.item_id, **facts})
        if self.settings.tests == "visible":
            if "visible" not in tests.parts:
                raise NoKey(f"item {work.item.item_id!r} of {work.item.task!r} has no visible tests")
            tests = replace(tests, parts={"visible": tests.parts["visible"]})
        return Check(source, tests, Limits(**{**limits, **chosen}), given=given(facts, source))

    def _rating(self, work: Work, judgement: Judgement) -> Rating:
        word = judgement.word
        verdict = judgement.verdict
        reason = None if word == "passed" else f"{word}: {judgement.reason}" if judgement.reason else word
        return rating_of(
            self.spec,
            self.version,
            work,
            value=judgement.value,
            status=word if word in ("error", "skipped") else "ok",
            error=reason,
            flags=list(judgement.flags),
            seconds=verdict.seconds if verdict else None,
            metadata={"outcome": word, "passed": list(verdict.passed) if verdict else []},
        )


def unit_tests(spec: RaterSpec, surroundings: Surroundings) -> UnitTests:
    """Make the rater `unit_tests`."""
    return UnitTests(spec, surroundings)
