"""Answers of calls that a run's folder keeps until the shard that asked for them is written.

A worker on another machine has a cache of its own, which is lost with the machine. So it writes each answer into
`calls/` of the run before anybody sees the answer; when a worker dies, whoever gets its shard finds there what was
paid for. The file of a shard that is written is removed: its answers are in the run's ratings and responses.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.answering.chat.boundary import kept, to_keep
from harness.answering.chat.call_cache import Calls
from harness.answering.chat.chat import Answer
from harness.run import is_elsewhere, write_whole


class RunCalls:
    """The calls of unfinished shards, in the folder `calls` of a run."""

    def __init__(self, run: Path) -> None:
        """Look at the folder `calls` of a run, which need not be there."""
        self.folder = run / "calls"
        self._found: dict[str, Answer] = {}
        self._seen: dict[str, int] = {}
        self._mine: Path | None = None

    def begin(self, shard: str) -> None:
        """Begin a shard: read what others left, and open a file of its own, or a folder where files cannot grow."""
        for path in self._left():
            self._read(path)
        self._mine = self.folder / f"{shard}-{uuid.uuid4().hex[:8]}"
        if not is_elsewhere(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)

    def find(self, keys: Sequence[str]) -> dict[str, Answer]:
        """Return the answers that are there, by key."""
        return {key: self._found[key] for key in keys if key in self._found}

    def keep(self, key: str, identity: str, answer: Answer) -> None:
        """Write one answer; when this returns it survives the death of this process, elsewhere that of the machine."""
        if self._mine is None:
            return
        line = json.dumps({"key": key, "identity": identity, "answer": to_keep(answer)}).encode() + b"\n"
        if is_elsewhere(self.folder):
            write_whole(self._mine / f"{key}.jsonl", line)
            return
        with self._mine.with_suffix(".jsonl").open("ab") as handle:
            handle.write(line)

    def end(self, shard: str) -> None:
        """Remove what a shard's workers kept, this one and those that died: its records are in the run."""
        for path in self._left():
            if path.relative_to(self.folder).parts[0].startswith(f"{shard}-"):
                path.unlink(missing_ok=True)
        self._mine = None

    def clear(self) -> None:
        """Remove what is left: the shards of an earlier command, all written meanwhile under other names."""
        for path in self._left():
            path.unlink(missing_ok=True)

    def _left(self) -> Iterator[Path]:
        if is_elsewhere(self.folder):
            place: Any = self.folder
            for name in place.fs.find(place.path):
                yield self.folder / os.path.relpath(name, place.path)
        elif self.folder.is_dir():
            yield from sorted(self.folder.glob("*.jsonl"))

    def _read(self, path: Path) -> None:
        """Read what a file has more than when it was last read; a last line without its end is not whole."""
        try:
            content = path.read_bytes()
        except FileNotFoundError:  # its shard has been written meanwhile
            return
        start = self._seen.get(str(path), 0)
        whole = content.rfind(b"\n") + 1
        for line in content[start:whole].splitlines():
            try:
                said = json.loads(line)
                answer = kept(said["answer"])
            except (ValueError, LookupError, TypeError, AttributeError):  # damaged: asked again
                continue
            if answer is not None:
                self._found[said["key"]] = answer
        self._seen[str(path)] = whole


class BothCalls:
    """Two places that keep calls: what either has is not asked again, and what is new goes to both."""

    def __init__(self, *places: Calls) -> None:
        """Look in the places in their order."""
        self.places = places

    def find(self, keys: Sequence[str]) -> dict[str, Answer]:
        """Return the answers that are there, by key."""
        found: dict[str, Answer] = {}
        for place in self.places:
            found |= place.find([key for key in keys if key not in found])
        return found

    def keep(self, key: str, identity: str, answer: Answer) -> None:
        """Write one answer in each place."""
        for place in self.places:
            place.keep(key, identity, answer)
