"""How time and memory grow with a run, and how much more several workers do: in parts, each a process of its own.

    python benchmarks/scale.py --ratings 10000 100000 1000000 --out scale.json
    python benchmarks/scale.py --ratings 10000000
    python benchmarks/scale.py --answers 1000000
    python benchmarks/scale.py --workers 1 2 3

`--ratings N` writes a run of N / 2 answers, each rated by two simulated raters, and then loads it, tabulates agreement
(a coefficient with its interval, pairs of raters) and reports the page. `--answers N` writes a run of N answers and one
rating each. For every step: seconds, processor seconds (the machine may be shared), and the most memory that a process
of its own had. The growth of two sizes is the ratio of their processor seconds to the ratio of their sizes: at most 1
where the time is linear.

`--workers` lets one, two and three workers on this machine answer a task that waits for an endpoint, and gives the
seconds between the first call that the server had and the last.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests")]

PART = 100_000
"""Records a part, as a run of many machines has them, and more."""
MODELS, TASKS = ("a", "b"), ("t1", "t2", "t3", "t4")


def write(folder: Path, answers: int, raters: int) -> None:
    """Write a run of simulated answers, each of so many ratings."""
    from harness.records import Item, Rating, Response
    from harness.run import Run
    from harness.suite import Suite

    suite = {"name": "scale", "models": [{"name": name, "model": "imported"} for name in MODELS],
             "tasks": [{"task": task} for task in TASKS]}  # fmt: skip
    run, random = Run.create(folder, Suite.model_validate(suite)), np.random.default_rng(0)
    each = answers // (len(TASKS) * len(MODELS))
    for task in TASKS:
        for start in range(0, each, PART):
            rows = range(start, min(each, start + PART))
            right = random.random((len(MODELS), len(rows))) < np.array([[0.6], [0.7]])
            run.write(
                (Item(task=task, item_id=str(n), family="other", prompt=f"Question {n} of {task}?") for n in rows),
                f"{task}-{start}",
            )
            for model, of_model in zip(MODELS, right, strict=True):
                ids = [f"{task}-{model}-{n}" for n in rows]
                run.write(
                    (
                        Response(response_id=name, task=task, item_id=str(n), model=model, text=f"The answer is {n}.")
                        for name, n in zip(ids, rows, strict=True)
                    ),
                    f"{task}-{model}-{start}",
                )
                for rater in range(raters):
                    values = of_model ^ (random.random(len(rows)) < 0.1 * (rater + 1))
                    run.write(
                        (
                            Rating(
                                rating_id=f"{name}-{rater}", task=task, item_id=str(n), response_id=name,
                                rater=f"simulated{rater}", rater_kind="human" if rater == 0 else "judge",
                                criterion="right", value=float(value), scale="binary", flags=["simulated"],
                            )
                            for name, n, value in zip(ids, rows, values.tolist(), strict=True)
                        ),
                        f"{task}-{model}-{rater}-{start}",
                    )  # fmt: skip


def load_run(folder: Path) -> Any:
    from harness import load

    run = load(folder)
    return len(run.items), len(run.responses), len(run.ratings)


def tabulate(folder: Path) -> Any:
    from harness.agreement import AgreementOptions, agree_in_run

    return len(agree_in_run(folder, AgreementOptions(resamples=200)).pairs)


def report_page(folder: Path) -> Any:
    from harness import report

    report(folder)
    return (folder / "report.html").stat().st_size


def _measured(step: Callable[..., Any], arguments: tuple[Any, ...], told: Any) -> None:
    started = time.perf_counter()
    result = step(*arguments)
    used = resource.getrusage(resource.RUSAGE_SELF)
    told.put(
        {
            "seconds": round(time.perf_counter() - started, 2),
            "cpu": round(used.ru_utime + used.ru_stime, 2),
            "mb": used.ru_maxrss // 1024,
            "result": result,
        }
    )


def measured(step: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
    """Run a step in a process of its own."""
    context = multiprocessing.get_context("spawn")
    told = context.SimpleQueue()
    process = context.Process(target=_measured, args=(step, arguments, told))
    process.start()
    process.join()
    return told.get() if process.exitcode == 0 else {"exit": process.exitcode}


def of_size(answers: int, raters: int, name: str) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        run, rows = Path(folder) / "run", []
        steps = {"written": (write, run, answers, raters), "loaded": (load_run, run), "tabulated": (tabulate, run),
                 "reported": (report_page, run)}  # fmt: skip
        for step, (job, *arguments) in steps.items():
            rows.append({"of": name, "n": answers * raters, "step": step, **measured(job, *arguments)})
            print(json.dumps(rows[-1]), flush=True)
        return rows


def growth(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return, for each step and two sizes that follow each other, how much faster than its size its cost grows."""
    found = []
    for step in ("written", "loaded", "tabulated", "reported"):
        ours = sorted((row for row in rows if row["step"] == step and "cpu" in row), key=lambda row: row["n"])
        for small, large in pairwise(ours):
            ratio = large["n"] / small["n"]
            found.append(
                {"step": step, "from": small["n"], "to": large["n"],
                 **{what: round(large[what] / small[what] / ratio, 2) for what in ("cpu", "mb")}}
            )  # fmt: skip
    return found


