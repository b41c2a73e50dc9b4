"""A limit on calls in flight that holds over many processes: who asks a server holds a lease for each call at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from harness.answering.chat.chat import Answer, Call, Chat

Lease = Callable[[str, int], AbstractContextManager[int]]
"""Holds, for a server and the most calls that it may have in flight, this process's part of them: how many."""
Refuse = Callable[[], None]
"""Raises where no more calls shall be made: nobody waits for their answers."""


@dataclass
class Leased:
    """A chat client of one server that has as many calls in flight as it holds leases."""

    make: Callable[[int], Chat]
    """Makes the client for so many calls in flight."""
    server: str
    most: int
    lease: Lease
    refuse: Refuse = lambda: None
    clients: dict[int, Chat] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """See `Chat.identity`."""
        return self._client(1).identity

    def price(self, prompt: int | None, cached: int | None, completion: int | None) -> float | None:
        """See `Chat.price`."""
        return self._client(1).price(prompt, cached, completion)

    def ask(self, calls: Iterable[Call]) -> Iterator[tuple[int, Answer]]:
        """See `Chat.ask`."""
        with self.lease(self.server, self.most) as width:
            yield from self._client(width).ask(self._wanted(calls))

    def _wanted(self, calls: Iterable[Call]) -> Iterator[Call]:
        for call in calls:
            self.refuse()
            yield call

    def close(self) -> None:
        """Close every client."""
        for client in self.clients.values():
            if close := getattr(client, "close", None):
                close()

    def _client(self, width: int) -> Chat:
        if width not in self.clients:
            self.clients[width] = self.make(width)
        return self.clients[width]
