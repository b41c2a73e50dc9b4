"""Run again, run more: planned, interrupted, grown, with another prompt; a chat server counts what it is asked."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import pytest

import harness.stages.answers
import harness.stages.context
from harness.agreement import AgreementOptions, agree_in_run
from harness.errors import HarnessError
from harness.plan.forecast import plan_suite
from harness.rounds.scores.run_scores import from_run
from harness.rounds.verdict.rounds import compare_rounds
from harness.run.folder import Run
from harness.stages.stages import rate, run_suite
from harness.suite import Suite, TaskUse

SOURCE = Path(__file__).with_name("chat_server.py")
TASK = """\
task: capitals
dataset_path: json
dataset_kwargs: {data_files: {test: data.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "What is the capital of {{country}}?"
doc_to_target: "{{capital}}"
generation_kwargs: {until: [], max_gen_toks: 8, do_sample: false}
metric_list:
  - {metric: exact_match, aggregation: mean, higher_is_better: true}
metadata:
  harness: {family: other, id: country}
"""
CAPITALS = {"France": "Paris", "Italy": "Rome", "Spain": "Madrid", "Peru": "Lima", "Chad": "N'Djamena"}
JUDGE = """\
kind: judge
use: judge.pointwise
criteria: [correctness]
scale: binary
settings:
  model: {model: "openai:m", base_url: "%s"}
  by: text
  prompt: prompt.j2
  answers: {"Yes": 1, "No": 0}
"""
PROMPT = (
    "{% block user %}Is this right? {{ fence_item(prompt) }} {{ fence(response) }}"
    ' Say {"verdict": "Yes"} or "No".{% endblock %}'
)


@pytest.fixture
def server():
    spec = importlib.util.spec_from_file_location("chat_server", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def reply(body):
        asked = body["messages"][-1]["content"]
        if "Is this right?" in asked:
            return json.dumps({"verdict": "Yes"})
        capital = next(capital for country, capital in CAPITALS.items() if country in asked)
        return capital if body["model"] == "m0" else f"It is {capital}"

    with module.ChatServer(reply=reply) as running:
        yield running


@pytest.fixture
def place(tmp_path, server):
    catalogue = tmp_path / "mine"
    (catalogue / "tasks" / "capitals").mkdir(parents=True)
    (catalogue / "tasks" / "capitals" / "task.yaml").write_text(TASK)
    rows = [{"country": country, "capital": capital} for country, capital in CAPITALS.items()]
    data = "".join(json.dumps(row) + "\n" for row in rows)
    (catalogue / "tasks" / "capitals" / "data.jsonl").write_text(data)
    (catalogue / "raters" / "reader").mkdir(parents=True)
    (catalogue / "raters" / "reader" / "rater.yaml").write_text(JUDGE % server.base_url)
    (catalogue / "raters" / "reader" / "prompt.j2").write_text(PROMPT)
    return {"out": tmp_path / "run", "include": [catalogue], "cache": tmp_path / "cache"}


def suite(server, *raters: str, models: int = 1, series: str | None = None) -> Suite:
    who = [
        {"name": f"m{number}", "model": f"openai:m{number}", "args": {"base_url": server.base_url}}
        | ({"series": series, "round": number} if series else {})
        for number in range(models)
    ]
    tasks = [{"task": "capitals", "raters": list(raters)}]
    return Suite.model_validate({"name": "x", "models": who, "tasks": tasks})


WORK = ("answer", "rate")


def test_a_plan_asks_nothing_and_says_what_the_run_then_asks(server, place):
    wanted = suite(server, "exact_match", "reader", models=2)
    plan = plan_suite(wanted, **place)
    assert (server.requests, place["out"].exists()) == (0, False)
    assert [(line.who, line.wanted, line.calls, line.cached) for line in plan.lines] == [
        ("m0", 5, 5, 0), ("m1", 5, 5, 0), ("exact_match", 10, 0, 0), ("reader", 10, 10, 0)
    ]  # fmt: skip
    assert plan.lines[0].completion_tokens == (
        5,
        40,
    )  # at most 8 each; a tenth of that is less than the one there must be
    assert plan.cost_usd is None  # nobody lists the price of m0 at this address
    run = run_suite(wanted, stages=WORK, **place)
    assert server.requests == plan.calls == 20
    after = plan_suite(wanted, **place)
    assert [line.wanted - line.there for line in after.lines] == [0, 0, 0, 0]
    elsewhere = plan_suite(wanted, **{**place, "out": run.folder.with_name("other")})
    assert (elsewhere.calls, sum(line.cached for line in elsewhere.lines)) == (20, 20)
    assert elsewhere.cost_usd == (0, 0)
    assert server.requests == 20


def test_a_rater_added_to_the_suite_rates_stored_answers(server, place):
    run_suite(suite(server, "exact_match"), stages=WORK, **place)
    assert server.requests == 5
    run = run_suite(suite(server, "exact_match", "multiple_choice", "reader"), stages=WORK, **place)
    assert [body["messages"][-1]["content"][:5] for body in server.bodies[5:]] == ["Is th"] * 5
    assert set(run.ratings["rater"]) == {"exact_match", "multiple_choice", "reader"}
    assert [use.rater for use in Run(run.folder).suite.tasks[0].raters] == ["exact_match", "multiple_choice", "reader"]
    with pytest.raises(
        HarnessError, match=r"raters.reader against reference: an entry there, nothing here\n.*/suite.yaml --out"
    ):
        run_suite(suite(server, "exact_match"), stages=WORK, **place)


def test_a_changed_prompt_makes_new_answers_and_only_those_count(server, place):
    first = run_suite(suite(server, "exact_match", "reader"), stages=WORK, **place)
    old = set(first.responses.loc[first.responses["model"] == "m0", "response_id"])
    definition = place["include"][0] / "tasks" / "capitals" / "task.yaml"
    definition.write_text(TASK.replace("What is the", "Name the"))
    run = run_suite(suite(server, "exact_match", "reader"), stages=WORK, **place)
    assert server.requests == 2 * (5 + 5)
    asked = run.responses[run.responses["model"] == "m0"]
    assert len(asked) == 5
    assert not old & set(asked["response_id"])
    assert old < set(run.every_response["response_id"])  # kept
    assert set(run.ratings["response_id"]) == set(asked["response_id"])
    assert set(run.items["prompt"]) == {f"Name the capital of {country}?" for country in CAPITALS}
    assert [row["n"] for row in agree_in_run(run, AgreementOptions(resamples=0)).pairs] == [5]
    rate(run, ["multiple_choice"], include=place["include"], cache=place["cache"])
    assert set(run.ratings.loc[run.ratings["rater"] == "multiple_choice", "response_id"]) <= set(asked["response_id"])

    definition.write_text(TASK)  # and back: the old answers count again, without a call
    back = run_suite(suite(server, "exact_match", "reader"), stages=WORK, **place)
    assert set(back.responses["response_id"]) & old == old
    assert server.requests == 20


def test_a_changed_rubric_rates_anew_and_its_earlier_ratings_do_not_count(server, place):
    run_suite(suite(server, "reader"), stages=WORK, **place)
    prompt = place["include"][0] / "raters" / "reader" / "prompt.j2"
    prompt.write_text(PROMPT.replace("Is this right?", "Is this right? Be strict."))
    run = run_suite(suite(server, "reader"), stages=WORK, **place)
    assert server.requests == 5 + 5 + 5
    assert len(run.ratings) == 5
    assert set(run.ratings["rater_version"]) == {run.manifest["raters"]["reader"]["version"]}


def test_a_finished_run_is_known_without_loading_its_tasks(server, place, monkeypatch):
    wanted = suite(server, "exact_match")
    run_suite(wanted, stages=WORK, **place)
    with monkeypatch.context() as patch:
        patch.setattr(harness.stages.context, "load_task", None)  # whoever loads a task fails
        run_suite(wanted, stages=WORK, **place)
        (place["include"][0] / "tasks" / "capitals" / "task.yaml").write_text(TASK + "# changed\n")
        with pytest.raises(TypeError):
            run_suite(wanted, stages=WORK, **place)
    run_suite(wanted, stages=WORK, **place)
    assert server.requests == 5


def test_a_task_named_by_its_path_is_looked_at_every_time(server, place):
    folder = place["include"][0] / "tasks" / "capitals"
    wanted = suite(server).model_copy(update={"tasks": [TaskUse(task=str(folder / "task.yaml"))]})
    run_suite(wanted, stages=["answer"], **{**place, "include": ()})
    (folder / "task.yaml").write_text(TASK.replace("What is the", "Name the"))
    run_suite(wanted, stages=["answer"], **{**place, "include": ()})
    assert server.requests == 5 + 5


def test_a_part_now_and_the_rest_later(server, place):
    wanted = suite(server, "exact_match", "reader", models=2)
    part = run_suite(wanted, stages=WORK, models=["m1"], raters=["exact_match"], **place)
    assert (set(part.responses["model"]), set(part.ratings["rater"])) == ({"m1"}, {"exact_match"})
    assert len(part.suite.models) == 2
    whole = run_suite(wanted, stages=WORK, **place)
    assert (set(whole.responses["model"]), len(whole.ratings)) == ({"m0", "m1"}, 20)
    assert server.requests == 5 + 5 + 10


def test_checkpoints_carry_series_and_round_and_get_a_verdict(server, place):
    run = run_suite(suite(server, "exact_match", models=3, series="s"), stages=WORK, **place)
    assert run.responses.groupby("model")["round"].unique().map(list).to_dict() == {"m0": [0], "m1": [1], "m2": [2]}
    assert set(run.responses["series"]) == {"s"}
    (result,) = compare_rounds(from_run(run)).results
    assert (result.series, result.benchmark, result.verdict) == ("s", "capitals", "inconclusive")  # five items


def test_each_model_is_made_once_and_let_go_before_the_next(server, place, monkeypatch):
    tasks = place["include"][0] / "tasks"
    shutil.copytree(tasks / "capitals", tasks / "again")
    (tasks / "again" / "task.yaml").write_text(TASK.replace("task: capitals", "task: again"))
    wanted = suite(server, models=2)
    wanted = wanted.model_copy(update={"tasks": [*wanted.tasks, TaskUse(task="again")]})
    happened = []
    make = harness.stages.answers.make_model

    def watched(who, *arguments):
        model = make(who, *arguments)
        happened.append(f"{who.name} made")
        monkeypatch.setattr(model, "close", lambda: happened.append(f"{who.name} let go"))
        return model

    monkeypatch.setattr(harness.stages.answers, "make_model", watched)
    run = run_suite(wanted, stages=["answer"], **place)
    assert happened == ["m0 made", "m0 let go", "m1 made", "m1 let go"]
    assert run.responses.groupby(["model", "task"]).size().to_dict() == {
        ("m0", "again"): 5, ("m0", "capitals"): 5, ("m1", "again"): 5, ("m1", "capitals"): 5
    }  # fmt: skip
