"""Slices: the agreement in each group of items, and whether the groups differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from harness.agreement.coefficients.alpha import alpha
from harness.agreement.grid.units import Level, Units
from harness.statistics import Estimate, Ints, number

PERMUTATIONS = 500


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
    part, labels = units.where(inside), codes[inside]
    block = np.arange(len(labels)) if part.clusters is None else np.asarray(part.clusters)
    of_block = np.zeros(int(block.max()) + 1, dtype=labels.dtype)
    of_block[block] = labels
    moved = bool((of_block[block] == labels).all())  # a cluster of several groups cannot be exchanged whole
    seen = _distance(part, level, labels)
    rng = np.random.default_rng(seed)
    far = sum(
        _distance(part, level, rng.permutation(of_block)[block] if moved else rng.permutation(labels)) >= seen - 1e-12
        for _ in range(PERMUTATIONS)
    )
    return Slices(units.criterion, column, found, number((far + 1) / (PERMUTATIONS + 1)))


def _distance(units: Units, level: Level, labels: Ints) -> float:
    values = [alpha(units.where(np.flatnonzero(labels == one)), level, resamples=0).value for one in np.unique(labels)]
    known = [value for value in values if np.isfinite(value)]
    return max(known) - min(known) if known else 0.0
