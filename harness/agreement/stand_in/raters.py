"""What is known of each rater: accuracy without a key (Dawid and Skene), and severity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.agreement.grid.patterns import rating_patterns
from harness.agreement.grid.units import FEW_VALUES, Units
from harness.statistics import Floats, number

SMOOTHING = 0.01
"""Added to every cell of a confusion matrix, so that none is 0."""


@dataclass(frozen=True)
class DawidSkene:
    """The result of `dawid_skene`.

    Attributes:
        prevalence: The share of each value, shape (values,).
        confusion: P(rater says l | truth k), shape (raters, values, values).
        accuracy: P(rater is right) of each rater.
        rounds: Iterations until it settled.
    """

    prevalence: Floats
    confusion: Floats
    accuracy: dict[str, float]
    rounds: int


def dawid_skene(
    units: Units, humans: Sequence[str] | None = None, *, tolerance: float = 1e-7, most: int = 500
) -> DawidSkene | str:
    """Estimate each rater's accuracy without a key, by EM (Dawid and Skene 1979).

    Args:
        units: The ratings.
        humans: Whose majority the confusion matrices start from, which fixes which label is which; all where not given.
        tolerance: It has settled when no accuracy moves by more.
        most: Iterations at most.

    Returns:
        The estimates, or the reason why there are none.
    """
    values, raters = len(units.values), len(units.raters)
    if raters < 3:
        return "too_few_raters"
    if values < 2 or values > FEW_VALUES:
        return "single_category" if values < 2 else "too_many_values"
    patterns = rating_patterns(units, least=1)
    said = patterns.rows[:, :, None] == np.arange(values)  # (patterns, raters, values)
    flat = said.reshape(len(said), -1).astype(float)
    start = [units.raters.index(name) for name in humans or units.raters]
    votes = said[:, start].sum(axis=1).astype(float)
    votes[votes.sum(axis=1) == 0] = 1.0  # nobody of them rated it: no opinion
    truth = votes == votes.max(axis=1, keepdims=True)
    belief = truth / truth.sum(axis=1, keepdims=True)
    accuracy = np.zeros(raters)
    for rounds in range(1, most + 1):  # noqa: B007 - the last one is reported
        weight = belief * patterns.counts[:, None]
        prevalence = (weight.sum(axis=0) + SMOOTHING) / (weight.sum() + SMOOTHING * values)
        confusion = (weight.T @ flat).reshape(values, raters, values).transpose(1, 0, 2) + SMOOTHING
        confusion /= confusion.sum(axis=2, keepdims=True)
        now = np.einsum("k,rkk->r", prevalence, confusion)
        log = np.log(prevalence) + flat @ np.log(confusion).transpose(0, 2, 1).reshape(-1, values)
        belief = np.exp(log - log.max(axis=1, keepdims=True))
        belief /= belief.sum(axis=1, keepdims=True)
        if np.max(np.abs(now - accuracy)) < tolerance:
            break
        accuracy = now
    by_name = {name: float(value) for name, value in zip(units.raters, now, strict=True)}
    return DawidSkene(prevalence, confusion, by_name, rounds)


def severity(units: Units, *, rounds: int = 200) -> dict[str, dict[str, float | None]] | str:
    """Return how far each rater is above or below the others on the same items, by two-way random effects.

    value = mean + item + rater + rest, all random and independent, fitted by EM; few ratings are shrunk towards 0.

    Returns:
        For each rater `severity` (below 0 is severe), its standard error `se` and `n`; or the reason why there is none.
    """
    if units.numbers is None:
        return "not_numbers"
    if len(units.raters) < 2 or units.n_items < 2:
        return "one_rater" if len(units.raters) < 2 else "too_few_items"
    patterns = rating_patterns(units)
    given, times = patterns.rows.T >= 0, patterns.counts
    count = given * times  # ratings of each rater that each column stands for
    ratings = float(count.sum())
    values = np.where(given, units.numbers[patterns.rows.T], 0.0)
    y = np.where(given, values - (values * count).sum() / ratings, 0.0)
    m = given.sum(axis=0)
    total = float((y**2 @ times).sum() / ratings)
    rest, item, rater = total / 2, total / 3, total / 6
    effect, errors, mean = np.zeros(len(y)), np.zeros(len(y)), 0.0
    for _ in range(rounds):
        shrink = item / (rest + m * item)  # V^-1 of an item is (I - shrink 11') / rest
        left = np.where(given, y - mean, 0.0)
        within = np.diag(count.sum(axis=1)) - (count * shrink) @ given.T
        inverse = np.linalg.inv(within / max(rest, 1e-12) + np.eye(len(y)) / max(rater, 1e-12))
        effect = inverse @ (left @ times - (count * shrink) @ left.sum(axis=0)) / max(rest, 1e-12)
        errors = np.sqrt(np.diag(inverse))
        residual = np.where(given, left - effect[:, None], 0.0)
        of_item = residual.sum(axis=0) * shrink
        mean += float(((residual - of_item) * count).sum() / ratings)
        after = np.where(given, residual - of_item, 0.0)
        spread = rest * item / (rest + m * item)
        rest = float(((after**2 + errors[:, None] ** 2 + spread) * count).sum() / ratings)
        item = float((of_item**2 + spread) @ times / times.sum())
        rater = float(np.mean(effect**2 + errors**2))
    return {
        name: {"severity": number(effect[i]), "se": number(errors[i]), "n": float(count[i].sum())}
        for i, name in enumerate(units.raters)
    }
