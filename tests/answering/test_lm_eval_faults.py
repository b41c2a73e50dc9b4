"""What lm-eval 0.4.13 gets wrong, shown by running it, and what we do instead."""

from __future__ import annotations

import asyncio
import json

import pandas as pd
import pytest

from harness.answering.chat.chat import Answer
from harness.answering.models.generation import Generation
from harness.answering.models.model import LmEvalModel
from harness.answering.tasks.definitions import lm_eval_folder
from harness.answering.tasks.task import load_task
from harness.catalog import Catalog
from harness.errors import HarnessError, IncompleteError
from harness.run.folder import Run
from harness.stages.stages import run_suite
from harness.suite import Suite, TaskUse

QUESTIONS = ["What do bees make?", "What do cows give?", "What do hens lay?", "What do sheep grow?"]
ANSWERS = ["honey", "milk", "eggs", "wool"]


@pytest.fixture
def farm(tmp_path):
    """A folder with one task: four questions, answered in words."""
    return write_task(tmp_path / "mine", "Query: {{question}}\nAnswer:")


def write_task(root, prompt):
    folder = root / "tasks" / "farm"
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{"question": q, "answer": a} for q, a in zip(QUESTIONS, ANSWERS, strict=True)]
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = {
        "task": "farm",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(folder / "data.jsonl")}},
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_text": prompt,
        "doc_to_target": "{{answer}}",
        "generation_kwargs": {"until": ["\n"], "max_gen_toks": 8, "do_sample": False},
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
        "metadata": {"version": 1.0},
    }
    (folder / "task.yaml").write_text(json.dumps(config))
    return root


def lm_eval(farm, model, **settings):
    """Run lm-eval alone on the task."""
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=str(farm / "tasks"), include_defaults=False)
    return simple_evaluate(model=model, tasks=["farm"], task_manager=manager, bootstrap_iters=0, **settings)


def said(found):
    return [sample["resps"][0][0] for sample in found["samples"]["farm"]]


def constant(word):
    from lm_eval.api.model import LM

    class Constant(LM):
        def generate_until(self, requests, disable_tqdm=False):
            return [word] * len(requests)

        def loglikelihood(self, requests, disable_tqdm=False):
            raise NotImplementedError

        loglikelihood_rolling = loglikelihood

    return Constant()


def ours(farm, server, tmp_path, *models, raters=()):
    suite = {
        "name": "farm",
        "models": [
            {"name": name, "model": f"openai:{name}", "args": {"base_url": server.base_url, "attempts": 2}}
            for name in models or ("m",)
        ],
        "tasks": [{"task": "farm", "raters": list(raters)}],
    }
    settings = {"include": [farm], "cache": tmp_path / "cache", "stages": ["answer", "rate"]}
    return lambda: run_suite(Suite.model_validate(suite), tmp_path / "run", **settings)


def texts(run, model="m"):
    rows = run.responses[run.responses["model"] == model].sort_values("item_id")
    return rows["text"].tolist()


def values(run):
    rows = run.ratings.set_index("item_id")["value"]
    return {item: None if pd.isna(value) else value for item, value in rows.items()}


def test_its_cache_answers_for_another_model_and_ours_does_not(farm, tmp_path, chat_server):
    path = str(tmp_path / "cache-of-lm-eval")
    assert said(lm_eval(farm, constant("first"), use_cache=path)) == ["first"] * 4
    assert said(lm_eval(farm, constant("second"), use_cache=path)) == ["first"] * 4  # not what the second one says

    with chat_server.ChatServer(reply=lambda body: body["model"]) as server:
        run = ours(farm, server, tmp_path, "first", "second")()
    assert texts(run, "first") == ["first"] * 4
    assert texts(run, "second") == ["second"] * 4


def test_its_request_cache_sends_old_prompts_and_we_send_the_new(farm, tmp_path, monkeypatch, chat_server):
    from lm_eval.caching import cache

    monkeypatch.setattr(cache, "PATH", str(tmp_path))

    def prompts():
        return [s["arguments"][0][0] for s in lm_eval(farm, constant("x"), cache_requests=True)["samples"]["farm"]]

    with chat_server.ChatServer(reply=lambda body: body["messages"][-1]["content"]) as server:
        before, again = prompts(), ours(farm, server, tmp_path)
        assert texts(again()) == before
        write_task(farm, "Tell me: {{question}}")
        assert prompts() == before  # the old ones
        assert texts(again()) == [f"Tell me: {question}" for question in QUESTIONS]
    run = Run(tmp_path / "run")
    assert len(run.every_response) == 8  # the old answers stay, and do not count
    assert len(run.responses) == 4


def one_bad(body):
    return "cows" in body["messages"][-1]["content"]


def local_chat(server, **more):
    args = {"model": "m", "base_url": f"{server.base_url}/chat/completions", "max_retries": 3, **more}
    return {"model": "local-chat-completions", "model_args": args, "apply_chat_template": True}


