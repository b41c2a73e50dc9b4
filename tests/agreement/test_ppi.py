"""The one PPI++: by hand, from the definition, and what it promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.statistics import corrected_mean, ppi_weight


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
