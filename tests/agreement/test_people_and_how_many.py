"""What people cost, how steady they are, and how many more are needed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.agreement.coefficients.alpha import alpha
from harness.agreement.grid.wide import wide_units
from harness.agreement.stand_in.how_many import (
    grid_of,
    items_for_alpha,
    items_for_score,
    items_for_stand_in,
    plan_people,
    simulate,
)
from harness.agreement.stand_in.people import describe_people
from harness.errors import HarnessError


def rating(item, rater, value, repetition=0, **fields):
    given = {"item_id": str(item), "rater": rater, "rater_kind": "human", "criterion": "quality", "status": "ok"}
    return {**given, "value": value, "repetition": repetition, "created_at": f"{item:05d}", **fields}


def test_time_becomes_cost_and_an_unknown_cost_is_unknown():
    rows = pd.DataFrame([rating(n, who, 3, seconds=s) for n in range(4) for who, s in (("a", 30.0), ("b", None))])
    people = describe_people(rows, usd_per_hour=18).df.set_index("rater")
    assert people.loc["a", "usd_per_1000"] == pytest.approx(150)  # 30 s at 18 an hour is .15 each
    assert people.loc["a", "hours"] == pytest.approx(1 / 30)
    assert pd.isna(people.loc["b", "usd_per_1000"])
    assert describe_people(rows).df["usd_per_1000"].isna().all()


def test_self_agreement_counts_repetitions_of_the_same_answer():
    first = [rating(n, "a", n % 3) for n in range(12)]
    again = [rating(n, "a", n % 3 if n < 9 else 5, repetition=1) for n in range(12)]
    row = describe_people(pd.DataFrame(first + again)).df.iloc[0]
    assert (row["repeated"], row["same"]) == (12, 0.75)
    assert (row["same_low"], row["same_high"]) == pytest.approx((0.4677, 0.9111), abs=1e-4)  # Wilson, 9 of 12


def test_who_needs_attention():
    chance = np.random.default_rng(0)
    truth = chance.integers(1, 6, 120)
    rows = []
    for n, value in enumerate(truth):
        rows += [rating(n, who, value, seconds=20.0) for who in ("steady", "also steady")]
        rows.append(rating(n, "tired", value if n < 60 else chance.integers(1, 6), seconds=20.0))
        rows.append(rating(n, "flat", 3, seconds=20.0))
        rows.append(rating(n, "hasty", value, seconds=2.0))
        rows.append(rating(n, "hasty", chance.integers(1, 6), repetition=1, seconds=2.0))
    named = {(one["rater"], one["code"]) for one in describe_people(pd.DataFrame(rows)).attention}
    assert {("tired", "wear"), ("flat", "one_value"), ("hasty", "haste"), ("hasty", "unsteady")} <= named
    assert not [one for one in named if "steady" in one[0]]


def test_aggregates_and_judges_are_no_people():
    rows = pd.DataFrame(
        [rating(1, "mean", 3.0, flags=["aggregate"]), {**rating(1, "gpt", 3.0, flags=[]), "rater_kind": "judge"}]
    )
    assert describe_people(rows).df.empty


def human_grid(items=300, people=3, copy=0.8, seed=0):
    chance = np.random.default_rng(seed)
    truth = chance.integers(1, 6, (items, 1))
    noise = chance.integers(1, 6, (items, people))
    return np.where(chance.random((items, people)) < copy, truth, noise).astype(float)


def test_more_items_are_needed_for_a_narrower_interval():
    grid = human_grid()
    wide, narrow = (items_for_alpha(grid, width, 3, "interval", simulations=60) for width in (0.2, 0.1))
    assert wide.model == "resampled"
    assert wide.items < narrow.items
    assert narrow.reached <= 0.1
    assert 2 < narrow.items / wide.items < 8  # four times as many for half the width
    assert narrow.ratings == narrow.items * 3


def test_the_urn_keeps_alpha_for_more_people_than_there_are():
    grid = human_grid(2000)
    level = "interval"
    known = alpha(wide_units(pd.DataFrame(grid)), level, resamples=0).value
    more = simulate(grid, 4000, 8, np.random.default_rng(1), level)
    assert more.shape == (4000, 8)
    assert alpha(wide_units(pd.DataFrame(more)), level, resamples=0).value == pytest.approx(known, abs=0.03)
    assert items_for_alpha(grid, 0.2, 8, level, simulations=30).model == "urn"


def test_a_good_judge_needs_fewer_items_than_a_poor_one_to_stand_in():
    grid = human_grid(400, 4, copy=0.75)
    judges = human_grid(400, 4, copy=0.75)[:, 0], np.random.default_rng(5).integers(1, 6, 400).astype(float)
    good, poor = (items_for_stand_in(grid, one, "nominal", sizes=(50, 150), simulations=15) for one in judges)
    assert good.items in (50, 150)
    assert (poor.items, poor.reason) == (None, "too_many_items")


def test_items_for_a_corrected_score():
    chance = np.random.default_rng(0)
    y = (chance.random(2000) < 0.6).astype(float)
    noisy = np.where(chance.random(2000) < 0.9, y, 1 - y)
    useless = chance.random(2000)
    helped = items_for_score(y, noisy, 0.1, rated=5000, simulations=20)
    alone = items_for_score(y, useless, 0.1, rated=5000, simulations=20)
    # without help: (2 * 1.96 / .1)^2 * .24 = 369
    assert 340 < alone.items < 400
    assert helped.items < 0.6 * alone.items
    assert items_for_score(y, noisy, 0.001, rated=5000, simulations=20).reason == "too_many_items"


def test_a_grid_needs_two_people_and_one_criterion():
    one = pd.DataFrame([rating(n, "a", 1.0) for n in range(3)])
    with pytest.raises(HarnessError, match="fewer than two people"):
        grid_of(one)
    two = pd.concat([one, pd.DataFrame([rating(n, "b", 2.0, criterion="other") for n in range(3)])])
    with pytest.raises(HarnessError, match="several criteria"):
        grid_of(two)
    both = pd.concat([one, pd.DataFrame([rating(n, "b", 2.0) for n in range(2)])])
    assert np.isnan(grid_of(both)).sum() == 1


def test_a_plan_for_a_judge():
    grid = human_grid(120)
    rows = [rating(n, f"p{k}", grid[n, k]) for n in range(120) for k in range(3)]
    rows += [{**rating(n, "judge", grid[n, 0]), "rater_kind": "judge"} for n in range(120)]
    found = plan_people(pd.DataFrame(rows), 0.2, 3, "interval", judge="judge", simulations=10)
    assert [one.aim for one in found] == ["alpha", "stand_in", "score"]
    with pytest.raises(HarnessError, match="nobody"):
        plan_people(pd.DataFrame(rows), 0.2, 3, "interval", judge="nobody", simulations=10)


def test_summeval_experts(data_dir):
    rows = pd.read_csv(data_dir / "summeval" / "ratings.csv.gz")
    rows = rows[(rows["rater_type"] == "human_expert") & (rows["dimension"] == "coherence")]
    rows = rows.rename(columns={"dimension": "criterion", "score": "value"}).assign(rater_kind="human")
    needed = items_for_alpha(grid_of(rows), 0.1, 3, "interval", simulations=60)
    assert needed.model == "resampled"
    assert 100 < needed.items < 1600  # the 1,600 at hand give an interval narrower than that
