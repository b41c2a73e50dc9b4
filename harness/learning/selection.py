"""What a rater's feedback keeps: at most one answer an item, as examples to learn from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean

from harness.errors import HarnessError
from harness.rating import Rater
from harness.records import Rating, Response, Scale


def refuse_rater(rater: Rater | None) -> None:
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


def keep(scale: Scale | None, samples: Sequence[Response], ratings: Sequence[Rating]) -> list[Response]:
    """Return the samples that feedback keeps, at most one an item.

    A sample's value is the mean over the rater's criteria and repetitions; one with a failed rating is never kept. Of
    a binary scale the first sample with the value 1 is kept. Of an ordinal or interval scale each item's best (of
    equals the first), and of those the better half, of equals the earlier items'.

    Args:
        scale: The rater's scale; None where there is no rater: then each item's first sample is kept, without looking.
        samples: The samples, those of an item in their order.
        ratings: The feedback on them.
    """
    values: dict[str | None, list[float | None]] = defaultdict(list)
    for rating in ratings:
        values[rating.response_id].append(rating.value if rating.status == "ok" else None)
    best: dict[str, tuple[float, Response]] = {}
    for sample in samples:
        if scale is None:
            best.setdefault(sample.item_id, (1.0, sample))
            continue
        given = [value for value in values[sample.response_id] if value is not None]
        if not given or len(given) < len(values[sample.response_id]):
            continue
        value = fmean(given)
        if (scale != "binary" or value == 1) and value > best.get(sample.item_id, (float("-inf"),))[0]:
            best[sample.item_id] = (value, sample)
    if scale in (None, "binary"):
        return [sample for _, sample in best.values()]
    order = list(best.values())
    better = sorted(range(len(order)), key=lambda number: -order[number][0])[: (len(order) + 1) // 2]
    return [order[number][1] for number in sorted(better)]
