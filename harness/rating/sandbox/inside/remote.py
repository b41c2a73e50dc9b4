"""The candidate as the tests see it: questions go out, plain data come back.

A handle stands for what could not cross. It can be called, indexed and asked for attributes, but a comparison, a truth
value or a hash of it would let the candidate's own code decide, so those end the check.
"""

from __future__ import annotations

import builtins
import time
from collections.abc import Callable
from typing import Any, NoReturn

from . import plain


class Ended(BaseException):
    """The check cannot go on; not an `Exception`, so that tests which catch those do not catch it."""

    def __init__(self, outcome: str, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason


class CandidateError(Exception):
    """An exception of the candidate that is no built-in one."""


class Candidate:
    """The candidate as the tests see it: something that answers questions."""

    def __init__(self, channel: plain.Channel, seconds: float) -> None:
        """Take the channel to the candidate, and the seconds that it has for all answers; the channel limits each."""
        self.channel = channel
        self.deadline = time.monotonic() + seconds
        self.raised: BaseException | None = None
        self.names: dict[str, bool] = dict(self.read())
        """What the program defines, and whether it can be called."""

    def ask(self, verb: str, target: str | int, *content: Any) -> Any:
        """Ask one question and return the decoded answer."""
        try:
            self.in_time()
            self.channel.send([verb, target, *(plain.encode(part, _own) for part in content)])
        except TimeoutError:
            raise Ended("timeout", "not answered in time") from None
        except plain.Closed:
            raise Ended("gone", "the candidate's process ended before the tests were through") from None
        except plain.TooLarge as error:
            raise Ended("failed", f"the arguments are too large: {error}") from None
        return self.read(content[0] if verb == "call" else None)

    def in_time(self) -> None:
        """End the check if its time is over."""
        if time.monotonic() >= self.deadline:
            raise Ended("timeout", "not answered in time")

    def read(self, arguments: Any = None) -> Any:
        """Read one answer; what a call changed in its arguments is changed here as well."""
        try:
            self.in_time()
            kind, *content = self.channel.receive()
            if kind == "raised":
                name, kinds, text = content
                self.throw(str(name), [str(base) for base in kinds], str(text))
            if kind != "value":
                raise ValueError(f"unknown answer {kind!r:.40}")
            value, changed = content
            if changed is not None and arguments is not None:
                for old, new in zip(arguments, plain.decode(changed, self.handle), strict=True):
                    _replace(old, new)
            return plain.decode(value, self.handle)
        except TimeoutError:
            raise Ended("timeout", "not answered in time") from None
        except plain.Closed:
            raise Ended("gone", "the candidate's process ended before the tests were through") from None
        except (plain.TooLarge, ValueError, TypeError, KeyError, ArithmeticError, RecursionError, MemoryError) as error:
            if error is self.raised:
                raise
            raise Ended("failed", f"the answer is no plain data: {type(error).__name__}: {error}"[:300]) from None

    def throw(self, name: str, kinds: list[str], text: str) -> NoReturn:
        """Raise here what the candidate raised there."""
        if name == "TooLarge":
            raise Ended("failed", f"the answer is too large: {text}")
        if "Exception" not in kinds:
            raise Ended("failed", f"{name}: {text}")
        for kind in kinds:
            known = getattr(builtins, kind, None)
            if isinstance(known, type) and issubclass(known, Exception):
                self.raised = CandidateError(f"{name}: {text}") if known is Exception else _made(known, text)
                raise self.raised
        raise Ended("failed", f"{name}: {text}")

    def handle(self, content: Any) -> Handle:
        """Return what stands for an object that stayed on the other side."""
        number, kind = content
        if type(number) is not int:
            raise ValueError("a handle is a number")
        return Handle(self, number, str(kind)[:80])

    def stub(self, name: str) -> Any:
        """Return what the tests get for one of the candidate's names: a function, or plain data."""
        if not self.names[name]:
            value = self.ask("name", name)
            if not isinstance(value, Handle):
                return value

        def stand_in(*arguments: Any, **named: Any) -> Any:
            return self.ask("call", name, arguments, named)

        stand_in.__name__ = stand_in.__qualname__ = name
        return stand_in


def _made(kind: type[Exception], text: str) -> Exception:
    try:
        return kind(text)
    except Exception:
        return CandidateError(f"{kind.__name__}: {text}")


def _own(value: Any) -> Any:
    if type(value) is Handle:
        return {"handle": [object.__getattribute__(value, "_number"), ""]}
    raise Ended("uncrossable", f"the tests give the candidate a {type(value).__name__}, which cannot cross")


def _replace(old: Any, new: Any) -> None:
    """Give a container the contents that it has on the other side."""
    if type(old) is not type(new):
        return
    if isinstance(old, list):
        if len(old) == len(new):
            for position, entry in enumerate(new):
                if _container(old[position]) and type(old[position]) is type(entry):
                    _replace(old[position], entry)
                else:
                    old[position] = entry
        else:
            old[:] = new
    elif isinstance(old, dict):
        old.clear()
        old.update(new)
    elif isinstance(old, set):
        old.clear()
        old |= new
    elif isinstance(old, bytearray):
        old[:] = new


def _container(value: Any) -> bool:
    return isinstance(value, list | dict | set | bytearray)


class Handle:
    """An object that stayed with the candidate."""

    __slots__ = ("_candidate", "_kind", "_number")

    def __init__(self, candidate: Candidate, number: int, kind: str) -> None:
        object.__setattr__(self, "_candidate", candidate)
        object.__setattr__(self, "_number", number)
        object.__setattr__(self, "_kind", kind)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _about(self, "get", name)

    def __setattr__(self, name: str, value: Any) -> None:
        _about(self, "set", name, value)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the object."""
        return _about(self, "call", arguments, named)

    def __getitem__(self, key: Any) -> Any:
        return _about(self, "item", key)

    def __setitem__(self, key: Any, value: Any) -> None:
        _about(self, "put", key, value)

    def __iter__(self) -> Any:
        return _about(self, "iter")

    def __next__(self) -> Any:
        return _about(self, "next")

    def __len__(self) -> int:
        return int(_about(self, "len"))

    def __str__(self) -> str:
        return str(_about(self, "text"))


def _about(handle: Handle, verb: str, *content: Any) -> Any:
    candidate: Candidate = object.__getattribute__(handle, "_candidate")
    return candidate.ask(verb, object.__getattribute__(handle, "_number"), *content)


def kind_of(handle: Handle) -> str:
    """Return the name of the type of the object that a handle stands for."""
    return str(object.__getattribute__(handle, "_kind"))


def _refused(name: str) -> Callable[..., NoReturn]:
    def operation(self: Handle, *_: Any) -> NoReturn:
        raise Ended("opaque", f"the tests need {name} of the candidate's own {kind_of(self)}")

    return operation


REFUSED = (
    "eq ne lt le gt ge bool hash contains repr format int float index complex bytes add radd sub rsub mul rmul truediv "
    "rtruediv floordiv rfloordiv mod rmod pow rpow and rand or ror xor rxor neg pos abs invert enter exit reversed"
)
for _name in REFUSED.split(" "):
    setattr(Handle, f"__{_name}__", _refused(f"__{_name}__"))
