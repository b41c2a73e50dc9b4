"""Human-rated data sets by name, from mirror folders in the hub's own schema."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from harness.agreement.coefficients.alpha import alpha
from harness.agreement.grid.wide import wide_units
from harness.errors import HarnessError
from harness.rating.files.hub import find_dataset, read_dataset
from harness.rating.people.collecting import collect
from harness.run.folder import Run
from harness.suite import Suite


def mirror(folder, dataset, split, records, config="", monkeypatch=None):
    place = folder / dataset / config
    place.mkdir(parents=True)
    (place / f"{split}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    monkeypatch.setenv("HARNESS_DATA_DIR", str(folder))


def nominal_alpha(frame):
    wide = frame.pivot_table(index="item_id", columns="rater", values="value", aggfunc="first")
    return alpha(wide_units(wide), "nominal", resamples=0).value


def conversation(question, answer):
    return [{"content": question, "role": "user"}, {"content": answer, "role": "assistant"}]


def test_mt_bench_from_a_mirror_becomes_items_responses_and_ratings(tmp_path, monkeypatch):
    records = [
        {"question_id": 81, "model_a": a, "model_b": b, "winner": winner, "judge": judge, "turn": 1,
         "conversation_a": conversation("Why?", f"by {a}"), "conversation_b": conversation("Why?", f"by {b}")}
        for a, b, winner, judge in (
            ("vicuna", "alpaca", "model_a", "expert_1"),
            ("alpaca", "vicuna", "model_b", "author_0"),
            ("alpaca", "llama", "tie", "expert_1"),
        )
    ]  # fmt: skip
    mirror(tmp_path, "lmsys/mt_bench_human_judgments", "human", records, monkeypatch=monkeypatch)
    found, rated = read_dataset("lmsys/mt_bench_human_judgments")
    assert [(one.value, one.rater_kind) for one in found.ratings] == [(0, "human"), (0, "human"), (0.5, "human")]
    items = [one for one in rated if not hasattr(one, "response_id")]
    texts = {one.model: one.text for one in rated if hasattr(one, "response_id")}
    assert [(one.item_id, one.prompt) for one in items] == [("81__1", "Why?")]
    assert set(texts) == {"alpaca", "vicuna", "llama"}
    assert all(f"by {model}" in text for model, text in texts.items())
    assert {one.item_id for one in found.ratings} == {"81__1"}


def test_helpsteer3_has_a_configuration(tmp_path, monkeypatch):
    record = {"domain": "code", "language": "python", "context": [{"role": "user", "content": "?"}], "response1": "a",
              "response2": "b", "overall_preference": -1,
              "individual_preference": [{"score": -1, "reasoning": "r", "feedback1": "", "feedback2": ""}]}  # fmt: skip
    mirror(tmp_path, "nvidia/HelpSteer3", "validation", [record] * 1, config="preference", monkeypatch=monkeypatch)
    found, rated = read_dataset("helpsteer3")
    assert found.ratings[0].value == pytest.approx(2 / 3)
    assert sorted(one.text for one in rated if hasattr(one, "response_id")) == ["a", "b"]


def test_a_data_set_fills_a_run_under_pseudonyms(tmp_path, monkeypatch):
    record = {"prompt": "Write a poem", "avg_rating": "3.5", "quality": [
        {"user_id": "someone-known", "value": value, "status": "submitted"} for value in ("3", "4")]}  # fmt: skip
    mirror(tmp_path / "mirror", "DIBT/10k_prompts_ranked", "train", [record], monkeypatch=monkeypatch)
    suite = {"name": "x", "models": [{"name": "m", "model": "embedded"}], "tasks": [{"task": "t"}]}
    run = Run.create(tmp_path / "run", Suite.model_validate(suite))
    for _ in range(2):  # again: nothing is there twice
        found = collect(run, "ten-k-prompts", key=bytes(32))
    assert (found.read, len(run.items), len(run.responses), len(run.ratings)) == (2, 1, 1, 2)
    assert run.ratings["rater"].str.fullmatch("h_[0-9a-f]{8}").all()
    assert run.responses["text"].tolist() == ["Write a poem"]


def test_a_missing_mirror_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_DATA_DIR", str(tmp_path))
    with pytest.raises(HarnessError, match=r"looked for lmsys/mt_bench_human_judgments/human\.parquet"):
        read_dataset("mt-bench")
    with pytest.raises(HarnessError, match="Did you mean 'mt-bench'"):
        find_dataset("mt-bensh")


def test_mt_bench_agrees_as_the_released_ratings_do(data_dir, tmp_path, monkeypatch):
    rows = pd.read_csv(data_dir / "alttest" / "mtbench.ratings.csv.gz")
    rows = rows[rows["rater_type"] == "human"]
    records = []
    for number, (item_id, winner, rater) in enumerate(zip(rows["item_id"], rows["score"], rows["rater"], strict=True)):
        question, a, b, turn = item_id.split("__")
        if number % 2:  # as in the release, either model may stand first
            a, b = b, a
            winner = {"model_a": "model_b", "model_b": "model_a"}.get(winner, winner)
        records.append({"question_id": int(question), "model_a": a, "model_b": b, "winner": winner, "turn": int(turn),
                        "judge": rater.removeprefix("h:"), "conversation_a": conversation("q", a),
                        "conversation_b": conversation("q", b)})  # fmt: skip
    mirror(tmp_path, "lmsys/mt_bench_human_judgments", "human", records, monkeypatch=monkeypatch)
    found, _ = read_dataset("mt-bench")
    assert found.read == len(rows) == len(found.ratings) + len(found.rejected)
    imported = pd.DataFrame(
        [
            {"item_id": f"{one.response_id} {one.against_id}", "rater": one.rater, "value": one.value}
            for one in found.ratings
        ]
    )
    released = rows.assign(value=rows["score"].map({"model_a": 1.0, "model_b": 0.0, "tie": 0.5}))
    assert nominal_alpha(imported) == pytest.approx(nominal_alpha(released), abs=1e-12)


def test_ten_thousand_prompts_agree_as_the_released_ratings_do(data_dir, tmp_path, monkeypatch):
    rows = pd.read_csv(data_dir / "alttest" / "10k_prompts.ratings.csv.gz")
    rows = rows[rows["rater_type"] == "human"].assign(value=lambda frame: frame["score"].astype(float))
    records = [
        {"prompt": str(item), "avg_rating": str(group["value"].mean()), "num_responses": len(group),
         "quality": [{"user_id": who, "value": str(int(score)), "status": "submitted"}
                     for who, score in zip(group["rater"], group["value"], strict=True)]}
        for item, group in rows.groupby("item_id")
    ]  # fmt: skip
    mirror(tmp_path, "DIBT/10k_prompts_ranked", "train", records, monkeypatch=monkeypatch)
    found, rated = read_dataset("DIBT/10k_prompts_ranked")
    assert found.read == len(rows) == len(found.ratings)
    assert len({one.item_id for one in rated}) == rows["item_id"].nunique()
    imported = pd.DataFrame([{"item_id": one.item_id, "rater": one.rater, "value": one.value} for one in found.ratings])
    assert nominal_alpha(imported) == pytest.approx(nominal_alpha(rows), abs=1e-12)
