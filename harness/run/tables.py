"""The rules of rows: which ratings count, what raters share, who is a person and who an AI, where a comparison points.

Each rule stands here alone, so that a command, the page and a Python call count the same rows the same way. All take
frames with the record's column names; a column that a frame does not have says nothing: no status is a verdict that is
there, no kind a person, no repetition a first rating.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from harness.records import Flag, Order, RaterKind

UNIT = ("task", "item_id", "response_id", "against_id")
"""What raters share: the same answer, or the same two answers, to the same item."""
EXPLORED = "_explored"
"""Ends the task of items to which several answers are drawn, so that they are no repeats of the one answer."""
AI_KINDS: tuple[RaterKind, ...] = ("judge", "reward_model")
"""The kinds whose ratings are AI feedback."""
OTHER_ORDER: dict[Order, Order] = {"response_first": "against_first", "against_first": "response_first"}
SIDES = (
    ("response_id", "against_id"),
    ("model", "against_model"),
    ("text", "against_text"),
    ("length", "against_length"),
    ("response_length", "against_length"),
)
"""Columns that say the same of the two sides of a comparison."""


def unit_columns(rows: pd.DataFrame) -> list[str]:
    """Return those columns of `UNIT` that some row fills; always `item_id`, where there is one."""
    return [name for name in UNIT if name in rows and (name == "item_id" or rows[name].notna().any())]


def unit_names(rows: pd.DataFrame) -> pd.Series[Any]:
    """Return a name for each row's unit, equal where and only where two rows are about the same."""
    names = pd.Series("", index=rows.index, dtype="string")
    for name in UNIT:
        if name in rows:
            names = names.str.cat(rows[name].astype("string").fillna(""), sep="\x1f")
    return names.astype(object)


def is_ok(rows: pd.DataFrame) -> pd.Series[bool]:
    """Tell which rows the rater gave, rather than failed to give."""
    if "status" not in rows:
        return pd.Series(True, index=rows.index)
    return rows["status"].isna() | (rows["status"] == "ok")


def is_valued(rows: pd.DataFrame) -> pd.Series[bool]:
    """Tell which rows have a verdict that is a number."""
    return is_ok(rows) & rows["value"].notna()


def is_first(rows: pd.DataFrame) -> pd.Series[bool]:
    """Tell which rows are a rater's first rating of their unit: those that agreement between raters looks at."""
    if "repetition" not in rows:
        return pd.Series(True, index=rows.index)
    return (rows["repetition"].isna() | (rows["repetition"] == 0)).astype(bool)


def has_flag(rows: pd.DataFrame, flag: Flag) -> pd.Series[bool]:
    """Tell which rows carry a flag."""
    if "flags" not in rows:
        return pd.Series(False, index=rows.index)
    lists = rows["flags"].to_numpy()
    found = (flags is not None and len(flags) > 0 and flag in list(flags) for flags in lists)
    return pd.Series(np.fromiter(found, bool, len(rows)), rows.index)


def is_person(rows: pd.DataFrame) -> pd.Series[bool]:
    """Tell which rows a person gave; a mean over people is no person."""
    kind = rows["rater_kind"].isna() | (rows["rater_kind"] == "human") if "rater_kind" in rows else True
    return ~has_flag(rows, "aggregate") & kind


def is_ai(rows: pd.DataFrame) -> pd.Series[bool]:
    """Tell which rows are AI feedback."""
    return rows["rater_kind"].isin(AI_KINDS) if "rater_kind" in rows else pd.Series(False, index=rows.index)


def practised(responses: pd.DataFrame, ratings: pd.DataFrame, gold: str) -> pd.Series[bool]:
    """Tell which responses of a run with rounds were made for practice: they selected training data, no more.

    What the gold rater rated outside of training measures something; a series that keeps everything practises on items
    of the same tasks that no rater has seen. Where gold has rated nothing, only what a rater chose is known.
    """
    selecting = has_flag(ratings, "selection_item")
    measured = ratings[(ratings["rater"] == gold) & ~selecting]
    practice = _places(responses).isin(_places(ratings[selecting]))
    if len(measured):
        practice = ~_places(responses).isin(_places(measured)) & responses["task"].isin(measured["task"].unique())
    return responses["series"].notna() & practice


def is_explored(task: str, tasks: Container[str]) -> bool:
    """Tell whether a task is another one's items again, with several answers drawn to each."""
    return task.endswith(EXPLORED) and task.removesuffix(EXPLORED) in tasks


