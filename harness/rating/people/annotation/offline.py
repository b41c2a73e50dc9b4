"""The rating page as one file, for raters without Python: it opens from disk, asks nothing of any server, and gives a
JSONL.

What a rater says is kept in the browser as they go, and comes into the run by `harness import csv FILE --into RUN`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.catalog import Catalog
from harness.rating.people.annotation.one_file import one_file
from harness.rating.people.annotation.plan import Unit, draw
from harness.rating.people.annotation.shown import shown_question, shown_texts
from harness.rating.people.annotation.welcome import welcome
from harness.rating.people.human import Asked, note_questions
from harness.records import Item, digest
from harness.run import Run, write_whole


def export_html(
    run: Run,
    path: str | Path,
    asked: Sequence[Asked],
    rater: str,
    *,
    name: str | None = None,
    lead: str | None = None,
    repeats: float = 0.1,
    catalog: Catalog | None = None,
) -> int:
    """Write the rating page of one rater as one file.

    Args:
        run: The run.
        path: The HTML to write.
        asked: What can be asked.
        rater: The rater's pseudonym, which the JSONL will name.
        name: What the page calls the rater.
        lead: Who asks, as the first screen says.
        repeats: The share of things shown twice.
        catalog: Where the page's files are found.

    Returns:
        How many things the page shows.
    """
    catalog = catalog or Catalog()
    known: dict[tuple[str, str | None, str | None], Asked] = {
        (one.question.criterion, one.response.response_id, one.against.response_id if one.against else None): one
        for one in asked
    }
    items = {(item.task, item.item_id): item for item in run.records(Item)}
    plan = draw(asked, digest(run.suite.seed, rater, "offline"), repeats)
    about = [known[unit.about] for unit in plan]
    units = [
        _unit(unit, one, items[one.response.task, one.response.item_id]) for unit, one in zip(plan, about, strict=True)
    ]
    content = {
        "rater": name or rater,
        "run": run.suite.name,
        "id": rater,
        "welcome": welcome(run, about, lead),
        "units": units,
    }
    write_whole(Path(path), one_file("offline", content, catalog).encode())
    note_questions(run, {one.question.criterion: one.question for one in asked}.values())
    return len(units)


def _unit(unit: Unit, asked: Asked, item: Item) -> dict[str, Any]:
    sides = [asked.response, *([asked.against] if asked.against else [])]
    order = None if unit.against_id is None else ("against_first" if unit.swapped else "response_first")
    return {
        "unit": unit.key,
        "question": shown_question(asked.question),
        **shown_texts(item, sides[::-1] if unit.swapped else sides),
        "swapped": unit.swapped,
        "row": {
            "task": asked.response.task,
            "item_id": asked.response.item_id,
            "response_id": unit.response_id,
            "against_id": unit.against_id,
            "criterion": unit.criterion,
            "order": order,
            "repetition": unit.repetition,
        },
    }
