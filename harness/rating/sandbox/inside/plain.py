"""Plain data, the only thing that crosses between the tests and the candidate.

Values of exactly the built-in types cross as themselves, and a few containers of the standard library that compare
like them (an `OrderedDict`, a `Counter`); of a program's own types only those that are plain data with a name
(`own_types`), for another one's `__eq__` would come along. Whatever else
the candidate returns stays on its side and crosses as a number: a handle that the tests can call, index and read
attributes of, each answer being plain data again, but never compare.

On the wire: JSON, in frames of bounded size. A list stands for itself; everything that JSON lacks is an object with
one key that names its type. A question and its answer share their containers: one that comes a second time crosses as
its number, so that what was one list on one side is one list on the other.
"""

from __future__ import annotations

import builtins
import collections
import importlib
import json
import os
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any

from . import own_types

MAX_DEPTH = 200
CHUNK = 1 << 16
LARGEST_INTEGER = 1 << 53
"""Integers beyond this cross in hexadecimal, which reads in linear time."""
SCALARS = {str, int, float, bool, type(None)}
"""What JSON has itself; integers only where they are not too large."""
CONTAINERS = {
    list,
    dict,
    set,
    bytearray,
    collections.defaultdict,
    collections.OrderedDict,
    collections.Counter,
    collections.deque,
}
"""What can be changed in place."""
MUTABLE = {kind.__name__: kind for kind in CONTAINERS}
FACTORIES = {kind.__name__: kind for kind in (list, dict, set, int, str, float, bool, tuple)}
"""What a `defaultdict` may make of itself on the other side; another factory is asked there, on its own side."""
NAMED = {
    "range": "builtins",
    "slice": "builtins",
    "Decimal": "decimal",
    "Fraction": "fractions",
    "date": "datetime",
    "datetime": "datetime",
    "timedelta": "datetime",
}
"""Other types that cross, and their modules, which are loaded when the first such value does."""
TYPES = {kind.__name__: kind for kind in vars(builtins).values() if isinstance(kind, type)} | {"Ellipsis": Ellipsis}


_TEXT = json.JSONEncoder(separators=(",", ":")).encode


def size(data: Any) -> int:
    """Return the bytes that encoded data take on the wire."""
    return len(_TEXT(data))


class TooLarge(Exception):
    """The data are larger or deeper than may cross."""


class Closed(Exception):
    """The other side is gone."""


class Shared:
    """The containers that a question and its answer hold, in the order in which both sides meet them."""

    __slots__ = ("_numbers", "things")

    def __init__(self) -> None:
        self.things: list[Any] = []
        self._numbers: dict[int, int] = {}

    def add(self, thing: Any) -> None:
        """Give a container the next number."""
        self._numbers[id(thing)] = len(self.things)
        self.things.append(thing)

    def number(self, thing: Any) -> int | None:
        """Return the number of a container that has one; a new one gets the next, and None is returned."""
        number = self._numbers.get(id(thing))
        if number is None:
            self.add(thing)
        return number


