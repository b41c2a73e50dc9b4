"""The coefficients by name, and which of them fit a scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.agreement.coefficients import categories, consistency, contingency, correlation, lists
from harness.agreement.coefficients.alpha import alpha_statistic
from harness.agreement.coefficients.consistency import ICC_NAMES
from harness.agreement.grid.units import Level, Units
from harness.errors import HarnessError, did_you_mean
from harness.statistics import Estimate, Statistic, estimate

Coefficient = Callable[[Units, Level], Statistic | str]
"""From ratings and their level to a statistic of items, or the reason why there is none."""

COEFFICIENTS: dict[str, Coefficient] = {
    "percent_agreement": categories.percent_agreement,
    "cohen_kappa": contingency.kappa(None),
    "cohen_kappa_linear": contingency.kappa(1),
    "cohen_kappa_quadratic": contingency.kappa(2),
    "scott_pi": contingency.scott_pi,
    "fleiss_kappa": categories.fleiss_kappa,
    "alpha": alpha_statistic,
    "ac1": categories.ac1,
    "ac2": categories.ac2,
    "brennan_prediger": categories.brennan_prediger,
    "icc1": consistency.icc("icc1"),
    "icc2": consistency.icc("icc2"),
    "icc3": consistency.icc("icc3"),
    "icc1k": consistency.icc("icc1k"),
    "icc2k": consistency.icc("icc2k"),
    "icc3k": consistency.icc("icc3k"),
    "kendall_w": consistency.kendall_w,
    "tau_b": correlation.tau_b,
    "tau_c": correlation.tau_c,
    "spearman": correlation.spearman,
    "pearson": correlation.pearson,
    "pairwise_accuracy": correlation.pairwise_accuracy,
    "alpha_jaccard": lists.alpha_jaccard,
    "overlap": lists.overlap,
    "rank_tau": lists.rank_tau,
    "rank_w": lists.rank_w,
}
COMPLETE = {"icc1", "icc2", "icc3", "icc1k", "icc2k", "icc3k", "kendall_w"}
"""Coefficients of items that every rater rated; their n is the number of those."""
CONSTANT = {"spearman", "pearson", "tau_b", "tau_c"}
"""Coefficients that a rater who gives one value leaves undefined."""
CATEGORICAL = {"percent_agreement", "cohen_kappa", "scott_pi", "fleiss_kappa", "ac1", "ac2", "brennan_prediger"}
"""Coefficients of a fixed set of values, between which there is nothing: a mean or a median may be none of them."""
CHOICE: dict[Level, tuple[tuple[str, ...], str]] = {
    "nominal": (
        ("alpha", "percent_agreement", "ac1"),
        "labels without order: alpha corrects for chance by the labels' frequency, ac1 stays steady when one is rare",
    ),
    "ordinal": (
        ("alpha", "percent_agreement", "spearman"),
        "ordered grades: alpha counts how many ranks apart they are, spearman asks only for the same order",
    ),
    "interval": (
        ("alpha", "percent_agreement", "icc2", "spearman"),
        "grades with equal steps: alpha and icc2 ask for the same number, spearman only for the same order",
    ),
    "ratio": (
        ("alpha", "percent_agreement", "icc2", "spearman"),
        "amounts: alpha compares them by their ratio, icc2 by their difference, spearman only by their order",
    ),
    "set": (
        ("alpha", "percent_agreement", "overlap", "alpha_jaccard"),
        "sets of what was ticked: alpha by MASI counts a set inside another as near, alpha_jaccard what they share; "
        "percent agreement asks for equal sets, overlap for the share in common",
    ),
    "ranking": (
        ("alpha", "percent_agreement", "rank_tau", "rank_w"),
        "rankings: alpha counts pairs of options in another order, a tie as a half; rank_tau and rank_w are Kendall's",
    ),
}
"""Which coefficients fit a level, and why."""


def choose(level: Level, names: Sequence[str] | None = None) -> tuple[list[str], str]:
    """Return the coefficients to compute and why: those asked for, beside alpha and percent agreement.

    An intraclass correlation goes by either school's name too (`ICC(2,1)`, `ICC(A,1)`); `icc` is all six.

    Raises:
        HarnessError: A name is no coefficient.
    """
    chosen, why = CHOICE[level]
    if not names:
        return list(chosen), why
    asked = [one for name in names for one in (ICC_NAMES if name.lower() == "icc" else [_named(name)])]
    return list(dict.fromkeys(["alpha", "percent_agreement", *asked])), "as asked for"


def _named(name: str) -> str:
    """Return a coefficient's own name."""
    known = {said.lower(): own for own, schools in ICC_NAMES.items() for said in schools}
    own = known.get(name.replace(" ", "").lower(), name)
    if own not in COEFFICIENTS:
        raise HarnessError(f"no coefficient {name!r}.{did_you_mean(name, COEFFICIENTS)}")
    return own


def compute(name: str, units: Units, level: Level, *, resamples: int = 1000, seed: int = 0) -> Estimate:
    """Return a coefficient with its interval.

    Args:
        name: A key of `COEFFICIENTS`.
        units: The ratings.
        level: Their level.
        resamples: Bootstrap resamples; 0 gives no interval.
        seed: Decides the draws.
    """
    n = units.n_items if name not in COMPLETE else int((units.sizes == len(units.raters)).sum())
    statistic = COEFFICIENTS[name](units, level)
    if isinstance(statistic, str):
        return Estimate(n=n, reason=statistic)
    undefined = "constant_rater" if name in CONSTANT and len(units.values) > 1 else "single_category"
    if n < 2:
        undefined = "too_few_items"
    return estimate(statistic, n, undefined=undefined, resamples=resamples, seed=seed)
