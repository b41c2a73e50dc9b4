"""Whether a run's files are what was written, and what becomes of those that are not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness.errors import HarnessError
from harness.records import Record
from harness.run.checksums import BAD, Checksums, FileState
from harness.run.events import read_events
from harness.run.folder import Run
from harness.run.parts import FOLDERS, read_part

ASIDE = "set-aside"
"""The folder that what is set aside goes to."""
KINDS = {folder: kind for kind, (folder, _) in FOLDERS.items()}
PATTERNS = ("suite.yaml", "manifest.json", "report.html", *(f"{folder}/*.parquet" for folder in KINDS))
PATTERNS += ("rounds/*.json", "annotation/*.jsonl")
"""Every file of a run that a number can come from."""


def check_run(run: Run) -> list[FileState]:
    """Return what is found of every file of a run, by name: those that are there, and those that should be.

    A file without a checksum (a run from before there were any) is at least read.
    """
    sums = run.checksums
    there = {str(path.relative_to(run.folder)) for pattern in PATTERNS for path in run.folder.glob(pattern)}
    return [_state(sums, file) for file in sorted(there | set(sums.files()))]


def _state(sums: Checksums, file: str) -> FileState:
    path = sums.folder / file
    if path.suffix == ".jsonl":  # a journal grows: its lines have their checksums
        try:
            read_events(path, path.read_bytes())
        except HarnessError as error:
            return FileState(file, "damaged", str(error))
        return FileState(file, "ok")
    try:
        content = path.read_bytes() if path.is_file() else None
    except OSError as error:
        return FileState(file, "damaged", f"cannot be read: {error.strerror}")
    found = sums.state(file, content)
    if found.state == "without checksum" and content is not None:
        return _read(sums, file, content) or found
    return found


def _read(sums: Checksums, file: str, content: bytes) -> FileState | None:
    """Return what is wrong with a file that has no checksum, as far as reading it tells."""
    if not content:
        return FileState(file, "empty")
    kind: type[Record] | None = KINDS.get(file.partition("/")[0])
    try:
        if kind:
            read_part(sums.folder / file, kind, sums)
        elif file.endswith(".json"):
            json.loads(content)
    except ValueError as error:
        return FileState(file, "damaged", str(error).splitlines()[0])
    return None


def set_aside(run: Run, found: Sequence[FileState]) -> list[FileState]:
    """Move what is damaged or foreign into a folder of its own, and forget what is missing: it can be made again.

    Returns:
        What was set aside.
    """
    moved = []
    with run.lock():
        for one in found:
            path = run.folder / one.file
            if one.state not in BAD or path.suffix == ".jsonl" or one.file == "suite.yaml":
                continue
            if path.is_file():
                target = _free(run.folder / ASIDE / one.file)
                target.parent.mkdir(parents=True, exist_ok=True)
                path.replace(target)
            run.checksums.forget(one.file)
            moved.append(one)
    return moved


def seal(run: Run) -> list[FileState]:
    """Write checksums for files that have none and can be read, as they are now.

    Returns:
        The files that have a checksum now.
    """
    sealed = []
    with run.lock():
        for one in check_run(run):
            if one.state in ("without checksum", "foreign") or (one.file == "suite.yaml" and one.state in BAD):
                path = run.folder / one.file
                content = path.read_bytes()
                if (
                    one.file == "suite.yaml"
                    or _read(run.checksums, one.file, content) is None
                    or one.state == "foreign"
                ):
                    run.checksums.write(path, content)
                    sealed.append(replace(one, state="ok"))
    return sealed


def _free(path: Path) -> Path:
    """Return a path where nothing stands yet."""
    number, free = 1, path
    while free.exists():
        number, free = number + 1, path.with_name(f"{path.name}.{number}")
    return free
