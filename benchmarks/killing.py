"""Kills parts of a cluster at random moments of runs, and compares what is left with a run undisturbed.

    python benchmarks/killing.py --kills 200 --out killing.json
    python benchmarks/killing.py --kills 40 --s3 --out killing_s3.json

A suite with a model and a judge behind a chat server on loopback, an exact match, unit tests in the sandbox, a learner
of two series, one with the feedback of the judge, and the page are run by `harness run` on a scheduler and three
workers, each a process in a folder of its own. Somebody chosen at random is killed with SIGKILL, a random time into a
stage chosen at random, and comes up again: the command, a worker, the scheduler (whose workers are left to end by
themselves), the sandbox's zygote, the chat server, and with `--s3` the front of an S3 server that holds the run (the
objects are on, as a real store's are). When the run is whole the next one begins, until enough kills were made.

The chat server writes down what it is asked, before it answers. A call that was asked again must have been on its way
when somebody was killed: there are at most as many of those as the server may be asked at once, for each kill; `late`
counts those that were not, and is 0.

Processes are forked from one that has everything imported, so that a kill costs a fifth of a second and not five.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import hashlib
import json
import multiprocessing
import os
import random
import signal
import socket
import sys
import tempfile
import time
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks")]

CONCURRENCY, LATENCY, LATE = 12, 0.15, 3.0
ITEMS, PROGRAMS_ITEMS = 240, 40
TRIES = 60
"""How often a command is started again until a run counts as one that does not end."""
VICTIMS = ["worker", "worker", "command", "command", "scheduler", "zygote", "model server"]
STAGES = ["start", "m answers", "reader rates", "unit_tests rates", "the learner trains", "the page"]
ASKED = {
    **dict.fromkeys(STAGES, (0, 0)),
    "m answers": (0, ITEMS + PROGRAMS_ITEMS),
    "reader rates": (ITEMS + PROGRAMS_ITEMS, ITEMS),
    "the learner trains": (2 * ITEMS + PROGRAMS_ITEMS, 24),
}
"""How many calls were made when a stage begins, and how many it makes."""
PRELOAD = [
    "harness.cli", "harness.stages", "harness.reporting", "harness.rounds", "harness.agreement", "harness.rating",
    "harness.answering.chat.openai_chat", "harness.answering.tasks.task", "harness.reporting.page",
    "distributed.cli.dask_worker", "distributed.cli.dask_scheduler", "distributed", "aiohttp", "openai", "pandas",
    "pyarrow.parquet", "scipy.stats", "altair", "vl_convert", "datasets", "lm_eval.api.task", "lm_eval.tasks", "s3fs",
    "upath", "chat_server", "toys", "genai_prices", "killing",
]  # fmt: skip
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
        return json.dumps({"verdict": "No" if int(hashlib.sha256(asked.encode()).hexdigest(), 16) % 3 == 0 else "Yes"})
    number = int("".join(c for c in asked.split("?")[0] if c.isdigit()) or 0)
    return f"```python\ndef f(x):\n    return x + {number}\n```" if "Program" in asked else str(number + 1)


def written(folder: Path, address: str) -> Path:
    """Write the catalogue and the suite; return the suite's file."""
    import toys
    from test_run_again import JUDGE, PROMPT, TASK

    tasks, raters = folder / "mine" / "tasks", folder / "mine" / "raters" / "reader"
    raters.mkdir(parents=True)
    numbers = TASK.replace("task: capitals", "task: numbers").replace("the capital of {{country}}", "after {{country}}")
    for name, text, count in (("numbers", numbers, ITEMS), ("programs", PROGRAMS, PROGRAMS_ITEMS)):
        (tasks / name).mkdir(parents=True)
        (tasks / name / "task.yaml").write_text(text)
        rows = [
            {"country": str(n), "capital": str(n + 1), "entry_point": "f",
             "hidden_tests": f"[[[1], {n + 1 if n % 2 else n}]]"}
            for n in range(count)
        ]  # fmt: skip
        (tasks / name / "data.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    where = f'{{model: "openai:m", base_url: "{address}", concurrency: {CONCURRENCY}}}'
    (raters / "rater.yaml").write_text(JUDGE.replace('{model: "openai:m", base_url: "%s"}', where))
    (raters / "prompt.j2").write_text(PROMPT)
    toys.rater_folder(folder / "mine", "gold")
    model = {"name": "m", "model": "openai:m", "args": {"base_url": address, "concurrency": CONCURRENCY}}
    suite = {
        "name": "killing",
        "models": [model],
        "tasks": [
            {"task": "numbers", "raters": ["exact_match", "reader"]},
            {"task": "programs", "raters": ["unit_tests"]},
        ],
        "rounds": {
            "learner": "toys:parrot", "rounds": 2, "items": 40, "gold": "gold",
            "feedback": {"judge": "reader", "plain": None},
        },
    }  # fmt: skip
    (folder / "suite.yaml").write_text(json.dumps(suite))
    return folder / "suite.yaml"


def _begin(home: Path, environment: dict[str, str]) -> None:
    """Make a forked process one of its own: folder, environment, log; it ends with this benchmark (Linux)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: of the process that forks, which ends with ours
    home.mkdir(parents=True, exist_ok=True)
    os.chdir(home)
    os.environ.update(environment)
    log = os.open(home / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)


def _harness(home: Path, environment: dict[str, str], words: list[str]) -> None:
    _begin(home, environment)
    from harness.cli import main, progress

    plain = progress._plain_lines

    @contextlib.contextmanager
    def told(title, total):
        print("begins", title, flush=True)
        with plain(title, total) as advance:
            yield advance

    progress._plain_lines = told
    sys.argv = ["harness", *words]
    main()


def _dask(home: Path, environment: dict[str, str], kind: str, words: list[str]) -> None:
    _begin(home, {**environment, "HARNESS_CACHE": str(home / "cache")})
    import importlib

    sys.argv = [f"dask-{kind}", *words]
    importlib.import_module(f"distributed.cli.dask_{kind}").main()


def _chat(home: Path, port: int, journal: Path) -> None:
    _begin(home, {})
    from chat_server import ChatServer

    file = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(what: str, body: dict) -> None:
        key = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]
        os.write(file, f"{what} {key} {time.time()}\n".encode())

    def asked(number: int, body: dict) -> str:
        note("asked", body)
        return "ok"

    def answered(body: dict) -> str:
        note("answered", body)
        return reply(body)

    server = ChatServer(reply=answered, fault=asked, latency=LATENCY, port=port)
    server.keep_bodies = False
    with server:
        signal.pause()


def _store(home: Path, port: int) -> None:
    _begin(home, {})
    from moto.server import ThreadedMotoServer

    ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False).start()
    signal.pause()


def _front(home: Path, port: int, behind: int) -> None:
    """Hand on what comes to a port to another: who asks sees this process die, and what was written stays."""
    import asyncio

    _begin(home, {})

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", behind)
        await asyncio.gather(pump(reader, forth), pump(back, writer))

    async def main() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", port) as server:
            await server.serve_forever()

    asyncio.run(main())


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Place:
    """All the processes, and what is done to them."""

    def __init__(self, folder: Path, s3: bool) -> None:
        self.folder, self.s3, self.count, self.journal = folder, s3, 0, folder / "journal"
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(PRELOAD)
        self.port, self.environment = free_port(), {"OPENAI_API_KEY": "none", "OMP_NUM_THREADS": "1"}
        self.workers: list[multiprocessing.Process] = []
        self.left: list[multiprocessing.Process] = []
        self.scheduler: multiprocessing.Process | None = None
        self.chat = self.start(_chat, self.port, self.journal)
        if s3:
            self.store_port, self.front_port = free_port(), free_port()
            self.store = self.start(_store, self.store_port)
            self.front = self.start(_front, self.front_port, self.store_port)
            keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
            self.environment |= {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.front_port}"} | dict.fromkeys(keys, "x")
            os.environ.update(self.environment)
            wait_for(lambda: reachable(self.store_port) and reachable(self.front_port))
            from harness.run import place_of

            place_of("s3://runs/x").fs.mkdir("runs")
        wait_for(lambda: reachable(self.port))

    def start(self, job, *arguments) -> multiprocessing.Process:
        self.count += 1
        home = self.folder / "machines" / f"{self.count}{job.__name__}"
        process = self.context.Process(target=job, args=(home, *arguments))
        process.home = home
        process.start()
        return process

    def renew(self) -> None:
        """Start a scheduler and three workers; those of a dead scheduler end by themselves."""
        self.left += self.workers
        if self.scheduler is not None and self.scheduler.is_alive():
            for process in (self.scheduler, *self.workers):
                process.kill()
        self.file = self.folder / f"scheduler{self.count}.json"
        words = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(self.file)]
        self.scheduler = self.start(_dask, self.environment, "scheduler", words)
        wait_for(lambda: self.file.is_file() and self.file.read_text().rstrip().endswith("}"))
        self.workers = [self.worker() for _ in range(3)]

    def worker(self) -> multiprocessing.Process:
        words = [json.loads(self.file.read_text())["address"], "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        return self.start(_dask, self.environment, "worker", words)

    def command(self, out: str, *more: str) -> multiprocessing.Process:
        words = ["run", str(self.folder / "suite.yaml"), "--out", out, "--include", str(self.folder / "mine")]
        words += ["--cache", str(self.folder / "cache"), "--workers", "1", *more]
        return self.start(_harness, self.environment, words)

    def kill(self, chance: random.Random, what: str, running: multiprocessing.Process) -> bool:
        """Kill somebody, who comes up again; False where there is nobody to kill."""
        if what == "worker":
            victim = self.workers.pop(chance.randrange(len(self.workers)))
            victim.kill()
            victim.join()
            self.workers.append(self.worker())
        elif what == "scheduler":
            self.scheduler.kill()
            self.scheduler.join()
        elif what == "zygote":
            found = [one for worker in self.workers for one in below(worker.pid)]
            if not found:
                return False
            os.kill(chance.choice(found), signal.SIGKILL)
        elif what == "model server":
            self.chat.kill()
            self.chat.join()
            time.sleep(chance.uniform(0, 0.5))
            self.chat = self.start(_chat, self.port, self.journal)
        elif what == "S3 server":
            self.front.kill()
            self.front.join()
            time.sleep(chance.uniform(0, 2))
            self.front = self.start(_front, self.front_port, self.store_port)
        else:
            running.kill()
        return True

    def close(self) -> None:
        others = [self.scheduler, self.chat, *([self.front, self.store] if self.s3 else [])]
        for process in filter(None, (*self.workers, *self.left, *others)):
            process.kill()
            process.join()


def wait_for(true, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def reachable(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def below(worker: int) -> list[int]:
    """Return the processes of a worker's sandboxes."""
    import psutil

    with contextlib.suppress(psutil.Error):
        return [one.pid for one in psutil.Process(worker).children()]
    return []


def tables(out: str) -> list[str]:
    """Return what a run ends with: answers, ratings, agreement, rounds and their verdicts."""
    from harness import compare_rounds, load
    from harness.agreement import AgreementOptions, agree_in_run

    run = load(out)
    assert run.ratings["rating_id"].is_unique
    assert run.responses["response_id"].is_unique
    keys = ["task", "item_id", "response_id", "rater", "criterion", "repetition"]
    ratings = run.ratings[[*keys, "value", "status", "error"]].sort_values(keys, ignore_index=True)
    responses = run.responses[["response_id", "text", "status"]].sort_values("response_id", ignore_index=True)
    rounds = run.rounds.drop(columns=[name for name in run.rounds if "seconds" in name])
    rounds = rounds.sort_values(["series", "seed", "round"], ignore_index=True)
    agreement = agree_in_run(run, AgreementOptions(resamples=200)).to_json()
    frames = [frame.to_json(orient="records") for frame in (responses, ratings, rounds)]
    return [*frames, json.dumps(agreement, sort_keys=True), compare_rounds(run).df.to_json()]


def stage_of(process: multiprocessing.Process) -> str:
    """Return the stage that a command is at."""
    with contextlib.suppress(OSError):
        lines = [line for line in (process.home / "log").read_text().splitlines() if line.startswith("begins ")]
        found = [stage for stage in STAGES for line in lines[-1:] if line.startswith(f"begins {stage}")]
        return found[0] if found else "reader rates" if lines else "start"  # exact_match comes before, in no time
    return "start"


def moments(chance: random.Random, count: int, page: bool) -> list[tuple[str, int]]:
    """Return when somebody is killed, in order: a stage, and how many calls were asked then where it makes some."""
    chosen = [chance.choice(STAGES if page else STAGES[:-1]) for _ in range(count)]
    found = [(stage, first + chance.randint(1, n) if n else 0) for stage in chosen for first, n in [ASKED[stage]]]
    return sorted(found, key=lambda one: (STAGES.index(one[0]), one[1]))


def wait_for_moment(running: multiprocessing.Process, chance: random.Random, journal: Path, moment: tuple) -> None:
    """Wait until a command is in a stage, and has asked so many calls, or a random time in a stage without any."""
    target, asked = moment
    while running.is_alive():
        passed = STAGES.index(stage_of(running)) >= STAGES.index(target) + (asked > 0)
        if passed or (asked and journal.read_text().count("asked") >= asked):
            break
        running.join(0.02)
    if not asked:
        running.join(chance.uniform(0, 6 if target == "the page" else 1.5))


def again(journal: list[str], kills: list[float]) -> tuple[int, int]:
    """Return how many calls were asked again, and how many of those that were on their way at no kill.

    A call is on its way from its asking until `LATE` seconds after its answer was sent: a process that waits for a
    processor reads late.
    """
    asked, answered = defaultdict(list), defaultdict(list)
    for line in journal:
        what, key, when = line.split()
        (asked if what == "asked" else answered)[key].append(float(when))
    repeated = late = 0
    for key, times in asked.items():
        for begun, following in pairwise(times):
            repeated += 1
            ended = min((when for when in answered[key] if when >= begun), default=following)
            late += not any(begun - 0.1 < kill < ended + LATE for kill in kills)
    return repeated, late


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--minutes", type=float, default=float("inf"), help="begin no kill after so long")
    options.add_argument("--s3", action="store_true", help="the run lies on an S3 server, whose front is killed too")
    options.add_argument("--out", type=Path)
    given = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all who were started end with this
    with tempfile.TemporaryDirectory(prefix="killing-") as name:
        place = Place(Path(name), given.s3)
        try:
            end = time.monotonic() + 60 * given.minutes
            rows, calls = disturbed(place, given.kills, random.Random(given.seed), end)
        finally:
            place.close()
    told = {
        "kills": sum(len(row["killed"]) for row in rows),
        "of": Counter(what for row in rows for what, _ in row["killed"]),
        "runs": len(rows),
        "different": sum(not row["ended"] or not all(row["same"]) for row in rows),
        "faults": sum(len(row["faults"]) for row in rows),
        "calls_a_run": calls,
        "asked_again": sum(row["asked_again"] for row in rows),
        "late": sum(row["late"] for row in rows),
        "over_what_was_on_its_way": sum(row["asked_again"] > row["at_most"] for row in rows),
    }
    print(json.dumps(told, indent=2))
    if given.out:
        given.out.write_text(json.dumps({**told, "rows": rows}, indent=2))
    sys.exit(bool(told["different"] or told["late"] or told["over_what_was_on_its_way"]))


def disturbed(place: Place, most: int, chance: random.Random, end: float) -> tuple[list[dict], int]:
    """Make runs with so many kills, or until a time; return what became of each, and the calls of one undisturbed."""
    folder, rows, kills = place.folder, [], 0
    written(folder, f"http://127.0.0.1:{place.port}/v1")
    alone = place.command(str(folder / "still"))
    alone.join()
    assert alone.exitcode == 0, (alone.home / "log").read_text()[-3000:]
    still, calls = tables(str(folder / "still")), place.journal.read_text().count("asked")
    print(f"undisturbed: {calls} calls", flush=True)
    while kills < most and time.monotonic() < end:
        out = f"s3://runs/run{len(rows)}" if place.s3 else str(folder / f"run{len(rows)}")
        os.truncate(place.journal, 0)
        for file in (folder / "cache").glob("calls.sqlite*"):  # what earlier runs were told helps nobody
            file.unlink()
        killed: list[list[str]] = []
        times: list[float] = []
        faults: list[str] = []
        stages = "answer,rate,rounds,report" if len(rows) % 4 == 0 else "answer,rate,rounds"  # a page is dear
        left = moments(chance, min(most - kills, chance.randint(5, 12)), "report" in stages)
        place.renew()  # the workers' caches with them
        for _ in range(TRIES):
            running = place.command(out, "--executor", f"dask:{place.file}", "--stages", stages)
            while running.is_alive() and left and time.monotonic() < end:
                wait_for_moment(running, chance, place.journal, left[0])
                what = chance.choice(VICTIMS + 2 * ["S3 server"] * place.s3)
                stage = stage_of(running)
                if running.is_alive() and place.kill(chance, what, running):
                    times.append(time.time())
                    killed.append([what, stage])
                    left.pop(0)
                    if what == "command":
                        break
            running.join()
            if not place.scheduler.is_alive():
                place.renew()
            if running.exitcode == 0:
                break
            if running.exitcode == 3 and "run_locked" in (running.home / "log").read_text():
                time.sleep(5)  # the lock of a run at an address holds for a minute
            if running.exitcode not in (3, -signal.SIGKILL):
                faults.append((running.home / "log").read_text()[-1500:])
                if len(faults) > 5:
                    break
        kills += len(killed)
        repeated, late = again(place.journal.read_text().splitlines(), times)
        ended = running.exitcode == 0
        same = [one == other for one, other in zip(still, tables(out), strict=True)] if ended else []
        rows.append(
            {"killed": killed, "ended": ended, "same": same, "asked_again": repeated, "late": late,
             "at_most": CONCURRENCY * len(killed), "faults": faults}
        )  # fmt: skip
        print(json.dumps(rows[-1]), flush=True)
    return rows, calls


if __name__ == "__main__":
    main()
