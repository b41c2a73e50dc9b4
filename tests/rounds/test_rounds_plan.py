"""How many items a verdict will need."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.errors import HarnessError
from harness.rounds.verdict.plan import plan_rounds
from harness.rounds.verdict.rounds import compare_rounds


def test_items_needed_are_those_of_the_formula():
    # K = 5: slope over 3 rounds, contrast (-1/2, 0, 1/2), its square sum 1/2; variance .25 (1 - .7) / 2 = .0375.
    # (1.6449 + .8416)^2 .0375 / .02^2 = 579.6; (1.6449 + 1.2816)^2 .0375 / .02^2 = 802.9. The two pseudo-items at 1/2
    # add 2 x .25 / .0375 = 13.3 items to the error of the test, which is two thirds of the whole; t quantiles add 1.
    plan = plan_rounds(5, sesoi=2.0)
    assert (plan.window, plan.sesoi, plan.items, plan.mde) == ([2, 4], 0.02, None, None)
    assert plan.detect == pytest.approx(587.5, abs=1.5)
    assert plan.certify == pytest.approx(809, abs=2)
    assert f"{plan.detect} items detect a gain of 2 points a round" in plan.sentence


@pytest.mark.parametrize(
    ("correlation", "one_delta", "five", "eight", "certify_three", "certify_eight"),
    [(0.5, 3974, 940, 194, 22136, 1080), (0.7, 2347, 570, 121, 13078, 654), (0.9, 796, 203, 53, 4440, 228)],
)
def test_items_needed_are_near_those_that_simulation_found(
    correlation, one_delta, five, eight, certify_three, certify_eight
):
    """To detect 2 points a round, and to certify a plateau inside 1 point, over starts of .3 to .7."""
    needed = [plan_rounds(count, sesoi=2.0, correlation=correlation).detect for count in (2, 5, 8)]
    assert needed == pytest.approx([one_delta, five, eight], rel=0.1, abs=13)
    certain = [plan_rounds(count, correlation=correlation).certify for count in (3, 8)]
    assert certain == pytest.approx([certify_three, certify_eight], rel=0.05, abs=20)


def test_what_the_items_can_tell_agrees_with_the_items_needed():
    plan = plan_rounds(8, 200, sesoi=1.0)
    assert plan_rounds(8, sesoi=100 * plan.mde).detect == pytest.approx(200, abs=1)
    assert plan_rounds(8, sesoi=100 * plan.smallest_certifiable_sesoi).certify == pytest.approx(200, abs=1)
    assert "200 items detect" in plan.sentence
    assert plan_rounds(8, sesoi=1.0, look="every").detect > plan.detect


def test_a_pilot_gives_the_spread():
    rng = np.random.default_rng(0)
    ability = rng.normal(size=(4000, 1))
    scores = ((ability + rng.normal(size=(4000, 3))) > 0).astype(float)  # latent .5: correlation asin(.5) 2 / pi = 1/3
    frame = pd.DataFrame(
        {"item": np.repeat(np.arange(4000), 3), "round": np.tile(np.arange(3), 4000), "score": scores.ravel()}
    )
    plan = plan_rounds(5, pilot=frame)
    assert plan.sd == pytest.approx(0.5, abs=0.005)
    assert plan.correlation == pytest.approx(1 / 3, abs=0.03)
    needed = compare_rounds(frame).results[0].needed_items.detect
    assert plan_rounds(3, pilot=frame).detect == pytest.approx(needed, rel=0.05)


@pytest.mark.parametrize(
    "wrong", [{"rounds": 1}, {"items": 3}, {"sesoi": 0}, {"sd": 0.6}, {"correlation": 1}, {"look": "never"}]
)
def test_numbers_that_make_no_sense_are_refused(wrong):
    with pytest.raises(HarnessError, match=next(iter(wrong))):
        plan_rounds(**wrong)


def test_a_pilot_too_small_or_all_alike_is_refused():
    frame = pd.DataFrame({"item": [0, 0], "round": [0, 1], "score": [0.0, 1.0]})
    with pytest.raises(HarnessError, match="20 items"):
        plan_rounds(pilot=frame)
    alike = pd.DataFrame({"item": np.repeat(np.arange(30), 2), "round": np.tile([0, 1], 30), "score": 1.0})
    with pytest.raises(HarnessError, match="same score"):
        plan_rounds(pilot=alike)
