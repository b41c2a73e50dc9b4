"""Means of rounds on the same items, and how sure they are: all that the verdicts need to know of the scores.

Every quantity of a series (a gain, a slope, a difference between two series) is linear in an item's scores. So the
scores are read once, into the means of the columns and the covariance of those means; a contrast is then a product of
small matrices, whatever the number of items. Arrays may have dimensions in front: many series are then judged at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import fdtrc, stdtr, stdtrit

from harness.statistics.arrays import Bools, Floats, Ints
from harness.statistics.ppi import ppi_weight

HALF_SCALE = 0.5
"""How far a right-or-wrong score can lie from the middle of its scale."""
NO_CHANGE = 1e-9
"""A change of a score that is rounding."""
FEWEST_DEGREES = 3
"""Degrees of freedom that Hotelling's test must have left."""


@dataclass(frozen=True)
class ContrastEstimate:
    """An estimated contrast.

    Attributes:
        value: The contrast of the plain means.
        centre: The middle of its interval: `value`, drawn a little to zero by the guard.
        item_variance: The part of the variance that more items lessen.
        seed_variance: The part that only more training seeds lessen; 0 with one seed.
        df: Degrees of freedom of the t quantile.
    """

    value: float
    centre: float
    item_variance: float
    seed_variance: float
    df: float

    @property
    def se(self) -> float:
        """The standard error."""
        return float(np.sqrt(self.item_variance + self.seed_variance))


@dataclass(frozen=True)
class ContrastEstimates:
    """Estimates of several contrasts, the attributes of `ContrastEstimate` as arrays with the contrasts last."""

    value: Floats
    centre: Floats
    item_variance: Floats
    seed_variance: Floats
    df: Floats

    @property
    def se(self) -> Floats:
        """The standard errors."""
        found: Floats = np.sqrt(self.item_variance + self.seed_variance)
        return found

    def low(self, significance: float) -> Floats:
        """Return the bounds that each contrast lies above, but for this one-sided error."""
        return self.centre - self._half(significance)

    def high(self, significance: float) -> Floats:
        """Return the bounds that each contrast lies below, but for this one-sided error."""
        return self.centre + self._half(significance)

    def p_above(self, mark: float = 0.0) -> Floats:
        """Return the p values against the hypotheses that the contrasts are at or below a mark."""
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (self.centre - mark) / self.se
        return np.where(self.se > 0, stdtr(self.df, -t), (self.centre <= mark).astype(float))

    def p_below(self, mark: float = 0.0) -> Floats:
        """Return the p values against the hypotheses that the contrasts are at or above a mark."""
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (self.centre - mark) / self.se
        return np.where(self.se > 0, stdtr(self.df, t), (self.centre >= mark).astype(float))

    def one(self, place: int) -> ContrastEstimate:
        """Return one contrast of one series."""
        parts = (self.value, self.centre, self.item_variance, self.seed_variance, self.df)
        return ContrastEstimate(*(float(part[..., place]) for part in parts))

    def _half(self, significance: float) -> Floats:
        found: Floats = stdtrit(self.df, 1 - significance) * self.se
        return found


