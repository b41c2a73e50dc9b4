"""Raters as measuring instruments: intraclass correlations and Kendall's W, over items that every rater rated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from harness.agreement.coefficients.correlation import weighted_ranks
from harness.agreement.grid.patterns import Patterns, additive, rating_patterns, weighted
from harness.agreement.grid.units import Level, Units
from harness.statistics import Floats, Statistic

ENOUGH_RATERS, MANY_ITEMS = 10, 100
"""With fewer raters of so many items the interval of raters at random covers too rarely."""
Form = Literal["icc1", "icc2", "icc3", "icc1k", "icc2k", "icc3k"]
ICC_NAMES: dict[str, tuple[str, str]] = {
    "icc1": ("ICC(1,1)", "ICC(1)"), "icc2": ("ICC(2,1)", "ICC(A,1)"), "icc3": ("ICC(3,1)", "ICC(C,1)"),
    "icc1k": ("ICC(1,k)", "ICC(k)"), "icc2k": ("ICC(2,k)", "ICC(A,k)"), "icc3k": ("ICC(3,k)", "ICC(C,k)"),
}  # fmt: skip
"""What each form is called by Shrout and Fleiss (1979), and by McGraw and Wong (1996): A is agreement, where severity
counts, C consistency, where it does not."""


def icc(form: Form) -> Callable[[Units, Level], Statistic | str]:
    """Return one of the six intraclass correlations of Shrout and Fleiss (1979).

    1: raters differ from item to item; 2: raters are a random sample; 3: these raters only. With `k`, of the mean
    over the k raters instead of one rater.
    """

    def coefficient(units: Units, level: Level) -> Statistic | str:
        found = _complete(units, level)
        if isinstance(found, str):
            return found
        patterns, x = found
        k = x.shape[1]
        rows = x.sum(axis=1)
        stats = np.column_stack([np.ones(len(x)), rows**2 / k, (x**2).sum(axis=1), x])
        return additive(units, patterns, stats, lambda sums: _icc(form, sums, k))

    return coefficient


def _icc(form: Form, sums: Floats, k: int) -> Floats:
    n, rows, squares, columns = sums[:, 0], sums[:, 1], sums[:, 2], sums[:, 3:]
    correction = columns.sum(axis=1) ** 2 / (n * k)
    between = rows - correction
    raters = (columns**2).sum(axis=1) / n - correction
    rest = squares - correction - between - raters
    some = n > 1
    spare = np.where(some, n - 1, 1)
    msr, msc, mse = between / spare, raters / (k - 1), np.maximum(rest, 0) / (spare * (k - 1))
    msw = (raters + np.maximum(rest, 0)) / (n * (k - 1))
    top, bottom = {
        "icc1": (msr - msw, msr + (k - 1) * msw),
        "icc2": (msr - mse, msr + (k - 1) * mse + k * (msc - mse) / n),
        "icc3": (msr - mse, msr + (k - 1) * mse),
        "icc1k": (msr - msw, msr),
        "icc2k": (msr - mse, msr + (msc - mse) / n),
        "icc3k": (msr - mse, msr),
    }[form]
    defined = some & (bottom > 1e-12 * squares / n)
    return np.where(defined, top / np.where(defined, bottom, 1), np.nan)


@dataclass(frozen=True)
class RandomRaters:
    """The interval of an intraclass correlation where other raters might have rated.

    Attributes:
        low: Lower end.
        high: Upper end.
        doubts: Why it is too narrow: `few_raters` for so many items (it covers .78 with 3 raters and 1,000 items, .93
            with 3 and 100), `clusters`, which it does not know.
    """

    low: float
    high: float
    doubts: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {**vars(self), "doubts": list(self.doubts), "method": "mcgraw_wong"}


def of_random_raters(form: str, units: Units) -> RandomRaters | None:
    """Return the 95 % interval of icc2 or icc2k where the raters are a random sample too (McGraw and Wong 1996).

    Both items and raters are taken for normal, items for independent. None for the other forms, in which raters are
    fixed (icc3) or come with their items (icc1), and where nothing varies.
    """
    if form not in ("icc2", "icc2k"):
        return None
    found = _complete(units, "interval")
    if isinstance(found, str):
        return None
    from scipy.stats import f as fisher

    patterns, x = found
    grid = np.repeat(x, patterns.counts, axis=0)
    n, k = grid.shape
    rows, columns = grid.mean(axis=1, keepdims=True), grid.mean(axis=0, keepdims=True)
    msr = k * float(np.sum((rows - grid.mean()) ** 2)) / (n - 1)
    msc = n * float(np.sum((columns - grid.mean()) ** 2)) / (k - 1)
    mse = float(np.sum((grid - rows - columns + grid.mean()) ** 2)) / ((n - 1) * (k - 1))
    if mse <= 1e-12 * (msr + msc):
        return None
    rho = (msr - mse) / (msr + (k - 1) * mse + k * (msc - mse) / n)
    a = k * rho / (n * (1 - rho))
    b = 1 + k * rho * (n - 1) / (n * (1 - rho))
    degrees = (a * msc + b * mse) ** 2 / ((a * msc) ** 2 / (k - 1) + (b * mse) ** 2 / ((n - 1) * (k - 1)))
    above, below = float(fisher.ppf(0.975, n - 1, degrees)), float(fisher.ppf(0.975, degrees, n - 1))
    rest = k * msc + (k * n - k - n) * mse
    low = n * (msr - above * mse) / (above * rest + n * msr)
    high = n * (below * msr - mse) / (rest + n * below * msr)
    doubts = ["few_raters"] if k < ENOUGH_RATERS and n >= MANY_ITEMS else []
    doubts += ["clusters"] if units.clusters is not None else []
    if form == "icc2k":
        low, high = (k * end / (1 + (k - 1) * end) for end in (low, high))
    return RandomRaters(low, high, tuple(doubts))


def kendall_w(units: Units, level: Level) -> Statistic | str:
    """Return Kendall's coefficient of concordance W with ties (Kendall and Babington Smith 1939; Siegel 1956).

    W = 12 sum (R_i - mean R)^2 / (m^2 (n^3 - n) - m sum T), R_i the sum of item i's ranks, T = sum (t^3 - t) over
    each rater's ties.
    """
    found = _complete(units, level)
    if isinstance(found, str):
        return found
    patterns, x = found
    m = x.shape[1]

    def value(weights: Floats) -> Floats:
        n = weights.sum(axis=1)
        ranks = sum(weighted_ranks(column, weights) for column in x.T)  # less a constant: their mean is 0
        spread = (weights * np.asarray(ranks) ** 2).sum(axis=1)
        ties = sum(_ties(column, weights) for column in x.T)
        bottom = m**2 * (n**3 - n) - m * np.asarray(ties)
        defined = bottom > 1e-12 * n**3
        return np.where(defined, 12 * spread / np.where(defined, bottom, 1), np.nan)

    return weighted(units, patterns, value)


def _ties(column: Floats, weights: Floats) -> Floats:
    order = np.argsort(column, kind="stable")
    starts = np.unique(column[order], return_index=True)[1]
    t = np.add.reduceat(weights[:, order], starts, axis=1)
    ties: Floats = (t**3 - t).sum(axis=1)
    return ties


def _complete(units: Units, level: Level) -> tuple[Patterns, Floats] | str:
    """Return the patterns of units that every rater rated and their ratings, shape (patterns, raters), centred."""
    if level == "nominal":
        return "needs_order"
    if units.numbers is None:
        return "not_numbers"
    k = len(units.raters)
    if k < 2:
        return "one_rater"
    patterns = rating_patterns(units, least=k)
    if len(patterns.counts) == 0:
        return "no_complete_items"
    if int(patterns.counts.sum()) < 2:
        return "too_few_items"
    return patterns, (units.numbers - units.numbers.mean())[patterns.rows]
