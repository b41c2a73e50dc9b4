"""A benchmark's score from many AI ratings and few human ones, without believing the AI.

PPI++ (Angelopoulos, Duchi and Zrnic 2023) where the human-rated items are a random sample of the set; Rogan and
Gladen's correction with the interval of Lee et al. (arXiv 2511.21140) where only sensitivity and specificity carry
over. A test of shift says which: under a shift of prevalence PPI++ is confidently wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from harness.agreement.grid.units import Units
from harness.errors import HarnessError
from harness.statistics import Floats, number

FEWEST = 5
"""Human-rated items under which nothing is corrected."""
PSEUDO_HUMAN, PSEUDO_AI = np.array([1.0, 0, 1, 0]), np.array([1.0, 0, 0, 1])
"""The verdicts that are added to those of people and AI before an interval of a share is taken."""
SHIFT_BELOW = 0.05
"""The p value of the shift test under which the method is switched."""
NOTHING = dict.fromkeys(("method", "value", "low", "high", "human_only", "ai_only", "shift"))


@dataclass(frozen=True)
class Corrected:
    """A corrected mean.

    Attributes:
        value: The estimate; NaN where undefined.
        low: Lower end of its interval.
        high: Upper end.
        weight: How much of the AI ratings is used, between 0 and 1 (PPI++ only; NaN otherwise).
        error: Standard error.
        reason: Why it is undefined.
    """

    value: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    weight: float = float("nan")
    error: float = float("nan")
    reason: str | None = None


def ppi_mean(y: Floats, f: Floats, unrated: Floats, *, level: float = 0.95) -> Corrected:
    """Return the PPI++ estimate of the mean human rating.

    lam = cov(y, f) / ((1 + n/N) var f), clipped to [0, 1], and 0 where that would widen the interval; theta = mean y +
    lam (mean F - mean f); t quantiles with n - 1 degrees of freedom. Where people say 0 or 1 the interval (not the
    estimate) counts four items more, one of each pair of verdicts, as Agresti and Coull (1998) do for a share: few
    human ratings without a single error would otherwise pass for certainty.

    Args:
        y: Human ratings, shape (n,).
        f: AI ratings of the same items, shape (n,).
        unrated: AI ratings F of the other items, shape (N,).
        level: Coverage aimed at.
    """
    if len(y) < FEWEST:
        return Corrected(reason="too_few_items")
    found, alone = _interval(y, f, unrated, level), _interval(y, 0 * f, 0 * unrated, level)
    return found if found.high - found.low <= alone.high - alone.low else alone


def _interval(y: Floats, f: Floats, unrated: Floats, level: float) -> Corrected:
    """Return the estimate with its interval; without spread in the AI's ratings that of people alone."""
    value, _, lam = _ppi(y, f, unrated)
    n, machine = len(y), np.concatenate([f, unrated])
    verdicts = set(np.unique(y)) <= {0.0, 1.0} and machine.min() >= 0 and machine.max() <= 1
    if verdicts:
        added = PSEUDO_AI if np.ptp(machine) > 0 else np.full(len(PSEUDO_AI), f[0])
        y, f = np.concatenate([y, PSEUDO_HUMAN]), np.concatenate([f, added])
    middle, variance, _ = _ppi(y, f, unrated)
    margin = float(stats.t.ppf((1 + level) / 2, n - 1)) * variance**0.5
    low, high = middle - margin, middle + margin
    if verdicts:
        low, high = max(0.0, low), min(1.0, high)
    return Corrected(value, min(low, value), max(high, value), lam, variance**0.5)


