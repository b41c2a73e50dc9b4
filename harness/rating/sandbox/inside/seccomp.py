"""System-call filters, written as classic BPF and installed through `prctl`.

Two filters, because they differ in what they must know. The zygote installs an allow-list once; it needs `fork` and
`kill` itself. Each child adds a short filter that takes those away, with its own process id in it: threads yes,
processes no, signals to nobody else, nothing that reaches another process.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Collection
from typing import Any

LOAD, JUMP_EQUAL, JUMP_SET, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, KILL = 0x7FFF0000, 0x80000000
EPERM, ENOSYS = 0x00050001, 0x00050026
NUMBER, ARCHITECTURE = 0, 4
CLONE_THREAD = 0x00010000
OWN = 0x4F574E21
"""Stands for the child's own process id in the filter that is made once."""

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""The kernel's audit numbers; system-call numbers differ, so an unknown machine is refused."""

# name: (x86_64, aarch64); None where the machine has no such call.
CALLS: dict[str, tuple[int | None, int | None]] = {
    "read": (0, 63), "write": (1, 64), "open": (2, None), "close": (3, 57), "stat": (4, None), "fstat": (5, 80),
    "lstat": (6, None), "poll": (7, None), "lseek": (8, 62), "mmap": (9, 222), "mprotect": (10, 226),
    "munmap": (11, 215), "brk": (12, 214), "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139), "ioctl": (16, 29), "pread64": (17, 67), "pwrite64": (18, 68), "readv": (19, 65),
    "writev": (20, 66), "access": (21, None), "pipe": (22, None), "select": (23, None), "sched_yield": (24, 124),
    "mremap": (25, 216), "mincore": (27, 232), "madvise": (28, 233), "dup": (32, 23), "dup2": (33, None),
    "pause": (34, None), "nanosleep": (35, 101), "getitimer": (36, 102), "alarm": (37, None), "setitimer": (38, 103),
    "getpid": (39, 172), "sendto": (44, 206), "recvfrom": (45, 207), "sendmsg": (46, 211), "recvmsg": (47, 212),
    "shutdown": (48, 210), "getsockname": (51, 204), "getpeername": (52, 205), "socketpair": (53, 199),
    "setsockopt": (54, 208), "getsockopt": (55, 209), "clone": (56, 220), "exit": (60, 93), "wait4": (61, 260),
    "kill": (62, 129), "uname": (63, 160), "fcntl": (72, 25), "getcwd": (79, 17), "chdir": (80, 49),
    "readlink": (89, None), "umask": (95, 166), "gettimeofday": (96, 169), "getrlimit": (97, 163),
    "getrusage": (98, 165), "sysinfo": (99, 179), "times": (100, 153), "getuid": (102, 174), "getgid": (104, 176),
    "geteuid": (107, 175), "getegid": (108, 177), "getppid": (110, 173), "getpgrp": (111, None),
    "rt_sigpending": (127, 136), "rt_sigtimedwait": (128, 137), "rt_sigsuspend": (130, 133),
    "sigaltstack": (131, 132), "statfs": (137, 43), "fstatfs": (138, 44), "prctl": (157, 167),
    "arch_prctl": (158, None), "setrlimit": (160, 164), "gettid": (186, 178), "time": (201, None), "futex": (202, 98),
    "sched_getaffinity": (204, 123), "epoll_create": (213, None), "getdents64": (217, 61),
    "set_tid_address": (218, 96), "restart_syscall": (219, 128), "clock_gettime": (228, 113),
    "clock_getres": (229, 114), "clock_nanosleep": (230, 115), "exit_group": (231, 94), "epoll_wait": (232, None),
    "epoll_ctl": (233, 21), "tgkill": (234, 131), "waitid": (247, 95), "openat": (257, 56), "newfstatat": (262, 79),
    "readlinkat": (267, 78), "faccessat": (269, 48), "pselect6": (270, 72), "ppoll": (271, 73),
    "set_robust_list": (273, 99), "get_robust_list": (274, 100), "epoll_pwait": (281, 22), "eventfd2": (290, 19),
    "epoll_create1": (291, 20), "dup3": (292, 24), "pipe2": (293, 59), "prlimit64": (302, 261), "seccomp": (317, 277),
    "getrandom": (318, 278), "membarrier": (324, 283), "statx": (332, 291), "rseq": (334, 293),
    "pidfd_open": (434, 434), "clone3": (435, 435), "close_range": (436, 436), "faccessat2": (439, 439),
    "futex_waitv": (449, 449),
}  # fmt: skip

FCNTL_COMMANDS = (0, 1, 2, 3, 4, 1030)
"""Duplicating and flags; not the commands that send a signal to a chosen process."""
IOCTL_REQUESTS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
"""What `isatty`, terminal size, non-blocking and close-on-exec ask."""


