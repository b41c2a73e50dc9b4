"""A rater that is a ridge regression of labels on features; the learner of learning curves as a rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from harness.statistics import Floats, Ints

PENALTY = 3000.0
"""On standardised features."""
Learn = Callable[[Ints, Floats, Ints], Floats]
"""From items with their labels, and other items: what a rater that learnt from the first says of the others."""
Learner = Callable[[Ints], Learn]
"""What learns in a split, from the items that are not held out, without their labels."""


def ridge(features: Floats, pairs: bool = False) -> Learner:
    """Return the ridge on features, one row an item.

    It is solved by the products of items with each other: there are fewer items than features.

    Args:
        features: Of the items.
        pairs: They are differences of two texts: the difference the other way round is minus it, so nothing is centred.
    """
    from scipy.linalg import cho_factor, cho_solve

    def of_split(train: Ints) -> Learn:
        centre = 0.0 if pairs else features[train].mean(axis=0)
        spread = np.sqrt(((features[train] - centre) ** 2).mean(axis=0))
        standard = (features - centre) / np.where(spread > 1e-9, spread, 1.0)
        products = standard @ standard.T  # once: every point learns from some of the same items
        factored: dict[bytes, Any] = {}

        def learn(rows: Ints, known: Floats, wanted: Ints) -> Floats:
            if (key := rows.tobytes()) not in factored:  # sources that rated the same items share it
                factored[key] = cho_factor(products[np.ix_(rows, rows)] + PENALTY * np.eye(len(rows)))
            weights = cho_solve(factored[key], known if pairs else known - known.mean())
            said: Floats = weights @ products[np.ix_(rows, wanted)]
            return said

        return learn

    return of_split
