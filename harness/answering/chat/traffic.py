"""Carries many calls to one server at once, as fast as the server will have them.

The number of calls in flight falls by half when the server says that it is too much (429) and rises by one for each
round of successes; requests and tokens per minute are kept; a retry happens only where it can help, after the wait
that the server asks for; and when nothing succeeds any more the rest is answered at once with a failure, so that a
dead server costs seconds, not hours. Everything runs in one thread of its own with an event loop of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import random
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice

from harness.answering.chat.chat import Answer, Call
from harness.answering.chat.limits import Breaker, Gate, TrafficLimits, Trouble

AHEAD = 2
"""Calls taken for each that may be in flight: as many wait their turn, so that the server never waits for us."""
TOGETHER = 0.01
"""Seconds in which answers are gathered: handing each over by itself would cost more than asking for it."""


Send = Callable[[Call], Awaitable[Answer]]


class Traffic:
    """The calls of one client to one server."""

    def __init__(self, send: Send, limits: TrafficLimits) -> None:
        """Carry calls by `send`, an attempt each, which raises `Trouble` where it brings no answer."""
        self.limits = limits
        self._send = send
        self._breaker = Breaker(limits.give_up_after)
        self._gate = Gate(limits)
        self._loop: asyncio.AbstractEventLoop | None = None

    def carry(self, calls: Iterable[Call]) -> Iterator[tuple[int, Answer]]:
        """Yield the position and the answer of each call, as they finish; few calls are taken ahead of the answers.

        What the source of the calls raises is raised when the calls under way have come in.
        """
        loop = self._running_loop()
        todo = enumerate(calls)
        done: queue.SimpleQueue[list[tuple[int, Answer | Exception]]] = queue.SimpleQueue()
        arrived: list[tuple[int, Answer | Exception]] = []
        tasks: set[asyncio.Task[None]] = set()

        async def work(position: int, call: Call) -> None:
            try:
                answer: Answer | Exception = await self._carry(call)
            except Exception as error:  # a fault of ours: it shall be seen, not waited for
                answer = error
            if not arrived:
                loop.call_later(TOGETHER, hand_over)
            arrived.append((position, answer))

        def hand_over() -> None:
            done.put(arrived.copy())
            arrived.clear()

        def send(batch: list[tuple[int, Call]]) -> None:
            for position, call in batch:
                task = loop.create_task(work(position, call))
                tasks.add(task)
                task.add_done_callback(tasks.discard)

        def stop() -> None:
            for task in tasks:
                task.cancel()

        self._breaker.probe()
        under_way, fault = 0, None
        try:
            while True:
                batch: list[tuple[int, Call]] = []
                try:
                    for entry in islice(todo if fault is None else (), AHEAD * self.limits.concurrency - under_way):
                        batch.append(entry)
                except Exception as error:
                    fault = error
                if batch:
                    loop.call_soon_threadsafe(send, batch)
                under_way += len(batch)
                if not under_way:
                    if fault is not None:
                        raise fault
                    return
                answered = done.get()
                under_way -= len(answered)
                for position, answer in answered:
                    if isinstance(answer, Exception):
                        raise answer
                    yield position, answer
        finally:
            loop.call_soon_threadsafe(stop)

    def close(self, goodbye: Callable[[], Awaitable[None]] | None = None) -> None:
        """End the thread, after a last piece of work in it: closing connections."""
        loop, self._loop = self._loop, None
        if loop is None:
            return
        if goodbye is not None:

            async def part() -> None:
                await goodbye()

            with contextlib.suppress(Exception):  # the connections end with the process in any case
                asyncio.run_coroutine_threadsafe(part(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, name="harness-calls", daemon=True).start()
        return self._loop

    async def _carry(self, call: Call) -> Answer:
        """Carry one call through all its attempts; raises where an answer that came cannot be kept, and only there."""
        started = time.perf_counter()
        estimate = estimated_tokens(call)
        for attempt in range(self.limits.attempts):
            if self._breaker.open:
                trouble = Trouble(f"not asked: the server has stopped answering (last: {self._breaker.last})")
                break
            try:
                answer = await self._attempt(call, estimate, started)
            except Trouble as caught:
                trouble = caught
                self._breaker.failed(trouble)
            else:
                self._breaker.succeeded()
                self._gate.widen()
                return answer
            wait = self._pause(trouble, attempt)
            if wait is None:
                break
            await asyncio.sleep(wait)
        seconds = round(time.perf_counter() - started, 4)
        return Answer(status=trouble.status, error=trouble.error, raw=trouble.raw, seconds=seconds)

    async def _attempt(self, call: Call, estimate: int, started: float) -> Answer:
        """Make one attempt; who is killed loses at most the calls inside the gate, for an answer is kept in there."""
        await self._gate.enter(estimate)
        try:
            answer = await self._sent(call)
            answer = replace(answer, seconds=round(time.perf_counter() - started, 4))
            if call.keep is not None:
                await asyncio.to_thread(call.keep, answer)
        finally:
            self._gate.leave()
        self._gate.settle(estimate, (answer.prompt_tokens or 0) + (answer.completion_tokens or 0) or estimate)
        return answer

    async def _sent(self, call: Call) -> Answer:
        try:
            async with asyncio.timeout(self.limits.timeout):
                return await self._send(call)
        except TimeoutError:
            raise Trouble(f"no answer within {self.limits.timeout:g} s", "timeout", retry=True) from None
        except Trouble as trouble:
            if trouble.throttled:
                self._gate.narrow(trouble.wait)
            raise
        except Exception as error:  # a fault of ours or of the library costs its call, not the run
            raise Trouble(f"{type(error).__name__}: {error}") from error

    def _pause(self, trouble: Trouble, attempt: int) -> float | None:
        """Return the seconds until the next attempt; None where there shall be none."""
        if not trouble.retry or attempt + 1 == self.limits.attempts:
            return None
        if trouble.wait is not None:
            return trouble.wait if trouble.wait <= self.limits.longest_wait else None
        return float(min(self.limits.first_wait * 2**attempt, self.limits.longest_wait) * random.uniform(0.75, 1.25))


def estimated_tokens(call: Call) -> int:
    """Return a call's tokens before it is sent: a quarter of the characters, and the whole answer."""
    return sum(len(text) for _, text in call.messages) // 4 + call.max_tokens
