"""Every coefficient against its definition, written out pair by pair, and against hand-computed values."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.agreement import agree
from harness.agreement.coefficients.alpha import FOUR_OBSERVERS, alpha, compare_alpha, reference_alphas
from harness.agreement.coefficients.coefficients import COEFFICIENTS, compute
from harness.agreement.grid.units import Units, encode
from harness.errors import HarnessError

NAN = float("nan")


def units(grid, clusters=None):
    """Rows are items, columns raters, as one writes a table by hand."""
    columns = [np.asarray(column) for column in np.asarray(grid).T]
    codes, values = encode(columns)
    return Units("c", [f"r{i}" for i in range(len(columns))], np.stack(codes), values, None, clusters)


def value(name, grid, level="interval"):
    return compute(name, units(grid), level, resamples=0).value


SMALL = st.integers(0, 4)
FRACTIONS = st.floats(0, 100, width=32)


@st.composite
def grids(draw, numbers=SMALL):
    raters, items = draw(st.integers(2, 4)), draw(st.integers(1, 9))
    cell = st.one_of(st.none(), numbers)
    rows = draw(st.lists(st.lists(cell, min_size=raters, max_size=raters), min_size=items, max_size=items))
    return np.array([[NAN if v is None else float(v) for v in row] for row in rows])


def alpha_by_definition(grid, level):
    """1 - D_o / D_e over all ordered pairs of pairable ratings (Krippendorff 2019)."""
    rows = [[v for v in row if v == v] for row in grid]
    rows = [row for row in rows if len(row) >= 2]
    pooled = [v for row in rows for v in row]
    n = len(pooled)
    if not rows:
        return NAN
    counts = {v: pooled.count(v) for v in pooled}

    def distance(a, b):
        if level == "nominal":
            return float(a != b)
        if level == "interval":
            return (a - b) ** 2
        if level == "ratio":
            return ((a - b) / (a + b)) ** 2 if a + b else 0.0
        low, high = min(a, b), max(a, b)
        between = sum(counts[v] for v in counts if low <= v <= high)
        return (between - (counts[a] + counts[b]) / 2) ** 2 if a != b else 0.0

    observed = sum(distance(a, b) / (len(row) - 1) for row in rows for a, b in permutations(row, 2)) / n
    expected = sum(distance(a, b) for a, b in permutations(pooled, 2)) / (n * (n - 1))
    return 1 - observed / expected if expected else NAN


@given(grids(), st.sampled_from(["nominal", "ordinal", "interval", "ratio"]))
@settings(max_examples=300)
def test_alpha_is_its_definition(grid, level):
    assert value("alpha", grid, level) == pytest.approx(alpha_by_definition(grid, level), abs=1e-9, nan_ok=True)


@given(grids(FRACTIONS), st.sampled_from(["ordinal", "interval", "ratio"]))
@settings(max_examples=100)
def test_alpha_of_fractions_is_its_definition(grid, level):
    """Values that differ by less than rounding can carry are left out of the comparison."""
    known = np.unique(grid[~np.isnan(grid)])
    if len(known) > 1 and np.min(np.diff(known)) < 1e-3:
        return
    assert value("alpha", grid, level) == pytest.approx(alpha_by_definition(grid, level), abs=1e-6, nan_ok=True)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16, np.float32, np.int64, bool])
def test_narrow_and_unsigned_numbers_give_the_same_alpha(dtype):
    """Subtraction wraps around on unsigned integers; nothing here may depend on the type that ratings came in."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2 if dtype is bool else 6, 60)
    grid = np.stack([np.where(rng.random(60) < 0.8, truth, 1), truth, np.where(rng.random(60) < 0.7, truth, 0)], axis=1)
    wide = pd.DataFrame(grid.astype(dtype))
    for level in ("nominal", "ordinal", "interval"):
        found = agree(wide, level=level, resamples=0).tables[0]
        assert found.coefficients["alpha"].value == pytest.approx(alpha_by_definition(grid.astype(float), level))
        assert found.check["cross_check"] == "full"


