"""Cases: the things that two or more raters rated, for the page's list of disagreements.

A case is a response, or a response against another one. The gap between raters orders the list; it is a way to find
things to read, no coefficient: each rater's values are stretched over the range that it used in this run.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from harness.records import target_text
from harness.reporting.evidence import Evidence, Row, value_of
from harness.run import UNIT, is_ok, unit_names
from harness.suite import without_homes, without_whereabouts

MOST_CASES = 5000
MOST_BYTES = 15_000_000
BOUNDED = ("binary", "preference")
NAMED = ("nominal", "set", "ranking")
RATING_COLUMNS = (
    "rater", "criterion", "value", "place", "label", "order", "repetition", "status", "error", "rationale", "raw",
    "cost_usd",
)  # fmt: skip


@dataclass(frozen=True)
class Cases:
    """The cases that the page carries, in the order of the list."""

    rows: list[Row]
    total: int
    """All cases of the run that two raters rated."""
    disagreeing: int


def cases(evidence: Evidence, most: int | None = MOST_CASES, seed: int = 0) -> Cases:
    """Return the cases of a run, the largest gap first.

    Args:
        evidence: The run's evidence.
        most: At most so many: disagreements first by their gap, then a seeded sample of the rest, the same share of
            each task; all where null.
        seed: Decides the sample.
    """
    ratings = _placed(evidence.run.ratings)
    if ratings.empty:
        return Cases([], 0, 0)
    known = ratings[ratings["place"].notna()]
    gaps = known.groupby("case", sort=False)["place"].agg(["min", "max"])
    table = pd.DataFrame({"gap": (gaps["max"] - gaps["min"]).round(6)})
    table["task"] = known.groupby("case", sort=False)["task"].first()
    table["key"] = table.index.astype(str)
    table = table.sort_values(["gap", "key"], ascending=[False, True])
    disagreeing = table[table["gap"] > 0]
    agreeing = table[table["gap"] == 0]
    if most is not None:
        disagreeing = disagreeing.head(most)
        agreeing = _sample(agreeing, most - len(disagreeing), seed)
    chosen = [*disagreeing.index, *agreeing.index]
    return Cases(_rows(evidence, ratings, chosen, table["gap"]), len(table), int((table["gap"] > 0).sum()))


def _placed(ratings: pd.DataFrame) -> pd.DataFrame:
    """Return the ratings of what more than one rater (or order) rated, with `case` and `place` in 0..1."""
    data = ratings.assign(case=unit_names(ratings))
    voices = data["rater"] + "\x1f" + data["criterion"] + "\x1f" + data["order"].fillna("").astype(str)
    several = voices.groupby(data["case"]).transform("nunique") > 1
    data = data[several].copy()
    ranges = data.groupby(["task", "rater", "criterion"])["value"]
    low, high = ranges.transform("min"), ranges.transform("max")
    stretched = (data["value"] - low) / (high - low).where(high > low)
    place = stretched.where(~data["scale"].isin(BOUNDED), data["value"])
    # labels without an order: the first of the case and criterion stands at 0, any other at 1
    first = data.groupby(["case", "criterion"])["label"].transform("min")
    named = data["scale"].isin(NAMED) & data["label"].notna()
    data["place"] = place.where(~named, (data["label"] != first).astype(float))
    data.loc[~is_ok(data), "place"] = np.nan
    return data


def _sample(table: pd.DataFrame, most: int, seed: int) -> pd.DataFrame:
    if len(table) <= most:
        return table
    if most <= 0:
        return table.head(0)
    rank = pd.Series(np.random.default_rng(seed).permutation(len(table)), index=table.index)
    within = rank.groupby(table["task"]).rank(pct=True)
    return table.loc[within.sort_values(kind="stable").index[:most]]


def _rows(evidence: Evidence, ratings: pd.DataFrame, chosen: list[str], gaps: pd.Series) -> list[Row]:
    wanted = ratings[ratings["case"].isin(set(chosen))]
    wanted = wanted.sort_values(["rater_kind", "rater", "criterion", "order", "repetition", "rating_id"])
    marks: dict[str, list[list[Any]]] = {}
    heads: dict[str, Row] = {}
    for row in wanted.to_dict("records"):
        case = row["case"]
        if case not in heads:
            heads[case] = {key: value_of(row[key]) for key in UNIT}
        rating = [evidence.name(row["rater"]), *(value_of(row[column]) for column in RATING_COLUMNS[1:])]
        marks.setdefault(case, []).append(rating)
    return [{**heads[case], "gap": value_of(gaps[case]), "ratings": marks[case]} for case in chosen]


def block(evidence: Evidence, found: Cases, redact_text: bool = False) -> Row:
    """Return the cases as the page's script reads them: names once in lists, everything else by number.

    Args:
        evidence: The run's evidence.
        found: The cases.
        redact_text: Leave out every text that a model, a rater or a data set wrote; ids and values stay.
    """
    raters, criteria, tasks = _Numbered(), _Numbered(), _Numbered()
    items, responses = _Numbered(), _Numbered()
    rows = []
    for case in found.rows:
        marks = [[raters(mark[0]), criteria(mark[1]), *_texts(mark[2:], redact_text)] for mark in case["ratings"]]
        sides = [responses(case[key]) if case[key] else -1 for key in ("response_id", "against_id")]
        rows.append([items((case["task"], case["item_id"])), *sides, case["gap"], marks])
    answers = _responses(evidence, responses.names, redact_text)
    return {
        "total": found.total,
        "disagreeing": found.disagreeing,
        "redacted": redact_text,
        "raters": [[name, _kind_of(evidence, name)] for name in raters.names],
        "criteria": criteria.names,
        "items": _items(evidence, items.names, tasks, redact_text),
        "responses": answers,
        "rounds": sorted({row[2] for row in answers if row[2] is not None}),
        "tasks": tasks.names,
        "families": [_family(evidence, task) for task in tasks.names],
        "cases": rows,
    }


def carried(evidence: Evidence, redact_text: bool = False, limit: int = MOST_BYTES) -> Row:
    """Return the block that one file can carry: at most `MOST_CASES` cases and `limit` bytes."""
    found = cases(evidence, MOST_CASES, evidence.run.suite.seed)
    data = block(evidence, found, redact_text)
    while len(found.rows) > 1 and len(json.dumps(data, ensure_ascii=False).encode()) > limit:
        found = replace(found, rows=found.rows[: len(found.rows) // 2])
        data = block(evidence, found, redact_text)
    return data


def shards(data: Row, size: int = 5000) -> list[Row]:
    """Return a block cut into parts that follow each other: the script appends each part's lists to its own.

    Items and responses are numbered in the order of first use, so a part brings those that no part before it brought.
    """
    parts = []
    begun = {"items": 0, "responses": 0}
    for start in range(0, len(data["cases"]), size):
        rows = data["cases"][start : start + size]
        ends = {
            "items": max([begun["items"], *(row[0] + 1 for row in rows)]),
            "responses": max([begun["responses"], *(side + 1 for row in rows for side in row[1:3])]),
        }
        parts.append({"cases": rows} | {name: data[name][begun[name] : ends[name]] for name in begun})
        begun = ends
    return parts


class _Numbered:
    """Gives each name its number, in the order of first use."""

    def __init__(self) -> None:
        self.numbers: dict[Any, int] = {}

    def __call__(self, name: Any) -> int:
        return self.numbers.setdefault(name, len(self.numbers))

    @property
    def names(self) -> list[Any]:
        return list(self.numbers)


def _texts(mark: list[Any], redact_text: bool) -> list[Any]:
    text = {RATING_COLUMNS.index(name) - 2 for name in ("rationale", "raw", "error")}
    if redact_text:
        text.add(RATING_COLUMNS.index("label") - 2)
    kept = [None if redact_text and place in text else cell for place, cell in enumerate(mark)]
    error = RATING_COLUMNS.index("error") - 2
    return [
        (without_whereabouts if place == error else without_homes)(cell) if isinstance(cell, str) else cell
        for place, cell in enumerate(kept)
    ]


def _items(evidence: Evidence, keys: list[tuple[str, str]], tasks: _Numbered, redact_text: bool) -> list[list[Any]]:
    data = evidence.run.items.drop_duplicates(["task", "item_id"]).set_index(["task", "item_id"])
    wanted = data.loc[data.index.isin(keys)].to_dict("index")
    rows = []
    for task, item_id in keys:
        item = wanted.get((task, item_id), {})
        target = target_text(value_of(item.get("target")), value_of(item.get("choices")))
        texts = [item.get("prompt"), target, "\n\n".join(value_of(item.get("references")) or [])]
        shown = [None] * 3 if redact_text else [_text(text) for text in texts]
        rows.append([tasks(task), without_homes(item_id), *shown])
    return rows


def _family(evidence: Evidence, task: str) -> str:
    families = evidence.run.items.loc[evidence.run.items["task"] == task, "family"]
    return str(families.iloc[0]) if len(families) else "other"


def _responses(evidence: Evidence, keys: list[str], redact_text: bool) -> list[list[Any]]:
    data = evidence.run.responses.drop_duplicates("response_id").set_index("response_id")
    wanted = data.loc[data.index.isin(keys)].to_dict("index")
    rows = []
    for key in keys:
        row = wanted.get(key, {})
        facts = [value_of(row.get(name)) for name in ("model", "series", "round", "sample", "status")]
        error = value_of(row.get("error"))
        texts = [_text(row.get("text")), without_whereabouts(str(error)) if error else None]
        rows.append([*facts, *([None] * 2 if redact_text else texts), without_homes(key)])
    return rows


def _text(value: Any) -> str | None:
    text = value_of(value)
    return without_homes(str(text)) if text else None


def _kind_of(evidence: Evidence, name: str) -> str:
    back = {shown: rater for rater, shown in evidence.names.items()}
    return evidence.kinds.get(back.get(name, name), "")
