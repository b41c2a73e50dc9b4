"""The one PPI++: by hand, from the definition, and what it promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.statistics import corrected_mean, ppi_weight
from harness.statistics.ppi import PPI


def sample(rng, n=200, rated=40):
    gold = rng.normal(3, 1, n)
    proxy = 0.6 * gold + rng.normal(0.3, 0.7, n)
    labelled = np.zeros(n, bool)
    labelled[rng.permutation(n)[:rated]] = True
    return gold, proxy, labelled


def test_by_hand():
    """Gold 1 0 1 0, proxy 1 0 1 1, others 1 1 0 1 1 0.

    cov = mean(y f) - mean y mean f = 2/4 - 1/2 x 3/4 = .125; pooled: 7 of 10 pass, var = .7 x .3 x 10/9 = .23333;
    lam = .125 / ((1 + 4/6) .23333) = .321429; theta = .5 + lam (4/6 - 3/4) = .473214.
    """
    gold = np.array([1.0, 0, 1, 0, *[np.nan] * 6])
    proxy = np.array([1.0, 0, 1, 1, 1, 1, 0, 1, 1, 0])
    found = corrected_mean(gold, proxy, ~np.isnan(gold))
    assert found.weights == pytest.approx([0.3214286])
    assert found.value == pytest.approx(0.4732143)
    y = np.array([1.0, 0, 1, 0]) - 0.3214286 * np.array([1.0, 0, 1, 1])
    assert found.variance == pytest.approx(y.var(ddof=1) / 4 + 0.3214286**2 * proxy[4:].var(ddof=1) / 6)
    assert found.df == 3


def test_without_use_of_the_proxy_it_is_the_mean_of_the_gold():
    gold, proxy, labelled = sample(np.random.default_rng(0))
    found = corrected_mean(gold, 0 * proxy, labelled)
    assert found.value == pytest.approx(gold[labelled].mean())
    assert found.variance == pytest.approx(gold[labelled].var(ddof=1) / 40)
    assert ppi_weight(gold[labelled], 0 * proxy[labelled], 0 * proxy[~labelled]) == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_the_variance_is_that_of_the_influences(seed):
    """Influences have mean 0; each item as its own cluster is as no clusters, but for n / (n - 1)."""
    gold, proxy, labelled = sample(np.random.default_rng(seed))
    found = corrected_mean(gold, proxy, labelled)
    assert found.influence.sum() == pytest.approx(0, abs=1e-9)
    of_gold, others = found.influence[labelled], found.influence[~labelled]
    assert found.variance == pytest.approx(of_gold @ of_gold * 40 / 39 + others @ others * 160 / 159, rel=0.01)
    alone = corrected_mean(gold, proxy, labelled, cluster=np.arange(200))
    assert alone.variance == pytest.approx(found.variance, rel=0.03)
    assert alone.df == 39


def test_items_of_a_cluster_say_less():
    """Twenty documents of ten equal items, five of them rated: five items' worth of gold, not fifty."""
    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(20), 10)
    gold = rng.normal(size=20)[cluster]
    labelled = cluster < 5
    found = corrected_mean(gold, np.zeros(200), labelled, cluster=cluster)
    assert found.df == 4
    assert found.variance == pytest.approx(gold[labelled][::10].var(ddof=1) / 5)


def test_strata_count_by_their_share():
    """Gold 4 4 in a stratum of 2 of 8 items, 1 3 in one of 6: .25 x 4 + .75 x 2 = 2.5."""
    gold = np.array([4.0, 4, 1, 3, np.nan, np.nan, np.nan, np.nan])
    strata = np.array([0, 0, 1, 1, 1, 1, 1, 1])
    found = corrected_mean(gold, np.zeros(8), ~np.isnan(gold), strata=strata)
    assert found.value == pytest.approx(2.5)
    among = (2 * 1.5**2 + 6 * 0.5**2) / 64  # the strata's shares are themselves of a sample
    assert found.variance == pytest.approx(0.75**2 * 2 / 2 + among)


