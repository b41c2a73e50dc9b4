"""How hard a server may be pressed: calls at once and a minute, and when nothing is asked of it any more."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass

from harness.records import Status


@dataclass(frozen=True)
class TrafficLimits:
    """How hard a server may be pressed, and how long its failures are borne."""

    concurrency: int = 64
    """Calls in flight, at most."""
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    """Tokens of prompts and answers together; a prompt is estimated at four characters a token."""
    timeout: float = 120.0
    """Seconds for one attempt, from sending to the last byte."""
    attempts: int = 6
    longest_wait: float = 120.0
    """Seconds; a server that asks for a longer wait is taken at its word, and the call fails."""
    first_wait: float = 0.5
    """Seconds before the first retry, doubled for each further one, where the server names none."""
    give_up_after: float = 60.0
    """Seconds without one success, with at least 20 failures, until the server is taken for dead."""


class Trouble(Exception):
    """An attempt that brought no answer, and what may be done about it."""

    def __init__(
        self,
        error: str,
        status: Status = "error",
        retry: bool = False,
        wait: float | None = None,
        throttled: bool = False,
        hopeless: bool = False,
        raw: str | None = None,
        code: int | None = None,
    ) -> None:
        super().__init__(error)
        self.error = error
        self.status = status
        self.retry = retry
        """Another attempt can help."""
        self.wait = wait
        """Seconds that the server asks for."""
        self.throttled = throttled
        """The server says that it is too much at once."""
        self.hopeless = hopeless
        """Every other call will fail in the same way: a wrong key, a wrong model name."""
        self.raw = raw
        self.code = code
        """The HTTP status, where there was one."""


class Gate:
    """Lets calls in as the limits allow; lives in one event loop."""

    def __init__(self, limits: TrafficLimits) -> None:
        self.limits = limits
        self.width = float(limits.concurrency)
        self.inside = 0
        self.closed_until = 0.0
        self._narrowed = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._requests = Bucket(limits.requests_per_minute)
        self._tokens = Bucket(limits.tokens_per_minute)

    async def enter(self, tokens: int) -> None:
        """Wait until one more call may be in flight."""
        while self.inside >= int(self.width):
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        self.inside += 1
        try:
            while (wait := self._wait(tokens)) > 0:
                await asyncio.sleep(wait)
        except asyncio.CancelledError:
            self.leave()
            raise
        self._requests.take(1)
        self._tokens.take(tokens)

    def _wait(self, tokens: int) -> float:
        now = time.monotonic()
        return max(self.closed_until - now, self._requests.wait(1, now), self._tokens.wait(tokens, now))

    def leave(self) -> None:
        """Say that a call is no longer in flight."""
        self.inside -= 1
        while self._waiting and self.inside < int(self.width):
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def widen(self) -> None:
        """One more call succeeded: a round of successes lets one more in."""
        self.width = min(self.width + 1 / self.width, self.limits.concurrency)

    def narrow(self, wait: float | None) -> None:
        """The server says that it is too much: half as many, once for each round, and none before its wait is over."""
        now = time.monotonic()
        if wait:
            self.closed_until = max(self.closed_until, now + min(wait, self.limits.longest_wait))
        if now - self._narrowed > 1.0:
            self._narrowed = now
            self.width = max(1.0, self.width / 2)

    def settle(self, estimated: int, used: int) -> None:
        """Correct the tokens taken at the entrance by those that were really used."""
        self._tokens.take(used - estimated)


class Bucket:
    """An allowance per minute that fills up steadily and holds a tenth of a minute's worth."""

    def __init__(self, per_minute: float | None) -> None:
        self.rate = per_minute / 60 if per_minute else None
        self.level = self.rate * 6 if self.rate else 0.0
        self._seen = time.monotonic()

    def wait(self, amount: float, now: float) -> float:
        """Return the seconds until `amount` may be taken; more than the bucket holds may be taken when it is full."""
        if self.rate is None:
            return 0.0
        full = max(self.rate * 6, 1.0)
        self.level = min(self.level + (now - self._seen) * self.rate, full)
        self._seen = now
        return max(0.0, (min(amount, full) - self.level) / self.rate)

    def take(self, amount: float) -> None:
        """Take the amount; the level may fall below zero."""
        if self.rate is not None:
            self.level -= amount


class Breaker:
    """Notices that nothing succeeds any more."""

    MANY = 20
    HOPELESS = 3

    def __init__(self, give_up_after: float) -> None:
        self.give_up_after = give_up_after
        self.last: str | None = None
        self._since = 0.0
        self._failures = 0
        self._hopeless = 0

    def failed(self, trouble: Trouble) -> None:
        """Count a failed attempt."""
        if not self._failures:
            self._since = time.monotonic()
        self._failures += 1
        self._hopeless += trouble.hopeless
        self.last = trouble.error

    def succeeded(self) -> None:
        """Count an answer: the server is alive."""
        self._failures = self._hopeless = 0

    @property
    def open(self) -> bool:
        """True when a further call would be in vain."""
        if self._hopeless >= self.HOPELESS:
            return True
        return self._failures >= self.MANY and time.monotonic() - self._since >= self.give_up_after

    def probe(self) -> None:
        """Give the server another chance: one more hopeless failure, or the same time again, closes it anew."""
        self._hopeless = min(self._hopeless, self.HOPELESS - 1)
        self._failures = 0
