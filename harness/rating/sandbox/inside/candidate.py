"""The candidate's side: runs a program that nobody trusts and answers calls to what it defines.

Nothing here is a defence. Whatever the program does to this module, it can only change its own answers; the verdict is
made on the other side.
"""

from __future__ import annotations

import builtins
import copy
import operator
import sys
import types
from collections.abc import Sequence
from os import _exit
from typing import Any

from . import plain
from .handles import shape_of

KEPT_OUTPUT = 4_000_000
"""Bytes of standard output of a program that are kept."""
LONGEST_TEXT = 10_000
"""Characters of an exception's text that cross."""


class Candidate:
    """A loaded program, the objects that stay on its side, and the answers to calls."""

    def __init__(self, source: str, name: str, channel: plain.Channel, given: Sequence[str] = ()) -> None:
        """Take a program, and what its problem gives it; nothing runs before `load`."""
        self.source = source
        self.given = given
        self.channel = channel
        self.module = types.ModuleType(name)
        self.kept: list[Any] = []
        self.numbers: dict[int, int] = {}
        vars(builtins).update(exit=sys.exit, quit=sys.exit)  # as `site` does, which the sandbox does without

    def load(self) -> dict[str, Any]:
        """Run the program's top level and return the names that it defines, and what each is."""
        sys.modules[self.module.__name__] = self.module
        space = self.module.__dict__
        before = run(self.source, space, self.given)
        new = {name: value for name, value in space.items() if before.get(name, before) is not value}
        return {name: _sort(value) for name, value in new.items() if type(name) is str}

    def keep(self, value: Any) -> Any:
        """Keep an object that cannot cross, and return what stands for it: the same each time."""
        number = self.numbers.setdefault(id(value), len(self.kept))
        if number == len(self.kept):
            self.kept.append(value)
        return {"handle": [number, type(value).__name__, shape_of(value)]}

    def kept_object(self, content: Any) -> Any:
        """Return an object by what stands for it."""
        return self.kept[content[0]]

    def answer(self, question: list[Any]) -> Any:
        """Do what the tests ask, and return the answer as a message: what came, and what changed in the arguments."""
        verb, target, *rest = question
        if verb == "run":
            return ["value", self.run(target), []]
        thing = self.kept[target] if type(target) is int else getattr(self.module, target)
        shared = plain.Shared()
        given = [plain.decode(part, self.kept_object, shared) for part in rest]
        before = [copy.copy(container) for container in shared.things]
        try:
            result = OPERATIONS[verb](thing, *given)
        except Exception as error:
            return self.fault(error, self.changes(before, shared))
        changed = self.changes(before, shared)
        return ["value", plain.encode(result, self.keep, shared), changed]

    def changes(self, before: list[Any], shared: plain.Shared) -> list[Any]:
        """Return the number and the content of every container of the arguments that is not as it was."""
        there = enumerate(zip(before, shared.things[: len(before)], strict=True))
        return [
            [number, plain.encode_content(now, self.keep, shared)]
            for number, (was, now) in there
            if not _unchanged(was, now)
        ]

    def fault(self, error: BaseException, changed: list[Any]) -> list[Any]:
        """Return the message that tells the tests of an exception: name, built-in kinds, text, what made it."""
        own, kinds = _lineage(type(error))
        try:
            text = str(error)[:LONGEST_TEXT]
        except Exception:
            text = ""
        try:
            shared = plain.Shared()
            made_of = plain.encode([list(_made_of(error)), vars(error)], _refuse, shared)
        except Exception:
            made_of = None
        if plain.size(made_of) > LONGEST_TEXT:
            made_of = None
        name = str(type(error).__name__)[:100]
        number = self.keep(error)["handle"][0]
        return ["raised", [name, kinds, text, made_of, number, own], changed]

    def run(self, given: str) -> str:
        """Run the program from its start with the given standard input, and return what it printed."""
        from .streams import Left, Streams

        main = types.ModuleType("__main__")
        sys.modules["__main__"] = main
        streams = Streams(given, KEPT_OUTPUT)
        try:
            run(self.source, main.__dict__, self.given)
        except (SystemExit, Left) as end:
            if end.code not in (None, 0, False):
                raise
        return streams.ended()


def run(source: str, space: dict[str, Any], given: Sequence[str] = ()) -> dict[str, Any]:
    """Run a program in a namespace, which has what its problem gives it; return what was there before it ran."""
    for part in given:
        try:
            exec(compile(part, "<given>", "exec", dont_inherit=True), space)
        except Exception:
            continue  # a module that is not here is missed by who uses it
    before = dict(space)
    exec(compile(source, "<candidate>", "exec", dont_inherit=True), space)
    return before


def _sort(value: Any) -> Any:
    """Return whether a name is a function, a class or a value; of an exception's class what it comes from."""
    if isinstance(value, type) and issubclass(value, Exception):
        return list(_lineage(value))
    return "class" if isinstance(value, type) else "function" if callable(value) else "value"


def _lineage(kind: type) -> tuple[list[str], list[str]]:
    """Return the names of what a class comes from: those of the program's own, and those built in."""
    builtin = [one.__name__ for one in kind.__mro__ if one.__module__ == "builtins"]
    return [one.__name__ for one in kind.__mro__ if one.__module__ != "builtins"], builtin


def _unchanged(was: Any, now: Any) -> bool:
    """Tell whether a container holds the very same things as its copy."""
    if len(was) != len(now):
        return False
    if isinstance(now, dict):
        return all(map(operator.is_, was, now)) and all(map(operator.is_, was.values(), now.values()))
    return was == now if type(now) in (set, bytearray) else all(map(operator.is_, was, now))


def _made_of(error: BaseException) -> tuple[Any, ...]:
    """Return the arguments that make an exception again; a file's name is not among an `OSError`'s own."""
    if isinstance(error, OSError) and error.filename is not None:
        return (*error.args, error.filename, None, error.filename2)
    return error.args


def _refuse(value: Any) -> Any:
    raise TypeError(f"a {type(value).__name__} is no plain data")


def _finished(coroutine: Any) -> Any:
    """Run a coroutine to its end and return what it returns."""
    import asyncio

    return asyncio.run(coroutine)


OPERATIONS: dict[str, Any] = {
    "call": lambda thing, arguments, named: thing(*arguments, **named),
    "name": lambda thing: thing,
    "get": getattr,
    "set": setattr,
    "item": lambda thing, key: thing[key],
    "put": operator.setitem,
    "delete": delattr,
    "drop": operator.delitem,
    "iter": iter,
    "next": next,
    "len": len,
    "text": str,
    "shown": repr,
    "await": _finished,
}


def serve(job: dict[str, Any], channel: plain.Channel) -> None:
    """Load the program, then answer until the tests are through; ends the process."""
    candidate = Candidate(job["source"], job["name"], channel, job["given"])
    try:
        names = {} if job["name"] == "__main__" else candidate.load()
        channel.send(["value", plain.encode(names, candidate.keep, plain.Shared()), []])
    except BaseException as error:
        channel.send(candidate.fault(error, []))
        _exit(0)
    while True:
        try:
            question = channel.receive()
        except plain.Closed:
            _exit(0)
        try:
            channel.send(candidate.answer(question))
        except plain.TooLarge as error:
            channel.send(["large", str(error)])
        except BaseException as error:
            channel.send(candidate.fault(error, []))
