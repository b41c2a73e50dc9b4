"""A contrast from many proxy scores (a judge's) and few gold ones: prediction-powered inference on the items' slopes.

The proxy is corrected by what it got wrong on the gold items, round by round, so that a judge that drifts along with
the model is no progress. This holds where the gold items are a random sample; a shift test says where they are not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtr

from harness.statistics import Bools, ContrastEstimate, Floats, Ints, Moments

SHIFT_SIGNIFICANCE = 0.01
"""Of the shift test: one in a hundred honest samples is called shifted."""


@dataclass(frozen=True)
class Corrected:
    """A corrected contrast.

    Attributes:
        estimate: The contrast, by PPI++ or, where `shifted`, from the gold items alone.
        weight: How far the proxy was trusted, 0 to 1.
        shift_p: The p value of the shift test.
        shifted: Whether the gold items differ from the others in what the proxy says of them.
    """

    estimate: ContrastEstimate
    weight: float
    shift_p: float
    shifted: bool


def correct(gold: Floats, proxy: Floats, labelled: Bools, cluster: Ints | None = None) -> Corrected:
    """Return the mean of the gold contrast over all items (PPI++, Angelopoulos, Duchi and Zrnic 2023).

    Args:
        gold: Each item's contrast of gold scores; only those of labelled items are read.
        proxy: Each item's contrast of proxy scores.
        labelled: Which items have gold scores.
        cluster: The cluster of each item, or None.
    """
    y, f, others = gold[labelled], proxy[labelled], proxy[~labelled]
    n, rest = len(y), len(others)
    spread = float(f.var(ddof=1))
    weight, p = 0.0, 1.0
    if rest > 1 and spread > 0:
        weight = float(np.clip(np.cov(y, f)[0, 1] / ((1 + n / rest) * spread), 0, 1))
        p = _shift(f, others)
    shifted = p < SHIFT_SIGNIFICANCE
    if shifted:
        weight = 0.0
    value = float(y.mean() + (weight * (others.mean() - f.mean()) if weight else 0.0))
    influence = np.zeros(len(proxy))
    corrected = y - weight * f
    influence[labelled] = (corrected - corrected.mean()) / n
    if weight:
        influence[~labelled] = weight * (others - others.mean()) / rest
    variance, units = float(influence @ influence) * n / (n - 1), n
    if cluster is not None:
        sums = np.bincount(np.unique(cluster, return_inverse=True)[1], weights=influence)
        units = len(np.unique(cluster[labelled]))
        variance = float(sums @ sums) * units / (units - 1)
    return Corrected(ContrastEstimate(value, value, variance, 0.0, units - 1.0), weight, p, shifted)


def correct_contrast(
    scores: Floats, gold: Floats, labelled: Bools, contrast: Floats, cluster: Ints | None = None
) -> Corrected:
    """Return a contrast of columns corrected by gold; training seeds add the variance between them.

    Args:
        scores: Proxy scores, shape (seeds, items, columns).
        gold: Gold scores of the same shape; only those of labelled items are read.
        labelled: Which items have gold scores.
        contrast: Over the columns.
        cluster: The cluster of each item, or None.
    """
    found = correct((gold @ contrast).mean(axis=0), (scores @ contrast).mean(axis=0), labelled, cluster)
    if len(scores) == 1:
        return found
    among = None if cluster is None else cluster[labelled]
    seeds = Moments.of(gold[:, labelled], among).estimate(contrast)
    estimate = replace(found.estimate, seed_variance=seeds.seed_variance, df=min(found.estimate.df, seeds.df))
    return replace(found, estimate=estimate)


def _shift(labelled: Floats, others: Floats) -> float:
    """Return the p value of Welch's test that the proxy says the same of labelled items and of the others."""
    parts = [float(group.var(ddof=1)) / len(group) for group in (labelled, others)]
    if sum(parts) == 0:
        return 1.0
    df = sum(parts) ** 2 / sum(part**2 / (len(g) - 1) for part, g in zip(parts, (labelled, others), strict=True))
    return float(2 * stdtr(df, -abs(labelled.mean() - others.mean()) / np.sqrt(sum(parts))))
