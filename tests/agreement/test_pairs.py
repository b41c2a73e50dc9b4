"""The matrix of a run, the place of an answer, and people's ratings beside the machines'."""

from __future__ import annotations

import pandas as pd
import pytest

from harness.agreement import AgreementOptions, agree_in_run
from harness.agreement.audits.position import position_consistency
from harness.agreement.matrix import pair_matrix
from harness.agreement.preferences.rankings import of_run, rank
from harness.errors import HarnessError
from harness.rating.files.ratings_file import read_ratings
from harness.records import Item, Rating, Response, frame
from harness.run.folder import Run
from harness.suite import Suite


def rating(rater, response_id, value, *, kind="judge", scale="binary", criterion="c", task="t", **more):
    return Rating(
        rating_id=f"{rater}-{response_id}-{criterion}-{more}", task=task, item_id=more.pop("item_id", response_id),
        response_id=response_id, rater=rater, rater_kind=kind, criterion=criterion, scale=scale, value=value, **more,
    )  # fmt: skip


def matrix(ratings, **options):
    return pair_matrix(frame(ratings, Rating), **options)


def test_labels_are_compared_by_alpha_and_scores_by_rank():
    key = [rating("key", f"r{i}", float(i % 2), kind="verifier", criterion="correct") for i in range(40)]
    judge = [rating("judge", f"r{i}", float(i % 2 if i < 30 else 0), criterion="quality") for i in range(40)]
    rouge = [
        rating("rouge", f"r{i}", i / 40, kind="metric", scale="interval", criterion=name)
        for i in range(40)
        for name in ("rougeL", "rouge1")
    ]
    rows = {(row["rater_a"], row["rater_b"]): row for row in matrix(key + judge + rouge)}
    same = rows[("judge", "key")]
    assert (same["criterion_a"], same["criterion_b"], same["n"], same["coefficient"]) == (
        "quality",
        "correct",
        40,
        "alpha",
    )
    assert same["percent_agreement"] == pytest.approx(35 / 40)
    assert same["low"] < same["value"] < same["high"]
    mixed = rows[("judge", "rouge")]
    assert (mixed["criterion_b"], mixed["coefficient"], mixed["percent_agreement"]) == ("rougeL", "spearman", None)
    assert set(same) == {
        "task", "rater_a", "rater_b", "criterion_a", "criterion_b", "n", "percent_agreement", "coefficient", "value",
        "low", "high", "reason", "kappa",
    }  # fmt: skip


def test_words_are_compared_by_their_labels_and_sets_by_what_they_share():
    said = {"ann": ["yes", "no", "yes", "no"], "judge": ["yes", "no", "no", "no"]}
    rows = [
        rating(name, f"r{i}", None, scale="nominal", label=word, kind="human" if name == "ann" else "judge")
        for name, words in said.items()
        for i, word in enumerate(words)
    ]
    (row,) = matrix(rows, resamples=0)
    assert (row["coefficient"], row["n"], row["percent_agreement"]) == ("alpha", 4, 0.75)
    assert row["value"] == pytest.approx(
        1 - 7 * 2 / (8**2 - 3**2 - 5**2)
    )  # 1 - (n - 1) x differing / pairs that differ
    assert row["kappa"]["value"] == pytest.approx((0.75 - 0.5) / (1 - 0.5))  # by chance 2/4 x 1/4 + 2/4 x 3/4 = .5
    ticked = {"ann": ['["a", "b"]', "[]", '["a"]'], "bob": ['["a", "b"]', "[]", '["b"]']}
    rows = [
        rating(name, f"r{i}", None, scale="set", label=one)
        for name, sets in ticked.items()
        for i, one in enumerate(sets)
    ]
    (row,) = matrix(rows, resamples=0)
    assert (row["n"], row["percent_agreement"], row["kappa"]) == (3, pytest.approx(2 / 3), None)
    assert 0 < row["value"] < 1
    numbers = rating("key", "r0", 1.0, scale="ordinal", kind="verifier")
    assert all({row["rater_a"], row["rater_b"]} == {"ann", "bob"} for row in matrix([*rows, numbers], resamples=0))


