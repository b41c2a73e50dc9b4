"""Recorded answers as a chat client: `replay:FILE` asks nobody.

A JSONL file has a line for each answer: `messages` (a list of `{"role", "content"}`), `text`, and where they are known
`repetition`, `status`, `error`, `top_logprobs` and the other fields of an answer. The cache of finished calls
(`calls.sqlite`) is a recording too: with it a judgement that was paid for once can be repeated anywhere.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

from harness.answering.chat.boundary import kept, received
from harness.answering.chat.chat import Answer, Call, Message
from harness.errors import HarnessError, did_you_mean
from harness.records import Status, digest

ANSWER = {field.name for field in fields(Answer)}
SQLITE = b"SQLite format 3\0"

Heard = tuple[tuple[Message, ...], int]
"""What a line of a recording answers: the messages of a call and its repetition."""


class RecordedChat:
    """A file of recorded answers. A call that it has no answer to is an answer with the status `error`."""

    def __init__(self, path: str | Path, of: str | None = None) -> None:
        """Read the file.

        Args:
            path: A JSONL file, or a cache of finished calls.
            of: Of such a cache: the identity of the client whose answers are meant, where it holds those of several.

        Raises:
            HarnessError: The file cannot be read, a line is no answer, or it does not say whose answers are meant.
        """
        self.path = Path(path)
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise HarnessError(f"{self.path}: the recorded answers cannot be read ({error.strerror})") from error
        self._answers: dict[Heard, Answer] = {}
        self._of: str | None = None
        if content.startswith(SQLITE):
            self._of = self._client(of)
            self.identity = f"replay of {self._of}"
        else:
            self._answers = dict(_lines(self.path, content))
            self.identity = f"replay of {digest(content.decode('utf-8', errors='replace'))}"

    def ask(self, calls: Iterable[Call]) -> Iterator[tuple[int, Answer]]:
        """See `Chat.ask`."""
        for position, call in enumerate(calls):
            yield position, self._find(call) or Answer(status="error", error=self._missing(call))

    def price(self, *_: int | None) -> float:
        """See `Chat.price`: nothing is asked, so nothing is charged."""
        return 0.0

    def _find(self, call: Call) -> Answer | None:
        if self._of is None:
            return self._answers.get((tuple(call.messages), call.repetition))
        with closing(self._open()) as database:
            row = database.execute("SELECT answer FROM calls WHERE key = ?", [call.key(self._of)]).fetchone()
        return kept(row[0]) if row else None

    def _missing(self, call: Call) -> str:
        begins = " ".join(call.messages[-1][1].split())[:80] if call.messages else ""
        return f"{self.path} has no recorded answer for repetition {call.repetition} of: {begins}..."

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{self.path.resolve().as_uri()}?mode=ro", uri=True)

    def _client(self, of: str | None) -> str:
        try:
            with closing(self._open()) as database:
                known = [row[0] for row in database.execute("SELECT DISTINCT identity FROM calls ORDER BY 1")]
        except sqlite3.Error as error:
            raise HarnessError(f"{self.path}: is no cache of finished calls ({error})") from error
        if of in known:
            return str(of)
        if of is not None:
            raise HarnessError(f"{self.path} has no answers of {of!r}.{did_you_mean(of, known)}")
        if len(known) != 1:
            told = "; ".join(known) or "none"
            raise HarnessError(f"{self.path} has answers of {len(known)} clients; say which by `of`: {told}")
        return str(known[0])


def _lines(path: Path, content: bytes) -> Iterator[tuple[Heard, Answer]]:
    for number, line in enumerate(content.decode("utf-8", errors="replace").splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry: dict[str, Any] = json.loads(line)
            messages = tuple((str(one["role"]), str(one["content"])) for one in entry["messages"])
            answer = {name: value for name, value in entry.items() if name in ANSWER and value is not None}
            status = answer.get("status", "ok")
            if status not in get_args(Status) or (status == "ok" and not isinstance(answer.get("text"), str)):
                raise ValueError("it has neither a `text` nor a `status` that says why not")
            heard = messages, int(entry.get("repetition", 0))
            recorded = received(Answer(**answer))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise HarnessError(
                f"{path}:{number}: is no recorded answer ({error}); a line has `messages`, a list of role and "
                "content, and `text`"
            ) from error
        yield heard, recorded