def _places(rows: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(rows[["task", "item_id"]])


def kinds_of(rows: pd.DataFrame) -> dict[str, str]:
    """Return each rater's kind, by name; `aggregate` where it is a mean over people."""
    one = rows.drop_duplicates("rater")
    kinds = one["rater_kind"].astype(object) if "rater_kind" in rows else pd.Series(None, one.index, dtype=object)
    named = dict(zip(one["rater"].map(str), kinds.where(kinds.notna(), "human").map(str), strict=True))
    return dict(sorted((named | dict.fromkeys(aggregates(rows), "aggregate")).items()))


def aggregates(rows: pd.DataFrame) -> frozenset[str]:
    """Return the raters that are means over people."""
    return frozenset(map(str, rows.loc[has_flag(rows, "aggregate"), "rater"].unique()))


def people_and_ai(kinds: Mapping[str, str], raters: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return who of some raters is a person, and who an AI, in their order; who has no kind is a person."""
    of = [(rater, kinds.get(rater, "human")) for rater in raters]
    return [rater for rater, kind in of if kind == "human"], [rater for rater, kind in of if kind in AI_KINDS]


def other_side(value: Any) -> Any:
    """Return a preference (or a column of them) as told from the other side; None stays None."""
    return None if value is None else 1 - value


def turned(
    rows: pd.DataFrame, where: pd.Series[bool], sides: Sequence[tuple[str, str]] = SIDES, value: str = "value"
) -> pd.DataFrame:
    """Return comparisons, some of them told from the other side: sides exchanged, value and order turned."""
    changed: dict[str, Any] = {}
    for one, other in sides:
        if {one, other} <= set(rows.columns):
            mine, theirs = rows[one], rows[other]
            changed |= {one: mine.where(~where, theirs), other: theirs.where(~where, mine)}
    if value in rows:
        changed[value] = rows[value].where(~where, other_side(rows[value]))
    if "order" in rows:
        changed["order"] = rows["order"].where(~where, rows["order"].map(OTHER_ORDER))
    if "label" in rows:  # a word for the side that won is no longer true
        changed["label"] = rows["label"].where(~where, None)
    return rows.assign(**changed)


def points_back(rows: pd.DataFrame) -> pd.Series[bool]:
    """Tell which comparisons are told from the larger id: turned, two raters of one pair rate the same unit."""
    if not {"response_id", "against_id"} <= set(rows.columns):
        return pd.Series(False, index=rows.index)
    both = rows["response_id"].notna() & rows["against_id"].notna()
    response, against = (rows[side].astype("string").fillna("") for side in ("response_id", "against_id"))
    return both & (against < response).astype(bool)


def one_direction(rows: pd.DataFrame) -> pd.DataFrame:
    """Turn comparisons so that the smaller id is the response: (a against b) and (b against a) are one unit."""
    back = points_back(rows)
    return turned(rows, back) if back.any() else rows


def settled(rows: pd.DataFrame) -> pd.DataFrame:
    """Drop the verdicts of single orders where the rater said, in a rating of no order, what counts of both.

    A rating of no order without a value drops them too: the rater says that they count for nothing.
    """
    if not {"against_id", "order"} <= set(rows.columns):
        return rows
    compared, ordered = rows["against_id"].notna(), rows["order"].notna()
    if not ordered.any() or not (compared & ~ordered).any():
        return rows
    cell = [name for name in (*UNIT, "rater", "criterion", "repetition", "rater_version") if name in rows]
    whole = (compared & ~ordered).groupby([rows[name] for name in cell], dropna=False, observed=True)
    return rows[~(ordered & whole.transform("any"))]


def one_verdict(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row a rater and pair of answers: what the rater settled on, else the mean of its readable verdicts.

    Rows that compare nothing stay as they are.
    """
    if "against_id" not in rows or rows["against_id"].isna().all():
        return rows
    turned_rows = one_direction(settled(rows))
    cell = [name for name in (*UNIT, "rater", "criterion", "repetition") if name in rows]
    mean = turned_rows.groupby(cell, sort=False, observed=True, dropna=False)["value"].transform("mean")
    compares = turned_rows["against_id"].notna()
    found = turned_rows.assign(value=mean.where(compares, turned_rows["value"]))
    if "label" in found:
        found["label"] = found["label"].where(~compares, None)
    return found[~(compares & found.duplicated(cell))]
