"""Audits accuse the biased and nobody else: a part of the grid of benchmarks/trust_error_rates.py, simulated judges."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.agreement.audits.biases import length, position, self_preference
from harness.agreement.audits.held_equal import Reference, taste
from harness.agreement.audits.position import exact_share, first_preference
from harness.agreement.audits.subject import subject_of

N = 300


def compared(rng, *, wins=0.5, accuracy=0.8, correlation=0.0, people=0, favour=0.0, longer=0.0):
    """The judge's own family (the response) against another; people, right in 80 %, or a verifier, judge too."""
    latent = rng.normal(size=N)
    better = latent > np.quantile(rng.normal(size=20_000), 1 - wins)
    length_gap = correlation * latent + (1 - correlation**2) ** 0.5 * rng.normal(size=N)
    takes = np.where(rng.random(N) < accuracy, better, ~better)
    takes = np.where(rng.random(N) < favour, True, takes)
    takes = np.where(rng.random(N) < longer, length_gap > 0, takes)
    ids = {side: [f"{side}{k}" for k in range(N)] for side in ("i", "a", "b")}
    pair = pd.DataFrame({"item_id": ids["i"], "response_id": ids["a"], "against_id": ids["b"], "scale": "preference"})
    sides = {"model": "gpt-4o", "against_model": "claude-3", "length": 500 + 50 * length_gap,
             "against_length": 500 - 50 * length_gap}  # fmt: skip
    judge = pair.assign(rater="judge", rater_kind="judge", value=takes * 1.0, order="response_first", **sides)
    said = [np.where(rng.random(N) < 0.8, better, ~better) for _ in range(people)]
    others = [pair.assign(rater=f"p{k}", rater_kind="human", value=one * 1.0) for k, one in enumerate(said)]
    key = [] if people else [pair.assign(rater="key", rater_kind="verifier", value=better * 1.0)]
    return subject_of(pd.concat([judge, *others, *key]), "judge", judge_model="gpt-4")


def flagged(check, reps=12, **how):
    rng = np.random.default_rng(0)
    return sum(check(compared(rng, **how)).verdict == "flagged" for _ in range(reps)) / reps


def accused(reps=40, *, wins, accuracy, people, favour=0.0):
    """How often `taste` says that a judge of pairs likes its own, or the others; people are right in 80 %."""
    rng = np.random.default_rng(5)
    item, found = pd.Series(np.arange(N).astype(str)), 0
    for _ in range(reps):
        better = rng.random(N) < wins
        takes = np.where(rng.random(N) < accuracy, better, ~better)
        takes = np.where(rng.random(N) < favour, True, takes)
        said = [np.where(rng.random(N) < 0.8, better, ~better) for _ in range(people)] or [better]
        noise = np.var(said, axis=0, ddof=1) / people if people > 1 else np.full(N, np.nan)
        one = taste(takes - 0.5, Reference(np.mean(said, axis=0) - 0.5, noise, not people), None, item)
        found += one.low > 0 or one.high < 0
    return found / reps


@pytest.mark.parametrize("people", [0, 1, 2])
@pytest.mark.parametrize(("wins", "accuracy"), [(0.25, 0.8), (0.75, 0.65)])
def test_an_unbiased_judge_whose_own_answers_win_less_is_not_accused(wins, accuracy, people):
    """The mean of (judge - people) flagged such judges in .25 to .87 of runs: it is drawn to the middle."""
    assert accused(wins=wins, accuracy=accuracy, people=people) <= 6 / 40


@pytest.mark.parametrize("people", [0, 2])
def test_a_planted_taste_is_found(people):
    assert accused(reps=30, wins=0.5, accuracy=0.8, people=people, favour=0.2) >= 0.7


@pytest.mark.parametrize("people", [0, 1, 2])
def test_an_unbiased_judge_is_not_accused_of_length_where_longer_is_better(people):
    assert flagged(length, correlation=0.5, people=people) <= 3 / 12


def test_a_planted_bias_is_found():
    assert flagged(self_preference, favour=0.2) >= 0.8
    assert flagged(length, longer=0.2) >= 0.8


def test_equal_error_rates_by_hand():
    """Own better in 4 pairs, of which the judge takes 1 from it; other better in 4, of which it takes 3 for its own.

    (3/4 - 1/4) / 2 = .25 (each ten times, so that there are pairs enough).
    """
    better = np.tile([1, 1, 1, 1, 0, 0, 0, 0], 10)
    takes = np.tile([1, 1, 1, 0, 1, 1, 1, 0], 10)
    ids = [f"x{k:02}" for k in range(80)]
    pair = pd.DataFrame({"item_id": ids, "response_id": "a", "against_id": "b", "scale": "preference"})
    judge = pair.assign(rater="judge", rater_kind="judge", value=takes * 1.0, order="response_first",
                        model="gpt-4o", against_model="claude-3")  # fmt: skip
    key = pair.assign(rater="key", rater_kind="verifier", value=better * 1.0)
    found = self_preference(subject_of(pd.concat([judge, key]), "judge", judge_model="gpt-4"))
    assert found.value == pytest.approx(0.25)
    assert found.verdict == "flagged"


def test_one_person_s_errors_are_said_and_two_people_s_taken_out():
    rng = np.random.default_rng(1)
    one, two = (self_preference(compared(rng, wins=0.25, people=people)) for people in (1, 2))
    assert "let a second person rate some" in one.reason
    assert "people's own noise is taken out, by 300 that two of them rated" in two.reason
    assert one.high - one.low > two.high - two.low


def test_ten_percent_by_place_are_found_at_a_hundred_pairs():
    """Ten pairs changed with the order, all towards the first place: an exact sign test, .5^10 on each side."""
    one = np.array([1.0] * 50 + [0.0] * 40 + [1.0] * 10)
    other = np.array([1.0] * 50 + [0.0] * 50)
    found, changed = first_preference(one, other)
    assert (found.value, changed) == (pytest.approx(0.55), 10)
    # Clopper and Pearson of 10 of 10: .025^(1/10) = .6915 to 1, of a tenth of the pairs: .5 + .1 x (.6915 - .5)
    assert found.low == pytest.approx(0.5 + 0.1 * (0.025**0.1 - 0.5))
    # over pairs: changes of 1 in a tenth, sd .3, so .55 + 1.96 x .3 / (2 x 10)
    assert found.high == pytest.approx(0.55 + 1.96 * 0.3 / 20)
    rows = pd.DataFrame({"item_id": np.arange(100).astype(str), "rater": "judge", "rater_kind": "judge"})
    rows = rows.assign(response_id="a", against_id="b", scale="preference")
    both = [
        rows.assign(order=order, value=value) for order, value in (("response_first", one), ("against_first", other))
    ]
    assert position(subject_of(pd.concat(both), "judge"))[1].verdict == "flagged"


def test_exact_intervals_of_a_share():
    """Published: 0 of 10 is 0 to .3085, 3 of 10 .0667 to .6525 (Clopper and Pearson 1934)."""
    assert exact_share(0, 10) == (0.0, pytest.approx(0.3085, abs=1e-4))
    assert exact_share(3, 10) == (pytest.approx(0.0667, abs=1e-4), pytest.approx(0.6525, abs=1e-4))
    assert exact_share(0, 0) == (0.0, 1.0)
