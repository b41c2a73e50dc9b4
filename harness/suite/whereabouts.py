"""Where something was made: paths, home folders, user and host names, taken out of what is published.

A path keeps its last part, a home folder becomes `~`. What identifies nobody (`root`, `localhost`) and what has a
public address (`https://api.example.com`) stays as it is.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
from contextlib import suppress
from functools import cache
from ipaddress import ip_address
from pathlib import Path, PurePath
from typing import Any

from harness.records import digest

EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(\.[\w-]+)+")
"""What looks like an e-mail address."""

HOME = re.compile(r"(?<![\w/.])(?:[A-Za-z]:)?[/\\]+(?:home|Users)[/\\]+[\w.@+-]+|(?<![\w/.])/root(?=/)")
"""A home folder, of whoever it is."""

PATH = re.compile(
    r"(?<![\w/.~…<-])(?:[a-z]\w*:/{2,3}(?=/))?"  # `file:` and the like before a path of this machine
    r"(?:~[\w.-]*[/\\]|[A-Za-z]:[/\\]+|\\\\|/[^\s/\\:*?\"'<>|,;()\[\]{}`]+/)"
    r"(?:[^\s/\\:*?\"'<>|,;()\[\]{}`]+[/\\]*)+"
)
"""An absolute path in a text; one part alone (`/help`) is none, and no part of an address on the web is."""

WHOLE = re.compile(r"(?:~[\w.-]*|[A-Za-z]:)?[/\\]+[^/\\\n]+[/\\][^\n]+")
"""A value that is a path from its first character on: its folders may have spaces."""

SANITIZED = re.compile(r"^__(?:home|Users|root|mnt|data)__.*__(?=[^_])")
"""How lm-eval begins the name of a folder for a model that is a path."""

ADDRESS = re.compile(
    r"(?P<scheme>\b(?:https?|wss?|tcp|grpc)://)(?:[^\s/@]+@)?(?P<host>[\w-]+(?:\.[\w-]+)*)(?=[:/]|\s|$|[\"',;)])"
)
PRIVATE = (".local", ".lan", ".internal", ".localdomain", ".home", ".corp")
NOBODY = {
    "admin", "app", "build", "ci", "code", "coder", "container", "data", "debian", "docker", "ec2-user", "guest",
    "home", "host", "jovyan", "judge", "localhost", "me", "model", "node", "people", "root", "runner", "sandbox",
    "server", "task", "test", "ubuntu", "user", "users", "verifier", "vscode", "work", "worker",
}  # fmt: skip
"""Names of users and hosts that identify nobody, or that a report says in another sense."""


def without_homes(text: str) -> str:
    """Return what a model, a person or a data set wrote, without e-mail addresses and home folders."""
    text = EMAIL.sub("[address removed]", text) if "@" in text else text
    return HOME.sub("~", text) if "/" in text or "\\" in text else text


def without_whereabouts(text: str) -> str:
    """Return what the harness says, without e-mail addresses, absolute paths, user names and private host names."""
    text = ADDRESS.sub(_address, text) if "://" in text else text
    text = without_homes(text)
    text = PATH.sub(_last_part, text) if "/" in text or "\\" in text else text
    own = _own_names()
    return own.sub("[name removed]", text) if own else text


def without_paths(value: Any, distinct: bool = False) -> Any:
    """Return plain values (texts, lists, dicts) without the whereabouts in their texts.

    Args:
        value: The values.
        distinct: Two paths that end alike stay two: each is followed by a short hash of the whole.
    """
    if isinstance(value, dict):
        return {key: without_paths(entry, distinct) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [without_paths(entry, distinct) for entry in value]
    if not isinstance(value, str):
        return value
    shown = _last_part(found) if (found := WHOLE.fullmatch(value)) else without_whereabouts(value)
    return f"{shown} #{digest(value)[:8]}" if distinct and shown != value else shown


def model_called(name: str) -> str:
    """Return the last part of a model's name that is a path, as such or as lm-eval makes a folder's name of it."""
    return PurePath(name).name if name.startswith(("/", "~")) else SANITIZED.sub("", name)


def _last_part(found: re.Match[str]) -> str:
    """Return a path's last part; a home folder alone stays `~`."""
    parts = [part for part in re.split(r"[/\\]+", found[0]) if part]
    return f"…/{parts[-1]}"


def _address(found: re.Match[str]) -> str:
    host = found["host"].lower()
    try:
        private = not ip_address(host).is_loopback and not ip_address(host).is_unspecified
    except ValueError:
        private = host != "localhost" and ("." not in host or host.endswith(PRIVATE))
    return f"{found['scheme']}{'[host removed]' if private else found['host']}"


def _own_names() -> re.Pattern[str] | None:
    """Return what finds the user's and this machine's name, as whole words; None where they identify nobody."""
    names = {os.environ.get(key, "") for key in ("USER", "LOGNAME", "USERNAME", "HOSTNAME")}
    names |= {socket.gethostname(), Path("~").expanduser().name}
    with suppress(KeyError, OSError):  # a process whose user has no name
        names.add(getpass.getuser())
    names |= {name.partition(".")[0] for name in names}
    known = sorted((name for name in names if len(name) > 2 and name.lower() not in NOBODY), key=len, reverse=True)
    return _finder(tuple(known)) if known else None


@cache
def _finder(known: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, known))})(?![\w-])", re.IGNORECASE)
