"""Which round was the last that helped: a confidence set of rounds, from what is shown to what is not ruled out.

Rounds before `shown` are ruled out because something later is shown better; rounds after `possible` because nothing
later can add as much as the smallest effect of interest. That a gain is not shown says nothing by itself: it is no
plateau. Means and their covariance go in, of one series or of many at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.statistics import Bools, ContrastEstimates, Floats, Ints, Moments

Verdict = Literal["improving", "plateaued", "worsening", "inconclusive"]

EQUAL = 0.05
"""Significance of the test that the rounds of a plateau are all equal."""
SLOWED = 0.01
"""Significance of the test that a rise has slowed, shared between the rounds at which it may have."""
FAR = 2
"""SESOIs that no round may have lost where nothing rose yet: few items that fell by chance are no standstill."""
FEWEST = 3
"""Rounds that have a slope of their own."""


@dataclass(frozen=True)
class LastGain:
    """The confidence set for the last round that helped, by rank; of shape (...) for many series.

    Attributes:
        shown: a, the round up to which gain is shown.
        possible: b, the last round that may have helped by as much as the smallest effect of interest.
        worse: Whether the last round is shown to be below an earlier one.
        rising: Whether a line with a slope above 0 and inside the smallest effect of interest fits all rounds.
        p_later: The p value against "no round after r is above the best of rounds 0 to r", shape (..., K - 1).
        p_worse: The p value against "the last round is below no earlier one".
        p_more: The p value against "a round after `possible` adds the smallest effect of interest"; 1 where `possible`
            is the last round.
    """

    shown: Ints
    possible: Ints
    worse: Bools
    rising: Bools
    p_later: Floats
    p_worse: Floats
    p_more: Floats

    @property
    def verdict(self) -> np.ndarray[tuple[int, ...], np.dtype[np.str_]]:
        """The verdicts, as `Verdict` words."""
        last = self.p_later.shape[-1]
        plateau = (self.possible < last) & ~self.rising
        return np.select([self.shown == last, self.worse, plateau], VERDICTS[:3], VERDICTS[3])


VERDICTS: list[Verdict] = ["improving", "worsening", "plateaued", "inconclusive"]


def last_gain(moments: Moments, sesoi: float, significance: float) -> LastGain:
    """Return which round was the last that helped.

    Args:
        moments: Of the rounds in order, K >= 2.
        sesoi: The smallest effect of interest, a fraction of the range.
        significance: Of each one-sided statement.
    """
    count = moments.means.shape[-1]
    gains = _gains(moments)
    p_above = _square(gains.p_above())
    p_shown = _p_later(p_above)
    shown = _first(p_shown >= significance)
    p_worse = np.minimum((count - 1) * (1 - p_above[..., -1, :-1].max(axis=-1)), 1)
    p_reach = _square(gains.p_below(sesoi))
    lost = _square((gains.low(significance) <= -FAR * sesoi).astype(np.float64))
    p_reach[..., 1:, 0] = np.where(lost[..., 1:, 0] > 0, 1.0, p_reach[..., 1:, 0])
    p_more = np.stack([_p_more(moments, p_reach, r, sesoi, significance) for r in range(count - 1)], axis=-1)
    possible = _first((p_more < significance) & (np.arange(count - 1) >= shown[..., None]))
    p_found = np.concatenate([p_more, np.ones_like(p_more[..., :1])], axis=-1)
    p_found = np.take_along_axis(p_found, possible[..., None], axis=-1)[..., 0]
    rising = _slow_rise(moments, sesoi, significance)
    return LastGain(shown, possible, p_worse < significance, rising, p_shown, p_worse, p_found)


def p_later(moments: Moments) -> Floats:
    """Return the p values against "no round after r is above the best of rounds 0 to r", for r = 0, 1, ..., K - 2."""
    return _p_later(_square(_gains(moments).p_above()))


def slope(first: int, last: int, count: int) -> Floats:
    """Return the contrast that is the least squares slope over the rounds from first to last, by rank, of all."""
    contrast = np.zeros(count)
    place = np.arange(first, last + 1) - (first + last) / 2
    contrast[first : last + 1] = place / (place @ place)
    return contrast


def _gains(moments: Moments) -> ContrastEstimates:
    """Return every round minus every earlier one, in the order of `np.tril_indices`."""
    count = moments.means.shape[-1]
    later, earlier = np.tril_indices(count, -1)
    return moments.estimates(np.eye(count)[later] - np.eye(count)[earlier])


def _p_later(p_above: Floats) -> Floats:
    """Return `p_later` from the p values of all gains: Bonferroni over the later rounds, the worst over the earlier."""
    found = []
    for r in range(p_above.shape[-1] - 1):
        candidates = p_above[..., r + 1 :, : r + 1].max(axis=-1)
        found.append(np.minimum(candidates.shape[-1] * candidates.min(axis=-1), 1))
    return np.stack(found, axis=-1)


def _p_more(moments: Moments, p_reach: Floats, r: int, sesoi: float, significance: float) -> Floats:
    """Return the p value against "a round after r adds what matters"; 1 where the rise has not shown to have ended.

    Either every later round is shown to be less than the SESOI above round r. Or, which takes fewer items, the slope
    over the rounds from r is shown to be inside the SESOI, while they look equal and none stands out by twice the
    SESOI. In both cases that slope is not shown to be above 0, and is shown to be less than the slope up to r; before
    any rise (r = 0) the first way asks instead that no later round may lie far below.
    """
    count = moments.means.shape[-1]
    over = slope(r, count - 1, count)
    slopes = moments.estimates(np.array([over, slope(0, r, count) - over] if r > 0 else [over]))
    p_value = p_reach[..., r + 1 :, r].max(axis=-1)
    if count - r >= FEWEST:
        level = moments.p_equal(np.diff(np.eye(count), axis=0)[r:]) > EQUAL
        near = (moments.means[..., r + 1 :] - moments.means[..., r : r + 1]).max(axis=-1) < 2 * sesoi
        inside = np.maximum(slopes.p_above(-sesoi), slopes.p_below(sesoi))[..., 0]
        p_value = np.minimum(p_value, np.where(level & near, inside, 1))
    ended = slopes.low(significance)[..., 0] <= 0
    if r > 0:
        ended = ended & (slopes.p_above()[..., 1] < SLOWED / max(1, count - 2))
    return np.where(ended, p_value, 1)


def _slow_rise(moments: Moments, sesoi: float, significance: float) -> Bools:
    """Return whether a line fits all rounds, with a slope above 0 and inside the smallest effect of interest."""
    count = moments.means.shape[-1]
    if count < FEWEST:
        return np.zeros(moments.means.shape[:-1], dtype=np.bool_)
    rate = moments.estimates(slope(0, count - 1, count)[None])
    bends = np.diff(np.eye(count), n=2, axis=0)
    inside = (rate.low(significance)[..., 0] > 0) & (rate.high(significance)[..., 0] < sesoi)
    return np.asarray(inside & (moments.p_equal(bends) > EQUAL))


def _first(true: Bools) -> Ints:
    """Return the first true place of the last axis; its length where none is."""
    return np.asarray(np.where(true.any(axis=-1), true.argmax(axis=-1), true.shape[-1]), dtype=np.int64)


def _square(values: Floats) -> Floats:
    """Return the values of `_gains` as (..., later, earlier)."""
    count = (1 + round((1 + 8 * values.shape[-1]) ** 0.5)) // 2
    found = np.full((*values.shape[:-1], count, count), np.nan)
    later, earlier = np.tril_indices(count, -1)
    found[..., later, earlier] = values
    return found
