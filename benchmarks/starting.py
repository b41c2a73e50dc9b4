"""How long commands take from the shell's point of view: small inputs, where starting is all there is.

`python benchmarks/starting.py RUN [--against CHECKOUT] [--times 5]`: `harness --help`, `agree` on 36 ratings, `rounds`
on 90 scores, and `report` on a copy of a finished run, each in a process of its own, in turns with another checkout of
the project where one is named, so that what else the machine does falls on both. Compiled modules are kept in a folder
of the benchmark's own, as an installed package has them: the first turn only fills it. Wall time is the best of the
times; processor time (of the process and its children) is the median, and is what a loaded machine tells best.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


def inputs(folder: Path) -> None:
    """Write the small files."""
    with (folder / "ratings.csv").open("w", newline="") as handle:
        rows = csv.writer(handle)
        rows.writerow(["item_id", "rater", "value"])
        rows.writerows([n, rater, (7 * n + ord(rater)) % 4] for n in range(12) for rater in "abc")
    with (folder / "scores.csv").open("w", newline="") as handle:
        rows = csv.writer(handle)
        rows.writerow(["item", "round", "score", "series"])
        rows.writerows([n, k, (n + k) % 3 / 2, "s"] for n in range(30) for k in range(3))


def measured(checkout: Path, words: list[str], compiled: Path) -> tuple[float, float]:
    """Return the wall and the processor seconds of one command."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started, before = time.perf_counter(), os.times()
    own = checkout / ".venv" / "bin" / "python"
    python = str(own) if own.is_file() else sys.executable
    environment = kept | {"PYTHONPYCACHEPREFIX": str(compiled)}
    command = [python, "-m", "harness", *words]
    subprocess.run(command, cwd=checkout, capture_output=True, check=True, env=environment)
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - started, spent


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--times", type=int, default=5)
    given = parser.parse_args()
    checkouts = {"now": ROOT} | ({"before": given.against.resolve()} if given.against else {})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inputs(folder)
        commands = {
            "--help": ["--help"],
            "agree, 36 ratings": ["agree", str(folder / "ratings.csv"), "--json"],
            "rounds, 90 scores": ["rounds", str(folder / "scores.csv"), "--json"],
            "report": ["report", str(folder / "run"), "--out", str(folder / "page.html")],
        }
        print("| command | " + " | ".join(f"{one}, s | {one}, CPU s" for one in checkouts) + " |")
        print("|---" * (1 + 2 * len(checkouts)) + "|")
        for title, words in commands.items():
            times: dict[str, list[tuple[float, float]]] = {one: [] for one in checkouts}
            for turn in range(given.times + 1):
                for one, checkout in checkouts.items():
                    shutil.rmtree(folder / "run", ignore_errors=True)
                    shutil.copytree(given.run, folder / "run")
                    found = measured(checkout, words, folder / "compiled")
                    times[one] += [found] if turn else []
            cells = [
                f"{min(wall for wall, _ in spent):.2f} | {statistics.median(cpu for _, cpu in spent):.2f}"
                for spent in times.values()
            ]
            print(f"| {title} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
