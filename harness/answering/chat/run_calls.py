"""Answers of calls that a run's folder keeps until the shard that asked for them is written.

A worker on another machine has a cache of its own, which is lost with the machine. So it writes each answer into
`calls/` of the run before anybody sees the answer; when a worker dies, whoever gets its shard finds there what was
paid for. What a shard's workers kept is removed when the shard is written: it is in the run's ratings and responses.

    calls/COMMAND/SHARD/WORKER.jsonl     a line an answer; at an address, where files cannot grow, an object an answer
    calls/command                        the command that works on the run now

A command that was killed leaves workers that still ask for it. The next one writes its own name, and they stop.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.answering.chat.boundary import kept, to_keep
from harness.answering.chat.call_cache import Calls
from harness.answering.chat.chat import Answer
from harness.errors import IncompleteError
from harness.run import is_elsewhere, write_whole

LOOK, FAR_LOOK = 1.0, 10.0
"""Seconds between two looks at the run's folder (at an address, each is a request or two): whether the command still
holds it, and what others left there."""


class RunCalls:
    """The calls of unfinished shards, in the folder `calls` of a run."""

    def __init__(self, run: Path, command: str) -> None:
        """Look at the folder `calls` of a run, which need not be there, for a command."""
        self.folder, self.command = run / "calls", command
        self._found: dict[str, Answer] = {}
        self._seen: dict[str, int] = {}
        self._shard: str | None = None
        self._mine = uuid.uuid4().hex
        self._pause = FAR_LOOK if is_elsewhere(self.folder) else LOOK
        self._looked = self._asked = float("-inf")

    def take_over(self) -> bool:
        """Say that this command works on the run now; where an earlier one did not end, wait until its workers saw it.

        Returns:
            Whether an earlier one did not end.
        """
        left = self.folder.is_dir()
        write_whole(self.folder / "command", self.command.encode())
        if left:
            time.sleep(2 * self._pause)
        return left

    def refuse_other(self) -> None:
        """Look whether this is still the command that works on the run.

        Raises:
            IncompleteError: Another one has begun: a call that this one asks for might be asked for twice.
        """
        if (now := time.monotonic()) - self._asked < self._pause:
            return
        self._asked = now
        if not self._is_ours():
            raise IncompleteError("another command has begun to work on the run")

    def begin(self, shard: str) -> None:
        """Begin a shard: read what others left of it, and what earlier commands left."""
        self._shard, self._looked = shard, float("-inf")
        self._look()

    def find(self, keys: Sequence[str]) -> dict[str, Answer]:
        """Return the answers that are there, by key."""
        self._look()
        return {key: self._found[key] for key in keys if key in self._found}

    def keep(self, key: str, identity: str, answer: Answer) -> None:
        """Write one answer; when this returns it survives the death of this process, elsewhere that of the machine."""
        if self._shard is None:
            return
        line = json.dumps({"key": key, "identity": identity, "answer": to_keep(answer)}).encode() + b"\n"
        folder = self.folder / self.command / self._shard
        if is_elsewhere(folder):
            write_whole(folder / f"{key}.jsonl", line)
            return
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{self._mine}.jsonl").open("ab", buffering=0) as handle:
            handle.write(line)

    def end(self) -> None:
        """Remove what a shard's workers kept, this one and those that died: its records are in the run.

        Not where another command has begun: it may have looked before they were.
        """
        assert self._shard is not None
        if self._is_ours():
            _remove(self.folder / self.command / self._shard)
        self._shard = None

    def clear(self) -> None:
        """Remove what is left: the shards of an earlier command, all written meanwhile under other names."""
        _remove(self.folder)

    def _is_ours(self) -> bool:
        try:
            return (self.folder / "command").read_bytes().decode() == self.command
        except FileNotFoundError:
            return False

    def _look(self) -> None:
        """Read what others have kept since the last look: of this shard, and of commands that are no more."""
        if self._shard is None or (now := time.monotonic()) - self._looked < self._pause:
            return
        self._looked = now
        for folder in (*self._earlier(), self.folder / self.command / self._shard):
            if is_elsewhere(folder):  # whole objects, each read once
                place: Any = folder
                new = [name for name in place.fs.find(place.path) if name not in self._seen]
                for name, content in place.fs.cat(new, on_error="omit").items() if new else ():
                    self._read(name, content)
                continue
            for path in folder.rglob("*.jsonl"):
                with contextlib.suppress(FileNotFoundError):  # its shard has been written meanwhile
                    if path.stem != self._mine and path.stat().st_size > self._seen.get(str(path), 0):
                        self._read(str(path), path.read_bytes())

    def _earlier(self) -> list[Path]:
        """Return the folders of the commands before this one."""
        if not self.folder.is_dir():
            return []
        return [path for path in self.folder.iterdir() if path.name not in (self.command, "command") and path.is_dir()]

    def _read(self, name: str, content: bytes) -> None:
        """Read what a file has more than when it was last read; a last line without its end is not whole."""
        start = self._seen.get(name, 0)
        whole = content.rfind(b"\n") + 1
        for line in content[start:whole].splitlines():
            try:
                said = json.loads(line)
                answer = kept(said["answer"])
            except (ValueError, LookupError, TypeError, AttributeError):  # damaged: asked again
                continue
            if answer is not None:
                self._found[said["key"]] = answer
        self._seen[name] = whole


def _remove(folder: Path) -> None:
    if is_elsewhere(folder):
        place: Any = folder
        if names := place.fs.find(place.path):
            place.fs.rm(names)
    else:
        shutil.rmtree(folder, ignore_errors=True)


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
