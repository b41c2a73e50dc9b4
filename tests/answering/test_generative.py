"""`how: generate`: multiple choice that a chat model answers by a letter, on the items of the log-likelihood form."""

import json

import pytest
from chat_server import ChatServer
from pydantic import ValidationError
from scripted_chat import ScriptedChat

from harness.answering import Answer
from harness.answering.asking import questions
from harness.answering.models.model import make_model
from harness.answering.tasks.task import load_task
from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.rating.rate import find_rater
from harness.rating.rater import Surroundings, Work
from harness.records import Response
from harness.stages import run_suite
from harness.suite import ModelUse, Suite, TaskUse

FEW = 6
COMMONSENSE = ["commonsense_qa", "piqa", "winogrande", "social_iqa", "hellaswag", "openbookqa", "arc_easy",
               "arc_challenge", "strategyqa", "copa"]  # fmt: skip


def rated(rater, item, text):
    response = Response(response_id=text, task=item.task, item_id=item.item_id, model="m", text=text)
    [rating] = find_rater(rater, Catalog(), Surroundings()).rate([Work(item, response)])
    return rating


@pytest.mark.parametrize("name", COMMONSENSE)
def test_every_commonsense_task_is_asked_by_letters_on_the_same_items(name, hub_mirror):
    scored = load_task(TaskUse(task=name), Catalog(), FEW)
    asked = load_task(TaskUse(task=name, how="generate"), Catalog(), FEW)
    assert (asked.name, asked.output_type) == (f"{name}-generate", "generate_until")
    for there, here in zip(scored.items, asked.items, strict=True):
        assert (here.item_id, here.choices, here.right) == (there.item_id, there.choices, there.right)
        [request] = asked.requests[here.item_id]
        prompt = request.arguments[0]
        assert prompt == here.prompt
        assert prompt.endswith("\nAnswer:")
        listed = here.choices if name not in ("commonsense_qa",) else ["", ""]  # it lists what its letters stand for
        for letter, choice in zip("ABCDE", listed, strict=False):
            assert f"\n{letter}. {choice.strip()}" in f"\n{prompt}"
        assert sum(line.startswith("A. ") for line in prompt.splitlines()) == 1
        for place in range(len(here.choices)):
            answer = f"I weighed them all.\n\nThe answer is **{'ABCDE'[place]}**."
            assert rated("multiple_choice", here, answer).value == (str(place) in here.right)


def test_examples_are_written_as_the_question_is(hub_mirror):
    task = load_task(TaskUse(task="piqa", how="generate", num_fewshot=2), Catalog(), FEW)
    prompt = task.items[0].prompt
    assert prompt.count("Which of these answers the question") == 3
    assert len([line for line in prompt.splitlines() if line in ("Answer: A", "Answer: B")]) == 2
    who = ModelUse(name="m", model="openai:m", args={"base_url": "http://127.0.0.1:1/v1"})
    first = task.requests_for(who, converses=True)[task.items[0].item_id][0].arguments[0]
    assert [role for role, _ in first.messages] == ["user", "assistant", "user", "assistant", "user"]


def test_raters_that_compare_texts_do_not_call_a_letter_wrong(hub_mirror):
    item = load_task(TaskUse(task="piqa", how="generate"), Catalog(), 1).items[0]
    for rater in ("answer_key", "exact_match"):
        rating = rated(rater, item, "A")
        assert (rating.status, rating.value) == ("error", None)
        assert "multiple_choice" in rating.error
    assert rated("own_probability", item, "A").value is None


def test_only_multiple_choice_can_be_asked_so(hub_mirror):
    with pytest.raises(HarnessError, match=r"gsm8k .*multiple choice.*generate_until"):
        load_task(TaskUse(task="gsm8k", how="generate"), Catalog(), 1)


def suite(*uses, url="http://127.0.0.1:1/v1"):
    models = [{"name": "m", "model": "openai:m", "args": {"base_url": url}}]
    return {"name": "both", "models": models, "tasks": list(uses)}


def test_two_uses_of_a_task_need_two_names():
    with pytest.raises(ValidationError, match=r"'piqa-generate' is named twice"):
        Suite.model_validate(suite({"task": "piqa", "how": "generate"}, {"task": "piqa", "how": "generate"}))
    uses = Suite.model_validate(
        suite({"task": "piqa"}, {"task": "piqa", "how": "generate"}, {"task": "piqa", "name": "five", "num_fewshot": 5})
    ).tasks
    assert [use.called for use in uses] == ["piqa", "piqa-generate", "five"]


def test_the_answers_of_both_forms_are_told_apart(hub_mirror):
    who = ModelUse(name="m", model="embedded")
    model = make_model(who, lambda spec: ScriptedChat(lambda call: Answer("")), lambda: "", 1)
    ids = {}
    for use in (TaskUse(task="piqa"), TaskUse(task="piqa", how="generate"), TaskUse(task="piqa", name="again")):
        task = load_task(use, Catalog(), FEW)
        ids[use.called] = {query.response_id for query in questions(task, use, model, who, 0)}
    assert len(set.union(*ids.values())) == 3 * FEW


def test_a_run_asks_a_chat_model(hub_mirror, tmp_path):
    def answer(body):
        return "<think>B? No.</think>The answer is A."

    with ChatServer(answer) as server:
        use = {"task": "piqa", "how": "generate", "limit": FEW, "raters": ["multiple_choice"]}
        run = run_suite(
            Suite.model_validate(suite(use, url=server.base_url)), tmp_path / "run", cache=tmp_path / "cache"
        )
    assert set(run.responses["task"]) == {"piqa-generate"}
    right = dict(zip(run.items["item_id"], run.items["target"], strict=True))
    for row in run.ratings.itertuples():
        assert row.value == (right[row.item_id] == "0")
    assert len(run.ratings) == FEW
    assert json.loads(run.items["metadata"].iloc[0])["how"] == "generate"
