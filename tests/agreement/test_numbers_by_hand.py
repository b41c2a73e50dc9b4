"""The numbers under every statistic: counts of codes, intervals, regressions, components; by hand and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.sparse import csr_array

from harness.statistics import arrays, intervals, regression
from harness.statistics.components import Crossed, generalizability
from harness.statistics.intervals import (
    Additive,
    Estimate,
    Weighted,
    bca,
    bootstrap,
    estimate,
    from_left_out,
    resampled,
)
from harness.statistics.regression import logistic


def test_codes_are_found_where_they_first_stand(monkeypatch):
    codes = np.array([2, 0, 2, 1, 0, 3])
    assert arrays.occurring(codes, 5).tolist() == [True, True, True, True, False]
    for block in (1, 2, 4, 100):
        monkeypatch.setattr(arrays, "BLOCK", block)
        assert arrays.first_rows(codes, 4).tolist() == [1, 3, 0, 5]
        assert arrays.counted(codes).tolist() == [2, 1, 2, 1]
        assert arrays.counted(codes, 6).tolist() == [2, 1, 2, 1, 0, 0]
    assert [arrays.smallest(n) for n in (127, 128, 32767, 32768, 2**31 - 1, 2**31)] == [
        np.int8, np.int16, np.int16, np.int32, np.int32, np.int64,
    ]  # fmt: skip


def test_logistic_regression_by_hand(monkeypatch):
    # Two groups: 1 of 4 and 3 of 6 came true: logits -log 3 and 0.
    x = np.column_stack([np.ones(10), np.arange(10) >= 4])
    y = np.array([1, 0, 0, 0, 1, 1, 1, 0, 0, 0.0])
    assert logistic(x, y)[0] == pytest.approx([-np.log(3), np.log(3)])
    # Weights: the first of the four counts three times, so 3 of 6; an offset is taken off the first coefficient.
    weights = np.ones((2, 10))
    weights[1, 0] = 3
    assert logistic(x, y, weights) == pytest.approx(np.array([[-np.log(3), np.log(3)], [0, 0]]), abs=1e-8)
    assert logistic(x, y, offset=0.5)[0] == pytest.approx([-np.log(3) - 0.5, np.log(3)])
    # Many weightings in blocks are as each alone; two columns that say the same share their coefficient.
    weights = np.random.default_rng(0).integers(1, 4, (5, 10)).astype(float)
    alone = np.concatenate([logistic(x, y, one[None]) for one in weights])
    for chunk in (1, 10, 25):
        monkeypatch.setattr(regression, "CHUNK", chunk)
        assert logistic(x, y, weights) == pytest.approx(alone)
    assert logistic(x[:, [0, 1, 1]], y)[0] == pytest.approx([-np.log(3), np.log(3) / 2, np.log(3) / 2])


def test_a_ridge_is_half_the_penalty_of_a_square():
    rng = np.random.default_rng(1)
    x, y, offset = rng.normal(size=(30, 2)) * 3, (rng.random(30) < 0.5).astype(float), rng.normal(size=30)

    def loss(b):
        z = x @ b + offset
        return np.sum(np.logaddexp(0, z) - y * z) + 0.7 / 2 * b @ b

    best = optimize.minimize(loss, np.zeros(2), tol=1e-12).x
    assert logistic(x, y, ridge=0.7, offset=offset)[0] == pytest.approx(best, abs=1e-5)


def test_bca_has_a_bias_an_acceleration_and_ends():
    rng = np.random.default_rng(2)
    draws, left_out, times = rng.normal(size=1001), np.array([0.0, 0.1, 0.5, np.nan]), np.array([5, 3, 2, 9])
    draws[::100] = 0.2  # eleven at the value itself, which count half
    value = 0.2
    bias = stats.norm.ppf((np.sum(draws < value) + 5.5) / 1001)
    gap = (0.3 + 1) / 10 - left_out[:3]
    spread = times[:3] @ gap**2
    acceleration = times[:3] @ gap**3 / (6 * spread**1.5)
    z = bias + stats.norm.ppf([0.05, 0.95])
    ends = np.quantile(draws, stats.norm.cdf(bias + z / (1 - acceleration * z)))
    draws_and_unknown = np.append(draws, np.nan)
    assert bca(value, draws_and_unknown, left_out, times, level=0.9) == pytest.approx(tuple(ends))
    # Beyond all draws the bias is that of half a draw; without jackknife values there is no acceleration.
    for value, share in ((-9.0, 0.5 / 1001), (9.0, 1 - 0.5 / 1001)):
        z = 2 * stats.norm.ppf(share) + stats.norm.ppf([0.025, 0.975])
        for none in (np.array([np.nan]), np.array([0.3, 0.3])):
            found = bca(value, draws, none, np.ones(len(none), int))
            assert found == pytest.approx(tuple(np.quantile(draws, stats.norm.cdf(z))))
    for still in (np.full(9, 0.5), np.array([]), np.array([np.nan])):
        assert np.isnan(bca(0.5, still, left_out, times)).all()


def mean_of(x, counts):
    return Additive(np.column_stack([x, np.ones(len(x))]), np.asarray(counts), lambda s: s[:, 0] / s[:, 1])


def test_the_normal_interval_of_the_jackknife_by_hand(monkeypatch):
    # 0, 1, 1, 2 stand 3, 2, 2 and 3 times: the mean 1, its variance 6 / 9 / 10.
    mean = mean_of(np.array([0.0, 1, 1, 2]), [3, 2, 2, 3])
    left_out, times = mean.without()
    assert left_out == pytest.approx([10 / 9, 1, 1, 8 / 9])
    margin = stats.norm.ppf(0.95) * np.sqrt(6 / 9 / 10)
    found = from_left_out(0.5, left_out, times, n=10, level=0.9)
    assert (found.low, found.high, found.n, found.method) == (
        pytest.approx(0.5 - margin),
        pytest.approx(0.5 + margin),
        10,
        "clt",
    )
    assert from_left_out(0.9, left_out, times, n=10, level=0.9).high == 1  # coefficients end at 1
    monkeypatch.setattr(intervals, "CHUNK", 3)  # a block at a time
    assert mean.without()[0] == pytest.approx(left_out)
    assert not intervals.is_large(mean)
    monkeypatch.setattr(intervals, "CLT_ABOVE", 10)
    assert not intervals.is_large(mean)
    monkeypatch.setattr(intervals, "CLT_ABOVE", 9)
    assert intervals.is_large(mean)
    monkeypatch.setattr(intervals, "CLT_ABOVE", 99)
    monkeypatch.setattr(intervals, "BLOCKS_ABOVE", 3)
    assert intervals.is_large(mean)


def test_an_estimate_says_why_it_has_no_interval():
    nothing = Additive(np.ones((2, 1)), np.array([1, 1]), lambda s: s[:, 0] * np.nan)
    assert estimate(nothing, 2, undefined="one_rater").to_dict() == {
        "value": None, "low": None, "high": None, "n": 2, "reason": "one_rater",
    }  # fmt: skip
    assert estimate(mean_of([1.0], [1]), 1, undefined="").reason == "too_few_items"
    assert estimate(mean_of([1.0, 1.0], [1, 1]), 2, undefined="").reason == "no_variation"
    quick = estimate(mean_of([0.0, 1.0], [1, 1]), 2, undefined="", resamples=0)
    assert quick.to_dict() == {"value": 0.5, "low": None, "high": None, "n": 2, "reason": "no_resamples"}
    assert Estimate(0.5, 0.4, 0.6, 9).to_dict()["reason"] is None


@pytest.mark.parametrize("counts", [[1, 2, 1], [40, 40, 20]])
def test_resamples_have_as_many_items_whatever_is_held_at_once(counts, monkeypatch):
    found = list(resampled(np.array(counts), 50, 0))
    assert [one.shape for one in found] == [(50, 3)]
    assert (found[0].sum(axis=1) == sum(counts)).all()
    assert found[0].mean(axis=0) == pytest.approx(np.array(counts), rel=0.4)
    monkeypatch.setattr(intervals, "CHUNK", 3 if counts[0] > 1 else 12)
    parts = list(resampled(np.array(counts), 50, 0))
    assert sum(len(one) for one in parts) == 50
    assert max(len(one) for one in parts) == (1 if counts[0] > 1 else 3)
    assert all((one.sum(axis=1) == sum(counts)).all() for one in parts)
    assert len(bootstrap(mean_of(np.arange(3.0), counts), 7, 0)) == 7


def test_what_is_no_sum_is_left_out_block_by_block(monkeypatch):
    # Two kinds of items in three blocks: 2 + 0, 1 + 1, 0 + 3 items; blocks stand 1, 2 and 1 times.
    share = csr_array(np.array([[2.0, 0], [1, 1], [0, 3]]))
    kinds = Weighted(lambda w: w[:, 0] / w.sum(axis=1), np.array([1, 2, 1]), share=share)
    assert kinds.at(np.array([[1.0, 2, 1], [0, 1, 0]])) == pytest.approx([4 / 9, 1 / 2])
    left_out, times = kinds.without()
    assert left_out == pytest.approx([2 / 7, 3 / 7, 4 / 6])
    assert times.tolist() == [1, 2, 1]
    assert kinds.redrawn(np.array([[1.0, 2, 1]])) == pytest.approx([4 / 9])
    again = Weighted(kinds.function, kinds.counts, lambda w: w[:, 0] * 0 + 7)
    assert again.redrawn(np.ones((2, 3))).tolist() == [7, 7]
    monkeypatch.setattr(intervals, "CHUNK", 2)
    assert kinds.without()[0] == pytest.approx(left_out)
    monkeypatch.setattr(intervals, "GROUPS", 2)  # two groups of two of the four items
    left_out, times = Weighted(lambda w: w.sum(axis=1), np.array([1, 2, 1])).without()
    assert (left_out.tolist(), times.tolist()) == ([2, 2], [1, 1])


def test_wilson_is_scipys_at_every_level():
    for k, n, level in ((0, 5, 0.95), (5, 5, 0.9), (3, 17, 0.8)):
        reference = stats.binomtest(k, n).proportion_ci(level, method="wilson")
        assert intervals.wilson(k, n, level) == pytest.approx((reference.low, reference.high))
    assert np.isnan(intervals.wilson(0, 0)).all()


def test_the_error_of_a_mean_of_ratings_by_hand():
    # Items .5, raters .2, items x raters .3, repetition .4; two raters of three repetitions each.
    effects = [("item",), ("rater",), ("item", "rater"), ("item", "rater", "repetition")]
    found = generalizability(np.array([0.5, 0.2, 0.3, 0.4]), effects, {"rater": 2, "repetition": 3})
    order, number = 0.3 / 2 + 0.4 / 6, 0.2 / 2 + 0.3 / 2 + 0.4 / 6
    assert found.error == pytest.approx(np.sqrt(number))
    assert found.generalizability == pytest.approx(0.5 / (0.5 + order))
    assert found.dependability == pytest.approx(0.5 / (0.5 + number))
    # Below zero counts as nothing; a facet that is not named is of one.
    below = generalizability(np.array([[0.5, -0.2, 0.3, 0.4]]), effects, {})
    assert below.error == pytest.approx([np.sqrt(0.7)])


def test_the_noise_of_a_facets_means_by_hand():
    # Three items, two raters, two ratings a cell: a rater's mean is over three cells and six ratings.
    item, rater, _ = (part.ravel() for part in np.indices((3, 2, 2)))
    crossed = Crossed(np.arange(12.0), {"item": item, "rater": rater}, item, True)
    assert crossed.effects == [("item",), ("rater",), ("item", "rater"), ("item", "rater", "repetition")]
    assert crossed.noise("rater") == pytest.approx([0, 0, 1 / 3, 1 / 6])
    assert crossed.noise("item") == pytest.approx([0, 0, 1 / 2, 1 / 4])
    assert Crossed(np.arange(12.0), {"item": item, "rater": rater}, item, False).effects == [
        ("item",), ("rater",), ("item", "rater", "repetition"),
    ]  # fmt: skip
    assert crossed.counts.tolist() == [1, 1, 1]
    # An item that stands twice is two items: four cells a rater, eight ratings.
    twice = Crossed(np.arange(12.0), {"item": item, "rater": rater}, item, True, np.array([2, 1, 1]))
    assert twice.noise("rater") == pytest.approx([0, 0, 1 / 4, 1 / 8])