def test_all_alike_is_no_certainty():
    """Twenty passes of twenty say at least .8, not 1 [1, 1]."""
    gold = np.append(np.ones(20), np.full(80, np.nan))
    found = corrected_mean(gold, np.ones(100), ~np.isnan(gold), share=True)
    low, high = found.interval()
    assert (found.value, high) == (1.0, 1.0)
    assert 0.75 < low < 0.85


@pytest.mark.parametrize("strata", [1, 2])
def test_four_items_more_stand_beside_a_share_by_hand(strata):
    """The gold of `test_by_hand` and four items more, gold 1 0 1 0 and proxy 1 0 0 1, is that of eight items.

    In each of two strata they count half: two items more.
    """
    y, f, others = (np.array(part, float) for part in ([1, 0, 1, 0], [1, 0, 1, 1], [1, 1, 0, 1, 1, 0]))
    y, f = np.tile(y, 5), np.tile(f, 5)
    others = np.tile(others, 20)
    lam = ppi_weight(y, f, others)
    residual = np.append(y - lam * f, np.array([1, 0, 1, 0]) - lam * np.array([1, 0, 0, 1]))
    counts = np.append(np.ones(20), np.full(4, 1 / strata))
    count = 20 + 4 / strata
    middle = counts @ residual / count
    spread = counts @ (residual - middle) ** 2 / (count * (count - 1))
    gold = np.concatenate([y, np.full(120, np.nan)])
    one = (gold, np.concatenate([f, others]))
    many = [np.tile(part, strata) for part in (*one, ~np.isnan(gold))]
    found = corrected_mean(*many, strata=np.repeat(np.arange(strata), 140), share=True)
    machine = lam**2 * others.var(ddof=1) / 120
    assert found.weights == pytest.approx([lam] * strata)
    assert found.value == pytest.approx((y - lam * f).mean() + lam * others.mean())
    assert found.centre == pytest.approx(middle + lam * others.mean())
    assert found.variance == pytest.approx((spread + machine) / strata)
    assert found.df == pytest.approx(strata * (count - 1))  # Welch's of equal strata: their sum


def test_unequal_strata_by_hand():
    """Ten items of which four rated, and five of which two, without a use of the proxy: shares 2/3 and 1/3.

    Means .75 and .5; variances .25 / 4 and .5 / 2 of each; among strata (2/9) .25^2 / 15.
    """
    gold = np.array([1, 1, 1, 0, *[np.nan] * 6, 1, 0, *[np.nan] * 3])
    strata = np.array(["a"] * 10 + ["b"] * 5)
    found = corrected_mean(gold, np.zeros(15), ~np.isnan(gold), strata=strata)
    parts = np.array([4 / 9 * 0.25 / 4, 1 / 9 * 0.5 / 2])
    assert found.value == pytest.approx(2 / 3)
    assert found.variance == pytest.approx(parts.sum() + 2 / 9 / 16 / 15)
    assert found.df == pytest.approx(parts.sum() ** 2 / (parts[0] ** 2 / 3 + parts[1] ** 2))
    # A rated item moves the value by its share over the rated; every item by how its stratum differs from the whole.
    among = np.where(strata == "a", 0.75 - 2 / 3, 0.5 - 2 / 3) / 15
    own = np.array([0.25, 0.25, 0.25, -0.75, *[0] * 6, 0.5, -0.5, 0, 0, 0])
    assert found.influence == pytest.approx(own * np.where(strata == "a", 2 / 3 / 4, 1 / 3 / 2) + among)


