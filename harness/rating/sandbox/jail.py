"""How a process is shut in: bubblewrap, or Landlock where that is missing, or a refusal.

Every jail starts the same program (`inside/zygote.py`); the program adds system-call filter and limits itself. A jail
decides what of the machine it can see.
"""

from __future__ import annotations

import ctypes
import functools
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.errors import HarnessError

Isolation = Literal["bubblewrap", "landlock", "none"]

INSIDE = Path(__file__).with_name("inside")
START = "import sys; sys.path.insert(0, {path!r}); from inside import zygote; zygote.main()"
SYSTEM = tuple(Path(path) for path in ("/usr/lib", "/usr/lib64", "/usr/share/zoneinfo"))
"""Shared libraries and time zones."""
INSTALL = (
    "model-written code runs only in a sandbox, and this machine offers none: {reason}. Install bubblewrap "
    "(Debian, Ubuntu: apt-get install bubblewrap; Fedora: dnf install bubblewrap) and allow user namespaces, or use a "
    "kernel of 5.13 or newer with Landlock. --unsafe-local runs the code without a sandbox, at your own risk."
)


@dataclass(frozen=True)
class Jail:
    """A way to start the zygote."""

    isolation: Isolation
    command: tuple[str, ...]


def python() -> tuple[Path, list[Path]]:
    """Return the interpreter outside any virtual environment, and the files and folders that it needs to run."""
    base = Path(sys.base_prefix).resolve()
    interpreter = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    libraries = {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")}
    shared = list((base / "lib").glob("libpython*.so*")) if base != Path("/usr") else []
    return interpreter, [interpreter, *sorted(libraries), *sorted(shared)]


def _mounted(path: Path) -> Path:
    """Return where a part of Python stands inside: one of the system's own as it is, another under a neutral name."""
    base = Path(sys.base_prefix).resolve()
    return path if base == Path("/usr") or not path.is_relative_to(base) else Path("/python") / path.relative_to(base)


def _command(isolation: Isolation, path: Path, packages: Path | None, modules: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command that starts the zygote, with the package `inside` in the folder `path`."""
    interpreter, needed = python()
    if isolation == "bubblewrap":
        interpreter = _mounted(interpreter)
    readable = [*needed, path / "inside", *SYSTEM, *([packages] if packages else [])]
    setup = {
        "isolation": isolation,
        "modules": list(modules),
        "packages": str(packages) if packages else None,
        "readable": [str(place) for place in readable] if isolation == "landlock" else [],
    }
    return (str(interpreter), "-s", "-S", "-P", "-B", "-c", START.format(path=str(path)), json.dumps(setup))


def bubblewrap(packages: Path | None = None, modules: tuple[str, ...] = ()) -> Jail:
    """Return a jail of namespaces: no network, no other process, no file but a read-only Python.

    Raises:
        HarnessError: bubblewrap is not installed, or may not make namespaces here.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise HarnessError("bubblewrap (bwrap) is not installed")
    command = [program, "--unshare-all", "--unshare-user", "--cap-drop", "ALL", "--new-session", "--clearenv"]
    command += [
        "--setenv",
        "PYTHONHASHSEED",
        "0",
        "--setenv",
        "LC_ALL",
        "C.UTF-8",
        "--setenv",
        "LD_LIBRARY_PATH",
        "/python/lib",
        "--setenv",
        "LD_BIND_NOW",
        "1",
    ]
    command += ["--uid", "65534", "--gid", "65534", "--hostname", "sandbox"]
    if "--disable-userns" in _help(program):
        command.append("--disable-userns")
    command += _system()
    for path in python()[1]:
        command += ["--ro-bind", str(path), str(_mounted(path))]
        if (path / "site-packages").is_dir():
            command += ["--tmpfs", f"{_mounted(path)}/site-packages", "--remount-ro", f"{_mounted(path)}/site-packages"]
    for device in ("null", "zero", "urandom"):
        command += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    command += ["--ro-bind", str(INSIDE), "/harness/inside"]
    if packages is not None:
        command += ["--ro-bind", str(packages.resolve()), "/packages"]
    command += ["--remount-ro", "/", "--chdir", "/", "--"]
    inner = Path("/packages") if packages is not None else None
    jail = Jail("bubblewrap", (*command, *_command("bubblewrap", Path("/harness"), inner, modules)))
    _try(tuple(command))
    return jail


def _system() -> list[str]:
    """Return the mounts of the shared libraries and the time zones."""
    mounts = []
    for place in (*SYSTEM, Path("/lib"), Path("/lib64")):
        if place.is_symlink():
            mounts += ["--symlink", os.readlink(place), str(place)]
        elif place.is_dir():
            mounts += ["--ro-bind", str(place), str(place)]
    return mounts


@functools.cache
def _help(program: str) -> str:
    return subprocess.run([program, "--help"], capture_output=True, text=True, check=False).stdout


@functools.cache
def _try(command: tuple[str, ...]) -> None:
    """Run nothing in the jail, once."""
    trial = subprocess.run(
        [*command, str(_mounted(python()[0])), "-I", "-S", "-c", ""], capture_output=True, text=True, check=False
    )
    if trial.returncode:
        raise HarnessError(f"bubblewrap cannot make a sandbox here ({trial.stderr.strip()[-200:]})")


def landlock(packages: Path | None = None, modules: tuple[str, ...] = ()) -> Jail:
    """Return a jail of file rules and system-call filters: no namespaces, but as little to reach.

    Raises:
        HarnessError: The kernel has no Landlock.
    """
    create_ruleset, version_only = 444, 1
    if ctypes.CDLL(None).syscall(create_ruleset, None, 0, version_only) < 1:
        raise HarnessError("the kernel has no Landlock")
    return Jail("landlock", _command("landlock", INSIDE.parent, packages, modules))


def unprotected(packages: Path | None = None, modules: tuple[str, ...] = ()) -> Jail:
    """Return no jail at all: limits only. Warns."""
    warnings.warn("model-written code runs WITHOUT a sandbox (--unsafe-local)", stacklevel=3)
    return Jail("none", _command("none", INSIDE.parent, packages, modules))
