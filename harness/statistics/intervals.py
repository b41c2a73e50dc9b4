"""Intervals: how sure an estimate is, by resampling items (or clusters of them), never raters.

Items with equal ratings form a *block* with a count, so that resampling draws counts of blocks from a multinomial and
costs blocks, not items. A statistic says its value under given block weights, its values on resamples (the same, but
where pairs of items are counted), and its values with one item left out. BCa (Efron 1987) is the default; above
`CLT_ABOVE` items the normal interval of the jackknife.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.special import ndtr, ndtri

from harness.statistics.arrays import Floats, Ints
from harness.statistics.json_values import number

CLT_ABOVE = 200_000
"""Items above which the normal interval replaces the bootstrap."""
BLOCKS_ABOVE = 20_000
"""So it does above so many blocks (clusters, or items whose values all differ): each is drawn by itself."""
CHUNK = 4_000_000
"""Numbers held at once while resampling."""
GROUPS = 1_000
"""At most so many groups are left out in turn where a statistic is no sum over items."""


@dataclass(frozen=True)
class Estimate:
    """A statistic with its 95 % interval, or the reason why there is none.

    Attributes:
        value: The estimate; NaN where it is undefined.
        low: Lower end of the interval, NaN where there is none.
        high: Upper end.
        n: Items that it rests on.
        reason: Why value or interval is undefined: `single_category`, `no_overlap`, `one_rater`, `constant_rater`,
            `too_few_items`, `no_variation` (a value, but nothing that an interval could be taken from), ... In JSON
            also `no_resamples`: no interval was asked for.
        method: `bca` or `clt`.
    """

    value: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    n: int = 0
    reason: str | None = None
    method: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values: null, never NaN."""
        ends = {name: number(getattr(self, name)) for name in ("value", "low", "high")}
        unsure = self.reason is None and ends["value"] is not None and ends["low"] is None
        return {**ends, "n": self.n, "reason": "no_resamples" if unsure else self.reason}


class Statistic(Protocol):
    """A statistic of blocks of items."""

    @property
    def counts(self) -> Ints:
        """Items (or clusters) in each block, shape (blocks,)."""
        ...

    def at(self, weights: Floats) -> Floats:
        """Return the values under weights of shape (draws, blocks)."""
        ...

    def redrawn(self, weights: Floats) -> Floats:
        """Return the values of resamples, whose weights have shape (draws, blocks)."""
        ...

    def without(self) -> tuple[Floats, Ints]:
        """Return the value with one unit left out, for each block (or group of blocks), and how often it stands."""
        ...


