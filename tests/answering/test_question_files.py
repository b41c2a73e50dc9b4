"""A file of questions is read as it was written."""

import json

from harness.answering.models.generation import Generation
from harness.answering.tasks.hub import load_dataset
from harness.answering.tasks.task import load_task
from harness.catalog import Catalog
from harness.suite import TaskUse

CSV = "code,day,right,share,word\n007,2024-01-02,1,0.5,None\n010,2024-02-03,0,1.25,NA\n"


def test_text_in_a_csv_stays_text_and_numbers_are_numbers(tmp_path):
    (tmp_path / "a.csv").write_text(CSV)
    (tmp_path / "b.csv").write_text("\ufeffcode;n\n01;1.50\n2;3\n")
    rows = load_dataset("csv", data_files={"test": str(tmp_path / "a.csv")})["test"][:]
    assert rows == {
        "code": ["007", "010"],
        "day": ["2024-01-02", "2024-02-03"],
        "right": [1, 0],
        "share": [0.5, 1.25],
        "word": ["None", "NA"],
    }
    rows = load_dataset("csv", data_files={"test": str(tmp_path / "b.csv")}, sep=";")["test"][:]
    assert rows == {"code": ["01", "2"], "n": ["1.50", "3"]}  # 1.50 is no number written as one is


def test_text_in_json_that_looks_like_a_date_stays_text(tmp_path):
    rows = [{"day": "2024-01-02", "at": "2024-01-02 10:00:00", "n": None}, {"day": "2024-02-03", "at": "x", "n": 1}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = load_dataset("json", data_files={"test": str(tmp_path / "a.jsonl")})["test"]
    assert list(found) == rows


def test_the_length_of_an_answer_goes_by_any_of_its_names():
    for name in ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens"):
        assert Generation("q", {name: 7}, 0).call().max_tokens == 7
    assert Generation("q", {"max_new_tokens": 9, "max_gen_toks": 7}, 0).call().max_tokens == 7


def test_programs_are_asked_with_as_many_stops_as_openai_takes(hub_mirror):
    for name in ("humaneval", "humaneval_plus"):
        stops = load_task(TaskUse(task=name), Catalog(), limit=1).lm_task.config.generation_kwargs["until"]
        assert len(stops) == 4
