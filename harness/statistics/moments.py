"""Means of rounds on the same items, and how sure they are: all that the verdicts need to know of the scores.

Every quantity of this room (a slope over a window, a delta, a difference between two series) is linear in an item's
scores. So the scores are read once, into the means of the columns and the covariance of those means; a contrast is then
a product of small matrices, whatever the number of items.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from harness.statistics.arrays import Floats, Ints


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
class Moments:
    """Means of k columns over the same items.

    Attributes:
        means: The column means, shape (k,).
        scatter: With independent items the centred cross products, shape (k, k); with clusters those of the clusters'
            sums, scaled to the items' place.
        n_items: Items.
        n_units: Independent units: the clusters, or the items.
        seed_means: The column means of each training seed, shape (seeds, k).
        clustered: Whether the units are clusters.
    """

    means: Floats
    scatter: Floats
    n_items: int
    n_units: int
    seed_means: Floats
    clustered: bool

    @classmethod
    def of(cls, scores: Floats, cluster: Ints | None = None) -> Moments:
        """Read scores of shape (seeds, items, columns), without gaps, in one pass.

        Args:
            scores: Scores in [0, 1].
            cluster: The cluster of each item, as whole numbers; None for independent items.
        """
        seed_means = scores.mean(axis=1)
        item_means = scores[0] if len(scores) == 1 else scores.mean(axis=0)
        means = seed_means.mean(axis=0)
        centred = item_means - means
        n_items = len(centred)
        if cluster is None:
            return cls(means, centred.T @ centred, n_items, n_items, seed_means, False)
        units = np.unique(cluster, return_inverse=True)[1]
        sums: Floats = np.stack([np.bincount(units, weights=column) for column in centred.T], axis=1).astype(float)
        return cls(means, sums.T @ sums, n_items, len(sums), seed_means, True)

    def covariance(self) -> Floats:
        """Return the covariance of the means, of items (or clusters) and seeds together, shape (k, k)."""
        items = self.scatter / (self.n_items * (self.n_items - 1))
        if self.clustered:
            items = self.scatter * self.n_units / ((self.n_units - 1) * self.n_items**2)
        return items + self._seed_covariance()

    def estimate(self, contrast: Floats) -> ContrastEstimate:
        """Return a contrast of the means with its variance.

        Without clusters two pseudo-items stand at the largest and the smallest value that the contrast can take, so
        that items which never changed are no proof that nothing can (Bonett and Price 2012, for paired shares). With
        clusters the variance is the sandwich over clusters, with G / (G - 1).
        """
        n = self.n_items
        value = float(contrast @ self.means)
        spread = max(float(contrast @ self.scatter @ contrast), 0.0)
        if self.clustered:
            centre = value
            items = spread * self.n_units / ((self.n_units - 1) * n**2)
            df = self.n_units - 1.0
        else:
            centre, items = guarded(value, spread, float(np.abs(contrast).sum()) / 2, n)
            df = n + 1.0
        seeds = float(contrast @ self._seed_covariance() @ contrast)
        return ContrastEstimate(value, centre, items, seeds, _degrees(items, df, seeds, len(self.seed_means)))

    def _seed_covariance(self) -> Floats:
        count, columns = self.seed_means.shape
        if count == 1:
            return np.zeros((columns, columns))
        centred = self.seed_means - self.means
        shared: Floats = centred.T @ centred / (count * (count - 1))
        return shared


Number = TypeVar("Number", float, Floats)


def guarded(value: Number, spread: Number, extreme: float, n: int) -> tuple[Number, Number]:
    """Return mean and variance of a contrast with two pseudo-items at plus and minus its extreme.

    Args:
        value: The mean of n items' contrasts; an array for several samples.
        spread: Their centred sum of squares.
        extreme: The largest value that the contrast can take.
        n: Items.
    """
    return value * n / (n + 2), (spread + 2 * n * value**2 / (n + 2) + 2 * extreme**2) / ((n + 1) * (n + 2))


def _degrees(items: float, df: float, seeds: float, count: int) -> float:
    """Return seeds - 1 where the seeds' part dominates, else Satterthwaite's degrees of freedom."""
    if count == 1 or seeds == 0:
        return df
    if seeds >= items:
        return count - 1.0
    return float((items + seeds) ** 2 / (items**2 / df + seeds**2 / (count - 1)))
