"""People's ratings come into a run: a sheet goes out blind, and comes back filled in; so does any file that names the
run's answers.

Rater names become pseudonyms on the way in, so that the run names nobody. A row that names no answer of the run, or
holds what the question does not allow, is left out with its reason, and the count says so.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.rating.files.mapping import Mapping
from harness.rating.files.presets import recognise
from harness.rating.files.reading import Imported, read_ratings
from harness.rating.files.repeats import Rejected
from harness.rating.files.source import Source, read_source
from harness.rating.files.values import Words
from harness.rating.pairs import pairs_of
from harness.rating.people.formulas import unguarded
from harness.rating.people.over_imports import SOURCE_ID, Over, settle_over_imports
from harness.rating.people.pseudonyms import pseudonym, user_key
from harness.rating.people.questions import Question, find_questions
from harness.records import Rating, Response, digest
from harness.run import OTHER_ORDER, Run, opened, other_side


@dataclass(frozen=True)
class Asked:
    """One thing that a person is asked to rate."""

    question: Question
    response: Response
    against: Response | None = None


def asked_of(
    run: Run,
    questions: Sequence[str] = (),
    tasks: Sequence[str] = (),
    samples: int = 1,
    catalog: Catalog | None = None,
    limit: int | None = None,
) -> list[Asked]:
    """Return what people can be asked about a run, in an order that tells nothing.

    Where series of a loop wait for people, that is what is waited for: all samples of it, and nothing else.

    Args:
        run: The run.
        questions: Human raters of the catalogue; those that fit the tasks' families where none are named.
        tasks: Only these tasks; those of the suite where none are named, not a learner's thousands of answers.
        samples: How many samples of each item and model.
        catalog: Where questions are looked for.
        limit: At most so many items a task: the same for every rater, so that they can be compared, and with a larger
            limit later the same and more.

    Raises:
        HarnessError: The run has nothing to rate.
    """
    families = dict(zip(run.items["task"], run.items["family"], strict=True))
    waiting = [one for one in run.manifest.get("waiting", {}).values() if one]
    awaited = {name for one in waiting for name in one["responses"]}
    if awaited:
        questions = questions or sorted({one["rater"] for one in waiting})
        tasks = tasks or sorted(run.responses.loc[run.responses["response_id"].isin(awaited), "task"].unique())
    tasks = tasks or [use.called for use in run.suite.tasks if use.called in families]
    unknown = sorted(set(tasks) - set(families))
    if unknown:
        raise HarnessError(f"{run.folder}: has no task {unknown[0]!r}; it has {', '.join(sorted(families))}")
    wanted = find_questions(questions, list(families.values()), catalog)
    rows = run.responses
    rows = rows[(rows["status"] == "ok") & rows["text"].notna() & rows["item_id"].isin(run.items["item_id"])]
    shown = rows["response_id"].isin(awaited) if awaited else rows["sample"] < samples
    rows = rows[rows["task"].isin(list(tasks) or list(families)) & shown]
    if limit is not None:
        names = rows[["task", "item_id"]].drop_duplicates()
        order = names.assign(place=[digest(run.suite.seed, *name) for name in names.itertuples(index=False)])
        drawn = order.sort_values("place").groupby("task").head(limit)
        wanted_items, items = (pd.MultiIndex.from_frame(one[["task", "item_id"]]) for one in (drawn, rows))
        rows = rows[items.isin(wanted_items)]
    responses = sorted(run.records(Response, rows), key=lambda response: response.response_id)  # hashes: blind
    found = []
    for question in wanted:
        fitting = [one for one in responses if not question.families or families[one.task] in question.families]
        if question.compares:
            found += [Asked(question, *pair) for pair in pairs_of(fitting)]
        else:
            found += [Asked(question, one) for one in fitting if one.model != "reference"]
    if not found:
        raise HarnessError(f"{run.folder}: has no answers that these questions can be asked about")
    return found


def sides_of(one: Asked) -> list[Response]:
    """Return what is shown, in an order of the sides that says nothing about them."""
    if one.against is None:
        return [one.response]
    sides = [one.response, one.against]
    return sides if int(digest(one.response.response_id, one.against.response_id), 16) % 2 else sides[::-1]


def note_questions(run: Run, questions: Iterable[Question]) -> None:
    """Keep in the run's manifest what people were asked."""
    run.note(questions={one.criterion: one.model_dump() for one in questions})


