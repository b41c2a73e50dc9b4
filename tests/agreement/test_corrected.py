"""Corrected scores: against ppi-python, by simulation, and where the sample is none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.agreement import agree
from harness.agreement.stand_in.corrected import ppi_mean, rogan_gladen, shift_test, stratified_ppi_mean
from harness.errors import HarnessError


def judged(rng, truth, sens=0.85, spec=0.8):
    return np.where(truth == 1, rng.random(len(truth)) < sens, rng.random(len(truth)) > spec).astype(float)


def test_ppi_is_that_of_ppi_python():
    ppi_py = pytest.importorskip("ppi_py")
    rng = np.random.default_rng(0)
    y = rng.normal(3, 1, 80)
    f = y + rng.normal(0.3, 0.7, 80)
    unrated = rng.normal(3.3, 1.2, 900)
    found = ppi_mean(y, f, unrated)
    assert found.value == pytest.approx(float(np.squeeze(ppi_py.ppi_mean_pointestimate(y, f, unrated))), abs=1e-9)
    low, high = (float(np.squeeze(end)) for end in ppi_py.ppi_mean_ci(y, f, unrated, alpha=0.05))
    # theirs has normal quantiles and divides by n, ours t quantiles with n - 1: 1.9905 / 1.9600 and sqrt(80 / 79)
    assert (found.high - found.low) / (high - low) == pytest.approx(1.9905 / 1.96 * (80 / 79) ** 0.5, abs=0.003)


def test_ppi_covers_and_is_never_wider_than_people_alone():
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(1500):
        truth = (rng.random(600) < 0.4).astype(float)
        f = judged(rng, truth)
        y = truth[:60]
        found, alone = ppi_mean(y, f[:60], f[60:]), ppi_mean(y, np.zeros(60), np.zeros(0))
        assert found.high - found.low <= alone.high - alone.low + 1e-12
        hits += found.low <= 0.4 <= found.high
    assert hits / 1500 >= 0.92


def test_under_a_shift_ppi_is_wrong_and_the_correction_holds():
    """Half of the human-rated items pass and 80 % of the others: only sensitivity and specificity carry over."""
    rng = np.random.default_rng(2)
    plain = corrected = 0
    for _ in range(600):
        truth, other = (rng.random(200) < 0.5).astype(float), (rng.random(2000) < 0.8).astype(float)
        f, unrated = judged(rng, truth), judged(rng, other)
        ppi, rogan = ppi_mean(truth, f, unrated), rogan_gladen(truth, f, unrated)
        plain += ppi.low <= 0.8 <= ppi.high
        corrected += rogan.low <= 0.8 <= rogan.high
    assert plain / 600 < 0.2
    assert 0.925 <= corrected / 600 <= 0.98


def test_rogan_gladen_by_hand():
    """Sensitivity 8/10, specificity 9/10, 55 of 100 pass: (.55 + .9 - 1) / (.8 + .9 - 1) = .642857."""
    y = np.array([1.0] * 10 + [0.0] * 10)
    f = np.array([1.0] * 8 + [0.0] * 2 + [1.0] + [0.0] * 9)
    unrated = np.array([1.0] * 55 + [0.0] * 45)
    assert rogan_gladen(y, f, unrated).value == pytest.approx(0.45 / 0.7)
    assert rogan_gladen(y, 1 - f, unrated).reason == "no_better_than_chance"
    assert rogan_gladen(y[:12], f[:12], unrated).reason == "too_few_items"
    with pytest.raises(HarnessError, match="verdicts of 0 and 1"):
        rogan_gladen(y * 2, f, unrated)


def test_strata_weigh_by_their_share_of_all_items():
    rng = np.random.default_rng(3)
    easy, hard = rng.normal(4, 0.1, 500), rng.normal(2, 0.1, 500)
    y, f = np.concatenate([easy[:40], hard[:10]]), np.concatenate([easy[:40], hard[:10]]) + 0.5
    rest = np.concatenate([easy[40:], hard[10:]]) + 0.5
    strata, others = np.repeat(["e", "h"], [40, 10]), np.repeat(["e", "h"], [460, 490])
    found = stratified_ppi_mean(y, f, rest, strata, others)
    assert found.value == pytest.approx(3.0, abs=0.03)
    assert found.error < ppi_mean(y, f, rest).error


def frame(rng, share, other):
    truth, rest = (rng.random(100) < share).astype(float), (rng.random(900) < other).astype(float)
    all_items = np.concatenate([truth, rest])
    rows = [(f"i{i}", "ai", v, "judge") for i, v in enumerate(judged(rng, all_items))]
    rows += [(f"i{i}", "ann", v, "human") for i, v in enumerate(truth)]
    return pd.DataFrame(rows, columns=["item_id", "rater", "value", "rater_kind"])


def test_nothing_is_switched_in_silence():
    """The former rule, a test of shift at .05 and then another method, was wrong in both directions: not said how the
    items were chosen, both estimates stand there with what they assume; said, one does, whatever the data look like."""
    rng = np.random.default_rng(4)
    (same,) = agree(frame(rng, 0.6, 0.6), correct=True, resamples=0).corrected
    assert (same["method"], same["n_human"], same["n_items"]) == ("stratified_ppi++", 100, 1000)
    assert same["low"] < 0.6 < same["high"]
    assert [one["method"] for one in same["estimates"]] == ["stratified_ppi++", "rogan_gladen"]
    moved = frame(rng, 0.3, 0.8)
    found = agree(moved, correct=True, resamples=0)
    (row,) = found.corrected
    assert row["method"] == "stratified_ppi++"
    assert row["estimates"][1]["low"] < 0.75 < row["estimates"][1]["high"]
    assert row["shift"]["high"] < 0 < row["shift"]["moves"]
    assert "shift" in {warning["code"] for warning in found.warnings}
    for chosen, method in (("random", "ppi++"), ("by-judge", "stratified_ppi++"), ("by-outcome", "rogan_gladen")):
        (row,) = agree(moved, correct=True, chosen=chosen, resamples=0).corrected
        assert [one["method"] for one in row["estimates"]] == [method] == [row["method"]]


def drawn(rng, weights, n=200, items=1600, rate=0.424):
    """People rated `n` items, drawn with weights (of the AI's verdict or of the truth) of failures and passes."""
    truth = (rng.random(items) < rate).astype(float)
    said = judged(rng, truth)
    by, odds = weights
    chance = np.where({"judge": said, "truth": truth}[by] == 1, *odds)
    seen = rng.choice(items, n, replace=False, p=chance / chance.sum())
    rows = [(f"i{i}", "ai", v, "judge") for i, v in enumerate(said)]
    rows += [(f"i{i}", "ann", truth[i], "human") for i in seen]
    return pd.DataFrame(rows, columns=["item_id", "rater", "value", "rater_kind"])


@pytest.mark.parametrize(("chosen", "weights", "wrong"), [
    ("by-judge", ("judge", (3, 1)), "by-outcome"),
    ("by-outcome", ("truth", (3, 1)), "by-judge"),
])  # fmt: skip
def test_each_way_of_choosing_has_its_estimate(chosen, weights, wrong):
    """People rated passes (of the AI, or true ones) three times as often; the truth is .424."""
    rng = np.random.default_rng(7)
    hits = {chosen: 0, wrong: 0}
    for _ in range(60):
        sample = drawn(rng, weights)
        for how in hits:
            (row,) = agree(sample, correct=True, chosen=how, resamples=0).corrected
            hits[how] += row["low"] <= 0.424 <= row["high"]
    assert hits[chosen] >= 54
    assert hits[wrong] <= 25


def test_grades_are_corrected_in_bands_of_the_ai_and_not_by_outcome():
    rng = np.random.default_rng(8)
    truth = rng.normal(3, 1, 800)
    said = np.rint(np.clip(truth + rng.normal(0.5, 0.7, 800), 1, 5))
    seen = rng.choice(800, 100, replace=False, p=said / said.sum())
    rows = [(f"i{i}", "ai", v, "judge") for i, v in enumerate(said)]
    rows += [(f"i{i}", "ann", truth[i], "human") for i in seen]
    sample = pd.DataFrame(rows, columns=["item_id", "rater", "value", "rater_kind"])
    (row,) = agree(sample, correct=True, resamples=0).corrected
    assert len(row["estimates"]) == 1
    assert row["low"] < truth.mean() < row["high"]
    assert row["high"] - row["low"] < row["human_only"]["high"] - row["human_only"]["low"]
    (row,) = agree(sample, correct=True, chosen="by-outcome", resamples=0).corrected
    assert (row["value"], row["reason"]) == (None, "not_verdicts")


def test_whole_documents_count_as_documents():
    """Twenty documents of ten equal items: the interval is that of five documents, not of fifty items."""
    rng = np.random.default_rng(9)
    document = np.repeat(np.arange(20), 10)
    truth = rng.normal(size=20)[document]
    rows = [
        (f"i{i}", "ai", 0.5 * v + rng.normal(), "judge", d)
        for i, (v, d) in enumerate(zip(truth, document, strict=True))
    ]
    rows += [(f"i{i}", "ann", truth[i], "human", document[i]) for i in range(50)]
    sample = pd.DataFrame(rows, columns=["item_id", "rater", "value", "rater_kind", "document"])
    (whole,) = agree(sample, correct=True, chosen="random", cluster="document", resamples=0).corrected
    (items,) = agree(sample, correct=True, chosen="random", resamples=0).corrected
    assert whole["high"] - whole["low"] > 2 * (items["high"] - items["low"])


@pytest.mark.parametrize("chosen", ["perhaps", "by:", "by:nothing"])
def test_how_items_were_chosen_is_one_of_four(chosen):
    with pytest.raises(HarnessError, match=r"random, by-judge, by-outcome or by:COLUMN|no column 'nothing'"):
        agree(frame(np.random.default_rng(0), 0.5, 0.5), correct=True, chosen=chosen, resamples=0)


def test_the_shift_test_is_quiet_where_there_is_none():
    rng = np.random.default_rng(5)
    found = [shift_test(rng.normal(size=80), rng.normal(size=800))[1] < 0.05 for _ in range(800)]
    assert np.mean(found) == pytest.approx(0.05, abs=0.025)
    assert shift_test(np.ones(5), np.ones(5)) == (0.0, 1.0)


@pytest.mark.parametrize(("n", "rate"), [(20, 0.05), (30, 0.9), (50, 0.1)])
def test_few_verdicts_near_the_ends_still_cover(n, rate):
    """Without the items that are added, 20 ratings at a rate of .05 covered .65: most samples hold no pass at all."""
    rng = np.random.default_rng(6)
    hits = 0
    for _ in range(400):
        truth = (rng.random(500) < rate).astype(float)
        f, y = judged(rng, truth, 0.9, 0.9), truth[:n]
        found, alone = ppi_mean(y, f[:n], f[n:]), ppi_mean(y, np.zeros(n), np.zeros(0))
        assert found.high - found.low <= alone.high - alone.low + 1e-12
        hits += found.low <= rate <= found.high
    assert hits / 400 >= 0.92
