"""One against the rest, self-agreement, the pair bootstrap by name, strata, and a panel's weights."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from harness.agreement import agree
from harness.agreement.coefficients.kalpha import kalpha
from harness.agreement.grid.units import Units, encode
from harness.agreement.stand_in.weights import panel_weights


def long(grid, kinds=None):
    rows = [
        (f"i{i}", f"r{j}", float(value), (kinds or {}).get(j, "human"))
        for i, row in enumerate(grid)
        for j, value in enumerate(row)
        if value == value
    ]
    return pd.DataFrame(rows, columns=["item_id", "rater", "value", "rater_kind"])


def units(grid):
    columns = list(np.asarray(grid, dtype=float).T)
    codes, values = encode(columns)
    return Units("c", [f"r{i}" for i in range(len(columns))], np.stack(codes), values)


def noisy(rng, items=120, raters=4, values=5):
    truth = rng.integers(1, values + 1, items)
    return np.stack(
        [np.where(rng.random(items) < 0.7, truth, rng.integers(1, values + 1, items)) for _ in range(raters)], axis=1
    ).astype(float)


def test_one_against_the_rest_by_hand():
    """Labels: others' majority, no item where they tie. Item 1: r0 says 1, the others 2, 2; item 4: 1 and 2 tie."""
    grid = [[1, 2, 2], [1, 1, 1], [2, 2, 2], [2, 1, 2], [1, 1, 1]]
    rest = agree(long(grid), level="nominal", resamples=0).rest
    found = rest[rest["coefficient"] == "percent_agreement"].set_index("rater")
    assert found.loc["r0", ["value", "n"]].tolist() == [0.75, 4]  # right on items 2, 3 and 5, wrong on 1
    assert found.loc["r2", ["value", "n"]].tolist() == [1.0, 3]  # items 1 and 4: the others tie
    assert set(rest.columns) == {"criterion", "rater", "n", "coefficient", "value", "low", "high", "reason"}


@pytest.mark.parametrize("units", [7, 1 << 16])
@pytest.mark.parametrize(("level", "middle"), [("ordinal", np.nanmedian), ("interval", np.nanmean)])
def test_the_rest_is_the_median_of_grades_and_the_mean_of_numbers(level, middle, units, monkeypatch):
    monkeypatch.setattr("harness.agreement.rest.BLOCK", units)  # counted block by block, and as one
    grid = noisy(np.random.default_rng(0))
    grid[np.random.default_rng(1).random(grid.shape) < 0.1] = np.nan
    rest = agree(long(grid), level=level, resamples=0).rest
    others = middle(grid[:, 1:], axis=1)
    expected = pd.Series(grid[:, 0]).corr(pd.Series(others), method="spearman")
    found = rest[(rest["rater"] == "r0") & (rest["coefficient"] == "spearman")]["value"].item()
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("level", ["ordinal", "interval"])
def test_equal_values_are_looked_for_in_the_majority_at_every_level(level):
    """r0 says what most of the others say on items 1 and 2, not on 3; on 4 the others are of three minds."""
    grid = [[4, 4, 4, 5], [2, 2, 2, 3], [1, 5, 5, 4], [3, 1, 3, 5]]
    rest = agree(long(grid), level=level, resamples=0).rest
    found = rest[(rest["rater"] == "r0") & (rest["coefficient"] == "percent_agreement")]
    assert found[["value", "n"]].values.tolist() == [[pytest.approx(2 / 3), 3]]


def test_two_raters_have_no_rest_and_json_has_it_otherwise():
    assert agree(long(noisy(np.random.default_rng(2), raters=2)), level="ordinal", resamples=0).rest.empty
    content = agree(long(noisy(np.random.default_rng(2))), level="ordinal", resamples=20).to_json()
    assert {row["rater"] for row in content["one_against_rest"]} == {"r0", "r1", "r2", "r3"}
    json.dumps(content, allow_nan=False)


def repeated():
    first = long([[1, 1], [2, 2], [3, 3], [1, 1]]).assign(repetition=0)
    again = long([[1, 9], [2, 9], [1, 9], [2, 9]]).query("rater == 'r0'").assign(repetition=1)
    return pd.concat([first, again], ignore_index=True)


