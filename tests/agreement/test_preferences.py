"""Rankings by comparisons: against evalica, by simulation, and where no ranking follows."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from harness.agreement.preferences.comparisons import compare
from harness.agreement.preferences.length_control import instruction_difficulty, length_controlled_win_rate, length_gap
from harness.agreement.preferences.preferences import bootstrap_strengths, bradley_terry
from harness.agreement.preferences.rankings import rank
from harness.errors import HarnessError

NAMES = np.array([f"m{k}" for k in range(6)])


def compared(rng, n=1500, ties=0.2, players=6):
    strength = np.linspace(-1, 1, players)
    a = rng.integers(0, players, n)
    b = (a + rng.integers(1, players, n)) % players
    won = (rng.random(n) < expit(strength[a] - strength[b])).astype(float)
    return NAMES[a], NAMES[b], np.where(rng.random(n) < ties, 0.5, won)


def test_strengths_are_those_of_evalica():
    evalica = pytest.importorskip("evalica")
    a, b, score = compared(np.random.default_rng(0))
    winners = [{1.0: evalica.Winner.X, 0.0: evalica.Winner.Y, 0.5: evalica.Winner.Draw}[one] for one in score]
    theirs = np.log(evalica.bradley_terry(a.tolist(), b.tolist(), winners, tolerance=1e-13, limit=100_000).scores)
    found = bradley_terry(compare(a, b, score))
    assert found.strength == pytest.approx((theirs - theirs.mean())[found.players].to_numpy(), abs=1e-8)


def test_two_players_by_hand():
    """6 wins, 2 losses, 2 ties: 7 of 10, strength log(7/3) apart; the error of the gap by the sandwich:

    sum of (y - .7)^2 = 6 x .09 + 2 x .49 + 2 x .04 = 1.6; information 10 x .21 = 2.1: sqrt(1.6) / 2.1 = .6023; each
    player's strength is half the gap.
    """
    found = bradley_terry(compare(["a"] * 10, ["b"] * 10, [1.0] * 6 + [0.0] * 2 + [0.5] * 2))
    assert found.strength == pytest.approx([np.log(7 / 3) / 2, -np.log(7 / 3) / 2])
    assert found.error == pytest.approx([1.6**0.5 / 2.1 / 2] * 2)
    assert found.df["win_rate"].tolist() == pytest.approx([0.7, 0.3])
    # Davidson: win : loss : tie = 6 : 2 : 2 is fitted exactly: d = log(6 / 2), nu = 2 / sqrt(6 x 2)
    meant = bradley_terry(compare(["a"] * 10, ["b"] * 10, [1.0] * 6 + [0.0] * 2 + [0.5] * 2), ties="davidson")
    assert meant.strength[0] - meant.strength[1] == pytest.approx(np.log(3))
    assert meant.tie == pytest.approx(2 / 12**0.5)


def test_the_side_on_which_a_player_stands_does_not_matter():
    a, b, score = compared(np.random.default_rng(1))
    turned = np.random.default_rng(2).random(len(a)) < 0.5
    again = compare(np.where(turned, b, a), np.where(turned, a, b), np.where(turned, 1 - score, score))
    assert bradley_terry(again).strength == pytest.approx(bradley_terry(compare(a, b, score)).strength)


def test_sandwich_errors_are_those_of_the_bootstrap_and_naive_ones_too_wide_with_ties():
    counted = compare(*compared(np.random.default_rng(3), 4000))
    found = bradley_terry(counted)
    draws = bootstrap_strengths(counted, 1000)
    assert draws.std(axis=0) / found.error == pytest.approx(1.0, abs=0.08)
    assert (found.naive / found.error).mean() == pytest.approx(1.15, abs=0.03)


def test_comparisons_of_one_prompt_go_together():
    """Each comparison stands four times: the errors by prompt are those of the single ones."""
    a, b, score = compared(np.random.default_rng(4), 500)
    single = bradley_terry(compare(a, b, score))
    counted = compare(*(np.repeat(side, 4) for side in (a, b, score)))
    prompts = np.repeat(np.arange(500), 4)
    assert bradley_terry(counted, clusters=prompts).error == pytest.approx(single.error, rel=0.01)
    assert bradley_terry(counted).error == pytest.approx(single.error / 2, rel=0.01)


def test_players_that_never_lose_have_no_interval_and_a_warning():
    rows = pd.DataFrame({"item_id": range(9), "rater": "ann", "value": 1.0, "response_id": "a", "against_id": "b"})
    found = rank(rows)
    (ranking,) = (one for _, _, one in found.rankings)
    assert ranking.groups == 2
    assert np.isfinite(ranking.strength).all()
    assert np.isnan(ranking.low).all()
    (warning,) = [one for one in found.warnings if one["code"] == "disconnected"]
    assert warning["raters"] == ["ann"]
    assert np.isnan(bootstrap_strengths(compare(["a"] * 9, ["b"] * 9, [1.0] * 9), 5)).all()
    content = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert content["preferences"][0]["players"][0]["low"] is None


def test_every_rater_has_a_ranking_and_people_have_one_together():
    a, b, score = compared(np.random.default_rng(5), 300)
    rows = pd.DataFrame({"item_id": np.arange(300) // 3, "value": score, "response_id": a, "against_id": b})
    rows["rater"] = np.where(np.arange(300) % 2, "ann", "bob")
    words = rows.assign(value=rows["value"].map({1.0: "model_a", 0.5: "tie", 0.0: "model_b"}))
    for frame in (rows, words):
        found = rank(frame)
        assert [rater for _, rater, _ in found.rankings] == ["ann", "bob", "all human raters"]
        assert found.rankings[2][2].n == 300
    assert set(found.df.columns) >= {"criterion", "rater", "player", "strength", "low", "high", "elo", "win_rate", "n"}
    assert "<table" in found._repr_html_()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"value": "maybe"}, "'maybe' names no winner"),
        ({"value": 3.0}, "a preference of 3"),
        ({"against_id": None}, "no comparison of two players is left"),
        ({"against_id": "x"}, "no comparison of two players is left"),
    ],
)
def test_what_is_no_comparison_is_said(change, complaint):
    rows = pd.DataFrame({"item_id": ["i"], "rater": "ann", "value": 1.0, "response_id": "x", "against_id": "y"})
    with pytest.raises(HarnessError) as error:
        rank(rows.assign(**change))
    assert complaint in str(error.value)


def longer(rng, n=3000, strength=0.0, pull=1.5):
    long, short = rng.normal(400, 100, n), rng.normal(300, 100, n)
    chance = expit(strength + pull * length_gap(long, short))
    return (rng.random(n) < chance).astype(float), long, short


def test_a_player_that_wins_by_length_alone_is_brought_back_to_half():
    rate, fair, pull = length_controlled_win_rate(*longer(np.random.default_rng(6)), resamples=200)
    assert rate.low > 0.6
    assert fair.low < 0.5 < fair.high
    assert pull == pytest.approx(1.5, abs=0.25)


def test_a_prompt_that_is_hard_for_the_baseline_is_found():
    rng = np.random.default_rng(7)
    prompt, player = np.repeat(np.arange(60), 20), np.tile(np.arange(20), 60)
    hard = rng.normal(0, 1.5, 60)
    score = (rng.random(1200) < expit(hard[prompt])).astype(float)
    found = instruction_difficulty(score, np.zeros(1200), player, prompt)
    assert np.corrcoef(found[::20], hard)[0, 1] > 0.9
    rate, fair, _ = length_controlled_win_rate(score, np.ones(1200), np.ones(1200), difficulty=found, resamples=0)
    assert fair.value == pytest.approx(rate.value, abs=0.01)
    few = length_controlled_win_rate(score[:20], np.ones(20), np.ones(20))
    assert few[1].reason == "too_few_items"


def test_lengths_in_the_file_control_the_win_rates():
    score, long, short = longer(np.random.default_rng(8), 400)
    rows = pd.DataFrame({"item_id": range(400), "rater": "judge", "value": score, "response_id": "new"})
    rows = rows.assign(against_id="base", response_length=long, against_length=short, rater_kind="judge")
    for baseline in (None, "base"):
        (row,) = rank(rows, baseline=baseline, resamples=50).lengths
        assert row["n"] == 400
        rate = {"new": score.mean(), "base": 1 - score.mean()}[row["player"]]
        assert row["win_rate"]["value"] == pytest.approx(rate)
        assert row["length_pull"] > 0.5
    with pytest.raises(HarnessError, match="no player 'bse'"):
        rank(rows, baseline="bse")


def test_a_judge_that_always_takes_the_first_ranks_nobody_and_is_sure_of_nothing():
    rows = [(i, "a", "b", score) for i in range(20) for score in (1.0, 0.0)]  # both orders
    frame = pd.DataFrame(rows, columns=["item_id", "response_id", "against_id", "value"]).assign(rater="first")
    ranking = rank(frame).rankings[0][2]
    assert ranking.strength == pytest.approx([0, 0])
    assert (np.isnan(ranking.low).all(), ranking.reason) == (True, "no_variation")


def arena(times=1):
    """a wins 3 of 4 against b and 1 of 2 against c; b wins all 5 against c, which says nothing of a."""
    games = [("a", "b", 1)] * 2 + [("b", "a", 0), ("b", "a", 1)] + [("c", "a", 1), ("c", "a", 0)] + [("b", "c", 1)] * 5
    games *= times
    rows = [(f"q{i}", "judge", *game, 10 + i % 3, 12 - i % 2) for i, game in enumerate(games)]
    names = ["item_id", "rater", "response_id", "against_id", "value", "response_length", "against_length"]
    return pd.DataFrame(rows, columns=names)


def test_a_baseline_is_compared_in_its_own_games_only():
    found = rank(arena(20), baseline="a", resamples=20).lengths
    assert [(row["player"], row["n"], row["win_rate"]["value"]) for row in found] == [("b", 80, 0.25), ("c", 40, 0.5)]


def test_a_comparison_of_no_item_does_not_count_and_ties_alone_say_nothing():
    rows = arena().assign(item_id=lambda one: one["item_id"].where(one["item_id"] != "q0"))
    found = rank(rows, resamples=20)
    assert found.rankings[0][2].n == 10
    assert [(one["code"], one["n"]) for one in found.warnings if one["code"] == "left_out"] == [("left_out", 1)]
    (_, _, tied) = rank(arena().assign(value=0.5), ties="davidson", resamples=20).rankings[0]
    assert (tied.strength.tolist(), tied.reason) == ([0, 0, 0], "no_variation")
    with pytest.raises(HarnessError, match="no ties 'x'"):
        rank(arena(), ties="x")
