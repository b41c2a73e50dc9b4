"""The verdict beyond the control, several kinds of feedback together, and what the guard keeps from being proof."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from harness.rounds.harms.flags import p_same_share
from harness.rounds.verdict.overview import answers
from harness.rounds.verdict.rounds import compare_rounds
from harness.statistics import Moments, reach_of


def long(scores, **columns):
    """Return an item by round array as a long frame."""
    scores = np.asarray(scores, dtype=float)
    item, number = np.indices(scores.shape)
    return pd.DataFrame({"item": item.ravel(), "round": number.ravel(), "score": scores.ravel(), **columns})


def right(means, n=3000, seed=0, ability=None):
    """Return right-or-wrong scores; an item's latent scores in two rounds correlate by .8."""
    rng = np.random.default_rng(seed)
    from scipy.special import ndtri

    ability = rng.standard_normal((n, 1)) if ability is None else ability
    noise = rng.standard_normal((n, len(means)))
    return (np.sqrt(0.8) * ability + np.sqrt(0.2) * noise < ndtri(np.asarray(means))).astype(float)


def kinds(n=3000, **means):
    """Return several series on the same items."""
    ability = np.random.default_rng(9).standard_normal((n, 1))
    return pd.concat(
        [long(right(curve, n, seed, ability), series=name) for seed, (name, curve) in enumerate(means.items())]
    )


@pytest.fixture(scope="module")
def found():
    """Feedback that helps up to round 2, one that gives what training alone gives, and the control, which rises."""
    return compare_rounds(
        kinds(12_000, verifier=[0.3, 0.5, 0.65, 0.67, 0.69], majority=[0.3, 0.32, 0.34, 0.36, 0.38],
              none=[0.3, 0.32, 0.34, 0.36, 0.38])
    )  # fmt: skip


def test_a_gain_that_is_lost_again_is_no_yes():
    frame = kinds(verifier=[0.1, 0.2, 0.15, 0.1], none=[0.1, 0.1, 0.1, 0.1])
    (said,) = answers(compare_rounds(frame).results)
    assert "verifier: no longer, " in said
    assert said.endswith("; it helped up to round 1, and that is not kept.")


def test_items_asked_again_for_several_answers_stand_beside_the_answer():
    frame = kinds(600, verifier=[0.2, 0.5], none=[0.2, 0.2])
    again = frame.assign(benchmark="sums_explored")
    rounds = compare_rounds(pd.concat([frame.assign(benchmark="sums"), again]))
    assert {one.benchmark: one.is_beside for one in rounds.results} == {"sums": False, "sums_explored": True}
    (said,) = rounds.answers
    assert "sums" not in said
    assert [one.counts for one in rounds.looked_at] == ["improving"]
    # By itself the same name is a benchmark like any other.
    assert not any(one.is_beside for one in compare_rounds(again).results)


def test_what_counts_is_the_series_minus_the_control(found):
    by_series = {one.series: one for one in found.results}
    verifier, majority, none = (by_series[name] for name in ("verifier", "majority", "none"))
    # By itself everything rises; beyond the control the verifier gave its last in round 2 and the majority nothing.
    assert verifier.counts == verifier.over_control.verdict == "plateaued"
    assert verifier.over_control.last_gain.shown == 2
    assert verifier.over_control.gain_total.value == pytest.approx(0.31, abs=0.03)
    assert verifier.gain_total.value == pytest.approx(0.39, abs=0.03)
    assert majority.over_control.last_gain.shown == 0
    assert (none.over_control, none.is_control, none.counts) == (None, True, none.verdict)
    assert "beyond none (the control) shown up to round 2" in verifier.sentence
    assert "; by itself " in verifier.sentence
    assert [one.counts for one in found.looked_at] == [majority.counts, verifier.counts]
    row = json.loads(json.dumps(found.to_json()["results"][2]))
    assert row["over_control"]["last_gain"] == {
        "shown": 2, "possible": verifier.over_control.last_gain.possible, "shown_label": 2,
        "possible_label": verifier.over_control.last_gain.possible_label,
    }  # fmt: skip
    assert set(row["gain_total"]) == set(row["over_control"]["gain_last"]) == {"value", "low", "high"}
    assert "outcome" not in row["over_control"]


