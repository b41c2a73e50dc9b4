"""Intervals: BCa against its textbook form, clusters, and what happens where nothing varies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from harness.agreement import agree
from harness.agreement.coefficients.coefficients import COEFFICIENTS, compute
from harness.agreement.grid.units import Units, encode
from harness.statistics.intervals import Additive, Weighted, bootstrap, estimate, standard_error, wilson


def copied(rng, items, raters, share=0.7, p=(0.5, 0.3, 0.2), clusters=None):
    """Each rater copies the true label with a probability, and else draws one."""
    truth = rng.choice(len(p), items, p=p)
    codes = np.stack(
        [np.where(rng.random(items) < share, truth, rng.choice(len(p), items, p=p)) for _ in range(raters)]
    )
    return Units("c", [f"r{i}" for i in range(raters)], codes.astype(np.int8), np.arange(len(p)), None, clusters)


def test_bca_of_a_mean_is_scipys():
    """Blocks with counts stand for single items: the mean of 60 draws from five values, against scipy's BCa."""
    x = np.random.default_rng(0).choice([0.0, 1, 2, 5, 9], 60, p=[0.4, 0.3, 0.15, 0.1, 0.05])
    values, counts = np.unique(x, return_counts=True)
    mean = Additive(np.column_stack([values, np.ones(len(values))]), counts, lambda s: s[:, 0] / s[:, 1])
    found = estimate(mean, 60, undefined="", resamples=20_000)
    reference = stats.bootstrap((x,), np.mean, n_resamples=20_000, method="BCa", rng=1).confidence_interval
    assert found.low == pytest.approx(reference.low, abs=0.02)
    assert found.high == pytest.approx(reference.high, abs=0.03)
    assert standard_error(mean) == pytest.approx(x.std(ddof=1) / np.sqrt(60))  # the jackknife of a mean is exact


