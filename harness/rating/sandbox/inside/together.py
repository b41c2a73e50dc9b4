"""Candidate and tests in one interpreter: what some tests need, and no verdict to rely on.

The program under test can forge the outcome here, so a rating that comes from it carries the flag `same_process`.
"""

from __future__ import annotations

import sys
import types
from typing import Any

from . import candidate, examiner
from .examiner import described
from .handles import Ended


def examine(job: dict[str, Any]) -> dict[str, Any]:
    """Run the program, then the tests in its namespace; return the verdict as `examiner.examine` does."""
    passed: list[str] = []
    outcome, reason = "passed", ""
    try:
        module = types.ModuleType(job.get("module") or "candidate")
        sys.modules[module.__name__] = module
        candidate.run(job["source"], module.__dict__, job["given"])
        for part, script in job["parts"].items():
            if job["kind"] == "pytest":
                from . import pytests

                pytests.run(script, module.__name__, dict(module.__dict__))
            else:
                for tests in filter(None, (job["setup"], script)):
                    exec(compile(tests, "<tests>", "exec", dont_inherit=True), module.__dict__)
                examiner.run_test_cases(module.__dict__)
            passed.append(part)
    except MemoryError:
        outcome, reason = "memory", "MemoryError"
    except Ended as end:
        outcome, reason = end.outcome, end.reason
    except BaseException as error:
        outcome, reason = "failed", described(error)
    return {"outcome": outcome, "reason": reason[:500], "passed": passed}