def test_one_bad_request_ends_its_run_and_is_a_row_of_ours(farm, tmp_path, chat_server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    bad = [True]

    def fault(number, body):
        return "400" if bad[0] and one_bad(body) else "ok"

    with chat_server.ChatServer(reply=lambda body: "milk", fault=fault) as server:
        with pytest.raises(Exception, match="400"):
            lm_eval(farm, **local_chat(server))
        assert sum(map(one_bad, server.bodies)) == 3  # the same wrong request, again and again; and no result
        server.bodies.clear()

        command = ours(farm, server, tmp_path, raters=["exact_match"])
        with pytest.raises(IncompleteError, match=r"m on farm: 1 of 4 answers failed, the first with: .*no such field"):
            command()
        assert [one_bad(body) for body in server.bodies].count(True) == 1
        rows = Run(tmp_path / "run").responses.set_index("item_id")
        assert rows["status"].to_dict() == {"0": "ok", "1": "error", "2": "ok", "3": "ok"}
        assert pd.isna(rows.loc["1", "text"])
        assert values(Run(tmp_path / "run")) == {"0": 0, "1": None, "2": 0, "3": 0}
        scores = Run(tmp_path / "run").manifest["scores"]["m"]["farm"]
        assert scores["n-samples"] == {"original": 4, "effective": 3, "unanswered": 1}  # not scored as wrong

        bad[0] = False
        server.bodies.clear()
        assert texts(command()) == ["milk"] * 4
        assert len(server.bodies) == 1  # the one that was missing
        assert values(Run(tmp_path / "run")) == {"0": 0, "1": 1, "2": 0, "3": 0}  # and is rated now


def test_an_answer_that_never_came_is_empty_there_and_a_status_here(farm, tmp_path, chat_server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "none")

    def fault(number, body):
        return "null" if one_bad(body) else "ok"

    with chat_server.ChatServer(reply=lambda body: "milk", fault=fault) as server:
        found = lm_eval(farm, **local_chat(server))
        assert said(found) == ["milk", "", "milk", "milk"]
        assert found["samples"]["farm"][1]["exact_match"] == 0.0  # scored as if it had been said

        rows = ours(farm, server, tmp_path)().responses.set_index("item_id")
        assert rows.loc["1", "status"] == "unparsed"
        assert pd.isna(rows.loc["1", "text"])
        assert "no text" in rows.loc["1", "error"]

        # lm-eval's own client, used by us, tells it too.
        args = {"model": "m", "base_url": f"{server.base_url}/chat/completions", "max_retries": 1}
        answers = answered(LmEvalModel("local-chat-completions", args), farm)
        assert [answer.status for answer in answers] == ["ok", "error", "ok", "ok"]
        assert answers[1].text is None


def answered(model, farm) -> list[Answer]:
    from harness.suite import ModelUse

    task = load_task(TaskUse(task="farm"), Catalog([farm]))
    asked = task.requests_for(ModelUse(name="m", model="x", chat_template=True))
    wanted = [Generation(*asked[item.item_id][0].arguments, seed=0) for item in task.items]
    return [answer for _, answer in sorted(model.generate(wanted), key=lambda pair: pair[0])]


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_in_a_notebooks_running_loop_it_breaks_and_we_work(farm, tmp_path, chat_server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with chat_server.ChatServer(reply=lambda body: "x") as server:

        async def theirs():
            return lm_eval(farm, **local_chat(server, num_concurrent=2))

        with pytest.raises(RuntimeError, match="running event loop"):
            asyncio.run(theirs())

        async def here():
            args = {"model": "m", "base_url": f"{server.base_url}/chat/completions", "num_concurrent": 2}
            return answered(LmEvalModel("local-chat-completions", args), farm), ours(farm, server, tmp_path)()

        through_lm_eval, run = asyncio.run(here())
    assert [answer.text for answer in through_lm_eval] == ["x"] * 4
    assert texts(run) == ["x"] * 4


def test_a_broken_yaml_is_passed_over_there_and_told_here(farm):
    from lm_eval.tasks import TaskManager

    path = farm / "tasks" / "farm" / "task.yaml"
    path.write_text("task: farm\ndataset_path: [json\n")
    assert "farm" not in TaskManager(include_path=str(farm / "tasks"), include_defaults=False).all_tasks
    with pytest.raises(HarnessError, match=r"task.yaml:\d: is not YAML"):
        load_task(TaskUse(task="farm"), Catalog([farm]))


def test_reading_a_coding_task_fetches_and_runs_code_there_and_nothing_here(
    hub_mirror, tmp_path, monkeypatch, chat_server
):
    import evaluate
    from lm_eval.tasks import TaskManager

    fetched = []

    def load(path, *_, **__):
        fetched.append(path)
        raise RuntimeError("fetched")

    monkeypatch.setattr(evaluate, "load", load)
    path = lm_eval_folder() / "tasks" / "humaneval" / "humaneval.yaml"
    with pytest.raises(RuntimeError, match="fetched"):
        TaskManager(include_defaults=False).load(str(path))
    assert fetched == ["code_eval"]  # before a model was asked for anything

    fetched.clear()
    mark = tmp_path / "mark"
    answer = f"    open({str(mark)!r}, 'w')\n"
    with chat_server.ChatServer(reply=lambda body: answer) as server:
        suite = {
            "name": "code",
            "limit": 2,
            "models": [{"name": "m", "model": "openai:m", "args": {"base_url": server.base_url}}],
            "tasks": [{"task": "humaneval"}],
        }
        run = run_suite(Suite.model_validate(suite), tmp_path / "run", cache=tmp_path / "cache", stages=["answer"])
    assert texts(run) == [answer] * 2
    assert not fetched
    assert not mark.exists()
    assert run.manifest["scores"] == {"m": {}}  # a rater's work, in a sandbox