def test_the_answer_is_beyond_training_alone(found):
    said = " ".join(found.answers)
    assert "verifier: yes, +3" in said
    assert "points beyond training alone" in said
    assert "its last gain was round 2" in said
    assert "majority: yes" not in said
    assert said.startswith("In this run (one training seed): verifier: yes")  # the one that gave most comes first
    assert said.endswith("The 2 answers hold together, by Holm.")


def test_the_difference_is_the_verdict_on_the_differences_by_hand(found):
    ability = np.random.default_rng(9).standard_normal((12_000, 1))
    mine, control = [0.3, 0.5, 0.65, 0.67, 0.69], [0.3, 0.32, 0.34, 0.36, 0.38]
    apart = right(mine, 12_000, 0, ability) - right(control, 12_000, 2, ability)
    expected = Moments.of(apart[None], reach=1.0).estimate(np.array([-1.0, 0, 0, 0, 1]))
    over = next(one for one in found.results if one.series == "verifier").over_control
    assert over.gain_total.value == pytest.approx(expected.value)
    half = (over.gain_total.high - over.gain_total.low) / 2
    assert half == pytest.approx(1.645 * expected.se, rel=1e-3)


def test_without_a_control_the_gain_may_be_training_alone():
    alone = compare_rounds(kinds(verifier=[0.3, 0.5, 0.7]))
    assert "There is no control: what is gained may be from training alone" in alone.answers[-1]
    assert alone.results[0].over_control is None


def test_each_is_compared_with_the_control_or_the_first_and_pairs_are_asked_for():
    frame = kinds(500, a=[0.3, 0.4], b=[0.3, 0.4], c=[0.3, 0.4], none=[0.3, 0.3])
    pairs = {(one.a, one.b) for one in compare_rounds(frame).comparisons}
    assert pairs == {("a", "none"), ("b", "none"), ("c", "none")}
    without = frame[frame["series"] != "none"]
    assert {(one.a, one.b) for one in compare_rounds(without).comparisons} == {("a", "b"), ("a", "c")}
    every = {(one.a, one.b) for one in compare_rounds(frame, pairs=True).comparisons}
    assert every == pairs | {("a", "b"), ("a", "c"), ("b", "c")}


def test_six_flat_kinds_say_yes_to_none():
    wrong = 0
    for seed in range(30):
        frame = pd.concat(
            [long(right([0.4] * 4, 300, 100 * seed + number), series=f"kind {number}") for number in range(6)]
        )
        wrong += ": yes" in " ".join(answers(compare_rounds(frame).results))
    assert wrong <= 5  # .05 of 30: 5 or fewer in .997


def test_saturation_is_said():
    frame = kinds(verifier=[0.5, 0.8, 0.993], none=[0.5, 0.5, 0.5])
    result = next(one for one in compare_rounds(frame).results if one.series == "verifier")
    assert [flag["flag"] for flag in result.flags] == ["saturated"]
    assert "there is little left to gain" in compare_rounds(frame).answers[0]
    below = kinds(verifier=[0.4, 0.5, 0.6], none=[0.4, 0.4, 0.4])
    assert all(one.flags == [] for one in compare_rounds(below).results)
    near = compare_rounds(below, ceiling=0.605)
    assert "of 60.5 there is little left to gain" in near.answers[0]


def test_series_of_different_length_are_compared_over_the_rounds_that_both_have():
    frame = kinds(verifier=[0.3, 0.4, 0.5, 0.6, 0.7], none=[0.3, 0.3, 0.3, 0.3, 0.3])
    short = frame[(frame["series"] != "none") | (frame["round"] < 3)]
    found = compare_rounds(short)
    final = next(one for one in found.comparisons if one.quantity == "final")
    assert (final.rounds, final.finals["verifier"]["round"], final.finals["none"]["round"]) == ([0, 2], 4, 2)
    assert final.value == pytest.approx(0.2, abs=0.03)  # in round 2, the last that both have
    said = "only the 3 rounds that both have, 0 to 2, are compared (verifier has 5, none 3; final scores: verifier "
    assert said in final.sentence
    verifier = next(one for one in found.results if one.series == "verifier")
    assert verifier.over_control.rounds == [0, 1, 2]
    assert said in verifier.sentence


