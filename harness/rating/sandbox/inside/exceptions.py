"""A candidate's exceptions, made again where the tests can catch them.

A class of the candidate's own stays on its side; what is raised here has its name, text, arguments and fields, and is
caught as the built-in kinds that it comes from. It may not end a loop of the tests: to `all(map(f, inputs))`, a
`StopIteration` of the third call says that all are done.
"""

from __future__ import annotations

import builtins
import dis
from typing import Any

ENDS_LOOPS = (StopIteration, StopAsyncIteration, IndexError)
"""What a loop takes as the end: of `__next__`, of `__anext__`, of `__getitem__` where there is no `__iter__`."""


class CandidateError(Exception):
    """An exception of the candidate that cannot be made again."""


def defined(name: str, parents: list[type[Exception]], kinds: list[str]) -> type[Exception]:
    """Return a class of exceptions that the candidate defines, for tests that catch it.

    Args:
        name: Its name.
        parents: Others of the candidate's that it comes from, the nearest first.
        kinds: The built-in classes that it comes from.
    """
    for bases in (_least([*parents, *_bases(kinds, may_stop=True)]), parents[:1], [Exception]):
        try:
            return type(name, tuple(bases), {"__module__": "candidate"})
        except (TypeError, ValueError):
            continue
    return CandidateError


def rebuilt(
    name: str,
    classes: list[type[Exception]],
    kinds: list[str],
    text: str,
    arguments: list[Any],
    fields: dict[str, Any],
    may_stop: bool,
) -> Exception:
    """Return an exception like the candidate's.

    Args:
        name: Of its class.
        classes: What the tests may catch it as, of the candidate's own classes, the nearest first.
        kinds: The built-in classes that it comes from, the nearest first; its own where it is built in.
        text: What `str` gives.
        arguments: What it was made of; its text alone, where they cannot cross.
        fields: What was set on it.
        may_stop: Whether it may be a `StopIteration`; else it is one in name only.
    """
    bases = _bases(kinds, may_stop)
    exact = [base for base in bases if base.__name__ == name == kinds[0]]
    own_classes = [one for one in classes if may_stop or not issubclass(one, StopIteration | StopAsyncIteration)]
    exact = [] if own_classes else exact
    makers: list[tuple[type[Exception], list[Any]]] = [(base, arguments) for base in exact]
    shown = {"__str__": lambda _: text, "__module__": "candidate"}
    for group in (_least([*own_classes, *bases]), own_classes[:1] or bases, bases[:1], [Exception]):
        try:
            own = type(name, tuple(group), shown)
        except (TypeError, ValueError):
            continue
        makers += [(own, arguments), (own, [text])]
    for make, parts in makers:
        try:
            error = make(*parts)
            for field, value in fields.items():
                setattr(error, field, value)
            if str(error) == text:
                return error
        except Exception:
            continue
    return CandidateError(f"{name}: {text}")


def _bases(kinds: list[str], may_stop: bool) -> list[type[Exception]]:
    """Return the built-in classes, without those that another one comes from anyway."""
    bases: list[type[Exception]] = []
    for kind in kinds:
        known = getattr(builtins, kind, None)
        if not isinstance(known, type) or not issubclass(known, Exception):
            continue
        if not may_stop and issubclass(known, StopIteration | StopAsyncIteration):
            continue
        if not any(issubclass(base, known) for base in bases):
            bases.append(known)
    return bases


def _least(bases: list[type[Exception]]) -> list[type[Exception]]:
    """Return classes without those that another one comes from anyway, each once."""
    return [
        one for one in dict.fromkeys(bases) if not any(other is not one and issubclass(other, one) for other in bases)
    ]


def was_swallowed(error: BaseException) -> bool:
    """Tell whether an exception ended a loop without a word.

    No `except` has seen it: it has no traceback yet (before Python 3.12), or the last frame that it came to has no
    handler at that place.
    """
    if not isinstance(error, ENDS_LOOPS):
        return False
    last = error.__traceback__
    if last is None:
        return True
    code = dis.Bytecode(last.tb_frame.f_code)
    loops = {step.offset for step in code if step.opname in ("END_ASYNC_FOR", "CLEANUP_THROW")}
    entries: Any = code.exception_entries  # type: ignore[attr-defined]
    handlers = [entry for entry in entries if entry.target not in loops]
    return not any(entry.start <= last.tb_lasti < entry.end for entry in handlers)
