"""What was rated: the columns that, with the item, tell several answers to it apart.

Where one rater rated one item several times, either it was rated again, and the first rating counts, or the table names
which answer was rated: a model, a turn, a sentence. Such a column says the same whoever rated, and a rating again does
not: it has a time or a round.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from harness.rating.files.table import Table

ANSWERS = (
    "model", "system", "model_id", "system_id", "model_name", "system_name", "turn", "sample", "engine", "llm",
    "checkpoint", "variant", "condition", "candidate", "source_model", "temperature", "prompt_version", "response_id",
    "generation_id", "output_id", "completion_id", "answer_id", "sentence_id", "segment_id", "seg_id", "sent_id",
    "turn_id", "span_id", "start", "end", "begin", "response", "answer", "completion", "output", "generation",
    "dataset", "language", "lang",
)  # fmt: skip
"""Columns that, with the item, say which answer was rated."""
AGAIN = re.compile(
    r"(?i)((.*_)?(time|date|timestamp|latency|seconds|duration|at|comments?|notes?|rationale|reason|explanation|"
    r"confidence|feedback)|round|trial|attempt|pass|phase|wave|visit|session|repeat|replicate|repetition|iteration|take|batch|"
    r"revision|version|edit|edited|status|state|(is|was)_.*|latest|deleted|cancelled|skipped|"
    r"row|index|unnamed: \d+|index_level_\d+|order|position|.*(annotation|rating|submission|assignment|event)_?id)"
)
"""Columns that tell a rating from the same rater's next."""
CROSSED = 0.8
"""So large a share of the ratings that meet others of their item must meet them at the same answer."""


def codes_of(table: Table, names: Sequence[str]) -> pd.Series[int]:
    """Return what several columns say together, as codes; each row its own where there are none."""
    if not names:
        return pd.Series(range(len(table)))
    codes = [table.words(name).cat.codes.to_numpy() for name in names]
    if len(codes) == 1:
        return pd.Series(codes[0])
    return pd.DataFrame(dict(enumerate(codes))).groupby(list(range(len(codes))), sort=False, dropna=False).ngroup()


def item_names(table: Table, names: Sequence[str]) -> pd.Series[Any]:
    """Return columns as one: what stands in them, joined."""
    parts = [table.words(name) for name in names]
    if not parts:
        rows = pd.Index([str(row) for row in range(1, len(table) + 1)], dtype=object)
        return pd.Series(pd.Categorical.from_codes(np.arange(len(table)), rows), index=table.index)
    if len(parts) == 1:
        return in_one_spelling(parts[0])
    frame = pd.DataFrame({place: part.cat.codes.to_numpy() for place, part in enumerate(parts)})
    grouped = frame.groupby(list(frame), sort=False)
    codes = np.where((frame < 0).any(axis=1), -1, grouped.ngroup())
    firsts = frame.drop_duplicates()
    firsts = firsts[(firsts >= 0).all(axis=1)]
    order = pd.unique(codes[codes >= 0])
    names_of = [
        "|".join(str(part.cat.categories[code]) for part, code in zip(parts, row, strict=True))
        for row in firsts.itertuples(index=False, name=None)
    ]
    place = np.full(int(codes.max(initial=0)) + 1, -1)
    place[order] = np.arange(len(order))
    return pd.Series(
        pd.Categorical.from_codes(np.where(codes >= 0, place[codes], -1), pd.Index(names_of, dtype=object)),
        index=table.index,
    )


def in_one_spelling(names: pd.Series[Any]) -> pd.Series[Any]:
    """Return items' names with `3` for `3.0` where both are written: to pandas, numbers with gaps are fractions."""
    words = [str(word) for word in names.cat.categories]
    whole = [word.removesuffix(".0") for word in words]
    if len({*whole}) == len(words) or not all(word.isdigit() for word in whole):
        return names
    codes = names.cat.codes.to_numpy()
    told = [whole[code] if code >= 0 else None for code in codes]
    return pd.Series(pd.Categorical(told), index=names.index, name=names.name)