@dataclass(frozen=True)
class Moments:
    """Means of k columns over the same items.

    Attributes:
        means: The column means, shape (..., k).
        scatter: Cross products of the independent units around their mean, shape (..., k, k): over n (n - 1), n the
            units, it is the covariance of the means.
        n_items: Items.
        n_units: Independent units: the clusters, or the items.
        seed_means: The column means of each training seed, shape (..., seeds, k).
        reach: The largest value that a unit's contrast c is taken to have, over sum |c|: what the guard stands at; 0
            for no guard.
    """

    means: Floats
    scatter: Floats
    n_items: int
    n_units: int
    seed_means: Floats
    reach: float | Floats = HALF_SCALE

    @classmethod
    def of(cls, scores: Floats, cluster: Ints | None = None, reach: float | None = None) -> Moments:
        """Read scores of shape (seeds, items, columns), without gaps, in one pass.

        Args:
            scores: Scores in [0, 1], or differences of such.
            cluster: The cluster of each item, as whole numbers; None for independent items.
            reach: See `Moments`; where not given that of the scores, see `reach_of`.
        """
        seed_means = scores.mean(axis=1)
        means = seed_means.mean(axis=0)
        centred = (scores[0] if len(scores) == 1 else scores.mean(axis=0)) - means
        units = centred if cluster is None else _by_cluster(centred, cluster)
        n_items, n_units = len(centred), len(units)
        reach = reach_of(scores) if reach is None else reach
        return cls(means, units.T @ units * (n_units / n_items) ** 2, n_items, n_units, seed_means, reach)

    @classmethod
    def corrected(
        cls, scores: Floats, gold: Floats, labelled: Bools, cluster: Ints | None = None, reach: float | None = None
    ) -> Moments:
        """Read proxy scores of all items and gold scores of a random sample of them: the means of gold over all items.

        Prediction-powered inference (PPI++, Angelopoulos, Duchi and Zrnic 2023): the proxy's means are corrected by
        what it got wrong on the gold items, column by column, so that a judge that drifts along with the model is no
        progress. One weight holds for all columns, the one that is best for their gains taken together, so that the
        corrected means are linear as plain ones are.

        Args:
            scores: Proxy scores, shape (seeds, items, columns).
            gold: Gold scores of the same shape; only those of labelled items are read.
            labelled: Which items have gold scores.
            cluster: The cluster of each item, or None.
            reach: See `Moments`; where not given that of the gold scores.
        """
        proxy = scores.mean(axis=0)
        y, f, others = gold[:, labelled].mean(axis=0), proxy[labelled], proxy[~labelled]
        n, rest = len(y), len(others)
        weight = proxy_weight(y, f, others)
        shift = weight * (others.mean(axis=0) - f.mean(axis=0)) if weight else np.zeros(y.shape[1])
        influence = np.zeros(scores.shape[1:])
        residual = y - weight * f
        influence[labelled] = (residual - residual.mean(axis=0)) * np.sqrt(n / (n - 1)) / n
        if weight:
            influence[~labelled] = weight * (others - others.mean(axis=0)) / rest
        n_units = n
        if cluster is not None:
            n_units = len(np.unique(cluster[labelled]))
            influence = _by_cluster(influence, cluster) * np.sqrt(n_units / (n_units - 1))
        seed_means = gold[:, labelled].mean(axis=1) + shift
        scatter = influence.T @ influence * n_units * (n_units - 1)
        reach = reach_of(gold[:, labelled]) if reach is None else reach
        return cls(y.mean(axis=0) + shift, scatter, n, n_units, seed_means, reach)

    def columns(self, places: Sequence[int]) -> Moments:
        """Return the moments of some columns alone."""
        chosen = list(places)
        scatter = self.scatter[..., chosen, :][..., chosen]
        return replace(self, means=self.means[..., chosen], scatter=scatter, seed_means=self.seed_means[..., chosen])

    def covariance(self) -> Floats:
        """Return the covariance of the means, of items (or clusters) and seeds together, shape (..., k, k)."""
        found: Floats = self.scatter / (self.n_units * (self.n_units - 1)) + self._seed_covariance()
        return found

    def estimate(self, contrast: Floats) -> ContrastEstimate:
        """Return a contrast of the means with its variance."""
        return self.estimates(contrast[None]).one(0)

    def estimates(self, contrasts: Floats) -> ContrastEstimates:
        """Return contrasts of the means with their variances, shape (m, k) to (..., m).

        Two pseudo-units stand at the largest and the smallest value that a contrast can take, so that units which
        never changed are no proof that nothing can (Bonett and Price 2012, for paired shares).
        """
        value = self.means @ contrasts.T
        spread = np.maximum(np.einsum("mi,...ij,mj->...m", contrasts, self.scatter, contrasts), 0.0)
        extreme = np.asarray(self.reach)[..., None] * np.abs(contrasts).sum(axis=1)
        pseudo = np.where(extreme > 0, 2.0, 0.0)
        n = self.n_units + pseudo
        centre = value * self.n_units / n
        items = (spread + pseudo * self.n_units * value**2 / n + pseudo * extreme**2) / (n * (n - 1))
        seeds = np.einsum("mi,...ij,mj->...m", contrasts, self._seed_covariance(), contrasts)
        df = _degrees(items, n - 1, seeds, self.seed_means.shape[-2], self._seeds_dominate())
        return ContrastEstimates(value, centre, items, seeds, df)

    def p_equal(self, contrasts: Floats) -> Floats:
        """Return the p value against the hypothesis that several contrasts are all 0, shape (...) (Hotelling's T^2).

        Where the training seeds are too few for it, Bonferroni's from the single contrasts.
        """
        single = self.estimates(contrasts)
        count, df = len(contrasts), single.df.min(axis=-1)
        n, left = self.n_units, single.df.min(axis=-1) - count + 1
        guard = 4 * np.asarray(self.reach)[..., None, None] ** 2 * np.eye(self.means.shape[-1])
        spread = (self.scatter + guard) / ((n + 1) * (n + 2)) + self._seed_covariance()
        inverse = np.linalg.pinv(contrasts @ spread @ contrasts.T, hermitian=True)
        squared = np.einsum("...i,...ij,...j->...", single.centre, inverse, single.centre)
        hotelling = fdtrc(count, np.maximum(left, 1), np.maximum(squared * left / (count * df), 0))
        if (left >= FEWEST_DEGREES).all():
            return np.asarray(hotelling)
        above = single.p_above()
        bonferroni = np.minimum(2 * count * np.minimum(above, 1 - above).min(axis=-1), 1)
        return np.asarray(np.where(left >= FEWEST_DEGREES, hotelling, bonferroni))

    def _seeds_dominate(self) -> Bools:
        """Return whether the seeds' part is the larger in the gains between columns, all of them together.

        Of one contrast alone two seeds may agree by chance.
        """
        items = self.scatter / (self.n_units * (self.n_units - 1))
        return np.asarray(gain_variance(self._seed_covariance()) >= gain_variance(items))

    def _seed_covariance(self) -> Floats:
        *_, count, columns = self.seed_means.shape
        if count == 1:
            return np.zeros((columns, columns))
        centred = self.seed_means - self.means[..., None, :]
        shared: Floats = np.swapaxes(centred, -1, -2) @ centred / (count * (count - 1))
        return shared


