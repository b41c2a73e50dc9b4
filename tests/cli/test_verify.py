"""`harness verify`: stored completions in, a rating a line and the pass rates out."""

import csv
import gzip
import json
import math
import subprocess
import sys
from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.rating.sandbox.attacks import choose
from harness.rating.sandbox.check import Limits
from harness.rating.verifiers import verification
from harness.statistics import pass_at_k

PROBLEM = {
    "task_id": "p/0",
    "prompt": 'def double(x):\n    """Return twice x."""\n',
    "entry_point": "double",
    "test": "def check(candidate):\n    assert candidate(2) == 4\n    assert candidate('a') == 'aa'\n",
}
OURS = {"task_id": "p/1", "entry_point": "f", "visible_tests": [[[1], 2]], "hidden_tests": [[[5], 6]]}


def write(path, rows):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)
    return path


def harness(*arguments, cwd):
    command = [sys.executable, "-m", "harness", "verify", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.sandbox
def test_verify_rates_every_completion_and_prints_the_rates(tmp_path):
    problems = write(tmp_path / "problems.jsonl.gz", [PROBLEM, OURS])
    completions = write(
        tmp_path / "completions.jsonl",
        [
            {"task_id": "p/0", "model": "a", "completion": "    return x * 2\n"},
            {"task_id": "p/0", "model": "a", "completion": "    return x\n"},
            {"task_id": "p/1", "model": "a", "code": "def f(x): return x + 1"},
            {"task_id": "p/1", "model": "a", "code": "def f(x): return 2"},
            {"task_id": "p/0", "model": "b", "code": "def double(x):\n    while True: pass"},
            {"task_id": "p/1", "model": "b", "code": "import os; os._exit(0)"},
        ],
    )
    out = tmp_path / "ratings.jsonl"
    done = harness(
        "--problems", problems, "--completions", completions, "--timeout", "0.5", "--out", out, "--json", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["n"], found["passed"], found["pass_rate"]) == (6, 2, 2 / 6)
    assert found["statuses"] == {
        "passed": 2, "failed": 1, "visible_only": 1, "timeout": 1, "memory": 0, "crash": 1, "error": 0, "skipped": 0,
    }  # fmt: skip
    # Model a: one of two samples passes in each problem, so pass@1 is 1/2 and pass@2 is 1.
    assert found["by_model"]["a"]["pass_at_k"] == {"1": 0.5, "2": 1.0}
    assert (found["by_model"]["b"]["n"], found["by_model"]["b"]["pass_rate"]) == (2, 0)
    ratings = [json.loads(line) for line in out.read_text().splitlines()]
    assert [rating["value"] for rating in ratings] == [1, 0, 1, 0, 0, 0]
    assert ratings[3]["flags"] == ["visible_only"]
    assert len({rating["rating_id"] for rating in ratings}) == 6


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("problems", "completions", "message"),
    [
        (
            [PROBLEM],
            [{"task_id": "p/00", "code": ""}],
            "completions.jsonl:1: no problem has the task_id 'p/00'. Did you",
        ),
        ([PROBLEM], [{"task_id": "p/0"}], "completions.jsonl:1: neither `code` nor `completion`"),
        ([PROBLEM, PROBLEM], [{"task_id": "p/0", "code": ""}], "problems.jsonl:2: the problem 'p/0' is there twice"),
        ([{"prompt": ""}], [], "problems.jsonl:1: the problem has no task_id"),
        ([{"task_id": 1}], [{"task_id": 1, "code": ""}], "problem 1: no tests found"),
        ([{"task_id": 1, "pytest": "x"}], [{"task_id": 1, "code": ""}], "pip install --target DIR pytest"),
        ([PROBLEM], [], "completions.jsonl: holds no completion"),
        ([PROBLEM], [3], "completions.jsonl:1: expected a JSON object, found int"),
    ],
)
def test_bad_input_is_refused_with_file_and_line(tmp_path, problems, completions, message):
    problems = write(tmp_path / "problems.jsonl", problems)
    completions = write(tmp_path / "completions.jsonl", completions)
    done = harness("--problems", problems, "--completions", completions, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@given(st.integers(1, 7).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_is_the_share_of_draws_of_k_samples_with_a_passing_one(numbers):
    n, c, k = numbers
    draws = list(combinations([True] * c + [False] * (n - c), k))
    assert math.isclose(float(pass_at_k(c, n, k)), sum(map(any, draws)) / len(draws), abs_tol=1e-12)


@pytest.mark.sandbox
@pytest.mark.slow
def test_the_recorded_verdicts_of_real_model_written_code(data_dir):
    """Recorded: 4,920 completions of three models; here one run each, 492.

    Of the 20 that a re-execution changed, HumanEval/38 of gpt-4 passes here, since its helper is in the prompt and the
    tests' side has that; HumanEval/8 of codellama lacks an import and fails, as recorded.
    """
    folder = data_dir / "humaneval_runs"
    problems = verification.read_problems(data_dir / "humaneval" / "HumanEval.jsonl.gz")
    with (folder / "reexecution.csv").open() as rows:
        recorded = {
            (row["model"], row["task_id"]): int(row["passed_stored"])
            for row in csv.DictReader(rows)
            if row["run"] == "1"
        }
    completions = [
        entry for entry in verification.read_completions(folder / "code.jsonl.gz", problems) if entry.sample == 0
    ]
    limits = Limits(seconds=20.0, memory_mb=512)
    found = list(verification.verify(problems, completions, choose(), limits=limits))
    different = [
        (entry.completion.model, entry.completion.task_id, entry.rating.error)
        for entry in found
        if entry.rating.value != recorded[entry.completion.model, entry.completion.task_id]
    ]
    assert different == []
    assert len(found) == 492
    assert Counter(entry.same_process for entry in found) == {False: 492}
