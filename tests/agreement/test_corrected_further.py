"""A corrected score that is looked at while labels come in, and systems compared on theirs."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from harness.agreement import agree
from harness.agreement.stand_in.sequential import _looks, spread_over_looks
from harness.cli import app
from harness.errors import HarnessError

COLUMNS = ["item_id", "rater", "value", "rater_kind"]


def judged(rng, truth, sens=0.85, spec=0.8):
    return np.where(truth == 1, rng.random(len(truth)) < sens, rng.random(len(truth)) > spec).astype(float)


def labelled(rng, n, items=1000, rate=0.7):
    truth = (rng.random(items) < rate).astype(float)
    rows = [(f"i{i}", "ai", v, "judge") for i, v in enumerate(judged(rng, truth))]
    rows += [(f"i{i}", "ann", truth[i], "human") for i in rng.permutation(items)[:n]]
    return pd.DataFrame(rows, columns=COLUMNS)


def sequence(frame, **options):
    return agree(frame, correct=True, chosen="random", sequential=True, resamples=0, **options).corrected[0]


def test_a_sequence_holds_at_every_look():
    """A 95 % interval that is looked at every ten labels from 20 to 300 excludes the truth somewhere in .2 of runs."""
    rng = np.random.default_rng(0)
    outside = once = 0
    for _ in range(60):
        looks = sequence(labelled(rng, 300))["sequential"]["looks"]
        assert [look["n"] for look in looks] == list(range(20, 301, 10))
        outside += any(not look["low"] <= 0.7 <= look["high"] for look in looks)
        half = [(look["high"] - look["low"]) / spread_over_looks(look["n"]) * 0.98 for look in looks]
        once += any(abs(look["value"] - 0.7) > h for look, h in zip(looks, half, strict=True))
    assert outside <= 5
    assert once >= 5


def test_how_many_labels_more_are_enough():
    rng = np.random.default_rng(1)
    found = sequence(labelled(rng, 100, items=4000), width=0.15)["sequential"]
    assert not found["enough"]
    needed = 100 + found["more"]
    then = sequence(labelled(rng, needed, items=4000), width=0.15)["sequential"]
    assert then["high"] - then["low"] == pytest.approx(0.15, rel=0.2)
    enough = sequence(labelled(rng, 400), width=0.3)["sequential"]
    assert (enough["enough"], enough["more"]) == (True, 0)
    assert sequence(labelled(rng, 100), width=0.01)["sequential"]["more"] is None


def test_the_order_is_that_of_a_column_or_of_the_lines():
    rng = np.random.default_rng(2)
    frame = labelled(rng, 60)
    back = frame.assign(when=[f"2026-01-01T00:{i // 60 % 60:02}:{i % 60:02}" for i in range(len(frame), 0, -1)])
    lines, dated = (sequence(back, time=name)["sequential"] for name in (None, "when"))
    turned = sequence(pd.concat([frame[:1000], frame[1000:][::-1]]))["sequential"]
    assert lines["by"] == "the order of the ratings"
    assert dated["looks"] == turned["looks"]
    assert dated["looks"][0] != lines["looks"][0]
    with pytest.raises(HarnessError, match=r"row 1001: 'soon' in 'when' is no time"):
        sequence(back.assign(when=["2026-01-01"] * 1000 + ["soon"] * 60), time="when")
    with pytest.raises(HarnessError, match="no column 'whn'"):
        sequence(back, time="whn")


def test_too_few_labels_and_a_choice_by_outcome_have_no_sequence():
    rng = np.random.default_rng(3)
    assert sequence(labelled(rng, 19))["sequential"]["reason"] == "too_few_items"
    (row,) = agree(labelled(rng, 80), correct=True, chosen="by-outcome", sequential=True, resamples=0).corrected
    assert row["sequential"]["reason"] == "not_sequential"


def answered(rng, n=60, prompts=400, gain=0.15, lenient=0.0):
    """Two systems answer the same prompts; the judge passes more of b's failures by `lenient`."""
    hard = rng.random(prompts)
    rows = []
    for system, rate, false in (("a", 0.5 + gain, 0.2), ("b", 0.5, 0.2 + lenient)):
        truth = (hard < rate).astype(float)
        said = judged(rng, truth, 0.9, 1 - false)
        rows += [(f"p{i}", "ai", v, "judge", system) for i, v in enumerate(said)]
        rows += [(f"p{i}", "ann", truth[i], "human", system) for i in range(n)]
    return pd.DataFrame(rows, columns=[*COLUMNS, "model"])


def test_systems_are_compared_paired_and_corrected():
    """The judge likes b's failures: its own scores put b first, the corrected ones a, and the truth is +.15."""
    rng = np.random.default_rng(4)
    frame = answered(rng, n=150, lenient=0.6)
    (row,) = agree(frame, correct=True, chosen="random", by="model", resamples=0).corrected
    found = row["by"]
    judge = frame[frame["rater"] == "ai"].groupby("model")["value"].mean()
    assert judge["b"] > judge["a"]
    assert [one["system"] for one in found["systems"]] == ["a", "b"]
    assert [(one["n_human"], one["n_items"]) for one in found["systems"]] == [(150, 400)] * 2
    (difference,) = found["differences"]
    assert difference["low"] < 0.15 < difference["high"]
    assert difference["p_holm"] == pytest.approx(difference["p"])
    apart = sum((one["high"] - one["low"]) ** 2 for one in found["systems"]) ** 0.5
    assert difference["high"] - difference["low"] < apart  # the same prompts


def test_differences_of_systems_cover():
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(150):
        (row,) = agree(answered(rng, n=40), correct=True, chosen="random", by="model", resamples=0).corrected
        (one,) = row["by"]["differences"]
        sign = 1 if one["system_a"] == "a" else -1
        low, high = sorted((sign * one["low"], sign * one["high"]))
        hits += low <= 0.15 <= high
    assert hits / 150 >= 0.9


def test_the_command_says_both(tmp_path):
    rng = np.random.default_rng(6)
    path = tmp_path / "judged.csv"
    answered(rng, n=60).to_csv(path, index=False)
    options = ["--correct", "--chosen", "random", "--by", "model", "--sequential", "--resamples", "0"]
    shown = CliRunner().invoke(app, ["agree", str(path), *options])
    assert shown.exit_code == 0
    assert "looked at while labels come in" in shown.stdout
    assert "(Holm)" in shown.stdout
    content = json.loads(CliRunner().invoke(app, ["agree", str(path), *options, "--json"]).stdout)
    (python,) = agree(pd.read_csv(path), correct=True, chosen="random", by="model", sequential=True).corrected
    assert content["corrected"][0]["by"] == json.loads(json.dumps(python["by"]))
    for option in (["--chosen", "random"], ["--sequential"], ["--correct", "--time", "model"]):
        assert CliRunner().invoke(app, ["agree", str(path), *option]).exit_code == 2


def test_many_labels_are_looked_at_seldom():
    found = _looks(1_000_000)
    assert found[:49] == [*range(20, 501, 10)]
    assert found[49:51] == [525, 551]  # a twentieth more: 500 + 25, 525 + 26
    assert found[-1] == 1_000_000
    assert len(found) < 250
    assert _looks(19) == []
    assert _looks(20) == [20]
