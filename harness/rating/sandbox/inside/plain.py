"""Plain data, the only thing that crosses between the tests and the candidate.

Values of exactly the built-in types cross as themselves, and a few containers of the standard library that compare
like them (an `OrderedDict`, a `Counter`); a subclass does not, because its `__eq__` would come along. Whatever else
the candidate returns stays on its side and crosses as a number: a handle that the tests can call, index and read
attributes of, each answer being plain data again, but never compare.

On the wire: JSON, in frames of bounded size. A list stands for itself; everything that JSON lacks is an object with
one key that names its type.
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

MAX_DEPTH = 200
CHUNK = 1 << 16
LARGEST_INTEGER = 1 << 53
"""Integers beyond this cross in hexadecimal, which reads in linear time."""
SCALARS = {str, int, float, bool, type(None)}
"""What JSON has itself; integers only where they are not too large."""
NAMED = {
    "OrderedDict": "collections",
    "Counter": "collections",
    "deque": "collections",
    "range": "builtins",
    "bytearray": "builtins",
    "Decimal": "decimal",
    "Fraction": "fractions",
    "date": "datetime",
    "datetime": "datetime",
    "timedelta": "datetime",
}
"""Other types that cross, and their modules, which are loaded when the first such value does."""
TYPES = {kind.__name__: kind for kind in vars(builtins).values() if isinstance(kind, type)}


_TEXT = json.JSONEncoder(separators=(",", ":")).encode


class TooLarge(Exception):
    """The data are larger or deeper than may cross."""


class Closed(Exception):
    """The other side is gone."""


def encode(value: Any, keep: Callable[[Any], Any], depth: int = 0) -> Any:
    """Return a value as what JSON can hold.

    Args:
        value: Anything.
        keep: Called with what is not plain; returns the object that stands for it.
        depth: How many containers are around the value.

    Raises:
        TooLarge: More than 200 containers in each other; a container that holds itself is one of those.
    """
    kind = type(value)
    if value is None or kind is str or kind is bool or kind is float:
        return value
    if kind is int:
        return value if -LARGEST_INTEGER <= value <= LARGEST_INTEGER else {"int": hex(value)}
    if depth > MAX_DEPTH:
        raise TooLarge(f"nested deeper than {MAX_DEPTH}")
    if kind is list:
        if _flat(value):
            return value
        return [encode(entry, keep, depth + 1) for entry in value]
    if kind is tuple or kind is set or kind is frozenset:
        return {kind.__name__: [encode(entry, keep, depth + 1) for entry in value]}
    if kind is dict or kind is collections.defaultdict:
        return {"dict": _pairs(value, keep, depth)}
    if kind is bytes:
        return {"bytes": value.hex()}
    if kind is complex:
        return {"complex": [value.real, value.imag]}
    if isinstance(value, type) and TYPES.get(value.__name__) is value:
        return {"type": value.__name__}
    if _named(kind) and getattr(value, "tzinfo", None) is None:
        return {kind.__name__: [encode(part, keep, depth + 1) for part in _parts(kind.__name__, value)]}
    if kind.__module__ == "numpy" and getattr(value, "shape", None) == ():
        return encode(value.item(), keep, depth + 1)
    return keep(value)


def _flat(entries: list[Any]) -> bool:
    """Tell, without a step of Python for each, whether a list's entries all stand for themselves."""
    kinds = set(map(type, entries))
    if kinds == {int}:
        return bool(min(entries) >= -LARGEST_INTEGER and max(entries) <= LARGEST_INTEGER)
    return kinds <= SCALARS and int not in kinds


def _pairs(mapping: Any, keep: Callable[[Any], Any], depth: int) -> list[Any]:
    return [[encode(key, keep, depth + 1), encode(entry, keep, depth + 1)] for key, entry in mapping.items()]


def _named(kind: type) -> bool:
    """Tell whether a type is one of those that cross by name, and no other of the same name."""
    module = sys.modules.get(NAMED.get(kind.__name__, ""))
    return module is not None and getattr(module, kind.__name__, None) is kind


def _parts(name: str, value: Any) -> tuple[Any, ...]:
    """Return the arguments that make an equal value of a named type."""
    if name in ("OrderedDict", "Counter"):
        return (dict(value),) if name == "Counter" else (list(value.items()),)
    if name == "deque":
        return (list(value), value.maxlen)
    if name == "range":
        return (value.start, value.stop, value.step)
    if name == "Fraction":
        return (value.numerator, value.denominator)
    if name == "datetime":
        return (value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond)
    if name == "date":
        return (value.year, value.month, value.day)
    if name == "timedelta":
        return (value.days, value.seconds, value.microseconds)
    return (str(value),) if name == "Decimal" else (bytes(value),)


def decode(data: Any, handle: Callable[[Any], Any]) -> Any:
    """Return the value that `encode` wrote; `handle` turns what stands for a kept object into something.

    Raises:
        ValueError, TypeError, KeyError: The data were not written by `encode`.
    """
    if isinstance(data, list):
        if set(map(type, data)) <= SCALARS:
            return data.copy()
        return [decode(entry, handle) for entry in data]
    if not isinstance(data, dict):
        return data
    ((kind, content),) = data.items()
    if kind == "int":
        return int(content, 16)
    if kind == "dict":
        return {decode(key, handle): decode(entry, handle) for key, entry in content}
    if kind == "bytes":
        return bytes.fromhex(content)
    if kind == "complex":
        return complex(*content)
    if kind in ("tuple", "set", "frozenset"):
        entries = [decode(entry, handle) for entry in content]
        return tuple(entries) if kind == "tuple" else set(entries) if kind == "set" else frozenset(entries)
    if kind == "type":
        return TYPES[content]
    if kind in NAMED:
        make = getattr(importlib.import_module(NAMED[kind]), kind)
        return make(*(decode(part, handle) for part in content))
    if kind == "handle":
        return handle(content)
    raise ValueError(f"unknown kind of data {kind!r:.60}")


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
