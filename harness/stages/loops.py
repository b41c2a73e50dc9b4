"""Whether what `rounds:` of a suite says goes together: learner, raters, rules; before anything is trained."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.learning import Learner, refuse_rater, refuse_rule, refuse_trainer, together, unloaded_learner
from harness.rating import RaterSpec, read_spec
from harness.suite import KeepUse, RoundsUse, Suite

SETTING = re.compile(r"rounds\.settings\.([^\s:]+): ")
"""How a learner says which of its settings it refuses."""


@dataclass(frozen=True)
class Feedback:
    """Who gives the feedback of a series, as declared."""

    spec: RaterSpec


def loop_faults(suite: Suite, catalog: Catalog) -> list[str]:
    """Return what does not fit, each with file and line; the learner is made by its settings, without its model."""
    use = suite.rounds
    if use is None:
        return []
    if not use.feedback:
        return [f"{suite.where('rounds', 'feedback')}rounds: feedback: there is no series to train"]
    try:
        learner = unloaded_learner(use.learner, use.settings, suite.seed, catalog)
        refuse_trainer(learner, [use.keep.get(series, KeepUse()) for series in use.feedback])
    except HarnessError as error:
        return [_placed(suite, line) for line in str(error).splitlines()]
    faults = []
    if use.explore and not hasattr(learner, "explore"):
        where = suite.where("rounds", "explore")
        faults.append(f"{where}rounds: explore: the learner {learner.name!r} draws no answers to held-out items")
    for series in use.feedback:
        try:
            _check_series(use, series, learner, catalog)
        except HarnessError as error:
            kept = series in use.keep and "keep:" in str(error)
            faults.append(f"{suite.where('rounds', 'keep' if kept else 'feedback', series)}{series}: {error}")
    return faults


def _placed(suite: Suite, line: str) -> str:
    found = SETTING.match(line)
    location = ("rounds", "settings", *found[1].split(".")) if found else ("rounds", "learner")
    return f"{suite.where(*location)}{line}"


def _check_series(use: RoundsUse, series: str, learner: Learner, catalog: Catalog) -> None:
    specs = [read_spec(name, catalog) for name in use.raters_of(series)]
    given = use.feedback[series]
    rater = Feedback(specs[0]) if specs else None
    if isinstance(given, list):
        rater = Feedback(together(specs, [part.corrects for part in given]))
    refuse_rater(rater)
    refuse_rule(learner, rater, use.keep.get(series, KeepUse()))