def encode(value: Any, keep: Callable[[Any], Any], shared: Shared, depth: int = 0) -> Any:
    """Return a value as what JSON can hold.

    Args:
        value: Anything.
        keep: Called with what is not plain; returns the object that stands for it.
        shared: The containers that have crossed already; those of the value are added.
        depth: How many containers are around the value.

    Raises:
        TooLarge: More than 200 containers in each other.
    """
    kind = type(value)
    if value is None or kind is str or kind is bool or kind is float:
        return value
    if kind is int:
        return value if -LARGEST_INTEGER <= value <= LARGEST_INTEGER else {"int": hex(value)}
    if depth > MAX_DEPTH:
        raise TooLarge(f"nested deeper than {MAX_DEPTH}")
    if kind in CONTAINERS:
        number = shared.number(value)
        if number is not None:
            return {"same": number}
        content = encode_content(value, keep, shared, depth)
        return content if kind is list else {kind.__name__: content}
    if kind is tuple or kind is frozenset:
        return {kind.__name__: [encode(entry, keep, shared, depth + 1) for entry in value]}
    if kind is bytes:
        return {"bytes": value.hex()}
    if kind is complex:
        return {"complex": [value.real, value.imag]}
    named = getattr(value, "__name__", "") if issubclass(kind, type) else "Ellipsis" if value is ... else ""
    if named and TYPES.get(named) is value:
        return {"type": named}
    if _named(kind) and getattr(value, "tzinfo", None) is None:
        return {kind.__name__: [encode(part, keep, shared, depth + 1) for part in _parts(kind.__name__, value)]}
    if kind.__module__ == "numpy" and getattr(value, "shape", None) == ():
        return encode(value.item(), keep, shared, depth + 1)
    own = own_types.described(value)
    return {own[0]: encode(own[1], keep, shared, depth + 1)} if own else keep(value)


def encode_content(container: Any, keep: Callable[[Any], Any], shared: Shared, depth: int = 0) -> Any:
    """Return what is in a container, as what JSON can hold: entries, or pairs of key and value."""
    kind = type(container)
    if kind is list and _flat(container):
        return container
    if kind is bytearray:
        return container.hex()
    if isinstance(container, dict):
        pairs = [
            [encode(key, keep, shared, depth + 1), encode(entry, keep, shared, depth + 1)]
            for key, entry in container.items()
        ]
        if kind is not collections.defaultdict:
            return pairs
        made_by = getattr(container, "default_factory", None)
        factory = getattr(made_by, "__name__", "")
        known = made_by is None or FACTORIES.get(factory) is made_by
        return [(factory or None) if known else keep(made_by), pairs]
    entries = [encode(entry, keep, shared, depth + 1) for entry in container]
    return [container.maxlen, entries] if kind is collections.deque else entries


def _flat(entries: list[Any]) -> bool:
    """Tell, without a step of Python for each, whether a list's entries all stand for themselves."""
    kinds = set(map(type, entries))
    if kinds == {int}:
        return bool(min(entries) >= -LARGEST_INTEGER and max(entries) <= LARGEST_INTEGER)
    return kinds <= SCALARS and int not in kinds


def _named(kind: type) -> bool:
    """Tell whether a type is one of those that cross by name, and no other of the same name."""
    module = sys.modules.get(NAMED.get(kind.__name__, ""))
    return module is not None and getattr(module, kind.__name__, None) is kind


def _parts(name: str, value: Any) -> tuple[Any, ...]:
    """Return the arguments that make an equal value of a named type."""
    if name in ("range", "slice"):
        return (value.start, value.stop, value.step)
    if name == "Fraction":
        return (value.numerator, value.denominator)
    if name == "datetime":
        return (value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond)
    if name == "date":
        return (value.year, value.month, value.day)
    if name == "timedelta":
        return (value.days, value.seconds, value.microseconds)
    return (str(value),)


def decode(data: Any, handle: Callable[[Any], Any], shared: Shared) -> Any:
    """Return the value that `encode` wrote; `handle` turns what stands for a kept object into something.

    Raises:
        ValueError, TypeError, LookupError: The data were not written by `encode`.
    """
    if isinstance(data, list):
        found: Any = []
        shared.add(found)
        fill(found, data, handle, shared)
        return found
    if not isinstance(data, dict):
        return data
    ((kind, content),) = data.items()
    if kind == "same":
        return shared.things[content]
    if kind == "int":
        return int(content, 16)
    if kind in MUTABLE:
        found = MUTABLE[kind]()
        if kind == "deque":
            found = collections.deque(maxlen=content[0])
        elif kind == "defaultdict" and content[0] is not None:
            own = isinstance(content[0], dict)
            found = collections.defaultdict(handle(content[0]["handle"]) if own else FACTORIES[content[0]])
        shared.add(found)
        fill(found, content, handle, shared)
        return found
    if kind == "bytes":
        return bytes.fromhex(content)
    if kind == "complex":
        return complex(*content)
    if kind == "tuple" or kind == "frozenset":
        entries = [decode(entry, handle, shared) for entry in content]
        return tuple(entries) if kind == "tuple" else frozenset(entries)
    if kind == "type":
        return TYPES[content]
    if kind in NAMED:
        make = getattr(importlib.import_module(NAMED[kind]), kind)
        return make(*(decode(part, handle, shared) for part in content))
    if kind == "handle":
        return handle(content)
    if kind in own_types.MAKERS:
        return own_types.MAKERS[kind](decode(content, handle, shared))
    raise ValueError(f"unknown kind of data {kind!r:.60}")


