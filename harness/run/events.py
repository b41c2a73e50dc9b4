"""Events as lines of a JSONL file, each with a checksum: what a rater did, in the order in which it was done."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from harness.errors import HarnessError


def event_line(event: dict[str, Any]) -> bytes:
    """Return an event as a line, with the checksum of the rest as its last field."""
    return _text({**event, "sum": _sum(event)}) + b"\n"


def read_events(path: Path, content: bytes) -> tuple[list[dict[str, Any]], bytes]:
    """Return the events of a file, and the part of its content that is whole.

    A last line that a killed process left unfinished was never acknowledged, and is none of the events.

    Raises:
        HarnessError: A line is not as it was written.
    """
    whole, _, tail = content.rpartition(b"\n")
    lines = [*whole.split(b"\n"), *([tail] if _event(tail) else [])] if whole or _event(tail) else []
    if tail and not _event(tail) and _event(tail[:-1]):  # it was written to its end, which is another now
        raise HarnessError(_damaged(path, len(lines) + 1))
    events, summed = [], False
    for number, line in enumerate(lines, 1):
        event = _event(line)
        if event is None or (summed and "sum" not in event):
            raise HarnessError(_damaged(path, number))
        summed = summed or "sum" in event
        events.append({name: value for name, value in event.items() if name != "sum"})
    return events, b"".join(line + b"\n" for line in lines)


def _event(line: bytes) -> dict[str, Any] | None:
    """Return the event that a line is; None where it is none, or not as it was written."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict):
        return None
    rest = {name: value for name, value in event.items() if name != "sum"}
    return event if "sum" not in event or event["sum"] == _sum(rest) else None


def _text(event: dict[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode(errors="replace")


def _sum(event: dict[str, Any]) -> str:
    return hashlib.sha256(_text(event)).hexdigest()[:16]


def _damaged(path: Path, line: int) -> str:
    return f"{path}:{line}: is damaged; restore the file from a copy, or remove the line and what it says"
