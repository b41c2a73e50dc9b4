"""The mean of a gold score over all items, from the gold of a few and a proxy of all: PPI++, in numbers alone.

Prediction-powered inference (Angelopoulos, Duchi and Zrnic 2023) subtracts what the proxy got wrong on the gold items.
What it needs to know of each item is its *influence*, how far the item moves the estimate: the variance is the sum of
squared influences, of items or of clusters, and that of a difference of two estimates is that of the influences'
difference. There is one weight of the proxy in the harness, and it is computed here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from harness.statistics.arrays import Bools, Floats, Ints

ADDED = 4.0
"""Items (with clusters: clusters) added to an interval of a share, half of them passes (Agresti and Coull 1998), split
over strata (Price and Bonett 2004): a few gold items without a single error would otherwise pass for certainty."""


@dataclass(frozen=True)
class PPI:
    """A corrected mean.

    Attributes:
        value: The estimate.
        centre: The middle of its interval: `value`, drawn towards one half where it is a share.
        variance: The variance around `centre`.
        df: Degrees of freedom of the t quantile; 0 where nothing can be said of the variance.
        weights: How far the proxy is trusted in each stratum, 0 to 1.
        influence: How far each item moves `value`, shape (items,); items without gold move it by their proxy alone.
        share: Whether the value is a share, between 0 and 1.
    """

    value: float
    centre: float
    variance: float
    df: float
    weights: Floats
    influence: Floats
    share: bool = False

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the ends of the interval, which includes `value`; NaN without degrees of freedom."""
        if not self.df > 0:
            return float("nan"), float("nan")
        margin = float(stdtrit(self.df, (1 + level) / 2)) * self.variance**0.5
        low, high = self.centre - margin, self.centre + margin
        if self.share:
            low, high = max(low, 0.0), min(high, 1.0)
        return min(low, self.value), max(high, self.value)


def ppi_weight(y: Floats, f: Floats, others: Floats) -> float:
    """Return how far a proxy is trusted: cov(y, f) / ((1 + n/N) var f), between 0 and 1, as in `ppi-python`.

    Args:
        y: Gold scores, shape (n,).
        f: The proxy of the same items.
        others: The proxy of the N items without gold.
    """
    pooled = np.concatenate([f, others])
    if len(others) < 2 or np.ptp(pooled) == 0:
        return 0.0
    shared = float(np.mean((y - y.mean()) * (f - f.mean())))
    return float(np.clip(shared / ((1 + len(f) / len(others)) * pooled.var(ddof=1)), 0, 1))


def corrected_mean(
    gold: Floats,
    proxy: Floats,
    labelled: Bools,
    *,
    strata: Ints | None = None,
    cluster: Ints | None = None,
    share: bool = False,
) -> PPI:
    """Return the PPI++ estimate of the mean of gold over all items.

    In each stratum theta = mean y + lam (mean F - mean f), with a weight lam of its own, 0 where it would not lessen
    the variance; strata count by their shares of all items. Valid where, within each stratum, the items with gold are
    a random sample; with clusters, where whole clusters are.

    Args:
        gold: Gold scores, shape (items,); only those of labelled items are read.
        proxy: The proxy of every item.
        labelled: Which items have gold; at least one in each stratum.
        strata: The stratum of each item; None for one.
        cluster: The cluster of each item; the variance is then that of clusters' sums, with clusters - 1 degrees of
            freedom.
        share: Gold is 0 or 1: the interval then counts four items more (`ADDED`).

    Returns:
        The estimate. Without clusters its degrees of freedom are Welch and Satterthwaite's over strata.
    """
    stratum = np.zeros(len(proxy), np.int64) if strata is None else np.unique(strata, return_inverse=True)[1]
    added = 0.0
    if share:
        added = ADDED / (int(stratum.max()) + 1)
        if cluster is not None:
            added *= _design_effect(gold, proxy, labelled, stratum, cluster)
    found = _estimate(gold, proxy, labelled, stratum, cluster, added, trusted=True)
    if not found.weights.any():
        return found
    alone = _estimate(gold, proxy, labelled, stratum, cluster, added, trusted=False)
    return found if _width(found) <= _width(alone) else alone


