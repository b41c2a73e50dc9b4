"""Slices: the agreement in each group of items, and whether the groups differ."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from harness.agreement.coefficients.alpha import alpha, alpha_statistic
from harness.agreement.grid.units import Level, Units
from harness.statistics import Estimate, Floats, Ints, number

PERMUTATIONS = 500
MEMBERS = 25
"""So many items are exchanged one by one in the time in which a number of equal ones is drawn."""


@dataclass(frozen=True)
class Slices:
    """The agreement by group.

    Attributes:
        criterion: The criterion.
        column: What the groups are of.
        groups: Alpha and its interval by group, with the items that two or more rated.
        p: How often groups drawn at random are as far apart; None where fewer than two groups have an alpha.
    """

    criterion: str
    column: str
    groups: dict[str, Estimate]
    p: float | None

    @property
    def sentence(self) -> str:
        """Whether the groups differ, in a sentence."""
        known = {name: one for name, one in self.groups.items() if np.isfinite(one.value)}
        if self.p is None:
            return f"{self.criterion} by {self.column}: fewer than two groups have an alpha"
        low, high = (pick(known, key=lambda name: known[name].value) for pick in (min, max))
        differ = "differ" if self.p < 0.05 else "are not shown to differ"
        return (
            f"{self.criterion} by {self.column}: the groups {differ} (p {self.p:.3f}); alpha from "
            f"{known[low].value:.2f} ({low}) to {known[high].value:.2f} ({high})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        groups = [{"group": name, **one.to_dict()} for name, one in self.groups.items()]
        return {
            "criterion": self.criterion,
            "by": self.column,
            "groups": groups,
            "p": self.p,
            "sentence": self.sentence,
        }


def slices_of(units: Units, level: Level, column: str, groups: Any, *, resamples: int = 1000, seed: int = 0) -> Slices:
    """Return alpha in each group of items, and a permutation test of whether the groups differ.

    Groups are exchanged between items (between clusters where items have some); the statistic is the distance of the
    greatest and the least alpha. Size is exact where items are exchangeable.

    Args:
        units: The ratings.
        level: Their level.
        column: The column of the groups.
        groups: The group of each unit.
        resamples: Bootstrap resamples; 0 gives no intervals.
        seed: Decides the draws.
    """
    codes, names = pd.factorize(np.asarray(groups, dtype=object), sort=True)
    found = {
        str(name): alpha(units.where(np.flatnonzero(codes == place)), level, resamples=resamples, seed=seed)
        for place, name in enumerate(names)
    }
    known = [place for place, one in enumerate(found.values()) if np.isfinite(one.value)]
    if len(known) < 2:
        return Slices(units.criterion, column, found, None)
    inside = np.flatnonzero(np.isin(codes, known) & (units.sizes >= 2))
    part, labels = replace(units, names=None, further={}).where(inside), codes[inside]
    if part.clusters is not None:
        of_block = np.zeros(int(part.clusters.max()) + 1, dtype=labels.dtype)
        of_block[part.clusters] = labels
        if not (of_block[part.clusters] == labels).all():  # a cluster of several groups cannot be exchanged whole
            part, of_block = replace(part, clusters=None), labels
        labels = of_block
    statistic = alpha_statistic(part, level)
    assert not isinstance(statistic, str)  # of the groups, alpha is known
    values = [one.value for one in found.values() if np.isfinite(one.value)]
    seen = max(values) - min(values)
    sizes, rng = np.bincount(labels)[known], np.random.default_rng(seed)
    far = 0
    for _ in range(PERMUTATIONS):
        drawn = statistic.at(_exchanged(statistic.counts, sizes, rng))
        drawn = drawn[np.isfinite(drawn)]
        far += bool(len(drawn) and np.ptp(drawn) >= seen - 1e-12)
    return Slices(units.criterion, column, found, number((far + 1) / (PERMUTATIONS + 1)))


def _exchanged(counts: Ints, sizes: Ints, rng: np.random.Generator) -> Floats:
    """Return how often each block stands in groups of such sizes, drawn at random; shape (groups, blocks)."""
    drawn: Any = []
    if MEMBERS * len(counts) < sizes.sum():  # where many items are equal their numbers are drawn
        left = counts
        for size in sizes:
            drawn.append(rng.multivariate_hypergeometric(left, size, method="marginals"))
            left = left - drawn[-1]
    else:
        members = rng.permutation(np.repeat(np.arange(len(counts)), counts))
        ends = np.cumsum(sizes)
        drawn = [np.bincount(one, minlength=len(counts)) for one in np.split(members, ends[:-1])]
    return np.stack(drawn).astype(float)