@dataclass(frozen=True)
class Additive:
    """A formula of sums over items.

    Attributes:
        stats: What one item of each block adds to each sum, shape (blocks, sums).
        counts: Items in each block.
        formula: From sums of shape (draws, sums) to values of shape (draws,); NaN where undefined.
    """

    stats: Floats
    counts: Ints
    formula: Callable[[Floats], Floats]

    def at(self, weights: Floats) -> Floats:
        """Return the values under weights of shape (draws, blocks)."""
        return self.formula(weights @ self.stats)

    redrawn = at

    def without(self) -> tuple[Floats, Ints]:
        """Return the value with one item of each block left out."""
        total = self.counts.astype(float) @ self.stats
        rows = max(1, CHUNK // self.stats.shape[1])
        parts = [self.formula(total - self.stats[i : i + rows]) for i in range(0, len(self.stats), rows)]
        return np.concatenate(parts), self.counts


@dataclass(frozen=True)
class Weighted:
    """A statistic that is no formula of sums (ranks): computed anew from the weights of the items.

    Attributes:
        function: From weights of shape (draws, kinds of items) to values of shape (draws,).
        counts: Items (or clusters) in each block.
        of_resamples: The same for resamples, where it differs.
        share: How many items of each kind a block has, shape (blocks, kinds); where blocks are the kinds, None.
    """

    function: Callable[[Floats], Floats]
    counts: Ints
    of_resamples: Callable[[Floats], Floats] | None = None
    share: csr_array | None = None

    def at(self, weights: Floats) -> Floats:
        """Return the values under weights of shape (draws, blocks)."""
        return self.function(weights if self.share is None else weights @ self.share)

    def redrawn(self, weights: Floats) -> Floats:
        """Return the values of resamples."""
        return self.at(weights) if self.of_resamples is None else self.of_resamples(weights)

    def without(self) -> tuple[Floats, Ints]:
        """Return the value with one item of each block, or one of `GROUPS` groups of items, left out."""
        removed, times = self._left_out()
        total = self.counts.astype(float)
        if self.share is not None:
            removed, total = (removed @ self.share).tocsr(), total @ self.share
        rows = max(1, CHUNK // max(1, len(total)))
        starts = range(0, len(times), rows)
        parts = [self.function(total - removed[i : i + rows].toarray()) for i in starts]
        return np.concatenate(parts), times

    def _left_out(self) -> tuple[csr_array, Ints]:
        """Return the items of each block that are left out together, shape (groups, blocks), and how often that stands.

        Groups are drawn from items, not from blocks: blocks of unequal size in one group would overstate the error.
        """
        blocks = len(self.counts)
        if blocks <= GROUPS:
            return csr_array((np.ones(blocks), (np.arange(blocks), np.arange(blocks)))), self.counts
        member = np.repeat(np.arange(blocks), self.counts)
        group = np.random.default_rng(0).permutation(len(member)) % GROUPS
        removed = coo_array((np.ones(len(member)), (group, member)), shape=(GROUPS, blocks))
        return removed.tocsr(), np.ones(GROUPS, dtype=np.int64)


def estimate(
    statistic: Statistic, n: int, *, undefined: str, resamples: int = 1000, seed: int = 0, level: float = 0.95
) -> Estimate:
    """Return a statistic's value with its interval.

    Args:
        statistic: What to estimate.
        n: Items that it rests on.
        undefined: The reason to give where the value is undefined.
        resamples: Bootstrap resamples; 0 gives no interval.
        seed: Decides the draws.
        level: Coverage aimed at.

    Returns:
        The estimate; its interval is BCa over items, or normal above `CLT_ABOVE` of them.
    """
    value = float(statistic.at(statistic.counts[None, :].astype(float))[0])
    if not np.isfinite(value):
        return Estimate(n=n, reason=undefined)
    if resamples == 0:
        return Estimate(value, n=n)
    if int(statistic.counts.sum()) < 2:
        return Estimate(value, n=n, reason="too_few_items")
    if is_large(statistic):
        return from_left_out(value, *statistic.without(), n=n, level=level)
    return from_draws(value, bootstrap(statistic, resamples, seed), *statistic.without(), n=n, level=level)


def is_large(statistic: Statistic) -> bool:
    """Whether the normal interval of the jackknife is taken, and nothing resampled."""
    return int(statistic.counts.sum()) > CLT_ABOVE or len(statistic.counts) > BLOCKS_ABOVE


def from_left_out(value: float, left_out: Floats, times: Ints, *, n: int, level: float = 0.95) -> Estimate:
    """Return an estimate with its normal interval from jackknife values."""
    error = _error(left_out, times)
    if not error > 1e-12:
        return Estimate(value, n=n, reason="no_variation")
    margin = float(ndtri((1 + level) / 2)) * error
    return Estimate(value, value - margin, min(value + margin, 1.0), n, method="clt")


def from_draws(value: float, draws: Floats, left_out: Floats, times: Ints, *, n: int, level: float = 0.95) -> Estimate:
    """Return an estimate with its BCa interval from bootstrap and jackknife values."""
    low, high = bca(value, draws, left_out, times, level)
    if not np.isfinite(low):
        return Estimate(value, n=n, reason="no_variation")
    return Estimate(value, low, high, n, method="bca")


def resampled(counts: Ints, resamples: int, seed: int) -> Iterator[Floats]:
    """Yield weights of shape (some draws, blocks): each draw takes as many items as there are, with replacement."""
    rng = np.random.default_rng(seed)
    blocks, n = len(counts), int(counts.sum())
    by_item = n < 8 * blocks  # drawing items is then cheaper than a binomial a block
    rows = max(1, CHUNK // max(blocks, n if by_item else 1))
    member = np.repeat(np.arange(blocks), counts) if by_item else None
    for start in range(0, resamples, rows):
        size = min(rows, resamples - start)
        if member is None:
            yield rng.multinomial(n, counts / n, size=size).astype(float)
        else:
            drawn = member[rng.integers(0, n, (size, n))] + blocks * np.arange(size)[:, None]
            yield np.bincount(drawn.ravel(), minlength=size * blocks).reshape(size, blocks).astype(float)


def bootstrap(statistic: Statistic, resamples: int, seed: int) -> Floats:
    """Return the statistic on each of `resamples` resamples of its items."""
    return np.concatenate([statistic.redrawn(weights) for weights in resampled(statistic.counts, resamples, seed)])


def bca(value: float, draws: Floats, left_out: Floats, times: Ints, level: float = 0.95) -> tuple[float, float]:
    """Return the bias-corrected and accelerated interval (Efron 1987).

    Args:
        value: The estimate.
        draws: Bootstrap values; undefined ones are left out.
        left_out: Jackknife values.
        times: How many items each jackknife value stands for.
        level: Coverage aimed at.

    Returns:
        Lower and upper end; NaN where the draws do not vary.
    """
    draws = draws[np.isfinite(draws)]
    if not len(draws) or np.ptp(draws) < 1e-12:
        return float("nan"), float("nan")
    below = (np.sum(draws < value - 1e-12) + np.sum(np.abs(draws - value) <= 1e-12) / 2) / len(draws)
    bias = ndtri(np.clip(below, 0.5 / len(draws), 1 - 0.5 / len(draws)))
    known = np.isfinite(left_out)
    gap = np.average(left_out[known], weights=times[known]) - left_out[known] if known.any() else np.zeros(1)
    weight = times[known] if known.any() else np.ones(1)
    spread = float(np.sum(weight * gap**2))
    acceleration = float(np.sum(weight * gap**3)) / (6 * spread**1.5) if spread > 0 else 0.0
    z = bias + ndtri(np.array([(1 - level) / 2, (1 + level) / 2]))
    shares = ndtr(bias + z / (1 - acceleration * z))
    low, high = np.quantile(draws, shares)
    return float(low), float(high)


def standard_error(statistic: Statistic) -> float:
    """Return the jackknife standard error."""
    return _error(*statistic.without())


def _error(left_out: Floats, times: Ints) -> float:
    known = np.isfinite(left_out)
    n = int(times[known].sum())
    if n == 0:
        return float("nan")
    mean = np.average(left_out[known], weights=times[known])
    return float(np.sqrt((n - 1) / n * np.sum(times[known] * (left_out[known] - mean) ** 2)))


def wilson(successes: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval of a share (Wilson 1927); NaN where n is 0."""
    if n == 0:
        return float("nan"), float("nan")
    z = float(ndtri((1 + level) / 2))
    share = successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    margin = z / (1 + z * z / n) * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    return max(0.0, middle - margin), min(1.0, middle + margin)
