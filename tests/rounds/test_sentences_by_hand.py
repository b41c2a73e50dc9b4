"""What is said of series, word by word: verdicts, answers, plans and trade-offs from figures made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from harness.errors import HarnessError
from harness.rounds.verdict.bands import deltas
from harness.rounds.verdict.flagged import trade_off
from harness.rounds.verdict.looks import VerdictRule
from harness.rounds.verdict.needed import NeededItems, Needs
from harness.rounds.verdict.overview import answers, overview
from harness.rounds.verdict.plan import RoundsPlan, plan_rounds, spread_of
from harness.rounds.verdict.result import OverControl, RoundsResult, counted, listed, told
from harness.rounds.verdict.rounds import compare_rounds
from harness.rounds.verdict.sayings import points
from harness.rounds.verdict.verdict import Decision, GainRounds, Measured, Outcome, decide, look_significance, p_below
from harness.statistics import ContrastEstimate, Moments

PLAIN = ContrastEstimate(0.02, 0.02, 0.0001, 0.0, 30.0)


def outcome(verdict="improving", shown=2, possible=2, gain=0.001, total=0.1, **more):
    """Return an outcome of rounds 0 to 2, `total` in all within 2 points."""
    rate = Decision(verdict, 0.04, 0.03, 0.05, 0.9, PLAIN)
    p_values = {"improving": 0.5, "plateaued": 0.5, "worsening": 0.5, "gain": gain} | more.pop("p_values", {})
    made = Outcome(
        verdict, GainRounds(shown, possible, shown, possible), Measured(total, total - 0.02, total + 0.02),
        Measured(0.05, 0.03, 0.07), rate, [1, 2], 1, None, 0.9, p_values,
    )  # fmt: skip
    return replace(made, **more)


def result(one, series="a", benchmark="b", **more):
    """Return a result with an outcome and what is shown of it."""
    made = RoundsResult(
        benchmark, series, one.verdict, 0.04, 0.03, 0.05, 0.01, [0, 1, 2], 1200, 1, "run", [1, 2], 0.05, 0.9, 0.0213,
        0.0147, NeededItems(1, 1), [0.0], [], None, True, [], None, [], outcome=one, label=series,
        needs=Needs(0.0213, 0.0147, NeededItems(1, 1), 500, None, 0.01),
    )  # fmt: skip
    return replace(made, **more)


def beyond(one, **more):
    made = OverControl(
        "none", one.verdict, one.last_gain, one.gain_total, one.gain_last, [0, 1], 900, 1, "run", None, ""
    )
    return replace(made, outcome=one, **more)


def test_a_verdict_reads_with_its_gains():
    tail = "the last round +5.0 [3.0, 7.0], +4.0 a round [3.0, 5.0] over rounds 1-2"
    gain = "gain shown up to round {}, +10.0 points in all [8.0, 12.0]"
    assert told(outcome(), 0.01) == f"**improving**, {gain.format(2)}, {tail}"
    assert told(outcome(), 0.01, plain=True) == f"improving, {gain.format(2)}"
    assert told(outcome(), 0.01, " in this run", "beyond none (the control) ").startswith(
        "**improving in this run**, gain beyond none (the control) shown up to round 2, "
    )
    assert told(outcome("plateaued", 1, 2), 0.01).startswith("**plateaued** after round 1 to 2, ")
    assert told(outcome("plateaued", 1, 1), 0.01).startswith("**plateaued** after round 1, ")
    assert told(outcome("worsening", 1, 1), 0.01).startswith("**worsening** since round 1, ")
    rising = told(outcome("inconclusive", rise=Measured(0.004, 0.002, 0.006)), 0.01)
    assert "[8.0, 12.0], a slow rise, +0.4 a round [0.2, 0.6], fits, the last round" in rising


def test_a_result_reads_with_what_would_decide_and_what_it_is_from():
    open_ = outcome("inconclusive", 1, 2)
    would = (
        "so many items can show a gain of 2.1 points a round and certify a standstill within 1.5 (80 % power); "
        "about 500 more items would decide if the means are as they seem; a gain of 1 point a round or a standstill "
        "takes more training seeds, not more items"
    )
    one = result(open_, n_left_out=3)
    assert one.sentence == (
        f"a: {told(open_, 0.01, ' in this run')}; {would}; "
        "n = 1,200 (3 left out, without a score in every round), 90 % intervals"
    )
    assert result(outcome()).sentence == f"a: {told(outcome(), 0.01, ' in this run')}; n = 1,200, 90 % intervals"
    summary = result(outcome(), n_seeds=2, paired=False, is_control=True)
    assert summary.sentence == (
        f"a (the control): {told(outcome(), 0.01)}; n = 1,200, 2 training seeds, 90 % intervals, from summary data"
    )
    over = beyond(outcome("plateaued", 0, 0), note="the note")
    assert result(open_, over_control=over).sentence == (
        f"a: {told(over.outcome, 0.01, ' in this run', 'beyond none (the control) ')}; "
        f"by itself {told(open_, 0.01, plain=True)}; the note; n = 900, 90 % intervals"
    )
    apart = replace(over, verdict=None, outcome=None, reason="no_common_rounds")
    assert (
        "; not compared with none (the control): they have under two rounds in common; n = 1,200, "
        in result(outcome(), over_control=apart).sentence
    )
    few = replace(one, outcome=None, reason="too_few_items")
    assert few.sentence == (
        "a: **inconclusive in this run**, because under 20 items or clusters have a score in every round"
    )
    assert replace(few, verdict=None, reason="odd").sentence == "a: no verdict, because odd"
    assert (result(open_, over_control=over).counts, result(open_, over_control=apart).counts) == (
        "plateaued",
        "inconclusive",
    )
    shown = result(open_, over_control=over).to_dict()
    assert not {"outcome", "needs", "label", "is_control", "n_left_out"} & (set(shown) | set(shown["over_control"]))
    assert counted(shown) is shown["over_control"]
    assert counted(result(open_).to_dict())["verdict"] == "inconclusive"


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (outcome(), "yes, {}; still gaining in round 2."),
        (outcome("plateaued", 1, 1), "yes, {}; its last gain was round 1."),
        (outcome("plateaued", 0, 1), "yes, {}; its last gain was round 0 or 1."),
        (outcome("plateaued", 0, 2), "yes, {}; its last gain was round 0 to 2."),
        (outcome("worsening", 1, 1), "yes, {}; none of it after round 1, and worse since."),
        (outcome("inconclusive", 1, 2), "yes, {}; the last gain shown is round 1, a later one is not ruled out."),
        (outcome("plateaued", 0, 0, gain=0.05), "no, {}, and no later gain of interest."),
        (outcome("plateaued", 0, 1, gain=0.05), "not known, {}, not shown to be a gain."),
        (outcome("worsening", 0, 0, gain=0.05), "no, {}, not shown to be a gain."),
        (
            outcome(total=0.02),
            "no longer, +2.0 points in all [0.0, 4.0]; it helped up to round 2, and that is not kept.",
        ),
    ],
)
def test_an_answer_is_one_of_these(one, said):
    gained = "+10.0 points in all [8.0, 12.0]"
    first, note = answers([result(one)])
    assert first == f"In this run (one training seed): a: {said.format(gained)}"
    assert note == "There is no control: what is gained may be from training alone."
    assert answers([result(one)], fed=False) == [first]
    assert answers([result(one, n_seeds=2)]) == [f"a: {said.format(gained)}", note]


def test_answers_hold_together_and_stand_by_their_gain():
    # Holm of .03 and .04: .06 and .06, neither below .05; of .02 and .04: .04 and .04.
    small, large = result(outcome(gain=0.04), "small", n_seeds=2), outcome(gain=0.02, total=0.3)
    found = answers([small, result(large, "large", n_seeds=2)], fed=False)
    assert [line.split(",")[0] for line in found] == ["large: yes", "small: yes", "The 2 answers hold together"]
    assert found[-1] == "The 2 answers hold together, by Holm."
    found = answers([small, result(replace(large, p_values=large.p_values | {"gain": 0.03}), "large")], fed=False)
    assert [line.split(",")[0] for line in found[:2]] == ["large: not known", "small: not known"]
    full = {"flag": "saturated", "outcome": "yes", "score": 0.993, "top": 1.0}
    (one,) = answers([result(outcome(), over_control=beyond(outcome()), flags=[full], n_seeds=2)])
    assert one == (
        "a: yes, +10.0 points beyond training alone [8.0, 12.0]; still gaining in round 1; at 99.3 of 100 there is "
        "little left to gain."
    )
    two = answers([result(outcome(), benchmark="x", n_seeds=2), result(outcome(), benchmark="y", n_seeds=2)], fed=False)
    assert [line[:8] for line in two] == ["x: a: ye", "y: a: ye"]
    assert answers([result(outcome(), is_control=True), result(outcome(), "c", is_beside=True)]) == []


def test_what_holds_over_benchmarks():
    up, down = outcome(p_values={"improving": 0.01}), outcome(p_values={"improving": 0.04, "worsening": 0.02})
    found = overview([result(up, "lone"), result(up, benchmark="x"), result(down, benchmark="y")], [])
    # Holm of .01 and .04: .02 and .04; of .5 and .02: .04.
    assert found == ["a, 2 benchmarks together (Holm over benchmarks): improving on 2 (x, y); worsening on 1 (y)"]
    none = overview([result(outcome(), benchmark=name) for name in "xy"], [])
    assert none == ["a, 2 benchmarks together (Holm over benchmarks): nothing holds"]
    assert listed(["a", "b", "c"], 2) == "a, b and 1 more"
    assert listed(["a", "b"], 2) == "a, b"


def test_a_trade_off_is_yes_no_or_unknown():
    up = result(outcome())

    def against(*verdicts):
        others = [result(outcome(verdict), benchmark=f"b{i}") for i, verdict in enumerate(verdicts)]
        return trade_off(up, [up, *others, result(outcome("worsening"), "other", "b9")])

    (flag,) = against("worsening", "improving")
    evidence = {"rate": 0.04, "low": 0.03, "high": 0.05}
    assert flag == {
        "flag": "trade_off", "outcome": "yes", "worsening": ["b0"],
        "others": {"b0": {**evidence, "verdict": "worsening"}, "b1": {**evidence, "verdict": "improving"}},
    }  # fmt: skip
    assert [against(*each)[0]["outcome"] for each in (("plateaued",), ("inconclusive", "plateaued"))] == [
        "no",
        "unknown",
    ]
    assert against() == []
    level = result(outcome("plateaued"))
    assert trade_off(level, [level, result(outcome("worsening"), benchmark="c")]) == []


def test_decisions_by_one_interval():
    # A standard error of .01 on 30 degrees of freedom: half a width of .01697 at 5 % a side.
    half = stats.t.ppf(0.95, 30) * 0.01
    for centre, sesoi, verdict in (
        (0.02, 0.01, "improving"), (-0.02, 0.01, "worsening"), (0.01, 0.01, "inconclusive"), (0.0, 0.02, "plateaued"),
        (0.004, 0.02, "inconclusive"), (-0.004, 0.02, "inconclusive"), (0.02, 0.04, "plateaued"),
    ):  # fmt: skip
        found = decide(replace(PLAIN, value=0.5, centre=centre), sesoi, 0.05)
        assert (found.verdict, found.rate, found.level) == (verdict, 0.5, 0.9)
        assert (found.low, found.high) == (pytest.approx(centre - half), pytest.approx(centre + half))
    assert p_below(PLAIN, 0.005) == pytest.approx(stats.t.cdf(1.5, 30))
    still = replace(PLAIN, item_variance=0.0)
    assert [p_below(still, mark) for mark in (0.01, 0.02, 0.03)] == [1, 1, 0]


def test_looks_spend_what_there_is():
    # 6 x .05 / pi^2 / k^2: .0304, .0076, .0034, ...
    assert [look_significance(k, 0.05) for k in (1, 2, 3)] == pytest.approx([0.030396, 0.007599, 0.003377], abs=1e-6)
    rule = VerdictRule.of(2.0, 0.05, "every")
    assert (rule.sesoi, rule.significance, rule.look) == (0.02, 0.05, "every")
    assert [(look, seen) for look, seen, _ in rule.plan(4)] == [(1, 2), (2, 3), (3, 4)]
    assert list(VerdictRule.of(2.0, 0.05, "final").plan(4)) == [(1, 4, 0.05)]
    for wrong in ((0, 0.05, "final"), (1, 0, "final"), (1, 0.5, "final"), (1, 0.05, "now")):
        with pytest.raises(HarnessError):
            VerdictRule.of(*wrong)


def test_points_keep_their_side_of_zero_and_the_sesoi():
    assert points([0.1234, 0.1, 0.15], 0.01) == ["+12.3", "10.0", "15.0", "1"]
    assert points([0.01, 0.0002, 0.02], 0.005) == ["+1.00", "0.02", "2.00", "0.5"]
    assert points([0.01, 0.0, 0.0099996], 0.01) == ["+1.0000", "0.0000", "1.0000", "1"]
    assert points([-0.000004, -0.01004, 0.02], 0.01) == ["+0.000", "-1.004", "2.000", "1"]
    assert points([0.01, 0.005, 0.02], 0.0, 3) == ["+1.000", "0.500", "2.000", "0"]


def test_bands_of_deltas_hold_together_by_the_largest_t():
    means = np.array([0.4, 0.5, 0.45])
    moments = Moments(means, 0.01**2 * 10**6 * (10**6 - 1) * np.eye(3), 10**6, 10**6, means[None], 0.0)
    first, second = deltas(moments, ["x", "y", "z"])
    assert (first.round, second.round) == ("y", "z")
    # Two normal gains of correlation -1/2: P(both within c) = .95 at c = 2.2 (of independent ones 2.24).
    both = stats.multivariate_normal([0, 0], [[1, -0.5], [-0.5, 1]])
    for delta, value in ((first, 0.1), (second, -0.05)):
        assert (delta.delta, (delta.low + delta.high) / 2) == (pytest.approx(value), pytest.approx(value))
        c = (delta.high - delta.low) / 2 / (0.01 * np.sqrt(2))
        inside = both.cdf([c, c], lower_limit=[-c, -c])
        assert inside == pytest.approx(0.95, abs=0.004)
    # One delta alone is t's: on 9 degrees of freedom 2.262, and at 80 % 1.383.
    one = Moments(means[:2], 90 * 0.01**2 * np.eye(2), 10, 10, means[None, :2], 0.0)
    for level, t in ((0.95, 2.262), (0.8, 1.383)):
        (delta,) = deltas(one, [0, 1], level)
        assert (delta.high - delta.low) / 2 / (0.01 * np.sqrt(2)) == pytest.approx(t, abs=0.06)


def test_a_plan_reads_with_its_counts():
    plan = RoundsPlan(5, [2, 4], 0.5, 0.7, 0.01, 0.05, 6000, None, 300, 0.0234, 0.0187)
    text = (
        "5 rounds: 6,000 items detect a gain of 1 point a round up to the last round, no number of items certify a "
        "standstill within it (80% power; items' standard deviation 0.5, correlation between rounds 0.7; a "
        "verdict over a control, on differences, takes up to twice as many)"
    )
    assert plan.sentence == f"{text}; 300 items detect 2.3 points a round and certify a standstill within 1.9"
    assert replace(plan, items=None).sentence == text
    assert "gain of 2.5 points a round" in replace(plan, sesoi=0.025).sentence
    assert plan.to_dict()["sentence"] == plan.sentence
    every = plan_rounds(rounds=3, sesoi=2.0, look="every")
    assert every.significance == pytest.approx(look_significance(2, 0.05))
    assert (every.items, every.mde, every.smallest_certifiable_sesoi) == (None, None, None)


def test_a_pilots_spread_by_hand():
    """Two series of 30 and 60 items count by their items; scores of 0 to 10 are taken as shares."""
    rng = np.random.default_rng(0)
    each = [rng.random((n, 3)) * 10 for n in (30, 60)]
    frame = pd.concat(
        pd.DataFrame(x).rename_axis("item").reset_index().melt("item", var_name="round", value_name="score")
        .assign(series=name) for name, x in zip("ab", each, strict=True)
    )  # fmt: skip
    found = spread_of(frame, (0.0, 10.0))
    covariances = [np.cov(x.T) / 100 for x in each]
    variance = np.average([np.trace(c) / 3 for c in covariances], weights=[30, 60])
    shared = np.average([(c.sum() - np.trace(c)) / 6 for c in covariances], weights=[30, 60])
    assert found.sd == pytest.approx(np.sqrt(variance))
    assert found.correlation == pytest.approx(shared / variance)
    assert found.gain_variance == pytest.approx(2 * (variance - shared))
    assert found.size == 1
    reach = np.average([np.ptp(x, axis=1).max() / 20 for x in each], weights=[30, 60])
    assert found.reach == pytest.approx(reach)
    still = frame.assign(score=frame["item"] % 2 * 10.0)  # each item as it was: a spread of .5, and all of it shared
    same = spread_of(still, (0.0, 10.0))
    assert (same.sd, same.correlation, same.gain_variance) == (0.5, 0.999, pytest.approx(0))


def test_a_ceiling_is_in_the_range_and_selection_is_refused():
    rows = [(i, r, float(i % 2) * 10) for i in range(30) for r in (0, 1)]
    frame = pd.DataFrame(rows, columns=["item", "round", "score"])
    flags = compare_rounds(frame, score_range=(0, 10), ceiling=5).results[0].flags
    (flag,) = (one for one in flags if one["flag"] == "saturated")
    assert (flag["top"], flag["left"]) == (0.5, pytest.approx(0))
    for wrong in (0, 10.1):
        with pytest.raises(HarnessError, match=rf"ceiling {wrong}: is outside the score range 0,10"):
            compare_rounds(frame, score_range=(0, 10), ceiling=wrong)
    marked = frame.assign(selection=frame["item"].isin([1, 2]).where(frame["item"] > 0))
    with pytest.raises(HarnessError, match=r"^4 rows are of items that selected training data"):
        compare_rounds(marked, score_range=(0, 10))
    kept = compare_rounds(marked, score_range=(0, 10), keep_selection_items=True).results[0]
    assert kept.flags[-1] == {"flag": "selection_items", "outcome": "yes", "n_rows": 4}
