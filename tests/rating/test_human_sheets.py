"""What goes out to Label Studio and Argilla comes back to the same answers."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from harness.errors import HarnessError
from harness.rating.people.human import import_ratings
from harness.rating.people.sheets import export_sheet
from harness.records import Item, Response
from harness.run.folder import Run
from harness.suite import Suite

KEY = bytes(32)


@pytest.fixture
def run(tmp_path) -> Run:
    contents = {"name": "x", "models": [{"name": "m", "model": "embedded"}], "tasks": [{"task": "t"}]}
    run = Run.create(tmp_path / "run", Suite.model_validate(contents))
    run.write([Item(task="t", item_id=str(n), family="summarization", prompt=f"Text <{n}>") for n in range(8)], "t")
    answers = [
        Response(response_id=f"{n * 7919 + k:08x}", task="t", item_id=str(n), model=model, text=f"{model[:3]} {n}")
        for n in range(8)
        for k, model in enumerate(("first-model", "second-model"))
    ]
    run.write(answers, "t")
    return run


def export(run, name, path, question):
    return export_sheet(run, path, name, [question])


def test_label_studio_and_back(run, tmp_path):
    path = tmp_path / "tasks.json"
    assert export(run, "label-studio", path, "human_quality") == 16
    tasks = json.loads(path.read_text())
    assert "first-model" not in path.read_text()
    assert {entry["model"] for entry in json.loads((tmp_path / "tasks.key.json").read_text()).values()} == {
        "first-model",
        "second-model",
    }
    view = ElementTree.fromstring((tmp_path / "tasks.xml").read_text())
    assert view.find("Rating").attrib["maxRating"] == "5"
    done = [  # as Label Studio exports it
        {**task, "id": n, "predictions": [], "annotations": [
            {"id": n, "completed_by": 3, "lead_time": 2.5, "created_at": "2026-01-01", "result": [
                {"type": "rating", "from_name": "quality", "to_name": "response", "value": {"rating": 1 + n % 5}}]}]}
        for n, task in enumerate(tasks)
    ]  # fmt: skip
    path.write_text(json.dumps(done))
    found = import_ratings(path, run, key=KEY)
    assert (found.format, found.read, len(found.ratings)) == ("label-studio", 16, 16)
    assert {one.response_id: one.value for one in found.ratings} == {
        task["data"]["response_id"]: 1 + n % 5 for n, task in enumerate(tasks)
    }


def test_pairs_by_label_studio_choices(run, tmp_path):
    path = tmp_path / "pairs.json"
    assert export(run, "label-studio", path, "human_preference") == 8
    tasks = json.loads(path.read_text())
    assert {task["data"]["response_a"][:3] for task in tasks} == {"fir", "sec"}  # either side comes first
    view = ElementTree.fromstring((tmp_path / "pairs.xml").read_text())
    assert [choice.attrib["value"] for choice in view.iter("Choice")] == ["A", "tie", "B"]
    done = [
        {**task, "id": n, "annotations": [{"id": n, "completed_by": 3, "result": [
            {"type": "choices", "from_name": "preference", "value": {
                "choices": ["A" if task["data"]["response_a"].startswith("fir") else "B"]}}]}]}
        for n, task in enumerate(tasks)
    ]  # fmt: skip
    path.write_text(json.dumps(done))
    found = import_ratings(path, run, key=KEY)
    assert [one.value for one in found.ratings] == [1] * 8  # told from the first model, which always won
    assert {one.order for one in found.ratings} == {"response_first", "against_first"}


def test_argilla_and_back(run, tmp_path):
    path = tmp_path / "records.json"
    assert export(run, "argilla", path, "human_quality") == 16
    records = json.loads(path.read_text())
    assert "second-model" not in path.read_text()
    settings = json.loads((tmp_path / "records.settings.json").read_text())
    assert settings["questions"][0]["values"] == [1, 2, 3, 4, 5]
    done = [{**one, "status": "completed", "responses": {"quality": [{"value": 4, "user_id": "u"}]}} for one in records]
    path.write_text(json.dumps(done))
    found = import_ratings(path, run, key=KEY)
    assert (found.format, len(found.ratings), {one.value for one in found.ratings}) == ("argilla", 16, {4})


def test_every_export_has_its_key_and_asks_about_one_answer_or_two(run, tmp_path):
    for form in ("csv", "label-studio", "argilla"):
        path = tmp_path / form
        assert export_sheet(run, path, form, ["human_quality"]) == 16
        key = json.loads(path.with_suffix(".key.json").read_text())
        assert {one["model"] for one in key.values()} == {"first-model", "second-model"}
        assert "first-model" not in path.read_text()
    both = ["human_quality", "human_preference"]
    assert export_sheet(run, tmp_path / "both.csv", "csv", both) == 24
    with pytest.raises(HarnessError, match="not both in one export"):
        export_sheet(run, tmp_path / "both.json", "argilla", both)
    with pytest.raises(HarnessError, match=r"no export format 'argila'. Did you mean 'argilla'"):
        export_sheet(run, tmp_path / "x", "argila")
