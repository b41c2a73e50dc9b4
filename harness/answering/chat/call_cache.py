"""Finished calls, kept in the user's cache folder, so that no answer is paid for twice.

One SQLite file, in write-ahead mode: an answer is in it before anybody sees the answer, and a killed process loses
nothing that it had received. The key holds everything that decides an answer (`Call.key`). Failures are not kept:
the next attempt may succeed.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Protocol

from harness.answering.chat.boundary import kept, to_keep
from harness.answering.chat.chat import Answer, Around, Call, hand_in
from harness.errors import HarnessError

CHUNK = 100
"""Calls looked up at once."""

Missing = tuple[int, str, Call]
"""A call that the cache does not have: its position and its key."""


def default_cache() -> Path:
    """Return the user's cache folder: `HARNESS_CACHE`, or `feedback-harness` in the platform's own."""
    named = os.environ.get("HARNESS_CACHE")
    if named:
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "feedback-harness"


class Calls(Protocol):
    """Where finished calls are kept."""

    def find(self, keys: Sequence[str]) -> dict[str, Answer]:
        """Return the answers that are there, by key."""
        ...

    def keep(self, key: str, identity: str, answer: Answer) -> None:
        """Write one answer; durable when it returns."""
        ...


class CallCache:
    """The file of finished calls. Threads and processes may share it."""

    def __init__(self, path: str | Path) -> None:
        """Open the file, made where it is missing.

        Raises:
            HarnessError: It cannot be opened, or is no SQLite file.
        """
        self.path = Path(path)
        self._lock = threading.Lock()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(self.path, timeout=60, check_same_thread=False, isolation_level=None)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=NORMAL")
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS calls (key TEXT PRIMARY KEY, identity TEXT, answer TEXT) WITHOUT ROWID"
            )
        except (OSError, sqlite3.Error) as error:
            raise HarnessError(f"{self.path}: cannot keep finished calls here ({error}); choose --cache DIR") from error

    def find(self, keys: Sequence[str]) -> dict[str, Answer]:
        """Return the answers that are there, by key."""
        found: dict[str, Answer] = {}
        for start in range(0, len(keys), CHUNK):  # SQLite's limit on parameters is 999 in old versions
            chunk = keys[start : start + CHUNK]
            marks = ",".join("?" * len(chunk))
            query = f"SELECT key, answer FROM calls WHERE key IN ({marks})"  # noqa: S608 question marks alone
            try:
                with self._lock:
                    rows = self._database.execute(query, chunk).fetchall()
            except sqlite3.Error as error:
                raise HarnessError(self._unusable("read", error)) from error
            found |= {key: answer for key, text in rows if (answer := kept(text)) is not None}
        return found

    def keep(self, key: str, identity: str, answer: Answer) -> None:
        """Write one answer; durable against the end of this process when it returns."""
        try:
            with self._lock:
                self._database.execute(
                    "INSERT OR REPLACE INTO calls VALUES (?, ?, ?)", (key, identity, to_keep(answer))
                )
        except sqlite3.Error as error:
            raise HarnessError(self._unusable("written", error)) from error

    def _unusable(self, what: str, error: sqlite3.Error) -> str:
        hint = (
            "make room, or choose --cache DIR" if "full" in str(error) else "choose --cache DIR, or move the file away"
        )
        return f"{self.path}: the cache of finished calls cannot be {what} ({error}); {hint}"

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()


@dataclass
class Cached(Around):
    """A chat client that answers from the cache first, and keeps every answer before it hands it on."""

    cache: Calls
    early: bool = True
    """Keep an answer where it arrives, if the client does that; not for one that may change what came, or refuse it."""

    def ask(self, calls: Iterable[Call]) -> Iterator[tuple[int, Answer]]:
        """See `Chat.ask`. The same call twice is asked once."""
        todo = enumerate(calls)
        while chunk := list(islice(todo, CHUNK)):
            missing, found = self._look_up(chunk)
            yield from found
            if missing:
                yield from self._ask_from(missing, todo)

    def hand_in(self, calls: Iterable[Call]) -> None:
        """See `hand_in`: what the cache has, and the same call twice, is not."""

        def keep(key: str, answer: Answer) -> None:
            if answer.status == "ok":
                self.cache.keep(key, self.identity, answer)

        def missing() -> Iterator[Call]:
            seen: set[str] = set()
            todo = enumerate(calls)
            while chunk := list(islice(todo, CHUNK)):
                for _, key, call in self._look_up(chunk)[0]:
                    if key not in seen:
                        seen.add(key)
                        yield replace(call, keep=partial(keep, key))

        hand_in(self.chat, missing())

    def _look_up(self, chunk: Sequence[tuple[int, Call]]) -> tuple[list[Missing], list[tuple[int, Answer]]]:
        keys = [call.key(self.identity) for _, call in chunk]
        there = self.cache.find([key for (_, call), key in zip(chunk, keys, strict=True) if not call.again])
        missing = [(at, key, call) for (at, call), key in zip(chunk, keys, strict=True) if key not in there]
        return missing, [(at, there[key]) for (at, _), key in zip(chunk, keys, strict=True) if key in there]

    def _ask_from(self, missing: Sequence[Missing], todo: Iterator[tuple[int, Call]]) -> Iterator[tuple[int, Answer]]:
        """Ask for the calls missing in a chunk, and in the chunks after it, until one has none missing."""
        asked: dict[int, str] = {}
        waiting: dict[str, list[int]] = {}
        answered: dict[str, Answer] = {}  # since the last look-up, which could not find them
        found: deque[tuple[int, Answer]] = deque()
        arrived: dict[str, Answer] = {}  # and are kept

        def keep(key: str, answer: Answer) -> None:
            if answer.status == "ok" and arrived.get(key) != answer:
                self.cache.keep(key, self.identity, answer)
                arrived[key] = answer

        def take() -> Iterator[Call]:
            entries, number = missing, count()
            while entries:
                for position, key, call in entries:
                    if key in answered:
                        found.append((position, answered[key]))
                    elif key in waiting:
                        waiting[key].append(position)
                    else:
                        waiting[key] = [position]
                        asked[next(number)] = key
                        yield replace(call, keep=partial(keep, key)) if self.early else call
                answered.clear()
                entries, there = self._look_up(list(islice(todo, CHUNK)))
                found.extend(there)

        for index, answer in self.chat.ask(take()):
            key = asked.pop(index)
            keep(key, answer)
            arrived.pop(key, None)
            answered[key] = answer
            yield from ((position, answer) for position in waiting.pop(key))
            while found:
                yield found.popleft()
        yield from found