def test_only_verdicts_on_the_same_thing_are_compared():
    failed = rating("judge", "r0", None, status="unparsed")
    assert matrix([rating("key", "r0", 1.0), failed]) == []
    assert matrix([rating("key", "r0", 1.0), rating("judge", "r0", 1.0, task="other")]) == []
    again = rating("judge", "r0", 1.0, repetition=1)
    assert matrix([rating("key", "r0", 1.0), again]) == []


def test_a_constant_rater_gives_a_reason_and_no_figure():
    rows = matrix(
        [rating("flat", f"r{i}", 3.0, scale="ordinal") for i in range(9)]
        + [rating("key", f"r{i}", float(i % 2)) for i in range(9)]
    )
    assert (rows[0]["value"], rows[0]["reason"]) == (None, "constant_rater")


def compared(rater, first, second, value, order, **more):
    return rating(
        rater,
        first,
        value,
        scale="preference",
        item_id=more.pop("item_id", "i"),
        against_id=second,
        order=order,
        **more,
    )


def test_comparisons_meet_whichever_side_comes_first():
    """One rater said that a beats b, the other that b loses to a: they agree."""
    one = [compared("x", f"a{i}", f"b{i}", float(i % 2), "response_first", item_id=f"i{i}") for i in range(20)]
    other = [compared("y", f"b{i}", f"a{i}", 1.0 - i % 2, "response_first", item_id=f"i{i}") for i in range(20)]
    (row,) = matrix(one + other)
    assert (row["n"], row["percent_agreement"], row["value"]) == (20, 1.0, 1.0)


def test_a_judge_that_always_takes_the_first_is_seen():
    rows = []
    for i in range(60):
        pair = {"item_id": f"i{i}"}
        rows.append(compared("first", f"a{i}", f"b{i}", 1.0, "response_first", **pair))
        rows.append(compared("first", f"a{i}", f"b{i}", 0.0, "against_first", **pair))
        rows.append(compared("fair", f"a{i}", f"b{i}", float(i % 2), "response_first", **pair))
        rows.append(compared("fair", f"a{i}", f"b{i}", float(i % 2), "against_first", **pair))
    rows.append(compared("fair", "a60", "b60", None, "response_first", item_id="i60", status="unparsed"))
    rows.append(compared("fair", "a60", "b60", 1.0, "against_first", item_id="i60"))
    fair, first = position_consistency(frame(rows, Rating))
    assert (first["rater"], first["n"], first["consistency"], first["first_share"]) == ("first", 60, 0.0, 1.0)
    assert first["first_low"] == pytest.approx(0.94, abs=0.001)  # Wilson, 60 of 60: 60 / 63.84
    assert (fair["n"], fair["consistency"], fair["first_share"], fair["n_failed"]) == (60, 1.0, 0.5, 1)


def test_no_comparison_no_row():
    assert position_consistency(frame([rating("key", "r0", 1.0)], Rating)) == []
    assert position_consistency(pd.DataFrame({"rater": ["a"]})) == []


@pytest.fixture
def run(tmp_path):
    suite = Suite.model_validate(
        {"name": "made-up", "models": [{"name": "toy", "model": "embedded"}], "tasks": [{"task": "t"}]}
    )
    run = Run.create(tmp_path / "run", suite)
    items = [Item(task="t", item_id=f"i{i}", family="other", prompt="?") for i in range(30)]
    run.write(items, "t")
    run.write([Response(response_id=f"r{i}", task="t", item_id=f"i{i}", model="toy", text="!") for i in range(30)], "t")
    run.write([rating("key", f"r{i}", float(i % 3 == 0), kind="verifier", item_id=f"i{i}") for i in range(30)], "t")
    return run


