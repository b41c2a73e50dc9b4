"""`harness rounds` as a user types it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.errors import HarnessError


@pytest.fixture
def scores(tmp_path):
    """A CSV of one series that rises, and its control that stays."""
    rng = np.random.default_rng(0)
    luck = rng.random(2000)
    means = {"verifier": [0.4, 0.5, 0.6, 0.7], "none": [0.4, 0.4, 0.4, 0.4]}
    rows = [
        {"item": item, "round": number, "score": float(luck[item] < mean), "series": series}
        for series, curve in means.items()
        for number, mean in enumerate(curve)
        for item in range(len(luck))
    ]
    path = tmp_path / "scores.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def rounds(*arguments):
    return CliRunner().invoke(app, ["rounds", *map(str, arguments)])


def test_sentences(scores):
    shown = rounds(scores)
    assert shown.exit_code == 0, shown.output
    assert "verifier: improving in this run, gain beyond none (the control) shown up to round 3, +2" in shown.stdout
    assert "by itself improving, gain shown up to round 3, +2" in shown.stdout
    assert "none (the control): plateaued in this run after round 0, gain shown up to round 0, " in shown.stdout
    assert "verifier over none (the control), rate:" in shown.stdout
    assert "verifier: yes, +2" in shown.stdout
    assert "points beyond training alone" in shown.stdout


def test_json(scores):
    content = json.loads(rounds(scores, "--json", "--sesoi", "2", "--look", "every").stdout)
    assert {row["series"]: row["verdict"] for row in content["results"]} == {
        "none": "plateaued",
        "verifier": "improving",
    }
    assert content["results"][0]["sesoi"] == 0.02
    assert len(content["results"][0]["looks"]) == 3
    assert content["warnings"] == []


def test_own_column_names_and_parquet(scores, tmp_path):
    frame = pd.read_csv(scores).rename(columns={"item": "question", "score": "acc", "round": "iteration"})
    frame.to_parquet(tmp_path / "scores.parquet")
    shown = rounds(tmp_path / "scores.parquet", "--item", "question", "--score", "acc", "--round", "iteration")
    assert "verifier: improving" in shown.stdout
    with pytest.raises(HarnessError, match="no column 'item'"):
        CliRunner().invoke(app, ["rounds", str(tmp_path / "scores.parquet")], catch_exceptions=False)


def test_a_gate_fails_with_4(scores):
    # What counts is the series beyond the control, which itself may well stand still.
    assert rounds(scores, "--fail-if", "plateaued,worsening").exit_code == 0
    assert rounds(scores, "--fail-if", "improving").exit_code == 4
    assert rounds(scores, "--control", "verifier", "--fail-if", "plateaued,worsening").exit_code == 4
    frame = pd.read_csv(scores)
    frame[frame["series"] == "none"].to_csv(scores, index=False)  # alone it is a series like another
    assert rounds(scores, "--fail-if", "plateaued,worsening").exit_code == 4
    assert rounds(scores, "--fail-if", "worsening").exit_code == 0
    assert isinstance(rounds(scores, "--fail-if", "plateau").exception, HarnessError)


def test_a_column_a_round_is_read_as_a_row_a_score(scores, tmp_path):
    """Wide and long are one table: the same verdicts, under the columns' names."""
    long = pd.read_csv(scores)
    wide = long.pivot_table(index=["item", "series"], columns="round", values="score").reset_index()
    wide = wide.rename(columns={number: f"step-{1000 * number}" for number in range(4)})
    path = tmp_path / "wide.csv"
    wide.assign(note="as asked").to_csv(path, index=False)
    of_wide, of_long = (json.loads(rounds(one, "--json").stdout)["results"] for one in (path, scores))
    assert of_wide[1]["rounds"] == ["step-0", "step-1000", "step-2000", "step-3000"]
    assert [row["gain_total"] for row in of_wide] == [row["gain_total"] for row in of_long]
    wide.assign(base=0.5).to_csv(path, index=False)
    said = str(rounds(path).exception)
    assert "read as a wide table, with the rounds step-0, step-1000, step-2000, step-3000 as columns" in said
    assert "'base' has numbers too" in said
    wide.rename(columns={"step-0": "epoch_0"}).to_csv(path, index=False)
    assert "no one order" in str(rounds(path).exception)
    wide.rename(columns={"item": "question"}).to_csv(path, index=False)
    assert "no column 'item' (--item)" in str(rounds(path).exception)


