"""How many checks a second: the sandboxes against a cold Python and against a process per check without isolation.

Run it on an otherwise idle machine: `python benchmarks/verifying.py`. The ways take turns in short rounds, so that what
else the machine does hits all of them; ratios are what to look at.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import multiprocessing
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from harness.rating.sandbox.attacks import choose
from harness.rating.sandbox.check import Check, Limits, Tests
from harness.rating.sandbox.sandbox import Sandboxes

PROMPT = '''from typing import List


def has_close(numbers: List[float], threshold: float) -> bool:
    """Tell whether two of the numbers are closer to each other than the threshold."""
'''
PROGRAM = (
    PROMPT
    + """    ordered = sorted(numbers)
    return any(b - a < threshold for a, b in zip(ordered, ordered[1:]))
"""
)
TEST = """
def check(candidate):
    assert candidate([1.0, 2.0, 3.9, 4.0, 5.0, 2.2], 0.3) == True
    assert candidate([1.0, 2.0, 3.9, 4.0, 5.0, 2.2], 0.05) == False
    assert candidate([1.0, 2.0, 5.9, 4.0, 5.0], 0.95) == True
    assert candidate([1.0, 2.0, 5.9, 4.0, 5.0], 0.8) == False
    assert candidate([1.0, 2.0, 3.0, 4.0, 5.0, 2.0], 0.1) == True
    assert candidate([1.1, 2.2, 3.1, 4.1, 5.1], 1.0) == True
    assert candidate([1.1, 2.2, 3.1, 4.1, 5.1], 0.5) == False
check(has_close)
"""
CHECK = Check(PROGRAM, Tests("script", {"hidden": TEST}, "has_close", prelude=PROMPT), Limits(seconds=10.0))


def cold_python() -> bool:
    """A new interpreter a check, nothing else."""
    return subprocess.run([sys.executable, "-I", "-c", PROGRAM + TEST], check=False).returncode == 0


def _in_process(result: multiprocessing.connection.Connection) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            exec(PROGRAM + TEST, {})
        except BaseException:
            result.send(False)
        else:
            result.send(True)


def process_per_check() -> bool:
    """What `evaluate`'s code_eval does: fork a process, run candidate and tests in it, no isolation."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_in_process, args=(theirs,))
    process.start()
    process.join()
    return bool(ours.poll() and ours.recv())


def rate(check: Callable[[], bool], seconds: float, workers: int) -> float:
    """Return the checks a second that `workers` threads get done."""
    end = time.perf_counter() + seconds

    def loop(_: int) -> int:
        done = 0
        while time.perf_counter() < end:
            assert check()
            done += 1
        return done

    started = time.perf_counter()
    with ThreadPoolExecutor(workers) as threads:
        done = sum(threads.map(loop, range(workers)))
    return done / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="of one round of one way")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with Sandboxes(choose(), options.workers) as sandboxes:
        together = CHECK.of(PROGRAM, together=True)
        ways: dict[str, Callable[[], bool]] = {
            "cold python -c": cold_python,
            "process per check, no isolation": process_per_check,
            "two sandboxes": lambda: sandboxes.check(CHECK).outcome == "passed",
            "one sandbox": lambda: sandboxes.check(together).outcome == "passed",
        }
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(options.rounds):
            for name, check in ways.items():
                rates[name].append(rate(check, options.seconds, options.workers))
    median = {name: statistics.median(found) for name, found in rates.items()}
    cold = [rates["cold python -c"], rates["process per check, no isolation"]]
    print(f"{'':34}{'checks/s':>10}{'x cold':>9}{'x process':>11}   ({options.workers} workers)")
    for name, found in rates.items():
        ratios = [statistics.median([a / b for a, b in zip(found, base, strict=True)]) for base in cold]
        print(f"{name:34}{median[name]:>10.0f}{ratios[0]:>9.1f}{ratios[1]:>11.1f}")
    print(json.dumps({name: round(value, 1) for name, value in median.items()}))


if __name__ == "__main__":
    main()
