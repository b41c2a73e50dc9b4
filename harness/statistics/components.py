"""Variance components of crossed random effects by the method of moments: items, raters, prompts, repetitions.

Henderson's (1953) method 1: the sum of squares of each effect's totals is set equal to what the components would make
of it, and the equations are solved. With complete data these are the expected mean squares of the analysis of variance;
with missing ratings they stay unbiased where effects are random. Nothing is assumed of their distribution.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from harness.statistics.arrays import Floats, Ints

Effect = tuple[str, ...]
"""The facets that an effect is of: `("item", "rater")` is their interaction."""
SINGULAR = 1e10
"""Condition number from which the equations do not tell the components apart."""


@dataclass(frozen=True)
class Crossed:
    """Values of crossed facets, as equations for the components of their variance.

    Attributes:
        values: One a rating.
        facets: For each facet the level of each value, from 0; the first is the object of measurement, which is
            resampled.
        cluster: The cluster of each value, from 0: what is resampled together.
        repeated: Whether cells hold several values, so that the residual stands apart from the highest interaction.
        times: How often each cluster stands, where clusters with the same ratings are one; once where not given.
    """

    values: Floats
    facets: Mapping[str, Ints]
    cluster: Ints
    repeated: bool
    times: Ints | None = None

    @property
    def effects(self) -> list[Effect]:
        """The effects that are told apart; the residual, of all facets and repetition, is the last."""
        names = tuple(self.facets)
        found = [one for size in range(1, len(names) + 1) for one in combinations(names, size)]
        return [*(found if self.repeated else found[:-1]), (*names, "repetition")]

    @property
    def counts(self) -> Ints:
        """How often each cluster stands: what `harness.statistics.resampled` draws from."""
        return np.ones(int(self.cluster.max()) + 1, dtype=np.int64) if self.times is None else self.times

    def at(self, weights: Floats) -> Floats:
        """Return the components, negative ones as they are, shape (draws, effects); NaN where undetermined.

        Args:
            weights: How often each cluster stands, shape (draws, clusters); copies are different items.
        """
        total = weights @ np.bincount(self.cluster).astype(float)
        sides, rows = [], []
        for effect in [(), *self.effects]:
            side, row = self._equation(effect, weights)
            sides.append(side)
            rows.append(np.column_stack([total, *row]))
        left, right = np.stack(rows, axis=1) / total[:, None, None], np.stack(sides, axis=1) / total[:, None]
        told = np.linalg.cond(left) < SINGULAR
        left[~told] = np.eye(left.shape[1])
        solved = np.linalg.solve(left, right[:, :, None])[:, 1:, 0]
        return np.where(told[:, None], solved, np.nan)

    def noise(self, facet: str) -> Floats:
        """Return how much of each component the variance of the facet's means holds: those of its interactions."""
        found = np.zeros(len(self.effects))
        group = self.facets[facet]
        weight = self.counts[self.cluster].astype(float)
        size = np.bincount(group, weight)
        for place, effect in enumerate(self.effects):
            if facet in effect and len(effect) > 1:
                cell = self._groups[effect]
                n, of = np.bincount(cell), _first_of(cell, group)
                if next(iter(self.facets)) in effect:  # of other items the cells are others
                    found[place] = float(np.sum(_first_of(cell, weight) * (n / size[of]) ** 2)) / len(size)
                else:
                    found[place] = float(np.sum((np.bincount(cell, weight) / size[of]) ** 2)) / len(size)
        return found

    @cached_property
    def _groups(self) -> dict[Effect, Ints]:
        groups: dict[Effect, Ints] = {(): np.zeros(len(self.values), dtype=np.int64)}
        names = tuple(self.facets)
        for size in range(1, len(names) + 1):
            for effect in combinations(names, size):
                level = np.column_stack([self.facets[name] for name in effect])
                groups[effect] = np.unique(level, axis=0, return_inverse=True)[1].ravel()
        groups[(*names, "repetition")] = np.arange(len(self.values))
        return groups

    def _equation(self, effect: Effect, weights: Floats) -> tuple[Floats, list[Floats]]:
        """Return the sum of squares of an effect's totals, and how often it holds each component."""
        item = next(iter(self.facets))
        group = self._groups[effect]
        n, total = np.bincount(group).astype(float), np.bincount(group, self.values - self.values.mean())
        if item in effect:
            side = weights @ self._by_cluster(total**2 / n, group)
            return side, [weights @ self._within(group, n, other, effect) for other in self.effects]
        size = self._spread(np.ones(len(group)), group, weights)
        some = np.where(size > 0, size, 1)
        side = (self._spread(self.values - self.values.mean(), group, weights) ** 2 / some).sum(axis=1)
        row = []
        for other in self.effects:
            cell = self._groups[self._union(effect, other)]
            if item in other:
                count = np.bincount(cell)[cell]  # each value adds its cell's size: sizes squared by cell
                row.append((self._spread(count.astype(float), group, weights) / some).sum(axis=1))
            else:
                inner = self._spread(np.ones(len(cell)), cell, weights)
                row.append((inner**2 / some[:, _first_of(cell, group)]).sum(axis=1))
        return side, row

    def _within(self, group: Ints, n: Floats, other: Effect, effect: Effect) -> Floats:
        cell = self._groups[self._union(effect, other)]
        return self._by_cluster(np.bincount(cell) ** 2 / n[_first_of(cell, group)], cell)

    def _union(self, one: Effect, other: Effect) -> Effect:
        return tuple(name for name in (*self.facets, "repetition") if name in one or name in other)

    def _by_cluster(self, amounts: Floats, group: Ints) -> Floats:
        return np.bincount(_first_of(group, self.cluster), amounts, minlength=len(self.counts)).astype(float)

    def _spread(self, amounts: Floats, group: Ints, weights: Floats) -> Floats:
        """Return the weighted sum of amounts in each group, shape (draws, groups)."""
        shape = (len(self.counts), int(group.max()) + 1)
        return np.asarray(weights @ csr_array((amounts, (self.cluster, group)), shape=shape))


def _first_of(group: Ints, column: NDArray[Any]) -> NDArray[Any]:
    """Return the value of a column in each group, where all of a group have one."""
    found = np.empty(int(group.max()) + 1, dtype=column.dtype)
    found[group] = column
    return found


class MeanOfRatings(NamedTuple):
    """How sure a mean of ratings is, each of the shape of the components.

    Attributes:
        error: The absolute standard error.
        generalizability: The coefficient of an order: what all items share is no error.
        dependability: Phi, the coefficient of the number itself.
    """

    error: Floats
    generalizability: Floats
    dependability: Floats


def generalizability(components: Floats, effects: list[Effect], times: Mapping[str, int]) -> MeanOfRatings:
    """Return the error of a mean of so many ratings, and its coefficients (Brennan 2001; Shavelson and Webb 1991).

    Args:
        components: Shape (..., effects); negative ones count as 0.
        effects: The effects; the first is the object of measurement.
        times: For each other facet, and `repetition`, how many a mean is taken over; 1 where not given.
    """
    item = effects[0][0]
    known = np.maximum(components, 0)
    share = np.array([1 / prod(times.get(name, 1) for name in effect if name != item) for effect in effects])
    truth = known[..., 0]
    relative = np.array([item in effect and len(effect) > 1 for effect in effects])
    order, number = known @ (share * relative), known[..., 1:] @ share[1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        return MeanOfRatings(np.sqrt(number), truth / (truth + order), truth / (truth + number))
