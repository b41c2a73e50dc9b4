"""What a rater's feedback keeps as examples to learn from: at most one answer an item, but for `unpaired`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Protocol

from harness.errors import HarnessError
from harness.learning.learner import Example, Learner
from harness.rating import RaterSpec
from harness.records import Item, Rating, Response, Scale
from harness.suite import KeepUse

NEEDS = {"pairs": "rejected", "weighted": "weight", "unpaired": "wanted"}
"""The field of `Example` that a rule fills, which a learner must take."""


@dataclass(frozen=True)
class Kept:
    """A sample that feedback keeps."""

    response: Response
    weight: float = 1.0
    rejected: Response | None = None
    wanted: bool | None = None
    """Whether it is wanted or rejected, where the rule keeps both."""
    tied: bool = False
    """Another text of the item was rated just as high, and came later."""


class Declared(Protocol):
    """A rater, as far as it is declared."""

    @property
    def spec(self) -> RaterSpec:
        """What its rater.yaml says."""
        ...


def refuse_rater(rater: Declared | None) -> None:
    """Raise a `HarnessError` if a rater's ratings cannot choose among samples."""
    if rater is None:
        return
    name, scale = rater.spec.name, rater.spec.scale
    if rater.spec.compares or scale == "preference":
        raise HarnessError(
            f"rounds: feedback: {name!r} compares two responses; a loop needs a rater that rates one at a time"
        )
    if scale == "nominal":
        raise HarnessError(
            f"rounds: feedback: {name!r} has a nominal scale, which has no better and worse; use binary, ordinal or "
            "interval"
        )


def refuse_rule(learner: Learner, rater: Declared | None, use: KeepUse) -> None:
    """Raise a `HarnessError` if a rule keeps what the learner cannot learn from, or does not fit the rater's scale."""
    field = NEEDS.get(use.rule or "")
    if field and field not in getattr(learner, "takes", ()):
        raise HarnessError(f"rounds: keep: rule: {use.rule}: the learner {learner.name!r} does not learn from it")
    if rater is None:
        return
    spec = rater.spec
    if use.rule == "first_right" and spec.scale != "binary":
        raise HarnessError(f"rounds: keep: rule: first_right needs a binary rater; {spec.name!r} is {spec.scale}")
    if use.rule == "unpaired" and (spec.scale == "binary") == (use.at_least is not None):
        raise HarnessError(
            f"rounds: keep: rule: unpaired: {spec.name!r} is {spec.scale}: a binary rater says itself what is wanted, "
            "a graded one needs `at_least`"
        )


def refuse_trainer(learner: Learner, uses: Iterable[KeepUse]) -> None:
    """Raise a `HarnessError` if the learner's trainer needs what no series keeps: another would do its work."""
    needs = getattr(learner, "needs", None)
    rules = [rule for rule, field in NEEDS.items() if field == needs]
    if needs and not any(use.rule in rules for use in uses):
        raise HarnessError(
            f"rounds.settings.trainer: it learns from what `keep: rule: {rules[0]}` keeps, and no series does"
        )


def keep(scale: Scale | None, samples: Sequence[Response], ratings: Sequence[Rating]) -> list[Response]:
    """Return the samples that feedback usually keeps, at most one an item: `kept` without a rule.

    Args:
        scale: The rater's scale; None where there is no rater: then each item's first sample is kept, without looking.
        samples: The samples, those of an item in their order.
        ratings: The feedback on them.
    """
    return [one.response for one in kept(scale, samples, ratings, KeepUse())]


