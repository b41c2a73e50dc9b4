"""A dry_run: a run that is thrown away, and clients that write down what they are asked and send nothing."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness.answering import (
    Answer,
    Around,
    Batched,
    Call,
    CallCache,
    EmbeddedChat,
    TrafficLimits,
    default_cache,
    direct_and_batched,
    make_chat,
    read_chat_spec,
)
from harness.rating import Surroundings
from harness.run import Run
from harness.suite import Suite

Range = tuple[float, float]
"""A low and a high figure."""

CHARACTERS = 4.0
"""Characters a token: about right for English."""
SHORT = 0.1
"""The low figure of an answer, as a share of what it may have at most."""
REMOTE = (0.5, 20.0)
"""Seconds a call to a server, low and high."""
BATCH = (60.0, 86400.0)
"""Seconds that a batch takes, low and high."""
READS, WRITES = (200.0, 700.0), (60.0, 160.0)
"""Tokens a second that the embedded model reads and writes on two cores, low and high."""
ASSUMED: tuple[str, ...] = (
    f"{CHARACTERS:g} characters a token",
    f"an answer has between {SHORT:.0%} and all of the tokens that it may have",
    f"a call to a server takes {REMOTE[0]:g} to {REMOTE[1]:g} seconds, or what its limits of traffic allow",
    "a batch takes a minute to a day",
    f"the embedded model reads {READS[0]:g} to {READS[1]:g} and writes {WRITES[0]:g} to {WRITES[1]:g} tokens a second",
)


@dataclass
class DryRun(Around):
    """A chat client that writes down what it is asked, and answers nothing but what the cache knows."""

    cache: CallCache
    limits: TrafficLimits
    calls: list[Call] = field(default_factory=list)
    billed: set[str] = field(default_factory=set)
    """Keys of calls on earlier bills: when their turn comes again, the cache has their answers."""

    def ask(self, calls: Iterable[Call]) -> Iterator[tuple[int, Answer]]:
        """See `Chat.ask`."""
        asked = list(calls)
        self.calls += asked
        keys = [call.key(self.identity) for call in asked]
        known = self.cache.find(keys)
        for place, key in enumerate(keys):
            yield place, known.get(key) or Answer(status="skipped", error="a dry run")

    def bill(self) -> dict[str, Any]:
        """Return what the calls since the last bill come to, as the fields of a line."""
        calls, self.calls = self.calls, []
        keys = {call.key(self.identity): call for call in calls}
        there = self.billed.intersection(keys) | self.cache.find(list(keys)).keys()
        self.billed.update(keys)
        new = [call for key, call in keys.items() if key not in there]
        prompts = [sum(len(text) for _, text in call.messages) / CHARACTERS for call in new]
        high = [float(call.max_tokens) for call in new]
        low = [max(1.0, SHORT * tokens) for tokens in high]
        costs = [self._costs(prompts, tokens) for tokens in (low, high)]
        directly, batched = direct_and_batched(self.chat)
        return {
            "calls": len(keys),
            "cached": len(there),
            "prompt_tokens": round(sum(prompts)),
            "completion_tokens": (round(sum(low)), round(sum(high))),
            "cost_usd": _times(costs, 1.0),
            "direct_usd": _times(costs, directly),
            "batch_usd": _times(costs, batched),
            "seconds": self._seconds(sum(prompts), sum(low), sum(high), len(new)),
        }

    def _costs(self, prompts: Sequence[float], completions: Sequence[float]) -> float | None:
        pairs = zip(prompts, completions, strict=True)
        each = [self.price(round(read), None, round(written)) for read, written in pairs]
        return None if None in each else math.fsum(one for one in each if one is not None)

    def _seconds(self, prompt: float, low: float, high: float, calls: int) -> Range | None:
        if isinstance(self.chat, EmbeddedChat):
            return prompt / READS[1] + low / WRITES[1], prompt / READS[0] + high / WRITES[0]
        if isinstance(self.chat, Batched):
            return BATCH if calls else (0.0, 0.0)
        if calls and not hasattr(self.chat, "base_url"):  # no server: a model on this machine, of unknown speed
            return None
        waves = calls / self.limits.concurrency
        paced = max(
            60 * calls / (self.limits.requests_per_minute or math.inf),
            60 * (prompt + high) / (self.limits.tokens_per_minute or math.inf),
        )
        return max(waves * REMOTE[0], paced), max(waves * REMOTE[1], paced)


def _times(costs: Sequence[float | None], factor: float) -> Range | None:
    low, high = costs
    return None if low is None or high is None else (low * factor, high * factor)


@contextmanager
def dry_run(folder: Path, suite: Suite) -> Iterator[Run]:
    """Give a run that has what the one in the folder has, and is thrown away."""
    with TemporaryDirectory(prefix="harness-plan-") as scratch:
        copy = Path(scratch) / "run"
        if (folder / "suite.yaml").is_file():
            Run.create(folder, suite)  # refuses another suite
            shutil.copytree(folder, copy, copy_function=_link, ignore=shutil.ignore_patterns("*.html", ".*"))
            for own in ("suite.yaml", "manifest.json"):  # these are written anew
                if (folder / own).is_file():
                    (copy / own).unlink()
                    shutil.copyfile(folder / own, copy / own)
        yield Run.create(copy, suite)


def _link(source: str, target: str) -> None:
    os.symlink(Path(source).resolve(), target)


@contextmanager
def dry_clients(place: Surroundings) -> Iterator[tuple[dict[str, DryRun], Surroundings]]:
    """Give the clients of a dry run, by their settings, and the surroundings that make them."""
    calls = CallCache((place.cache or default_cache()) / "calls.sqlite")
    clients: dict[str, DryRun] = {}

    def chat(model: str | Mapping[str, Any]) -> DryRun:
        spec = read_chat_spec(model)
        key = spec.model_dump_json()
        if key not in clients:
            clients[key] = DryRun(make_chat(model, place), calls, spec.limits)
        return clients[key]

    try:
        yield clients, replace(place, chat=chat)
    finally:
        calls.close()


def total(ranges: Sequence[Range | None]) -> Range | None:
    """Return the sums of low and high figures; None where one is not known."""
    if None in ranges:
        return None
    known = [one for one in ranges if one is not None]
    return sum(low for low, _ in known), sum(high for _, high in known)
