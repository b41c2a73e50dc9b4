"""Sets, rankings and declared scales: values by hand, and the `krippendorff` package with the same distance."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.agreement import agree
from harness.agreement.coefficients.alpha import compare_alpha
from harness.agreement.coefficients.lists import jaccard, kemeny, masi, tau
from harness.errors import HarnessError

OPTIONS = st.frozensets(st.sampled_from("abcd"))


def of_sets(*pairs):
    rows = [
        (item, rater, json.dumps(sorted(one)))
        for item, pair in enumerate(pairs)
        for rater, one in zip("xyz"[: len(pair)], pair, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=["item_id", "rater", "label"])
    return frame.assign(value=np.nan, scale="set")


def test_distances_of_sets_by_hand():
    a, ab, bc = frozenset("a"), frozenset("ab"), frozenset("bc")
    assert (jaccard(a, ab), masi(a, ab)) == (0.5, pytest.approx(1 - 0.5 * 2 / 3))
    assert (jaccard(ab, bc), masi(ab, bc)) == (pytest.approx(2 / 3), pytest.approx(1 - 1 / 9))
    assert (masi(frozenset(), frozenset()), masi(frozenset(), a), masi(a, frozenset("c"))) == (0, 1, 1)


@given(OPTIONS, OPTIONS)
def test_distances_of_sets_are_symmetric_and_at_most_one(a, b):
    assert masi(a, b) == masi(b, a)
    assert 0 <= jaccard(a, b) <= masi(a, b) <= 1
    assert (masi(a, b) == 0) == (a == b)


def test_sets_of_two_raters_by_hand():
    """Items {a}{a,b}, {b}{b}, {c}{c}: one of three pairs differs, by MASI 2/3; Jaccard similarity 1/2, 1, 1."""
    found = agree(of_sets(("a", "ab"), ("b", "b"), ("c", "c")), resamples=0).tables[0]
    assert found.level == "set"
    values = {name: one.value for name, one in found.coefficients.items()}
    assert values["percent_agreement"] == pytest.approx(2 / 3)
    assert values["overlap"] == pytest.approx(2.5 / 3)
    # six values a, ab, b, b, c, c: of 15 pairs b-b and c-c are equal, a-ab and each b-ab 2/3 apart, ten 1 apart
    expected = (3 * 2 / 3 + 10) / 15
    assert values["alpha"] == pytest.approx(1 - (2 / 3 / 3) / expected)


@given(st.lists(st.tuples(OPTIONS, OPTIONS, OPTIONS), min_size=3, max_size=12))
def test_alpha_of_sets_is_the_packages_with_the_same_distance(triples):
    found = agree(of_sets(*triples), resamples=0)
    assert compare_alpha(found.units[0], "set")["cross_check"] in ("full", "skipped")


def test_rankings_by_hand():
    """a < b < c against b < a < c: one of three pairs in the other order; against a = b < c: one tied."""
    straight, turned, tied = ({"a": 1, "b": 2, "c": 3}, {"b": 1, "a": 2, "c": 3}, {"a": 1, "b": 1, "c": 3})
    assert (kemeny(straight, turned), kemeny(straight, tied)) == (pytest.approx(1 / 3), pytest.approx(1 / 6))
    assert (tau(straight, turned), tau(straight, tied)) == (pytest.approx(1 / 3), pytest.approx(2 / np.sqrt(6)))
    rows = [(item, rater, json.dumps(one)) for item, pair in enumerate([(straight, turned), (straight, straight)])
            for rater, one in zip("xy", pair, strict=True)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["item_id", "rater", "label"]).assign(value=np.nan, scale="ranking")
    values = {name: one.value for name, one in agree(frame, resamples=0).tables[0].coefficients.items()}
    assert values["percent_agreement"] == 0.5
    assert values["rank_tau"] == pytest.approx((1 / 3 + 1) / 2)
    # W of the first item: sums of ranks 3, 3, 6 about 4 have S = 6; W = 12 * 6 / (4 * 24) = .75; the second has 1
    assert values["rank_w"] == pytest.approx((0.75 + 1) / 2)


WORDS = ["poor", "fair", "good", "excellent"]


def likert():
    rows = [(i, r, w) for i, pair in enumerate([("poor", "fair"), ("good", "good"), ("poor", "poor"), ("fair", "good")])
            for r, w in zip("ab", pair, strict=True)]  # fmt: skip
    return pd.DataFrame(rows, columns=["item_id", "rater", "label"]).assign(value=np.nan)


def test_words_in_a_declared_order_are_grades():
    named = agree(likert(), categories=WORDS, resamples=0).tables[0]
    graded = likert().assign(value=likert()["label"].map({word: n for n, word in enumerate(WORDS)}), label=None)
    asked = agree(graded, level="ordinal", resamples=0).tables[0]
    assert named.level == "ordinal"
    assert named.coefficients["alpha"].value == asked.coefficients["alpha"].value
    ordered = likert()
    ordered["value"] = pd.Categorical(ordered["label"], WORDS, ordered=True)
    by_dtype = agree(ordered.drop(columns="label"), resamples=0).tables[0]
    assert (by_dtype.level, by_dtype.coefficients["alpha"].value) == ("ordinal", named.coefficients["alpha"].value)
    with pytest.raises(HarnessError, match="'poor' is none of the categories of rating"):
        agree(likert(), categories=["fair", "good", "excellent"])


def test_chance_goes_over_the_declared_scale_and_a_pair_over_that_of_its_table():
    """AC1 by hand: 19 of 20 agree on 1, of the grades 1 to 5: p_e = sum pi (1 - pi) / 4."""
    rows = [(i, r, 2 if (i, r) == (0, "a") else 1) for i in range(20) for r in "ab"]
    frame = pd.DataFrame(rows, columns=["item_id", "rater", "value"])
    pe = 2 * (1 / 40) * (39 / 40) / 4
    options = {"coefficients": ["ac1", "brennan_prediger"], "level": "ordinal", "resamples": 0}
    table = agree(frame, score_range=(1, 5), **options).tables[0].coefficients
    assert table["ac1"].value == pytest.approx((0.95 - pe) / (1 - pe))
    assert table["brennan_prediger"].value == pytest.approx((0.95 - 0.2) / 0.8)
    third = pd.DataFrame({"item_id": range(20), "rater": "c", "value": [1, 2, 3, 4, 5] * 4})
    pair = agree(pd.concat([frame, third]), **options).matrix
    ac1 = pair[(pair["rater_a"] == "a") & (pair["rater_b"] == "b") & (pair["coefficient"] == "ac1")]["value"]
    assert ac1.tolist() == [pytest.approx((0.95 - pe) / (1 - pe))]
    with pytest.raises(HarnessError, match="5 for rating is outside of the range 1 to 4"):
        agree(third, score_range=(1, 4))


def test_a_level_a_criterion():
    frame = pd.concat([likert().assign(criterion="word"), pd.DataFrame(
        {"item_id": [0, 0, 1, 1], "rater": list("abab"), "value": [1, 2, 3, 3], "criterion": "grade"})])  # fmt: skip
    found = agree(frame, level={"grade": "interval"}, resamples=0)
    assert {table.criterion: table.level for table in found.tables} == {"grade": "interval", "word": "nominal"}
    with pytest.raises(HarnessError, match="no criterion 'grad'"):
        agree(frame, level={"grad": "interval"})


def test_two_orders_of_a_comparison_are_one_verdict():
    """The first rater says 1 and 0 in the two orders: its verdict is .5, as in a run; nothing is a duplicate."""
    rows = [
        ("i", "a", "b", "ann", 1.0, "response_first"),
        ("i", "a", "b", "ann", 0.0, "against_first"),
        ("i", "b", "a", "bob", 0.5, "response_first"),
        ("j", "a", "b", "ann", 1.0, "response_first"),
        ("j", "a", "b", "bob", 1.0, "response_first"),
    ]
    names = ["item_id", "response_id", "against_id", "rater", "value", "order"]
    found = agree(pd.DataFrame(rows, columns=names), level="ordinal", resamples=0)
    assert (found.tables[0].n_items, found.tables[0].n_ratings) == (2, 4)
    assert found.tables[0].coefficients["alpha"].value == 1.0
    assert not {"duplicates", "self_agreement"} & {note["code"] for note in found.warnings}