def test_the_variance_of_clusters_is_that_of_their_sums():
    gold, proxy, labelled = sample(np.random.default_rng(3), 40, 20)
    cluster = np.repeat(np.arange(10), 4) * 7 % 11
    found = corrected_mean(gold, proxy, labelled, cluster=cluster)
    units = len(set(cluster[labelled]))
    sums = np.array([found.influence[cluster == one].sum() for one in set(cluster)])
    assert found.variance == pytest.approx(sums @ sums * units / (units - 1))
    assert found.df == units - 1
    # Two clusters with gold: one degree of freedom, and a factor of 2.
    few = np.isin(cluster, cluster[[0, 4]])
    found = corrected_mean(gold, 0 * proxy, few, cluster=cluster)
    sums = np.array([found.influence[cluster == one].sum() for one in set(cluster)])
    assert (found.variance, found.df) == (pytest.approx(2 * sums @ sums), 1)
    alone = corrected_mean(gold, 0 * proxy, cluster == cluster[0], cluster=cluster)
    assert (alone.df, np.isnan(alone.interval()[0])) == (0, True)


def test_a_share_of_clusters_counts_as_many_items_more_as_its_clusters_are_worth():
    """Four rated items in each of ten clusters, alike within: an item is worth a quarter, so 16 stand beside."""
    gold = np.append(np.repeat([1.0, 1, 1, 0, 1, 1, 0, 1, 1, 1], 4), np.full(40, np.nan))
    cluster = np.arange(80) // 4
    found = corrected_mean(gold, np.zeros(80), ~np.isnan(gold), cluster=cluster, share=True)
    centre = (32 + 8) / 56
    more = 16 * np.mean((np.array([1, 0]) - centre) ** 2) / (56 * 55)
    assert found.centre == pytest.approx(centre)
    # The clusters' own: 10 / 9 x (8 x .2^2 + 2 x .8^2) / 100.
    assert found.variance == pytest.approx(10 / 9 * (8 * 0.04 + 2 * 0.64) / 100 + more)
    assert found.df == 9


def test_items_of_a_cluster_that_are_partly_alike_are_worth_a_part():
    """Ten clusters of four: five all right, three half right, two all wrong but one."""
    gold = np.concatenate([np.ones(20), np.tile([1.0, 0, 0, 1], 3), np.tile([0, 0, 0, 1.0], 2), np.full(40, np.nan)])
    y = gold[:40]
    sums = (y - y.mean()).reshape(10, 4).sum(axis=1) / 40
    of_clusters = sums @ sums * 10 / 9
    effect = of_clusters / (y.var(ddof=1) / 40)
    assert 1.5 < effect < 3.5
    count = 40 + 4 * effect
    centre = (y.sum() + 2 * effect) / count
    more = 4 * effect * np.mean((np.array([1, 0]) - centre) ** 2) / (count * (count - 1))
    found = corrected_mean(gold, np.zeros(80), ~np.isnan(gold), cluster=np.arange(80) // 4, share=True)
    assert (found.centre, found.variance) == (pytest.approx(centre), pytest.approx(of_clusters + more))


def test_an_interval_is_t_and_has_its_value_and_its_scale():
    none = np.zeros(0)
    margin = stats.t.ppf(0.95, 7) * 0.1
    plain = PPI(0.5, 0.4, 0.01, 7, none, none)
    assert plain.interval(0.9) == pytest.approx((0.4 - margin, max(0.4 + margin, 0.5)))
    assert PPI(0.9, 0.4, 0.01, 7, none, none).interval(0.9) == pytest.approx((0.4 - margin, 0.9))
    assert PPI(0.05, 0.4, 0.01, 7, none, none).interval(0.9) == pytest.approx((0.05, 0.4 + margin))
    assert PPI(0.1, 0.1, 0.01, 7, none, none, share=True).interval() == (
        0,
        pytest.approx(0.1 + stats.t.ppf(0.975, 7) / 10),
    )
    assert PPI(0.9, 0.9, 0.01, 7, none, none, share=True).interval() == (
        pytest.approx(0.9 - stats.t.ppf(0.975, 7) / 10),
        1,
    )
    assert PPI(0.1, 0.1, 0.01, 7, none, none).interval()[0] < 0
    assert PPI(0.1, 0.1, 0.01, 0.5, none, none).interval()[0] < 0
