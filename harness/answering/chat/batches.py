"""Calls handed in as batches: answered within a day, at half the price.

A batch is written down before it is handed in, and its id before anybody waits: whoever is killed loses nothing, and
the same calls, asked again, wait for the same batch. Each result is read as a direct answer is, and kept under the
same key. What a provider has of its own is behind `Provider`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from urllib.parse import urlsplit

from harness.answering.chat.batch_notes import BatchNote, BatchNotes
from harness.answering.chat.batch_provider import Direct, Progress, Provider
from harness.answering.chat.chat import Answer, Around, Call, Chat
from harness.answering.chat.limits import Trouble
from harness.answering.chat.parameters import Parameters
from harness.errors import HarnessError

SHARE = 0.5
"""What a call costs in a batch, of its own price: with OpenAI and Anthropic alike."""
WITH_BATCHES = ("api.openai.com", "api.anthropic.com")
"""Servers that are known to have batches; others are taken at the user's word."""
FIRST_LOOK, LONGEST_PAUSE = 0.5, 60.0
"""Seconds between two looks at a batch: doubled from the first to the longest."""
TELL = 60.0
"""Seconds between two lines on how far a batch is."""
BLIND = 30
"""Looks in a row that may fail: with the longest pause, half an hour."""
TRIES = 3
"""First calls that may fail before nothing is handed in, and attempts to hand in."""


class Entry(NamedTuple):
    """One call on its way into a batch."""

    position: int
    call: Call
    name: str
    """Its id in the batch."""


