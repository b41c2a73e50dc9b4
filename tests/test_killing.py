"""The kill test of `benchmarks/killing.py`, smaller: nothing lost, nothing twice, nothing received asked again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "killing.py"


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("--s3",)], ids=["here", "s3"])
def test_a_run_whose_parts_are_killed_ends_as_one_undisturbed(tmp_path, more):
    told = tmp_path / "told.json"
    command = [sys.executable, str(BENCHMARK), "--kills", "5", "--seed", "3", "--out", str(told), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found = json.loads(told.read_text())
    assert (found["kills"], found["different"], found["late"], found["over_what_was_on_its_way"]) == (5, 0, 0, 0)
    assert found["calls_a_run"] == 2 * 240 + 40 + 2 * 6 * 2  # answers and verdicts, programs, feedback on practice
