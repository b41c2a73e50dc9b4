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
from harness.rating.people.annotation.session import shown_question
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
        repeats: The share of things shown twice.
        catalog: Where the page's files are found.

    Returns:
        How many things the page shows.
    """
    catalog = catalog or Catalog()
    known = {(one.question.criterion, one.response.response_id): one for one in asked}
    prompts = {(item.task, item.item_id): item.prompt for item in run.records(Item)}
    plan = draw(asked, digest(run.suite.seed, rater, "offline"), repeats)
    units = [_unit(unit, known[unit.criterion, str(unit.response_id)], prompts) for unit in plan]
    content = {"rater": name or rater, "run": run.suite.name, "id": rater, "units": units}
    write_whole(Path(path), one_file("offline", content, catalog).encode())
    note_questions(run, {one.question.criterion: one.question for one in asked}.values())
    return len(units)


def _unit(unit: Unit, asked: Asked, prompts: dict[tuple[str, str], str]) -> dict[str, Any]:
    texts = [asked.response.text or "", *([asked.against.text or ""] if asked.against else [])]
    names = ["A", "B"] if asked.against else ["Answer"]
    order = None if unit.against_id is None else ("against_first" if unit.swapped else "response_first")
    return {
        "unit": unit.key,
        "question": shown_question(asked.question),
        "prompt": prompts[asked.response.task, asked.response.item_id],
        "sides": [
            {"name": side, "text": text}
            for side, text in zip(names, texts[::-1] if unit.swapped else texts, strict=True)
        ],
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
