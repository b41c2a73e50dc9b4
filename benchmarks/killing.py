"""Kills parts of a cluster at random moments of runs, and compares what is left with a run undisturbed.

    python benchmarks/killing.py --kills 200 --out killing.json

A suite with a model and a judge behind a chat server on loopback that counts what it is asked, an exact match, and unit
tests in the sandbox is run by the command `harness run` on a scheduler and three workers, each a process in a folder of
its own. One of them, or the sandbox's zygote, chosen at random, is killed with SIGKILL after a random time; what is
dead is started anew. When the run is whole the next one begins, until enough kills were made. An answer counts as paid
when it was received: a call that is asked again is one that was on its way when somebody was killed, at most as many as
the server may be asked at once.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import pandas as pd
from chat_server import ChatServer
from test_cluster import CONCURRENCY, JUDGE, PROMPT, TASK, Machines

from harness import load

ITEMS = 400
COLUMNS = ["task", "item_id", "response_id", "rater", "criterion", "value", "status", "error"]
PROGRAMS = """\
task: programs
dataset_path: json
dataset_kwargs: {data_files: {test: data.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "Program {{country}}"
doc_to_target: "{{capital}}"
generation_kwargs: {until: [], max_gen_toks: 64, do_sample: false}
metric_list:
  - {metric: exact_match, aggregation: mean, higher_is_better: true}
metadata:
  harness: {family: coding, id: country, keep: [entry_point, hidden_tests]}
"""


def reply(body: dict) -> str:
    asked = body["messages"][-1]["content"]
    if "Is this right?" in asked:
        return json.dumps({"verdict": "Yes"})
    number = int("".join(c for c in asked.split("?")[0] if c.isdigit()) or 0)
    return f"```python\ndef f(x):\n    return x + {number}\n```" if "Program" in asked else str(number + 1)


def written(folder: Path, address: str) -> Path:
    """Write the catalogue and the suite; return the suite's file."""
    tasks, raters = folder / "mine" / "tasks", folder / "mine" / "raters" / "reader"
    raters.mkdir(parents=True)
    for name, text in (("numbers", TASK), ("programs", PROGRAMS)):
        (tasks / name).mkdir(parents=True)
        text = text.replace("task: capitals", "task: numbers").replace(
            "the capital of {{country}}", "after {{country}}"
        )
        (tasks / name / "task.yaml").write_text(text)
        rows = [
            {"country": str(n), "capital": str(n + 1), "entry_point": "f",
             "hidden_tests": f"[[[1], {n + 1 if n % 2 else n}]]"}
            for n in range(ITEMS)
        ]  # fmt: skip
        (tasks / name / "data.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    where = f'{{model: "openai:m", base_url: "{address}", concurrency: {CONCURRENCY}}}'
    (raters / "rater.yaml").write_text(JUDGE.replace('{model: "openai:m", base_url: "%s"}', where))
    (raters / "prompt.j2").write_text(PROMPT)
    model = {"name": "m", "model": "openai:m", "args": {"base_url": address, "concurrency": CONCURRENCY}}
    suite = {
        "name": "killing",
        "models": [model],
        "tasks": [
            {"task": "numbers", "raters": ["exact_match", "reader"]},
            {"task": "programs", "raters": ["unit_tests"]},
        ],
    }
    (folder / "suite.yaml").write_text(json.dumps(suite))
    return folder / "suite.yaml"


def command(folder: Path, out: Path, *more: str) -> subprocess.Popen:
    words = ["run", str(folder / "suite.yaml"), "--out", str(out), "--include", str(folder / "mine"), *more]
    log = (folder / "command.log").open("a")
    return subprocess.Popen(
        [sys.executable, "-m", "harness", *words, "--stages", "answer,rate", "--cache", str(folder / "cache")],
        stdout=log, stderr=log, env={**os.environ, "OPENAI_API_KEY": "none"},
    )  # fmt: skip


def tables(run: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    found = load(run)
    assert found.ratings["rating_id"].is_unique
    assert found.responses["response_id"].is_unique
    ratings = found.ratings[COLUMNS].sort_values(COLUMNS[:5], ignore_index=True)
    return found.responses[["response_id", "text"]].sort_values("response_id", ignore_index=True), ratings


def zygotes() -> list[int]:
    found = subprocess.run(["pgrep", "-f", "inside.zygote|inside/zygote"], capture_output=True, text=True).stdout
    return [int(number) for number in found.split()]


class Cluster:
    """Machines that come up again after they were killed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.count = folder, 0
        self.renew()

    def renew(self) -> None:
        self.count += 1
        home = self.folder / f"machines{self.count}"
        home.mkdir()
        self.machines = Machines(home, 3)

    def kill(self, chance: random.Random, what: str, running: subprocess.Popen) -> str:
        if what == "worker":
            alive = [name for name in self.machines.processes if name.startswith("worker")]
            name = chance.choice(alive)
            self.machines.kill(name)
            self.machines.processes.pop(name).wait()
            self.count += 1
            self.machines.add(f"worker-{self.count}")
        elif what == "scheduler":
            self.machines.close()  # the workers of a dead scheduler end by themselves, later
        elif what == "zygote":
            for number in zygotes()[:1]:
                os.kill(number, signal.SIGKILL)
        else:
            running.send_signal(signal.SIGKILL)
        return what


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--out", type=Path)
    given = options.parse_args()
    chance, kills, rows = random.Random(given.seed), 0, []
    with tempfile.TemporaryDirectory() as name, ChatServer(reply=reply, latency=0.05) as server:
        folder = Path(name)
        written(folder, server.base_url)
        assert command(folder, folder / "still").wait() == 0, (folder / "command.log").read_text()[-2000:]
        still, calls = tables(folder / "still"), server.requests
        cluster = Cluster(folder)
        while kills < given.kills:
            run, before, killed, ended = folder / f"run{len(rows)}", server.requests, [], 0
            (folder / "cache" / "calls.sqlite").unlink(missing_ok=True)  # the command's own cache helps nobody
            while True:
                running = command(folder, run, "--executor", f"dask:{cluster.machines.file}")
                while running.poll() is None and kills < given.kills:
                    try:
                        running.wait(chance.uniform(2, 25))
                    except subprocess.TimeoutExpired:
                        what = chance.choice(["worker", "worker", "worker", "command", "scheduler", "zygote"])
                        killed.append(cluster.kill(chance, what, running))
                        kills += 1
                ended = running.wait()
                if cluster.machines.processes["scheduler"].poll() is not None:
                    cluster.renew()
                if ended == 0:
                    break
            again = server.requests - before - calls
            same = all(one.equals(other) for one, other in zip(still, tables(run), strict=True))
            rows.append({"killed": killed, "same": same, "asked_again": again, "at_most": CONCURRENCY * len(killed)})
            print(json.dumps(rows[-1]), flush=True)
        cluster.machines.close()
    counted = {
        what: sum(row["killed"].count(what) for row in rows) for what in ("worker", "command", "scheduler", "zygote")
    }
    told = {
        "kills": kills, "of": counted, "runs": len(rows), "different": sum(not row["same"] for row in rows),
        "calls_a_run": calls, "asked_again": sum(row["asked_again"] for row in rows),
        "over_what_was_on_its_way": sum(row["asked_again"] > row["at_most"] for row in rows),
    }  # fmt: skip
    print(json.dumps(told, indent=2))
    if given.out:
        given.out.write_text(json.dumps({**told, "rows": rows}, indent=2))
    sys.exit(bool(told["different"] or told["over_what_was_on_its_way"]))


if __name__ == "__main__":
    main()
