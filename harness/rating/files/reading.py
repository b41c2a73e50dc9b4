"""Reads a file by a mapping: every row of it becomes a rating, or a reason why it is none.

read = ratings (those with a status other than ok among them) + rejected
"""

from __future__ import annotations

import fnmatch
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
from pydantic import ValidationError

from harness.errors import HarnessError
from harness.rating.files.cells import chosen, find, holds, number_of, plain
from harness.rating.files.hints import hints
from harness.rating.files.mapping import Mapping
from harness.rating.files.paths import MISSING, look_up
from harness.rating.files.ratings_file import AGGREGATE, kind_of
from harness.rating.files.rationales import without_texts
from harness.rating.files.repeats import Answer, Rejected, settle
from harness.rating.files.rows import OWNER, Names, rows_of
from harness.rating.files.source import Source, read_source
from harness.rating.files.table import Entry, written
from harness.rating.files.tabular import SLOT, of_table, scale_of
from harness.rating.files.values import Words, meaning
from harness.records import Flag, Rating, Scale, Status
from harness.run import other_side

ANY = "any"
"""The criterion of a skipped answer where the file has several and does not say which."""


@dataclass
class Imported:
    """What a file holds."""

    format: str
    path: Path
    ratings: list[Rating]
    read: int
    """How many rows there are: as many as ratings and rejected rows together."""
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    """The row of each rating."""
    texts: list[dict[str, str]] = field(default_factory=list)
    """What was rated, for each rating: `item`, `prompt`, `response`, `against`, where the mapping says where they are.
    """
    ids: list[str | None] = field(default_factory=list)
    """The id that the source gave each rating."""
    replaced: int = 0
    """Ratings that the run had and that these replace."""
    repeated: int = 0
    """Ratings that are a further repetition of what the run had."""

    def to_dict(self, first: int = 10) -> dict[str, Any]:
        """Return what `--dry-run --json` prints: the first ratings, how many rows were read, what was left out."""
        return {
            "format": self.format,
            "ratings": [rating.model_dump() for rating in self.ratings[:first]],
            "read": self.read,
            "rejected": [{"row": entry.row, "reason": entry.reason} for entry in self.rejected],
            "replaced": self.replaced,
            "repeated": self.repeated,
        }


class _Unfit(Exception):
    """A row that cannot be a rating, and why."""


def read_ratings(
    source: str | Path | Source,
    mapping: Mapping,
    task: str | None = None,
    rename: Callable[[str], str] = str,
    words: Words | None = None,
    also: Sequence[str] = (),
) -> Imported:
    """Read a file's ratings.

    Args:
        source: The file.
        mapping: How it is read.
        task: The task of ratings for which the file names none; the file's own name where not given.
        rename: What becomes of a rater's name, for example a pseudonym.
        words: What the user says about words.
        also: Further columns of a table, kept in the ratings' metadata.

    Raises:
        HarnessError: The file cannot be read, or is of another kind than the mapping reads.
    """
    source = source if isinstance(source, Source) else read_source(source, mapping.records)
    if source.kind not in mapping.reads:
        raise HarnessError(
            f"{source.path}: is {source.kind}; the format {mapping.name!r} is {' or '.join(mapping.reads)}"
        )
    words, task = words or Words(), task or source.path.name.split(".")[0]
    if mapping.table is not None:
        answers, rejected, notes = of_table(source, mapping, task, rename, words, also)
    else:
        reader = _Reader(mapping, source, task, rename, words)
        answers, rejected = [], [Rejected(row, reason) for row, reason in source.unreadable]
        for entry, names in rows_of(source, mapping):
            try:
                answers.append(reader.answer(entry, names))
            except (_Unfit, HarnessError) as unfit:
                rejected.append(Rejected(entry.row, str(unfit)))
        answers, unfit_values, notes = reader.complete(answers)
        notes += [mapping.note] * bool(mapping.note) + hints(source, mapping, answers)
        rejected += unfit_values
    kept, left_out = settle(answers)
    return Imported(
        mapping.format or mapping.name,
        source.path,
        [one.rating for one in kept],
        len(answers) + len(rejected),
        sorted([*rejected, *left_out], key=lambda one: one.row),
        [*source.notes, *notes],
        [one.row for one in kept],
        [one.texts for one in kept],
        [one.own_id for one in kept],
    )


