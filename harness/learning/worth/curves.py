"""Learning curves: how well a small rater that learnt from n labels of a source agrees with other people's labels.

Each split holds clusters (documents) out. The rater is a ridge regression of the labels on the features, or what else
learns from the items; it is scored on the held-out items by Spearman's correlation with the mean of the people who gave
no label. All sources learn from the same items in the same order, and all are scored by the same people, so that
sources are compared split by split.

Where two texts were compared, the features are the differences of theirs and a label is from -1 to 1; what is learnt is
the same whichever text is named first, and it is scored by the share of held-out pairs in which it prefers as they do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.errors import HarnessError
from harness.learning.worth.ridge import Learner, ridge
from harness.statistics import Bools, Floats, Ints
from harness.suite import PERSON

FEWEST = 20
"""Held-out items with a label of other people, below which a split says nothing."""


@dataclass(frozen=True, order=True)
class Point:
    """What a rater learnt from: labels of a person, of another source, or of both (the mean of two predictions)."""

    source: str
    """The person, or the other source."""
    labels: int
    other: str = ""
    """With both: the other source."""
    other_labels: int = 0

    def __str__(self) -> str:
        """Return as tables call it."""
        return f"{self.labels} {self.source}" + (f" + {self.other_labels} {self.other}" if self.other else "")


@dataclass(frozen=True)
class Curves:
    """The scores of points in each split.

    Attributes:
        points: What was learnt from.
        scores: Shape (splits, points); nan where a split could not say.
        share: Held-out clusters over training clusters, which corrects for what splits share.
        n_items: Items with a label of a person.
        n_clusters: Clusters.
    """

    points: list[Point]
    scores: Floats
    share: float
    n_items: int
    n_clusters: int


def learning_curves(
    features: Floats | Learner,
    labels: Mapping[str, Floats],
    people: Sequence[str],
    cluster: Ints,
    sizes: Sequence[int],
    mixtures: Sequence[tuple[int, int]] = (),
    splits: int = 20,
    held_out: float = 0.3,
    seed: int = 0,
    *,
    scorers: Sequence[str] = (),
    pairs: bool = False,
) -> Curves:
    """Return the learning curves of a person and of every other source.

    Args:
        features: Of the items, one row each, for a ridge; or what learns from the items otherwise.
        labels: Rater to its labels, one an item, nan where it gave none.
        people: The raters who are people; the others are the sources that are compared with them.
        cluster: The cluster of each item.
        sizes: Numbers of labels.
        mixtures: Numbers of a person's labels and of another source's that are used together.
        splits: Random splits.
        held_out: The share of the clusters that is held out.
        seed: Decides the splits and which labels are used.
        scorers: The raters whose mean scores what was learnt, where it is not the people who gave no label. One who
            gives labels too scores other documents than those it labelled.
        pairs: The features are differences of two texts, and a label above 0 prefers the first.

    Raises:
        HarnessError: Under two people, or too few clusters.
    """
    if len(people) < (1 if scorers else 2):
        raise HarnessError(
            f"{len(people)} of the raters are people; one gives labels and another scores what was learnt, so that two "
            "are needed (--people GLOB), or say who scores (--scored-by GLOB)"
        )
    names = np.unique(cluster)
    count = max(1, round(held_out * len(names)))
    if len(names) - count < 2 or count < 2:
        raise HarnessError(f"{len(names)} clusters are too few to hold some out")
    learner = features if callable(features) else ridge(features, pairs)
    others = [name for name in labels if name not in (*people, *scorers)]
    points = [Point(name, size) for name in (PERSON, *others) for size in sizes]
    points += [Point(PERSON, size, name, more) for name in others for size, more in mixtures]
    scores = np.full((splits, len(points)), np.nan)
    for number in range(splits):
        random = np.random.default_rng([seed, number])
        test = np.isin(cluster, random.permutation(names)[:count])
        order = random.permutation(len(cluster))
        labeller = people[number % len(people)]
        gold = _mean([labels[name] for name in scorers or [name for name in people if name != labeller]])
        mine = {PERSON: labels[labeller], **{name: labels[name] for name in others}}
        for place, score in _split(learner, mine, gold, test, order, points, pairs):
            scores[number, place] = score
    if np.isnan(scores).all():
        raise HarnessError(
            f"too few items: no split holds {FEWEST} out that everyone who scores has rated, with {min(sizes)} labels "
            "or more of some source beside them"
        )
    rated = ~np.isnan(np.stack([labels[name] for name in people])).all(axis=0)
    return Curves(points, scores, count / (len(names) - count), int(rated.sum()), len(names))


def _split(
    learner: Learner,
    labels: Mapping[str, Floats],
    gold: Floats,
    test: Bools,
    order: Ints,
    points: Sequence[Point],
    pairs: bool,
) -> Iterator[tuple[int, float]]:
    """Yield the place and score of every point that a split can tell."""
    scored = test & ~np.isnan(gold)
    if pairs:
        scored &= gold != 0  # nobody prefers either
    if int(scored.sum()) < FEWEST:
        return
    train, wanted = order[~test[order]], scored.nonzero()[0]
    learn = learner(train)
    learnt: dict[tuple[str, int], Floats] = {}

    def predicted(source: str, size: int) -> Floats | None:
        if (source, size) not in learnt:
            rows = train[~np.isnan(labels[source][train])][:size]
            if len(rows) < size:
                return None
            learnt[source, size] = learn(rows, labels[source][rows], wanted)
        return learnt[source, size]

    for place, point in enumerate(points):
        found = predicted(point.source, point.labels)
        if found is not None and point.other:
            more = predicted(point.other, point.other_labels)
            found = None if more is None else _standard(found, pairs) + _standard(more, pairs)
        if found is not None:
            yield place, (alike if pairs else spearman)(found, gold[scored])


def spearman(first: Floats, second: Floats) -> float:
    """Return the correlation of ranks; nan where one of the two does not vary."""
    from scipy.stats import rankdata

    a, b = rankdata(first), rankdata(second)
    if a.std() == 0 or b.std() == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def alike(first: Floats, second: Floats) -> float:
    """Return the share of preferences that go the same way; one that prefers neither is half of one."""
    return float(((1 + np.sign(first) * np.sign(second)) / 2).mean())


def _standard(values: Floats, pairs: bool) -> Floats:
    centre = 0.0 if pairs else values.mean()
    spread = float(np.sqrt(((values - centre) ** 2).mean()))
    found: Floats = (values - centre) / (spread if spread > 0 else 1.0)
    return found


def _mean(labels: Sequence[Floats]) -> Floats:
    """Return the mean of the labels that every one of the raters gave; nan elsewhere."""
    found: Floats = np.stack(labels).mean(axis=0)
    return found
