"""A stage on a cluster: a scheduler and three worker processes on loopback, each in a folder of its own, one killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
import toys
from chat_server import ChatServer
from distributed import Client
from test_run_again import (
    JUDGE,
    PROMPT,
    TASK,
    WORK,
    server,  # noqa: F401
    suite,
)
from test_run_again import place as capitals  # noqa: F401

from harness import load
from harness.errors import HarnessError, IncompleteError
from harness.stages import run_suite
from harness.stages.cluster import cluster_of
from harness.suite import Suite

COLUMNS = ["item_id", "response_id", "rater", "criterion", "value", "label", "status"]


class Machines:
    """A scheduler and workers as processes, each with its own folder, cache and home."""

    def __init__(self, folder, workers, *scheduler):
        self.folder, self.processes = folder, {}
        self.file = folder / "scheduler.json"
        self._start(
            "scheduler",
            "scheduler",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--no-dashboard",
            "--scheduler-file",
            self.file,
            *scheduler,
        )
        wait_for(lambda: self.file.is_file() and self.file.read_text().rstrip().endswith("}"))
        self.address = json.loads(self.file.read_text())["address"]
        for number in range(workers):
            self.add(f"worker{number}")
        with Client(self.address) as client:
            client.wait_for_workers(workers, timeout=120)

    def add(self, name):
        self._start(name, "worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--name", name)

    def _start(self, name, *command):
        home = self.folder / name
        home.mkdir()
        environment = {**os.environ, "HARNESS_CACHE": str(home / "cache"), "OMP_NUM_THREADS": "1"}
        self.processes[name] = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_" + command[0], *map(str, command[1:])],
            cwd=home, env=environment, stdout=subprocess.DEVNULL, stderr=(home / "log").open("w"),
        )  # fmt: skip

    def kill(self, name):
        self.processes[name].send_signal(signal.SIGKILL)

    def close(self):
        for process in self.processes.values():
            process.kill()
            process.wait()


def wait_for(true, seconds=240):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def machines(tmp_path):
    (tmp_path / "machines").mkdir()
    running = Machines(tmp_path / "machines", 3)
    yield running
    running.close()


def table(folder) -> pd.DataFrame:
    return load(folder).ratings[COLUMNS].sort_values(COLUMNS[:4], ignore_index=True)


@pytest.mark.slow
def test_a_cluster_gives_the_tables_that_one_machine_gives(server, capitals, machines, tmp_path):  # noqa: F811
    wanted = suite(server, "exact_match", "reader", models=2)
    alone = run_suite(wanted, stages=WORK, **capitals)
    asked = server.requests
    far = {**capitals, "out": tmp_path / "far", "cache": tmp_path / "elsewhere"}
    run_suite(wanted, stages=WORK, executor=f"dask:{machines.address}", **far)
    pd.testing.assert_frame_equal(table(far["out"]), table(alone.folder))
    assert server.requests == 2 * asked
    assert not (far["out"] / "calls").exists()


CONCURRENCY = 12


@pytest.fixture
def many(tmp_path, monkeypatch):
    """A task of 600 items, a server that takes its time, and a suite that asks it for 1,200 answers and verdicts."""
    catalogue = tmp_path / "mine"
    (catalogue / "tasks" / "numbers").mkdir(parents=True)
    (catalogue / "raters" / "reader").mkdir(parents=True)
    task = TASK.replace("task: capitals", "task: numbers").replace("the capital of {{country}}", "after {{country}}")
    (catalogue / "tasks" / "numbers" / "task.yaml").write_text(task)
    rows = [json.dumps({"country": str(n), "capital": str(n + 1)}) for n in range(600)]
    (catalogue / "tasks" / "numbers" / "data.jsonl").write_text("\n".join(rows))

    def reply(body):
        asked = body["messages"][-1]["content"]
        if "Is this right?" in asked:
            return json.dumps({"verdict": "Yes"})
        return str(int(re.search(r"after (\d+)", asked)[1]) + 1)

    with ChatServer(reply=reply, latency=0.05) as running:
        where = f'{{model: "openai:m", base_url: "{running.base_url}", concurrency: {CONCURRENCY}}}'
        judge = JUDGE.replace('{model: "openai:m", base_url: "%s"}', where)
        (catalogue / "raters" / "reader" / "rater.yaml").write_text(judge)
        (catalogue / "raters" / "reader" / "prompt.j2").write_text(PROMPT)
        model = {"name": "m", "model": "openai:m", "args": {"base_url": running.base_url, "concurrency": CONCURRENCY}}
        raters = ["exact_match", "reader"]
        wanted = Suite.model_validate(
            {"name": "x", "models": [model], "tasks": [{"task": "numbers", "raters": raters}]}
        )
        yield (
            running,
            Suite.model_validate(wanted),
            {"out": tmp_path / "run", "include": [catalogue], "cache": tmp_path / "cache"},
        )


def later(action, true):
    """Do something in a thread as soon as something is true."""

    def act():
        wait_for(true)
        action()

    thread = threading.Thread(target=act)
    thread.start()
    return thread


def whole(run):
    """Check that every answer and rating is there once, and right."""
    assert len(run.responses) == 600
    rows = run.ratings
    assert rows["rating_id"].is_unique
    assert rows.groupby("rater")["value"].agg(["size", "sum"]).to_numpy().tolist() == [[600, 600], [600, 600]]


@pytest.mark.slow
def test_a_killed_worker_costs_what_was_on_its_way(many, machines):
    running, wanted, place = many
    kills = [later(lambda: machines.kill("worker1"), lambda: running.requests > 250),
             later(lambda: machines.kill("worker2"), lambda: running.requests > 900)]  # fmt: skip
    run = run_suite(wanted, stages=WORK, executor=f"dask:{machines.file}", **place)
    for thread in kills:
        thread.join()
    whole(run)
    assert running.most_inside <= CONCURRENCY  # over all workers
    assert 1200 <= running.requests <= 1200 + 2 * (CONCURRENCY // 3)  # a worker's share, which it had not received


@pytest.mark.slow
def test_a_killed_scheduler_ends_the_command_which_goes_on_elsewhere(many, machines):
    running, wanted, place = many
    kill = later(lambda: machines.kill("scheduler"), lambda: running.requests > 200)
    with pytest.raises(IncompleteError, match="the same command goes on"):
        run_suite(wanted, stages=WORK, executor=f"dask:{machines.address}", **place)
    kill.join()
    for name in list(machines.processes):
        machines.kill(name)
    run = run_suite(wanted, stages=WORK, executor="dask:local:2", **place)
    whole(run)
    assert 1200 <= running.requests <= 1200 + CONCURRENCY  # only what was on its way when the workers died
    assert not (run.folder / "calls").exists()


@pytest.mark.slow
def test_a_killed_command_loses_nothing_that_its_workers_asked_for(many, machines, tmp_path):
    running, wanted, place = many
    (tmp_path / "suite.yaml").write_text(wanted.to_yaml())
    words = ["run", tmp_path / "suite.yaml", "--out", place["out"], "--include", *place["include"]]
    words += ["--cache", place["cache"], "--stages", "answer,rate", "--executor", f"dask:{machines.file}"]
    first = subprocess.Popen([sys.executable, "-m", "harness", *map(str, words)], stderr=subprocess.DEVNULL)
    wait_for(lambda: running.requests > 250)
    first.kill()
    first.wait()
    run = run_suite(wanted, stages=WORK, executor=f"dask:{machines.file}", **place)
    whole(run)
    assert running.requests == 1200  # the workers live: what they had asked for is received, kept and found
    assert not (run.folder / "calls").exists()


@pytest.mark.parametrize(
    ("executor", "message"),
    [
        ("spark", "no executor 'spark'"),
        ("dask:local:no", "expected dask:local:N"),
        ("dask:tcp://127.0.0.1:9", "no scheduler answers there"),
        ("dask", "no scheduler is configured"),
    ],
)
def test_a_cluster_that_is_not_there_is_said(many, executor, message):
    _, wanted, place = many
    with pytest.raises(HarnessError, match=message):
        run_suite(wanted, stages=WORK, executor=executor, **place)


def test_a_budget_is_not_shared(many):
    _, wanted, place = many
    with pytest.raises(HarnessError, match="max-cost is kept by one process"):
        run_suite(wanted, stages=WORK, executor="dask:local:2", max_cost=1.0, **place)


SLOW = '''

@dataclass(frozen=True)
class Slow(Parrot):
    """A parrot whose training takes a moment, and says which process did it."""

    log: str = ""

    def train(self, state: int, examples: Sequence[Example], round: int) -> tuple[int, Training]:
        import os
        import time

        with open(self.log, "a") as file:
            file.write(f"{os.getpid()}\\n")
        time.sleep(0.5)
        return super().train(state, examples, round)


def slow(settings: dict[str, Any], seed: int) -> Slow:
    return Slow(seed, settings["log"])
'''


@pytest.mark.slow
def test_series_are_trained_by_the_workers_one_of_which_is_killed(machines, tmp_path):
    toys.rater_folder(tmp_path / "mine", "key", use="slow_toys:fan")
    source = Path(toys.__file__).read_text() + SLOW
    for folder in ("", "raters/key"):
        (tmp_path / "mine" / folder / "slow_toys.py").write_text(source)
    log = tmp_path / "log"
    rounds = {"learner": "slow_toys:slow", "rounds": 4, "items": 30, "gold": "key", "settings": {"log": str(log)}}
    wanted = Suite.model_validate({"name": "loop", "rounds": {**rounds, "feedback": {"key": "key", "plain": None}}})
    how = {"stages": ["rounds"], "include": [tmp_path / "mine"], "cache": tmp_path / "cache"}
    alone = run_suite(wanted, tmp_path / "alone", workers=1, **how)
    log.write_text("")

    def busy():
        return next((name for name, one in machines.processes.items() if str(one.pid) in log.read_text().split()), "")

    kill = later(lambda: machines.kill(busy()), busy)
    run = run_suite(wanted, tmp_path / "run", executor=f"dask:{machines.file}", **how)
    kill.join()
    trained = log.read_text().split()
    assert set(map(int, trained)) <= {one.pid for one in machines.processes.values()}
    assert len(set(trained)) > 1
    assert len(trained) in (8, 9)  # two series of four rounds; the one that was killed in may have been trained again
    facts = ["series", "round", "n_kept", "steps", "data_hash"]
    pd.testing.assert_frame_equal(run.rounds[facts], alone.rounds[facts])
    texts = ["response_id", "text"]
    pd.testing.assert_frame_equal(
        run.responses[texts].sort_values("response_id", ignore_index=True),
        alone.responses[texts].sort_values("response_id", ignore_index=True),
    )
    assert not (run.folder / ".states").exists()


@pytest.mark.slow
def test_a_machine_with_other_code_is_said(machines, monkeypatch):
    module = ModuleType("only_here")
    exec("def job():\n    return 1", module.__dict__)
    monkeypatch.setitem(sys.modules, "only_here", module)
    with (
        cluster_of(f"dask:{machines.address}") as cluster,
        pytest.raises(HarnessError, match=r"other code than this command .*No module named 'only_here'.*same version"),
    ):
        cluster.call(module.job)
