"""The process_pool: jobs run elsewhere, and nobody stays behind."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys

import pytest

from harness.errors import IncompleteError
from harness.learning.processes import process_pool

HIRE = """
import os, threading, time
from harness.learning.processes import process_pool
with process_pool(1) as call:
    print(call(os.getpid), flush=True)
    {then}
"""


def hire(then: str) -> tuple[subprocess.Popen[str], int]:
    """Start a process that hires one worker; return it and the worker's id."""
    command = [sys.executable, "-c", HIRE.format(then=then)]
    boss = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert boss.stdout is not None
    return boss, int(boss.stdout.readline())


def test_jobs_run_in_other_processes_and_their_errors_come_back():
    with process_pool(1) as call:
        assert call(os.getpid) != os.getpid()
        with pytest.raises(ValueError, match="math domain error"):
            call(math.sqrt, -1)
        assert call(math.sqrt, 4) == 2
        with pytest.raises(IncompleteError, match="a process that trains was killed"):
            call(os._exit, 9)  # as a process that the system kills: it gives no result


def test_workers_leave_when_the_one_who_hired_them_is_killed():
    boss, worker = hire("call(time.sleep, 600)")
    assert worker != boss.pid
    boss.send_signal(signal.SIGKILL)
    boss.communicate(timeout=60)  # their common output ends when the worker, too, is gone


def test_workers_leave_a_job_when_the_context_ends_early():
    boss, _ = hire("threading.Thread(target=call, args=(time.sleep, 600), daemon=True).start(); time.sleep(0.2); 1 / 0")
    boss.communicate(timeout=60)
    assert boss.returncode == 1
