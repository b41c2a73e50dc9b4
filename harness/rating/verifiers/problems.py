"""Coding problems as they are released, read into tests; and the program in a model's answer.

Told apart by their fields: ours (`visible_tests`, `hidden_tests`: pairs of arguments and result), HumanEval (`test`,
`entry_point`), MBPP (`test_list`, `test_setup_code`; MBPP+: `test` alone), APPS (`input_output`, or `inputs` and
`outputs`), pytest files (`pytest`, `module`).
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.errors import HarnessError
from harness.rating.sandbox.check import Tests

FORMATS = "visible_tests/hidden_tests, test and entry_point (HumanEval), test_list (MBPP), input_output (APPS), pytest"
NUMPY = re.compile(r"^import numpy as np[ \t]*$", re.MULTILINE)
NO_NUMPY = """
class np:
    ndarray = ()
    float32 = float64 = float

    @staticmethod
    def allclose(found, wanted, rtol, atol):
        if isinstance(wanted, (list, tuple)):
            return len(found) == len(wanted) and all(np.allclose(a, b, rtol, atol) for a, b in zip(found, wanted))
        return found == wanted or abs(found - wanted) <= atol + rtol * abs(wanted)
"""
"""All that the tests of EvalPlus need of numpy, which no sandbox has: they compare plain numbers, and lists of them."""
BLOCK = re.compile(r"^[ \t]*```[^\n`]*\n(.*?)(?:^[ \t]*```|\Z)", re.DOTALL | re.MULTILINE)


def read_tests(problem: Mapping[str, Any]) -> Tests:
    """Return the tests of a problem.

    Raises:
        HarnessError: Its fields fit no known format.
    """
    name = problem.get("task_id") or problem.get("name") or problem.get("id") or "?"
    try:
        tests = _read(problem)
    except (KeyError, TypeError, ValueError) as error:
        raise HarnessError(f"problem {name}: {type(error).__name__}: {error}") from error
    if tests is None or not any(tests.parts.values()):
        raise HarnessError(f"problem {name}: no tests found in the fields {sorted(problem)}; known: {FORMATS}")
    return tests


def _read(problem: Mapping[str, Any]) -> Tests | None:
    if "visible_tests" in problem or "hidden_tests" in problem:
        parts = {part: _cases(problem.get(f"{part}_tests") or []) for part in ("visible", "hidden")}
        return Tests("cases", {part: cases for part, cases in parts.items() if cases}, problem["entry_point"])
    if "pytest" in problem:
        scripts = {"visible": problem.get("visible_pytest"), "hidden": problem["pytest"]}
        scripts = {part: script for part, script in scripts.items() if script}
        return Tests("pytest", scripts, module=problem.get("module", "solution"))
    if "test_list" in problem:
        setup = problem.get("test_setup_code") or ""
        imports = "\n".join(problem.get("test_imports") or [])
        script = "\n".join(problem["test_list"])
        return Tests("script", {"hidden": script}, prelude=imports, setup=setup, reference=problem.get("code"))
    if "test" in problem:
        return _humaneval(problem)
    if "input_output" in problem or "inputs" in problem:
        return _apps(problem)
    return None


def _cases(tests: Any) -> list[list[Any]]:
    """Return pairs of arguments and result, from pairs or from objects with `args` and `expected`."""
    tests = json.loads(tests) if isinstance(tests, str) else tests
    cases = [[test["args"], test["expected"]] if isinstance(test, Mapping) else list(test) for test in tests]
    for case in cases:
        if len(case) != 2 or not isinstance(case[0], list):
            raise ValueError(f"a test is a pair of an argument list and the expected result, not {case!r:.100}")
    return cases


def _humaneval(problem: Mapping[str, Any]) -> Tests:
    script = NUMPY.sub(NO_NUMPY, problem["test"], count=1) if "def assertion(" in problem["test"] else problem["test"]
    if "entry_point" not in problem and problem.get("code"):  # MBPP+: the tests call what the reference defines
        return Tests("script", {"hidden": script}, reference=problem["code"])
    entry, prompt = problem["entry_point"], problem.get("prompt", "")
    if not re.search(r"^(?:check|test_check)\(", script, re.MULTILINE):
        script += f"\ncheck({entry})\n"
    solution = problem.get("canonical_solution")
    reference = f"{prompt}{solution}" if solution else None
    return Tests("script", {"hidden": script}, entry, prelude=prompt, reference=reference)


def _apps(problem: Mapping[str, Any]) -> Tests:
    pairs = problem.get("input_output", problem)
    pairs = json.loads(pairs) if isinstance(pairs, str) else pairs
    inputs, outputs = pairs["inputs"], pairs["outputs"]
    if len(inputs) != len(outputs):
        raise ValueError(f"{len(inputs)} inputs and {len(outputs)} outputs")
    function = pairs.get("fn_name")
    if function:
        wanted = [output[0] if isinstance(output, list) and len(output) == 1 else output for output in outputs]
        return Tests("cases", {"hidden": [list(case) for case in zip(inputs, wanted, strict=True)]}, function)
    lines = [[_text(given), _text(wanted)] for given, wanted in zip(inputs, outputs, strict=True)]
    return Tests("programs", {"hidden": lines})


def _text(lines: Any) -> str:
    return "\n".join(map(str, lines)) if isinstance(lines, list) else str(lines)


def program(problem: Mapping[str, Any], answer: str) -> str:
    """Return the program in a model's answer; empty where there is none.

    The contents of the first code block (three backticks; one that is never closed goes to the end), or the whole
    answer where there is none. If its first line is indented it continues the problem's prompt, unless it defines the
    entry point itself.
    """
    block = BLOCK.search(answer)
    code = block[1] if block else answer
    entry, prompt = problem.get("entry_point"), problem.get("prompt")
    if not code.strip() or not code.lstrip("\n").startswith((" ", "\t")):
        return code
    if entry and prompt and not re.search(rf"^\s*(?:async\s+)?def\s+{re.escape(entry)}\b", code, re.MULTILINE):
        return f"{prompt}{code}"
    return textwrap.dedent(code)


def setup_first(tests: Tests, source: str) -> tuple[Tests, str]:
    """Return MBPP's tests and a program in the order of its first release, where the set-up runs before the program.

    Problems 367 and 927 cannot pass that way: their set-up uses a class that the program defines.
    """
    return replace(tests, setup=""), f"{tests.setup}\n{source}"
