"""What a series has spent: labels, dollars for ratings and for the learner's own answers, seconds of its jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import fsum
from typing import Any

from harness.learning.learner import SeriesEnded
from harness.records import Rating
from harness.suite import BudgetUse


def refuse_spent(budget: BudgetUse, ratings: Sequence[Rating], jobs: Sequence[Mapping[str, Any]], number: int) -> None:
    """End a series before a round that would begin with a budget that is spent.

    Args:
        budget: What the series may cost.
        ratings: The feedback of the rounds before.
        jobs: The results of their jobs: samples, and training with the held-out answers.
        number: The round.

    Raises:
        SeriesEnded: It is.
    """
    caps = budget.model_dump(exclude_none=True)
    if not caps:
        return
    paid = [one.cost_usd or 0.0 for one in ratings]
    spent = {
        "labels": len({one.response_id for one in ratings}),
        "usd": fsum([*paid, *(answer.get("cost_usd") or 0.0 for job in jobs for answer in _answers(job))]),
        "seconds": fsum(job["seconds"] for job in jobs),
    }
    for name, cap in caps.items():
        if spent[name] >= cap:
            raise SeriesEnded("budget", f"{spent[name]:,.4g} of {cap:,.4g} {name} are spent before round {number}")


def _answers(job: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the answers of a job that tell more than their text."""
    for group in (*job["texts"], *job.get("explored", ())):
        yield from (one for one in (group if isinstance(group, list) else [group]) if isinstance(one, dict))
