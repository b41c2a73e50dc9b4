"""Mathematical equivalence, decided by `math-verify` in a process of its own.

An expression can keep a computer algebra system busy for ever, often where no handler of a signal is called, so the
kernel ends the process when its time is up, and a new one goes on.
"""

from __future__ import annotations

import importlib.util
import json
import resource
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import Field

from harness.errors import UnavailableError
from harness.rating.rater import RaterSpec, Surroundings, Work
from harness.rating.settings import Settings, read_settings
from harness.rating.verifiers.verifier import Checked, NoKey, Verifier, any_of
from harness.records import Item, Rating

MEMORY = 2 << 30
START_SECONDS = 60.0
PATIENCE = 20
"""How many times its seconds of the processor a comparison may take by the clock."""


class MathSettings(Settings):
    """How long one comparison may take."""

    seconds: float = Field(5.0, gt=0)
    """Of the processor, so that a busy machine decides nothing."""


class Algebra:
    """The process that compares; started when it is first asked."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._process: subprocess.Popen[str] | None = None

    def compare(self, target: str, answer: str, seconds: float) -> dict[str, Any] | None:
        """Return what the process finds, or None where it needed more time or memory than it may have.

        Returns:
            `target` and `answer`: the expressions read, as text (null where none can be read); `same`.

        Raises:
            NoKey: The machine is too busy to say.
        """
        if self._process is None:
            command = [sys.executable, "-m", "harness.rating.verifiers.mathematics"]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self._ask({}, START_SECONDS)
        return self._ask({"target": target, "answer": answer, "seconds": seconds}, PATIENCE * seconds + START_SECONDS)

    def _ask(self, question: dict[str, Any], seconds: float) -> dict[str, Any] | None:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            print(json.dumps(question), file=process.stdin, flush=True)
            ready = bool(select.select([process.stdout], [], [], seconds)[0])
            line = process.stdout.readline() if ready else ""
        except BrokenPipeError:
            ready, line = True, ""
        if line:
            found: dict[str, Any] = json.loads(line)
            return found
        self.close()
        if not ready:
            raise NoKey("the process that compares expressions is not given the processor")
        return None

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


class MathVerifier(Verifier):
    """A verifier that ends its process when its work is done."""

    def __init__(self, spec: RaterSpec, settings: MathSettings) -> None:
        """Make the verifier."""
        super().__init__(spec, settings, self._decide)
        self.seconds = settings.seconds
        self.algebra = Algebra()

    def rate(self, work: Sequence[Work]) -> Iterator[Rating]:
        """Yield one rating a piece of work."""
        try:
            yield from super().rate(work)
        finally:
            self.algebra.close()

    def _decide(self, item: Item, answer: str) -> Checked:
        def check(target: str) -> Checked:
            found = self.algebra.compare(target, answer, self.seconds)
            if found is None:
                return Checked(False, f"no result within {self.seconds} s of the processor and {MEMORY >> 30} GiB")
            if found["target"] is None:
                raise NoKey(f"item {item.item_id!r} of {item.task!r}: no expression in the target {target!r:.80}")
            if found["answer"] is None:
                return Checked(False, "no expression can be read in the answer")
            return Checked(found["same"], None if found["same"] else "another expression", found["answer"])

        return any_of(item, check)


def math_verify(spec: RaterSpec, _: Surroundings) -> MathVerifier:
    """Make the rater `math_verify`.

    Raises:
        UnavailableError: The package is not installed.
    """
    if importlib.util.find_spec("math_verify") is None:
        raise UnavailableError(f"{spec.name or 'math_verify'} needs math-verify: pip install 'feedback-harness[math]'")
    return MathVerifier(spec, read_settings(spec, MathSettings))


def main() -> None:
    """Answer questions, one JSON object a line, until there are no more."""
    import logging

    import math_verify  # type: ignore[import-untyped]

    logging.disable()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for line in sys.stdin:
        question = json.loads(line)
        answer = {}
        if question:
            signal.setitimer(signal.ITIMER_PROF, question["seconds"])  # ends the process
            gold = _parsed(math_verify, question["target"], bare=True)
            found = _parsed(math_verify, question["answer"], bare=" " not in question["answer"].strip())
            same = bool(gold and found) and bool(math_verify.verify(gold, found, timeout_seconds=None))
            signal.setitimer(signal.ITIMER_PROF, 0)
            answer = {"target": _shown(gold), "answer": _shown(found), "same": same}
        print(json.dumps(answer), flush=True)


def _parsed(math_verify: Any, text: str, bare: bool) -> list[Any]:
    """Return the expressions that a text holds; a bare one is read as if it stood between dollar signs."""
    found: list[Any] = math_verify.parse(text, parsing_timeout=None)
    return found if found or not bare else list(math_verify.parse(f"${text}$", parsing_timeout=None))


def _shown(expressions: list[Any]) -> str | None:
    return str(expressions[0])[:200] if expressions else None


if __name__ == "__main__":
    main()
