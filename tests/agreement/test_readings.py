"""What is read of ratings before anything is computed: levels, kinds, repetitions, wide frames; what is cautioned."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.agreement import agree
from harness.errors import HarnessError


def long(grid, criterion="rating", raters=None):
    """One row a rating, from a table with items as rows and raters as columns."""
    rows = [
        (f"i{i}", raters[j] if raters else f"r{j}", criterion, value)
        for i, row in enumerate(grid)
        for j, value in enumerate(row)
    ]
    return pd.DataFrame(rows, columns=["item_id", "rater", "criterion", "value"])


def grades(seed=0, items=40, raters=3, low=1, high=5):
    return np.random.default_rng(seed).integers(low, high + 1, (items, raters))


def codes(found):
    return [warning["code"] for warning in found.warnings]


def test_each_criterion_has_the_level_that_fits_it():
    """Grades of 1 to 5, words, and verdicts of 0 and 1 in one file, as a CSV column of words has them."""
    words = np.array(["x", "y", "z"])[grades(1, high=2)]
    parts = [long(grades(), "grade"), long(words, "topic"), long(grades(2, low=0, high=1), "passed")]
    found = agree(pd.concat(parts, ignore_index=True).astype({"value": str}), resamples=0)
    assert {table.criterion: table.level for table in found.tables} == {
        "grade": "ordinal",
        "topic": "nominal",
        "passed": "nominal",
    }
    alone = agree(parts[0], resamples=0).tables[0]
    assert found.tables[0].coefficients["alpha"] == alone.coefficients["alpha"]


def test_names_of_grades_do_not_make_them_labels_where_the_scale_is_ordinal():
    named = long(grades()).assign(scale="ordinal")
    named["label"] = named["value"].map({1: "poor", 2: "weak", 3: "fair", 4: "good", 5: "great"})
    found = agree(named, resamples=0).tables[0]
    assert found.level == "ordinal"
    assert (
        found.coefficients["alpha"]
        == agree(long(grades()), level="ordinal", resamples=0).tables[0].coefficients["alpha"]
    )


def test_words_among_numbers_are_pointed_out():
    rows = long(grades()).astype({"value": object})
    rows.loc[3, "value"] = "n/a"  # no value, as in a file: one rule for every reader
    assert agree(rows, resamples=0).tables[0].n_ratings == len(rows) - 1
    rows.loc[3, "value"] = "ask Bob"
    found = agree(rows, resamples=0)
    (warning,) = (one for one in found.warnings if one["code"] == "words_among_numbers")
    assert warning["n"] == 1
    assert "'ask Bob'" in warning["message"]
    rows.loc[3, "value"] = "3"  # a number that came as a word is that number
    assert agree(rows, resamples=0).tables[0].level == "ordinal"


def test_a_second_opinion_under_the_same_number_is_none_the_less_one():
    """r0 rates 10 items again and differs on all: of its 10 items rated twice none is the same."""
    rows = long([[1, 1], [2, 2]] * 20)
    again = rows[rows["rater"] == "r0"][:10].assign(value=lambda one: 3 - one["value"])
    for repetition in ({}, {"repetition": 0}):
        found = agree(pd.concat([rows, again], ignore_index=True).assign(**repetition), resamples=0)
        (row,) = found.self_agreement
        assert (row["rater"], row["n"], row["n_differing"]) == ("r0", 10, 10)
        assert "self_agreement" in codes(found)
    numbered = pd.concat([rows.assign(rater=1), again.assign(rater=1)], ignore_index=True)
    assert agree(numbered, resamples=0).self_agreement[0]["rater"] == "1"  # names may be numbers


def test_who_has_no_kind_is_a_person():
    rows = long(grades()).assign(rater_kind=lambda one: one["rater"].map({"r0": "human", "r1": "judge"}))
    assert [row["rater"] for row in agree(rows, stand_in=True, resamples=0).to_json()["stand_in"]] == ["r1"]
    assert agree(rows.assign(rater_kind=None), resamples=0).tables[0].raters == ["r0", "r1", "r2"]


def test_a_wide_frame_takes_clusters_and_raters_and_says_what_it_cannot():
    wide = pd.DataFrame(grades(), columns=list("abc"))
    known = agree(wide, resamples=0).tables[0]
    found = agree(wide.assign(doc=np.arange(40) // 4), cluster="doc", resamples=200)
    assert found.tables[0].coefficients["alpha"].value == known.coefficients["alpha"].value
    assert found.tables[0].raters == ["a", "b", "c"]
    assert agree(wide, raters=["a", "b"], resamples=0).tables[0].raters == ["a", "b"]
    with pytest.raises(HarnessError, match="no kinds of raters"):
        agree(wide, kind="human")
    with pytest.raises(HarnessError, match="'b' has negative values"):
        agree(wide.assign(b=-1), raters=["a", "b", "c"], level="ratio")
    assert "left aside: b (its values are unlike the others')" in agree(wide.assign(b=-1)).read[-1]
    with pytest.raises(HarnessError, match="infinite"):
        agree(wide.assign(b=np.inf), raters=["a", "b", "c"])
    found = agree(wide.assign(note="fine"), resamples=0)  # no rater, as in a file
    assert found.tables[0].raters == ["a", "b", "c"]
    assert "left aside: note" in found.read[-1]
    with pytest.raises(HarnessError, match="'a' stands twice"):
        agree(pd.concat([wide, wide[["a"]]], axis=1))
    with pytest.raises(HarnessError, match="empty"):
        agree(pd.DataFrame())


@pytest.mark.parametrize(
    "wide",
    [
        pd.DataFrame({"a": list("xyxx"), "b": list("xyyx")}),
        pd.DataFrame({"a": [1, 2, 1, 1], "b": [1, 2, 2, 1]}).astype("category"),
        pd.DataFrame({"a": [1, 2, 1, 1], "b": [1, 2, 2, 1], "c": [None] * 4}),
        pd.DataFrame({"a": [True, False, True, True], "b": [True, False, False, True]}),
    ],
)
def test_wide_frames_of_every_kind_of_column(wide):
    """Nominal alpha by hand: D_o = 2/8; values 5 and 3 of 8: D_e = 2 * 5 * 3 / (8 * 7); 1 - .25 / (30 / 56) = 8/15."""
    found = agree(wide, resamples=0).tables[0]
    assert found.level == "nominal"
    assert found.coefficients["alpha"].value == pytest.approx(8 / 15)


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ({"interval": "bcaa"}, "no interval 'bcaa'. Did you mean 'bca'"),
        ({"alignment": "foo"}, "no alignment 'foo'"),
        ({"epsilon": -3}, "epsilon is -3"),
        ({"resamples": -5}, "resamples is -5"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_words_and_numbers_that_mean_nothing_are_refused(option, complaint):
    with pytest.raises(HarnessError, match=complaint):
        agree(long(grades()), **option)


def test_another_scale_is_pointed_out_and_a_lenient_rater_is_not():
    five, two = grades(1, 60, 1), grades(2, 60, 1, 0, 1)
    assert "scales_differ" in codes(agree(long(np.hstack([five, two])), level="ordinal", resamples=0))
    ten = grades(3, 60, 1, 1, 10)
    assert "scales_differ" in codes(agree(long(np.hstack([five, ten])), level="ordinal", resamples=0))
    lenient = np.hstack([grades(1, 60, 2), grades(4, 60, 1, 4, 5)])
    assert "scales_differ" not in codes(agree(long(lenient), level="ordinal", resamples=0))
    assert "scales_differ" not in codes(agree(long(lenient[:, 1:]), level="ordinal", resamples=0))
    steady = np.hstack([two, 0 * two])
    assert "scales_differ" not in codes(agree(long(steady), resamples=0))
    pooled = pd.concat([long(grades(1, 60), "grade"), long(grades(2, 60, low=0, high=1), "passed")], ignore_index=True)
    assert "scales_differ" in codes(agree(pooled, level="interval", pool=True, resamples=0))


def test_pass_and_fail_the_wrong_way_round_are_pointed_out():
    passed = grades(0, 60, 1, 0, 1)
    assert "reversed_rater" in codes(agree(long(np.hstack([passed, 1 - passed])), resamples=0))
    words = np.array(["no", "yes"])[np.hstack([passed, 1 - passed])]
    assert "reversed_rater" in codes(agree(long(words), resamples=0))


def test_the_last_of_forty_raters_may_be_the_copy():
    grid = grades(0, 60, 40)
    grid[:, 39] = grid[:, 38]
    found = agree(long(grid), level="ordinal", resamples=0)
    assert [one["raters"] for one in found.warnings if one["code"] == "identical_raters"] == [["r38", "r39"]]


@pytest.mark.parametrize(
    ("n", "last", "named"), [(9, 1, []), (10, 1, [["r0", "r1"]]), (10, 0, []), (30, 0, [])], ids=str
)
def test_raters_are_named_who_are_equal_on_ten_items_of_two_values(n, last, named):
    """Two of three raters say the same of all; where all items are of one value, that says nothing."""
    equal = np.zeros(n)
    equal[-1] = last
    grid = np.column_stack([equal, equal, np.arange(n) % 2])
    found = agree(long(grid), resamples=0)
    assert [one["raters"] for one in found.warnings if one["code"] == "identical_raters"] == named


def test_responses_to_one_item_are_resampled_together():
    """Twenty responses to each of 15 items, whose quality is the item's: items are what was sampled."""
    rng = np.random.default_rng(0)
    quality = np.repeat(rng.integers(1, 5, 15), 20)
    grid = np.stack([quality + rng.integers(0, 2, 300) for _ in range(2)], axis=1)
    rows = long(grid).assign(response_id=lambda one: one["item_id"])
    rows["item_id"] = rows["response_id"].str[1:].astype(int) // 20
    found = agree(rows, level="ordinal")
    named = agree(rows.assign(prompt=rows["item_id"]), level="ordinal", cluster="prompt")
    assert found.tables[0].coefficients == named.tables[0].coefficients
    apart = agree(rows.assign(item_id=rows["response_id"]).drop(columns="response_id"), level="ordinal")
    wide, narrow = (one.tables[0].coefficients["alpha"] for one in (found, apart))
    assert wide.high - wide.low > 1.3 * (narrow.high - narrow.low)


