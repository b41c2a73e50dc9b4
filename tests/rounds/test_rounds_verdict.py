"""Verdicts on rounds: hand-computed cases, curves made to rise, level off, fall, and noise; invariants."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.rounds.verdict.rounds import compare_rounds
from harness.rounds.verdict.verdict import decide, look_significance, window_contrast
from harness.statistics import Moments, holm, pass_at_k, proxy_weight

KEYS = [
    "benchmark", "series", "verdict", "rate", "low", "high", "sesoi", "rounds", "n_items", "n_seeds", "scope",
    "window", "significance", "level", "mde", "smallest_certifiable_sesoi", "needed_items", "missing", "looks",
    "reason", "paired", "deltas", "shape", "flags", "last_gain", "gain_total", "gain_last", "over_control",
    "more_items", "is_beside",
]  # fmt: skip


def draw(means, n=3000, keep=0.7, series="verifier", seed=0, **columns):
    """Return right-or-wrong scores with these means; an item keeps its luck from round to round with a probability."""
    rng = np.random.default_rng(seed)
    luck = rng.random(n)
    frames = []
    for number, mean in enumerate(means):
        luck = np.where(rng.random(n) < keep, luck, rng.random(n))
        score = (luck < mean).astype(float)
        frames.append(
            pd.DataFrame({"item": np.arange(n), "round": number, "score": score, "series": series, **columns})
        )
    return pd.concat(frames, ignore_index=True)


def long(scores, **columns):
    """Return an item by round array as a long frame."""
    scores = np.asarray(scores, dtype=float)
    item, number = np.indices(scores.shape)
    return pd.DataFrame({"item": item.ravel(), "round": number.ravel(), "score": scores.ravel(), **columns})


def only(found):
    assert len(found.results) == 1
    return found.results[0]


# 20 items, two rounds: 5 gained, 1 lost, 14 stayed (7 right, 7 wrong).
TWENTY = np.array([[0, 1]] * 5 + [[1, 0]] + [[1, 1]] * 7 + [[0, 0]] * 7, dtype=float)


def test_two_rounds_by_hand():
    # sum z = 4, sum z^2 = 6. With the guard's +1 and -1: sum z^2 = 8, n = 22, centre 4/22 = .181818,
    # variance (8 - 16/22)/21 = .346320, standard error sqrt(.346320/22) = .125466, t(21, .95) = 1.720743,
    # half .215895.
    result = only(compare_rounds(long(TWENTY)))
    assert result.rate == pytest.approx(0.2)
    assert result.low == pytest.approx(0.181818 - 0.215895, abs=1e-5)
    assert result.high == pytest.approx(0.181818 + 0.215895, abs=1e-5)
    assert (result.verdict, result.window, result.level) == ("inconclusive", [0, 1], 0.9)


def test_clusters_by_hand():
    # 20 clusters of two equal items: 12 clusters gain 1, 8 gain 0. Mean .6, centred sum of squares 4.8. With two
    # pseudo-clusters at +1 and -1 (40 items in 20 documents that never changed were a plateau without them): centre
    # 12/22 = .545455, sum of squares 14 - 144/22 = 7.454545, over 21 * 22: .016135, standard error .127025,
    # t(21, .95) = 1.720743, half .218577.
    scores = np.repeat([[0.0, 1.0]] * 12 + [[0.0, 0.0]] * 8, 2, axis=0)
    frame = long(scores)
    result = only(compare_rounds(frame.assign(document=frame["item"] // 2), cluster="document"))
    assert (result.low, result.high) == (pytest.approx(0.326878, abs=1e-5), pytest.approx(0.764032, abs=1e-5))
    assert result.verdict == "improving"


def test_the_seed_part_by_hand():
    # Two training seeds, 100 items that gain .1 in one and .3 in the other: variance between seeds
    # (.1^2 + .1^2)/1 = .02, over S = 2: .01.
    # Items: guard alone, at the largest change seen, .3: (2 * 100 * .04/102 + 2 * .09)/(101 * 102) = .00002509. The
    # seeds dominate: df = 1, t(1, .95) = 6.313752; half = 6.313752 * sqrt(.01002509) = .632167; centre .196078.
    frame = pd.concat([long([[0.2, 0.2 + gain]] * 100, seed=number) for number, gain in enumerate((0.1, 0.3))])
    result = only(compare_rounds(frame))
    assert (result.low, result.high) == (pytest.approx(-0.436089, abs=1e-5), pytest.approx(0.828245, abs=1e-5))
    assert (result.n_seeds, result.scope) == (2, "method")
    assert "this run" not in result.sentence


@pytest.mark.parametrize(
    ("rounds", "window", "slope"),
    [
        ([0, 1], [0, 1], [-1, 1]),
        ([0, 1, 2], [1, 2], [0, -1, 1]),
        ([0, 1, 2, 3, 4], [2, 3, 4], [0, 0, -0.5, 0, 0.5]),
        (list(range(8)), [3, 4, 5, 6, 7], [0, 0, 0, -0.2, -0.1, 0, 0.1, 0.2]),
        ([0, 2, 6], [2, 6], [0, -1, 1]),  # a round is a step, whatever it is called
        (["step-0", "step-1000"], ["step-0", "step-1000"], [-1, 1]),
    ],
)
def test_the_window_is_the_last_half_by_rule(rounds, window, slope):
    found, contrast = window_contrast(rounds)
    assert found == window
    assert contrast == pytest.approx(slope)


@pytest.mark.parametrize(
    ("means", "verdict", "said"),
    [
        ([0.40, 0.48, 0.56, 0.64, 0.72], "improving", "gain shown up to round 4, +3"),
        ([0.40, 0.60, 0.60, 0.60, 0.60], "plateaued", " after round 1, gain shown up to round 1, +2"),
        ([0.70, 0.64, 0.58, 0.52, 0.46], "worsening", " since round 0, gain shown up to round 0, -2"),
        ([0.40, 0.48, 0.56, 0.56, 0.50], "worsening", " since round "),
    ],
)
def test_curves_made_to_rise_level_off_and_fall(means, verdict, said):
    result = only(compare_rounds(draw(means, n=12_000)))
    assert result.verdict == verdict
    assert result.sentence.startswith(f"verifier: **{verdict} in this run**")
    assert said in result.sentence
    assert "over rounds 2-4; n = 12,000, 90 % intervals" in result.sentence


def test_noise_on_few_items_is_inconclusive_and_says_what_would_decide():
    result = only(compare_rounds(draw([0.5] * 4, n=150)))
    assert result.verdict == "inconclusive"
    more = max(result.needed_items.certify, result.needed_items.detect) - 150
    assert f"{more:,} more would decide about a gain of 1 point a round or a standstill" in result.sentence
    assert "more items would decide if the means are as they seem" in result.sentence
    assert result.mde > 0.01
    assert 0.01 < result.smallest_certifiable_sesoi < result.mde  # four rounds stand still more plainly than one gains
    assert "no gain" not in result.sentence


def test_json_has_exactly_these_keys_and_no_nan():
    found = compare_rounds(pd.concat([draw([0.4, 0.5, 0.6]), draw([0.5], n=30, series="one round")]))
    content = found.to_json()
    assert list(content) == ["results", "comparisons", "warnings", "summary"]
    assert all(list(row) == KEYS for row in content["results"])
    json.dumps(content, allow_nan=False)
    one = next(row for row in content["results"] if row["series"] == "one round")
    assert (one["rate"], one["reason"]) == (None, "too_few_rounds")
    assert list(found.df.columns) == KEYS


def test_too_few_items_or_clusters_give_a_reason():
    assert only(compare_rounds(draw([0.2, 0.9], n=19))).reason == "too_few_items"
    frame = draw([0.2, 0.9], n=200)
    result = only(compare_rounds(frame.assign(book=frame["item"] % 19), cluster="book"))
    assert (result.verdict, result.reason) == ("inconclusive", "too_few_items")


def test_looks_after_every_round_spend_the_significance():
    assert look_significance(1, 0.05) == pytest.approx(0.0303964, rel=1e-5)  # 6 * .05 / pi^2
    assert sum(look_significance(k, 0.05) for k in range(1, 10_000)) < 0.05
    result = only(compare_rounds(draw([0.4, 0.45, 0.5, 0.55]), look="every"))
    assert [look.round for look in result.looks] == [1, 2, 3]
    assert [look.window for look in result.looks] == [[0, 1], [1, 2], [1, 3]]
    assert result.looks[-1].significance == pytest.approx(look_significance(3, 0.05))
    assert (result.low, result.level) == (result.looks[-1].low, result.looks[-1].level)


def test_deltas_are_paired_with_bands_that_hold_together():
    frame = draw([0.4, 0.5, 0.5, 0.6])
    result = only(compare_rounds(frame))
    means = frame.groupby("round")["score"].mean().to_numpy()
    assert [delta.delta for delta in result.deltas] == pytest.approx(list(np.diff(means)))
    # Simultaneous over three deltas: wider than one 95 % interval, narrower than Bonferroni's (2.394 errors).
    step = frame.pivot(index="item", columns="round", values="score").diff(axis=1)[2]
    error = step.std() / np.sqrt(len(step))
    width = (result.deltas[1].high - result.deltas[1].low) / 2
    assert 1.96 * error < width < 2.40 * error


def test_the_shape_is_described_and_foretells():
    rising = only(compare_rounds(draw([0.2, 0.3, 0.4, 0.5, 0.6], n=8000))).shape
    assert rising["best"] == "linear"
    assert rising["next_gain"]["value"] == pytest.approx(0.1, abs=0.02)
    level = only(compare_rounds(draw([0.3, 0.45, 0.6, 0.6, 0.6, 0.6], n=8000))).shape
    assert (level["best"], level["at"]) == ("plateau", 2)
    peaked = only(compare_rounds(draw([0.3, 0.5, 0.7, 0.6, 0.5, 0.4], n=8000))).shape
    assert (peaked["best"], peaked["at"]) == ("peak", 2)
    assert sum(peaked["weights"].values()) == pytest.approx(1)
    constant = only(compare_rounds(draw([0.5] * 6, n=8000))).shape
    assert constant["best"] == "constant"


def test_missing_items_are_counted_and_bounded():
    frame = draw([0.5, 0.5, 0.5], n=1000)
    gone = (frame["round"] == 2) & (frame["item"] < 100)
    result = only(compare_rounds(frame[~gone]))
    assert (result.n_items, result.missing) == (900, [0, 0, pytest.approx(0.1)])
    flag = next(flag for flag in result.flags if flag["flag"] == "missing_changed")
    # The two bounds differ by the missing share of the window's last round, times its weight: .1 * 1.
    assert flag["missing_as_1"]["rate"] - flag["missing_as_0"]["rate"] == pytest.approx(0.1)
    assert only(compare_rounds(frame)).flags == []


def test_only_what_is_the_same_is_compared():
    frame = draw([0.5, 0.5, 0.5], n=300)
    frame["content_hash"] = np.where((frame["item"] < 40) & (frame["round"] == 2), "new", "old")
    found = compare_rounds(frame)
    assert only(found).n_items == 260
    assert found.warnings[0]["code"] == "content_hash_changed"
    frame = draw([0.5, 0.5, 0.5], n=300)
    frame["rater_version"] = np.where(frame["round"] == 0, "v1", "v2")
    found = compare_rounds(frame)
    assert (only(found).rounds, found.warnings[0]["code"]) == ([1, 2], "rater_version_changed")


def test_a_control_and_kinds_of_feedback_are_compared_on_the_same_items():
    frame = pd.concat([draw([0.4, 0.5, 0.6, 0.7], series="verifier"), draw([0.4] * 4, series="none", seed=1)])
    costs = {"labels": {"verifier": 1000, "none": 1000}}
    found = compare_rounds(frame, costs=costs)
    by_quantity = {one.quantity: one for one in found.comparisons}
    assert set(by_quantity) == {"rate", "final", "gain", "gain_per_label"}
    rate = by_quantity["rate"]
    assert (rate.a, rate.b, rate.control, rate.verdict) == ("verifier", "none", True, "more")
    rates = {result.series: result.rate for result in found.results}
    assert rate.value == pytest.approx(rates["verifier"] - rates["none"])
    assert by_quantity["gain_per_label"].value == pytest.approx(by_quantity["gain"].value / 1000)
    assert "over none (the control)" in rate.sentence


def test_gold_outranks_the_proxy_and_tells_over_optimising():
    # (One true standstill in ten is not certified; seed 2 draws one of the nine.)
    proxy, gold = draw([0.4, 0.5, 0.6, 0.7, 0.8], n=20_000), draw([0.4] * 5, n=20_000, seed=2)
    result = only(compare_rounds(proxy.assign(gold=gold["score"])))
    assert result.verdict == "plateaued"
    assert [flag["outcome"] for flag in result.flags if flag["flag"] == "over_optimising"] == ["yes"]
    honest = only(compare_rounds(proxy.assign(gold=proxy["score"])))
    assert [flag["outcome"] for flag in honest.flags if flag["flag"] == "over_optimising"] == ["no"]
    few = only(compare_rounds(proxy.assign(gold=gold["score"].where(gold["item"] < 100))))
    assert [flag["outcome"] for flag in few.flags if flag["flag"] == "over_optimising"] == ["unknown"]


def test_few_gold_scores_correct_a_judge_that_drifts():
    frame = draw([0.4, 0.5, 0.6, 0.7, 0.8], n=6000)
    truth = draw([0.4] * 5, n=6000, seed=1)["score"]
    labelled = np.random.default_rng(0).choice(6000, 1500, replace=False)
    result = only(compare_rounds(frame.assign(gold=truth.where(frame["item"].isin(labelled)))))
    assert only(compare_rounds(frame)).verdict == "improving"
    assert result.verdict != "improving"


def test_the_corrected_slope_covers_the_truth():
    rng = np.random.default_rng(0)
    labelled = np.arange(600) < 150
    covered = 0
    for _ in range(400):
        truth = rng.normal(0.0, 0.4, (600, 1))
        moments = Moments.corrected((truth + rng.normal(0.05, 0.2, (600, 1)))[None], truth[None], labelled, reach=0.0)
        judged = decide(moments.estimate(np.ones(1)), 0.01, 0.05)
        covered += judged.low < 0 < judged.high
    assert 0.86 < covered / 400 < 0.94  # 90 % nominal


@pytest.mark.slow
def test_prediction_powered_mean_against_the_published_formula():
    ppi_py = pytest.importorskip("ppi_py")
    rng = np.random.default_rng(0)
    truth = rng.normal(size=400)
    proxy = truth + rng.normal(size=400)
    labelled = np.arange(400) < 100
    moments = Moments.corrected(proxy[None, :, None], truth[None, :, None], labelled)
    y, f, rest = truth[labelled], proxy[labelled], proxy[~labelled]
    weight = proxy_weight(y[:, None], f[:, None], rest[:, None])
    expected = ppi_py.ppi_mean_pointestimate(y, f, rest, lam=weight)
    assert moments.means[0] == pytest.approx(float(np.ravel(expected)[0]))
    # var(y - lam f)/n + lam^2 var(F)/N
    by_hand = (y - weight * f).var(ddof=1) / 100 + weight**2 * rest.var(ddof=1) / 300
    assert moments.covariance()[0, 0] == pytest.approx(by_hand, rel=0.01)
    assert moments.covariance()[0, 0] < y.var(ddof=1) / 100


def test_gold_on_items_that_differ_is_no_sample():
    frame = draw([0.4, 0.5, 0.6, 0.7], n=2000)
    gains = frame.pivot(index="item", columns="round", values="score").diff(axis=1)[3]
    chosen = gains.index[gains > 0][:100]
    found = compare_rounds(frame.assign(gold=frame["score"].where(frame["item"].isin(chosen))))
    assert [warning["code"] for warning in found.warnings] == ["gold_shift"]


def test_forgetting_has_three_outcomes():
    target = draw([0.4, 0.5, 0.6], benchmark="target")

    def outcome(means, n):
        frame = pd.concat([target, draw(means, n=n, keep=0.95, seed=2, benchmark="other")])
        found = compare_rounds(frame, off_target=["other"])
        flags = next(one.flags for one in found.results if one.benchmark == "target")
        return next(flag["outcome"] for flag in flags if flag["flag"] == "forgetting")

    assert outcome([0.6, 0.5, 0.4], 3000) == "yes"
    assert outcome([0.6, 0.6, 0.6], 20_000) == "no"
    assert outcome([0.6, 0.6, 0.6], 100) == "unknown"


def answers(chances, n=4, seed=0):
    """Return n right-or-wrong answers to each item in each round; chances: round by item."""
    rng = np.random.default_rng(seed)
    frames = []
    for number, chance in enumerate(chances):
        right = rng.random((n, len(chance))) < chance
        frames += [
            pd.DataFrame({"item": range(len(chance)), "round": number, "score": row.astype(float)}) for row in right
        ]
    return pd.concat(frames)


def test_pass_at_k_by_hand():
    # n = 4, c = 1, k = 2: 1 - C(3, 2)/C(4, 2) = 1 - 3/6; c = 0: 0; c = 3: C(1, 2) = 0, so 1
    assert pass_at_k(np.array([1.0, 0.0, 3.0]), np.full(3, 4.0), 2) == pytest.approx([0.5, 0, 1])


def test_pass_at_k_of_many_answers_is_a_number():
    # C(3000, 1000) is beyond what a float holds. One right of 3,000: 1,000 draws find it in a third of cases.
    assert pass_at_k(np.array([1.0, 0.0]), np.full(2, 3000.0), 1000) == pytest.approx([1 / 3, 0])


def test_sharpening_and_collapsing():
    def outcomes(chances):
        return {flag["flag"]: flag["outcome"] for flag in only(compare_rounds(answers(chances))).flags}

    even, rise = np.full(3000, 0.3), np.full(3000, 0.5)
    torn = np.repeat([0.9, 0.0], 1500)  # more answers right, fewer items ever solved
    assert outcomes([even, even, torn]) == {"collapsing": "yes", "sharpening": "yes"}
    assert outcomes([even, rise, np.full(3000, 0.55)])["collapsing"] == "no"
    assert outcomes([even[:30]] * 3)["collapsing"] == "unknown"
    assert outcomes([rise] * 3)["sharpening"] in ("no", "unknown")
    assert only(compare_rounds(draw([0.5, 0.5, 0.5]))).flags == []


def test_a_trade_off_between_criteria():
    helpful, harmless = (draw(m, benchmark=b) for m, b in (([0.4, 0.5, 0.6], "helpful"), ([0.6, 0.5, 0.4], "harmless")))
    found = compare_rounds(pd.concat([helpful, harmless]))
    flags = {one.benchmark: one.flags for one in found.results}
    (flag,) = flags["helpful"]
    assert (flag["flag"], flag["outcome"], flag["worsening"]) == ("trade_off", "yes", ["harmless"])
    assert flag["others"]["harmless"]["high"] < 0
    assert flags["harmless"] == []


def test_holm_by_hand():
    # .01 * 3 = .03; .03 * 2 = .06; .04 * 1, not under .06
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])


def test_items_that_selected_training_data_are_refused_or_marked():
    frame = draw([0.4, 0.5, 0.6]).assign(selection=True)
    with pytest.raises(HarnessError, match="selected training data"):
        compare_rounds(frame)
    result = only(compare_rounds(frame, keep_selection_items=True))
    assert [flag["flag"] for flag in result.flags] == ["selection_items"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(columns="score"), "no column 'score'"),
        (lambda frame: frame.assign(score=frame["score"] * 5), "outside the score range"),
        (lambda frame: frame.assign(round=frame["round"] + 0.5), "no whole number"),
        (lambda frame: frame.assign(score="good"), "row 0 .* 'good' is no number"),
        (lambda frame: frame.assign(book=np.arange(len(frame))), "in two clusters"),
    ],
)
def test_wrong_input_is_refused_with_its_place(change, message):
    frame = change(draw([0.4, 0.5], n=30))
    with pytest.raises(HarnessError, match=message):
        compare_rounds(frame, cluster="book" if "book" in frame else None)


def test_another_score_range_gives_the_same_verdict():
    frame = draw([0.4, 0.5, 0.6])
    same = only(compare_rounds(frame.assign(score=1 + 4 * frame["score"]), score_range=(1, 5)))
    assert same.low == pytest.approx(only(compare_rounds(frame)).low)


scores = st.lists(st.lists(st.integers(0, 4), min_size=4, max_size=4), min_size=20, max_size=40)


@settings(max_examples=12)
@given(scores, st.integers(0, 1000))
def test_order_of_rows_and_of_items_does_not_matter(grades, seed):
    values = np.array(grades) / 4
    frame = long(values)
    shuffled = frame.sample(frac=1, random_state=seed)
    renamed = long(values[np.random.default_rng(seed).permutation(len(values))])
    first = only(compare_rounds(frame))
    for other in (shuffled, renamed):
        again = only(compare_rounds(other))
        assert again.verdict == first.verdict
        assert (again.rate, again.low, again.high) == pytest.approx((first.rate, first.low, first.high), abs=1e-9)


@settings(max_examples=12)
@given(scores, st.floats(-0.2, 0.2))
def test_an_item_that_is_easier_in_every_round_changes_nothing(grades, shift):
    values = 0.25 + np.array(grades) / 8
    moved = values + shift * np.linspace(0, 1, len(values))[:, None]
    contrast = window_contrast([0, 1, 2, 3])[1]
    before, after = (decide(Moments.of(x[None]).estimate(contrast), 0.01, 0.05) for x in (values, moved))
    assert (after.low, after.high) == pytest.approx((before.low, before.high), abs=1e-9)


@settings(max_examples=12)
@given(scores)
def test_turning_the_scores_around_turns_the_verdict_around(grades):
    values = np.array(grades) / 4
    first, turned = only(compare_rounds(long(values))), only(compare_rounds(long(1 - values)))
    assert (turned.low, turned.high) == pytest.approx((-first.high, -first.low), abs=1e-9)
    # That the last round is below one before it is less than that it is above all of them: a verdict turned around is
    # never the same direction, and need not be the opposite one.
    assert not (turned.verdict == first.verdict and first.verdict in ("improving", "worsening"))
