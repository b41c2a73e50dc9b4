"""The pair bootstrap of Krippendorff (2006), known as KALPHA: offered by name, never as the default.

It draws pairs of ratings as if they were independent and holds the expected disagreement fixed, so that its intervals
are too narrow: `docs/agreement.md` says how often they covered.
"""

from __future__ import annotations

import numpy as np

from harness.agreement.cautions import Caution, caution
from harness.agreement.coefficients.alpha import alpha
from harness.agreement.grid.patterns import count_patterns
from harness.agreement.grid.units import FEW_VALUES, Level, Units
from harness.statistics import Estimate, Floats


def kalpha(units: Units, level: Level, *, resamples: int = 1000, seed: int = 0) -> Estimate:
    """Return Krippendorff's alpha with the interval of his pair bootstrap.

    As many pairs as there are within units are drawn from all observed pairs; a pair of a unit with m ratings weighs
    1 / (m - 1). 95 % percentile interval; values under -1 count as -1.

    Args:
        units: The ratings.
        level: `nominal`, `ordinal`, `interval` or `ratio`.
        resamples: Bootstrap resamples.
        seed: Decides the draws.
    """
    found = alpha(units, level, resamples=0)
    if found.reason or resamples == 0:
        return found
    if len(units.values) > FEW_VALUES:
        return Estimate(found.value, n=found.n, reason="too_many_values")
    patterns = count_patterns(units)
    c, m = patterns.rows.astype(float), patterns.rows.sum(axis=1)
    first, second = np.triu_indices(c.shape[1])
    pairs = c[:, first] * np.where(first == second, (c[:, second] - 1) / 2, c[:, second])
    per_value = patterns.counts @ c
    total = per_value.sum()
    distance = _distance(units, level, per_value)
    expected = per_value @ distance @ per_value / (total - 1)
    chance = patterns.counts @ pairs
    rng = np.random.default_rng(seed)
    draws = np.ones(resamples)
    for size in np.unique(m):
        drawn = int(patterns.counts[m == size].sum()) * int(size * (size - 1) // 2)
        times = rng.multinomial(drawn, chance / chance.sum(), size=resamples)
        draws -= 2 * (times @ distance[first, second]) / ((size - 1) * expected)
    low, high = np.quantile(np.maximum(draws, -1), [0.025, 0.975])
    return Estimate(found.value, float(low), float(high), found.n, method="kalpha")


def _distance(units: Units, level: Level, per_value: Floats) -> Floats:
    """Return the squared distance of each two values."""
    if level == "nominal":
        return 1 - np.eye(len(per_value))
    numbers = units.numbers
    if level == "ordinal":
        numbers = np.cumsum(per_value) - per_value / 2
    assert numbers is not None
    gap: Floats = (numbers[:, None] - numbers) ** 2
    if level == "ratio":
        total = numbers[:, None] + numbers
        gap = np.divide(gap, total**2, out=np.zeros_like(gap), where=total != 0)
    return gap


def too_narrow(criterion: str, n: int) -> Caution:
    """Return the warning that stands beside every such interval."""
    return caution(
        "kalpha_interval",
        f"{criterion}: alpha's interval is the pair bootstrap of 2006, which covered .61 to .92 where it promised .95; "
        "the default (items resampled) keeps its promise",
        criterion=criterion,
        n=n,
    )
