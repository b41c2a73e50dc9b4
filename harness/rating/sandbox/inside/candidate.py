"""The candidate's side: runs a program that nobody trusts and answers calls to what it defines.

Nothing here is a defence. Whatever the program does to this module, it can only change its own answers; the verdict is
made on the other side.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import types
from typing import Any

from . import plain

KEPT_OUTPUT = 4_000_000
"""Characters of standard output that a program may print."""


class Candidate:
    """A loaded program, the objects that stay on its side, and the answers to calls."""

    def __init__(self, source: str, name: str, channel: plain.Channel) -> None:
        """Take a program; nothing runs before `load`."""
        self.source = source
        self.channel = channel
        self.module = types.ModuleType(name)
        self.kept: list[Any] = []

    def load(self) -> dict[str, bool]:
        """Run the program's top level and return the names that it defines, and which of them can be called."""
        sys.modules[self.module.__name__] = self.module
        exec(compile(self.source, "<candidate>", "exec"), self.module.__dict__)
        return {name: callable(value) for name, value in self.module.__dict__.items() if type(name) is str}

    def keep(self, value: Any) -> Any:
        """Keep an object that cannot cross, and return what stands for it."""
        self.kept.append(value)
        return {"handle": [len(self.kept) - 1, type(value).__name__]}

    def kept_object(self, content: Any) -> Any:
        """Return an object by what stands for it."""
        return self.kept[content[0]]

    def answer(self, question: list[Any]) -> Any:
        """Do what the tests ask, and return the answer as a message."""
        verb, target, *rest = question
        if verb == "run":
            return ["value", self.run(target), None]
        thing = self.kept[target] if type(target) is int else getattr(self.module, target)
        if verb == "call":
            return self.call(thing, *rest)
        arguments = plain.decode(rest, self.kept_object)
        return ["value", plain.encode(OPERATIONS[verb](thing, *arguments), self.keep), None]

    def call(self, thing: Any, sent_arguments: Any, sent_named: Any) -> Any:
        """Call a function; what it changed in its arguments goes back if it returned None."""
        arguments = plain.decode(sent_arguments, self.kept_object)
        named = plain.decode(sent_named, self.kept_object)
        result = thing(*arguments, **named)
        if result is None:
            now = plain.encode(arguments, self.keep)
            return ["value", None, now if now != sent_arguments else None]
        return ["value", plain.encode(result, self.keep), None]

    def run(self, given: str) -> str:
        """Run the program from its start with the given standard input, and return what it printed."""
        main = types.ModuleType("__main__")
        sys.modules["__main__"] = main
        raw = io.BytesIO()
        import threading

        reader, writer = os.pipe()
        threading.Thread(target=_feed, args=(writer, given.encode()), daemon=True).start()
        if reader:  # else an earlier input's descriptor was closed, and this one has its number already
            os.dup2(reader, 0)
            os.close(reader)
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - the program's, to its end
        sys.stdout = io.TextIOWrapper(raw, write_through=True)
        try:
            exec(compile(self.source, "<candidate>", "exec"), main.__dict__)
        except SystemExit as end:
            if end.code not in (None, 0):
                raise
        sys.stdout.flush()
        return raw.getvalue()[:KEPT_OUTPUT].decode(errors="replace")


def _feed(writer: int, data: bytes) -> None:
    """Write a program's standard input; a program that does not read it all is no failure."""
    with contextlib.suppress(OSError), open(writer, "wb") as pipe:
        pipe.write(data)


OPERATIONS: dict[str, Any] = {
    "name": lambda thing: thing,
    "get": getattr,
    "set": setattr,
    "item": lambda thing, key: thing[key],
    "put": lambda thing, key, value: thing.__setitem__(key, value),
    "iter": iter,
    "next": next,
    "len": len,
    "text": str,
}


def fault(error: BaseException) -> list[Any]:
    """Return the message that tells the tests of an exception: its name, its built-in kinds, its text."""
    kinds = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins"]
    try:
        text = str(error)[:500]
    except Exception:
        text = ""
    return ["raised", str(type(error).__name__)[:100], kinds, text.encode(errors="replace").decode()]


def serve(job: dict[str, Any], channel: plain.Channel) -> None:
    """Load the program, then answer until the tests are through; ends the process."""
    candidate = Candidate(job["source"], job["name"], channel)
    try:
        names = {} if job["name"] == "__main__" else candidate.load()
        channel.send(["value", plain.encode(names, candidate.keep), None])
    except BaseException as error:
        channel.send(fault(error))
        os._exit(0)
    while True:
        try:
            question = channel.receive()
        except plain.Closed:
            os._exit(0)
        try:
            channel.send(candidate.answer(question))
        except BaseException as error:
            channel.send(fault(error))