def machine() -> str:
    """Return the machine's name.

    Raises:
        OSError: The system-call numbers of this machine are not known.
    """
    name = os.uname().machine
    if name not in ARCHITECTURES:
        raise OSError(f"no system-call filter for {name}; known: {', '.join(ARCHITECTURES)}")
    return name


def number(call: str) -> int | None:
    """Return a system call's number on this machine."""
    return CALLS[call][0 if machine() == "x86_64" else 1]


def _argument(index: int) -> int:
    """Return the offset of the low half of an argument."""
    return 16 + 8 * index


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _returns(action: int) -> bytes:
    return _instruction(RETURN, action)


def _head() -> bytes:
    """Return the start of every filter: another architecture is killed, then the number is loaded."""
    return (
        _instruction(LOAD, ARCHITECTURE)
        + _instruction(JUMP_EQUAL, ARCHITECTURES[machine()], 1, 0)
        + _returns(KILL)
        + _instruction(LOAD, NUMBER)
    )


def _unless(call: str, argument: int, accepted: tuple[int, ...], action: int = EPERM) -> bytes:
    """Answer a call with `action` unless the argument is one of the accepted values."""
    value = number(call)
    if value is None:
        return b""
    body = _instruction(LOAD, _argument(argument))
    for position, wanted in enumerate(accepted):
        body += _instruction(JUMP_EQUAL, wanted, len(accepted) - position, 0)
    body += _returns(action) + _returns(ALLOW)
    return _instruction(JUMP_EQUAL, value, 0, len(body) // 8) + body


def _never(call: str, action: int = EPERM) -> bytes:
    value = number(call)
    return b"" if value is None else _instruction(JUMP_EQUAL, value, 0, 1) + _returns(action)


def allow_list(hidden: Collection[str] = ()) -> bytes:
    """Return the zygote's filter: the calls of an ordinary Python but the hidden ones; the rest is refused, EPERM."""
    program = _head() + _never("clone3", ENOSYS)
    for call in CALLS:
        value = number(call)
        if value is not None and call != "clone3" and call not in hidden:
            program += _instruction(JUMP_EQUAL, value, 0, 1) + _returns(ALLOW)
    return program + _returns(EPERM)


def child_filter() -> bytes:
    """Return the filter of a child: threads but no processes, no way to another process; `OWN` stands for its id."""
    program = _head()
    thread = _instruction(LOAD, _argument(0)) + _instruction(JUMP_SET, CLONE_THREAD, 1, 0)
    thread += _returns(EPERM) + _returns(ALLOW)
    clone = number("clone")
    assert clone is not None
    program += _instruction(JUMP_EQUAL, clone, 0, len(thread) // 8) + thread
    program += _unless("kill", 0, (OWN,)) + _unless("tgkill", 0, (OWN,)) + _unless("prlimit64", 0, (0, OWN))
    program += _unless("fcntl", 1, FCNTL_COMMANDS) + _unless("ioctl", 1, IOCTL_REQUESTS)
    for call in ("prctl", "seccomp", "pidfd_open", "sendmsg", "recvmsg"):
        program += _never(call)
    return program + _returns(ALLOW)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


_libc = ctypes.CDLL(None, use_errno=True)


NO_NEW_PRIVILEGES, SET_SECCOMP, BY_FILTER = 38, 22, 2


def give_up_privileges() -> None:
    """Gain no privilege by starting a program from here on; the kernel wants it before any filter.

    Raises:
        OSError: The kernel refused it.
    """
    if _libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"no seccomp: {os.strerror(ctypes.get_errno())}")


def install(program: bytes) -> None:
    """Install a filter for this thread and all that it starts; it cannot be taken off.

    Raises:
        OSError: The kernel refused it.
    """
    laid_out = ctypes.create_string_buffer(program, len(program))
    _set(ctypes.byref(_Program(len(program) // 8, ctypes.addressof(laid_out))))


def _set(program: Any) -> None:
    if _libc.prctl(SET_SECCOMP, BY_FILTER, program, 0, 0):
        raise OSError(ctypes.get_errno(), f"no seccomp: {os.strerror(ctypes.get_errno())}")


class ChildFilter:
    """The filter of every child, laid out once: what a child does itself costs each check."""

    def __init__(self) -> None:
        """Lay the filter out."""
        template = child_filter()
        own = struct.pack("I", OWN)
        self._places = [place for place in range(4, len(template), 8) if template[place : place + 4] == own]
        self._filter = ctypes.create_string_buffer(template, len(template))
        self._program = _Program(len(template) // 8, ctypes.addressof(self._filter))
        self._reference = ctypes.byref(self._program)

    def install(self, pid: int) -> None:
        """Install the filter for the child that this process is.

        Raises:
            OSError: The kernel refused it.
        """
        for place in self._places:
            struct.pack_into("I", self._filter, place, pid)
        _set(self._reference)