def test_one_criterion_without_an_ai_does_not_keep_the_others_from_an_answer():
    rows = pd.concat([long(grades(), "a"), long(grades(), "b")], ignore_index=True)
    rows["rater_kind"] = rows["rater"].map({"r0": "human", "r1": "human", "r2": "judge"})
    found = agree(rows[(rows["criterion"] == "a") | (rows["rater"] != "r2")], stand_in=True, resamples=0)
    assert [one.criterion for one in found.stand_in] == ["a"]
    assert [one["criterion"] for one in found.warnings if one["code"] == "too_few_raters"] == ["b"]


def test_labels_that_are_numbers_err_like_labels():
    """The numbers of labels say nothing: 0, 1, 2 and 0, 9, 1 and words must share the same errors."""
    grid = grades(5, 60, 4, 0, 2)
    found = []
    for names in ([0, 1, 2], [0, 9, 1], ["a", "b", "c"]):
        rows = long(np.array(names)[grid])
        rows["rater_kind"] = rows["rater"].map({"r3": "judge"}).fillna("human")
        (one,) = agree(rows, level="nominal", stand_in=True, resamples=0).raters
        assert isinstance(one["severity"], str)
        found.append([pair["value"] for pair in one["error_correlation"]])
    assert found[0] == found[1] == found[2]


