"""A file of ratings becomes a run: its items, the answers that were rated, with their texts where it has them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.rating.files.adjust import adjusted
from harness.rating.files.direct import form_of
from harness.rating.files.headers import plain_name
from harness.rating.files.layout import NAMES
from harness.rating.files.mapping import Columns, Mapping
from harness.rating.files.reading import Imported, read_ratings
from harness.rating.files.repeats import with_ids
from harness.rating.files.source import read_source
from harness.rating.files.tabular import MODELS, TEXTS
from harness.rating.files.values import Words
from harness.records import Item, Record, Response, digest
from harness.run import Run, host_facts, now
from harness.suite import IMPORTED, ModelUse, Suite, TaskUse

UNKNOWN = "unknown"
"""The model of answers of which the file names none."""


def run_of_file(
    path: str | Path,
    folder: str | Path,
    *,
    columns: Columns | None = None,
    words: Words | None = None,
    ai: Sequence[str] = (),
    format: str | None = None,
    rename: Callable[[str], str] = str,
    catalog: Catalog | None = None,
    plain: bool = False,
    also: Sequence[str] = (),
) -> tuple[Run, Imported]:
    """Make a run of a file of ratings.

    Args:
        path: The file, of any format that is known.
        folder: The run's folder; there is none yet.
        columns: What is said about columns.
        words: What is said about words.
        ai: Globs of raters that are judges.
        format: The format; recognised where not given.
        rename: What becomes of a person's name.
        catalog: Where formats are looked for.
        plain: Write no host facts: the run is not kept.
        also: Further columns of a table, kept in the ratings' metadata.

    Returns:
        The run, and what was read.

    Raises:
        HarnessError: The file cannot be read, holds no rating, or the folder holds something else.
    """
    source = read_source(path)
    form = adjusted(form_of(source, columns, format, catalog), columns or Columns(), ai=ai)
    if form.records:
        source = read_source(path, form.records)
    found = read_ratings(source, form, rename=rename, words=words, also=also)
    if not found.ratings:
        reasons = "; ".join(f"row {one.row}: {one.reason}" for one in found.rejected[:3])
        raise HarnessError(f"{found.path}: none of its {found.read} rows is a rating ({reasons})")
    records = list(rated(found, form))
    found.ratings[:] = with_ids(found.ratings)
    items = [one for one in records if isinstance(one, Item)]
    responses = [one for one in records if isinstance(one, Response)]
    models = sorted({one.model for one in responses}) or [UNKNOWN]
    tasks = sorted({one.task for one in found.ratings})
    suite = Suite.model_validate(
        {
            "name": re.sub(r"[^\w.-]", "_", Path(path).name.split(".")[0]) or "ratings",
            "models": [
                ModelUse(name=name, model=IMPORTED, args={"from": found.format}).model_dump() for name in models
            ],
            "tasks": [TaskUse(task=name).model_dump() for name in tasks],
        }
    )
    run = Run.create(folder, suite)
    with run.lock():
        run.freeze(suite)
        facts = {one.name: one.model_dump(exclude_defaults=True) for one in suite.models}
        host = {} if plain else {**host_facts(), "times": {"started": now()}}
        run.note(suite=suite.name, seed=suite.seed, models=facts, **host)
        part = f"{found.format}-{found.path.stem}"
        parts: list[Sequence[Record]] = [items, responses, found.ratings]
        for mine in parts:
            run.write(mine, part)
        counts = {name: sum(one.task == name for one in items) for name in tasks}
        families = {one.task: one.family for one in items}
        run.note(
            tasks={name: {"family": families[name], "items": counts[name]} for name in tasks},
            imported={found.path.name: {"path": str(found.path), "format": found.format, "read": found.read}},
        )
    return run, found


def rated(found: Imported, mapping: Mapping) -> Iterator[Record]:
    """Yield the items and answers that were rated, each once; the ratings are changed to name them.

    An answer that the file does not name is the item's, or the model's to the item where it says which model.
    """
    items: dict[tuple[str, str], Item] = {}
    responses: dict[str, Response] = {}
    family = mapping.texts.family if mapping.texts else "other"
    for place, (rating, texts) in enumerate(zip(found.ratings, found.texts, strict=True)):
        facts = json.loads(rating.metadata)
        item_id = texts.get("item") or rating.item_id
        model = facts.get("model") or UNKNOWN
        response_id = rating.response_id or digest(rating.task, item_id, model)
        found.ratings[place] = rating.model_copy(update={"item_id": item_id, "response_id": response_id})
        prompt = texts.get("prompt", "")
        key = (rating.task, item_id)
        if key not in items:
            items[key] = Item(
                task=rating.task, item_id=item_id, family=family, prompt=prompt, content_hash=digest(prompt, item_id)
            )
        sides = [(response_id, "response", model)]
        if rating.against_id:
            sides.append((rating.against_id, "against", facts.get("against_model") or UNKNOWN))
        for one, side, who in sides:
            if one not in responses:
                responses[one] = Response(
                    response_id=one, task=rating.task, item_id=item_id, model=who, text=texts.get(side, "")
                )
    yield from items.values()
    yield from responses.values()


def run_of_texts(path: str | Path, folder: str | Path, item: str | None = None) -> Run:
    """Make a run of a table of texts that nobody has rated yet: one answer a row.

    Args:
        path: A table with a column of answers (`response`, `answer`, `text`, ...) and perhaps one of prompts.
        folder: The run's folder.
        item: The column of the item's id; found, or the number of the row, where not given.

    Raises:
        HarnessError: It has no column of texts.
    """
    table = read_source(path).table
    plain = {plain_name(name): name for name in table.names}
    column = {side: next((plain[one] for one in called if one in plain), None) for side, called in TEXTS.items()}
    if column["response"] is None:
        known = ", ".join(TEXTS["response"])
        raise HarnessError(f"{path}: has no column of texts to rate ({known}); it has {', '.join(table.names)}")
    names = {"item_id": item or next((plain[one] for one in NAMES["item_id"] if one in plain), None)}
    names |= {"prompt": column["prompt"], "text": column["response"]}
    names["model"] = next((plain[one] for one in MODELS if one in plain), None)
    cells = {
        name: table.words(one).astype(object).tolist() if one else [None] * len(table) for name, one in names.items()
    }
    task = Path(path).name.split(".")[0]
    items: dict[str, Item] = {}
    responses: dict[str, Response] = {}
    for row, (item_id, prompt, text, model) in enumerate(zip(*cells.values(), strict=True), 1):
        if not isinstance(text, str):
            continue
        one, who = item_id if isinstance(item_id, str) else str(row), model if isinstance(model, str) else UNKNOWN
        asked = prompt if isinstance(prompt, str) else ""
        content = digest(asked, one)
        items.setdefault(one, Item(task=task, item_id=one, family="other", prompt=asked, content_hash=content))
        name = digest(task, one, who, text)
        responses[name] = Response(response_id=name, task=task, item_id=one, model=who, text=text)
    models = [
        ModelUse(name=name, model=IMPORTED, args={"from": "csv"}).model_dump()
        for name in sorted({one.model for one in responses.values()})
    ]
    title = re.sub(r"[^\w.-]", "_", task) or "texts"
    suite = Suite.model_validate({"name": title, "models": models, "tasks": [{"task": task}]})
    run = Run.create(folder, suite)
    with run.lock():
        facts = {one.name: one.model_dump(exclude_defaults=True) for one in suite.models}
        run.note(suite=suite.name, seed=suite.seed, models=facts, **host_facts(), times={"started": now()})
        run.write(list(items.values()), "texts")
        run.write(list(responses.values()), "texts")
        run.note(tasks={task: {"family": "other", "items": len(items)}})
    return run