class _Reader:
    """Makes one row after the other into a rating."""

    def __init__(self, mapping: Mapping, source: Source, task: str, rename: Callable[[str], str], words: Words) -> None:
        self.mapping = mapping
        self.source = source
        self.task = task
        self.rename = rename
        self.words = words

    def answer(self, entry: Entry, names: Names) -> Answer:
        """Return a row as an answer."""
        for reason, conditions in self.mapping.reject.items():
            if any(holds(condition, names) for condition in conditions):
                raise _Unfit(reason)
        names = dict(names)
        swapped = self._sides(names)
        given = {name: self._text(name, names) for name in self.mapping.fields}
        status, error = self._status(names, given)
        value, label, word = self._value(names) if status == "ok" else (None, None, None)
        nothing = any(holds(condition, names) for condition in self.mapping.nothing_ticked)
        if swapped:
            value = other_side(value)
        rater = self._needed("rater", given)
        kind = "judge" if names.get("by_ai") else self._kind(rater, given)
        flags = [flag for flag in self._flags(names) if flag != "prelabelled" or kind == "human"]
        is_person = kind == "human" and "aggregate" not in flags and not SLOT.search(rater)
        fields: dict[str, Any] = {
            "rating_id": "-",
            "task": given.get("task") or self.task,
            "item_id": self._unit(names, given),
            "response_id": given.get("response_id"),
            "against_id": given.get("against_id"),
            "rater": self.rename(rater) if is_person else rater,
            "rater_kind": kind,
            "criterion": given.get("criterion") or ANY
            if status != "ok" or nothing
            else self._needed("criterion", given),
            "value": value,
            "label": label,
            "scale": self.mapping.scale or "interval",
            "order": _order(swapped, given),
            "repetition": int(self._number("repetition", given) or 0),
            "rationale": given.get("rationale"),
            "confidence": self._number("confidence", given),
            "status": status,
            "error": error,
            "flags": flags,
            "seconds": self._number("seconds", given),
            "created_at": given.get("created_at"),
            "source": self.source.path.name,
            "metadata": self._metadata(names),
        }
        try:
            rating = Rating.model_validate(fields)
        except ValidationError as problem:
            first = problem.errors()[0]
            raise _Unfit(f"{'.'.join(map(str, first['loc']))}: {first['msg']} (found {first['input']!r})") from problem
        history = self.mapping.history
        sitting = next((found for path in self.mapping.assignment if (found := plain(look_up(path, names)))), None)
        return Answer(
            entry.row,
            rating,
            own_id=plain(look_up(history.id, names)) if history else None,
            parent_id=plain(look_up(history.parent, names)) if history else None,
            numbered=given.get("repetition") is not None,
            assignment=sitting,
            texts=self._texts(names, swapped),
            word=word,
            nothing=nothing,
        )

    def complete(self, answers: list[Answer]) -> tuple[list[Answer], list[Rejected], list[str]]:
        """Return answers with what only the whole file shows, those that do not fit the scale, and what was assumed.

        That is what words mean, scales, on which criteria nothing was ticked, a skip's criterion, and the time of a
        sitting, which its ratings share.
        """
        answers, texts = without_texts(list(_with_none_ticked(answers)))
        scales, notes = self._give_values(answers)
        criteria = sorted({answer.rating.criterion for answer in answers} - {ANY})
        sittings = Counter(answer.assignment for answer in answers)
        done, rejected = [], texts
        for answer in answers:
            rating = answer.rating
            criterion = criteria[0] if rating.criterion == ANY and len(criteria) == 1 else rating.criterion
            share = sittings[answer.assignment] if answer.assignment else 1
            update: dict[str, Any] = {
                "criterion": criterion,
                "scale": scales.get(criterion) or self.mapping.scale or "ordinal",
                "seconds": None if rating.seconds is None else rating.seconds / share,
            }
            if rating.status == "ok" and rating.value is None and rating.label is None:
                update |= {"status": "skipped", "error": "no value"}
            try:
                if answer.word is not None:
                    self._check_value(rating, answer.word)
            except _Unfit as unfit:
                rejected.append(Rejected(answer.row, str(unfit)))
                continue
            done.append(replace(answer, rating=rating.model_copy(update=update)))
        return done, rejected, notes

    def _give_values(self, answers: list[Answer]) -> tuple[dict[str, Scale], list[str]]:
        """Give answers what their words mean; return the scale of each criterion, and what was assumed."""
        spoken = [place for place, answer in enumerate(answers) if answer.word is not None]
        codes, words = pd.factorize(np.array([answers[place].word for place in spoken], dtype=object))
        at, criteria = pd.factorize(np.array([answers[place].rating.criterion for place in spoken], dtype=object))
        found = meaning(codes, list(words), at, list(criteria), self.words, self.source.decimal_comma)
        for row, place in enumerate(spoken):
            one = answers[place]
            value = None if np.isnan(found.value[row]) else float(found.value[row])
            update = {"value": value, "label": one.rating.label if found.label[row] is None else found.label[row]}
            answers[place] = replace(one, rating=one.rating.model_copy(update=update))
        if self.mapping.scale:
            return {**dict.fromkeys(criteria, self.mapping.scale), **found.scale}, found.notes
        values: dict[str, set[float]] = {}
        labels: set[str] = set()
        for answer in answers:
            if answer.rating.value is not None:
                values.setdefault(answer.rating.criterion, set()).add(answer.rating.value)
            elif answer.rating.label is not None:
                labels.add(answer.rating.criterion)
        known = {name: scale_of(values.get(name, set()), name in labels) for name in {*values, *labels}}
        return known | found.scale, found.notes

    def _check_value(self, rating: Rating, word: str) -> None:
        low, high, value = self.mapping.low, self.mapping.high, rating.value
        if value is None:
            if rating.label is not None and (
                low is not None or self.mapping.scale not in (None, "nominal", "set", "ranking")
            ):
                raise _Unfit(f"value is {word!r}, not a number")
        elif (low is not None and value < low) or (high is not None and value > high):
            raise _Unfit(f"value is {word}, outside the scale {low:g} to {high:g}")

    def _unit(self, names: Names, given: dict[str, str | None]) -> str:
        """Return what was rated: the item, with the part of it that was."""
        parts = [plain(look_up(path, names)) for path in self.mapping.part]
        told = ",".join(part for part in parts if part is not None)
        item = self._needed("item_id", given)
        return f"{item}[{told}]" if told else item

    def _sides(self, names: dict[str, Any]) -> bool:
        """Bind both models' names in alphabetical order, so that one pair is one item; True if they changed places."""
        places = self.mapping.fields
        if "against_model" not in places:
            if "model" in places:
                names["model"] = plain(find(places["model"], names))
            return False
        sides = [plain(find(places[name], names)) for name in ("model", "against_model")]
        if None in sides:
            raise _Unfit("names no model for one of the sides")
        names["model"], names["against_model"] = sorted(str(side) for side in sides)
        return bool(sides[0] != names["model"])

    def _text(self, name: str, names: Names) -> str | None:
        if name in ("value", "label"):
            return None
        if name in ("model", "against_model"):
            return plain(names.get(name))
        return plain(find(self.mapping.fields[name], names))

    def _needed(self, name: str, given: dict[str, str | None]) -> str:
        found = given.get(name)
        if not found:
            paths = [path for path in self.mapping.fields[name].path if path != OWNER]
            raise _Unfit(f"has no {name} ({' or '.join(paths) or name})")
        return found

    def _number(self, name: str, given: dict[str, str | None]) -> float | None:
        found = given.get(name)
        if found is None:
            return None
        number = number_of(found, self.source.decimal_comma)
        if number is None:
            raise _Unfit(f"{name} is {found!r}, not a number")
        return number

    def _kind(self, rater: str, given: dict[str, str | None]) -> str:
        for pattern, kind in self.mapping.kinds.items():
            if fnmatch.fnmatchcase(rater, pattern):
                return kind
        try:
            return kind_of((given.get("rater_kind") or "human").lower())
        except HarnessError as problem:
            raise _Unfit(str(problem)) from problem

    def _status(self, names: Names, given: dict[str, str | None]) -> tuple[str, str | None]:
        for status, conditions in self.mapping.status.items():
            met = next((condition for condition in conditions if holds(condition, names)), None)
            if met:
                return status, given.get("error") or f"{met.path} is {plain(look_up(met.path, names)) or 'empty'}"
        stated = given.get("status") or "ok"
        if stated not in get_args(Status):
            raise _Unfit(f"status is {stated!r}; known: {', '.join(get_args(Status))}")
        return stated, given.get("error")

    def _value(self, names: Names) -> tuple[float | None, str | None, str | None]:
        """Return a row's value and label where the mapping says what they mean, else the word still to be read."""
        place, label_place = self.mapping.fields.get("value"), self.mapping.fields.get("label")
        label = plain(find(label_place, names)) if label_place else None
        found = find(place, names) if place else MISSING
        if place is None or not (place.recode or place.compare or place.zero is not None or place.constant is not None):
            return None, label, written(found) if found is not MISSING else None
        text = plain(chosen(found))
        if text is None or self.words.absent(text):
            return None, label, None
        if place.recode and place.zero is None and text not in {*place.recode, *map(plain, place.recode.values())}:
            raise _Unfit(f"value is {text!r}; the mapping knows {', '.join(place.recode)}")
        number = number_of(text, self.source.decimal_comma)
        if number is None or not math.isfinite(number):
            return None, label, text
        if place.zero is not None and place.one is not None:
            label = label or text
            number = (number - place.zero) / (place.one - place.zero) + 0.0  # no negative zero
            if not 0 <= number <= 1:
                raise _Unfit(f"value is {text}, outside {place.zero:g} to {place.one:g}")
        return number, label, None

    def _texts(self, names: Names, swapped: bool) -> dict[str, str]:
        places = self.mapping.texts
        if places is None:
            return {}
        sides = (places.against, places.response) if swapped else (places.response, places.against)
        found = {"item": places.item, "prompt": places.prompt, "response": sides[0], "against": sides[1]}
        return {name: plain(find(place, names)) or "" for name, place in found.items() if place}

    def _flags(self, names: Names) -> list[Flag]:
        met = [flag for flag, conditions in self.mapping.flags.items() if any(holds(one, names) for one in conditions)]
        kind = self.mapping.fields.get("rater_kind")
        word = plain(find(kind, names)) if kind else None
        return [*met, *(["aggregate"] if word == AGGREGATE and "aggregate" not in met else [])]  # type: ignore[list-item]

    def _metadata(self, names: Names) -> str:
        models = {name: names[name] for name in ("model", "against_model") if names.get(name)}
        kept = {name: plain(find(place, names)) for name, place in self.mapping.metadata.items()}
        facts = {**models, **{name: value for name, value in kept.items() if value is not None}}
        return json.dumps(facts, sort_keys=True, ensure_ascii=False)


def _with_none_ticked(answers: list[Answer]) -> Iterator[Answer]:
    """Yield answers; one that ticked nothing answers each question of ticks so, where the file shows there are some."""
    ticks = sorted({one.rating.criterion for one in answers if (one.word or "")[:1] == "["} - {ANY})
    for answer in answers:
        if not answer.nothing or answer.rating.status != "ok":
            yield answer
        elif not ticks:
            yield replace(answer, rating=answer.rating.model_copy(update={"status": "skipped", "error": "no value"}))
        for name in ticks if answer.nothing and answer.rating.status == "ok" else ():
            yield replace(answer, rating=answer.rating.model_copy(update={"criterion": name}), word="[]")


def _order(swapped: bool, given: dict[str, str | None]) -> str | None:
    if swapped:
        return "against_first"
    return "response_first" if given.get("against_model") else given.get("order")