def test_reasons_say_what_was_in_the_way():
    one_item = agree(long([[1, 2], [2, np.nan]]), level="ordinal", coefficients=["pairwise_accuracy"], resamples=0)
    named = one_item.tables[0].coefficients
    assert {named[name].reason for name in ("pairwise_accuracy",)} == {"too_few_items"}
    fractions = np.random.default_rng(0).normal(size=(40, 3))
    found = agree(long(fractions), level="interval", coefficients=["ac1", "fleiss_kappa"], resamples=0)
    assert {found.tables[0].coefficients[name].reason for name in ("ac1", "fleiss_kappa")} == {"too_many_values"}
    rest = found.rest[found.rest["coefficient"] == "percent_agreement"]
    assert set(rest["reason"]) == {"too_many_values"}
    words = long([["a", "b", "a"], ["b", "b", "b"]] * 20).assign(rater_kind=["human", "human", "judge"] * 40)
    (row,) = agree(words, correct=True, resamples=0).corrected
    assert (row["value"], row["reason"]) == (None, "not_numbers")


def test_one_far_value_does_not_drown_a_pair_that_has_none():
    """A typo of r2 leaves the correlation of r0 and r1 as it is, and the mean over pairs defined."""
    grid = grades(7, 60, 3).astype(float)
    grid[0, 2] = 1e9
    found = agree(long(grid), level="interval", coefficients=["pearson"], resamples=0)
    pairs = np.corrcoef(grid.T)[np.triu_indices(3, 1)]
    assert found.tables[0].coefficients["pearson"].value == pytest.approx(pairs.mean(), abs=1e-9)


def test_ratio_alpha_of_large_amounts():
    """Distances of 1 in 10^12 are small, not none: alpha compares them with each other."""
    grid = 1e12 + grades(8, 40, 2)
    found = agree(long(grid), level="ratio", resamples=0).tables[0].coefficients["alpha"]
    close = agree(long(grid - 1e12), level="interval", resamples=0).tables[0].coefficients["alpha"]
    assert found.value == pytest.approx(close.value, abs=1e-6)


def test_without_resamples_json_says_so():
    table = agree(long(grades()), resamples=0).to_json()["tables"][0]
    assert (table["alpha"]["low"], table["alpha"]["reason"]) == (None, "no_resamples")
