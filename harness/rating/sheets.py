"""The forms in which a run's answers go out to be rated: a spreadsheet, Label Studio's tasks, Argilla's records.

All are blind and shuffled, and each row carries the ids by which `harness import` puts the answers back. Which side
of a comparison is shown first is drawn by chance; the key is kept in a file beside the export, for whoever wants to
check it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from harness.catalog import Catalog
from harness.rating.human import asked_of, export_csv, note_questions, sides_of
from harness.rating.questions import Question
from harness.records import Item
from harness.run import Run, write_whole

Export = Callable[[Run, Path, Sequence[str], Sequence[str], int, Catalog], int]


def export_label_studio(
    run: Run,
    path: Path,
    questions: Sequence[str] = (),
    tasks: Sequence[str] = (),
    samples: int = 1,
    catalog: Catalog | None = None,
) -> int:
    """Write Label Studio's tasks, and beside them the labelling configuration (`.xml`) and the key (`.key.json`).

    Args:
        run: The run.
        path: The JSON of tasks.
        questions: Human raters of the catalogue; those that fit where none are named.
        tasks: Only these tasks.
        samples: How many samples of each item and model.
        catalog: Where questions are looked for.

    Returns:
        How many tasks were written.

    Raises:
        HarnessError: The run has nothing to rate, or the questions need different configurations.
    """
    rows, asked = _rows(run, path, questions, tasks, samples, catalog)
    write_whole(path, json.dumps([{"data": row} for row in rows], indent=1, ensure_ascii=False).encode())
    write_whole(path.with_suffix(".xml"), labelling_configuration(asked).encode())
    return len(rows)


def export_argilla(
    run: Run,
    path: Path,
    questions: Sequence[str] = (),
    tasks: Sequence[str] = (),
    samples: int = 1,
    catalog: Catalog | None = None,
) -> int:
    """Write Argilla's records, and beside them the settings of the data set (`.settings.json`) and the key.

    Args:
        run: The run.
        path: The JSON of records.
        questions: Human raters of the catalogue; those that fit where none are named.
        tasks: Only these tasks.
        samples: How many samples of each item and model.
        catalog: Where questions are looked for.

    Returns:
        How many records were written.

    Raises:
        HarnessError: The run has nothing to rate.
    """
    rows, asked = _rows(run, path, questions, tasks, samples, catalog)
    ids = ("item_id", "response_id", "against_id")
    records = [
        {
            "id": f"{number:06d}",
            "fields": {name: text for name, text in row.items() if name not in ids},
            "metadata": {name: row[name] for name in ids if name in row},
        }
        for number, row in enumerate(rows)
    ]
    settings = {
        "fields": [{"name": name, "type": "text"} for name in records[0]["fields"]],
        "questions": [
            {"name": one.criterion, "title": one.question, "description": one.definition, **_argilla_answers(one)}
            for one in asked
        ]
        + [{"name": "comment", "title": "Comment", "type": "text", "required": False}],
    }
    write_whole(path, json.dumps(records, indent=1, ensure_ascii=False).encode())
    write_whole(path.with_suffix(".settings.json"), json.dumps(settings, indent=1, ensure_ascii=False).encode())
    return len(records)


def _argilla_answers(question: Question) -> dict[str, Any]:
    values = [grade.value for grade in question.grades]
    if all(value == int(value) and 0 <= value <= 10 for value in values) and len(values) > 2:
        return {"type": "rating", "values": [int(value) for value in sorted(values)]}
    return {"type": "label_selection", "labels": [grade.name for grade in question.grades]}


def _rows(
    run: Run, path: Path, questions: Sequence[str], tasks: Sequence[str], samples: int, catalog: Catalog | None
) -> tuple[list[dict[str, str]], list[Question]]:
    """Return one row an answer or pair with all questions about it, and the questions."""
    asked = asked_of(run, questions, tasks, samples, catalog)
    prompts = {(item.task, item.item_id): item.prompt for item in run.records(Item)}
    kinds = {one.question.compares for one in asked}
    if len(kinds) > 1:
        asked = [one for one in asked if not one.question.compares]
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    key: dict[str, dict[str, str]] = {}
    for one in asked:
        sides = sides_of(one)
        ids = tuple(side.response_id for side in sides)
        row = {"item_id": one.response.item_id, "response_id": ids[0]}
        if len(sides) == 2:
            row |= {"against_id": ids[1], "response_a": sides[0].text or "", "response_b": sides[1].text or ""}
        else:
            row["response"] = sides[0].text or ""
        rows[ids] = {**row, "prompt": prompts[one.response.task, one.response.item_id]}
        key |= {side.response_id: {"model": side.model, "item_id": side.item_id} for side in sides}
    write_whole(path.with_suffix(".key.json"), json.dumps(key, indent=1, sort_keys=True, ensure_ascii=False).encode())
    found = {one.question.criterion: one.question for one in asked}
    note_questions(run, found.values())
    return list(rows.values()), list(found.values())


def labelling_configuration(questions: Sequence[Question]) -> str:
    """Return Label Studio's labelling configuration for questions about one answer, or about two."""
    compares = any(one.compares for one in questions)
    texts = ("response_a", "response_b") if compares else ("response",)
    parts = ['<Header value="Task"/>', '<Text name="prompt" value="$prompt"/>']
    for name in texts:
        title = name.replace("response", "Answer").replace("_a", " A").replace("_b", " B")
        parts += [f"<Header value={quoteattr(title)}/>", f'<Text name="{name}" value="${name}"/>']
    for one in questions:
        parts += [f"<Header value={quoteattr(one.question)}/>", f"<Text name={quoteattr(one.criterion + '_help')} "
                  f"value={quoteattr(one.definition)}/>"]  # fmt: skip
        control = f'name={quoteattr(one.criterion)} toName="{texts[0]}" required="true"'
        values = sorted(grade.value for grade in one.grades)
        if values == list(range(1, len(values) + 1)):
            parts.append(f'<Rating {control} maxRating="{len(values)}"/>')
        else:
            choices = "".join(
                f"<Choice value={quoteattr(grade.name)} hint={quoteattr(grade.meaning)}/>" for grade in one.grades
            )
            parts.append(f'<Choices {control} choice="single">{choices}</Choices>')
    parts.append(f'<TextArea name="comment" toName="{texts[0]}" placeholder="Comment"/>')
    return "<View>\n  " + "\n  ".join(parts) + "\n</View>\n"


EXPORTS: dict[str, Export] = {"csv": export_csv, "label-studio": export_label_studio, "argilla": export_argilla}