def _design_effect(gold: Floats, proxy: Floats, labelled: Bools, stratum: Ints, cluster: Ints) -> float:
    """Return how many items of a cluster say as much as one independent item: 1 up to the items with gold in one."""
    of_items = _estimate(gold, proxy, labelled, stratum, None, 0.0, trusted=True).variance
    of_clusters = _estimate(gold, proxy, labelled, stratum, cluster, 0.0, trusted=True).variance
    most = float(labelled.sum() / len(np.unique(cluster[labelled])))
    return float(np.clip(of_clusters / of_items, 1, most)) if of_items > 0 else most


def _width(found: PPI) -> float:
    low, high = found.interval()
    return high - low if np.isfinite(low) else found.variance


@dataclass(frozen=True)
class _Stratum:
    """What one stratum says: its mean, the middle of its interval, and the variances of the items with gold."""

    mean: float
    centre: float
    weight: float
    variance: float
    proxy_variance: float
    df: float
    added: float


def _estimate(
    gold: Floats, proxy: Floats, labelled: Bools, stratum: Ints, cluster: Ints | None, added: float, trusted: bool
) -> PPI:
    sizes = np.bincount(stratum)
    shares = sizes / sizes.sum()
    influence = np.zeros(len(proxy))
    parts = []
    for s in range(len(sizes)):
        mine = stratum == s
        rated, rest = mine & labelled, mine & ~labelled
        part = _of_stratum(gold[rated], proxy[rated], proxy[rest], added, trusted)
        residual = gold[rated] - part.weight * proxy[rated]
        influence[rated] = shares[s] * (residual - residual.mean()) / len(residual)
        if part.weight:
            influence[rest] = shares[s] * part.weight * (proxy[rest] - proxy[rest].mean()) / rest.sum()
        parts.append(part)
    means, centres = np.array([part.mean for part in parts]), np.array([part.centre for part in parts])
    value, centre = float(shares @ means), float(shares @ centres)
    influence += (means[stratum] - value) / len(proxy)
    of_gold = shares**2 * [part.variance for part in parts]
    of_proxy = shares**2 * [part.weight**2 * part.proxy_variance for part in parts]
    among = float(shares @ (means - value) ** 2) / len(proxy)
    variance = float(of_gold.sum() + of_proxy.sum()) + among
    freedom = np.array([part.df for part in parts])
    with np.errstate(divide="ignore", invalid="ignore"):
        df = float(of_gold.sum() ** 2 / np.sum(of_gold**2 / freedom)) if of_gold.any() else float(freedom.sum())
    if cluster is not None:
        sums = np.bincount(np.unique(cluster, return_inverse=True)[1], weights=influence)
        units = len(np.unique(cluster[labelled]))
        df = units - 1.0
        variance = float(sums @ sums) * units / max(df, 1.0) + float(shares**2 @ [part.added for part in parts])
    df = df if np.isfinite(df) and np.all(freedom > 0) else 0.0
    return PPI(value, centre, variance, df, np.array([part.weight for part in parts]), influence, bool(added))


def _of_stratum(y: Floats, f: Floats, others: Floats, added: float, trusted: bool) -> _Stratum:
    """Return what a stratum says; `added` items stand beside its gold, as many passes as failures."""
    n = len(y)
    count = n + added
    ends, proxies = np.zeros(0), np.zeros(0)
    if added:
        ends, proxies = np.array([1.0, 0, 1, 0]), np.array([1.0, 0, 0, 1])  # half of the proxies are right
    each = added / 4

    def at(weight: float) -> tuple[float, float, float]:
        """Return the middle of the interval, the variance of the gold, and the part of the added items."""
        residual, extra = y - weight * f, ends - weight * proxies
        middle = (residual.sum() + each * extra.sum()) / count
        real, more = float(np.sum((residual - middle) ** 2)), each * float(np.sum((extra - middle) ** 2))
        below = count * max(count - 1, 1e-9)
        return float(middle), (real + more) / below, more / below

    weight = ppi_weight(y, f, others) if trusted and n > 1 else 0.0
    machine = float(others.var(ddof=1)) / len(others) if len(others) > 1 else 0.0
    if weight and at(weight)[1] + weight**2 * machine >= at(0.0)[1]:
        weight = 0.0
    middle, variance, more = at(weight)
    moved = weight * float(others.mean()) if weight else 0.0
    mean = float((y - weight * f).mean()) + moved
    return _Stratum(mean, middle + moved, weight, variance, machine, count - 1, more)
