"""Where a run lies: a folder of this machine, or an address that fsspec opens (`s3://`, `gs://`, `memory://`).

Either way a run is made of whole objects: a file is written under another name, synced and renamed, and on an object
store one request puts an object there whole or not at all. Credentials come from the environment alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, cast

from harness.errors import HarnessError, IncompleteError, UnavailableError
from harness.records import digest

HALF_WRITTEN = ".writing-"
"""Begins the name of a file that is not whole yet; who writes it ends the name: see `writer`."""
LEASE = 60.0
"""Seconds for which the lock of a run at an address holds; a command at work renews it three times in each."""
_ADDRESS = re.compile(r"^([a-z][a-z0-9+]+):/+(.*)$")


def place_of(address: str | Path) -> Path:
    """Return the folder of an address: a path of this machine, or one with a path's methods on a file system elsewhere.

    Raises:
        UnavailableError: The file system needs a package that is not installed.
        HarnessError: No file system has such addresses.
    """
    found = _ADDRESS.match(str(address))  # a path loses a slash of its `//`
    if not found:
        return Path(address)
    if found[1] == "file":
        return Path("/" + found[2])
    from fsspec import get_filesystem_class
    from upath import UPath

    try:
        get_filesystem_class(found[1])  # a UPath would miss its package only when it is first read
        return cast("Path", UPath(f"{found[1]}://{found[2]}", use_listings_cache=False))
    except ImportError as error:
        hint = "pip install 'feedback-harness[s3]'" if found[1] in ("s3", "s3a") else f"install its package ({error})"
        raise UnavailableError(f"{address}: {hint}") from error
    except ValueError as error:
        raise HarnessError(f"{address}: no file system of fsspec has such addresses ({error})") from error


def is_run(address: str | Path) -> bool:
    """Tell whether a run lies at an address."""
    return (place_of(address) / "suite.yaml").is_file()


def is_elsewhere(folder: Path) -> bool:
    """Tell whether a folder is not one of this machine."""
    return not isinstance(folder, Path)


def contents(paths: Sequence[Path]) -> list[bytes]:
    """Return what is in some files of one folder, in their order; those elsewhere are read side by side."""
    if not paths or not is_elsewhere(paths[0]):
        return [path.read_bytes() for path in paths]
    elsewhere: Any = paths[0]
    names = [cast("Any", path).path for path in paths]
    found = elsewhere.fs.cat(names)
    return [found[name] for name in names] if isinstance(found, dict) else [found]


def listing(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Yield the path below the folder, the size and the time of every file, in order; elsewhere times are not known."""
    if is_elsewhere(folder):
        place: Any = folder
        found = place.fs.find(place.path, detail=True)
        yield from ((name.removeprefix(place.path), int(found[name]["size"]), 0) for name in sorted(found))
        return
    try:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                facts = path.stat()
                yield str(path.relative_to(folder)), facts.st_size, facts.st_mtime_ns
    except OSError as error:
        raise HarnessError(f"{folder}: cannot be read ({error.strerror})") from error


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, whatever stops the process.

    Raises:
        HarnessError: It cannot be written there.
    """
    temporary: Path | None = None
    try:
        if is_elsewhere(path):
            path.write_bytes(content)
            return
        temporary = path.with_name(f"{HALF_WRITTEN}{path.name}.{writer()}")
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:  # half a file would keep a full disk full
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        raise HarnessError(
            f"{path}: cannot be written ({error.strerror or error}); make room or choose another place"
        ) from error


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a run for one command, and sweep away what a command that was killed left half written.

    Raises:
        IncompleteError: Another command holds it (`run_locked`).
    """
    if is_elsewhere(folder):
        with _leased(folder):
            yield
        return
    with (folder / ".lock").open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _locked(folder) from error
        for leftover in folder.rglob(f"{HALF_WRITTEN}*"):  # a rating page that is still at work keeps its own
            with contextlib.suppress(FileNotFoundError):  # whoever writes it has just ended it
                if not is_at_work(leftover.suffix.removeprefix("."), leftover.stat().st_mtime):
                    leftover.unlink(missing_ok=True)
        yield


def _locked(folder: Path) -> IncompleteError:
    return IncompleteError(f"run_locked: another command is working on {folder}; wait for it, then run this again")


@contextmanager
def _leased(folder: Path) -> Iterator[None]:
    """Hold a run elsewhere by an object that says until when, and is renewed: who is killed holds it no longer."""
    path, mine, done = folder / ".lock", uuid.uuid4().hex, threading.Event()

    def write(mode: str) -> None:
        said = json.dumps({"holder": mine, "until": time.time() + LEASE}).encode()
        place: Any = path
        place.fs.pipe_file(place.path, said, mode=mode)

    def renew() -> None:
        while not done.wait(LEASE / 3):
            with contextlib.suppress(Exception):  # the next one may get through; the lease outlives two that do not
                write("overwrite")

    try:
        write("create")
    except FileExistsError as error:
        if _held_until(path) > time.time():
            raise _locked(folder) from error
        write("overwrite")
        time.sleep(0.2)  # of two that find the same lease run out, the one who wrote last holds the run
        if _holder(path) != mine:
            raise _locked(folder) from error
    renewal = threading.Thread(target=renew, daemon=True, name="harness-lease")
    renewal.start()
    try:
        yield
    finally:
        done.set()
        renewal.join()
        path.unlink(missing_ok=True)


def _lease(path: Path) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):  # gone meanwhile, or of no command of ours
        return {}
    return said


def _held_until(path: Path) -> float:
    return float(_lease(path).get("until", 0.0))


def _holder(path: Path) -> str | None:
    return _lease(path).get("holder")


@cache
def _host() -> str:
    """Return what tells apart machines, and containers of one machine, that see the same disk."""
    spaces = os.readlink("/proc/self/ns/pid") if os.path.islink("/proc/self/ns/pid") else ""
    return digest(socket.gethostname(), spaces)[:8]


def writer() -> str:
    """Return what tells this thread from every other that may write into the same folder."""
    return f"{os.getpid()}-{threading.get_ident()}-{_host()}"


def is_at_work(who: str, since: float) -> bool:
    """Tell whether a writer may still be at it.

    Args:
        who: What `writer` said there.
        since: When it wrote, in seconds since 1970: of another machine's nobody here knows more.
    """
    process, _, rest = who.partition("-")
    if (host := rest.partition("-")[2]) and host != _host():
        return time.time() - since < LEASE
    return is_alive(int(process))


def is_alive(process: int) -> bool:
    """Tell whether a process of this machine is still there."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, so alive
        return True
    return True
