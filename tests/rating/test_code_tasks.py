"""HumanEval and MBPP as tasks: answered without running anything, then rated in the sandbox."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from harness.answering.tasks.task import load_task
from harness.catalog import Catalog
from harness.rating.rate import find_rater
from harness.rating.rater import Surroundings, Work
from harness.rating.verifiers.verification import read_lines
from harness.records import Response
from harness.suite import TaskUse


def offline(task: str, splits: dict[str, list[dict]], folder: Path) -> Catalog:
    """The catalogue's task as it is, but for its data, which come from files."""
    target = folder / "tasks" / task
    target.mkdir(parents=True)
    source = Catalog().find("tasks", task)
    shutil.copy(source / "README.md", target)
    config = yaml.safe_load((source / "task.yaml").read_text())
    config.pop("dataset_name", None)
    for split, rows in splits.items():
        (target / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    files = {split: f"{split}.jsonl" for split in splits}
    config |= {"dataset_path": "json", "dataset_kwargs": {"data_files": files}}
    (target / "task.yaml").write_text(yaml.safe_dump(config))
    return Catalog([folder])


def rate(items, texts):
    work = [
        Work(item, Response(response_id=item.item_id, task=item.task, item_id=item.item_id, model="m", text=text))
        for item, text in zip(items, texts, strict=True)
    ]
    return [rating.value for rating in find_rater("unit_tests", Catalog(), Surroundings()).rate(work)]


@pytest.mark.sandbox
def test_humaneval_continuations_are_rated_by_their_tests(tmp_path, data_dir):
    rows = [row for _, row in read_lines(data_dir / "humaneval" / "HumanEval.jsonl.gz")][:4]
    task = load_task(TaskUse(task="humaneval"), offline("humaneval", {"test": rows}, tmp_path))
    assert task.items[0].prompt == rows[0]["prompt"]
    assert [item.item_id for item in task.items] == [row["task_id"] for row in rows]
    assert rate(task.items, [row["canonical_solution"] for row in rows]) == [1, 1, 1, 1]
    assert rate(task.items, ["    return None\n"] * 4) == [0, 0, 0, 0]


@pytest.mark.sandbox
def test_mbpp_programs_are_rated_by_their_tests(tmp_path, data_dir):
    rows = [row for _, row in read_lines(data_dir / "mbpp" / "mbpp.jsonl.gz")]
    for row in rows:
        del row["challenge_test_list"]  # empty in some files, so that the type of the column would differ
    splits = {"prompt": rows[:10], "test": rows[10:14]}
    task = load_task(TaskUse(task="mbpp"), offline("mbpp", splits, tmp_path))
    assert task.items[0].prompt.count("[BEGIN]") == 4
    assert task.items[0].prompt.count("[DONE]") == 3
    assert rows[10]["test_list"][2] in task.items[0].prompt
    assert rows[10]["code"] not in task.items[0].prompt
    assert rate(task.items, [row["code"] for row in splits["test"]]) == [1, 1, 1, 1]
    assert rate(task.items, ["def nothing(): pass"] * 4) == [0, 0, 0, 0]


@pytest.mark.sandbox
def test_a_tasks_own_limits_hold(tmp_path):
    """A program without an end is stopped by the half second of its task, long before the five of the rater."""
    folder = tmp_path / "tasks" / "slow"
    folder.mkdir(parents=True)
    row = {"id": "a", "prompt": "def f(x):\n", "entry_point": "f", "hidden_tests": "[[[1], 1]]", "visible_tests": "[]"}
    (folder / "data.jsonl").write_text(json.dumps(row) + "\n")
    facts = {
        "family": "coding",
        "id": "id",
        "keep": ["entry_point", "prompt", "hidden_tests"],
        "limits": {"seconds": 0.5},
    }
    config = {
        "task": "slow",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": "data.jsonl"}},
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_text": "{{prompt}}",
        "doc_to_target": "",
        "metric_list": [{"metric": "bypass", "aggregation": "bypass"}],
        "metadata": {"version": 1.0, "harness": facts},
    }
    (folder / "task.yaml").write_text(yaml.safe_dump(config))
    [item] = load_task(TaskUse(task="slow"), Catalog([tmp_path])).items
    assert json.loads(item.metadata)["limits"] == {"seconds": 0.5}
    text = "def f(x):\n    while True:\n        pass\n"
    work = [Work(item, Response(response_id="1", task="slow", item_id="a", model="m", text=text))]
    [rating] = find_rater("unit_tests", Catalog(), Surroundings()).rate(work)
    assert rating.value == 0
    assert "timeout" in (rating.error or "")