def test_a_slow_rise_is_said_and_is_no_plateau():
    result = compare_rounds(long(right([0.40 + 0.004 * r for r in range(8)], 40_000))).results[0]
    assert result.verdict != "plateaued"
    assert "a slow rise, +0.4" in result.sentence


def test_fifty_gold_items_that_did_not_change_are_no_plateau():
    """1,000 items that truly gain 2 points a round, 50 gold: .98^50 = .36 of the samples show no change at all."""
    rng = np.random.default_rng(0)
    plateaus = 0
    for _ in range(60):
        gold = np.zeros((1000, 2))
        gold[rng.random(1000) < 0.02, 1] = 1
        labelled = np.arange(1000) < 50
        moments = Moments.corrected(gold[None] * 0, gold[None], labelled)
        plateaus += moments.estimates(np.array([[-1.0, 1.0]])).high(0.05)[0] < 0.01
    assert plateaus == 0


def test_documents_that_did_not_change_are_no_plateau():
    frame = long(np.tile([[0.0, 0.0]], (40, 1)))
    result = compare_rounds(frame.assign(document=frame["item"] // 2), cluster="document").results[0]
    assert result.verdict == "inconclusive"
    # Two pseudo-documents at 1: variance 2 / (21 * 22) = .004329, t(21, .95) 1.7207: half .1132.
    assert (result.low, result.high) == (pytest.approx(-0.1132, abs=1e-4), pytest.approx(0.1132, abs=1e-4))


def test_graded_scores_have_intervals_of_honest_width():
    rng = np.random.default_rng(0)
    scores = np.clip(0.35 + 0.1 * rng.standard_normal((100, 1)) + 0.03 * rng.standard_normal((100, 2)), 0, 1)
    result = compare_rounds(long(scores)).results[0]
    plain = 1.66 * np.diff(scores, axis=1).std(ddof=1) / 10
    assert (result.high - result.low) / 2 < 1.3 * plain
    assert reach_of(scores[None]) == pytest.approx(np.ptp(scores, axis=1).max() / 2)


def test_gaps_by_chance_do_not_count_as_changed():
    rng = np.random.default_rng(0)
    p_values = np.array([p_same_share(rng.random((1, 500, 5)) < 0.1) for _ in range(400)])
    assert (p_values < 0.01).mean() <= 0.02
    # Cochran's Q by hand: 3 rounds, missing in rounds (0, 1, 2) of rows: 001, 001, 011. By round 0, 1, 3, mean 4/3:
    # squares 1.7778 + .1111 + 2.7778 = 4.6667; Q = 3 * 2 * 4.6667 / (1*2 + 1*2 + 2*1) = 4.6667; chi^2(2): exp(-Q/2).
    gone = np.array([[[0, 0, 1], [0, 0, 1], [0, 1, 1]]], dtype=bool)
    assert p_same_share(gone) == pytest.approx(np.exp(-4.6667 / 2), abs=1e-4)


def test_a_sentence_carries_n_and_what_was_left_out():
    frame = long(right([0.4, 0.5, 0.6], 300))
    frame = frame[(frame["item"] >= 20) | (frame["round"] > 0)]
    assert "n = 280 (20 left out, without a score in every round)" in compare_rounds(frame).results[0].sentence


def test_several_seeds_speak_of_the_kind_of_feedback():
    frame = pd.concat([long(right([0.4, 0.5, 0.6], 500, seed), seed=seed) for seed in range(3)])
    result = compare_rounds(frame).results[0]
    assert "this run" not in result.sentence
    assert "3 training seeds" in result.sentence