def workers(counts: list[int], calls: int, latency: float, each: int) -> list[dict[str, Any]]:
    """Let so many workers answer; each may have `each` calls in flight, as a server's replicas allow."""
    from chat_server import ChatServer
    from test_run_again import TASK

    from harness.stages import run_suite
    from harness.suite import Suite

    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "tasks" / "capitals").mkdir(parents=True)
        (folder / "tasks" / "capitals" / "task.yaml").write_text(TASK)
        data = [json.dumps({"country": str(n), "capital": "x"}) for n in range(calls)]
        (folder / "tasks" / "capitals" / "data.jsonl").write_text("\n".join(data))
        for count in counts:
            times: list[float] = []

            def fault(number: int, body: dict[str, Any], times: list[float] = times) -> str:
                times.append(time.monotonic())
                return "ok"

            with ChatServer(reply=lambda body: "x", fault=fault, latency=latency) as server:
                server.keep_bodies = False
                args = {"base_url": server.base_url, "concurrency": each * count}
                suite = {"name": "w", "models": [{"name": "m", "model": "openai:m", "args": args}],
                         "tasks": [{"task": "capitals"}]}  # fmt: skip
                run = run_suite(
                    Suite.model_validate(suite), folder / f"run{count}", stages=["answer"], include=[folder],
                    cache=folder / f"cache{count}", executor=f"dask:local:{count}",
                )  # fmt: skip
                assert len(run.responses) == calls
            rows.append({"workers": count, "seconds": round(times[-1] - times[0] + latency, 2), "calls": len(times)})
            rows[-1]["times_one"] = round(rows[0]["seconds"] / rows[-1]["seconds"], 2)
            print(json.dumps(rows[-1]), flush=True)
    return rows


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--ratings", type=int, nargs="*", default=[])
    options.add_argument("--answers", type=int, nargs="*", default=[])
    options.add_argument("--workers", type=int, nargs="*", default=[])
    options.add_argument("--calls", type=int, default=1200)
    options.add_argument("--latency", type=float, default=1.0)
    options.add_argument("--in-flight", type=int, default=10, help="calls in flight for each worker")
    options.add_argument("--out", type=Path, help="JSON; what an earlier part wrote there stays")
    given = options.parse_args()
    os.environ.setdefault("OPENAI_API_KEY", "none")
    rows = [row for n in given.ratings for row in of_size(n // 2, 2, "ratings")]
    rows += [row for n in given.answers for row in of_size(n, 1, "answers")]
    told = {
        "rows": rows,
        "growth": growth([row for row in rows if row["of"] == "ratings"]),
        "workers": workers(given.workers, given.calls, given.latency, given.in_flight) if given.workers else [],
    }
    if given.out:
        before = json.loads(given.out.read_text()) if given.out.is_file() else {}
        told = {name: [*before.get(name, []), *found] for name, found in told.items()}
        told["growth"] = growth([row for row in told["rows"] if row["of"] == "ratings"])
        given.out.write_text(json.dumps(told, indent=2))
    print(json.dumps(told["growth"]))


if __name__ == "__main__":
    main()
