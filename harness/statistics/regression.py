"""Logistic regression by Newton's method, for many weightings of the same rows at once."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from harness.statistics.arrays import Floats
from harness.statistics.intervals import CHUNK

STEPS = 50
LONGEST = 3.0
"""The longest step of a coefficient: far from the maximum Newton's step overshoots."""
STILL = 1e-8
"""A step under which the next would change nothing that is shown."""


def logistic(
    x: Floats, y: Floats, weights: Floats | None = None, *, ridge: float = 0.0, offset: Floats | float = 0.0
) -> Floats:
    """Return the coefficients of logistic regressions, shape (draws, columns).

    Args:
        x: One row an observation, shape (n, columns); a column of ones is the caller's.
        y: What came of it, from 0 to 1, shape (n,).
        weights: How much each row counts in each regression, shape (draws, n); one regression of all where not given.
        ridge: Half the penalty of a squared coefficient; 0 gives the maximum of the likelihood, which must be finite.
        offset: What is added to the linear predictor of each row.
    """
    weights = np.ones((1, len(x))) if weights is None else weights
    k = x.shape[1]
    products = (x[:, :, None] * x[:, None, :]).reshape(len(x), k * k)
    found = np.zeros((len(weights), k))
    rows = max(1, CHUNK // len(x))
    for start in range(0, len(weights), rows):
        some = slice(start, start + rows)
        w = weights[some]
        for _ in range(STEPS):
            p = expit(found[some] @ x.T + offset)
            slope = (w * (y - p)) @ x - ridge * found[some]
            curve = ((w * p * (1 - p)) @ products).reshape(-1, k, k) + ridge * np.eye(k)
            step = _step(curve, slope[:, :, None], ridge)
            found[some] += np.clip(step, -LONGEST, LONGEST)
            if np.abs(step).max() < STILL:
                break
    return found


def _step(curve: Floats, slope: Floats, ridge: float) -> Floats:
    """Return Newton's step; without a ridge two columns may say the same, which share it."""
    step = np.linalg.solve(curve, slope) if ridge else np.linalg.pinv(curve) @ slope
    return np.asarray(step[:, :, 0], dtype=np.float64)