def _ppi(y: Floats, f: Floats, unrated: Floats) -> tuple[float, float, float]:
    """Return the PPI++ estimate, its variance, and the weight lam."""
    n, more = len(y), len(unrated)
    lam, variance = 0.0, float(y.var(ddof=1)) / n
    spread = float(np.var(np.concatenate([f, unrated]), ddof=1))
    if more > 1 and spread > 0:
        tuned = float(np.clip(np.mean((y - y.mean()) * (f - f.mean())) / ((1 + n / more) * spread), 0, 1))
        of_tuned = float((y - tuned * f).var(ddof=1)) / n + tuned**2 * float(unrated.var(ddof=1)) / more
        if of_tuned < variance:
            lam, variance = tuned, of_tuned
    return float(y.mean() + (lam * (unrated.mean() - f.mean()) if lam else 0.0)), variance, lam


def stratified_ppi_mean(
    y: Floats, f: Floats, unrated: Floats, strata: NDArray[Any], unrated_strata: NDArray[Any], *, level: float = 0.95
) -> Corrected:
    """Return PPI++ within strata, weighted by their shares of all items; each stratum has a weight lam of its own."""
    names, sizes = np.unique(np.concatenate([strata, unrated_strata]), return_counts=True)
    parts = [ppi_mean(y[strata == name], f[strata == name], unrated[unrated_strata == name]) for name in names]
    if any(part.reason for part in parts):
        return Corrected(reason="too_few_items")
    share = sizes / sizes.sum()
    value = float(share @ [part.value for part in parts])
    error = float(np.sqrt(share**2 @ [part.error**2 for part in parts]))
    margin = float(stats.t.ppf((1 + level) / 2, len(y) - len(names))) * error
    weight = float(share @ [part.weight for part in parts])
    return Corrected(value, value - margin, value + margin, weight, error)


def rogan_gladen(y: Floats, f: Floats, unrated: Floats, *, level: float = 0.95) -> Corrected:
    """Return the share of passes among the other items, corrected by the AI's sensitivity and specificity.

    theta = (p + spec - 1) / (sens + spec - 1), with the adjusted interval of Lee et al. (arXiv 2511.21140).

    Args:
        y: Human verdicts, 0 or 1, shape (n,).
        f: AI verdicts of the same items.
        unrated: AI verdicts of the items that the estimate is for.
        level: Coverage aimed at.

    Raises:
        HarnessError: A verdict is neither 0 nor 1.
    """
    if not set(np.unique(np.concatenate([y, f, unrated]))) <= {0.0, 1.0}:
        raise HarnessError("Rogan and Gladen's correction needs verdicts of 0 and 1; choose another rater, or PPI++")
    passed, failed, n = int((y == 1).sum()), int((y == 0).sum()), len(unrated)
    if min(passed, failed) < FEWEST or n == 0:
        return Corrected(reason="too_few_items")
    sens, spec, rate = f[y == 1].mean(), 1 - f[y == 0].mean(), unrated.mean()
    if sens + spec <= 1:
        return Corrected(reason="no_better_than_chance")
    z = float(stats.norm.ppf((1 + level) / 2))
    size, positives, negatives = n + z * z, passed + 2, failed + 2
    p = (n * rate + z * z / 2) / size
    q1, q0 = (passed * sens + 1) / positives, (failed * spec + 1) / negatives
    bend = max(q0 + q1 - 1, 1e-9)
    middle = float(np.clip((p + q0 - 1) / bend, 0, 1))
    v1, v0 = q1 * (1 - q1) / positives, q0 * (1 - q0) / negatives
    error = float(np.sqrt(p * (1 - p) / size + (1 - middle) ** 2 * v0 + middle**2 * v1) / bend)
    shifted = middle + 2 * z * z * (middle * v1 - (1 - middle) * v0)
    value = float(np.clip((rate + spec - 1) / (sens + spec - 1), 0, 1))
    return Corrected(value, max(0.0, shifted - z * error), min(1.0, shifted + z * error), error=error)


def shift_test(f: Floats, unrated: Floats) -> tuple[float, float]:
    """Return the difference of the AI's mean on human-rated and other items, and its p value (Welch)."""
    gap = float(f.mean() - unrated.mean())
    if f.var() == 0 and unrated.var() == 0:
        return gap, 1.0 if gap == 0 else 0.0
    return gap, float(stats.ttest_ind(f, unrated, equal_var=False).pvalue)