def fill(container: Any, content: Any, handle: Callable[[Any], Any], shared: Shared) -> None:
    """Give a container the content that `encode_content` wrote, in the place of what it has.

    Raises:
        ValueError, TypeError, LookupError: The content was not written by `encode_content`.
    """
    if type(container) is bytearray:
        container[:] = bytes.fromhex(content)
    elif isinstance(container, dict):
        content = content[1] if type(container) is collections.defaultdict else content
        pairs = [(decode(key, handle, shared), decode(entry, handle, shared)) for key, entry in content]
        container.clear()
        container.update(dict(pairs))
    else:
        entries = content[1] if type(container) is collections.deque else content
        flat = set(map(type, entries)) <= SCALARS
        entries = entries if flat else [decode(entry, handle, shared) for entry in entries]
        container.clear()
        container.update(entries) if type(container) is set else container.extend(entries)


class Descriptor:
    """A socket's number, with as much of a socket as a channel needs: a `socket.socket` costs every check."""

    def __init__(self, number: int) -> None:
        """Take a connected stream socket."""
        self.number = number

    def recv(self, size: int) -> bytes:
        """Return at most so many bytes; none where the other side is gone."""
        return os.read(self.number, size)

    def sendall(self, data: bytes) -> None:
        """Send all of the bytes."""
        while data:
            data = data[os.write(self.number, data) :]


class Channel:
    """One end of a socket that carries JSON in frames of bounded size."""

    def __init__(self, end: socket.socket | Descriptor, limit: int) -> None:
        """Wrap a connected stream socket; `limit` is the largest frame in bytes."""
        self.end = end
        self.limit = limit
        self._read = bytearray()

    def send(self, message: Any) -> None:
        """Send one message.

        Raises:
            TooLarge: It is larger than the limit.
            Closed: Nobody is there to read it.
        """
        data = _TEXT(message).encode("ascii")
        if len(data) > self.limit:
            raise TooLarge(f"{len(data):,} bytes, more than {self.limit:,} may cross")
        try:
            self.end.sendall(struct.pack("<I", len(data)) + data)
        except TimeoutError:
            raise
        except OSError as error:
            raise Closed(str(error)) from error

    def receive(self) -> Any:
        """Return the next message.

        Raises:
            TooLarge: It says that it is larger than the limit, or is nested too deeply to be read.
            Closed: The other side is gone.
            ValueError: It is no JSON.
        """
        (size,) = struct.unpack("<I", self._exactly(4))
        if size > self.limit:
            raise TooLarge(f"{size:,} bytes, more than {self.limit:,} may cross")
        try:
            return json.loads(self._exactly(size).decode("ascii"))
        except RecursionError as error:
            raise TooLarge("nested too deeply") from error

    def _exactly(self, size: int) -> bytes:
        while len(self._read) < size:
            try:
                part = self.end.recv(CHUNK)
            except TimeoutError:
                raise
            except OSError as error:
                raise Closed(str(error)) from error
            if not part:
                raise Closed("closed")
            self._read += part
        data = bytes(self._read[:size])
        del self._read[:size]
        return data
