"""Whose the variance is: components of items, raters and repetitions, and what more of them would buy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.agreement import agree, people_components
from harness.agreement.components import _by_pattern
from harness.errors import HarnessError
from harness.statistics import Crossed, generalizability

TABLE = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
"""Shrout and Fleiss (1979, table 2): six targets, four judges."""


def frame(values, **columns):
    return pd.DataFrame(
        [
            {"item_id": f"i{item}", "rater": f"r{rater}", "rater_kind": "human", "criterion": "q",
             "value": float(value), "repetition": again}
            for (item, rater, again), value in np.ndenumerate(np.asarray(values, float))
            if not np.isnan(value)
        ]
    ).assign(**columns)  # fmt: skip


def drawn(rng, items, raters, repetitions, item, rater, both, rest):
    """Draw ratings whose effects have these variances."""
    shape = items, raters, repetitions
    return (
        rng.normal(0, item**0.5, (items, 1, 1))
        + rng.normal(0, rater**0.5, (1, raters, 1))
        + rng.normal(0, both**0.5, (items, raters, 1))
        + rng.normal(0, rest**0.5, shape)
    )


def components(ratings, **options):
    return agree(ratings, level="interval", components=True, **{"resamples": 0, **options}).components[0]


def by_effect(found):
    return {row["effect"]: row["variance"] for row in found.rows}


def test_the_components_of_a_balanced_table_by_hand():
    """Three items, two raters, two repetitions; cell means 2 4, 6 6, 4 8, each cell its mean and 1 to both sides.

    Items' means 3, 6, 6, raters' 4, 6, all 5. Sums of squares: items 4 (4 + 1 + 1) = 24, raters 6 (1 + 1) = 12, cells
    2 (9 + 1 + 1 + 1 + 1 + 9) = 44, so interaction 44 - 36 = 8, repetitions 6 x 2 = 12; mean squares 24/2, 12/1, 8/2,
    12/6 = 12, 12, 4, 2. Components: repetition 2, interaction (4 - 2) / 2 = 1, rater (12 - 4) / 6 = 4/3,
    item (12 - 4) / 4 = 2.
    """
    means = np.array([[2, 4], [6, 6], [4, 8]])
    item, rater, again = (column.ravel() for column in np.indices((3, 2, 2)))
    crossed = Crossed(means[item, rater] + 2.0 * again - 1, {"item": item, "rater": rater}, item, repeated=True)
    assert crossed.effects == [("item",), ("rater",), ("item", "rater"), ("item", "rater", "repetition")]
    found = crossed.at(np.ones((1, 3)))[0]
    assert found == pytest.approx([2, 4 / 3, 1, 2])
    # one rating: 2 / (2 + 1 + 2) and 2 / (2 + 4/3 + 1 + 2); the error is the root of 4/3 + 1 + 2
    assert [float(x) for x in generalizability(found, crossed.effects, {})] == pytest.approx(
        [(13 / 3) ** 0.5, 0.4, 6 / 19]
    )
    # two raters, three times each: 1/2 + 2/6 = 5/6 of order, 4/6 more of the number
    assert [float(x) for x in generalizability(found, crossed.effects, {"rater": 2, "repetition": 3})] == pytest.approx(
        [1.5**0.5, 12 / 17, 4 / 7]
    )


def test_copies_of_an_item_are_items_of_their_own():
    """What the bootstrap counts twice is computed as if the item stood twice in the table."""
    rng = np.random.default_rng(0)
    values, item, rater = rng.normal(size=24), np.repeat(np.arange(6), 4), np.tile(np.arange(4), 6)
    keep = rng.random(24) < 0.8
    values, item, rater = values[keep], item[keep], rater[keep]
    crossed = Crossed(values, {"item": item, "rater": rater}, item, repeated=False)
    twice = np.append(np.flatnonzero(item >= 0), np.flatnonzero(item == 2))
    new = np.where(np.arange(len(twice)) >= len(item), 6, item[twice])
    again = Crossed(values[twice], {"item": new, "rater": rater[twice]}, new, repeated=False)
    weights = np.ones((1, 6))
    weights[0, 2] = 2
    assert crossed.at(weights)[0] == pytest.approx(again.at(np.ones((1, 7)))[0])


def test_one_rating_a_cell_is_the_intraclass_correlation():
    """Shrout and Fleiss: MSR 11.24, MSC 32.49, MSE 1.02: (MSR - MSE) / 4, (MSC - MSE) / 6 and MSE."""
    found = components(pd.DataFrame(TABLE, columns=list("abcd")))
    assert by_effect(found) == pytest.approx(
        {"item": 2.5556, "rater": 5.2444, "item x rater, residual": 1.0194}, abs=1e-4
    )
    known = {row["coefficient"]: round(row["value"], 2) for row in found.coefficients}
    assert known == {"generalizability": 0.71, "dependability": 0.29}  # their ICC(3,1) and ICC(2,1)


def test_an_intraclass_correlation_has_two_intervals_and_says_whose_they_are():
    """Their example: ICC(2,1) .29 with [.02, .76], ICC(2,4) .62 with [.07, .93], raters random (psych, irr)."""
    found = agree(pd.DataFrame(TABLE, columns=list("abcd")), level="interval", coefficients=["icc2", "icc2k", "icc3"])
    table = found.to_json()["tables"][0]
    ends = {
        name: [round(table[name]["random_raters"][end], 2) for end in ("low", "high")] for name in ("icc2", "icc2k")
    }
    assert ends == {"icc2": [0.02, 0.76], "icc2k": [0.07, 0.93]}
    assert table["icc2"]["raters"] == "fixed"
    assert table["icc2"]["random_raters"]["doubts"] == []
    assert "random_raters" not in table["icc3"]  # these raters only, by its definition


@pytest.mark.parametrize("missing", [0, 0.3])
def test_components_are_recovered_within_their_error(missing):
    rng, found = np.random.default_rng(3), []
    for _ in range(60):
        values = drawn(rng, 40, 8, 2, item=2, rater=0.5, both=1, rest=1.5)
        values[rng.random(values.shape) < missing] = np.nan
        found.append(list(by_effect(components(frame(values), coefficients=["alpha"])).values()))
    error = np.std(found, axis=0) / np.sqrt(len(found))
    assert np.all(np.abs(np.mean(found, axis=0) - [2, 0.5, 1, 1.5]) < 3 * error)


def test_a_component_below_zero_is_shown_as_zero_and_said():
    """Raters who agree but for noise that sums to zero by rater: their means are equal, which noise would not leave."""
    noise = np.array([[1, -1], [-1, 1]] * 6)
    row = components(frame((np.arange(12)[:, None] + noise)[:, :, None])).rows[1]
    assert (row["effect"], row["variance"], row["negative"]) == ("rater", 0, True)


def test_a_further_facet_is_told_apart():
    """The second prompt is 2 higher on all: the variance of two levels 2 apart is 2; of nothing else is there any."""
    rng = np.random.default_rng(1)
    values = np.repeat(rng.normal(size=(30, 1, 1)), 3, axis=1)
    both = pd.concat([frame(values + 2 * n, prompt=f"p{n}") for n in (0, 1)], ignore_index=True)
    found = components(both, facet="prompt")
    effects = by_effect(found)
    assert effects["prompt"] == pytest.approx(2)
    assert effects["item"] == pytest.approx(values[:, 0].var(ddof=1))
    assert sum(effects.values()) == pytest.approx(effects["prompt"] + effects["item"])
    assert {row["prompt"] for row in found.decisions} == {1, 2}


def test_with_raters_at_random_the_interval_is_wider():
    found = components(frame(drawn(np.random.default_rng(2), 80, 4, 1, 2, 0.5, 0, 1)), resamples=300)
    phi = found.coefficients[1]
    assert phi["random_low"] < phi["low"] < phi["value"] < phi["high"] <= phi["random_high"] + 0.05


def test_few_raters_of_many_items_are_doubted():
    """McGraw and Wong's interval covers .78 there (benchmarks/components_coverage.py): SummEval's has three raters."""
    wide = pd.DataFrame(drawn(np.random.default_rng(5), 120, 3, 1, 2, 0.5, 0, 1)[:, :, 0])
    found = agree(wide, level="interval", coefficients=["icc2"], resamples=50).tables[0]
    assert found.random_raters["icc2"].doubts == ("few_raters",)


def test_a_plan_finds_the_fewest_ratings_for_an_error():
    values = drawn(np.random.default_rng(4), 50, 3, 2, 2, 0.2, 0.5, 1)
    found = people_components(frame(values))
    assert by_effect(found) == by_effect(components(frame(values)))
    chosen = found.enough(0.5)
    asked = chosen["raters"] * chosen["repetitions"]
    assert chosen["error"] <= 0.5
    assert all(row["error"] > 0.5 for row in found.decisions if row["raters"] * row["repetitions"] < asked)
    assert found.enough(1e-6) is None


def test_what_cannot_be_told_apart_is_said():
    alone = frame(np.arange(12.0).reshape(12, 1, 1))
    other = alone.assign(rater="r1", item_id=alone["item_id"] + "b")
    assert components(pd.concat([alone, other])).reason == "not_crossed"  # no item has two raters
    assert components(frame(np.ones((12, 2, 1)))).reason == "single_category"
    with pytest.raises(HarnessError, match="facet belongs to components"):
        agree(alone, facet="prompt")
    with pytest.raises(HarnessError, match="same value"):
        agree(frame(np.ones((12, 2, 1)), prompt="x"), components=True, facet="prompt")


@pytest.mark.parametrize("facet", [False, True])
def test_items_with_the_same_ratings_count_as_often_as_they_stand(facet):
    rng = np.random.default_rng(4)
    item, rater, prompt = (one.ravel() for one in np.meshgrid(range(60), range(3), range(2), indexing="ij"))
    kept = (rng.random(len(item)) > 0.2) & (facet | (prompt == 0))
    facets = {"item": item[kept], "rater": rater[kept]} | ({"prompt": prompt[kept]} if facet else {})
    values = rng.integers(1, 3, kept.sum()).astype(float) + facets["rater"]
    facets["item"] = np.unique(facets["item"], return_inverse=True)[1]
    each = Crossed(values, facets, facets["item"], False)
    few = _by_pattern(values, facets)
    assert len(few.counts) < len(each.counts) == few.counts.sum()
    of_each = each.at(np.ones((1, len(each.counts))))[0]
    assert few.at(few.counts[None].astype(float))[0] == pytest.approx(of_each, abs=1e-9)
    assert few.noise("rater") == pytest.approx(each.noise("rater"), abs=1e-12)
