"""The way to a real Label Studio server and back, by its API: project, import, annotations, its three exports, import.

`LABEL_STUDIO_RECORD` names a folder that gets the exports; `fixtures/label_studio_recorded` was made so.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import httpx
import pytest

from harness.rating.files.direct import read_any
from harness.rating.people.human import import_ratings
from harness.rating.people.sheets import export_sheet
from harness.records import Item, Response
from harness.run.folder import Run
from harness.suite import Suite

RECORDED = Path(__file__).parent / "fixtures" / "label_studio_recorded"
FORMS = {"JSON": "json", "JSON_MIN": "min.json", "CSV": "csv"}
GRADES = (1, 2, 3, 4, 5)
CHOSEN = {"first-model": 1.0, "second-model": 0.0}


@pytest.fixture
def run(tmp_path) -> Run:
    contents = {"name": "x", "models": [{"name": "m", "model": "embedded"}], "tasks": [{"task": "t"}]}
    run = Run.create(tmp_path / "run", Suite.model_validate(contents))
    run.write([Item(task="t", item_id=f"q{n}", family="summarization", prompt=f"Text <{n}>") for n in range(4)], "t")
    answers = [
        Response(response_id=f"{n * 7919 + k:08x}", task="t", item_id=f"q{n}", model=model, text=f"{model} on {n}")
        for n in range(4)
        for k, model in enumerate(CHOSEN)
    ]
    run.write(answers, "t")
    return run


def grade_of(data: dict) -> int:
    """The grade that the annotator gives an answer: by its number, so that the way back can be checked."""
    return GRADES[int(data["response"].rsplit(" ", 1)[1])]


@pytest.mark.labelstudio
@pytest.mark.parametrize("question", ["human_quality", "human_preference"])
def test_a_real_server_takes_the_tasks_and_gives_them_back_annotated(run, tmp_path, question):
    if not os.environ.get("LABEL_STUDIO_URL"):
        pytest.skip("LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY name no server")
    path = tmp_path / "tasks.json"
    export_sheet(run, path, "label-studio", [question])
    key = {"Authorization": f"Token {os.environ['LABEL_STUDIO_API_KEY']}"}
    with httpx.Client(base_url=os.environ["LABEL_STUDIO_URL"], headers=key, timeout=60) as server:

        def ask(method: str, place: str, **settings) -> httpx.Response:
            answer = server.request(method, place, **settings)
            assert answer.is_success, answer.text
            return answer

        view = path.with_suffix(".xml").read_text()
        project = ask("POST", "/api/projects", json={"title": question, "label_config": view}).json()["id"]
        ask("POST", f"/api/projects/{project}/import", json=json.loads(path.read_text()))
        tasks = ask("GET", "/api/tasks", params={"project": project, "fields": "all"}).json()["tasks"]
        for number, task in enumerate(tasks):
            if question == "human_quality":
                said = {"type": "rating", "from_name": "quality", "value": {"rating": grade_of(task["data"])}}
            else:
                side = "A" if task["data"]["response_a"].startswith("first") else "B"
                said = {"type": "choices", "from_name": "preference", "value": {"choices": [side]}}
            to = "response" if question == "human_quality" else "response_a"
            comment = {"type": "textarea", "from_name": "comment", "to_name": to, "value": {"text": ["because"]}}
            cancelled = number == 0 and question == "human_quality"
            result = [] if cancelled else [{**said, "to_name": to}, comment]
            annotation = {"result": result, "was_cancelled": cancelled, "lead_time": 2.5}
            ask("POST", f"/api/tasks/{task['id']}/annotations/", json=annotation)
        found = {}
        for form, ending in FORMS.items():
            settings = {"exportType": form, "download_all_tasks": "true"}
            content = ask("GET", f"/api/projects/{project}/export", params=settings).content
            exported = tmp_path / f"{question}.{ending}"
            exported.write_bytes(content)
            if os.environ.get("LABEL_STUDIO_RECORD"):
                (Path(os.environ["LABEL_STUDIO_RECORD"]) / exported.name).write_bytes(content)
            found[form] = import_ratings(exported, run, key=bytes(32), dry_run=True)
        ask("DELETE", f"/api/projects/{project}")
    models = dict(zip(run.responses["response_id"], run.responses["text"], strict=True))
    for form, one in found.items():
        assert one.format == "label-studio", form
        assert one.read == len(one.ratings) + len(one.rejected), form
        told = [rating for rating in one.ratings if rating.status == "ok"]
        assert {rating.rationale for rating in told} == {"because"}, form
        if question == "human_quality":
            assert len(told) == 7, form
            assert all(rating.value == grade_of({"response": models[rating.response_id]}) for rating in told), form
        else:
            assert [rating.value for rating in told] == [1.0] * 4, form  # told from the first model, which always won
    assert [rating.status for rating in found["JSON"].ratings].count("skipped") == (question == "human_quality")


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*")), ids=lambda path: path.name)
def test_what_a_real_server_gave_is_read(path):
    frame = read_any(path)
    criterion = path.name.split(".")[0].removeprefix("human_")
    told = frame[frame["status"] == "ok"]
    assert frame.attrs["notes"][0].startswith("label-studio: ")
    assert set(told["criterion"]) == {criterion}
    assert len(told) == {"quality": 7, "preference": 4}[criterion]
    assert set(told["rationale"]) == {"because"}
    assert told["seconds"].eq(2.5).all()
    assert sorted(told["item_id"].unique()) == ["q0", "q1", "q2", "q3"]
