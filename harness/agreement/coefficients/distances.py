"""Alpha where the distance of each two values is a number given beforehand, whatever the level."""

from __future__ import annotations

import numpy as np

from harness.agreement.grid.patterns import additive, count_patterns
from harness.agreement.grid.units import Units
from harness.statistics import Floats, Statistic


def one_minus(observed: Floats, expected: Floats, scale: Floats) -> Floats:
    """Return 1 - observed / expected; NaN where expected is 0 but for rounding on the given scale."""
    defined = expected > 1e-12 * np.abs(scale)
    return np.where(defined, 1 - observed / np.where(defined, expected, 1.0), np.nan)


def alpha_by_distance(units: Units, distance: Floats) -> Statistic:
    """Return Krippendorff's alpha by the distances of values, shape (values, values), 0 on the diagonal."""
    patterns = count_patterns(units)
    c = patterns.rows.astype(float)
    m = c.sum(axis=1)
    d = np.einsum("pv,vw,pw->p", c, distance, c, optimize=True) / (m - 1)

    def formula(sums: Floats) -> Floats:
        n, per_value = sums[:, 1], sums[:, 2:]
        expected = np.einsum("bv,vw,bw->b", per_value, distance, per_value, optimize=True)
        return one_minus((n - 1) * sums[:, 0], expected, np.zeros(len(n)))  # a sum of what is 0 only where all agree

    return additive(units, patterns, np.column_stack([d, m, c]), formula)
