"""What stands, on the tests' side, for an object that stays with the candidate.

A handle has the shape of its object: it can be called, iterated or measured where that can. Calls, attributes, entries
and texts are asked for and come as plain data. What would let the candidate's own code decide (a comparison, a truth
value, a hash, a sum that is compared later), or asks for what only a type here can tell, ends the check as `opaque`.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from functools import cache
from typing import Any, NoReturn

DECIDING = (
    "eq ne lt le gt ge bool hash format int float index complex bytes add radd sub rsub mul rmul truediv rtruediv "
    "floordiv rfloordiv mod rmod pow rpow and rand or ror xor rxor neg pos abs invert enter exit reversed"
)
"""Special methods by which an object of the candidate's may not decide, whether its type has them or not."""
MIRRORED = "copy deepcopy reduce reduce_ex getstate mro_entries dir"
"""Those that Python would do by itself with the handle in place of the object."""
REFUSED = (
    "divmod rdivmod matmul rmatmul lshift rlshift rshift rrshift round trunc floor ceil iadd isub imul itruediv "
    "ifloordiv imod ipow imatmul ilshift irshift iand ior ixor length_hint aiter anext aenter aexit await "
    "instancecheck subclasscheck get fspath"
)
"""Those that nobody may decide by, of types that have them; others lack them here too."""
ASKED = ("call", "getitem", "setitem", "delitem", "iter", "next", "len", "contains")
"""Those that the candidate is asked."""
FIELDS = "__dataclass_fields__"
TOLD = ("__dict__", "__name__", "__qualname__", "__annotations__", "__defaults__", "__wrapped__")
"""Attributes with such names that the candidate is asked for; others are the handle's own."""


class Ended(BaseException):
    """The check cannot go on; not an `Exception`, so that tests which catch those do not catch it."""

    def __init__(self, outcome: str, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason


def shape_of(value: Any) -> str:
    """Return which special methods the type of an object has, on the side where it is."""
    own: dict[str, Any] = {}
    for kind in reversed(type(value).__mro__[:-1]):
        own.update(vars(kind))
    names = [name for name in (*REFUSED.split(" "), *ASKED) if own.get(f"__{name}__") is not None]
    return " ".join([*names, *(["fields"] if FIELDS in own else [])])


class Handle:
    """An object that stayed with the candidate."""

    __slots__ = ("_candidate", "_kind", "_number")

    def __init__(self, candidate: Any, number: int, kind: str) -> None:
        object.__setattr__(self, "_candidate", candidate)
        object.__setattr__(self, "_number", number)
        object.__setattr__(self, "_kind", kind)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """What `isinstance` asks: of types that only a program can make, a generator alone can be named here."""
        return types.GeneratorType if kind_of(self) == "generator" else type(self)

    def __getattr__(self, name: str) -> Any:
        if name == "__bases__":
            raise Ended("opaque", f"the tests ask what the candidate's own {kind_of(self)} comes from")
        if name.startswith("__") and name not in TOLD:
            raise AttributeError(name)
        return about(self, "get", name)

    def __setattr__(self, name: str, value: Any) -> None:
        about(self, "set", name, value)

    def __delattr__(self, name: str) -> None:
        about(self, "delete", name)

    def __str__(self) -> str:
        return str(about(self, "text"))

    def __repr__(self) -> str:
        return str(about(self, "shown"))


def about(handle: Handle, verb: str, *content: Any) -> Any:
    """Ask the candidate something of an object of its own."""
    candidate = object.__getattribute__(handle, "_candidate")
    return candidate.ask(verb, object.__getattribute__(handle, "_number"), *content)


def kind_of(handle: Handle) -> str:
    """Return the name of the type of the object that a handle stands for."""
    return str(object.__getattribute__(handle, "_kind"))


def is_handle(value: Any) -> bool:
    """Tell whether a value stands for an object of the candidate's."""
    return issubclass(type(value), Handle)


async def awaited(handle: Handle) -> Any:
    """Have a coroutine run on its own side."""
    return about(handle, "await")


def _refused(name: str) -> Callable[..., NoReturn]:
    def operation(self: Handle, *_: Any) -> NoReturn:
        raise Ended("opaque", f"the tests need {name} of the candidate's own {kind_of(self)}")

    return operation


def _call(self: Handle, *arguments: Any, **named: Any) -> Any:
    return about(self, "call", arguments, named)


def _contains(self: Any, value: Any) -> bool:
    return any(entry is value or entry == value for entry in self)


ANSWERS: dict[str, Callable[..., Any]] = {
    "call": _call,
    "getitem": lambda self, key: about(self, "item", key),
    "setitem": lambda self, key, value: about(self, "put", key, value),
    "delitem": lambda self, key: about(self, "drop", key),
    "iter": lambda self: about(self, "iter"),
    "next": lambda self: about(self, "next"),
    "len": lambda self: int(about(self, "len")),
    "contains": _contains,
}


@cache
def handle_type(name: str, shape: str) -> type[Handle]:
    """Return the type of the handles of objects of one type, with its name and its shape."""
    wanted = set(shape.split(" "))
    refused = [*f"{DECIDING} {MIRRORED}".split(" "), *(one for one in REFUSED.split(" ") if one in wanted)]
    methods: dict[str, Any] = {f"__{one}__": _refused(f"__{one}__") for one in refused}
    methods |= {f"__{one}__": ANSWERS[one] for one in ASKED if one in wanted}
    if "contains" in wanted and not wanted & {"iter", "getitem"}:
        methods["__contains__"] = _refused("__contains__")
    if "fields" in wanted:
        methods[FIELDS] = property(_refused(FIELDS))
    methods["__doc__"] = property(lambda self: about(self, "get", "__doc__"))
    methods["__slots__"] = ()
    return type(name if name.isidentifier() else "Handle", (Handle,), methods)