@dataclass
class Batched(Around):
    """A chat client whose calls are handed in as batches.

    The first new call goes directly, so that a wrong key, a wrong model or a parameter that the server does not take
    shows at once and not after a day.
    """

    chat: Direct
    provider: Provider
    notes: BatchNotes
    most: int | None = None
    """Requests in a batch at most, where the provider lets an account have only so many waiting."""
    say: Callable[[str], None] = lambda _: None
    """Is told how far a batch is."""
    _met: bool = field(default=False, init=False)
    """Whether a call was answered: the next ones need not go directly."""

    @property
    def base_url(self) -> str:
        """The server."""
        return self.chat.base_url

    @property
    def parameters(self) -> Parameters:
        """What the server turned out not to take."""
        return self.chat.parameters

    @property
    def at_once(self) -> int:
        """Calls that are best asked at once: a batch may take a day, however few they are."""
        return min(self.most or self.provider.most_requests, self.provider.most_requests)

    def price(self, prompt: int | None, cached: int | None, completion: int | None) -> float | None:
        """See `Chat.price`: what a call costs in a batch."""
        price = self.chat.price(prompt, cached, completion)
        return None if price is None else SHARE * price

    def refuse_if_missing(self) -> None:
        """Ask whether the server has batches at all. One that cannot be reached now is taken at its word later.

        Raises:
            HarnessError: It has none.
        """
        try:
            self.provider.look_up()
        except Trouble as trouble:
            if trouble.code in (400, 404, 405, 501):
                raise HarnessError(
                    f"{self.identity}: the server has no batch interface ({trouble.error}); leave out `batch`"
                ) from trouble

    def ask(self, calls: Iterable[Call]) -> Iterator[tuple[int, Answer]]:
        """See `Chat.ask`: as many at a time as a batch may have."""
        for part in self._parts(calls):
            notes: dict[str, BatchNote] = {}
            yield from self._sent(part, notes)
            for note in dict.fromkeys(notes[entry.name] for entry in part if entry.name in notes):
                yield from self._collect(note, [entry for entry in part if notes.get(entry.name) is note])

    def hand_in(self, calls: Iterable[Call]) -> None:
        """Hand calls in and wait for none; not where only so many may wait at a time."""
        for part in self._parts(calls) if self.most is None else ():
            for _ in self._sent(part, {}):
                pass

    def _parts(self, calls: Iterable[Call]) -> Iterator[list[Entry]]:
        """Yield calls in parts of as many as a batch may have."""
        seen: Counter[str] = Counter()
        part: list[Entry] = []
        size = 0
        for position, call in enumerate(calls):
            key = call.key(self.identity)
            seen[key] += 1  # the same call may be asked several times
            entry = Entry(position, call, key if seen[key] == 1 else f"{key}-{seen[key]}")
            length = len(self._line(entry)) + 1
            if part and size + length > self.provider.most_bytes:
                yield part
                part, size = [], 0
            part.append(entry)
            size += length
            if len(part) == self.at_once:
                yield part
                part, size = [], 0
        if part:
            yield part

    def close(self) -> None:
        """Close the connections."""
        self.provider.close()
        self.chat.close()

    def _line(self, entry: Entry) -> bytes:
        return self.provider.line(entry.name, self.chat.request(entry.call))

    def _sent(self, part: Sequence[Entry], notes: dict[str, BatchNote]) -> Iterator[tuple[int, Answer]]:
        """Hand in those calls that are in no batch yet; yield the answers of those that go directly, or do not go.

        Args:
            part: The calls.
            notes: Is filled with the batch of every other call, by the call's id.
        """
        notes |= {name: note for note in self._open() for name in note.names}
        new = [entry for entry in part if entry.name not in notes]
        tried, last = 0, Answer()
        while new and not self._met and tried < TRIES:
            first, tried = new.pop(0), tried + 1
            for _, last in self.chat.ask([first.call]):
                self._met = last.status not in ("error", "timeout")
                yield first.position, last
        if not self._met and new:
            yield from _failed(new, f"no batch was handed in: the first calls failed ({last.error})")
            new = []
        try:
            if new:
                notes |= dict.fromkeys((entry.name for entry in new), self._handed_in(new))
        except Trouble as trouble:
            yield from _failed(new, f"no batch was handed in: {trouble.error}", trouble.raw)

    def _open(self) -> list[BatchNote]:
        """Return the batches of this client that are not over; one that was never handed in is not there."""
        found = []
        for note in self.notes.open(self.identity):
            try:
                batch = note.batch or self.provider.handed_in(note)
            except Trouble as trouble:
                raise HarnessError(
                    f"whether a batch was handed in by an earlier command cannot be seen ({trouble.error}); the same "
                    f"command later goes on, or without {self.notes.path(note)} its calls are asked anew"
                ) from trouble
            if batch is None:
                self.notes.forget(note)
            else:
                found.append(note if note.batch else self.notes.keep(replace(note, batch=batch)))
        return found

    def _handed_in(self, entries: Sequence[Entry]) -> BatchNote:
        lines = [self._line(entry) for entry in entries]
        names, before = [entry.name for entry in entries], self.provider.newest()
        note = self.notes.begin(self.identity, names, before, self.parameters.found)
        for left in reversed(range(TRIES)):
            try:
                batch = self.provider.hand_in(note.mark, lines)
            except Trouble as trouble:
                if not trouble.retry:
                    self.notes.forget(note)
                    raise
                time.sleep(min(trouble.wait or FIRST_LOOK, LONGEST_PAUSE))
                if (found := self.provider.handed_in(note)) is None:  # its answer alone may have been lost
                    if not left:
                        self.notes.forget(note)
                        raise
                    continue
                batch = found
            break
        note = self.notes.keep(replace(note, batch=batch))
        self.say(
            f"batch {batch}: {len(entries):,} calls to {self.identity} are handed in; it may take a day, and if this "
            "command is stopped the same one waits on"
        )
        return note

    def _collect(self, note: BatchNote, entries: Sequence[Entry]) -> Iterator[tuple[int, Answer]]:
        """Yield the answers that a batch has for some calls, when it has ended."""
        assert note.batch
        self.parameters.found |= note.adapted
        try:
            progress = self._wait(note.batch)
            if progress.problem:
                said = f"the batch {note.batch} failed: {progress.problem}"
                self.notes.end(note, [entry.name for entry in entries])
                yield from _failed(entries, f"{said} (`batch: 500` makes batches of 500 calls)")
                return
            results = self._results(note.batch)
        except Trouble as trouble:
            if trouble.code == 404:
                said = (
                    f"the server does not know it: another key, or it is gone for good: remove {self.notes.path(note)}"
                )
            else:
                said = f"{trouble.error}; the same command takes it up again"
            yield from _failed(entries, f"the batch {note.batch} cannot be had ({said})", trouble.raw)
            return
        missing = Trouble(f"the batch {note.batch} has no result for this call")
        failed = 0
        for entry in entries:
            answer = self._answer(results.pop(entry.name, missing), entry.call)
            failed += answer.status != "ok"
            if entry.call.keep is not None:
                entry.call.keep(answer)
            yield entry.position, answer
        strange = len(results.keys() - note.names.keys())
        more = f", {strange:,} results of calls that were not in it" if strange else ""
        self.say(f"batch {note.batch}: over, {len(entries) - failed:,} answers, {failed:,} failures{more}")
        self.notes.end(note, [entry.name for entry in entries])

    def _answer(self, result: bytes | Trouble, call: Call) -> Answer:
        try:
            if isinstance(result, Trouble):
                raise result
            answer = self.chat.read(result, call)
        except Trouble as trouble:
            return Answer(status=trouble.status, error=trouble.error, raw=trouble.raw)
        return replace(answer, cost_usd=None if answer.cost_usd is None else SHARE * answer.cost_usd)

    def _wait(self, batch: str) -> Progress:
        """Return how a batch ended."""
        pause, blind, told, last = FIRST_LOOK, 0, time.monotonic(), -1
        while True:
            try:
                progress = self.provider.progress(batch)
                blind = 0
            except Trouble as trouble:
                blind += 1
                if not trouble.retry or blind >= BLIND:
                    raise
            else:
                if progress.ended:
                    return progress
                if progress.done != last and time.monotonic() - told >= TELL:
                    told, last = time.monotonic(), progress.done
                    self.say(f"batch {batch}: {progress.done:,} of {progress.total:,} are done")
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _results(self, batch: str) -> dict[str, bytes | Trouble]:
        """Return what a batch brought; a call with two results that differ has none."""
        found: dict[str, bytes | Trouble] = {}
        for name, result in self.provider.results(batch):
            if name in found and found[name] != result:
                result = Trouble(f"the batch {batch} has several results for this call")
            found[name] = result
        return found


def direct_and_batched(chat: Chat) -> tuple[float, float]:
    """Return what calls cost directly and in batches, as multiples of the client's own price."""
    if isinstance(chat, Batched):
        return 1 / SHARE, 1.0
    known = urlsplit(getattr(chat, "base_url", "")).hostname in WITH_BATCHES
    return 1.0, SHARE if known else 1.0


def _failed(entries: Sequence[Entry], error: str, raw: str | None = None) -> Iterator[tuple[int, Answer]]:
    for entry in entries:
        yield entry.position, Answer(status="error", error=error, raw=raw)
