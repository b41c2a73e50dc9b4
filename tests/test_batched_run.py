"""A run whose models and judge are asked by batch: as a direct one, all handed in first, killed and gone on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest
from test_run_again import CAPITALS, JUDGE, PROMPT, TASK

from harness.answering.chat import batches
from harness.errors import HarnessError
from harness.plan import plan_suite
from harness.run import Run
from harness.stages import run_suite
from harness.suite import Suite

RATES = {"prompt": 10.0, "completion": 100.0}
WORK = ("answer", "rate")


def reply(body):
    asked = body["messages"][-1]["content"]
    if "Is this right?" in asked:
        return json.dumps({"verdict": "Yes"})
    return next(capital for country, capital in CAPITALS.items() if country in asked)


@pytest.fixture
def catalogue(tmp_path):
    folder = tmp_path / "mine"
    (folder / "tasks" / "capitals").mkdir(parents=True)
    (folder / "tasks" / "capitals" / "task.yaml").write_text(TASK)
    rows = [{"country": country, "capital": capital} for country, capital in CAPITALS.items()]
    (folder / "tasks" / "capitals" / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def suite(server, catalogue, **batch):
    """Two models, one of each provider, on a task at two temperatures; a judge."""
    rater = catalogue / "raters" / "reader"
    rater.mkdir(parents=True, exist_ok=True)
    how = "".join(f", {name}: {json.dumps(value)}" for name, value in {"rates": RATES, **batch}.items())
    (rater / "rater.yaml").write_text((JUDGE % server.base_url).replace('"}\n  by', f'"{how}}}\n  by'))
    (rater / "prompt.j2").write_text(PROMPT)
    addresses = {"openai:m0": server.base_url, "anthropic:m1": server.base_url.removesuffix("/v1")}
    return Suite.model_validate(
        {
            "name": "batched",
            "models": [
                {"name": model[-2:], "model": model, "args": {"base_url": address, "rates": RATES, **batch}}
                for model, address in addresses.items()
            ],
            "tasks": [
                {"task": "capitals", "raters": ["exact_match", "reader"]},
                {"task": "capitals", "name": "warm", "temperature": 0.5, "raters": ["reader"]},
            ],
        }
    )


def test_a_run_by_batch_hands_all_in_first_and_goes_on_directly(batch_server, tmp_path, catalogue, monkeypatch):
    monkeypatch.setattr(batches, "FIRST_LOOK", 0.01)
    ours = {"include": [catalogue], "cache": tmp_path / "cache"}
    with batch_server.BatchServer(reply=reply) as server:
        wanted = suite(server, catalogue, batch=True)
        plan = plan_suite(wanted, tmp_path / "run", **ours)
        run = run_suite(wanted, tmp_path / "run", stages=WORK, **ours)
        assert server.requests == 3  # a client's first call goes directly
        assert server.requests + len(server.asked) == 20 + 5  # all answers are the same, and judged once

        handed_in = [at for at, (method, path) in enumerate(server.log) if method == "POST" and "batches" in path]
        looked = [at for at, (_, path) in enumerate(server.log) if "batches/batch_" in path]
        assert max(handed_in[:4]) < min(looked)  # two models on two tasks

        ours["cache"] = tmp_path / "other"  # nothing is there but what the run has
        again = run_suite(suite(server, catalogue), run.folder, stages=WORK, **ours)
        assert server.requests == 3
    answers = again.responses[again.responses["model"] != "reference"]
    assert [len(answers), *answers["status"].unique()] == [20, "ok"]
    assert all(answers["text"] == answers["item_id"].map(CAPITALS))
    assert [len(again.ratings), *again.ratings["status"].unique(), again.ratings["value"].min()] == [30, "ok", 1.0]
    openai = answers.loc[answers["model"] == "m0", "cost_usd"]
    assert sorted(openai / openai.max()) == pytest.approx([0.5] * 9 + [1.0])
    assert plan.batch_usd == plan.cost_usd
    assert plan.direct_usd == pytest.approx(tuple(2 * cost for cost in plan.batch_usd))


def test_a_server_without_batches_for_the_judge_is_refused_before_a_model_is_asked(
    batch_server, chat_server, tmp_path, catalogue
):
    with batch_server.BatchServer(reply=reply) as good, chat_server.ChatServer(fault=lambda *_: "404") as bad:
        wanted = suite(good, catalogue)
        suite(bad, catalogue, batch=True)  # its rater.yaml
        with pytest.raises(HarnessError, match="the server has no batch interface"):
            run_suite(wanted, tmp_path / "run", include=[catalogue], cache=tmp_path / "cache", stages=WORK)
        assert good.requests == 0


@pytest.mark.slow
def test_a_command_killed_at_any_time_pays_for_nothing_twice(batch_server, tmp_path, catalogue):
    with batch_server.BatchServer(reply=reply, looks=3) as server:
        (tmp_path / "suite.yaml").write_text(suite(server, catalogue, batch=True).to_yaml())
        command = [sys.executable, "-m", "harness", "run", "suite.yaml", "--include", "mine", "--out", "run"]
        command += ["--cache", "cache", "--stages", "answer,rate"]
        for wait in range(1, 6):
            process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while process.poll() is None and len(server.log) < 6 * wait:
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            process.wait()
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    run = Run(tmp_path / "run")
    assert set(run.responses["status"]) == set(run.ratings["status"]) == {"ok"}
    paid = [json.dumps(body, sort_keys=True) for body in server.asked]
    assert len(paid) == len(set(paid))
