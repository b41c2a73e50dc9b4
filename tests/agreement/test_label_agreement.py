"""Label by label, who says what where another says what, and means by system: values by hand and by scipy."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from typer.testing import CliRunner

from harness.agreement import agree
from harness.cli import app
from harness.errors import HarnessError

SHEET = "item_id,ann,bob,dan\nq1,a,a,a\nq2,a,a,b\nq3,b,b,b\nq4,a,b,c\nq5,c,c,c\n"


@pytest.fixture
def sheet(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(SHEET)
    return path


def test_each_label_is_compared_for_itself_by_all_and_by_each_pair(sheet):
    rows = agree(sheet, resamples=0).by_label.set_index(["label", "rater_a", "rater_b"])
    every = rows.loc[("a", "", "")]
    assert (every["n"], every["given"]) == (5, 6)
    assert every["agreement"] == pytest.approx(8 / 12)  # 3, 2, 0, 1, 0 say it: sum c (c - 1) of sum c (m - 1)
    # said or not: pairs agree on 1, 1/3, 1, 1/3, 1 of the items, by chance on .4^2 + .6^2
    assert every["kappa"] == pytest.approx((11 / 15 - 0.52) / 0.48)
    pair = rows.loc[("b", "ann", "dan")]
    assert (pair["given"], pair["agreement"]) == (3, pytest.approx(2 / 3))
    assert pair["kappa"] == pytest.approx((0.8 - 0.56) / 0.44)  # by chance 1/5 x 2/5 + 4/5 x 3/5


def test_what_one_says_where_another_says_something_else(sheet):
    found = agree(sheet, resamples=0).confusions
    pair = found[(found["rater_a"] == "ann") & (found["rater_b"] == "bob")]
    assert pair[["value_a", "value_b", "n"]].to_numpy().tolist() == [
        ["a", "a", 2], ["a", "b", 1], ["b", "b", 1], ["c", "c", 1],
    ]  # fmt: skip


def test_of_sets_each_option_is_a_label():
    """Of two items x is ticked by both twice, y by ann alone, once: kappa of y is 0, of x there is none."""
    rows = [("i", "ann", ["x"]), ("i", "bob", ["x"]), ("j", "ann", ["x", "y"]), ("j", "bob", ["x"])]
    frame = pd.DataFrame(
        [{"item_id": i, "rater": r, "value": np.nan, "label": json.dumps(v), "scale": "set"} for i, r, v in rows]
    )
    found = agree(frame, resamples=0).by_label.set_index("label")
    assert found.loc["x", ["given", "agreement"]].tolist() == [4, 1]
    assert found.loc["x", "reason"] == "single_category"
    assert found.loc["y", ["given", "agreement", "kappa"]].tolist() == [1, 0, 0]


def test_both_are_files_in_the_form_that_the_name_says(sheet, tmp_path):
    table, records = tmp_path / "labels.csv.out", tmp_path / "confusion.json"
    asked = ["agree", str(sheet), "--by-label", str(table), "--confusion", str(records), "--resamples", "0"]
    shown = CliRunner().invoke(app, asked)
    assert shown.exit_code == 0, shown.exception
    found = agree(sheet, resamples=0)
    pd.testing.assert_frame_equal(
        pd.read_csv(table)[["label", "given", "agreement", "kappa"]],
        found.by_label[["label", "given", "agreement", "kappa"]],
        rtol=1e-5,
    )
    assert json.loads(records.read_text()) == found.confusions.to_dict("records")
    assert "each label  given  said again  kappa" in shown.stdout


def graded():
    rng = np.random.default_rng(0)
    items = rng.normal(3, 1, 40)
    return pd.DataFrame(
        [
            {
                "item_id": f"q{i}",
                "model": model,
                "rater": rater,
                "value": round(items[i] + lift + rng.normal(0, 0.5), 2),
            }
            for i in range(40)
            for model, lift in (("old", 0.0), ("new", 0.3))
            for rater in ("ann", "bob", "judge")
        ]
    ).assign(rater_kind=lambda rows: rows["rater"].map({"judge": "judge"}).fillna("human"))


def test_systems_are_compared_on_the_same_items():
    frame = graded()
    [found] = agree(frame, means="model", resamples=0).means
    people = frame[frame["rater_kind"] == "human"].groupby(["item_id", "model"])["value"].mean().unstack()
    best = found.rows[0]
    assert (best["rater"], best["group"], best["n"], best["n_ratings"]) == ("people", "new", 40, 80)
    assert best["value"] == pytest.approx(people["new"].mean())
    ends = stats.t.interval(0.95, 39, people["new"].mean(), people["new"].sem())
    assert (best["low"], best["high"]) == pytest.approx(ends)
    difference = found.differences[0]
    test = stats.ttest_rel(people["new"], people["old"])
    assert (difference["group_a"], difference["n"], difference["paired"]) == ("new", 40, True)
    assert difference["value"] == pytest.approx((people["new"] - people["old"]).mean())
    assert difference["p"] == pytest.approx(test.pvalue)
    assert (difference["low"], difference["high"]) == pytest.approx(tuple(test.confidence_interval()))
    assert {row["rater"] for row in found.rows} == {"people", "judge"}


def test_who_rated_one_system_alone_is_named_and_words_have_no_mean():
    frame = graded()
    [found] = agree(frame[(frame["rater"] != "bob") | (frame["model"] == "old")], means="model", resamples=0).means
    assert found.partly == ["bob"]
    words = frame.assign(label="good", value=np.nan, scale="nominal")
    assert agree(words, means="model", resamples=0).means[0].reason == "not_numbers"
    with pytest.raises(HarnessError, match="modell"):
        agree(frame, means="modell")


def test_systems_on_other_items_are_compared_unpaired():
    """Welch's standard error, on the pooled degrees of freedom of the items."""
    rng = np.random.default_rng(1)
    rows = [
        {"item_id": f"{system}{i}", "system": system, "rater": rater, "value": rng.normal(level)}
        for system, level in (("a", 0.0), ("b", 1.0))
        for i in range(30)
        for rater in ("x", "y")
    ]
    frame = pd.DataFrame(rows)
    [row] = agree(frame, means="system", resamples=0).means[0].differences
    score = frame.groupby(["system", "item_id"])["value"].mean()
    assert (row["group_a"], row["n"], row["paired"]) == ("b", 60, False)
    assert row["value"] == pytest.approx(score["b"].mean() - score["a"].mean())
    margin = stats.t.ppf(0.975, 59) * np.hypot(score["a"].sem(), score["b"].sem())
    assert row["high"] - row["low"] == pytest.approx(2 * margin)
