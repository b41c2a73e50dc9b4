"""A pass rate from an AI's sensitivity and specificity alone: all that carries over from items that were chosen by
outcome, or that come from another population."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri, stdtrit

from harness.agreement.stand_in.estimate import Corrected
from harness.errors import HarnessError
from harness.statistics import Floats, Ints

FEWEST_OF_EACH = 3
"""Passes, and failures, that people must have found: sensitivity and specificity are each known from one of them."""


def rogan_gladen(
    y: Floats, f: Floats, unrated: Floats, *, level: float = 0.95, clusters: tuple[Ints, Ints] | None = None
) -> Corrected:
    """Return the share of passes among items, corrected by the AI's sensitivity and specificity.

    theta = (p + spec - 1) / (sens + spec - 1) (Rogan and Gladen 1978), with the adjusted interval of Lee et al.
    (arXiv 2511.21140). With clusters each of the three rates counts for as many independent items as its spread over
    clusters says (its design effect), and t quantiles with clusters - 1 degrees of freedom replace the normal's.

    Args:
        y: Human verdicts, 0 or 1, shape (n,).
        f: AI verdicts of the same items.
        unrated: AI verdicts of the items that the estimate is for.
        level: Coverage aimed at.
        clusters: The clusters of the items of `y`, and of `unrated`.

    Raises:
        HarnessError: A verdict is neither 0 nor 1.
    """
    if not set(np.unique(np.concatenate([y, f, unrated]))) <= {0.0, 1.0}:
        raise HarnessError("Rogan and Gladen's correction needs verdicts of 0 and 1; choose another rater, or PPI++")
    passed, failed = y == 1, y == 0
    if min(passed.sum(), failed.sum()) < FEWEST_OF_EACH or len(unrated) == 0:
        return Corrected(reason="too_few_items")
    sens, spec, rate = f[passed].mean(), 1 - f[failed].mean(), unrated.mean()
    if sens + spec <= 1:
        return Corrected(reason="no_better_than_chance")
    z = float(ndtri((1 + level) / 2))
    n, positives, negatives = float(len(unrated)), float(passed.sum()), float(failed.sum())
    if clusters is not None:
        rated, others = clusters
        units = len(np.unique(rated))
        if units < 2:
            return Corrected(reason="too_few_clusters")
        z = float(stdtrit(units - 1, (1 + level) / 2))
        n /= _design_effect(unrated, others)
        positives /= _design_effect(f[passed], rated[passed])
        negatives /= _design_effect(f[failed], rated[failed])
    size, positives, negatives = n + z * z, positives + 2, negatives + 2
    p = (n * rate + z * z / 2) / size
    q1, q0 = ((positives - 2) * sens + 1) / positives, ((negatives - 2) * spec + 1) / negatives
    bend = max(q0 + q1 - 1, 1e-9)
    middle = float(np.clip((p + q0 - 1) / bend, 0, 1))
    v1, v0 = q1 * (1 - q1) / positives, q0 * (1 - q0) / negatives
    error = float(np.sqrt(p * (1 - p) / size + (1 - middle) ** 2 * v0 + middle**2 * v1) / bend)
    shifted = middle + 2 * z * z * (middle * v1 - (1 - middle) * v0)
    value = float(np.clip((rate + spec - 1) / (sens + spec - 1), 0, 1))
    low, high = max(0.0, shifted - z * error), min(1.0, shifted + z * error)
    return Corrected(value, min(low, value), max(high, value), error=error)


def _design_effect(verdicts: Floats, cluster: Ints) -> float:
    """Return how many items of a cluster say as much as one independent item, for a share: 1 or more."""
    codes = np.unique(cluster, return_inverse=True)[1]
    residual = verdicts - verdicts.mean()
    spread = float(residual @ residual)
    sums = np.bincount(codes, weights=residual)
    units, most = len(sums), len(verdicts) / len(sums)
    if spread == 0 or units < 2:
        return most
    return float(np.clip(sums @ sums / spread * units / (units - 1), 1, max(most, 1)))
