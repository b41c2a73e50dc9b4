"""The first screen: what is asked, by whom, and how long it takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import ceil
from statistics import median
from typing import Any

from harness.rating.people.human import Asked
from harness.records import Item
from harness.run import Run

WORDS_A_MINUTE = 230
"""How fast people read (English, silently: Brysbaert 2019 has 238), where nobody's time is known yet."""
SECONDS_A_GRADE = 6
"""What choosing a grade takes beside the reading."""
LEAST_TIMES = 10
"""Times of people in this run from which the estimate is theirs."""


def welcome(run: Run, asked: Sequence[Asked], lead: str | None = None) -> dict[str, Any]:
    """Return what the first screen says.

    Args:
        run: The run.
        asked: What the rater is shown, a thing as often as it is shown.
        lead: Who asks.

    Returns:
        `lead`, `description` (of the suite), `minutes` (a rough guess), `tasks` (name and how many, as they come) and
        `questions`.
    """
    tasks = Counter(one.response.task for one in asked)
    questions = {one.question.criterion: one.question for one in asked}
    return {
        "lead": lead,
        "description": run.suite.description,
        "minutes": _minutes(run, asked),
        "tasks": [{"name": task, "n": count} for task, count in tasks.items()],
        "questions": [
            {"criterion": one.criterion, "question": one.question, "definition": one.definition}
            for one in questions.values()
        ],
    }


def _minutes(run: Run, asked: Sequence[Asked]) -> int:
    """Return about how long it takes: by the times of people in this run, or else by the words that are shown."""
    ratings = run.ratings
    times = ratings.loc[(ratings["rater_kind"] == "human") & ratings["seconds"].notna(), "seconds"]
    if len(times) >= LEAST_TIMES:
        return ceil(float(median(times)) * len(asked) / 60)
    prompts = {(item.task, item.item_id): len(item.prompt.split()) for item in run.records(Item)}
    words = 0
    for one in asked:
        words += prompts.get((one.response.task, one.response.item_id), 0)
        words += sum(len((side.text or "").split()) for side in (one.response, one.against) if side)
    return ceil(words / WORDS_A_MINUTE + len(asked) * SECONDS_A_GRADE / 60)