def stratified_shift_test(
    f: Floats, unrated: Floats, strata: NDArray[Any], unrated_strata: NDArray[Any]
) -> tuple[float, float]:
    """Return the difference within strata, weighted by their shares of all items, and its p value (normal)."""
    names, sizes = np.unique(np.concatenate([strata, unrated_strata]), return_counts=True)
    share = sizes / sizes.sum()
    sides = [(f[strata == name], unrated[unrated_strata == name]) for name in names]
    if any(min(len(a), len(b)) < 2 for a, b in sides):
        return shift_test(f, unrated)
    gap = float(share @ [a.mean() - b.mean() for a, b in sides])
    error = float(np.sqrt(share**2 @ [a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b) for a, b in sides]))
    if error == 0:
        return gap, 1.0 if gap == 0 else 0.0
    return gap, float(2 * stats.norm.sf(abs(gap) / error))


def correct(units: Units, ai: str, humans: Sequence[str]) -> dict[str, Any]:
    """Return the mean human rating over all items that the AI rated, from the humans' few and the AI's many.

    Returns:
        A row `criterion, rater, method, value, low, high, n_human, n_items, human_only, ai_only, shift, reason`. The
        method is `ppi++` (`stratified_ppi++` where units have strata), or `rogan_gladen` where the shift test fails
        and verdicts are 0 or 1.
    """
    if units.numbers is None:
        return {
            "criterion": units.criterion,
            "rater": ai,
            "n_human": 0,
            "n_items": 0,
            **NOTHING,
            "reason": "not_numbers",
        }
    grid = units.grid()
    machine = grid[units.raters.index(ai)]
    people = grid[[units.raters.index(human) for human in humans]]
    count = np.sum(~np.isnan(people), axis=0)
    mean = np.where(count > 0, np.nansum(people, axis=0) / np.maximum(count, 1), np.nan)
    both, rest = ~np.isnan(machine) & (count > 0), ~np.isnan(machine) & (count == 0)
    y, f, unrated = mean[both], machine[both], machine[rest]
    head = {"criterion": units.criterion, "rater": ai, "n_human": len(y), "n_items": int(len(y) + len(unrated))}
    if len(y) < FEWEST or len(unrated) < 2:
        return {**head, **NOTHING, "reason": "too_few_items"}
    groups = None if units.strata is None else (units.strata[both], units.strata[rest])
    gap, p = shift_test(f, unrated) if groups is None else stratified_shift_test(f, unrated, *groups)
    binary = set(np.unique(np.concatenate([y, machine[~np.isnan(machine)]]))) <= {0.0, 1.0}
    if p < SHIFT_BELOW and binary:
        method, found = "rogan_gladen", _of_all(y, rogan_gladen(y, f, unrated), len(unrated))
    elif groups is None:
        method, found = "ppi++", ppi_mean(y, f, unrated)
    else:
        method, found = "stratified_ppi++", stratified_ppi_mean(y, f, unrated, *groups)
    alone = ppi_mean(y, 0 * f, 0 * unrated) if groups is None else stratified_ppi_mean(y, 0 * f, 0 * unrated, *groups)
    return {
        **head,
        "method": method,
        **{name: number(getattr(found, name)) for name in ("value", "low", "high")},
        "human_only": {name: number(getattr(alone, name)) for name in ("value", "low", "high")},
        "ai_only": float(np.concatenate([f, unrated]).mean()),
        "shift": {"difference": gap, "p": p, "shifted": p < SHIFT_BELOW},
        "reason": found.reason,
    }


def _of_all(y: Floats, rest: Corrected, more: int) -> Corrected:
    """Return the mean over rated and other items from what is known of each."""
    share = len(y) / (len(y) + more)
    value, low, high = (share * float(y.mean()) + (1 - share) * end for end in (rest.value, rest.low, rest.high))
    return Corrected(value, low, high, reason=rest.reason)
