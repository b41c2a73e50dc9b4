"""A client for judges that asks no model: its answers are a function of the call, and it keeps what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from harness.answering.chat.chat import Answer, Call


class ScriptedChat:
    """A chat client whose model is a function."""

    def __init__(self, answer: Callable[[Call], Answer], identity: str = "scripted") -> None:
        """Take the function, and what the client calls itself."""
        self.answer = answer
        self.identity = identity
        self.calls: list[Call] = []

    def ask(self, calls: Iterable[Call]) -> Iterator[tuple[int, Answer]]:
        """Answer each call in turn."""
        for position, call in enumerate(calls):
            self.calls.append(call)
            yield position, self.answer(call)
