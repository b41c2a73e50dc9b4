"""One check of an audit: a number with its interval, a verdict by rule, and a plain sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from harness.statistics import Additive, Estimate, estimate, number, wilson

NO_ORDER = "record a number for each label: words have no order that says which is better"
Outcome = Literal["ok", "flagged", "unclear", "not_run"]


@dataclass(frozen=True)
class AuditCheck:
    """One check.

    Attributes:
        name: Its name, the same everywhere.
        value: What was measured; None where it could not run.
        low: Lower end of the 95 % interval.
        high: Upper end.
        n: What it rests on: answers, pairs, or repeats, as the sentence says.
        verdict: `ok` and `flagged` by the interval and the check's limit, `unclear` where the interval does not
            decide, `not_run` where something was not recorded.
        reason: The sentence; for a check that could not run the field to record.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    verdict: Outcome
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return dict(vars(self))


def not_run(name: str, record: str) -> AuditCheck:
    """Return a check that could not run; `record` says what has to be recorded."""
    return AuditCheck(name, None, None, None, 0, "not_run", record)


def most(name: str, found: Estimate, limit: float, sentence: str) -> AuditCheck:
    """Return a check of something that should be `limit` at the most: flagged where all of its interval is above."""
    verdict: Outcome = "ok" if found.high <= limit else "flagged" if found.low > limit else "unclear"
    return _check(name, found, verdict, f"{sentence} ({limit:g} at the most would be fine)")


def least(name: str, found: Estimate, limit: float, sentence: str) -> AuditCheck:
    """Return a check of something that should be `limit` at least: flagged where all of its interval is below."""
    verdict: Outcome = "ok" if found.low >= limit else "flagged" if found.high < limit else "unclear"
    return _check(name, found, verdict, f"{sentence} ({limit:g} at least would be fine)")


def around(name: str, found: Estimate, neutral: float, margin: float, sentence: str) -> AuditCheck:
    """Return a check of something that should be near `neutral`.

    `ok` where the interval lies within the margin, flagged where it leaves out `neutral` and is not within.
    """
    within = neutral - margin <= found.low and found.high <= neutral + margin
    apart = found.low > neutral or found.high < neutral
    verdict: Outcome = "ok" if within else "flagged" if apart else "unclear"
    return _check(name, found, verdict, f"{sentence} ({neutral:g} is no bias; within {margin:g} of it would be fine)")


def _check(name: str, found: Estimate, verdict: Outcome, sentence: str) -> AuditCheck:
    return AuditCheck(name, number(found.value), number(found.low), number(found.high), found.n, verdict, sentence)


def share(successes: float, n: int) -> Estimate:
    """Return a share with Wilson's interval."""
    return Estimate(successes / n, *wilson(successes, n), n)


def mean_by(values: ArrayLike, items: pd.Series[Any], resamples: int = 1000, seed: int = 0) -> Estimate:
    """Return a mean with its BCa interval over items; values that all agree have an interval of no width."""
    given = np.asarray(values, dtype=float)
    codes, _ = pd.factorize(items)
    stats = np.column_stack([np.bincount(codes, given), np.bincount(codes).astype(float)])
    counts = np.ones(len(stats), dtype=np.int64)
    found = estimate(
        Additive(stats, counts, lambda sums: sums[:, 0] / sums[:, 1]),
        len(given), undefined="no_items", resamples=resamples, seed=seed,
    )  # fmt: skip
    if found.reason == "no_variation":
        return Estimate(found.value, found.value, found.value, found.n)
    return found