def answer_columns(
    table: Table, unit: Sequence[str], rater: str | None, apart: Sequence[str], rest: Sequence[tuple[str, str]]
) -> list[str]:
    """Return the columns that tell the answers to one item apart.

    Args:
        table: The table.
        unit: The columns of the item.
        rater: The column of the rater; None where raters are columns.
        apart: Further columns by which ratings of one item differ: the criterion, the repetition.
        rest: The other columns, each with its name in one spelling.
    """
    if not rest:
        return []
    known = [name for name, plain in rest if plain in ANSWERS[:NAMED] and _tells_apart(table, unit, rater, name)]
    by = [*unit, *known]
    others = [(name, plain) for name, plain in rest if name not in known and not AGAIN.fullmatch(plain)]
    if rater is None:
        others = [(name, plain) for name, plain in others if plain in ANSWERS or plain.endswith("id")]
    again = _again(table, [*by, *apart, *([rater] if rater else [])]) if unit and others else 0
    if not again:
        return known
    for name, _ in sorted(others, key=lambda one: ANSWERS.index(one[1]) if one[1] in ANSWERS else len(ANSWERS)):
        column = table.column(name)
        if column.isna().any() or (rater and not _crosses(table, by, name, rater)):
            continue
        left = _again(table, [*by, name, *apart, *([rater] if rater else [])])
        if left < again:
            known, by, again = [*known, name], [*by, name], left
        if not again:
            break
    return known


NAMED = 8
"""The first of `ANSWERS` belong to the answer wherever they tell several apart."""


def _again(table: Table, names: Sequence[str]) -> int:
    """Return how many rows say of some columns what an earlier one said."""
    if not names:
        return 0
    whole = np.zeros(len(table), dtype=np.int64)
    for name in names:
        codes = table.words(name).cat.codes.to_numpy()
        whole = whole * (int(codes.max(initial=-1)) + 2) + codes + 1
        if whole.max(initial=0) > DENSE * len(whole) + DENSE:
            whole = pd.factorize(whole)[0]
    return len(whole) - int(np.count_nonzero(np.bincount(whole)))


DENSE = 16
"""Codes of up to so many times the rows are counted as they are."""


def _crosses(table: Table, by: Sequence[str], name: str, rater: str) -> bool:
    """Return whether raters who meet at an item meet at the same values of a column."""
    who = table.words(rater).cat.codes.to_numpy()

    def met(unit: Any) -> Any:
        pairs = pd.DataFrame({"unit": unit, "who": who})
        return pairs.groupby("unit")["who"].transform("nunique").to_numpy() > 1

    before = met(codes_of(table, by).to_numpy())
    after = met(codes_of(table, [*by, name]).to_numpy())
    return bool(before.any() and np.sum(after) >= CROSSED * np.sum(before))


def _tells_apart(table: Table, unit: Sequence[str], rater: str | None, name: str) -> bool:
    """Return whether a column tells several answers to one item apart, and not the raters of one."""
    answer = table.words(name).cat.codes.to_numpy()
    pairs = pd.DataFrame({"item": codes_of(table, unit), "answer": answer})
    if not pairs.drop_duplicates().duplicated("item").any():
        return False
    if rater is None:
        return True
    of_rater = pd.DataFrame({"rater": table.words(rater).cat.codes.to_numpy(), "answer": answer}).drop_duplicates()
    return bool(of_rater.duplicated("rater").any())


def may_be_rater(table: Table, unit: Sequence[str], names: Sequence[str]) -> str | None:
    """Return the column that tells apart the rows of each item, where items stand in several: it may say who rated."""
    if not unit or 2 * _again(table, unit) < len(table):
        return None
    few = [name for name in names if 1 < table.words(name).nunique() <= len(table) / SEEN]
    return next((name for name in few if not _again(table, [*unit, name])), None)


def of_raters(table: Table, rater: str, name: str) -> bool:
    """Return whether a column says something of the raters (their age, their trust): the same in all that one rated."""
    pairs = pd.DataFrame({one: table.words(one).cat.codes.to_numpy() for one in (rater, name)})
    rows, different = len(pairs), pairs.drop_duplicates()
    raters = pairs[rater].nunique()
    return 1 < raters == len(different) <= rows / SEEN and pairs[name].nunique() > 1


SEEN = 4
"""So many ratings a rater show that a column says something of the rater."""
