"""Coefficients of any number of raters from how often each value was given: percent agreement, Fleiss, Gwet.

All are (p_a - p_e) / (1 - p_e), after Gwet, Handbook of Inter-Rater Reliability (4th ed., 2014), chapters 2 and 3: p_a
is the mean over units with two ratings or more of the share of pairs that agree, the prevalence pi_k the mean over
all units of the share of a unit's ratings that are k, so that missing ratings need no special case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from harness.agreement.grid.patterns import additive, count_patterns
from harness.agreement.grid.units import FEW_VALUES, Level, Units
from harness.statistics import Floats, Statistic


def percent_agreement(units: Units, level: Level) -> Statistic | str:
    """Return the share of pairs of ratings of a unit that are equal, averaged over units."""
    if reason := _undefined(units, chance=False):
        return reason
    return _chance_corrected(units, np.eye(len(units.values)), lambda prevalence, weights: np.zeros(len(prevalence)))


def fleiss_kappa(units: Units, level: Level) -> Statistic | str:
    """Return Fleiss' kappa, generalised to missing ratings: p_e = sum_k pi_k^2."""
    if reason := _undefined(units):
        return reason
    return _chance_corrected(units, np.eye(len(units.values)), _prevalence_chance)


def ac1(units: Units, level: Level) -> Statistic | str:
    """Return Gwet's AC1: p_e = sum_k pi_k (1 - pi_k) / (q - 1), over the q values of the scale."""
    if reason := _undefined(units):
        return reason
    units = _of_scale(units)
    return _chance_corrected(units, np.eye(len(units.values)), _gwet_chance)


def ac2(units: Units, level: Level) -> Statistic | str:
    """Return Gwet's AC2: AC1 with partial agreement, by ordinal weights or, for interval and ratio, quadratic ones."""
    if reason := _undefined(units):
        return reason
    units = _of_scale(units)
    weights = ordinal_weights(len(units.values)) if level == "ordinal" else distance_weights(units.numbers, 2)
    if level == "nominal" or weights is None:
        return "needs_order"
    return _chance_corrected(units, weights, _gwet_chance)


def brennan_prediger(units: Units, level: Level) -> Statistic | str:
    """Return the coefficient of Brennan and Prediger (1981): p_e = 1 / q, over the q values of the scale."""
    if reason := _undefined(units):
        return reason
    units = _of_scale(units)
    return _chance_corrected(
        units, np.eye(len(units.values)), lambda prevalence, weights: np.full(len(prevalence), weights.mean())
    )


def _of_scale(units: Units) -> Units:
    """Return units with all values of their scale: those of the whole table, or those that were declared."""
    if units.scale is None or len(units.scale) == len(units.values) or len(units.scale) > FEW_VALUES:
        return units
    place = np.append(np.searchsorted(units.scale, units.values), -1)  # the last serves code -1
    return replace(units, codes=place.astype(units.codes.dtype)[units.codes], values=units.scale)


def distance_weights(numbers: Floats | None, power: int) -> Floats | None:
    """Return 1 - (distance / largest distance)^power of each pair of values; None where the values are words."""
    if numbers is None:
        return None
    distance = np.abs(numbers[:, None] - numbers)
    weights: Floats = 1 - (distance / max(float(distance.max(initial=0)), 1e-300)) ** power
    return weights


def ordinal_weights(values: int) -> Floats:
    """Return Gwet's ordinal weights: 1 - C(|k - l| + 1, 2) / C(q, 2)."""
    steps = np.abs(np.arange(values)[:, None] - np.arange(values)).astype(float)
    weights: Floats = 1 - (steps + 1) * steps / 2 / max(values * (values - 1) / 2, 1)
    return weights


def _undefined(units: Units, chance: bool = True) -> str | None:
    """Return why a coefficient is undefined; one that is corrected for `chance` also where values are fractions."""
    if len(units.raters) < 2:
        return "one_rater"
    if units.n_items == 0:
        return "no_overlap"
    return "too_many_values" if len(units.values) > 20 * FEW_VALUES or (units.continuous and chance) else None


def _prevalence_chance(prevalence: Floats, weights: Floats) -> Floats:
    chance: Floats = np.einsum("bk,kl,bl->b", prevalence, weights, prevalence)
    return chance


def _gwet_chance(prevalence: Floats, weights: Floats) -> Floats:
    q = weights.shape[0]
    if q < 2:
        return np.ones(len(prevalence))
    chance: Floats = weights.sum() / (q * (q - 1)) * (prevalence * (1 - prevalence)).sum(axis=1)
    return chance


def _chance_corrected(units: Units, weights: Floats, chance: Callable[[Floats, Floats], Floats]) -> Statistic:
    patterns = count_patterns(units, least=1)
    c = patterns.rows.astype(float)
    m = c.sum(axis=1)
    paired = m >= 2
    agreeing = (c * (c @ weights - 1)).sum(axis=1) / np.where(paired, m * (m - 1), 1)
    stats = np.column_stack([np.where(paired, agreeing, 0), paired, np.ones(len(m)), c / m[:, None]])

    def formula(sums: Floats) -> Floats:
        some = sums[:, 1] > 0
        agreement = sums[:, 0] / np.where(some, sums[:, 1], 1)
        expected = chance(sums[:, 3:] / np.where(some, sums[:, 2], 1)[:, None], weights)
        defined = some & (1 - expected > 1e-12)
        return np.where(defined, (agreement - expected) / np.where(defined, 1 - expected, 1), np.nan)

    return additive(units, patterns, stats, formula)
