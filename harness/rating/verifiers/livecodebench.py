"""LiveCodeBench's problems: public tests are visible, private ones hidden; programs that read and print, or functions.

Private tests are released packed: base64 of a zlib stream of a pickle of JSON text.
"""

from __future__ import annotations

import base64
import io
import json
import pickle
import zlib
from collections.abc import Mapping
from typing import Any, NoReturn

from harness.rating.sandbox.check import Tests


def livecodebench(problem: Mapping[str, Any], tolerance: float) -> Tests:
    """Return the tests of a problem.

    Raises:
        ValueError: They cannot be read.
    """
    parts = {
        part: _cases(problem[name])
        for part, name in (("visible", "public_test_cases"), ("hidden", "private_test_cases"))
        if problem.get(name)
    }
    function = function_of(problem)
    if function:
        called = {
            part: [[arguments(one["input"]), json.loads(one["output"])] for one in cases]
            for part, cases in parts.items()
        }
        return Tests("cases", called, function, tolerance=tolerance)
    printed = {part: [[one["input"], one["output"]] for one in cases] for part, cases in parts.items()}
    return Tests("programs", printed, tolerance=tolerance)


def function_of(problem: Mapping[str, Any]) -> str | None:
    """Return the name of the function that is asked for; None for a program that reads and prints."""
    facts = problem.get("metadata") or {}
    facts = json.loads(facts) if isinstance(facts, str) else facts
    return facts.get("func_name") or None


def arguments(text: str) -> list[Any]:
    """Return a function's arguments, of which each is JSON on a line."""
    return [json.loads(line) for line in text.split("\n") if line.strip()]


def _cases(given: Any) -> list[dict[str, str]]:
    if not isinstance(given, str):
        return list(given)
    try:
        return list(json.loads(given))
    except ValueError:
        return list(json.loads(_unpacked(given)))


class _Text(pickle.Unpickler):
    """Reads a pickle of a text: nothing in it may name what is to be called."""

    def find_class(self, module_name: str, global_name: str) -> NoReturn:
        """Refuse."""
        raise ValueError(f"the packed tests hold a {module_name}.{global_name}, and not text alone")


def _unpacked(text: str) -> str:
    try:
        found = _Text(io.BytesIO(zlib.decompress(base64.b64decode(text, validate=True)))).load()
    except (zlib.error, pickle.UnpicklingError, EOFError, AttributeError) as error:
        raise ValueError(f"the packed tests cannot be read: {error}") from error
    return str(found)