def test_a_rater_asked_twice_is_compared_with_itself():
    """r0 says 1, 2, 3, 1 and later 1, 2, 1, 2: the same on two of four."""
    found = agree(repeated(), level="ordinal", resamples=0)
    (row,) = found.self_agreement
    assert (row["rater"], row["n"], row["n_differing"], row["percent_agreement"]["value"]) == ("r0", 4, 2, 0.5)
    (warning,) = [one for one in found.warnings if one["code"] == "self_agreement"]
    assert (warning["raters"], warning["n"]) == (["r0"], 2)
    assert found.to_json()["self_agreement"] == found.self_agreement
    assert found.tables[0].coefficients["percent_agreement"].value == 1.0  # between raters the first counts


def test_without_a_column_the_order_of_the_file_counts():
    found = agree(repeated().drop(columns="repetition"), level="ordinal", resamples=0)
    assert (found.self_agreement[0]["n"], found.self_agreement[0]["n_differing"]) == (4, 2)
    timed = repeated().drop(columns="repetition").assign(created_at="2026-01-01")  # the same at once is a copy
    assert agree(timed, level="ordinal", resamples=0).self_agreement[0]["n"] == 2


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
def test_the_pair_bootstrap_is_evalicas(level):
    evalica = pytest.importorskip("evalica")
    grid = noisy(np.random.default_rng(3), items=60, raters=3)
    grid[np.random.default_rng(4).random(grid.shape) < 0.15] = np.nan
    found = kalpha(units(grid), level, resamples=4000)
    theirs = evalica.alpha_bootstrap(pd.DataFrame(grid.T), distance=level, n_resamples=4000, random_state=0)
    assert found.value == pytest.approx(theirs.alpha)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_the_pair_bootstrap_is_narrow_and_comes_with_a_warning():
    frame = long(noisy(np.random.default_rng(5)))
    usual, named = (agree(frame, level="ordinal", interval=name) for name in ("bca", "kalpha"))
    wide, narrow = (one.tables[0].coefficients["alpha"] for one in (usual, named))
    assert narrow.value == wide.value
    assert narrow.high - narrow.low < wide.high - wide.low
    assert "kalpha_interval" in {one["code"] for one in named.warnings}
    assert "kalpha_interval" not in {one["code"] for one in usual.warnings}


def test_pooled_ids_with_shared_prefixes_are_pointed_out_too():
    frame = long(noisy(np.random.default_rng(6))).assign(criterion="c")
    frame["item_id"] = frame["item_id"].map(lambda name: f"doc{int(name[1:]) // 4}__{name}")
    pooled = agree(frame, level="ordinal", pool=True, resamples=0)
    assert "possible_clusters" in {one["code"] for one in pooled.warnings}
    named = agree(frame.assign(doc="d"), level="ordinal", pool=True, cluster="doc", resamples=0)
    assert "possible_clusters" not in {one["code"] for one in named.warnings}


def test_a_figure_shows_every_coefficient():
    found = agree(long(noisy(np.random.default_rng(7))), level="ordinal", resamples=50)
    drawn = found.figure().to_dict()
    (rows,) = drawn["datasets"].values()
    assert {row["coefficient"] for row in rows} == {"alpha", "percent_agreement", "spearman"}


def stratified(rng, easy=0.9, hard=0.2):
    """People rated 60 of 500 easy items and 60 of 1,500 hard ones."""
    share = np.repeat([easy, hard], [500, 1500])
    truth = (rng.random(2000) < share).astype(float)
    judge = np.where(rng.random(2000) < 0.85, truth, 1 - truth)
    seen = np.r_[0:60, 500:560]
    rows = [(f"i{i}", "ai", judge[i], "judge", "e" if i < 500 else "h") for i in range(2000)]
    rows += [(f"i{i}", "ann", truth[i], "human", "e" if i < 500 else "h") for i in seen]
    return pd.DataFrame(rows, columns=["item_id", "rater", "value", "rater_kind", "stratum"]), truth.mean()