def reach_of(scores: Floats) -> float:
    """Return how far a score is taken to lie from the middle of its scale: half of the largest change of an item.

    Right-or-wrong scores, of which one that changed did so by the whole scale, reach 1/2. Graded scores reach as far
    as their changes between rounds say. Scores that never change tell nothing: 1/2.

    Args:
        scores: Shape (..., items, columns), without gaps.
    """
    if np.isin(scores, (0.0, 1.0)).all():
        return HALF_SCALE
    largest = float(np.ptp(scores, axis=-1).max())
    return largest / 2 if largest > NO_CHANGE else HALF_SCALE


def proxy_weight(y: Floats, f: Floats, others: Floats) -> float:
    """Return how far a proxy is trusted, 0 to 1: the weight that is best for the gains between columns together.

    Args:
        y: Gold scores, shape (n, k).
        f: Proxy scores of the same items.
        others: Proxy scores of the N items without gold.
    """
    if len(others) < 2:
        return 0.0
    parts = (y, f, others)
    if y.shape[1] > 1:
        parts = tuple(values - values.mean(axis=1, keepdims=True) for values in parts)
    y, f, others = parts
    middle = np.concatenate([f, others]).mean(axis=0)
    y, f, others = y - y.mean(axis=0), f - middle, others - middle
    return ppi_weight(y.ravel(), f.ravel(), others.ravel())


def _by_cluster(values: Floats, cluster: Ints) -> Floats:
    """Return the sums of the rows of each cluster."""
    place = np.unique(cluster, return_inverse=True)[1]
    return np.stack([np.bincount(place, weights=column) for column in values.T], axis=1).astype(np.float64)


def gain_variance(covariance: Floats) -> Floats:
    """Return the variance of the difference of two columns, averaged over the pairs; of one column its variance."""
    count = covariance.shape[-1]
    total, trace = covariance.sum(axis=(-2, -1)), np.trace(covariance, axis1=-2, axis2=-1)
    if count == 1:
        return np.asarray(trace)
    return np.asarray(np.maximum(2 * (trace / count - (total - trace) / (count * (count - 1))), 0.0))


def _degrees(items: Floats, df: Floats, seeds: Floats, count: int, dominate: Bools) -> Floats:
    """Return seeds - 1 where the seeds' part dominates, here or over all columns, else Satterthwaite's degrees."""
    if count == 1:
        return np.broadcast_to(df, items.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        mixed = (items + seeds) ** 2 / (items**2 / df + seeds**2 / (count - 1))
    dominated = (seeds >= items) | dominate[..., None]
    return np.where(seeds == 0, df, np.where(dominated, count - 1.0, mixed))
