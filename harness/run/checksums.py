"""What was written into a run's folder, and whether it is still that.

Beside the files stands a folder `checksums/` with an entry for each: `checksums/ratings/x.parquet.json` says of
`ratings/x.parquet` its SHA-256, its size, when it was written, and which command makes it again. An entry is pending
first, then the file is written, then the entry gets its own name: whatever stops the process between them leaves what
the next command can put right. A file is checked each time that it is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from harness.errors import HarnessError
from harness.run.place import LEASE, contents, is_at_work, is_elsewhere, write_whole, writer

FOLDER = "checksums"
PENDING = ".pending-"
"""Stands in the name of an entry whose file is being written, before the process that writes it."""
TRIES, PAUSE = 3, 0.05
"""Another process may be between a file and its entry: how often that is waited for, and for how many seconds."""
State = Literal["ok", "without checksum", "damaged", "truncated", "empty", "missing", "foreign"]
BAD: tuple[State, ...] = ("damaged", "truncated", "empty", "missing", "foreign")


@dataclass(frozen=True)
class Entry:
    """What was written into one file."""

    file: str
    """Relative to the run's folder."""
    sha256: str
    size: int
    written: int
    """Nanoseconds since 1970: of two parts with the same record, the later one counts."""
    again: str | None = None
    """The command that makes the file again."""

    def to_json(self) -> bytes:
        """Return the entry with a checksum of its own."""
        fields = asdict(self)
        return json.dumps({**fields, "entry": _sum(json.dumps(fields, sort_keys=True).encode())}).encode() + b"\n"

    @classmethod
    def from_json(cls, content: bytes) -> Entry:
        """Return the entry that `to_json` wrote.

        Raises:
            ValueError: It is not as it was written.
        """
        fields = json.loads(content)
        if not isinstance(fields, dict) or fields.pop("entry", None) != _sum(
            json.dumps(fields, sort_keys=True).encode()
        ):
            raise ValueError("it is not as it was written")
        return cls(**fields)


@dataclass(frozen=True)
class FileState:
    """What was found of one file."""

    file: str
    state: State
    detail: str = ""
    again: str | None = None


