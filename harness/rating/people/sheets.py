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

import pandas as pd

from harness.catalog import Catalog
from harness.errors import HarnessError, did_you_mean
from harness.rating.people.formulas import guarded
from harness.rating.people.human import Asked, asked_of, note_questions, sides_of
from harness.rating.people.questions import Question
from harness.records import Item
from harness.run import Run, opened, write_whole

Prompts = dict[tuple[str, str], str]
"""The prompt of each task and item."""
IDS = ("item_id", "response_id", "against_id")


def export_sheet(
    run: Run,
    path: str | Path,
    form: str = "csv",
    questions: Sequence[str] = (),
    tasks: Sequence[str] = (),
    samples: int = 1,
    catalog: Catalog | None = None,
) -> int:
    """Write a run's answers to be rated elsewhere, blind and shuffled, and beside them the key (`.key.json`).

    The run's manifest keeps what was asked, so that values are checked when they come back.

    Args:
        run: The run.
        path: The file to write: a CSV with empty columns `rater` and `value`; the JSON of Label Studio's tasks, with
            their labelling configuration beside it (`.xml`); or of Argilla's records, with the settings of their data
            set (`.settings.json`).
        form: `csv`, `label-studio` or `argilla`.
        questions: Human raters of the catalogue; where none are named, those that fit the tasks' families, for
            Label Studio and Argilla those about one answer if there are any.
        tasks: Only these tasks; all where none are named.
        samples: How many samples of each item and model.
        catalog: Where questions are looked for.

    Returns:
        How many rows there are to rate.

    Raises:
        HarnessError: There is no such form, or the run has nothing to rate.
    """
    if form not in FORMS:
        raise HarnessError(f"no export format {form!r}.{did_you_mean(form, FORMS)}")
    path = Path(path)
    asked = asked_of(run, questions, tasks, samples, catalog)
    if questions and form != "csv" and len({one.question.compares for one in asked}) > 1:
        raise HarnessError(f"{form}: asks about one answer or about two, not both in one export; name one --question")
    prompts = {(item.task, item.item_id): item.prompt for item in run.records(Item)}
    asked, written = FORMS[form](path, asked, prompts)
    sides = {side.response_id: side for one in asked for side in sides_of(one)}
    key = {name: {"model": side.model, "item_id": side.item_id} for name, side in sides.items()}
    write_whole(path.with_suffix(".key.json"), _json(dict(sorted(key.items()))))
    note_questions(run, {one.question.criterion: one.question for one in asked}.values())
    return written


def export_csv(
    run: Run | str | Path,
    path: str | Path,
    questions: Sequence[str] = (),
    tasks: Sequence[str] = (),
    samples: int = 1,
    catalog: Catalog | None = None,
) -> int:
    """Write `export_sheet` in the form `csv`."""
    return export_sheet(opened(run), path, "csv", questions, tasks, samples, catalog)


def _json(content: Any) -> bytes:
    return json.dumps(content, indent=1, ensure_ascii=False).encode()


def _spreadsheet(path: Path, asked: list[Asked], prompts: Prompts) -> tuple[list[Asked], int]:
    """Write one row an answer or pair and question."""
    sheet = pd.DataFrame([_sheet_row(one, prompts[one.response.task, one.response.item_id]) for one in asked])
    if "response_b" in sheet and sheet["response_b"].isna().all():
        sheet = sheet.drop(columns=["against_id", "response_b"])
    write_whole(path, sheet.to_csv(index=False).encode())
    return asked, len(sheet)


def _sheet_row(one: Asked, prompt: str) -> dict[str, Any]:
    sides = sides_of(one)
    row = {
        "item_id": one.response.item_id,
        "response_id": sides[0].response_id,
        "against_id": sides[1].response_id if one.against else None,
        "prompt": prompt,
        "response": sides[0].text or "",
        "response_b": (sides[1].text or "") if one.against else None,
        "criterion": one.question.criterion,
        "question": one.question.question,
        "grades": "; ".join(
            f"{grade.name if one.against else f'{grade.value:g}'} = {grade.meaning}" for grade in one.question.grades
        ),
        "rater": "",
        "value": "",
        "comment": "",
    }  # fmt: skip
    return {name: guarded(cell) for name, cell in row.items()}


def _label_studio(path: Path, asked: list[Asked], prompts: Prompts) -> tuple[list[Asked], int]:
    asked, rows = _rows(asked, prompts)
    write_whole(path, _json([{"data": row} for row in rows]))
    write_whole(path.with_suffix(".xml"), labelling_configuration(_questions(asked)).encode())
    return asked, len(rows)


def _argilla(path: Path, asked: list[Asked], prompts: Prompts) -> tuple[list[Asked], int]:
    asked, rows = _rows(asked, prompts)
    records = [
        {
            "id": f"{number:06d}",
            "fields": {name: text for name, text in row.items() if name not in IDS},
            "metadata": {name: row[name] for name in IDS if name in row},
        }
        for number, row in enumerate(rows)
    ]
    settings = {
        "fields": [{"name": name, "type": "text"} for name in records[0]["fields"]],
        "questions": [
            {"name": one.criterion, "title": one.question, "description": one.definition, **_argilla_answers(one)}
            for one in _questions(asked)
        ]
        + [{"name": "comment", "title": "Comment", "type": "text", "required": False}],
    }
    write_whole(path, _json(records))
    write_whole(path.with_suffix(".settings.json"), _json(settings))
    return asked, len(records)


def _argilla_answers(question: Question) -> dict[str, Any]:
    values = [grade.value for grade in question.grades]
    if all(value == int(value) and 0 <= value <= 10 for value in values) and len(values) > 2:
        return {"type": "rating", "values": [int(value) for value in sorted(values)]}
    return {"type": "label_selection", "labels": [grade.name for grade in question.grades]}


def _rows(asked: list[Asked], prompts: Prompts) -> tuple[list[Asked], list[dict[str, str]]]:
    """Return what one configuration can ask, and one row an answer or pair with all questions about it."""
    if len({one.question.compares for one in asked}) > 1:
        asked = [one for one in asked if not one.question.compares]
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    for one in asked:
        sides = sides_of(one)
        ids = tuple(side.response_id for side in sides)
        row = {"item_id": one.response.item_id, "response_id": ids[0]}
        if len(sides) == 2:
            row |= {"against_id": ids[1], "response_a": sides[0].text or "", "response_b": sides[1].text or ""}
        else:
            row["response"] = sides[0].text or ""
        rows[ids] = {**row, "prompt": prompts[one.response.task, one.response.item_id]}
    return asked, list(rows.values())


def _questions(asked: Sequence[Asked]) -> list[Question]:
    return list({one.question.criterion: one.question for one in asked}.values())


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


FORMS: dict[str, Callable[[Path, list[Asked], Prompts], tuple[list[Asked], int]]] = {
    "csv": _spreadsheet,
    "label-studio": _label_studio,
    "argilla": _argilla,
}
