"""Moments of rounds, and the last round that helped: against scipy and by hand, one series and many at once."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from harness.rounds.verdict.last_gain import last_gain, p_later, slope
from harness.rounds.verdict.verdict import judge
from harness.statistics import Moments
from harness.statistics.moments import ContrastEstimates, proxy_weight, reach_of

MANY = 10**6
"""Units of which t is the normal, and the guard nothing."""


def known(means, error, seeds=None):
    """Return moments of independent columns whose means have one standard error, without a guard."""
    means = np.asarray(means, dtype=float)
    scatter = error**2 * MANY * (MANY - 1) * np.eye(means.shape[-1])
    return Moments(means, scatter, MANY, MANY, means[..., None, :] if seeds is None else seeds, 0.0)


def test_bounds_and_p_values_are_those_of_t():
    # (.3 - .1) / sqrt(.004 + .006) = 2 on 5 degrees of freedom.
    found = ContrastEstimates(*(np.array([x]) for x in (0.4, 0.3, 0.004, 0.006, 5.0)))
    assert found.se == pytest.approx(0.1)
    assert found.p_above(0.1) == pytest.approx(stats.t.sf(2, 5))
    assert found.p_below(0.1) == pytest.approx(stats.t.cdf(2, 5))
    assert found.p_above() == pytest.approx(stats.t.sf(3, 5))
    assert found.p_below() == pytest.approx(stats.t.cdf(3, 5))
    assert found.low(0.05) == pytest.approx(0.3 - 0.1 * stats.t.ppf(0.95, 5))
    assert found.high(0.01) == pytest.approx(0.3 + 0.1 * stats.t.ppf(0.99, 5))
    one = found.one(0)
    assert (one.value, one.centre, one.item_variance, one.seed_variance, one.df) == (0.4, 0.3, 0.004, 0.006, 5)
    assert one.se == pytest.approx(0.1)


def test_without_an_error_a_contrast_is_on_one_side_of_a_mark():
    zero = np.zeros(3)
    found = ContrastEstimates(zero, np.array([-1.0, 0, 1]), zero, zero, zero + 9)
    with np.errstate(all="raise"):  # in silence
        above, below = ([each(mark) for mark in (0, 0.5)] for each in (found.p_above, found.p_below))
    for p_values, said in zip(above + below, ([1, 1, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1]), strict=True):
        assert p_values.tolist() == said
        assert p_values.dtype == np.float64


def test_moments_of_scores_seeds_and_clusters_are_numpys():
    scores = np.random.default_rng(0).normal(0.5, 0.1, size=(3, 12, 4))
    found, of_items = Moments.of(scores, reach=0.0), scores.mean(axis=0)
    seeds = scores.mean(axis=1)
    assert found.covariance() == pytest.approx(np.cov(of_items.T) / 12 + np.cov(seeds.T) / 3)
    assert (found.n_items, found.n_units) == (12, 12)
    assert Moments.of(scores).reach == pytest.approx(np.ptp(scores, axis=2).max() / 2)
    # Four clusters of three: their sums around the mean, over 3 items each; 4 / 3 for one degree of freedom.
    cluster = np.repeat([7, 1, 5, 3], 3)
    sums = (of_items - of_items.mean(axis=0)).reshape(4, 3, 4).sum(axis=1) / 12
    grouped = Moments.of(scores[:1] * 0 + of_items, cluster, reach=0.0)
    assert (grouped.n_items, grouped.n_units) == (12, 4)
    assert grouped.covariance() == pytest.approx(sums.T @ sums * 4 / 3)
    some = found.columns([3, 1])
    assert some.means == pytest.approx(found.means[[3, 1]])
    assert some.covariance() == pytest.approx(found.covariance()[np.ix_([3, 1], [3, 1])])


def test_a_few_seeds_that_differ_most_have_their_own_degrees():
    step = np.array([[-1.0, 1]])
    quiet, loud = (
        Moments(np.array([0.4, 0.5]), 20 * 19 * 0.0005 * np.eye(2), 20, 20, np.array(seeds), 0.0)
        for seeds in ([[0.41, 0.5], [0.4, 0.5], [0.39, 0.5]], [[0.4, 0.4], [0.4, 0.5], [0.4, 0.6]])
    )
    # Gains .09, .1, .11: their mean's variance is .0001 / 3; the items' part is 2 x .0005 = .001 on 19.
    few = quiet.estimates(step).one(0)
    assert (few.item_variance, few.seed_variance) == (pytest.approx(0.001), pytest.approx(0.0001 / 3))
    assert few.df == pytest.approx((0.001 + 0.0001 / 3) ** 2 / (0.001**2 / 19 + (0.0001 / 3) ** 2 / 2))
    # Gains 0, .1, .2: .01 / 3 is more than the items' .001.
    assert (loud.estimates(step).one(0).seed_variance, loud.estimates(step).one(0).df) == (pytest.approx(0.01 / 3), 2)


def test_few_seeds_test_equality_by_bonferroni():
    # Two seeds leave one degree of freedom, three contrasts none: the smallest of three p values of two sides.
    means, apart = np.array([0.4, 0.5, 0.5, 0.5]), np.array([0, 0.01, 0.04, -0.03])
    seeds = np.array([means + apart, means - apart])
    found = Moments(means, 1e-6 * np.eye(4), 50, 50, seeds, 0.0)
    steps = np.diff(np.eye(4), axis=0)
    # The gain of .1 has seeds .11 and .09: a standard error of .01, t = 10.
    assert found.p_equal(steps) == pytest.approx(6 * stats.t.sf(10, 1), rel=1e-3)
    still = Moments(means * 0 + 0.5, found.scatter, 50, 50, seeds - means + 0.5, 0.0)
    assert still.p_equal(steps) == 1


def test_a_reach_is_half_of_the_largest_change():
    assert reach_of(np.array([[0.2, 0.9, 0.5], [0.4, 0.5, 0.4]])) == pytest.approx(0.35)
    assert reach_of(np.array([[0.0, 0], [1, 1]])) == 0.5
    assert reach_of(np.array([[0.3, 0.3], [0.8, 0.8 + 1e-12]])) == 0.5
    assert reach_of(np.array([[0.0, 1e-6], [0.3, 0.3]])) == pytest.approx(5e-7)


def test_a_proxy_is_trusted_as_far_as_its_gains_are():
    rng = np.random.default_rng(0)
    y, f, others = rng.normal(size=(10, 2)), rng.normal(size=(10, 2)), rng.normal(size=(40, 2))
    f = f + y + [0, 2]
    # Of two columns less their mean is half the gain, once up and once down: 20 and 80 numbers, pooled over 99.
    gain, own, rest = (np.diff(part, axis=1)[:, 0] / 2 for part in (y, f, others))
    middle = np.concatenate([own, rest]).mean()
    pooled = 2 * (np.sum((own - middle) ** 2) + np.sum((rest - middle) ** 2)) / 99
    shared = np.mean((gain - gain.mean()) * (own - own.mean()))
    assert 0 < shared / (1.25 * pooled) < 1
    assert proxy_weight(y, f, others) == pytest.approx(shared / (1.25 * pooled))
    assert proxy_weight(y, f, others[:1]) == 0


def test_corrected_means_have_the_variance_of_what_moves_them():
    rng = np.random.default_rng(1)
    gold = rng.random((1, 60, 1))
    scores = gold + rng.normal(0.2, 0.05, size=gold.shape)
    labelled = np.arange(60) % 3 == 0
    y, f, others = gold[0, labelled, 0], scores[0, labelled, 0], scores[0, ~labelled, 0]
    weight = proxy_weight(y[:, None], f[:, None], others[:, None])
    found = Moments.corrected(scores, gold, labelled, reach=0.0)
    assert weight > 0.5
    assert found.means == pytest.approx(y.mean() + weight * (others.mean() - f.mean()))
    assert found.seed_means[0] == pytest.approx(found.means)
    residual = y - weight * f
    assert found.covariance() == pytest.approx(residual.var(ddof=1) / 20 + weight**2 * others.var() / 40)
    assert (found.n_items, found.n_units) == (20, 20)
    # Six items a cluster, two of them with gold: the influences' sums, ten of them.
    influence = np.zeros(60)
    influence[labelled] = (residual - residual.mean()) / 20 * np.sqrt(20 / 19)
    influence[~labelled] = weight * (others - others.mean()) / 40
    sums = influence.reshape(10, 6).sum(axis=1)
    grouped = Moments.corrected(scores, gold, labelled, np.repeat(np.arange(10), 6), reach=0.0)
    assert grouped.covariance() == pytest.approx(sums @ sums * 10 / 9)
    assert (grouped.n_items, grouped.n_units) == (20, 10)


@pytest.mark.parametrize("seeds", [1, 3])
def test_many_series_at_once_are_judged_as_each_alone(seeds):
    rng = np.random.default_rng(seeds)
    steps = np.diff(np.eye(5), axis=0)
    each = [
        Moments.of(np.asarray(curve) + rng.normal(0, 0.1, size=(seeds, 80, 5)), reach=0.2)
        for curve in (
            [0.1, 0.2, 0.3, 0.4, 0.5],
            [0.1, 0.4, 0.4, 0.4, 0.4],
            [0.4, 0.4, 0.4, 0.4, 0.4],
            [0.1, 0.5, 0.5, 0.4, 0.3],
        )
    ]
    stacked = (np.stack([getattr(one, name) for one in each]) for name in ("means", "scatter"))
    together = Moments(*stacked, 80, 80, np.stack([one.seed_means for one in each]), np.full(4, 0.2))
    assert together.p_equal(steps) == pytest.approx([float(one.p_equal(steps)) for one in each])
    assert together.estimates(steps).df == pytest.approx(np.stack([one.estimates(steps).df for one in each]))
    found, alone = last_gain(together, 0.05, 0.05), [last_gain(one, 0.05, 0.05) for one in each]
    for name in ("shown", "possible", "worse", "rising", "p_later", "p_worse", "p_more"):
        assert getattr(found, name) == pytest.approx(np.stack([getattr(one, name) for one in alone])), name
    assert found.verdict.tolist() == [str(one.verdict) for one in alone]
    if seeds == 1:
        assert found.verdict.tolist() == ["improving", "plateaued", "plateaued", "worsening"]


def test_p_values_of_later_gains_by_hand():
    # Gains of independent rounds, standard error sqrt(2) x .01: z = .02, .01 and -.01 over .01414.
    found = known([0.50, 0.52, 0.51], 0.01)
    z = np.sqrt(0.5)
    first = 2 * stats.norm.sf(2 * z)  # two later rounds, the better of which counts
    second = stats.norm.sf(-z)  # one later round, against the best before it
    assert p_later(found) == pytest.approx([first, second], rel=1e-4)
    assert p_later(found).dtype == np.float64
    assert last_gain(found, 0.01, 0.05).p_worse == pytest.approx(2 * stats.norm.sf(z), rel=1e-4)
    assert last_gain(known([0.5, 0.5, 0.4], 0.01), 0.01, 0.05).worse
    assert not last_gain(found, 0.01, 0.05).worse


def test_a_slope_is_least_squares():
    assert slope(1, 3, 5) == pytest.approx([0, -0.5, 0, 0.5, 0])
    assert slope(0, 3, 4) == pytest.approx([-0.3, -0.1, 0.1, 0.3])
    assert slope(0, 1, 2) == pytest.approx([-1, 1])


@pytest.mark.parametrize(("rounds", "error", "possible"), [(4, 4.583, 3), (4, 5.05, 1), (3, 6.0, 1), (3, 5.5, 2)])
def test_that_a_rise_has_slowed_is_shown_at_one_in_a_hundred_shared(rounds, error, possible):
    """A step and a standstill: the slope up to round 1 less that after it, by normal p values.

    Four rounds: [-1, 1.5, 0, -.5], of error sqrt(3.5): z = 2.45 and 2.70, p = .0071 and .0035 against .01 / 2. Of
    round 2 the step is half as large. Three rounds: [-1, 2, -1], of error sqrt(6): 2.45 and 2.25, .0071 and .012
    against .01.
    """
    found = last_gain(known([0.3] + [0.3 + 0.01 * error] * (rounds - 1), 0.01), 0.04, 0.05)
    assert (found.shown, found.possible, found.rising) == (1, possible, False)


@pytest.mark.parametrize(("fall", "possible"), [(0.008, 0), (0.009, 1)])
def test_what_may_have_fallen_by_twice_the_sesoi_is_no_standstill(fall, possible):
    # The interval's half width is .0115: up to -.0195 or -.0205, where .02 is twice the SESOI; no gain of it is left.
    error = 0.0115 / stats.norm.ppf(0.95) / np.sqrt(2)
    assert last_gain(known([0.5, 0.5 - fall], error), 0.01, 0.05).possible == possible


@pytest.mark.parametrize(
    ("best", "sesoi", "possible"), [(0, 0.01, 0), (0, 0.007, 3), (0.019, 0.01, 0), (0.021, 0.01, 3)]
)
def test_a_slope_inside_the_sesoi_is_a_standstill_where_no_round_stands_out(best, sesoi, possible):
    # Four rounds of error .01: a slope's is .01 / sqrt(5), .0074 at 95 % (and .0023 for the round that stands out);
    # one round minus another, .0233, is beyond either SESOI.
    found = last_gain(known([0.5, 0.5 + best, 0.5, 0.5], 0.01), sesoi, 0.05)
    assert found.possible == possible


@pytest.mark.parametrize(
    ("means", "rising"),
    [([0.5, 0.505, 0.51], True), ([0.5, 0.512, 0.524], False), ([0.5, 0.51, 0.51], False), ([0.5, 0.505], False)],
)
def test_a_slow_rise_is_a_line_above_zero_and_inside_the_sesoi(means, rising):
    found = last_gain(known(means, 0.0005), 0.01, 0.05)
    assert bool(found.rising) is rising
    assert last_gain(known([0.5, 0.5001, 0.5002], 0.0005), 0.01, 0.05).rising == np.False_


def test_an_outcome_has_the_gains_of_its_contrasts():
    # Errors of .01: that of a gain is .01 sqrt(2), of a slope over three rounds .01 / sqrt(2).
    found = judge(known([0.3, 0.35, 0.46, 0.42], 0.01), ["w", "x", "y", "z"], 0.01, 0.05)
    z = stats.norm.ppf(0.95) * 0.01
    for measured, value, error in ((found.gain_total, 0.12, 2**0.5), (found.gain_last, -0.04, 2**0.5)):
        assert measured.value == pytest.approx(value)
        assert (measured.low, measured.high) == pytest.approx((value - z * error, value + z * error), rel=1e-3)
    assert found.rate.rate == pytest.approx((0.42 - 0.35) / 2)
    assert (found.rate.low, found.rate.high) == pytest.approx((0.035 - z / 2**0.5, 0.035 + z / 2**0.5), rel=1e-3)
    assert (found.window, found.best, found.rise, found.level) == (["x", "z"], "y", None, pytest.approx(0.9))
    assert (found.last_gain.shown, found.last_gain.shown_label) == (2, "y")
    rising = judge(known([0.5, 0.505, 0.51], 0.0005), [0, 1, 2], 0.01, 0.05)
    assert (rising.verdict, rising.rise.value) == ("improving", pytest.approx(0.005))
    assert rising.rise.high - rising.rise.value == pytest.approx(z / 20 / 2**0.5, rel=1e-3)
