"""Two series side by side, gold beside a proxy, and what would decide: worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from harness import compare_rounds
from harness.rounds.scores.grid import ScoreGrid
from harness.rounds.verdict.comparison import Comparison
from harness.rounds.verdict.difference import difference, final_score
from harness.rounds.verdict.looks import VerdictRule
from harness.rounds.verdict.needed import RATIOS, NeededItems, Needs, Precision, about, items_as_seen
from harness.rounds.verdict.ppi import gold_shift
from harness.rounds.verdict.shape import describe
from harness.statistics import Moments, proxy_weight


def grid(scores, gold=None, rounds=None, seeds=(None,), items=None, series="a", **more):
    """Return a grid of scores of shape (seeds, items, rounds)."""
    names = pd.Index(range(scores.shape[1]) if items is None else items)
    called = list(range(scores.shape[2])) if rounds is None else rounds
    return ScoreGrid("b", series, called, list(seeds), names, scores, gold, more.pop("cluster", None), **more)


def scores(seed, items=30, rounds=3, seeds=1):
    return np.random.default_rng(seed).random((seeds, items, rounds))


def test_a_difference_is_of_the_items_rounds_and_seeds_that_both_have():
    a = grid(scores(0, seeds=2), seeds=(1, 2), rounds=[0, 1, 3], items=range(30), cluster=np.arange(30) // 2)
    b = grid(scores(1, seeds=3), seeds=(2, 3, 1), rounds=[0, 3, 4], items=range(4, 34), series="none")
    found = difference(a, b)
    assert (found.rounds, found.n_seeds, found.scope, found.n_items) == ([0, 3], 2, "method", 26)
    mine, other = a.scores[:, 4:, [0, 2]], b.scores[[2, 0], :26, :2]
    assert found.grid.scores == pytest.approx(mine - other)
    assert found.grid.cluster.tolist() == (np.arange(4, 30) // 2).tolist()
    assert found.grid.series == "a - none"
    assert found.grid.spread() == pytest.approx(a.spread() + b.spread())
    # Thirteen clusters are under twenty.
    assert found.reason == "too_few_items"
    assert found.note == (
        "only the 2 rounds that both have, 0 to 3, are compared (a has 3, none 3; final scores: "
        f"a {100 * a.scores[..., 2].mean():.1f} at 3 and none {100 * b.scores[..., 2].mean():.1f} at 4)"
    )
    priced = difference(a, b, (0.5, 0.25)).grid
    assert priced.scores == pytest.approx(0.5 * mine - 0.25 * other)
    assert priced.spread() == pytest.approx(0.5 * a.spread() + 0.25 * b.spread())
    assert final_score(a) == pytest.approx(a.scores[..., 2].mean())
    assert final_score(a, 0) == pytest.approx(a.scores[..., 0].mean())


def test_series_without_a_pair_say_why():
    a, b = grid(scores(0), seeds=(1,)), grid(scores(1), seeds=(2,))
    assert (difference(a, b).reason, difference(a, b).n_seeds, difference(a, b).scope) == (None, 1, "run")
    two = grid(scores(1, seeds=2), seeds=(2, 3))
    apart = difference(a, two)
    assert (apart.grid, apart.reason, apart.n_seeds, apart.n_items) == (None, "no_common_seeds", 1, 0)
    short = difference(a, grid(scores(1), rounds=[2, 3, 4]))
    assert (short.grid, short.reason, short.rounds, short.note) == (None, "no_common_rounds", [2], "")
    assert difference(grid(scores(0, items=20)), grid(scores(1, items=20))).reason is None
    assert difference(grid(scores(0, items=19)), grid(scores(1, items=19))).reason == "too_few_items"


def test_gold_is_compared_with_gold_where_both_have_it():
    few = np.arange(30) < 20
    part, all_ = (np.where(rows[None, :, None], scores(9), np.nan) for rows in (few, few | True))
    a, b = grid(scores(0), part), grid(scores(1), all_ / 2)
    both = difference(a, b).grid
    assert both.scores == pytest.approx(a.scores - b.scores)
    assert both.gold == pytest.approx(part - all_ / 2, nan_ok=True)
    assert difference(a, b).reason is None
    assert (
        difference(grid(scores(0), np.where(np.arange(30)[None, :, None] < 19, part, np.nan)), b).reason
        == "too_few_gold"
    )
    # One without gold: what each is judged by.
    one = difference(b, grid(scores(2))).grid
    assert one.gold is None
    assert one.scores == pytest.approx(all_ / 2 - scores(2))
    other = difference(grid(scores(2)), b).grid
    assert other.gold is None
    assert other.scores == pytest.approx(scores(2) - all_ / 2)


def test_a_shift_of_gold_by_hand():
    """Eight items with gold whose proxy gains more than that of the others; three rounds, of which two steps count."""
    proxy = scores(5, items=40) / 10
    labelled = np.arange(40) < 8
    proxy[0, labelled] += np.array([0, 0.1, 0.3])
    gold = np.where(labelled[None, :, None], proxy + scores(6, items=40) / 50, np.nan)
    flag, notices = gold_shift(grid(proxy, gold), 0.9)
    own, rest = (np.diff(proxy[0, rows], axis=1) for rows in (labelled, ~labelled))
    spread = np.cov(own.T) / 8 + np.cov(rest.T) / 32
    apart = own.mean(axis=0) - rest.mean(axis=0)
    gap = apart.sum()
    half = stats.t.ppf(0.95, 7) * np.sqrt(spread.sum())
    p = stats.chi2.sf(apart @ np.linalg.inv(spread) @ apart, 2)
    weight = proxy_weight(gold[0, labelled], proxy[0, labelled], proxy[0, ~labelled])
    assert 0 < weight < 1
    assert flag == {
        "flag": "gold_shift",
        "outcome": "yes",
        "p": pytest.approx(p),
        "proxy_weight": pytest.approx(weight),
        "n_gold": 8,
        "gap": {"rate": pytest.approx(gap), "low": pytest.approx(gap - half), "high": pytest.approx(gap + half)},
        "effect_on_gain": pytest.approx(-weight * gap),
    }
    assert notices == [
        {
            "code": "gold_shift",
            "message": f"a on b: the proxy gains {100 * gap:+.1f} points more [{100 * (gap - half):.1f}, "
            f"{100 * (gap + half):.1f}] on the items with gold scores than on the others (p = {p:.2g}); if they are no "
            f"random sample, the correction, which moves the gain by {-100 * weight * gap:+.1f}, does not hold",
            "benchmark": "b",
            "series": "a",
        }
    ]
    # Two rounds have one step.
    two, none = gold_shift(grid(proxy[..., :2], gold[..., :2]), 0.9)
    assert two["p"] == pytest.approx(stats.chi2.sf(apart[0] ** 2 / spread[0, 0], 1))
    assert len(none) == (two["p"] < 0.01)


def test_a_shift_of_gold_is_a_flag_and_a_warning_of_its_series():
    frame = pd.DataFrame([(i, r, float((i * 7 + r * 37) % 100 < 40)) for r in (0, 1) for i in range(100)],
                         columns=["item", "round", "score"])  # fmt: skip
    frame["gold"] = frame["score"].where(frame["item"] < 30)
    frame.loc[(frame["item"] < 30) & (frame["round"] == 1), "score"] = 1.0
    found = compare_rounds(frame)
    (flag,) = (one for one in found.results[0].flags if one["flag"] == "gold_shift")
    assert (flag["outcome"], flag["n_gold"]) == ("yes", 30)
    assert [one["code"] for one in found.warnings] == ["gold_shift"]
    assert {one["flag"] for one in found.results[0].flags} == {"gold_shift", "over_optimising", "judge_decay"}
    few = compare_rounds(frame.assign(gold=frame["gold"].where(frame["item"] < 20)))
    assert "judge_decay" in {one["flag"] for one in few.results[0].flags}


def test_a_proxy_beside_its_gold_is_judged_as_if_it_stood_alone():
    frame = drawn("a", [0.3, 0.5, 0.7]).assign(group=lambda rows: rows["item"] // 4)
    whole = frame.assign(gold=1 - frame["score"])
    found, alone = (compare_rounds(each, cluster="group").results[0] for each in (whole, frame))
    (flag,) = (one for one in found.flags if one["flag"] == "over_optimising")
    assert (found.verdict, flag["outcome"], flag["n_gold"]) == ("worsening", "yes", 400)
    assert flag["proxy"] == {"rate": alone.rate, "low": alone.low, "high": alone.high, "verdict": "improving"}
    assert flag["gold"] == {"rate": found.rate, "low": found.low, "high": found.high, "verdict": "worsening"}


def test_without_a_shift_of_gold_nothing_is_said():
    proxy = np.tile(scores(5, items=1), (1, 40, 1))
    gold = np.where(np.arange(40)[None, :, None] < 8, proxy, np.nan)
    flag, notices = gold_shift(grid(proxy, gold), 0.9)
    assert (flag["outcome"], flag["p"], flag["gap"]["rate"], notices) == ("no", 1.0, pytest.approx(0), [])
    ahead = proxy + np.where(np.arange(40)[None, :, None] < 8, [0, 0.1, 0.2], 0)  # so by no chance
    flag, notices = gold_shift(grid(ahead, gold), 0.9)
    assert (flag["outcome"], flag["p"], flag["gap"]["rate"], len(notices)) == ("yes", 0.0, pytest.approx(0.2), 1)
    one = np.where(np.arange(40)[None, :, None] < 39, proxy, np.nan)  # one item without gold has no spread
    flag, notices = gold_shift(grid(proxy, one), 0.9)
    assert (flag["outcome"], flag["p"], flag["gap"]) == ("no", 1.0, {"rate": 0.0, "low": 0.0, "high": 0.0})
    assert gold_shift(grid(proxy, proxy), 0.9) is None
    assert gold_shift(grid(proxy), 0.9) is None
    assert gold_shift(grid(proxy[..., :1], gold[..., :1]), 0.9) is None


def test_a_comparison_reads_with_its_figures():
    one = Comparison(
        "b", "a", "none", "gain", 0.0312, 0.0104, 0.052, 0.9, "more", 1200, 1, "run", True, None, note="the note"
    )
    assert one.sentence == (
        "a over none (the control), gain: +3.1 points [1.0, 5.2] in this run (90 % interval, n = 1,200): more; the note"
    )
    several = replace(one, quantity="rate", n_seeds=3, control=False, note="")
    assert several.sentence == "a over none, rate: +3.1 points a round [1.0, 5.2] (90 % interval, n = 1,200): more"
    assert "final: +3.1 points [" in replace(one, quantity="final").sentence
    priced = replace(one, quantity="gain_per_label", value=0.0000312, low=0.00001, high=0.00005)
    assert "gain per label: +0.00312 points per label [0.00100, 0.00500] in this run" in priced.sentence
    missing = replace(one, value=None, reason="no_common_rounds")
    assert missing.sentence == "a and none on b cannot be compared: no_common_rounds"
    assert "p_values" not in one.to_dict()


def test_counts_are_rounded_up_to_two_figures():
    counts = (1, 9, 10, 99, 100, 101, 110, 1234, 99_001)
    assert [about(count) for count in counts] == [1, 9, 10, 99, 100, 110, 110, 1300, 100_000]


def test_what_items_can_show_by_hand():
    # Two rounds: the error of the gain, times the ratio that simulation finds; the guard adds 2 (2 x reach)^2.
    one = Precision(2, 0.3, 0.25, 4.0, 0.0002, 2)
    units = 800 / 4
    items = (units * 0.3 + 2 * 0.25) / ((units + 1) * (units + 2))
    wider = stats.t.ppf(0.95, units + 1) / stats.norm.ppf(0.95)  # the items' part, .0015, is the larger
    for question, place in (("detect", 161), ("certify", 169)):
        said = one.smallest(question, 800, 0.05)
        assert said == pytest.approx(RATIOS[place] * wider * np.sqrt(items + 0.0002))
        needed = getattr(one.needed(said, 0.05), question)
        assert needed == 800
        assert one.smallest(question, 799, 0.05) > said
    # Where seeds are the larger part they are all the degrees of freedom there are.
    loud = Precision(2, 0.3, 0.25, 1.0, 0.01, 2)
    items = (800 * 0.3 + 2 * 0.25) / (801 * 802)
    wider = stats.t.ppf(0.95, 2) / stats.norm.ppf(0.95)
    assert loud.smallest("detect", 800, 0.05) == pytest.approx(RATIOS[161] * wider * np.sqrt(items + 0.01))
    # The seeds' part alone is beyond the SESOI: no number of items.
    assert loud.needed(0.1, 0.05) == NeededItems(None, None)
    assert Precision(2, 0.3, 0.25).needed(9.0, 0.05) == NeededItems(20, 20)


def test_what_would_decide_reads_with_its_counts():
    some = Needs(0.02, 0.02, NeededItems(1, 1), 1200, 3400, 0.01)
    assert some.sentence == (
        "about 1,200 more items would decide if the means are as they seem; about 3,400 more would decide about a gain "
        "of 1 point a round or a standstill"
    )
    assert some.more == 1200
    general = Needs(0.02, 0.02, NeededItems(1, 1), None, 3400, 0.02)
    assert general.sentence == "about 3,400 more items would decide about a gain of 2 points a round or a standstill"
    assert general.more == 3400
    never = Needs(None, None, NeededItems(None, None), None, None, 0.02)
    assert never.sentence == "a gain of 2 points a round or a standstill takes more training seeds, not more items"
    assert never.more is None
    enough = Needs(0.02, 0.02, NeededItems(1, 1), None, 0, 0.01)
    assert enough.sentence == "the means lie between a gain of interest and a standstill, and more items would tell"
    assert enough.more is None


def test_as_many_items_as_a_gain_that_seems_takes():
    # A gain of .02 whose units have variance .5: at n units z = .02 / sqrt(.5 / n); four of five beyond 1.645 take
    # z = 1.645 + .842, n = 7,730. The grid of sizes is coarse and the series few: within a fifth.
    spread = 0.25 * 99 * np.eye(2)
    means = np.array([0.4, 0.42])
    found = items_as_seen(Moments(means, spread, 300, 100, means[None], 0.0), 0.001, 0.05)
    assert found == pytest.approx(3 * 7730, rel=0.2)  # three items a unit
    assert items_as_seen(Moments(means, 100 * spread, 100, 100, means[None], 0.0), 0.001, 0.05) is None


def test_what_could_lie_outside_the_items_is_guarded_where_more_are_counted():
    # A gain of .1 whose error is .003 at 20 items; with two units more at +-1 it is .066, and z = 1.5.
    means = np.array([0.4, 0.5])
    free, guarded = (Moments(means, 0.0001 * 19 * np.eye(2), 20, 20, means[None], reach) for reach in (0.0, 0.5))
    assert items_as_seen(free, 0.01, 0.05) == 20 < items_as_seen(guarded, 0.01, 0.05) < 40


def test_rounds_show_themselves_as_a_list():
    frame = pd.DataFrame(
        [
            (i, r, float((i * 7 + r * 37) % 100 < 30 + 30 * r), s)
            for s in ("<a>", "b")
            for r in (0, 1)
            for i in range(200)
        ],
        columns=["item", "round", "score", "series"],
    )
    found = compare_rounds(frame, control="absent")
    html = found._repr_html_()
    assert html.startswith("<ul><li>&lt;a&gt;: <b>improving in this run</b>, gain shown up to round 1")
    assert html.endswith("</ul>")
    lines = len(found.results) + len(found.comparisons) + len(found.summary) + len(found.warnings)
    assert html.count("<li>") == html.count("</li>") == lines
    assert "<a>" not in html
    assert "**" not in html
    assert "the control &#x27;absent&#x27; is no series" in html
    assert found.to_json()["summary"] == found.summary
    assert [one["code"] for one in found.warnings] == ["no_control"]


def test_a_table_with_a_column_cluster_is_of_clusters(tmp_path):
    rows = [(i, i % 10, r, (i + r) % 2) for i in range(60) for r in (0, 1)]
    table = pd.DataFrame(rows, columns=["item", "cluster", "round", "score"])
    table.to_csv(tmp_path / "scores.csv", index=False)
    table.drop(columns="cluster").to_csv(tmp_path / "plain.csv", index=False)
    assert compare_rounds(tmp_path / "scores.csv").results[0].reason == "too_few_items"  # ten clusters
    assert compare_rounds(str(tmp_path / "plain.csv")).results[0].reason is None
    assert compare_rounds(table).results[0].reason is None  # of a frame the column is named
    assert compare_rounds(table, cluster="cluster").results[0].reason == "too_few_items"


def drawn(series, curve, items=400, seed=0, **columns):
    right = np.random.default_rng(seed).random((items, len(curve))) < np.asarray(curve)
    item, number = np.indices(right.shape)
    rows = {"item": item.ravel(), "round": number.ravel(), "score": right.ravel().astype(float)}
    return pd.DataFrame({**rows, "series": series, **columns})


def test_a_result_without_a_verdict_says_what_was_there():
    frame = drawn("a", [0.4, 0.6], 19, benchmark="x")
    frame.loc[(frame["item"] < 4) & (frame["round"] == 1), "score"] = np.nan
    other = drawn("a", [0.4], 30, benchmark="y")
    few, one = compare_rounds(pd.concat([frame, other]), sesoi=2.0, significance=0.1).results
    assert (few.benchmark, few.series, few.label, few.reason) == ("x", "a", "a on x", "too_few_items")
    assert (few.n_items, few.n_left_out, few.n_seeds, few.scope, few.paired) == (15, 4, 1, "run", True)
    assert few.missing == pytest.approx([0, 4 / 19])
    assert (few.verdict, few.sesoi, few.rounds, few.significance) == ("inconclusive", 0.02, [0, 1], 0.1)
    assert few.level == pytest.approx(0.8)
    assert (few.rate, few.low, few.high, few.window, few.mde, few.smallest_certifiable_sesoi, few.shape) == (None,) * 7
    assert (few.looks, few.deltas, few.flags, few.needed_items) == ([], [], [], NeededItems(None, None))
    assert (one.reason, one.n_items) == ("too_few_rounds", 30)
    seeded = pd.concat([drawn("a", [0.4, 0.6], 19, seed).assign(seed=seed) for seed in (1, 2)])
    (method,) = compare_rounds(seeded).results
    assert (method.n_seeds, method.scope, method.label) == (2, "method", "")


@pytest.mark.parametrize("look", ["final", "every"])
def test_a_result_is_its_last_look_and_what_stands_beside_it(look):
    frame = pd.concat([drawn("a", [0.3, 0.5, 0.52], seed=1), drawn("none", [0.3, 0.3, 0.31], seed=2)])
    one, control = compare_rounds(frame, sesoi=2.0, look=look).results
    rule = VerdictRule.of(2.0, 0.05, look)
    wide = frame.pivot(index=["series", "item"], columns="round", values="score")
    own = Moments.of(wide.loc["a"].to_numpy()[None])
    looks, outcome = rule.take(own, [0, 1, 2])
    assert (one.looks, one.outcome, one.verdict, one.window) == (looks, outcome, outcome.verdict, outcome.window)
    assert (one.rate, one.low, one.high) == (outcome.rate.rate, outcome.rate.low, outcome.rate.high)
    assert (one.last_gain, one.gain_total, one.gain_last) == (outcome.last_gain, outcome.gain_total, outcome.gain_last)
    assert (one.significance, one.level) == (looks[-1].significance, outcome.level)
    needs = Needs.of(own, 0.02, looks[-1].significance, outcome.verdict == "inconclusive")
    assert (one.needs, one.mde, one.needed_items) == (needs, needs.mde, needs.needed)
    assert one.smallest_certifiable_sesoi == needs.smallest_certifiable_sesoi
    assert (one.shape["best"], len(one.deltas), one.deltas[1].round) == (describe(own, [0, 1, 2])["best"], 2, 2)
    apart = Moments.of((wide.loc["a"] - wide.loc["none"]).to_numpy()[None], reach=1.0)
    looks, outcome = rule.take(apart, [0, 1, 2])
    over = one.over_control
    assert (over.control, over.verdict, over.outcome, over.reason, over.note) == (
        "none",
        outcome.verdict,
        outcome,
        None,
        "",
    )
    assert (over.last_gain, over.gain_total, over.gain_last) == (
        outcome.last_gain,
        outcome.gain_total,
        outcome.gain_last,
    )
    assert (over.rounds, over.n_items, over.n_seeds, over.scope) == ([0, 1, 2], 400, 1, "run")
    needs = Needs.of(apart, 0.02, looks[-1].significance, outcome.verdict == "inconclusive")
    assert (over.needs, over.more_items) == (needs, needs.more if outcome.verdict == "inconclusive" else None)
    assert (control.is_control, control.over_control, one.is_control) == (True, None, False)


def test_series_without_a_round_in_common_are_not_compared():
    later = drawn("none", [0.3, 0.4]).assign(round=lambda rows: rows["round"] + 2)
    found = compare_rounds(pd.concat([drawn("a", [0.3, 0.6]), later]))
    (one,) = found.comparisons
    assert (one.reason, one.rounds, one.value, one.verdict, one.n_items) == ("no_common_rounds", [], None, None, 0)
    over = found.results[0].over_control
    assert (over.control, over.verdict, over.rounds, over.reason) == ("none", None, [], "no_common_rounds")
    assert found.results[0].counts == found.results[0].verdict == "improving"


def test_series_are_compared_in_each_quantity_by_hand():
    frame = pd.concat([drawn("a", [0.3, 0.5, 0.6], seed=1), drawn("none", [0.3, 0.3, 0.31], seed=2)])
    costs = {"labels": {"a": 200.0, "none": 100.0}, "dollars": {"a": 4.0, "none": 8.0}}
    found = {one.quantity: one for one in compare_rounds(frame, sesoi=2.0, significance=0.1, costs=costs).comparisons}
    wide = frame.pivot(index=["series", "item"], columns="round", values="score")
    a, b = (wide.loc[name].to_numpy() for name in ("a", "none"))
    for quantity, contrast, x, y, reach in (
        ("rate", [0, -1, 1], 1, 1, 1), ("final", [0, 0, 1], 1, 1, 1), ("gain", [-1, 0, 1], 1, 1, 1),
        ("gain_per_label", [-1, 0, 1], 200, 100, 0.0075), ("gain_per_dollar", [-1, 0, 1], 4, 8, 0.1875),
    ):  # fmt: skip
        said = found.pop(quantity)
        estimate = Moments.of((a / x - b / y)[None], reach=reach).estimate(np.array(contrast, float))
        half = stats.t.ppf(0.9, estimate.df) * estimate.se
        assert said.value == pytest.approx(estimate.value)
        assert (said.low, said.high) == (pytest.approx(estimate.centre - half), pytest.approx(estimate.centre + half))
        assert said.level == pytest.approx(0.8)
        below = stats.t.cdf(estimate.centre / estimate.se, estimate.df)
        assert said.p_values == pytest.approx({"more": 1 - below, "less": below})
        assert (said.a, said.b, said.control, said.n_items, said.rounds) == ("a", "none", True, 400, [0, 2])
    assert not found
