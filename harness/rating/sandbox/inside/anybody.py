"""The tests run once more against nobody: whether they fail by themselves is a property of the problem.

Tests that name what they need cannot be told from a program that lacks it, or has it as something else, by how they
fail: the program could choose that. So nothing of the program takes part here. Every name that the tests take is there,
and whatever is done with one ends the run: what still fails, fails for every program.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, NoReturn

from .handles import DECIDING, MIRRORED, REFUSED, Ended

OF_A_KIND = (TypeError, AssertionError)
"""What an interpreter may raise of an object that it does not touch: `"a".startswith(x)`, `assert type(x) is int`."""


class Anybody:
    """Stands for every program: has each name that it is asked for."""

    def __init__(self) -> None:
        """Nothing was touched yet."""
        self.names = _Every()
        self.touched = False

    def stub(self, name: str) -> Untouched:
        """Return what the tests get for a name."""
        return Untouched(self)


class _Every(dict[str, str]):
    def __contains__(self, name: object) -> bool:
        return True


def _touching(self: Untouched, *_: Any, **__: Any) -> NoReturn:
    object.__getattribute__(self, "_of").touched = True
    raise Ended("failed", "the tests ask for something")


class Untouched:
    """Ends the run when anything is done with it; `touched` says so where tests go on all the same."""

    __slots__ = ("_of",)
    __class__ = property(_touching)

    def __init__(self, of: Anybody) -> None:
        object.__setattr__(self, "_of", of)


OPERATIONS = "getattribute setattr delattr repr call getitem setitem delitem iter next len contains str set_name"
for _name in f"{DECIDING} {REFUSED} {MIRRORED} {OPERATIONS}".split(" "):
    setattr(Untouched, f"__{_name}__", _touching)


def failure(run: Callable[[Any, dict[str, Any], Any], None], job: dict[str, Any], tests: Any) -> Exception | None:
    """Return what tests raise whatever the program, before they do anything with what they take from it; else None."""
    anybody = Anybody()
    if _asks_what_it_is(f"{job['setup']}\n{tests}"):
        return None
    try:
        run(anybody, job, tests)
    except OF_A_KIND:
        return None
    except Exception as error:
        return None if anybody.touched else error
    except BaseException:
        return None
    return None


def _asks_what_it_is(tests: str) -> bool:
    """Tell whether tests use what tells objects apart without touching them: `type(x)`, `x is y`."""
    return any(
        (isinstance(node, ast.Name) and node.id == "type")
        or (
            isinstance(node, ast.Compare)
            and any(isinstance(operation, ast.Is | ast.IsNot) for operation in node.ops)
            and not any(isinstance(side, ast.Call) for side in (node.left, *node.comparators))
        )
        for node in ast.walk(ast.parse(tests))
    )