def import_ratings(
    source: str | Path | Source,
    run: Run | str | Path,
    format: str | None = None,
    *,
    mapping: Mapping | None = None,
    catalog: Catalog | None = None,
    key: bytes | None = None,
    dry_run: bool = False,
    words: Words | None = None,
    over: Over | None = None,
) -> Imported:
    """Bring a file's ratings into a run.

    Args:
        source: The file: the sheet of `export_csv` filled in, or any file whose ids are those of the run's answers.
        run: The run, or its folder.
        format: A format's name or a `mapping.yaml`; recognised where not given.
        mapping: A mapping in the place of a format.
        catalog: Where formats and questions are looked for.
        key: The key of the pseudonyms; the user's own where not given.
        dry_run: Write nothing.
        words: What is said about words.
        over: What becomes of ratings that the run has from another file, where neither ids nor times tell: `replace`
            takes their place, `repetition` stands beside them.

    Returns:
        What was read, with the run's own ids and pseudonyms, and what was left out and why.

    Raises:
        HarnessError: The file cannot be read, not one of its rows fits the run, or nothing says which of two ratings
            counts.
    """
    run = opened(run)
    file = source if isinstance(source, Source) else read_source(source)
    mapping = mapping or recognise(file, format, catalog)
    key = key or user_key()
    found = read_ratings(file, mapping, rename=partial(pseudonym, key=key), words=words)
    entries = {entry.row: entry for entry in file.entries}
    places = _Places(run, _asked_before(run))
    ratings, rows, rejected = [], [], list(found.rejected)
    for rating, row, own_id in zip(found.ratings, found.rows, found.ids, strict=True):
        entry = entries.get(row)
        try:
            ratings.append(_with_id(places.settle(rating), own_id or (entry and entry.record.get("rating_id"))))
            rows.append(row)
        except HarnessError as problem:
            rejected.append(Rejected(row, f"line {entry.line}: {problem}" if entry and entry.line else str(problem)))
    if not ratings:
        reasons = "\n  ".join(f"row {one.row}: {one.reason}" for one in sorted(rejected, key=lambda one: one.row)[:5])
        unsigned = all(one.reason == "has no rater" for one in rejected)
        to_do = "\n  fill in its column `rater`: who rated" if unsigned else ""
        raise HarnessError(f"{file.path}: none of its {found.read} rows fits {run.folder}:\n  {reasons}{to_do}")
    try:
        done = settle_over_imports(run, ratings, rows, over)
    except HarnessError as problem:
        raise HarnessError(f"{file.path}: {problem}") from problem
    rejected = sorted([*rejected, *done.rejected], key=lambda one: one.row)
    settled = replace(
        found,
        ratings=done.ratings,
        rejected=rejected,
        notes=[*found.notes, *done.notes()],
        replaced=done.replaced,
        repeated=done.repeated,
    )
    if not dry_run:
        again = f"harness import {settled.format} {shlex.quote(found.path.name)} --into {{run}} --replace"
        run.write(settled.ratings, f"{settled.format}-{found.path.stem}", again)
    return settled


def _with_id(rating: Rating, own_id: Any) -> Rating:
    """Return a rating that keeps the id that its source gave it."""
    if own_id in (None, ""):
        return rating
    facts = {**json.loads(rating.metadata), SOURCE_ID: str(own_id)}
    return rating.model_copy(update={"metadata": json.dumps(facts, sort_keys=True, ensure_ascii=False)})


def _asked_before(run: Run) -> dict[str, Question]:
    return {name: Question.model_validate(one) for name, one in run.manifest.get("questions", {}).items()}


class _Places:
    """Where in a run a rating belongs."""

    def __init__(self, run: Run, questions: dict[str, Question]) -> None:
        self.questions = questions
        responses: list[Response] = list(run.records(Response))
        self.responses: dict[str, Response] = {one.response_id: one for one in responses}
        self.by_item: dict[str, list[Response]] = {}
        for one in responses:
            if one.model != "reference":
                self.by_item.setdefault(one.item_id, []).append(one)

    def settle(self, rating: Rating) -> Rating:
        """Return a rating with the run's ids and a checked value.

        Raises:
            HarnessError: It names no answer of the run, or its value does not fit what was asked.
        """
        facts = json.loads(rating.metadata)
        response = self._response(rating, rating.response_id, facts.get("model"))
        against = None
        if rating.against_id or facts.get("against_model"):
            against = self._response(rating, rating.against_id, facts.get("against_model"))
        question = self.questions.get(rating.criterion)
        value, label = self._value(rating, question)
        update: dict[str, Any] = {"value": value, "label": label}
        if question:
            update |= {"scale": question.scale, "rater_version": question.version}
        order = rating.order
        if against:
            first, second = next(pairs_of([response, against]))
            order = order or "response_first"
            if first is not response:
                order, update["value"] = OTHER_ORDER[order], other_side(value)
            response, against = first, second
        return rating.model_copy(
            update={
                **update,
                "task": response.task,
                "item_id": response.item_id,
                "response_id": response.response_id,
                "against_id": against.response_id if against else None,
                "order": order,
            }
        )

    def _response(self, rating: Rating, response_id: str | None, model: str | None) -> Response:
        response_id = response_id and unguarded(response_id)
        if found := self.responses.get(str(response_id)):
            said = unguarded(rating.item_id)
            if said != found.item_id and said in self.by_item and said != response_id:  # columns sorted apart
                raise HarnessError(
                    f"the response {response_id!r} is to item {found.item_id!r}, and the row says {said!r}; export the "
                    "sheet from this run"
                )
            return found
        candidates = [one for one in self.by_item.get(rating.item_id, []) if model in (None, one.model)]
        if response_id and not model and not (len(candidates) == 1 and rating.item_id == response_id):
            raise HarnessError(f"the run has no response {response_id!r}; export the sheet from this run")
        if not candidates:
            raise HarnessError(f"the run has no answer of {model or 'any model'} to item {rating.item_id!r}")
        if len(candidates) > 1:
            raise HarnessError(f"item {rating.item_id!r} has {len(candidates)} answers; say which by response_id")
        return candidates[0]

    def _value(self, rating: Rating, question: Question | None) -> tuple[float | None, str | None]:
        if question is None or rating.status != "ok":
            return rating.value, rating.label
        allowed = ", ".join(f"{grade.value:g} ({grade.name})" for grade in question.grades)
        if rating.value is None:
            named = {grade.name.lower(): grade.value for grade in question.grades}
            if (rating.label or "").lower() not in named:
                raise HarnessError(f"value {rating.label!r} for {rating.criterion}: expected a number: {allowed}")
            return named[(rating.label or "").lower()], None
        fits = question.low <= rating.value <= question.high
        if question.scale != "interval" and rating.value not in {grade.value for grade in question.grades}:
            fits = False
        if not fits:
            raise HarnessError(f"value {rating.value:g} for {rating.criterion} is outside the scale: {allowed}")
        return rating.value, rating.label
