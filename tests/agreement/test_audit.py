"""Audits: LLMBar's published positions, biases put in by hand and found again, and what is missing is named."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from harness.agreement.audits.audit import audit
from harness.agreement.audits.biases import family_of, position
from harness.agreement.audits.subject import subject_of
from harness.cli import app
from harness.errors import HarnessError

NAMES = (
    "positional_agreement", "first_preference", "length", "self_preference", "test_retest_other_seeds",
    "test_retest_same_seed", "drift", "injection", "null_answer", "scale_use", "parse_failures", "mass", "independence",
)  # fmt: skip


def checks(frame, rater="judge", **how):
    return {check.name: check for check in audit(frame, rater, **how).checks}


def singles(values, **columns):
    """One rating a row, by `judge`."""
    n = len(values)
    facts = {"rater": "judge", "rater_kind": "judge", "criterion": "quality", "scale": "interval", "value": values}
    return pd.DataFrame({"item_id": [f"i{k}" for k in range(n)], **facts, **columns})


@pytest.mark.parametrize("part", ["GPT-4", pytest.param(None, marks=pytest.mark.slow)])
def test_position_is_llmbars_published_positional_agreement(data_dir, part):
    """Every published configuration of one judge; all 349 as a slow test."""
    folder = data_dir / "llmbar"
    rows = pd.read_csv(folder / "judge_verdicts.csv.gz", keep_default_na=False, dtype=str)
    rows = rows[rows["llm"] == part] if part else rows
    items = pd.read_json(folder / "items.jsonl.gz", lines=True).set_index("item_id")
    rows["rater"] = rows["item_id"].map(items["subset"]) + "|" + rows["llm"] + "|" + rows["strategy"]
    rows["value"] = rows["winner"].map({"1": 1.0, "2": 0.0})
    rows["order"] = rows["swapped"].map({"False": "response_first", "True": "against_first"})
    rows = rows.assign(rater_kind="judge", scale="preference")
    published = pd.read_csv(folder / "published_statistics.csv")
    assert len(published) == 349
    published = published[published["llm"] == part] if part else published
    assert len(published) >= 30
    found = {str(rater): position(subject_of(group, str(rater)))[0].value for rater, group in rows.groupby("rater")}
    for row in published.itertuples():
        expected = float(row.equal.split("= ")[1].rstrip("%"))
        assert 100 * found[f"{row.subset}|{row.llm}|{row.strategy}"] == pytest.approx(expected, abs=1e-9)


def test_every_check_is_there_and_says_what_to_record():
    found = audit(singles([1.0, 2.0, 3.0]), "judge").to_json()
    assert tuple(check["name"] for check in found["checks"]) == NAMES
    for check in found["checks"]:
        assert list(check) == ["name", "value", "low", "high", "n", "verdict", "reason"]
        if check["verdict"] == "not_run":
            assert check["value"] is None
            assert check["n"] == 0
            assert check["reason"]
        else:
            assert check["low"] <= check["value"] <= check["high"]
            assert check["n"] > 0
    by_name = {check["name"]: check["reason"] for check in found["checks"]}
    assert "`order`" in by_name["positional_agreement"]
    assert "`created_at`" in by_name["drift"]
    assert "`repetition`" in by_name["test_retest_other_seeds"]


def test_a_judge_that_takes_the_first_is_flagged():
    n = 40
    frame = pd.concat(
        [
            singles([1.0] * n, order="response_first", against_id="b", response_id="a"),
            singles([0.0] * n, order="against_first", against_id="b", response_id="a"),
        ]
    ).assign(scale="preference")
    found = checks(frame)
    assert (found["positional_agreement"].value, found["positional_agreement"].verdict) == (0.0, "flagged")
    assert (found["first_preference"].value, found["first_preference"].verdict) == (1.0, "flagged")


def test_an_error_of_the_provider_is_no_outcome_and_an_unread_answer_is():
    orders = ["response_first", "against_first"] * 3
    frame = singles([1.0, 1.0, np.nan, np.nan, 1.0, np.nan], order=orders, scale="preference")
    frame["item_id"] = ["a", "a", "b", "b", "c", "c"]
    frame["status"] = ["ok", "ok", "unparsed", "unparsed", "ok", "error"]
    found = checks(frame)
    assert (found["positional_agreement"].value, found["positional_agreement"].n) == (1.0, 2)  # a and b; c is left out
    assert (found["parse_failures"].value, found["parse_failures"].n) == (2 / 5, 5)
    assert "1 error" in found["parse_failures"].reason


def test_words_that_hold_little_of_the_probability_are_flagged():
    frame = singles([1.0] * 20).assign(metadata=['{"mass": 0.2}'] * 10 + ['{"mass": 0.3}'] * 10)
    frame.loc[0, "status"], frame.loc[0, "value"] = "unparsed", np.nan  # a rating that says why it is none has it too
    found = checks(frame)["mass"]
    assert (found.value, found.n, found.verdict) == (pytest.approx(0.25), 20, "flagged")
    assert checks(singles([1.0] * 20).assign(metadata='{"mass": 0.9}'))["mass"].verdict == "ok"
    assert checks(singles([1.0] * 20).assign(metadata="{}"))["mass"].verdict == "not_run"


def length_frame(pull, n=400):
    """Comparisons whose log odds are 2 better + pull tanh(longer / sd): what the regression has to find again."""
    rng = np.random.default_rng(0)
    length, against = rng.normal(500, 100, n), rng.normal(500, 100, n)
    quality, other = rng.normal(size=n), rng.normal(size=n)
    longer = length - against
    odds = 2 * (quality - other) / np.std(quality - other) + pull * np.tanh(longer / np.std(longer))
    judge = singles((rng.random(n) < 1 / (1 + np.exp(-odds))).astype(float), order="response_first", scale="preference")
    judge = judge.assign(response_id=[f"a{k}" for k in range(n)], against_id=[f"b{k}" for k in range(n)])
    judge = judge.assign(length=length, against_length=against)
    people = [
        singles(values, rater="p", rater_kind="human", response_id=[f"{side}{k}" for k in range(n)])
        for side, values in (("a", quality), ("b", other))
    ]
    return pd.concat([judge, *people], ignore_index=True)


@pytest.mark.parametrize(("pull", "verdict"), [(0.0, ("ok", "unclear")), (2.0, ("flagged",))])
def test_a_preference_for_length_is_found_at_equal_quality(pull, verdict):
    found = checks(length_frame(pull))["length"]
    expected = 1 / (1 + np.exp(-pull * np.tanh(1.0)))
    assert found.low <= expected <= found.high
    assert found.high - found.low > 0.02
    assert found.verdict in verdict
    assert "people" in found.reason


def test_self_preference_is_what_people_do_not_share():
    n = 200
    rng = np.random.default_rng(0)
    quality = rng.normal(size=n)
    own = np.arange(n) % 2 == 0
    models = np.where(own, "gpt-4o", "claude-3")
    ids = [f"r{k}" for k in range(n)]
    people = singles(quality, rater="p", rater_kind="human", response_id=ids)
    fair = singles(quality, model=models, response_id=ids)
    vain = singles(quality + own * 1.0, model=models, response_id=ids)
    good = checks(pd.concat([fair, people]), judge_model="gpt-4")
    bad = checks(pd.concat([vain, people]), judge_model="gpt-4")
    assert good["self_preference"].verdict == "ok"
    assert good["self_preference"].value == pytest.approx(0, abs=1e-9)
    assert (bad["self_preference"].verdict, bad["self_preference"].value > 0.5) == ("flagged", True)
    assert (bad["independence"].value, bad["independence"].verdict) == (0.5, "flagged")
    assert checks(vain, judge_model="gpt-4")["self_preference"].verdict == "not_run"


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("openai:gpt-4o", "gpt"), ("meta-llama/Llama-3-8B", "llama"), ("EleutherAI/gpt-neox-20b", "pythia"),
        ("embedded", "smollm"), ("claude-3-opus", "claude"), ("acme-7b", "acme"),
    ],
)  # fmt: skip
def test_families(model, family):
    assert family_of(model) == family


def test_repeats_and_drift():
    first = singles([1.0, 2.0, 3.0, 4.0], created_at="2026-01-01")
    second = singles([1.0, 2.0, 3.0, 1.0], repetition=1, created_at="2026-01-01")
    found = checks(pd.concat([first, second]))["test_retest_other_seeds"]
    assert (found.value, found.n) == (0.75, 4)
    later = first.assign(value=[4.0, 4.0, 4.0, 4.0], created_at="2026-02-01", repetition=1)
    moved = checks(pd.concat([first, later]))["drift"]
    assert moved.value == pytest.approx((3 + 2 + 1 + 0) / 4 / 3)  # of a scale from 1 to 4
    assert moved.verdict == "flagged"
    anchored = checks(first, anchor=first)["drift"]
    assert (anchored.value, anchored.verdict) == (0, "ok")


def test_the_command_reads_a_file_and_names_a_rater_that_is_not_there(tmp_path):
    path = tmp_path / "ratings.csv"
    singles([1.0, 2.0, 2.0]).to_csv(path, index=False)
    result = CliRunner().invoke(app, ["audit", str(path), "--rater", "judge", "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["rater"] == "judge"
    wrong = CliRunner().invoke(app, ["audit", str(path), "--rater", "juge"])
    assert isinstance(wrong.exception, HarnessError)
    assert "judge" in str(wrong.exception)