class Checksums:
    """The entries of one run's files."""

    def __init__(self, folder: Path) -> None:
        """Take the run's folder."""
        self.folder = folder

    @property
    def complete(self) -> bool:
        """Whether the run has had checksums from its start, so that a file without one is foreign."""
        return self._entry_path("suite.yaml").is_file()

    def write(self, path: Path, content: bytes, again: str | None = None) -> None:
        """Write a file of the run, whole, with its entry.

        Raises:
            HarnessError: It cannot be written.
        """
        file = str(path.relative_to(self.folder))
        entry = Entry(file, _sum(content), len(content), time.time_ns(), again)
        pending = self._pending_path(file)
        write_whole(pending, entry.to_json())
        write_whole(path, content)
        self._settle(pending, self._entry_path(file))

    def read(self, path: Path) -> bytes:
        """Return a file's content, once it is known to be what was written.

        Raises:
            HarnessError: It is damaged, truncated, empty, missing, or none that the run has written.
        """
        file = str(path.relative_to(self.folder))
        for attempt in range(TRIES):
            content = path.read_bytes() if path.is_file() else None
            found = self.state(file, content)
            if found.state not in BAD and content is not None:
                return content
            if attempt < TRIES - 1:
                time.sleep(PAUSE)
        raise HarnessError(f"{path}: {told(found, self.folder)}")

    def read_all(self, folder: str, suffix: str) -> dict[str, tuple[bytes, int]]:
        """Return the content of every file of a folder that is there or should be, by name, and when it was written.

        Raises:
            HarnessError: One is not what was written.
        """
        paths = sorted((self.folder / folder).glob(f"*{suffix}"))
        entries = sorted((self.folder / FOLDER / folder).glob(f"*{suffix}.json"))
        told_of: dict[str, Entry] = {}
        for path, text in zip(entries, contents(entries), strict=True):
            with contextlib.suppress(ValueError, TypeError):  # `read` names the file of an entry that is damaged
                told_of[path.name.removesuffix(".json")] = Entry.from_json(text)
        found: dict[str, tuple[bytes, int]] = {}
        for path, content in zip(paths, contents(paths), strict=True):
            entry = told_of.get(path.name)
            if entry is None or entry.file != f"{folder}/{path.name}" or entry.sha256 != _sum(content):
                content = self.read(path)
                entry = self.entry(f"{folder}/{path.name}")
            found[path.name] = content, entry.written if entry else 0
        for path in entries:
            if path.name.removesuffix(".json") not in found:
                self.read(self.folder / folder / path.name.removesuffix(".json"))
        return dict(sorted(found.items()))

    def state(self, file: str, content: bytes | None) -> FileState:
        """Return what can be said of a file with this content; None where there is no such file."""
        try:
            entry = self.entry(file)
        except HarnessError as error:
            return FileState(file, "damaged", str(error))
        again = entry.again if entry else None
        if content is None:
            return FileState(file, "missing", "", again)
        if entry is not None and entry.sha256 == _sum(content):
            return FileState(file, "ok", "", again)
        if any(one.sha256 == _sum(content) for one in self._pending(file)):  # who wrote it did not live to settle it
            return FileState(file, "ok", "", again)
        if entry is None:
            return FileState(file, "foreign" if self.complete else "without checksum")
        if not content:
            return FileState(file, "empty", "", again)
        if len(content) < entry.size:
            return FileState(file, "truncated", f"{len(content):,} of {entry.size:,} bytes", again)
        return FileState(file, "damaged", "its checksum is another", again)

    def entry(self, file: str) -> Entry | None:
        """Return a file's entry, if it has one.

        Raises:
            HarnessError: The entry itself is damaged.
        """
        path = self._entry_path(file)
        try:
            entry = Entry.from_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise HarnessError(f"its entry {path.relative_to(self.folder)} cannot be read ({error})") from error
        if entry.file != file:
            raise HarnessError(f"its entry {path.relative_to(self.folder)} is of {entry.file}")
        return entry

    def files(self, under: str = "") -> Iterator[str]:
        """Yield the files that have an entry, by name."""
        root = self.folder / FOLDER
        for path in sorted((root / under).rglob("*.json")):
            yield str(path.relative_to(root)).removesuffix(".json")

    def remove(self, path: Path) -> None:
        """Take a file out of the run."""
        file = str(path.relative_to(self.folder))
        entry, pending = self._entry_path(file), self._pending_path(file)
        if entry.is_file():
            write_whole(pending, entry.read_bytes())
            entry.unlink()
        path.unlink(missing_ok=True)
        pending.unlink(missing_ok=True)

    def forget(self, file: str) -> None:
        """Forget what was written into a file, without touching it."""
        self._entry_path(file).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Finish or undo what processes that are gone left between a file and its entry."""
        for pending in list((self.folder / FOLDER).rglob(f"*{PENDING}*")):
            entry = pending.with_name(pending.name.partition(PENDING)[0])
            file = self.folder / str(entry.relative_to(self.folder / FOLDER)).removesuffix(".json")
            try:
                told = Entry.from_json(pending.read_bytes())
                if self._at_work(pending, told):
                    continue
                whole = file.is_file() and told.sha256 == _sum(file.read_bytes())
            except (OSError, ValueError, TypeError):
                whole = False
            if whole:
                self._settle(pending, entry)
            else:
                pending.unlink(missing_ok=True)

    def _at_work(self, pending: Path, entry: Entry) -> bool:
        """Tell whether the process that writes a file may still be at it; elsewhere, for as long as a lease holds."""
        if is_elsewhere(pending):
            return time.time_ns() - entry.written < LEASE * 1e9
        return is_at_work(pending.name.partition(PENDING)[2], entry.written / 1e9)

    def _entry_path(self, file: str) -> Path:
        return self.folder / FOLDER / f"{file}.json"

    def _pending_path(self, file: str) -> Path:
        entry = self._entry_path(file)
        return entry.with_name(f"{entry.name}{PENDING}{writer()}")

    def _settle(self, pending: Path, entry: Path) -> None:
        if is_elsewhere(pending):
            write_whole(entry, pending.read_bytes())
            pending.unlink(missing_ok=True)
        else:
            pending.replace(entry)

    def _pending(self, file: str) -> Iterator[Entry]:
        path = self._entry_path(file)
        if not path.parent.is_dir():
            return
        for pending in path.parent.iterdir():
            if pending.name.startswith(path.name + PENDING):
                with contextlib.suppress(OSError, ValueError, TypeError):
                    yield Entry.from_json(pending.read_bytes())


def told(found: FileState, folder: Path) -> str:
    """Return what is wrong with a file, and what to do."""
    what = {
        "foreign": "is foreign: nothing of this run has written it",
        "missing": "is missing: the run has written it, and it is not there",
    }.get(found.state, f"is {found.state}")
    detail = f" ({found.detail})" if found.detail else ""
    if found.file == "suite.yaml":
        return f"{what}{detail}; put a copy of the suite in its place, then `harness check {folder} --seal`"
    then = (
        found.again.replace("{run}", str(folder)) if found.again else f"harness run {folder}/suite.yaml --out {folder}"
    )
    then = "" if found.state == "foreign" else f", then `{then}` makes it alone again"
    return f"{what}{detail}; `harness check {folder} --set-aside` puts it aside{then}"


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
