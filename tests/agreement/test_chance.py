"""Better than chance, not better, not enough data: by hand, and how often each is said."""

from __future__ import annotations

import numpy as np
import pytest

from harness.agreement import beyond_chance, strength
from harness.agreement.coefficients.coefficients import compute
from harness.agreement.grid.units import Units

ROW = {"coefficient": "alpha", "value": 0.3, "low": 0.1, "high": 0.5, "n": 50, "percent_agreement": 0.65}


def test_three_outcomes():
    assert beyond_chance(ROW).outcome == "better"
    open_ = beyond_chance(ROW | {"low": -0.1, "high": 0.66})
    # error (.66 + .1) / 3.92 = .1939, and .3 is seen at .3 / .1939: 50 (2.8 x .1939 / .3)^2 = 163.7
    assert (open_.outcome, open_.needed) == ("not_enough", 164)
    below = ROW | {"value": 0.0, "low": -0.05, "high": 0.05, "n": 1000, "percent_agreement": 0.5}
    assert beyond_chance(below).outcome == "not_better"
    # two guesses that nearly always say the same: p = .9802, error sqrt(.9802 / (1000 x .0198)) = .222
    assert beyond_chance(below | {"percent_agreement": 0.9802}).outcome == "not_enough"


def test_without_an_interval_all_alike_is_better_where_both_values_are_common():
    alike = ROW | {"value": 1.0, "low": None, "high": None, "percent_agreement": 1.0}
    assert beyond_chance(alike, rare=10).outcome == "better"
    assert beyond_chance(alike, rare=1).outcome == "not_enough"
    assert beyond_chance(alike).outcome == "not_enough"
    assert beyond_chance(ROW | {"value": None}).outcome == "not_enough"


@pytest.mark.parametrize(("coefficient", "low", "high", "words", "source"), [
    ("alpha", 0.1, 0.39, "weak", "Fleiss"), ("alpha", 0.3, 0.5, "weak to fair", "Fleiss"),
    ("alpha", 0.72, 0.9, "fair to strong", "Fleiss"), ("spearman", 0.72, 0.9, "strong", "Schober"),
])  # fmt: skip
def test_words_for_strength_span_the_interval(coefficient, low, high, words, source):
    said, by = strength({"coefficient": coefficient, "value": (low + high) / 2, "low": low, "high": high})
    assert said == words
    assert source in by


def said(rng, n, accuracy, rate):
    """What is said of a simulated judge that is right so often, or that guesses (None)."""
    truth = (rng.random(n) < rate).astype(np.int8)
    right = rng.random(n) < (accuracy or 0)
    judge = np.where(right, truth, 1 - truth) if accuracy else (rng.random(n) < rate)
    codes = np.stack([truth, judge]).astype(np.int8)
    found = compute("alpha", Units("", ["a", "b"], codes, np.arange(2.0)).trimmed(), "nominal", resamples=200)
    row = found.to_dict() | {"coefficient": "alpha", "n": n, "percent_agreement": float((codes[0] == codes[1]).mean())}
    return beyond_chance(row).outcome


@pytest.mark.parametrize(("n", "rate"), [(15, 0.5), (15, 0.9), (60, 0.8)])
def test_a_good_judge_is_not_condemned_and_a_guess_not_praised(n, rate):
    """Formerly a judge right in 80 % of 15 items was condemned in half of all runs."""
    rng = np.random.default_rng(0)
    assert sum(said(rng, n, 0.8, rate) == "not_better" for _ in range(100)) <= 3
    assert sum(said(rng, n, None, rate) == "better" for _ in range(100)) <= 9
