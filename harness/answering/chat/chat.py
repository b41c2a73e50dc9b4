"""What a chat client is: calls go in, answers come out as they finish, and a failed call is an answer with a status.

The interface is synchronous, so that it works in a script, in a thread, and inside Jupyter's running loop;
concurrency is the client's own business. Whatever decides an answer stands in `Chat.identity` or in the `Call`: the
two together are what a cache may be keyed on, and neither ever holds a key.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness.records import Status, digest

Message = tuple[str, str]
"""A role (`system`, `user`, `assistant`) and its text; a last one of the assistant is the beginning of the answer."""


@dataclass(frozen=True)
class Call:
    """One request to a chat model."""

    messages: tuple[Message, ...]
    max_tokens: int = 256
    temperature: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    top_logprobs: int = 0
    """How many of the most probable tokens to report at each position; 0 for none."""
    json_schema: Mapping[str, Any] | None = None
    """The JSON Schema that the answer is asked to follow."""
    words: tuple[str, ...] = ()
    """With `top_logprobs`: whose probabilities are wanted, for a model that weighs words rather than listing tokens."""
    repetition: int = 0
    """Tells apart calls that are otherwise the same, so that a cache keeps an answer for each."""
    again: bool = False
    """Ask also where a cache has an answer, which the new one replaces; decides nothing about the answer."""
    keep: Callable[[Answer], None] | None = field(default=None, compare=False, repr=False)
    """Is given the answer as soon as it came, before another call is sent in its place and before anybody sees it."""

    def key(self, identity: str) -> str:
        """Return the hash of everything that decides the answer of the model `identity` to this call."""
        decides = {name: value for name, value in vars(self).items() if name != "keep"}
        return digest(identity, {**decides, "again": False})


@dataclass(frozen=True)
class Answer:
    """What came of one call."""

    text: str | None = None
    """What the model wrote; None where it wrote nothing that can be used, never an empty stand-in."""
    reasoning: str | None = None
    """What the model thought before, where the server or the text tells it apart from the answer."""
    finish_reason: str | None = None
    status: Status = "ok"
    error: str | None = None
    top_logprobs: tuple[Mapping[str, float], ...] | None = None
    """For each token written, the log-probabilities of the most probable tokens."""
    logprobs: tuple[float, ...] | None = None
    """Of each token written, its own log-probability, where `top_logprobs` were asked for and the server says."""
    weighed: bool = False
    """`top_logprobs` has whole words, which may be several tokens."""
    prompt_tokens: int | None = None
    """All tokens of the prompt, those that the provider had cached among them."""
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None
    """None where the price is not known."""
    seconds: float | None = None
    raw: str | None = None
    """The provider's answer as it came, where it could not be used."""

    @property
    def tokens(self) -> tuple[int | None, int | None, int | None]:
        """Tokens of prompt, cache and completion."""
        return self.prompt_tokens, self.cached_tokens, self.completion_tokens

    def to_dict(self) -> dict[str, Any]:
        """Return every field."""
        return dict(vars(self))

    def to_json(self) -> str:
        """Return the answer as a JSON object, without the fields that are None."""
        return json.dumps(
            {name: value for name, value in vars(self).items() if value is not None and value is not False}
        )


class Chat(Protocol):
    """A client of one chat model."""

    @property
    def identity(self) -> str:
        """Model, base URL, and whatever else decides an answer beside the call: for ids and caches; never a key."""
        ...

    def price(self, prompt: int | None, cached: int | None, completion: int | None) -> float | None:
        """Return what a call costs in US dollars.

        Args:
            prompt: Tokens of the prompt, the cached ones among them.
            cached: Tokens of the prompt that the provider had cached.
            completion: Tokens of the answer.

        Returns:
            The price; None where it is not known.
        """
        ...

    def ask(self, calls: Iterable[Call]) -> Iterator[tuple[int, Answer]]:
        """Yield each call's position and answer, as they finish. A failed call is an answer with a status.

        The calls are taken when they can be sent, not before, so that there may be any number of them.
        """
        ...


AT_ONCE = 512
"""Calls that a client is best asked at once, where it does not say: what is written together when they are answered."""


@dataclass
class Around:
    """What stands around a client and changes nothing of its answers: identity and prices are those of the client."""

    chat: Chat

    @property
    def identity(self) -> str:
        """See `Chat.identity`."""
        return self.chat.identity

    @property
    def at_once(self) -> int:
        """Calls that are best asked at once."""
        return at_once(self.chat)

    def hand_in(self, calls: Iterable[Call]) -> None:
        """See `hand_in`."""
        hand_in(self.chat, calls)

    def price(self, prompt: int | None, cached: int | None, completion: int | None) -> float | None:
        """See `Chat.price`."""
        return self.chat.price(prompt, cached, completion)


def at_once(chat: Chat) -> int:
    """Return how many calls a client is best asked at once."""
    return int(getattr(chat, "at_once", AT_ONCE))


def hand_in(chat: Chat, calls: Iterable[Call]) -> None:
    """Send calls on their way whose answers are asked for later, if that is what a client does: one that asks by batch.

    Another one does not look at them.
    """
    if (take := getattr(chat, "hand_in", None)) is not None:
        take(calls)