def test_a_score_range_is_needed_for_grades(scores, tmp_path):
    frame = pd.read_csv(scores)
    frame["score"] = 1 + 4 * frame["score"]
    frame.to_csv(tmp_path / "grades.csv", index=False)
    assert "outside the score range" in str(rounds(tmp_path / "grades.csv").exception)
    assert "verifier: improving" in rounds(tmp_path / "grades.csv", "--score-range", "1,5").stdout
    assert isinstance(rounds(tmp_path / "grades.csv", "--score-range", "one").exception, HarnessError)


def test_summary_and_published(tmp_path):
    (tmp_path / "summary.csv").write_text(
        "series,benchmark,round,score,unit,n_items\n"
        + "".join(f"a,b,{r},{40 + 10 * r},percent,2000\n" for r in range(4))
    )
    assert "a on b: improving" in rounds(tmp_path / "summary.csv", "--summary").stdout
    content = json.loads(rounds("--published", "--json").stdout)
    assert len(content["published"]) > 50
    assert "claimed: improving, gains shrinking" in rounds("--published").stdout


def test_a_control_that_is_not_there_is_no_control(scores):
    assert "--control: the control 'non' is no series of the scores. Did you mean 'none'?" in str(
        rounds(scores, "--control", "non").exception
    )
    assert "none over verifier (the control), rate: -" in rounds(scores, "--control", "verifier").stdout


def test_errors_show_plain_values(scores, tmp_path):
    frame = pd.read_csv(scores)
    frame.assign(score=frame["score"].where(frame.index != 3, 1.5)).to_csv(tmp_path / "wrong.csv", index=False)
    assert "row 3 (line 5 of a CSV): 1.5 is outside" in str(rounds(tmp_path / "wrong.csv").exception)


def test_several_benchmarks_and_comparisons_are_summed_up_by_holm(scores, tmp_path):
    frame = pd.read_csv(scores)
    pd.concat([frame.assign(benchmark=name) for name in ("sums", "words")]).to_csv(tmp_path / "two.csv", index=False)
    shown = rounds(tmp_path / "two.csv").stdout
    assert "verifier, 2 benchmarks together (Holm over benchmarks): improving on 2 (sums, words)" in shown
    assert "none, 2 benchmarks together (Holm over benchmarks): plateaued on 2 (sums, words)" in shown
    assert "rate, 2 comparisons together (Holm): verifier more than none on sums" in shown


def test_a_map_names_the_rounds(tmp_path):
    for number, right in enumerate((20, 30, 40)):
        folder = tmp_path / f"checkpoint-{number}"
        folder.mkdir()
        lines = [
            {"doc_id": place, "metrics": ["acc"], "acc": float(place < right), "doc_hash": str(place), "doc": {},
             "target": "", "arguments": {}, "resps": [], "filtered_resps": []}
            for place in range(60)
        ]  # fmt: skip
        (folder / "samples_piqa_2026-01-01T00-00-00.000000.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (tmp_path / "map.yaml").write_text("dpo: {0: checkpoint-0, 1: checkpoint-1, 2: checkpoint-2}\n")
    (found,) = json.loads(rounds("--map", tmp_path / "map.yaml", "--json").stdout)["results"]
    assert (found["series"], found["rounds"], found["rate"]) == ("dpo", [0, 1, 2], pytest.approx(1 / 6))
    for wrong, said in (
        ("dpo: base", "has no rounds"),
        ("[1", "is not YAML"),
        ("a: " + "[" * 5000, "is nested too deeply"),
        ("dpo: {0: x}\ndpo: {1: x}", "the key 'dpo' is there already"),
        ("dpo: {a: b}", "is no round and path"),
    ):
        (tmp_path / "map.yaml").write_text(wrong)
        assert said in str(rounds("--map", tmp_path / "map.yaml").exception)


def test_no_source_says_what_to_do():
    assert "say where the scores are" in str(rounds().exception)
