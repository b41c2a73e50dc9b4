"""feedback-harness: compares human and AI feedback, and tells whether training on it still improves a model.

    import harness as h

    run = h.load("runs/quickstart")
    run.items, run.responses, run.ratings          # DataFrames, the records' fields as columns
    h.agree(ratings, level="ordinal")              # who agrees with whom
    h.compare_rounds(scores, sesoi=1.0)            # improving, plateaued, worsening or inconclusive
    h.report(run)                                  # the page

Everything that a command does is a function here, imported when it is first used, so that `import harness` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.agreement import agree, rank
    from harness.forecast import plan_suite
    from harness.rating.annotation import annotate
    from harness.rating.evaluations import import_evaluations
    from harness.rating.human import import_ratings
    from harness.rating.sheets import export_csv
    from harness.reporting import publish, report
    from harness.rounds import compare_rounds, plan_rounds
    from harness.run import Run as load
    from harness.stages import rate, run_suite

__version__ = "0.1.0"

PUBLIC = {
    "agree": "harness.agreement",
    "annotate": "harness.rating.annotation",
    "audit": "harness.agreement.audit",
    "compare_rounds": "harness.rounds",
    "export_csv": "harness.rating.sheets",
    "import_evaluations": "harness.rating.evaluations",
    "import_ratings": "harness.rating.human",
    "load": "harness.run:Run",
    "plan_rounds": "harness.rounds",
    "plan_suite": "harness.forecast",
    "publish": "harness.reporting",
    "rank": "harness.agreement",
    "rate": "harness.stages",
    "report": "harness.reporting",
    "run_suite": "harness.stages",
}
"""What is public, and where it lives."""

__all__ = [
    "__version__",
    "agree",
    "annotate",
    "audit",
    "compare_rounds",
    "export_csv",
    "import_evaluations",
    "import_ratings",
    "load",
    "plan_rounds",
    "plan_suite",
    "publish",
    "rank",
    "rate",
    "report",
    "run_suite",
]


def __getattr__(name: str) -> Any:
    if name not in PUBLIC:
        raise AttributeError(f"module 'harness' has no attribute {name!r}")
    module, _, attribute = PUBLIC[name].partition(":")
    return getattr(importlib.import_module(module), attribute or name)


def __dir__() -> list[str]:
    return sorted(__all__)
