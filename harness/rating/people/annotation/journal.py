"""What a rater did, event by event, on disk before anything else happens.

A JSONL file to which lines are added and synced; a line that a killed process left unfinished was never
acknowledged, and is cut off. While a session is open no other process can open the file.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, IncompleteError


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
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            self._handle.truncate(len(whole))
        events = []
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                events.append(json.loads(line))
            except ValueError as error:
                raise HarnessError(f"{self.path}:{number}: is damaged; restore the file or remove the line") from error
        return events

    def add(self, **event: Any) -> None:
        """Add an event; it is on disk when this returns."""
        self._handle.write(json.dumps(event, ensure_ascii=False).encode() + b"\n")
        self._handle.flush()
        os.fsync(self._handle.fileno())
        self.events.append(event)

    def close(self) -> None:
        """Let go of the file."""
        self._handle.close()
