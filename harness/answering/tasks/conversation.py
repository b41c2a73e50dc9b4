"""A prompt of several messages: what a chat model is sent, what a chat template renders, and how people read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import HarnessError

Turn = tuple[str, str]
"""A role and its text."""
ROLES = {"system": "System", "user": "User", "assistant": "Assistant"}
"""The roles that a message may have, and what people read for each."""


@dataclass(frozen=True)
class Conversation:
    """A prompt as messages: what a chat model is sent, and what a chat template renders."""

    messages: tuple[Turn, ...]
    """Role and text of each."""
    begun: bool = False
    """The last message is the beginning of the answer."""


def turns_of(prompt: Any) -> tuple[Turn, ...] | None:
    """Return the messages that a prompt is a list of (`role` and `content` each); None where it is a text.

    Raises:
        HarnessError: It is a list and holds something else, or does not end with the user, who is to be answered.
    """
    if isinstance(prompt, str) or not isinstance(prompt, Sequence):
        return None
    turns = tuple(_turn(place, message) for place, message in enumerate(prompt, 1))
    if not turns or turns[-1][0] != "user":
        raise HarnessError("a prompt of messages ends with one of the user, which is to be answered")
    return turns


def _turn(place: int, message: Any) -> Turn:
    known = {"role", "content", "name"}
    if not isinstance(message, Mapping) or message.get("role") not in ROLES:
        raise HarnessError(f"message {place} is none of {', '.join(ROLES)} with `role` and `content`: {message!r:.80}")
    if beyond := sorted(key for key, value in message.items() if value is not None and key not in known):
        raise HarnessError(f"message {place} has {', '.join(beyond)}: a message has `role` and `content` here")
    content = message.get("content")
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    texts = [part.get("text") for part in parts if isinstance(part, Mapping) and part.get("type") == "text"]
    if len(texts) < len(parts) or not all(isinstance(text, str) for text in texts):
        raise HarnessError(f"message {place} has a `content` that is no text: {content!r:.80}")
    return message["role"], "".join(map(str, texts))


def written(turns: Sequence[Turn]) -> str:
    """Return messages as people read them; a single one of the user is its text alone."""
    if len(turns) == 1:
        return turns[0][1]
    return "\n\n".join(f"{ROLES[role]}: {text}" for role, text in turns)


def with_system(system: str | None, turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Return messages after a system prompt, which stands before one that they have themselves."""
    if not system:
        return tuple(turns)
    own = [text for role, text in turns if role == "system"]
    return ("system", "\n\n".join([system, *own])), *(turn for turn in turns if turn[0] != "system")