def test_many_values_take_another_road_to_the_same_alpha():
    """More than 50 values: one pass over sums (interval), ranks anew each time (ordinal)."""
    rng = np.random.default_rng(1)
    grid = rng.normal(size=(80, 1)) + rng.normal(size=(80, 3)) * 0.5
    grid[rng.random(grid.shape) < 0.2] = NAN
    for level in ("interval", "ordinal"):
        assert value("alpha", grid, level) == pytest.approx(alpha_by_definition(grid, level), abs=1e-9)
    assert compute("alpha", units(grid), "nominal").reason == "too_many_values"
    whole = np.round(grid * 30)  # whole numbers are labels, however many
    assert value("alpha", whole, "nominal") == pytest.approx(alpha_by_definition(whole, "nominal"), abs=1e-9)


# Cohen (1960), by hand: two raters, 2 x 2 table [[20, 5], [10, 15]]: p_o = 35/50 = .7; p_e = (25*30 + 25*20)/2500 = .5;
# kappa = .4. Scott: pooled shares 55/100 and 45/100: p_e = .505; pi = (.7 - .505)/.495.
TWO_BY_TWO = [[0, 0]] * 20 + [[0, 1]] * 5 + [[1, 0]] * 10 + [[1, 1]] * 15


def test_two_raters_by_hand():
    assert value("percent_agreement", TWO_BY_TWO, "nominal") == pytest.approx(0.7)
    assert value("cohen_kappa", TWO_BY_TWO, "nominal") == pytest.approx(0.4)
    assert value("scott_pi", TWO_BY_TWO, "nominal") == pytest.approx((0.7 - 0.505) / 0.495)
    # Fleiss with two raters is Scott's pi; AC1: p_e = 2 x .55 x .45 = .495; Brennan-Prediger: p_e = 1/2.
    assert value("fleiss_kappa", TWO_BY_TWO, "nominal") == pytest.approx((0.7 - 0.505) / 0.495)
    assert value("ac1", TWO_BY_TWO, "nominal") == pytest.approx((0.7 - 0.495) / 0.505)
    assert value("brennan_prediger", TWO_BY_TWO, "nominal") == pytest.approx(0.4)


def test_intraclass_correlations_of_shrout_and_fleiss():
    """The example of their paper (1979, table 2 and 4): six targets, four judges."""
    grid = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    published = {"icc1": 0.17, "icc2": 0.29, "icc3": 0.71, "icc1k": 0.44, "icc2k": 0.62, "icc3k": 0.91}
    for name, figure in published.items():
        assert round(value(name, grid), 2) == figure


@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_both_schools_name_the_six_forms_and_each_has_its_interval(scale):
    """Shrout and Fleiss' table 2; McGraw and Wong's A is agreement and C consistency; units change nothing."""
    grid = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]) * scale
    frame = pd.DataFrame(grid, columns=list("abcd"))
    table = agree(frame, level="interval", coefficients=["icc"]).tables[0].to_dict()
    published = {
        ("ICC(1,1)", "ICC(1)"): 0.17, ("ICC(2,1)", "ICC(A,1)"): 0.29, ("ICC(3,1)", "ICC(C,1)"): 0.71,
        ("ICC(1,k)", "ICC(k)"): 0.44, ("ICC(2,k)", "ICC(A,k)"): 0.62, ("ICC(3,k)", "ICC(C,k)"): 0.91,
    }  # fmt: skip
    found = {tuple(one["names"].values()): one for one in table.values() if isinstance(one, dict) and "names" in one}
    assert {name: round(one["value"], 2) for name, one in found.items()} == published
    assert all(one["low"] < one["value"] < one["high"] for one in found.values())
    for names, figure in published.items():
        for name in names:
            [alone] = agree(frame, level="interval", coefficients=[name.lower()], resamples=0).tables
            assert round(list(alone.coefficients.values())[-1].value, 2) == figure
    with pytest.raises(HarnessError, match="no coefficient"):
        agree(frame, coefficients=["ICC(4,1)"])