def test_strata_make_a_lopsided_sample_whole():
    frame, truth = stratified(np.random.default_rng(8))
    (row,) = agree(frame, correct=True, strata="stratum", resamples=0).corrected
    assert (row["method"], row["reason"]) == ("stratified_ppi++", None)
    assert row["low"] < truth < row["high"]
    assert row["high"] - row["low"] <= row["human_only"]["high"] - row["human_only"]["low"]
    (plain,) = agree(frame, correct=True, resamples=0).corrected
    assert plain["shift"]["shifted"]
    assert not row["shift"]["shifted"]


def test_means_over_people_are_no_people():
    frame, _ = stratified(np.random.default_rng(9))
    mean = frame[frame["rater"] == "ann"].assign(rater="mean", flags=[["aggregate"]] * 120)
    both = pd.concat([frame.assign(flags=[[]] * len(frame)), mean], ignore_index=True)
    found = agree(both, level="nominal", correct=True, resamples=0)
    assert found.corrected[0]["n_human"] == 120
    with pytest.raises(ValueError, match="there are 1 and 1"):
        agree(both, level="nominal", stand_in=True, resamples=0)


def test_a_better_judge_has_more_weight_and_one_by_chance_none():
    """Wrong on 40, 120 and 240 of 400: log odds log(360.5 / 40.5), log(280.5 / 120.5), and less than 0."""
    truth = np.arange(400) % 2
    wrong = {"ann": 0, "good": 40, "fair": 120, "coin": 240}
    codes = np.array([np.where(np.arange(400) < n, 1 - truth, truth) for n in wrong.values()], np.int8)
    people = Units("c", list(wrong), codes, np.array([0.0, 1.0]))
    found = panel_weights(people, ["good", "fair", "coin"], ["ann"], "nominal")
    assert sum(found.values()) == pytest.approx(1)
    assert found["good"] / found["fair"] == pytest.approx(np.log(360.5 / 40.5) / np.log(280.5 / 120.5))
    assert found["coin"] == 0


def test_people_are_held_against_people_and_not_against_judges():
    """Two judges that say the same of everything would be half of the rest: people's ceiling would be theirs."""
    rng = np.random.default_rng(11)
    truth = rng.integers(0, 2, 200)
    rows = [
        (f"i{i}", f"p{who}", int(value), "human")
        for who in range(3)
        for i, value in enumerate(np.where(rng.random(200) < 0.8, truth, 1 - truth))
    ]
    judges = [(f"i{i}", f"j{who}", int(1 - value), "judge") for who in range(2) for i, value in enumerate(truth)]
    columns = ["item_id", "rater", "value", "rater_kind"]
    with_judges, without = (
        agree(pd.DataFrame(some, columns=columns), level="nominal", resamples=0).rest for some in (rows + judges, rows)
    )
    person = with_judges[with_judges["rater"] == "p0"].reset_index(drop=True)
    assert person.equals(without[without["rater"] == "p0"].reset_index(drop=True))
    assert set(with_judges["rater"]) == {"p0", "p1", "p2", "j0", "j1"}


def test_intervals_that_are_too_narrow_are_said():
    rng = np.random.default_rng(12)
    cluster = np.repeat(np.arange(12), [40, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2])
    rows = [(f"i{i}", who, int(rng.integers(0, 3)), int(c)) for i, c in enumerate(cluster) for who in "ab"]
    frame = pd.DataFrame(rows, columns=["item_id", "rater", "value", "document"])
    codes = {one["code"] for one in agree(frame, cluster="document", resamples=0).warnings}
    assert "few_clusters" in codes
    assert "few_clusters" not in {one["code"] for one in agree(frame, resamples=0).warnings}
    grades = pd.DataFrame([(f"i{i}", who, (i + k) % 7 + 1) for i in range(20) for k, who in enumerate("ab")],
                          columns=["item_id", "rater", "value"])  # fmt: skip
    assert "few_items" in {one["code"] for one in agree(grades, resamples=0).warnings}
