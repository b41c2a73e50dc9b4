"""Verdicts and the numbers under them on cases small enough to be worked out by hand."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from harness.errors import HarnessError
from harness.rounds.verdict.needed import Needs, Precision
from harness.rounds.verdict.overview import overview
from harness.rounds.verdict.plan import plan_rounds
from harness.rounds.verdict.rounds import compare_rounds
from harness.rounds.verdict.saturation import saturated
from harness.rounds.verdict.shape import PACES, describe
from harness.statistics import Moments, counted, gain_variance
from harness.statistics.intervals import bca, from_left_out


def known(means, error=1e-3, units=100):
    """Return moments of independent columns whose means have one standard error, without a guard."""
    means = np.asarray(means, dtype=float)
    scatter = error**2 * units * (units - 1) * np.eye(len(means))
    return Moments(means, scatter, units, units, means[None], 0.0)


def test_the_variance_of_a_gain_is_averaged_over_the_pairs():
    # var(a - b) = 1 + 2 - 2 * .5 = 2; of independent columns of variance 1 it is 2; of one column its own.
    both = np.array([[[1, 0.5], [0.5, 2]], np.eye(2)])
    assert gain_variance(both) == pytest.approx([2, 2])
    assert gain_variance(np.array([[3.0]])) == 3
    # Pairs of three columns: 1 + 2 - 0, 1 + 3 - 2, 2 + 3 - 1: 3, 2 and 4.
    assert gain_variance(np.array([[1, 0, 1], [0, 2, 0.5], [1, 0.5, 3]])) == pytest.approx(3)


def test_hotelling_of_one_contrast_is_the_t_test_and_of_two_its_f():
    scores = np.random.default_rng(0).normal(size=(1, 40, 3)) / 10
    moments = Moments.of(scores, reach=0.0)
    steps = np.array([[-1.0, 1, 0], [0, -1, 1]])
    apart = scores[0] @ steps.T
    t = stats.ttest_1samp(apart[:, 0], 0)
    # Without a guard the spread still counts two units more: over 41 * 42, not 40 * 39.
    wider = (41 * 42) / (40 * 39)
    assert moments.p_equal(steps[:1]) == pytest.approx(2 * stats.t.sf(abs(t.statistic) * np.sqrt(wider), 39))
    squared = wider * 40 * apart.mean(axis=0) @ np.linalg.inv(np.cov(apart.T)) @ apart.mean(axis=0)
    assert moments.p_equal(steps) == pytest.approx(stats.f.sf(squared * 38 / (2 * 39), 2, 38))


@pytest.mark.parametrize(
    ("means", "best", "at", "ahead"),
    [
        ([0.1, 0.2, 0.3, 0.4, 0.5], "linear", None, 0.1),
        ([0.1, 0.3, 0.5, 0.5, 0.5, 0.5], "plateau", "c", 0.0),
        ([0.1, 0.3, 0.5, 0.4, 0.3, 0.2], "peak", "c", -0.1),
        ([0.4, 0.4, 0.4, 0.4], "constant", None, 0.0),
    ],
)
def test_a_curve_without_noise_is_the_shape_that_it_is(means, best, at, ahead):
    found = describe(known(means), list("abcdef")[: len(means)])
    assert (found["best"], found["at"]) == (best, at)
    assert found["next_gain"]["value"] == pytest.approx(ahead, abs=2e-3)
    assert found["next_gain"]["low"] <= found["next_gain"]["value"] <= found["next_gain"]["high"]
    assert found["next_gain"]["high"] - found["next_gain"]["low"] < 0.02


def test_shapes_are_weighed_by_aic_and_foretell_together():
    # Errors of .01. Constant at .5166667: squares 2.78 + .11 + 1.78 = 4.667, and 2 for its level. Line of slope .015:
    # residuals -.0017, .0033, -.0017: .1667, and 4. Other shapes have as many parameters as there are rounds.
    found = describe(known([0.5, 0.52, 0.53], error=0.01, units=10**6), ["x", "y", "z"])
    line = 1 / (1 + np.exp((4.1667 - 6.6667) / 2))
    assert found["weights"] == pytest.approx({"constant": 1 - line, "linear": line}, abs=1e-4)
    assert (found["best"], found["at"]) == ("linear", None)
    gain = 0.015 * line
    error = (1 - line) * gain + line * np.sqrt(0.01**2 / 2 + (0.015 - gain) ** 2)
    assert found["next_gain"] == pytest.approx(
        {"value": gain, "low": gain - 1.96 * error, "high": gain + 1.96 * error}, abs=1e-6
    )
    # What is left to gain shrinks by one factor, every round.
    approaching = describe(known(0.8 - 0.4 * np.exp(-PACES[20] * np.arange(6))), list(range(6)))
    assert (approaching["best"], approaching["at"]) == ("saturating", None)
    assert approaching["next_gain"]["value"] == pytest.approx(
        0.4 * (1 - np.exp(-PACES[20])) * np.exp(-5 * PACES[20]), abs=1e-3
    )


def test_a_series_near_the_top_says_how_near():
    (flag,) = saturated(known([0.5, 0.993]), 0.01, 1.0)
    assert flag == {"flag": "saturated", "outcome": "yes", "score": 0.993, "top": 1.0, "left": pytest.approx(0.007)}
    assert saturated(known([0.993, 0.5]), 0.01, 1.0) == []  # the last round counts, not the best
    assert saturated(known([0.5, 0.96], error=0.02), 0.01, 1.0) != []  # .04 is two standard errors
    assert saturated(known([0.5, 0.95], error=0.02), 0.01, 1.0) == []


def test_the_precision_of_gains_by_hand():
    # Scatter of 20 units: 19 * [[.1, .02], [.02, .2]]: a gain's variance is .1 + .2 - .04 = .26.
    means, scatter = np.array([0.4, 0.5]), 19 * np.array([[0.1, 0.02], [0.02, 0.2]])
    one = Precision.of(Moments(means, scatter, 40, 20, means[None]))
    assert (one.rounds, one.variance, one.reach, one.size) == (2, pytest.approx(0.26), 0.5, 2)
    assert (one.seed_variance, one.seed_df) == (0.0, np.inf)
    # Three seeds whose gains are .1, .2 and .3: their mean's variance is .01 / 3, on 2 degrees of freedom.
    seeds = np.array([[0.4, 0.5], [0.4, 0.6], [0.4, 0.7]])
    three = Precision.of(Moments(seeds.mean(axis=0), scatter, 40, 20, seeds))
    assert (three.seed_variance, three.seed_df) == (pytest.approx(0.01 / 3), 2)


def test_what_is_needed_is_said_only_of_an_open_verdict():
    moments = known([0.40, 0.43], error=0.02, units=400)
    open_, closed = (Needs.of(moments, 0.01, 0.05, asked) for asked in (True, False))
    assert closed.seen is None
    assert open_.seen > 0
    assert open_.more == open_.seen
    assert closed.more == closed.general == max(closed.needed.detect, closed.needed.certify) - 400
    assert Needs.of(known([0.40, 0.405], error=0.02, units=400), 0.01, 0.05, True).seen is None  # within the SESOI


def test_a_plan_says_what_it_was_made_for_and_which_number_makes_no_sense():
    plan = plan_rounds(rounds=5, items=300, sesoi=2.0)
    assert (plan.rounds, plan.items, plan.sesoi, plan.window) == (5, 300, pytest.approx(0.02), [2, 4])
    usual = plan_rounds(6, sesoi=1.0, sd=0.5, correlation=0.7, significance=0.05, look="final")
    assert plan_rounds() == usual
    assert plan_rounds(2, 20, sd=0.5, correlation=-0.99).items == 20  # the least that makes sense
    for name, wrong in (
        ("rounds", 1),
        ("items", 19),
        ("significance", 0.5),
        ("sesoi", 0),
        ("sd", 0.6),
        ("correlation", 1),
        ("look", "now"),
    ):
        needs = (
            f"{name} {wrong}: a plan needs 2 rounds, 20 items, a sesoi above 0, a standard deviation in (0, .5], "
            "a correlation in (-1, 1), a significance in (0, .5), and the look 'final' or 'every'"
        )
        with pytest.raises(HarnessError, match=rf"^{re.escape(needs)}$"):
            plan_rounds(**{"rounds": 5, "sesoi": 2.0, name: wrong})


def drawn(series, curve, seed):
    scores = np.random.default_rng(seed).random((400, len(curve))) < np.asarray(curve)
    item, number = np.indices(scores.shape)
    rows = {"item": item.ravel(), "round": number.ravel(), "score": scores.ravel().astype(float)}
    return pd.DataFrame({**rows, "series": series, "benchmark": "b"})


def test_an_open_verdict_over_the_control_says_how_many_more_items():
    frame = pd.concat([drawn("verifier", [0.4, 0.41], 2), drawn("none", [0.4, 0.4], 1)])
    found = compare_rounds(frame, control="none")
    over = next(one for one in found.results if one.series == "verifier").over_control
    assert over.verdict == "inconclusive"
    assert over.more_items == over.needs.more > 0
    settled = compare_rounds(
        pd.concat([drawn("verifier", [0.2, 0.8], 0), drawn("none", [0.2, 0.2], 1)]), control="none"
    )
    assert next(one for one in settled.results if one.series == "verifier").over_control.more_items is None


def test_feedback_that_cost_nothing_has_no_gain_by_cost():
    frame = pd.concat([drawn("verifier", [0.4, 0.6], 0), drawn("none", [0.4, 0.4], 1)])
    for costs in ({"verifier": 100, "none": 0}, {"verifier": 0, "none": 100}, {"verifier": 100}):
        quantities = {one.quantity for one in compare_rounds(frame, costs={"labels": costs}).comparisons}
        assert quantities == {"rate", "final", "gain"}


def test_comparisons_together_hold_by_holm_at_the_level_of_each():
    frame = pd.concat([drawn(name, [0.4, 0.5], seed) for seed, name in enumerate(("a", "b", "none"))])
    pair = [one for one in compare_rounds(frame, control="none").comparisons if one.quantity == "gain"]
    # Level .9: each side .05. Holm of .02 and .5 gives .04 and .5; of .03 and .5 it gives .06.
    for least, said in ((0.02, "a more than none on b"), (0.03, "no difference holds")):
        first, second = (
            replace(one, p_values={"more": p, "less": 0.9}) for one, p in zip(pair, (least, 0.5), strict=True)
        )
        lone = replace(first, quantity="rate")  # one alone is not summed up
        assert overview([], [lone, first, second]) == [f"gain, 2 comparisons together (Holm): {said}"]


def test_intervals_by_hand():
    # Draws without bias or acceleration: the plain quantiles, 2.5 and 97.5 of 0 to 100.
    symmetric, left_out, times = np.arange(101.0), np.array([49.0, 50, 51]), np.array([1, 1, 1])
    assert bca(50.0, symmetric, left_out, times) == pytest.approx((2.5, 97.5))
    assert bca(50.0, symmetric, left_out, times, level=0.8) == pytest.approx((10, 90))
    still = from_left_out(0.5, np.full(3, 0.5), times, n=3)
    assert (still.value, still.reason, np.isnan(still.low)) == (0.5, "no_variation", True)


def test_codes_are_counted_once_each():
    assert counted(np.array([0, 1, 1, 3])).tolist() == [1, 2, 0, 1]
    assert counted(np.array([1]), least=3).tolist() == [0, 1, 0]
    assert counted(np.array([], dtype=int)).tolist() == []


def test_the_guard_makes_equality_likelier():
    scores = np.random.default_rng(0).normal(0.05, 0.1, size=(1, 40, 3)).cumsum(axis=2)
    steps = np.array([[-1.0, 1, 0], [0, -1, 1]])
    free, guarded = (float(Moments.of(scores, reach=reach).p_equal(steps)) for reach in (0.0, 0.5))
    assert free < guarded < 1


def test_what_an_open_and_a_falling_series_are_told():
    open_ = compare_rounds(drawn("a", [0.4, 0.41], 2)).results[0]
    assert (open_.verdict, open_.more_items) == ("inconclusive", open_.needs.more)
    able = f"certify a standstill within {100 * open_.needs.smallest_certifiable_sesoi:.2g} (80 % power)"
    assert able in open_.sentence
    settled = compare_rounds(drawn("a", [0.2, 0.8], 0)).results[0]
    assert (settled.verdict, settled.more_items) == ("improving", None)
    falling = compare_rounds(pd.concat([drawn("a", [0.1, 0.9, 0.6], 0)]))
    assert "none of it after round 1, and worse since" in falling.answers[0]


def test_series_of_different_length_are_named_with_their_last_scores():
    frame = pd.concat([drawn("a", [0.4, 0.5, 0.6], 0), drawn("b", [0.4, 0.5], 1)])
    found = compare_rounds(frame)
    (told,) = (one for one in found.warnings if one["code"] == "rounds_differ")
    assert (told["benchmark"], told["series"]) == ("b", "a")
    means = frame.groupby(["series", "round"])["score"].mean()
    finals = found.comparisons[0].finals
    assert finals["a"] == {"round": 2, "score": pytest.approx(means["a", 2])}
    assert finals["b"] == {"round": 1, "score": pytest.approx(means["b", 1])}