def test_kendall_w_by_hand():
    """Three raters, four items, no ties: rank sums 3, 6, 9, 12 would be W = 1; one swap by hand."""
    same = np.tile(np.arange(4.0)[:, None], 3)
    assert value("kendall_w", same, "ordinal") == pytest.approx(1.0)
    # ranks (1,2,3,4), (1,2,3,4), (2,1,3,4): sums 4, 5, 9, 12, mean 7.5: S = 12.25 + 6.25 + 2.25 + 20.25 = 41;
    # W = 12 x 41 / (9 x 60) = .9111
    swapped = same.copy()
    swapped[:2, 2] = [1, 0]
    assert value("kendall_w", swapped, "ordinal") == pytest.approx(12 * 41 / 540)
    # a tie: the third rater ties the first two: ranks 1.5, 1.5, 3, 4: sums 3.5, 5.5, 9, 12; S = 16+4+2.25+20.25 = 42.5;
    # T = 2^3 - 2 = 6: W = 12 x 42.5 / (540 - 3 x 6) = .977
    swapped[:2, 2] = [0, 0]
    assert value("kendall_w", swapped, "ordinal") == pytest.approx(12 * 42.5 / 522)


def accuracy_by_definition(x, y):
    pairs = list(combinations(range(len(x)), 2))
    right = sum(np.sign(x[i] - x[j]) == np.sign(y[i] - y[j]) for i, j in pairs)
    return right / len(pairs)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=3, max_size=25))
@settings(max_examples=150)
def test_rank_statistics_are_scipys(pairs):
    grid = np.array(pairs, dtype=float)
    x, y = grid.T
    assert value("pairwise_accuracy", grid) == pytest.approx(accuracy_by_definition(x, y))
    if len(set(x)) > 1 and len(set(y)) > 1:
        assert value("spearman", grid) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-9)
        assert value("pearson", grid) == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-9)
        assert value("tau_b", grid) == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-9)
        assert value("tau_c", grid) == pytest.approx(stats.kendalltau(x, y, variant="c").statistic, abs=1e-9)
    else:
        assert np.isnan(value("spearman", grid))


def test_rank_statistics_of_many_values_are_scipys():
    rng = np.random.default_rng(2)
    grid = rng.normal(size=(70, 1)) + rng.normal(size=(70, 2))
    x, y = grid.T
    assert value("spearman", grid) == pytest.approx(stats.spearmanr(x, y).statistic)
    assert value("pearson", grid) == pytest.approx(stats.pearsonr(x, y).statistic)
    assert value("tau_b", grid) == pytest.approx(stats.kendalltau(x, y).statistic)
    assert value("tau_c", grid) == pytest.approx(stats.kendalltau(x, y, variant="c").statistic)
    assert value("pairwise_accuracy", grid) == pytest.approx(accuracy_by_definition(x, y))


@pytest.mark.parametrize("power", [1, 2])
def test_weighted_kappa_is_its_definition(power):
    rng = np.random.default_rng(3)
    x = rng.integers(1, 6, 50).astype(float)
    y = np.clip(x + rng.integers(-1, 2, 50), 1, 5)
    observed = np.mean(np.abs(x - y) ** power)
    expected = np.mean(np.abs(x[:, None] - y) ** power)  # all pairs: the product of the marginals
    name = {1: "cohen_kappa_linear", 2: "cohen_kappa_quadratic"}[power]
    assert value(name, np.column_stack([x, y])) == pytest.approx(1 - observed / expected)


def test_ac2_by_hand():
    """Three grades, quadratic weights 1, .75, 0: [[1,1]] x 4, [[1,2]] x 2, [[2,3]] x 2, [[3,3]] x 2."""
    grid = [[1, 1]] * 4 + [[1, 2]] * 2 + [[2, 3]] * 2 + [[3, 3]] * 2
    agreement = (6 + 4 * 0.75) / 10
    shares = np.array([10, 4, 6]) / 20
    weights = 3 + 4 * 0.75
    chance = weights / (3 * 2) * np.sum(shares * (1 - shares))
    assert value("ac2", grid, "interval") == pytest.approx((agreement - chance) / (1 - chance))


