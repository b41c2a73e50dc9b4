"""What the batch interface of a provider is, for whoever hands calls in: `OpenAIBatches`, `AnthropicBatches`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from harness.answering.chat.batch_notes import BatchNote
from harness.answering.chat.boundary import UNREADABLE
from harness.answering.chat.chat import Answer, Call, Chat
from harness.answering.chat.limits import Trouble
from harness.answering.chat.parameters import Parameters

RETRIES = 4
"""Attempts after the first, but for handing in: of a second one the server would make a second batch."""
RECENT = 200
"""Batches that are looked through for one that was handed in by a process that was killed."""

Result = tuple[str, bytes | Trouble]
"""A call's id, and the body of its answer as a direct call would have brought it, or what became of it."""


class Progress(NamedTuple):
    """How far a batch is."""

    done: int
    total: int
    ended: bool
    problem: str | None = None
    """Why nothing in it was done at all."""


class Direct(Chat, Protocol):
    """A client that asks one call at a time."""

    base_url: str
    parameters: Parameters

    def request(self, call: Call) -> dict[str, Any]:
        """Return the body of a call's request, as the server takes it."""
        ...

    def read(self, content: bytes, call: Call) -> Answer:
        """Return the answer in the body of a server's reply.

        Raises:
            Trouble: There is none.
        """
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class Provider(Protocol):
    """The batch interface of one provider. Every method raises `Trouble` where the server does not do it."""

    most_requests: int
    """How many a batch may have."""
    most_bytes: int
    """How large it may be."""

    def look_up(self) -> None:
        """Ask the server whether it has the interface."""
        ...

    def line(self, name: str, body: dict[str, Any]) -> bytes:
        """Return one request as JSON."""
        ...

    def newest(self) -> str | None:
        """Return the id of the newest batch that there is."""
        ...

    def hand_in(self, mark: str, lines: Sequence[bytes]) -> str:
        """Hand in a batch once, without another attempt; return its id."""
        ...

    def handed_in(self, note: BatchNote) -> str | None:
        """Return the id of the batch that was handed in for a note, by a process that did not live to write it down."""
        ...

    def progress(self, batch: str) -> Progress:
        """Return how far a batch is."""
        ...

    def results(self, batch: str) -> Iterator[Result]:
        """Yield the result of each request of a batch that has ended, in any order."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


def readable(line: bytes | str, parts: Callable[[Any], Result]) -> Result | None:
    """Return the id and the result in one line of a provider's; None where it is none: its call has no result then."""
    try:
        return parts(json.loads(line))
    except UNREADABLE:
        return None