def test_people_join_the_matrix_as_soon_as_they_have_rated(run, tmp_path):
    assert agree_in_run(run).people == []
    assert not agree_in_run(run).defined
    sheet = pd.DataFrame({"response_id": [f"r{i}" for i in range(30)], "item_id": "x", "rater": "ann"})
    sheet["value"] = [str(int(i % 3 == 0)) if i < 20 else "" for i in range(30)]
    sheet.assign(criterion="c").to_csv(tmp_path / "people.csv", index=False)
    found = agree_in_run(run, people=read_ratings(tmp_path / "people.csv"))
    assert found.people == ["ann"]
    (row,) = found.pairs
    assert (row["rater_a"], row["rater_b"], row["n"], row["percent_agreement"]) == ("ann", "key", 20, 1.0)
    (table,) = found.tables
    assert (table.criterion, table.n_items) == ("t: c", 20)
    sheet.assign(response_id="elsewhere").to_csv(tmp_path / "wrong.csv", index=False)
    with pytest.raises(HarnessError, match="'elsewhere' is no response of"):
        agree_in_run(run, people=read_ratings(tmp_path / "wrong.csv"))


def test_values_outside_of_the_runs_scale_are_refused(run, tmp_path):
    sheet = pd.DataFrame(
        {"response_id": ["r0", "r1"], "item_id": "x", "rater": "ann", "criterion": "c", "value": [1, 7]}
    )
    sheet.to_csv(tmp_path / "people.csv", index=False)
    with pytest.raises(HarnessError, match="line 3: 7 for c is outside of the run's scale, 0 to 1"):
        agree_in_run(run, people=read_ratings(tmp_path / "people.csv"))


def test_a_run_says_who_can_stand_in_and_what_people_would_say(run, tmp_path):
    run.write([rating("judge", f"r{i}", float(i % 3 == 0 or i == 4), item_id=f"i{i}") for i in range(30)], "t")
    people = [rating(who, f"r{i}", float(i % 3 == 0), kind="human") for who in ("ann", "bob") for i in range(20)]
    sheet = frame(people, Rating)[["response_id", "item_id", "rater", "criterion", "value"]]
    sheet.to_csv(tmp_path / "people.csv", index=False)
    asked = AgreementOptions(stand_in=True, min_items=10, correct=True, resamples=50)
    found = agree_in_run(run, asked, people=read_ratings(tmp_path / "people.csv"))
    (one,) = found.stand_in
    assert (one.criterion, one.rater, one.n_humans) == ("t: c", "judge", 2)
    (row,) = found.corrected
    assert (row["criterion"], row["n_human"], row["n_items"]) == ("t: c", 20, 30)
    assert set(found.df["criterion"]) == {"t: c"}
    assert set(found.to_json()) >= {"tables", "matrix", "warnings", "stand_in", "corrected", "raters"}
    with pytest.raises(HarnessError, match="no criterion of a task was rated by two people and a judge"):
        agree_in_run(run, AgreementOptions(stand_in=True))
    found.figure().to_dict()


def test_a_run_ranks_its_models(tmp_path):
    suite = Suite.model_validate(
        {"name": "made-up", "models": [{"name": "toy", "model": "embedded"}], "tasks": [{"task": "t"}]}
    )
    run = Run.create(tmp_path / "run", suite)
    texts = {"good": "a long answer", "bad": "short"}
    for name, text in texts.items():
        answers = [
            Response(response_id=f"{name}{i}", task="t", item_id=f"i{i}", model=name, text=text) for i in range(40)
        ]
        run.write(answers, f"t-{name}")
    rows = [
        compared("judge", f"good{i}", f"bad{i}", float(i % 4 > 0), "response_first", item_id=f"i{i}") for i in range(40)
    ]
    run.write(rows, "t-judge")
    found = rank(of_run(run.ratings, run.responses), first="player", second="opponent", resamples=20)
    assert found.df["player"].tolist() == ["good", "bad"]
    assert found.df["win_rate"].tolist() == pytest.approx([0.75, 0.25])
    assert found.lengths[0]["n"] == 40
