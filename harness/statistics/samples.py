"""pass@k: the chance that one of k answers is right."""

from __future__ import annotations

import numpy as np

from harness.statistics.arrays import Floats


def pass_at_k(right: Floats | int, count: Floats | int, k: int) -> Floats:
    """Return the unbiased chance that one of k answers is right, 1 - C(n - c, k) / C(n, k).

    As the product of (n - c - j) / (n - j) over j < k, which no number of answers makes overflow.

    Args:
        right: Right answers c of each item, whole numbers.
        count: Answers n of each item, at least k.
        k: Answers drawn.

    Source: M. Chen et al., "Evaluating Large Language Models Trained on Code", 2021, equation 1.
    """
    n, wrong = np.asarray(count, dtype=float), np.asarray(count, dtype=float) - right
    none: Floats = np.ones(np.broadcast(n, wrong).shape)
    for j in range(k):
        none = none * np.maximum(wrong - j, 0) / (n - j)
    return 1 - none
