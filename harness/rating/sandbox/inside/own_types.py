"""Values of types that a program made itself, but that are plain data with a name: made again on the other side.

A named tuple, a number or text of an enumeration, a subclass of a built-in type that adds nothing, the views of a
dict, an array. Whatever brings a method of its own is not among them: its code must not decide.
"""

from __future__ import annotations

import collections
import enum
import sys
from collections.abc import Callable
from typing import Any

VIEWS = {type({}.keys()): "keys", type({}.values()): "values", type({}.items()): "items"}
BASES: dict[str, type] = {
    kind.__name__: kind for kind in (str, int, float, bytes, tuple, frozenset, list, dict, set, complex)
}
ENUMS: dict[str, type[enum.Enum]] = {kind.__name__: kind for kind in (enum.IntEnum, enum.StrEnum)}
NOTHING = {"__module__", "__doc__", "__dict__", "__weakref__", "__slots__", "__qualname__", "__annotations__"} | {
    "__firstlineno__",
    "__static_attributes__",
    "__orig_bases__",
    "__parameters__",
}
"""What a class statement without a body leaves in a class."""
_Pair = collections.namedtuple("_Pair", "first second")
OF_A_NAMED_TUPLE = set(vars(_Pair)) - {"first", "second"} | {"_field_defaults", "__annotate__", "__annotate_func__"}


def described(value: Any) -> tuple[str, list[Any]] | None:
    """Return how a value is made again: the kind, and what it is made of; None where it cannot be."""
    kind = type(value)
    if kind in VIEWS:
        return VIEWS[kind], list(value)
    arrays = sys.modules.get("array")
    if arrays is not None and kind is arrays.array:
        return "array", [value.typecode, value.tolist()]
    if isinstance(kind, enum.EnumMeta):
        return _enumerated(value, kind)
    if kind.__mro__[1:] == (tuple, object) and hasattr(kind, "_fields"):
        names = list(kind._fields)
        plain = set(vars(kind)) <= OF_A_NAMED_TUPLE | NOTHING | set(names)
        return ("named_tuple", [kind.__name__, names, list(value)]) if plain else None
    base = kind.__mro__[1] if len(kind.__mro__) > 1 else object
    if BASES.get(base.__name__) is base and set(vars(kind)) <= NOTHING and not getattr(value, "__dict__", None):
        return "subclass", [kind.__name__, base.__name__, base(value)]
    return None


def _enumerated(value: Any, kind: type) -> tuple[str, list[Any]] | None:
    base = next((one for one in kind.__mro__ if one in (int, str)), None)
    own = {name for name, entry in vars(kind).items() if callable(entry) and not name.startswith("_")}
    compares = any(name in vars(kind) for name in ("__eq__", "__hash__", "__lt__", "__bool__"))
    if base is None or own or compares or not str(value.name).isidentifier():
        return None
    family = next((one.__name__ for one in kind.__mro__ if one in (enum.IntEnum, enum.StrEnum)), base.__name__)
    return "enumerated", [kind.__name__, family, value.name, base(value.value)]


def _named(name: Any) -> str:
    if type(name) is not str or not name.isidentifier() or name.startswith("_") or len(name) > 100:
        raise ValueError(f"{name!r:.40} is no name")
    return name


def _named_tuple(name: Any, fields: list[Any], values: list[Any]) -> Any:
    return collections.namedtuple(_named(name), [_named(field) for field in fields])(*values)


def _enum_member(name: Any, family: str, member: Any, value: Any) -> Any:
    if type(value) not in (int, str):
        raise ValueError("an enumeration of neither numbers nor texts")
    members = {_named(member): value}
    make: Any = ENUMS.get(family, enum.Enum)
    kind: Any = make(_named(name), members, **({} if family in ENUMS else {"type": BASES[family]}))
    return kind(value)


def _subclass(name: Any, base: str, value: Any) -> Any:
    if type(value) is not BASES[base]:
        raise ValueError(f"a {type(value).__name__} is no {base}")
    return type(_named(name), (BASES[base],), {})(value)


def _array(code: Any, entries: list[Any]) -> Any:
    import array

    return array.array(code, entries)


MAKERS: dict[str, Callable[[list[Any]], Any]] = {
    "keys": lambda entries: dict.fromkeys(entries).keys(),
    "values": lambda entries: dict(enumerate(entries)).values(),
    "items": lambda entries: dict(entries).items(),
    "array": lambda parts: _array(*parts),
    "named_tuple": lambda parts: _named_tuple(*parts),
    "enumerated": lambda parts: _enum_member(*parts),
    "subclass": lambda parts: _subclass(*parts),
}
