"""Flags from what is recorded beside the scores: gold, KL, confidence, visible tests, length, repeated texts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.errors import HarnessError
from harness.rounds.harms.calibration import calibration
from harness.rounds.harms.diversity import distinct, similarity, vendi
from harness.rounds.harms.flags import flag_sentence
from harness.rounds.harms.gao import gao_curve
from harness.rounds.verdict.rounds import compare_rounds
from harness.statistics.moments import Moments

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def same_draws():
    """Let each test draw the same numbers, whichever ran before it."""
    RNG.bit_generator.state = np.random.default_rng(0).bit_generator.state


def frame(score, **columns):
    """Return a long frame of grids of shape (items, rounds)."""
    items, rounds = score.shape
    cells = {"item": np.repeat(np.arange(items), rounds), "round": np.tile(np.arange(rounds), items)}
    return pd.DataFrame(cells | {name: np.ravel(grid) for name, grid in {"score": score, **columns}.items()})


def flag(found, name):
    return next((one for one in found.results[0].flags if one["flag"] == name), None)


def right(shares, n=2000):
    """Return right-or-wrong scores whose share by round is given, on the same items."""
    return (RNG.random((n, 1)) < np.asarray(shares)).astype(float)


def test_nothing_is_flagged_of_what_is_not_recorded():
    names = {one["flag"] for one in compare_rounds(frame(right([0.4, 0.5, 0.6]))).results[0].flags}
    assert names == set()


@pytest.mark.parametrize(("growth", "outcome"), [(1.10, "yes"), (1.0, "no"), (0.9, "no")])
def test_length_growth(growth, outcome):
    base = RNG.uniform(50, 150, (300, 1))
    length = base * growth ** np.arange(5) * RNG.uniform(0.95, 1.05, (300, 5))
    found = flag(compare_rounds(frame(right([0.4, 0.5, 0.5, 0.5, 0.5], 300), length=length)), "length_growth")
    assert found["outcome"] == outcome
    assert found["growth"] == pytest.approx(growth - 1, abs=0.01)
    assert found["low"] < found["growth"] < found["high"]
    assert found["by_round"][0] == pytest.approx(length[:, 0].mean())


def test_length_is_read_off_the_texts_where_it_is_not_given():
    texts = np.array([["a" * 10, "a" * 20, "a" * 40]] * 50)
    found = flag(compare_rounds(frame(right([0.4, 0.5, 0.6], 50), text=texts)), "length_growth")
    assert found["by_round"] == [10, 20, 40]
    # log1p(10, 20, 40) = 2.398, 3.045, 3.714: slope .658, growth exp(.658) - 1.
    assert found["growth"] == pytest.approx(np.expm1((np.log(41) - np.log(11)) / 2))


def test_over_confident_needs_both_the_gap_and_its_rise():
    score = right([0.5, 0.5, 0.5])
    grows, meets, always = np.array([0.5, 0.6, 0.7]), np.array([0.3, 0.4, 0.45]), np.array([0.7, 0.7, 0.7])
    outcomes = [
        flag(compare_rounds(frame(score, confidence=np.broadcast_to(curve, score.shape))), "over_confident")["outcome"]
        for curve in (grows, meets, always)
    ]
    assert outcomes == ["yes", "no", "no"]


def test_calibration_by_hand():
    # Bins {.5: right 1 of 2} and {1: right 1 of 2}: reliability (0 + .25) / 2, resolution 0, uncertainty .25.
    # Brier (.25 + .25 + 0 + 1) / 4. Debiased: each bin loses its scatter .25 / (2 - 1): (-.25 + 0) / 2, so 0.
    found = calibration(np.array([0.5, 0.5, 1.0, 1.0]), np.array([1.0, 0.0, 1.0, 0.0]))
    assert (found.brier, found.reliability, found.resolution, found.uncertainty) == (0.375, 0.125, 0, 0.25)
    assert (found.l2_error, found.over_confidence) == (0, 0.25)


def test_a_calibrated_model_has_a_debiased_error_near_zero():
    squares = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        confidence = rng.random(200)
        squares.append(calibration(confidence, (rng.random(200) < confidence).astype(float)).l2_error)
    assert np.mean(squares) < 0.04  # the plug-in expected calibration error is .09 here


def test_visible_only_passes():
    score = right([0.5, 0.5, 0.5, 0.5])
    cheated = np.clip(score + (RNG.random(score.shape) < [0, 0.1, 0.2, 0.3]), 0, 1)
    found = flag(compare_rounds(frame(score, visible=cheated)), "visible_only")
    assert found["outcome"] == "yes"
    assert found["by_round"] == pytest.approx([0, 0.05, 0.1, 0.15], abs=0.02)
    assert flag(compare_rounds(frame(score, visible=score)), "visible_only")["outcome"] == "no"
    with pytest.raises(HarnessError, match="is outside 0 to 1"):
        compare_rounds(frame(score, visible=score + 1))


def test_judge_decay():
    gold = right([0.5, 0.55, 0.6, 0.65])
    wrong = RNG.random(gold.shape)
    decays, keeps = (np.where(wrong < noise, 1 - gold, gold) for noise in ([0.05, 0.1, 0.2, 0.3], [0.1] * 4))
    found = flag(compare_rounds(frame(decays, gold=gold)), "judge_decay")
    assert found["outcome"] == "yes"
    assert found["by_round"] == pytest.approx([0.95, 0.9, 0.8, 0.7], abs=0.03)
    assert flag(compare_rounds(frame(keeps, gold=gold)), "judge_decay")["outcome"] == "no"
    few = np.where(np.arange(len(gold))[:, None] < 400, gold, np.nan)
    sampled = flag(compare_rounds(frame(decays, gold=few)), "judge_decay")
    assert (sampled["outcome"], sampled["n_gold"]) == ("yes", 400)


def test_gaos_curve_finds_the_peak():
    kl = np.array([0.0, 1, 4, 9, 16, 25])
    d = np.sqrt(kl)
    means = 0.3 + d * (0.1 - 0.014 * d)  # peak at d = .1 / .028 = 3.571, KL 12.76
    gold = Moments(means, np.diag(np.full(6, 0.05 * 4000)), 4000, 4000, means[None], False)
    found = gao_curve(kl, gold)
    assert found["form"] == "best_of_n"
    assert (found["a"], found["b"]) == (pytest.approx(0.1), pytest.approx(0.014))
    assert found["peak_kl"] == pytest.approx(12.755, abs=0.01)
    assert found["peak_gain"] == pytest.approx(0.1**2 / (4 * 0.014))
    assert (found["kl"], found["past_peak"]) == (25, True)
    assert found["b_low"] < 0.014 < found["b_high"]
    means = 0.3 + d[1:] * (0.1 - 0.05 * np.log(d[1:]))  # peak at d = exp(.1 / .05 - 1) = e
    learnt = np.append(0.3, means)
    found = gao_curve(kl, Moments(learnt, gold.scatter, 4000, 4000, learnt[None], False))
    assert (found["form"], found["peak_kl"]) == ("rl", pytest.approx(np.e**2))
    assert gao_curve(kl[:3], Moments(means[:3], np.eye(3), 4000, 4000, means[None, :3], False)) is None


def test_over_optimising_carries_gaos_curve_where_kl_is_known():
    proxy, gold = right([0.3, 0.45, 0.6, 0.7, 0.8]), right([0.3, 0.4, 0.43, 0.4, 0.3])
    distance = np.broadcast_to([0.0, 1, 4, 9, 16], proxy.shape)
    found = flag(compare_rounds(frame(proxy, gold=gold, kl=distance)), "over_optimising")
    assert (found["outcome"], found["gao"]["past_peak"]) == ("yes", True)
    assert flag(compare_rounds(frame(proxy, gold=gold)), "over_optimising")["gao"] is None


def repeated(words, k=4, items=60):
    """Return a frame of k answers an item and round, drawn from so many words by round."""
    rows = [
        {"item": item, "round": number, "score": float(RNG.random() < 0.5), "text": f"it is {RNG.integers(count)}"}
        for item in range(items)
        for number, count in enumerate(words)
        for _ in range(k)
    ]
    return pd.DataFrame(rows)


def test_answers_that_become_alike():
    found = flag(compare_rounds(repeated([50, 8, 3, 1])), "less_diverse")
    assert found["outcome"] == "yes"
    assert found["vendi"]["by_round"][-1] == pytest.approx(0, abs=1e-6)
    assert found["vendi"]["high"] < 0
    assert flag(compare_rounds(repeated([1, 3, 8, 50])), "less_diverse")["outcome"] == "no"


def test_diversity_by_hand():
    # Words a a b: 2 distinct, of 3 drawn from a vocabulary of 4: 4 (1 - (3/4)^3) = 2.3125 expected.
    assert distinct(["a a", "b"], 4) == pytest.approx(2 / 2.3125)
    # Effective number of k things all different is k, of k alike 1: scaled to 1 and 0.
    assert vendi(np.eye(4)) == pytest.approx(1)
    assert vendi(np.ones((4, 4))) == pytest.approx(0, abs=1e-9)
    # Two pairs of twins: eigenvalues 1/2, 1/2, effective number 2, scaled (2 - 1) / 3.
    assert vendi(np.kron(np.eye(2), np.ones((2, 2)))) == pytest.approx(1 / 3)
    # "a b" has the words a, b and the pair ab; "a c" shares one of three.
    assert similarity(["a b", "a c", ""]) == pytest.approx(np.array([[1, 1 / 3, 0], [1 / 3, 1, 0], [0, 0, 1]]))
    assert similarity(["", ""]) == pytest.approx(np.ones((2, 2)))


def test_a_comparison_is_corrected_by_few_gold_scores():
    """The judge favours one series more and more; gold, on a quarter of the items, says that both gain alike."""
    parts = []
    for name, favour in (("flattered", 0.1), ("honest", 0.0)):
        gold = right([0.4, 0.45, 0.5, 0.55, 0.6], 4000)
        judged = np.maximum(gold, RNG.random(gold.shape) < favour * np.arange(5))
        sampled = np.where((np.arange(4000) % 4 == 0)[:, None], gold, np.nan)
        parts.append(frame(judged, gold=sampled).assign(series=name))
    corrected = compare_rounds(pd.concat(parts)).comparisons[0]
    assert (corrected.a, corrected.quantity, corrected.verdict) == ("flattered", "rate", "inconclusive")
    assert corrected.low < 0 < corrected.high
    naive = compare_rounds(pd.concat(parts).drop(columns="gold")).comparisons[0]
    assert naive.verdict == "more"
    one_sided = pd.concat([parts[0], parts[1].drop(columns="gold")])  # no gold on one side: like with like
    assert compare_rounds(one_sided).comparisons[0].value == pytest.approx(naive.value)


def test_a_flag_reads_with_its_evidence():
    decay = {"flag": "judge_decay", "outcome": "yes", "agreement": {"rate": -0.05, "low": -0.057, "high": -0.044}}
    assert flag_sentence(decay) == "judge decay: yes: agreement -5.0 points a round [-5.7, -4.4]"
    growth = {"flag": "length_growth", "outcome": "yes", "growth": 0.1, "low": 0.09, "high": 0.11}
    assert flag_sentence(growth) == "length growth: yes: +10.0 % a round [9.0, 11.0]"
    lost = {"flag": "forgetting", "outcome": "yes", "benchmark": "piqa", "rate": -0.03, "low": -0.05, "high": -0.01}
    assert flag_sentence(lost) == "forgetting (piqa): yes: -3.0 points since the first round [-5.0, -1.0]"
    assert flag_sentence({"flag": "selection_items", "outcome": "yes", "n_rows": 3}) == "selection items: yes"
    assert flag_sentence({"flag": "trade_off", "outcome": "yes", "worsening": ["b"]}) == "trade off: yes: b"
