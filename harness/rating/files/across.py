"""Tables with a row a rater and a column an item, as surveys export them: Qualtrics, LimeSurvey, Google Forms."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from harness.rating.files.headers import is_rater, plain_name
from harness.rating.files.table import Table
from harness.rating.files.wide import Cell

LIMESURVEY = {"submitdate", "lastpage", "startlanguage"}
"""Columns of LimeSurvey, whose `id` is a respondent's."""
QUALTRICS = {"start_date", "end_date", "progress", "finished", "recorded_date", "distribution_channel"}
"""Columns of Qualtrics, of which an export has some, and whose `ResponseId` is a respondent's."""
MANY = 3
"""So many numbered columns of one name are items, where a row is a rater."""
NUMBER = re.compile(r"\d+")


def respondent(table: Table, rater: str | None) -> str | None:
    """Return the column that says whose answers a row holds; None where rows are no raters'."""
    plain = {plain_name(name): name for name in table.names}
    asked = sum(bool(re.fullmatch(r"(q|question)_?\d+", name)) for name in plain) >= MANY
    who = rater
    if who is None and (asked or len({*plain} & QUALTRICS) > 1):
        who = plain.get("response_id")
    if who is None and (asked or {*plain} >= LIMESURVEY):
        who = plain.get("id")
    if who is None or table.words(who).duplicated().any() or table.words(who).isna().any():
        return None
    return who


def items_across(names: Sequence[str]) -> list[Cell]:
    """Return the columns that number items; none where too few are alike but for a number, or they number raters.

    Where columns have two numbers (`Q2_17`, `3_Q5`), one is the item's and the other the question's: of a loop (`3_Q5`)
    the first is the item's, else the one of which there are more. Columns of the same numbers that are called otherwise
    (`text_3_tone`, `text_3_style`) are other questions of the same items.
    """
    shapes: dict[str, dict[str, list[str]]] = {}
    for name in names:
        if numbers := NUMBER.findall(name):
            shapes.setdefault(NUMBER.sub("#", name), {})[name] = numbers
    shape = max(shapes, key=lambda one: len(shapes[one]), default="")
    mine = shapes.get(shape, {})
    varying = _varying(mine)
    if len(mine) < MANY or not varying or all(map(is_rater, mine)):
        return []
    if len(varying) == 2:
        first, second = (len({one[place] for one in mine.values()}) for place in varying)
        if first * second == len(mine):
            item = varying[0] if first >= second or shape.startswith("#_") else varying[1]
            return [Cell(name, item=one[item], criterion=_question(shape, one, item)) for name, one in mine.items()]
    if len(varying) == 1 and (alike := _same_items(shapes, shape)):
        return [
            Cell(name, item=one[place], criterion=_question(which, one, place))
            for which, place in alike.items()
            for name, one in shapes[which].items()
        ]
    return [Cell(name, item=name) for name in mine]


def _varying(numbers: Mapping[str, Sequence[str]]) -> list[int]:
    """Return which of the numbers in some names differ."""
    columns = list(zip(*numbers.values(), strict=True))
    return [place for place, column in enumerate(columns) if len({*column}) > 1]


def _same_items(shapes: Mapping[str, Mapping[str, Sequence[str]]], shape: str) -> dict[str, int]:
    """Return the shapes that number the same items as one does, and where; none where it is the only one."""

    def numbered(which: str) -> tuple[list[str], int] | None:
        varying = _varying(shapes[which])
        return ([one[varying[0]] for one in shapes[which].values()], varying[0]) if len(varying) == 1 else None

    told = {which: found for which in shapes if (found := numbered(which))}
    same = {which: place for which, (items, place) in told.items() if items == told[shape][0]}
    return same if len(same) > 1 else {}


def _question(shape: str, numbers: Sequence[str], item: int) -> str:
    """Return a column's name without the number of its item: of `3_Q5` it is `Q5`, of `text_3_tone` `tone`."""
    parts = [part.strip(" _.-:[]") for part in shape.split("#")]
    before = [part + number for part, number in zip(parts[:item], numbers, strict=False)]
    after = [part + number for part, number in zip(parts[item + 1 :], [*numbers[item + 1 :], ""], strict=True)]
    return " ".join(filter(None, [*before, *after])) or parts[item]