def kept(scale: Scale | None, samples: Sequence[Response], ratings: Sequence[Rating], use: KeepUse) -> list[Kept]:
    """Return the samples that feedback keeps, in the order of the items: at most one of each, but for `unpaired`.

    A sample's value is the mean over the rater's criteria and repetitions; one with a failed rating is never kept. Of
    a binary scale the first sample with the value 1 is kept. Of an ordinal or interval scale each item's best (of
    equals the first), and of those the better half, of equals the earlier items'.

    Args:
        scale: The rater's scale; None where there is no rater: then each item's first sample is kept, without looking.
        samples: The samples, those of an item in their order.
        ratings: The feedback on them.
        use: The rule, where it is not the usual one.
    """
    groups: dict[str, list[Response]] = defaultdict(list)
    for sample in samples:
        groups[sample.item_id].append(sample)
    rule = use.rule or ("first" if scale is None else "first_right" if scale == "binary" else "best")
    if rule == "first":
        return [Kept(group[0]) for group in groups.values()]
    values = _values(ratings)
    if rule == "first_right":
        values = {name: value for name, value in values.items() if value == 1}
        found = [[one for one in group if one.response_id in values] for group in groups.values()]
        return [Kept(group[0]) for group in found if group]
    if rule == "unpaired":
        least = 1.0 if use.at_least is None else use.at_least
        rated = [one for group in groups.values() for one in group if one.response_id in values]
        return [Kept(one, wanted=values[one.response_id] >= least) for one in rated]
    best = [(value, one) for group in groups.values() for value, one in _best(group, values, rule)]
    if rule == "best":
        return _share(best, use.share if use.rule else 0.5)
    if rule == "threshold" and use.at_least is not None:
        return [one for value, one in best if value >= use.at_least]
    return [one for _, one in best]


def _values(ratings: Sequence[Rating]) -> dict[str, float]:
    """Return the value of each sample, without those that have a failed rating."""
    given: dict[str, list[float | None]] = defaultdict(list)
    for rating in ratings:
        given[rating.response_id or ""].append(rating.value if rating.status == "ok" else None)
    known = {name: [value for value in found if value is not None] for name, found in given.items()}
    return {name: fmean(found) for name, found in known.items() if found and len(found) == len(given[name])}


def _best(group: Sequence[Response], values: Mapping[str, float], rule: str) -> list[tuple[float, Kept]]:
    """Return an item's best sample with its value; none where no sample has one, or the rule finds nothing in it."""
    rated = [(values[sample.response_id], sample) for sample in group if sample.response_id in values]
    if not rated:
        return []
    top, best = max(rated, key=lambda pair: pair[0])
    tied = any(value == top and sample.text != best.text for value, sample in rated)
    if rule == "weighted":
        lowest, highest = min(values.values()), max(values.values())
        weight = (top - lowest) / (highest - lowest) if highest > lowest else 1.0
        return [(top, Kept(best, weight, tied=tied))] if weight > 0 else []
    if rule == "pairs":
        bottom, worst = min(rated, key=lambda pair: pair[0])
        return [(top, Kept(best, rejected=worst, tied=tied))] if bottom < top and best.text != worst.text else []
    return [(top, Kept(best, tied=tied))]


def _share(best: Sequence[tuple[float, Kept]], share: float) -> list[Kept]:
    """Return the best share of the items, of equals the earlier, in their order."""
    count = -int(-len(best) * share // 1)
    better = sorted(range(len(best)), key=lambda number: -best[number][0])[:count]
    return [best[number][1] for number in sorted(better)]


def examples_of(found: Sequence[Kept], items: Sequence[Item]) -> list[Example]:
    """Return what was kept as examples."""
    by_id = {item.item_id: item for item in items}
    return [
        Example(
            by_id[one.response.item_id],
            one.response.text or "",
            one.weight,
            one.rejected.text or "" if one.rejected else None,
            one.wanted,
        )
        for one in found
    ]


def taught(items: Sequence[Item]) -> list[Example]:
    """Return the items with their own answers: what a teacher gives.

    Raises:
        HarnessError: An item has none.
    """
    found = []
    for item in items:
        answer = item.references[0] if item.references else item.target
        if answer is None:
            raise HarnessError(f"rounds: keep: rule: reference: item {item.item_id!r} has no answer of its own")
        found.append(Example(item, answer))
    return found
