"""What is left of a preference when quality is held equal, although whoever says what is better errs as well.

A judge that errs is drawn to the middle: where its own answers win less often, it passes more of them than people do,
and the mean of (judge - people) calls that taste. So quality is held equal, which asks for equal error rates on both
sides. And a person errs as well, so that what a person says holds quality equal only in part: errors in variables. With
two ratings of the same answers the reference's noise is known and taken out; with one the answer lies between a person
who never errs and one who errs as much as a judge without error would make it, and both ends are shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from harness.statistics import Bools, Estimate, Floats, from_draws, resampled

DOUBLED = 30
"""Answers, or pairs, with two ratings by people from which their noise is known."""
LEAST_RELIABLE = 0.16
"""At least so much of the variance of people's ratings is taken for quality: a person right in 70 % of even pairs."""


@dataclass(frozen=True)
class Reference:
    """What people, or a verifier, say of each answer or pair.

    Attributes:
        value: Their mean, shape (n,); of pairs around 0, where both are equally good.
        noise: The variance of that mean, NaN where one rating says nothing of it.
        exact: Whether it is a verifier, which is taken at its word.
    """

    value: Floats
    noise: Floats
    exact: bool

    @property
    def doubled(self) -> bool:
        """Whether people's noise is known."""
        return bool(np.isfinite(self.noise).sum() >= DOUBLED)

    def turned(self, sign: Floats) -> Reference:
        """Return what is said from the other side where the sign is -1."""
        return replace(self, value=sign * self.value)

    def sums(self) -> list[Floats]:
        """Return what each answer adds to the sums that `quality` reads."""
        two = np.isfinite(self.noise).astype(float)
        return [two, two * self.value, two * self.value**2, np.where(two > 0, self.noise, 0.0)]

    def quality(self, sums: Floats, spread: Floats, least: Floats) -> tuple[Floats, Floats]:
        """Return the smallest and the largest variance of true quality that is possible, shape (draws,).

        Args:
            sums: The sums of `sums`, shape (groups, draws, 4): variances are within groups.
            spread: The variance of the reference, noise and all.
            least: What the correlation with judge and length leaves at least.
        """
        if self.exact:
            return spread, spread
        if self.doubled:
            count, one, square, noise = np.moveaxis(sums, -1, 0)
            within = square - one**2 / np.maximum(count, 1e-12) - noise
            true = within.sum(axis=0) / np.maximum(count.sum(axis=0), 1e-12)
            true = np.clip(true, LEAST_RELIABLE * spread, spread)
            return true, true
        return np.clip(least, LEAST_RELIABLE * spread, spread), spread


def taste(judge: Floats, reference: Reference, own: Bools | None, item: pd.Series[str]) -> Estimate:
    """Return by how much a judge rates its own kind higher than their quality says.

    Of pairs (`own` is None), told from the side of the judge's own kind: half the difference between how often it takes
    its own where the other is better, and the other where its own is better. Of single ratings: own minus others at
    equal quality.

    Args:
        judge: Its ratings, or its preferences for its own less one half.
        reference: What people or a verifier say of the same.
        own: Which answers are of its own kind; None for pairs.
        item: What belongs together; intervals resample these.
    """
    groups = [np.ones(len(judge), dtype=bool)] if own is None else [own, ~own]
    columns = [np.ones(len(judge)), judge, reference.value, judge**2, reference.value**2, judge * reference.value]
    table = np.column_stack([column * group for group in groups for column in [*columns, *reference.sums()]])

    def at(sums: Floats) -> tuple[Floats, Floats]:
        each = np.moveaxis(sums.reshape(len(sums), len(groups), -1), 1, 0)
        n, j, r, jj, rr, jr = np.moveaxis(each[..., :6], -1, 0)
        n = np.maximum(n, 1e-12)
        total = n.sum(axis=0)
        of_judge, spread = (((square - one**2 / n).sum(axis=0) / total) for square, one in ((jj, j), (rr, r)))
        shared = (jr - j * r / n).sum(axis=0) / total
        least = shared**2 / np.maximum(of_judge, 1e-12)
        ends = reference.quality(each[..., 6:], spread, least)
        gap_judge, gap = (x[0] / n[0] - (x[1] / n[1] if own is not None else 0.0) for x in (j, r))
        both = [gap_judge - shared / np.maximum(true, 1e-12) * gap for true in ends]
        return np.minimum(*both), np.maximum(*both)

    return between(at, table, item, len(judge))


def between(
    ends: Callable[[Floats], tuple[Floats, Floats]], table: Floats, item: pd.Series[str], n: int, resamples: int = 1000
) -> Estimate:
    """Return the middle of two ends, from the lower end's lower limit to the higher one's higher, over items.

    Args:
        ends: From sums of shape (draws, columns) to the lower and the higher end.
        table: What each row adds to the sums.
        item: What belongs together.
        n: Rows that it rests on.
        resamples: Bootstrap resamples.
    """
    codes = np.unique(item.astype(str), return_inverse=True)[1]
    summed = np.column_stack([np.bincount(codes, weights=column) for column in table.T]).astype(float)
    counts = np.ones(len(summed), dtype=np.int64)
    total = summed.sum(axis=0)
    drawn = [ends(weights @ summed) for weights in resampled(counts, resamples, 0)]
    draws, values, left_out = np.hstack(drawn), np.hstack(ends(total[None])), ends(total - summed)
    low, high = (from_draws(values[i], draws[i], left_out[i], counts, n=n) for i in (0, 1))
    lower, upper = (values[i] if found.reason == "no_variation" else end
                    for i, (found, end) in enumerate(((low, low.low), (high, high.high))))  # fmt: skip
    return Estimate(float(values.mean()), float(lower), float(upper), n)
