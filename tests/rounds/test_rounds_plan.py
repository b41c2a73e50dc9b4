"""How many items a verdict will need."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.errors import HarnessError
from harness.rounds.verdict.needed import KNOWN, USUAL, searched
from harness.rounds.verdict.plan import plan_rounds
from harness.rounds.verdict.rounds import compare_rounds


def test_items_needed_are_those_of_the_formula():
    # K = 2, a gain's variance 2 * .25 (1 - .7) = .15. To show 2 points: (1.6449 + .8416)^2 .15 / .02^2 = 2,319.
    # (The verdict is no longer the slope of a window, whose error shrinks with every round: the last round itself must
    # be shown to help, and that takes about the same number of items however many rounds there are.)
    plan = plan_rounds(2, sesoi=2.0)
    assert (plan.window, plan.sesoi, plan.items, plan.mde) == ([0, 1], 0.02, None, None)
    assert plan.detect == pytest.approx(2319, rel=0.05)
    assert plan_rounds(5, sesoi=2.0).detect == pytest.approx(plan.detect, rel=0.1)
    assert f"{plan.detect:,} items detect a gain of 2 points a round" in plan.sentence
    # Half the correlation lost is twice the variance, a tenth of the SESOI a hundred times the items.
    assert plan_rounds(2, sesoi=2.0, correlation=0.4).detect == pytest.approx(2 * plan.detect, rel=0.02)
    assert plan_rounds(5, sesoi=0.2).certify == pytest.approx(100 * plan_rounds(5, sesoi=2.0).certify, rel=0.1)


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
    grouped = compare_rounds(frame.assign(book=frame["item"] // 4), cluster="book").results[0].needed_items.detect
    assert plan_rounds(3, pilot=frame.assign(book=frame["item"] // 4), cluster="book").detect == pytest.approx(grouped)


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


@pytest.mark.parametrize("question", ["detect", "certify"])
@pytest.mark.parametrize("rounds", [2, 3, 6, 15])
def test_the_ratios_that_are_kept_are_those_that_simulation_finds(question, rounds):
    assert KNOWN[question][rounds - 2] == searched(rounds, USUAL, question)