@pytest.mark.parametrize("name", sorted(COEFFICIENTS))
def test_with_more_raters_pairs_are_averaged_and_a_reason_stands_where_nothing_is_defined(name):
    one_value = compute(name, units([[2.0, 2.0]] * 12), "ordinal")
    if name == "percent_agreement":
        assert one_value.value == 1.0
    elif name == "pairwise_accuracy":
        assert one_value.value == 1.0  # all pairs of items are tied by both
    else:
        assert np.isnan(one_value.value)
        assert one_value.reason in ("single_category", "constant_rater", "needs_sets", "needs_rankings")
    alone = compute(name, units([[1.0], [2.0]]), "ordinal")
    assert (np.isnan(alone.value), alone.reason) == (True, "one_rater")
    apart = compute(name, units([[1.0, NAN], [NAN, 2.0]]), "ordinal")
    assert (np.isnan(apart.value), apart.reason) in [(True, "no_overlap"), (True, "no_complete_items")]
    missing = compute(name, units([[NAN, NAN], [NAN, NAN]]), "ordinal")
    assert np.isnan(missing.value)
    assert missing.reason


def test_two_rater_coefficients_of_three_raters_are_the_mean_over_pairs():
    rng = np.random.default_rng(4)
    grid = rng.integers(0, 3, (40, 3)).astype(float)
    grid[rng.random(grid.shape) < 0.1] = NAN
    for name in ("cohen_kappa", "scott_pi", "spearman", "tau_b", "pairwise_accuracy"):
        pairs = [value(name, grid[:, list(pair)]) for pair in combinations(range(3), 2)]
        assert value(name, grid) == pytest.approx(np.mean(pairs))


def test_the_cross_check_takes_a_sample_where_the_whole_does_not_fit():
    rng = np.random.default_rng(5)
    truth = rng.normal(size=(4000, 1))
    many = units(truth + rng.normal(size=(4000, 3)))
    found = compare_alpha(many, "interval")
    assert found["cross_check"] == "sample"
    assert found["difference"] < 1e-9
    assert compare_alpha(many, "ordinal")["cross_check"] == "skipped"
    assert "values" in compare_alpha(many, "ordinal")["why"]


def test_a_unit_more_without_a_second_rating_changes_nothing():
    grid = np.array(TWO_BY_TWO, dtype=float)
    longer = np.vstack([grid, [[1.0, NAN]] * 7])
    assert alpha(units(longer), "nominal").to_dict() == alpha(units(grid), "nominal").to_dict()


def test_alpha_is_compared_with_the_package_where_that_is_asked():
    ratings = pd.DataFrame({"a": [1, 2, 3, 1], "b": [1, 2, 2, 1]})
    assert agree(ratings, resamples=0, cross_check=False).tables[0].check == {"cross_check": "not_asked"}
    assert agree(ratings, resamples=0, cross_check=True).tables[0].check["cross_check"] == "full"
    code = "import pandas, sys; from harness import agree; agree(pandas.DataFrame({'a': [1, 2], 'b': [1, 2]})); "
    code += "print([name for name in ('krippendorff', 'scipy.stats') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_doctor_compares_alpha_on_a_published_table():
    """Krippendorff (2011): nominal .743, ordinal .815, interval .849, ratio .797 of four observers."""
    codes, values = encode([np.array([float(x) if x != "." else np.nan for x in row]) for row in FOUR_OBSERVERS])
    observers = Units("", list("abcd"), np.stack(codes), values, None, None)
    published = {"nominal": 0.743, "ordinal": 0.815, "interval": 0.849, "ratio": 0.797}
    for level, figure in published.items():
        assert alpha(observers, level, resamples=0).value == pytest.approx(figure, abs=5e-4)
    assert max(reference_alphas().values()) < 1e-9


def test_a_long_table_with_other_names_is_not_taken_for_a_wide_one():
    long = pd.DataFrame({"item_id": [1, 1, 2, 2], "worker_id": [7, 8, 7, 8], "rating": [3, 4, 1, 1]})
    found = agree(long, resamples=0).tables[0]  # other names for a rater and a value are known, as in a file
    assert (found.raters, found.n_items) == (["7", "8"], 2)
    twice = pd.concat([pd.DataFrame({"a": [1, 2], "b": [1, 2]})] * 2)
    with pytest.raises(HarnessError, match="the index: '0' stands in several rows"):
        agree(twice)