def test_the_same_seed_gives_the_same_interval_and_another_one_nearly_so():
    units = copied(np.random.default_rng(1), 200, 3)
    first, again, other = (compute("alpha", units, "nominal", seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert (other.low, other.high) != (first.low, first.high)
    assert other.low == pytest.approx(first.low, abs=0.02)


@pytest.mark.parametrize("name", ["alpha", "cohen_kappa", "spearman", "percent_agreement", "icc2", "kendall_w"])
def test_clusters_of_one_change_nothing_and_real_ones_widen(name):
    rng = np.random.default_rng(2)
    units = copied(rng, 100, 3)
    codes = np.repeat(units.codes, 4, axis=1)  # four copies of each item: no new information
    apart = compute(name, Units("c", units.raters, codes, units.values), "ordinal")
    together = Units("c", units.raters, codes, units.values, None, np.repeat(np.arange(100), 4))
    clustered = compute(name, together, "ordinal")
    single = compute(name, units, "ordinal")
    assert clustered.value == pytest.approx(apart.value)
    assert clustered.high - clustered.low > 1.6 * (apart.high - apart.low)
    assert clustered.high - clustered.low == pytest.approx(single.high - single.low, rel=0.25)


def test_where_nothing_varies_there_is_a_value_and_no_interval():
    found = compute("alpha", Units("c", ["a", "b"], np.array([[0, 1] * 10] * 2, np.int8), np.arange(2)), "nominal")
    assert (found.value, found.reason) == (1.0, "no_variation")
    assert found.to_dict()["low"] is None


def test_above_the_limit_the_normal_interval_takes_over_and_says_the_same(monkeypatch):
    units = copied(np.random.default_rng(3), 3000, 4)
    for name in ("alpha", "ac1", "cohen_kappa", "spearman", "icc1"):
        by_bootstrap = compute(name, units, "ordinal")
        with monkeypatch.context() as patch:
            patch.setattr("harness.statistics.intervals.CLT_ABOVE", 100)
            normal = compute(name, units, "ordinal")
        assert (by_bootstrap.method, normal.method) == ("bca", "clt")
        assert normal.low == pytest.approx(by_bootstrap.low, abs=0.006)
        assert normal.high == pytest.approx(by_bootstrap.high, abs=0.006)


def test_groups_of_items_are_left_out_where_blocks_are_many_and_unequal():
    """A mean of 9,000 numbers in 2,000 blocks of 1 to 8: groups of whole blocks would double the error."""
    rng = np.random.default_rng(4)
    counts, x = rng.integers(1, 9, 2000), rng.normal(size=2000)
    mean = Weighted(lambda weights: weights @ x / weights.sum(axis=1), counts)
    expected = np.repeat(x, counts).std(ddof=1) / np.sqrt(counts.sum())
    assert standard_error(mean) == pytest.approx(expected, rel=0.1)


def test_many_clusters_of_ranks_have_the_interval_of_sums(monkeypatch):
    """2,000 clusters of three items: the same coefficient by groups left out and by each cluster left out in turn."""
    units = copied(np.random.default_rng(5), 6000, 2, clusters=np.arange(6000) // 3)
    monkeypatch.setattr("harness.statistics.intervals.BLOCKS_ABOVE", 1500)
    groups = compute("spearman", units, "ordinal")
    monkeypatch.setattr("harness.statistics.intervals.GROUPS", 5000)
    each = compute("spearman", units, "ordinal")
    assert (groups.method, each.method) == ("clt", "clt")
    assert groups.high - groups.low == pytest.approx(each.high - each.low, rel=0.1)


def test_a_table_too_large_to_resample_says_so(monkeypatch):
    """60 clusters of two items, with a limit of 50: said, with the counts; without intervals there is no such note."""
    rng = np.random.default_rng(6)
    rows = [(f"i{i}", i // 2, rater, int(rng.integers(0, 3))) for i in range(120) for rater in "ab"]
    frame = pd.DataFrame(rows, columns=["item_id", "document", "rater", "value"])
    monkeypatch.setattr("harness.statistics.intervals.BLOCKS_ABOVE", 50)
    found = agree(frame, level="ordinal", cluster="document", coefficients=["alpha"])
    (note,) = (one for one in found.warnings if one["code"] == "normal_intervals")
    assert note["message"].startswith(
        "rating: 120 items in 60 clusters: the intervals of alpha, percent_agreement are "
    )
    quiet = agree(frame, level="ordinal", cluster="document", coefficients=["alpha"], resamples=0)
    assert "normal_intervals" not in {one["code"] for one in quiet.warnings}


def test_resampling_blocks_draws_as_many_items_as_there_are():
    counts = np.array([5, 1, 30])
    total = Additive(np.ones((3, 1)), counts, lambda sums: sums[:, 0])
    assert set(bootstrap(total, 50, 0)) == {36.0}


def test_wilson_by_hand():
    """10 of 10, z = 1.96: lower end 10 / (10 + 3.8415) = .7225."""
    low, high = wilson(10, 10)
    assert low == pytest.approx(0.7225, abs=1e-4)
    assert high == pytest.approx(1.0)
    assert np.isnan(wilson(0, 0)[0])


@pytest.mark.parametrize("digits", [0, 6], ids=["few values", "many values"])
def test_an_item_drawn_twice_is_no_pair_of_items(digits):
    """Pairwise accuracy is unbiased, so its resamples lie around it; the pairs of an item with itself, which are
    always right, would lift them by (1 - value) / 30."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=30)
    codes, values = encode([x.round(digits), (x + rng.normal(size=30)).round(digits)])
    statistic = COEFFICIENTS["pairwise_accuracy"](Units("c", ["a", "b"], np.stack(codes), values), "interval")
    value = statistic.at(statistic.counts[None].astype(float))[0]
    draws = bootstrap(statistic, 4000, 0)
    error = draws.std() / np.sqrt(4000)
    assert draws.mean() == pytest.approx(value, abs=4 * error)
    assert (1 - value) / 30 > 8 * error


@pytest.mark.slow
@pytest.mark.parametrize("p", [(0.2,) * 5, (0.7, 0.3), (0.5, 0.3, 0.2)])
@pytest.mark.parametrize("name", ["alpha", "ac1", "cohen_kappa", "icc2", "spearman", "pairwise_accuracy"])
def test_intervals_hold_the_truth_as_often_as_they_say(name, p):
    """A part of the grid of `benchmarks/agreement_coverage.py`: 30 x 3, 1,000 studies; a share near
    the target's ends, .92 and .97, errs by .02 less than once in a hundred times."""
    level = "nominal" if name in ("ac1", "cohen_kappa") else "interval"
    truth = compute(name, copied(np.random.default_rng(1), 200_000, 3, p=p), level, resamples=0).value
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(1000):
        found = compute(name, copied(rng, 30, 3, p=p), level, seed=seed, resamples=500)
        hits += found.low <= truth <= found.high
    assert 0.92 - 0.02 <= hits / 1000 <= 0.97 + 0.02
