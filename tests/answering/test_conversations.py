"""Items whose prompt is several messages: sent as such, rendered by a template, read as turns."""

import json

import pytest

from harness.answering import load_task
from harness.answering.models.model import LmEvalModel
from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.run import Run
from harness.stages import run_suite
from harness.suite import ModelUse, Suite, TaskUse

TASK = """\
task: two_turns
dataset_path: json
dataset_kwargs: {data_files: {test: data.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: messages
doc_to_target: answer
generation_kwargs: {until: [], max_gen_toks: 8, do_sample: false}
metadata:
  harness: {family: dialogue, id: id}
"""
JUDGE = """\
kind: judge
use: judge.pointwise
criteria: [helpfulness]
scale: interval
settings:
  model: {model: "openai:judge", base_url: "%s"}
  by: text
  prompt: prompt.j2
  answers: {"1": 1, "2": 2}
  rubric: {helpfulness: "It helps."}
"""
PROMPT = """\
{% block user %}
{% for message in messages %}<{{ message.role }}>{{ message.content }}
{% endfor %}
{{ fence_item(prompt, "question") }} {{ fence(response, "answer") }}
{% endblock %}
"""
TWO = [("user", "Two and two?"), ("assistant", "Four."), ("user", "Times three?")]
BRIEF = [("system", "Be brief."), *TWO]


def messages(turns):
    return [{"role": role, "content": text} for role, text in turns]


def folder(place, *prompts, task=TASK):
    task_folder = place / "mine" / "tasks" / "two_turns"
    task_folder.mkdir(parents=True, exist_ok=True)
    (task_folder / "task.yaml").write_text(task)
    rows = [{"id": f"q{number}", "messages": prompt, "answer": "12"} for number, prompt in enumerate(prompts)]
    (task_folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return place / "mine"


def loaded(place, *prompts, **fields):
    return load_task(TaskUse(task="two_turns", **fields), Catalog([folder(place, *prompts)]))


def test_a_list_of_messages_is_a_conversation_for_who_converses_and_turns_for_who_reads(tmp_path):
    task = loaded(tmp_path, messages(TWO), messages(BRIEF), messages([("user", "Hello?")]))
    two, brief, one = task.items
    assert two.prompt == "User: Two and two?\n\nAssistant: Four.\n\nUser: Times three?"
    assert brief.prompt == f"System: Be brief.\n\n{two.prompt}"
    assert one.prompt == "Hello?"
    assert two.messages == messages(TWO)
    assert one.messages == messages([("user", "Hello?")])

    chat = ModelUse(name="m", model="openai:m", system_prompt="Use digits.")
    asked = {item: group[0].arguments[0] for item, group in task.requests_for(chat, converses=True).items()}
    assert asked["q0"].messages == (("system", "Use digits."), *TWO)
    assert asked["q1"].messages == (("system", "Use digits.\n\nBe brief."), *TWO)
    assert not asked["q0"].begun
    base = task.requests_for(ModelUse(name="b", model="hf"))
    assert base["q0"][0].arguments[0] == f"{two.prompt}\n\nAssistant:"
    assert base["q2"][0].arguments[0] == "Hello?"


def test_a_chat_template_renders_the_turns(tmp_path):
    task = loaded(tmp_path, messages(BRIEF))
    model = LmEvalModel("hf", {})

    class Rendering:
        def apply_chat_template(self, history, add_generation_prompt):
            return (
                "".join(f"<{turn['role']}>{turn['content']}" for turn in history)
                + "<assistant>" * add_generation_prompt
            )

    model._lm = Rendering()
    (request,) = task.requests_for(ModelUse(name="b", model="hf", chat_template=True))["q0"]
    shown = "<system>Be brief.<user>Two and two?<assistant>Four.<user>Times three?<assistant>"
    assert model.rendered(request.arguments[0]) == shown


def test_a_run_sends_the_messages_and_shows_turns_to_the_judge(chat_server, tmp_path):
    def reply(body):
        return "2" if body["model"] == "judge" else "12"

    with chat_server.ChatServer(reply=reply) as server:
        mine = folder(tmp_path, messages(TWO))
        judge = mine / "raters" / "reader"
        judge.mkdir(parents=True)
        (judge / "rater.yaml").write_text(JUDGE % server.base_url)
        (judge / "prompt.j2").write_text(PROMPT)
        suite = Suite.model_validate(
            {
                "name": "turns",
                "models": [{"name": "m", "model": "openai:m", "args": {"base_url": server.base_url}}],
                "tasks": [{"task": "two_turns", "raters": ["numeric", "reader"]}],
            }
        )
        place = {"include": [mine], "cache": tmp_path / "cache"}
        run = run_suite(suite, tmp_path / "run", stages=["answer", "rate"], **place)
    answered, judged = server.bodies
    assert answered["messages"] == messages(TWO)
    (shown,) = [one["content"] for one in judged["messages"] if one["role"] == "user"]
    assert "<user>Two and two?\n<assistant>Four.\n<user>Times three?" in shown
    assert "User: Two and two?\n\nAssistant: Four.\n\nUser: Times three?" in shown
    assert dict(zip(run.ratings["rater"], run.ratings["value"], strict=True)) == {"numeric": 1.0, "reader": 2.0}
    assert Run(run.folder).items["prompt"].iloc[0].startswith("User: Two and two?")


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        (messages([("user", "a"), ("assistant", "b")]), "ends with one of the user"),
        ([], "ends with one of the user"),
        (messages([("tool", "a"), ("user", "b")]), "message 1 is none of system, user, assistant"),
        ([{"role": "user", "content": "a", "tool_calls": "x"}], "message 1 has tool_calls"),
        ([{"role": "user", "content": [{"type": "image_url", "text": None}]}], "message 1 has a `content` that is no"),
        (["a"], "message 1 is none of"),
    ],
)
def test_what_is_no_conversation_is_said_with_file_and_item(tmp_path, prompt, said):
    with pytest.raises(HarnessError, match=rf"task\.yaml: item 'q0': .*{said}"):
        loaded(tmp_path, prompt)


def test_parts_of_text_are_one_text_and_examples_are_refused(tmp_path):
    parts = [{"type": "text", "text": "Two "}, {"type": "text", "text": "and two?"}]
    assert loaded(tmp_path, [{"role": "user", "content": parts}]).items[0].prompt == "Two and two?"
    with pytest.raises(HarnessError, match="examples cannot stand before a prompt of messages"):
        loaded(tmp_path, messages(TWO), num_fewshot=1)
