"""The ratings of a table as records, for a run: the very rows that a command on the file compares."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
from pydantic import ValidationError

from harness.rating.files.cells import plain
from harness.rating.files.mapping import Mapping
from harness.rating.files.ratings_file import read_table
from harness.rating.files.repeats import Answer, Rejected
from harness.rating.files.source import Source
from harness.rating.files.values import Words
from harness.records import Rating, Scale

SLOT = re.compile(r"slot_\d+$")
"""The name of a place in a list, which is no person's."""
TEXTS = {
    "prompt": ("prompt", "instruction", "question_text", "input", "source_text", "context", "article"),
    "response": ("response", "answer", "output", "completion", "summary", "text", "response_text", "generation"),
    "against": ("against", "response_b", "answer_b", "output_2", "against_text"),
}
"""Columns that hold what was rated."""
MODELS = ("model", "system", "model_id", "system_id", "model_name")
"""Columns that name the model whose answer was rated."""


def of_table(
    source: Source,
    mapping: Mapping,
    task: str,
    rename: Callable[[str], str],
    words: Words,
    also: Sequence[str] = (),
) -> tuple[list[Answer], list[Rejected], list[str]]:
    """Return a table's ratings as answers, the rows that are none, and what was assumed.

    Args:
        source: The file.
        mapping: What is said about its columns, and about who is a judge.
        task: The task of ratings for which the file names none.
        rename: What becomes of a person's name.
        words: What the user says about words.
        also: Further columns, kept in the ratings' metadata.
    """
    assert mapping.table is not None
    names = source.table.names
    named = [name for name in MODELS if name in names and name not in mapping.table.item][:1]
    texts = {side: next((name for name in called if name in names), "") for side, called in TEXTS.items()}
    if not len(source.table):
        return [], [Rejected(row, reason) for row, reason in source.unreadable], []
    found = read_table(source, mapping.table, words, also=[*named, *filter(None, texts.values()), *also], strict=False)
    rejected = [Rejected(row, reason) for row, reason in found.rejected]
    scales = _scales(found.frame)
    answers = []
    for row, told in zip(found.rows.tolist(), found.frame.to_dict("records"), strict=True):
        facts = {str(name): None if _is_nothing(cell) else cell for name, cell in told.items()}
        lacking = next((name for name in ("item_id", "rater", "criterion") if facts[name] is None), None)
        if lacking:
            rejected.append(Rejected(int(row), f"has no {lacking}"))
            continue
        try:
            answers.append(_answer(int(row), facts, source, mapping, task, rename, scales, texts, also))
        except ValidationError as problem:
            first = problem.errors()[0]
            where = ".".join(map(str, first["loc"]))
            rejected.append(Rejected(int(row), f"{where}: {first['msg']} (found {first['input']!r})"))
    return answers, rejected, found.notes


def _is_nothing(cell: Any) -> bool:
    return not isinstance(cell, list) and bool(pd.isna(cell))


def _scales(frame: pd.DataFrame) -> dict[str, Scale]:
    """Return the scale of each criterion."""
    scales: dict[str, Scale] = {}
    for name, mine in frame.groupby("criterion", observed=True):
        known = mine["scale"].dropna().tolist() if "scale" in mine else []
        words = "label" in mine and bool((mine["label"].notna() & mine["value"].isna()).any())
        scales[str(name)] = known[0] if known else scale_of(set(mine["value"].dropna()), words)
    return scales


def _answer(
    row: int,
    told: dict[str, Any],
    source: Source,
    mapping: Mapping,
    task: str,
    rename: Callable[[str], str],
    scales: dict[str, Scale],
    texts: dict[str, str],
    also: Sequence[str],
) -> Answer:
    status, error = told.get("status") or "ok", told.get("error")
    if status == "ok" and told["value"] is None and told.get("label") is None:
        status, error = "skipped", error or "no value"
    rater, flags = str(told["rater"]), told.get("flags") or []
    kind = next((one for glob, one in mapping.kinds.items() if fnmatch.fnmatchcase(rater, glob)), told["rater_kind"])
    person = kind == "human" and "aggregate" not in flags and not SLOT.search(rater)
    model = next((told[name] for name in MODELS if told.get(name)), None)
    scale, label = told.get("scale") or scales[str(told["criterion"])], told.get("label")
    if label is None and scale == "nominal" and told["value"] is not None:
        label = plain(told["value"])  # words among numbers: all are labels, for every door
    beside = {name: told[name] for name in also} | ({"model": model} if model else {})
    kept = {name: told.get(name) for name in ("response_id", "against_id", "order", "rationale", "created_at")}
    rating = Rating.model_validate(
        {
            **{name: None if one is None else str(one) for name, one in kept.items()},
            "rating_id": "-",
            "task": told.get("task") or task,
            "item_id": told["item_id"],
            "rater": rename(rater) if person else rater,
            "rater_kind": kind,
            "criterion": told["criterion"],
            "value": told["value"] if status == "ok" else None,
            "label": label if status == "ok" else None,
            "scale": scale,
            "repetition": int(told.get("repetition") or 0),
            "confidence": told.get("confidence"),
            "status": status,
            "error": error,
            "flags": flags,
            "seconds": told.get("seconds"),
            "source": source.path.name,
            "metadata": json.dumps(beside, ensure_ascii=False, default=str),
        }
    )
    shown = {side: str(told.get(column) or "") for side, column in texts.items() if column}
    return Answer(row, rating, numbered="repetition" in told, texts=shown)


def scale_of(values: set[float], words: bool) -> Scale:
    """Return the scale that a criterion's values show."""
    if words or not values:
        return "nominal"
    if values <= {0, 1}:
        return "binary"
    return "ordinal" if all(float(value).is_integer() for value in values) else "interval"
