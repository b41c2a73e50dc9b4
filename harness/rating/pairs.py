"""Which two answers to an item are compared, and which of them a comparison is told from.

A comparison is told from the answer that comes first by model and sample; a reference is always the other side. So
two raters of one pair, whoever was shown first to them, rate the same thing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from harness.records import Response


def pairs_of(responses: Sequence[Response]) -> Iterator[tuple[Response, Response]]:
    """Yield each two answers to one item that stand next to each other in the order of telling."""
    groups: dict[tuple[str, str], list[Response]] = defaultdict(list)
    for response in responses:
        groups[response.task, response.item_id].append(response)
    for group in groups.values():
        ordered = sorted(group, key=_rank)
        yield from pairwise(ordered)


def _rank(response: Response) -> tuple[bool, str, str, int, int, str]:
    return (
        response.model == "reference",
        response.model,
        response.series or "",
        -1 if response.round is None else response.round,
        response.sample,
        response.response_id,
    )
