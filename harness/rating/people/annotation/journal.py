"""What a rater did, event by event, on disk before anything else happens.

A JSONL file to which lines are added, with a checksum each, and synced; a line that a killed process left unfinished
was never acknowledged, and is cut off. While a session is open no other process can open the file.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, IncompleteError
from harness.run import event_line, read_events


class Journal:
    """An append-only file of events."""

    def __init__(self, path: Path) -> None:
        """Open the file, made if need be.

        Raises:
            IncompleteError: Another process has it open.
            HarnessError: A line in its middle is damaged.
        """
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._handle = path.open("a+b")
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._handle.close()
            raise IncompleteError(f"run_locked: {path.stem} is rating in another `harness annotate`") from error
        self.events = self._read()

    def _read(self) -> list[dict[str, Any]]:
        self._handle.seek(0)
        content = self._handle.read()
        events, whole = read_events(self.path, content)
        if whole != content:
            self._handle.truncate(0)
            self._handle.write(whole)
            self._handle.flush()
        return events

    def add(self, **event: Any) -> None:
        """Add an event; it is on disk when this returns.

        Raises:
            HarnessError: It cannot be written: the answer is not kept, and must be given again.
        """
        end = self._handle.seek(0, os.SEEK_END)
        try:
            self._handle.write(event_line(event))
            self._handle.flush()
            os.fsync(self._handle.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):
                self._handle.truncate(end)
            raise HarnessError(f"{self.path}: cannot be written ({error.strerror}); make room there") from error
        self.events.append(event)

    def close(self) -> None:
        """Let go of the file."""
        self._handle.close()
