"""The warm process that forks a child per check.

It reads nothing but a fixed-size order and the sockets that come with it: what is on them is the child's to decode,
so hostile source can crash or stall a child only, and what one check brought is in no later one's memory. One child at
a time. If the harness goes away, the socket closes, and child and zygote end.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import signal
import socket
import struct
import sys
import time
from typing import Any

from . import candidate, examiner, landlock, plain, rehearsal, seccomp, together

ORDER = struct.Struct("<cddQQ")
"""b"R" to run, with the budget and the patience in seconds, bytes of memory and of a message; or b"E": it is over."""
EXIT = struct.Struct("<i?dQ")
"""Wait status, whether the deadline ended it, CPU seconds, kilobytes at the most."""

LEEWAY, POLL_SECONDS = 0.05, 0.1
IDLE = 1 / 8
"""A child that gets less than this share of a processor counts as waiting."""

# Each of these makes every fork dearer; `threading`, `dataclasses`, `datetime` and `decimal` cost more than they save.
WARM = (
    "abc bisect collections collections.abc copy enum functools heapq itertools json math operator re string sys time "
    "typing"
)


def warm_up(modules: str) -> None:
    """Import what most programs use, once."""
    for name in modules.split():
        importlib.import_module(name)


def limit_for_good() -> None:
    """Set the limits that no check changes: no core, no file, few descriptors, few processes."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def serve(control: socket.socket, child_filter: seccomp.ChildFilter) -> None:
    """Take orders until the harness closes the socket."""
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, ORDER.size, 2)
        if len(data) != ORDER.size:
            return
        verb, budget, patience, memory, message = ORDER.unpack(data)
        if verb != b"R":
            return
        pid = os.fork()
        if not pid:
            try:
                _become_child(descriptors, child_filter, budget, memory, message)
            finally:
                os._exit(70)
        for descriptor in descriptors:
            os.close(descriptor)
        if not _watch(control, pid, budget, patience):
            return


def _watch(control: socket.socket, pid: int, budget: float, patience: float) -> bool:
    """Wait until the check is over, then end the child and report how it ended; false if the harness is gone."""
    started = time.monotonic()
    late = False
    control.settimeout(budget + LEEWAY)
    while True:
        try:
            order = control.recv(ORDER.size)
            break
        except TimeoutError:
            control.settimeout(POLL_SECONDS)
            ended = late or os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if not ended and _out_of_time(pid, time.monotonic() - started, budget, patience):
                late = True
                os.kill(pid, signal.SIGKILL)
    try:
        os.kill(pid, signal.SIGKILL)
    finally:
        _, status, usage = os.wait4(pid, 0)
    control.settimeout(None)
    if not order:
        return False
    control.sendall(EXIT.pack(status, late, usage.ru_utime + usage.ru_stime, usage.ru_maxrss))
    return True


def _out_of_time(pid: int, elapsed: float, budget: float, patience: float) -> bool:
    """Tell whether a child has used its budget: of processor time, or, while it hardly runs, of time.

    So a program that computes gets the same time on a busy machine, and one that sleeps cannot stretch it.
    """
    processor_clock = (~pid << 3) | 2
    used = time.clock_gettime(processor_clock)
    return elapsed >= patience or used >= budget or used < elapsed * IDLE


def _become_child(
    descriptors: list[int], child_filter: seccomp.ChildFilter, budget: float, memory: int, message: int
) -> None:
    """Give up everything but the sockets, then decode the job and do it; standard streams lead nowhere already."""
    ends = [os.dup2(descriptor, 40 + place) for place, descriptor in enumerate(descriptors)]
    os.closerange(3, 40)
    os.closerange(40 + len(ends), 64)
    processor = int(budget) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (processor, processor + 1))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    child_filter.install(os.getpid())
    reports = plain.Channel(plain.Descriptor(ends[0]), 1 << 30)
    job: dict[str, Any] = reports.receive()
    if job["role"] == "candidate":
        os.close(ends[0])
        candidate.serve(job, plain.Channel(plain.Descriptor(ends[1]), message))
    elif job["role"] == "tests":
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, ends[1])
        link.settimeout(job["seconds"])
        reports.send(examiner.examine(job, plain.Channel(link, message), job["seconds"]))
    else:
        reports.send(together.examine(job))
    os._exit(0)


def main() -> None:
    """Set up as the argument says (JSON: isolation, modules, packages, readable), and serve."""
    setup = json.loads(sys.argv[1])
    control = socket.socket(fileno=os.dup(0))
    nothing = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1):
        os.dup2(nothing, standard)
    os.environ.clear()
    if setup["packages"]:
        sys.path.append(setup["packages"])
    warm_up(WARM)
    warm_up(" ".join(setup["modules"]))
    limit_for_good()
    child_filter = seccomp.ChildFilter()
    seccomp.give_up_privileges()
    if setup["isolation"] == "landlock":
        landlock.restrict(setup["readable"])
        landlock.hide_host()
    if setup["isolation"] != "none":
        hidden = landlock.HOST_CALLS if setup["isolation"] == "landlock" else ()
        seccomp.install(seccomp.allow_list(hidden))
    os.dup2(nothing, 2)
    sys.argv[1:] = []
    sys.orig_argv[:] = sys.argv
    rehearsal.rehearse()
    gc.collect()
    gc.freeze()
    control.sendall(b"ready")
    serve(control, child_filter)
