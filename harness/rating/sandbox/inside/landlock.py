"""Landlock: file rules that a process puts on itself, for machines without bubblewrap."""

from __future__ import annotations

import ctypes
import os
import struct

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
PATH_BENEATH, VERSION_ONLY = 1, 1
READ_FILE, READ_FOLDER, WRITE_FILE = 1 << 2, 1 << 3, 1 << 1
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""Kernel interface version: how many rights over files it knows; a right that is handled and not granted is denied."""
NETWORK_RIGHTS, SCOPES = 0b11, 0b11

HOST_CALLS = ("uname", "readlink", "readlinkat")
"""System calls that tell of the machine what a namespace would hide: its name, and where its links lead."""

_libc = ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: object) -> int:
    result: int = _libc.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"no Landlock: {os.strerror(ctypes.get_errno())}")
    return result


def restrict(readable: list[str]) -> None:
    """Deny this process and its children everything but reading the given files and folders, and `/dev/null`.

    Raises:
        OSError: The kernel has no Landlock.
    """
    version = _call(CREATE_RULESET, None, 0, VERSION_ONLY)
    rights = (1 << FILE_RIGHTS.get(version, 16)) - 1
    ruleset = struct.pack("<Q", rights)
    if version >= 4:
        ruleset += struct.pack("<Q", NETWORK_RIGHTS)
    if version >= 6:
        ruleset += struct.pack("<Q", SCOPES)
    rules = _call(CREATE_RULESET, ruleset, len(ruleset), 0)
    for path in (*readable, "/dev/null", "/dev/zero", "/dev/urandom"):
        granted = READ_FILE | READ_FOLDER if os.path.isdir(path) else READ_FILE
        _grant(rules, path, granted | (WRITE_FILE if path == "/dev/null" else 0))
    _libc.prctl(38, 1, 0, 0, 0)
    _call(RESTRICT_SELF, rules, 0)
    os.close(rules)


def hide_host() -> None:
    """Stand in the root, and let Python's own answer about the machine name the sandbox; the calls are refused."""
    os.chdir("/")
    neutral = os.uname_result(("Linux", "sandbox", "", "", os.uname().machine))
    os.uname = lambda: neutral


def _grant(rules: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        _call(ADD_RULE, rules, PATH_BENEATH, struct.pack("<Qi", rights, place), 0)
    finally:
        os.close(place)
