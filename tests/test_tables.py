"""The rules of rows: each has one home, `harness.run.tables`, and every room uses it."""

from __future__ import annotations

import ast
from pathlib import Path

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import harness
from harness import run

PACKAGE = Path(harness.__file__).parent


def comparisons(*rows: tuple[str, str, float, str | None]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["response_id", "against_id", "value", "order"])
    return frame.assign(task="t", item_id="i", rater="j", criterion="pref", repetition=0, status="ok")


def test_what_a_frame_does_not_say():
    rows = pd.DataFrame({"rater": ["p", "q"], "value": [1.0, None]})
    assert run.is_ok(rows).all()
    assert run.is_first(rows).all()
    assert run.is_person(rows).all()
    assert run.is_valued(rows).tolist() == [True, False]
    assert not run.is_ai(rows).any()
    assert not run.has_flag(rows, "aggregate").any()
    assert run.kinds_of(rows) == {"p": "human", "q": "human"}


def test_who_is_a_person_and_who_an_ai():
    rows = pd.DataFrame(
        {
            "rater": ["ann", "mean", "mean", "gpt", "rm", "key", "bob"],
            "rater_kind": ["human", "human", "human", "judge", "reward_model", "verifier", None],
            "flags": [[], ["aggregate"], [], [], None, [], []],
        }
    )
    kinds = run.kinds_of(rows)
    assert kinds["mean"] == "aggregate"
    assert run.people_and_ai(kinds, kinds) == (["ann", "bob"], ["gpt", "rm"])
    assert run.is_person(rows).tolist() == [True, False, True, False, False, False, True]
    assert run.is_ai(rows).tolist() == [False, False, False, True, True, False, False]


def test_a_unit_is_an_answer_or_two():
    rows = pd.DataFrame({"item_id": ["1", "1", "1"], "response_id": ["a", "a", None], "against_id": ["b", None, "b"]})
    assert run.unit_columns(rows) == ["item_id", "response_id", "against_id"]
    assert run.unit_columns(rows.assign(against_id=None)) == ["item_id", "response_id"]
    assert run.unit_names(rows).nunique() == 3
    assert run.unit_names(rows.iloc[:0]).empty


def test_a_comparison_is_told_from_the_smaller_id():
    rows = comparisons(("b", "a", 0.25, "response_first"), ("a", "b", 0.25, "response_first"))
    rows = rows.assign(model=["B", "A"], against_model=["A", "B"], label=["b", "b"])
    told = run.one_direction(rows)
    assert told["response_id"].tolist() == ["a", "a"]
    assert told["value"].tolist() == [0.75, 0.25]
    assert told["order"].tolist() == ["against_first", "response_first"]
    assert told["model"].tolist() == ["A", "A"]
    assert told["label"].isna().tolist() == [True, False], "a word for a side is no longer true from the other"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc"), st.sampled_from([0.0, 0.5, 1.0]))))
def test_turning_twice_is_not_turning(pairs):
    rows = comparisons(*((a, b, value, "response_first") for a, b, value in pairs))
    everywhere = pd.Series(True, index=rows.index)
    assert_frame_equal(run.turned(run.turned(rows, everywhere), everywhere), rows, check_dtype=False)
    assert not run.points_back(run.one_direction(rows)).any()


def test_the_two_verdicts_of_a_pair_are_one():
    told = run.one_verdict(comparisons(("a", "b", 1.0, "response_first"), ("b", "a", 1.0, "response_first")))
    assert told["value"].tolist() == [0.5]  # a wins shown first, loses shown second: (1 + (1 - 1)) / 2
    unread = comparisons(("a", "b", 1.0, "response_first"), ("a", "b", float("nan"), "against_first"))
    assert run.one_verdict(unread)["value"].tolist() == [1.0], "the mean of the readable ones"


def test_what_a_rater_settled_outranks_its_orders():
    rows = comparisons(("a", "b", 1.0, "response_first"), ("a", "b", 0.0, "against_first"), ("a", "b", 0.5, None))
    assert run.settled(rows)["order"].isna().all()
    silent = rows.assign(value=[1.0, 0.0, float("nan")])
    assert run.one_verdict(silent)["value"].isna().all(), "the rater says that they count for nothing"


def test_the_rules_have_one_home():
    """No other module lists the columns of a unit, the kinds that are AI, or turns an order round."""

    whole = {("task", "item_id", "response_id", "against_id"), ("judge", "reward_model")}
    found = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.List | ast.Tuple | ast.Set):
                words = tuple(entry.value for entry in node.elts if isinstance(entry, ast.Constant))
                if words in whole:
                    found.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert all(place.startswith("run/tables.py") for place in found), found


def test_one_weight_of_a_proxy():
    """Rounds weigh gains, agreement a mean; of one column it is the same weight."""
    import numpy as np

    from harness.statistics import ppi_weight, proxy_weight

    rng = np.random.default_rng(5)
    y, f, others = rng.random(30), rng.random(30), rng.random(200)
    f = f + y
    assert proxy_weight(y[:, None], f[:, None], others[:, None]) == ppi_weight(y, f, others) > 0.1
