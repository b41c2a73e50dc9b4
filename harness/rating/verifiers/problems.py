"""Coding problems as they are released, read into tests; and the program in a model's answer.

Told apart by their fields: ours (`visible_tests`, `hidden_tests`: pairs of arguments and result), HumanEval (`test`,
`entry_point`; BigCodeBench too), MBPP (`test_list`, `test_setup_code`; MBPP+: `test` alone), APPS (`input_output`, or
`inputs` and `outputs`), LiveCodeBench (`public_test_cases`, `private_test_cases`), pytest files (`pytest`, `module`).
"""

from __future__ import annotations

import ast
import contextlib
import itertools
import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.answering import answer_of
from harness.errors import HarnessError
from harness.rating.sandbox.check import Tests
from harness.rating.verifiers.given import prompt_of, with_helpers
from harness.rating.verifiers.livecodebench import arguments, function_of, livecodebench

FORMATS = (
    "visible_tests/hidden_tests, test and entry_point (HumanEval), base_input and plus_input (EvalPlus), "
    "test_list (MBPP), input_output (APPS), public_test_cases (LiveCodeBench), pytest"
)
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
LIKE_THE_REFERENCE = """
import copy, json, math

def same(found, wanted, tolerance):
    if isinstance(wanted, (list, tuple)) and type(found) is type(wanted):
        return len(found) == len(wanted) and all(same(a, b, tolerance) for a, b in zip(found, wanted))
    if isinstance(wanted, float) and isinstance(found, (int, float)):
        if wanted != wanted:
            return found != found
        return found == wanted or math.isclose(found, wanted, rel_tol=tolerance, abs_tol=tolerance)
    return found == wanted

def check(candidate):
    facts = json.loads(FACTS)
    space = {"__name__": "reference"}
    exec(facts["reference"], space)
    for inputs in facts["inputs"]:
        wanted = space[facts["entry"]](*copy.deepcopy(inputs))
        found = candidate(*copy.deepcopy(inputs))
        assert same(found, wanted, facts["tolerance"]), f"{inputs!r:.100} gives {found!r:.100}, not {wanted!r:.100}"

check"""
"""Of EvalPlus: a program is right where it returns what the released solution returns, numbers within a tolerance."""
TOLERANCE = 1e-6
"""Relative difference of numbers that are the same, where a problem does not say otherwise."""
BLOCK = re.compile(r"^[ \t]*(?P<fence>```|~~~)[ \t]*(?P<language>[^\s`]*)[^\n`]*\n", re.MULTILINE)
"""Where a code block begins."""
FENCES = 20
"""So many ends of a block are tried: a docstring may have fences of its own."""
TAGGED = re.compile(
    r"^[ \t]*(?:\[(?:PYTHON|BEGIN)\]|<(?:code|python)>)[ \t]*\n(.*?)"
    r"(?:^[ \t]*(?:\[(?:/PYTHON|DONE)\]|</(?:code|python)>)|\Z)",
    re.DOTALL | re.MULTILINE,
)
"""Code between the marks of Code Llama's and MBPP's prompts, or in tags."""
CLOSED = re.compile(
    r"\A(?P<code>(?:[ \t]+\S|(?:def|class|import|from|@)\b).*?)^[ \t]*```[ \t]*$(?!.*^[ \t]*```)",
    re.DOTALL | re.MULTILINE,
)
"""Code whose block the prompt has opened: there is one fence, after it."""
PYTHON = ("py", "py3", "python", "python3", "python2", "ipython")
OTHERS = ("bash", "sh", "shell", "zsh", "console", "terminal", "powershell", "cmd", "bat", "json", "yaml", "output")
"""Languages of code blocks."""


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
    if "base_input" in problem:
        return _evalplus(problem)
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
    if "public_test_cases" in problem or "private_test_cases" in problem:
        return livecodebench(problem, float(problem.get("tolerance", TOLERANCE)))
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
    entry, prompt = problem["entry_point"], prompt_of(problem)
    called = re.search(r"^(?:check|test_check)\(", script, re.MULTILINE)
    if not called and re.search(r"^def check\(", script, re.MULTILINE):
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
    tolerance = float(problem.get("tolerance", TOLERANCE))
    if function:
        wrapped = all(isinstance(output, list) and len(output) == 1 for output in outputs)
        outputs = [
            json.loads(wanted) if isinstance(given, str) else wanted
            for given, wanted in zip(inputs, outputs, strict=True)
        ]
        wanted = [[output, output[0]] if wrapped else [output] for output in outputs]
        cases = [[_arguments(given), *right] for given, right in zip(inputs, wanted, strict=True)]
        return Tests("cases", {"hidden": cases}, function, tolerance=tolerance)
    lines = [[_text(given), _text(wanted)] for given, wanted in zip(inputs, outputs, strict=True)]
    return Tests("programs", {"hidden": lines}, tolerance=tolerance)


def _evalplus(problem: Mapping[str, Any]) -> Tests:
    """Return EvalPlus's inputs as tests: what the released solution returns is right."""
    entry, prompt, solution = problem["entry_point"], prompt_of(problem), problem["canonical_solution"]
    reference = f"{prompt}{solution}" if solution.startswith((" ", "\t")) else solution
    facts = {"reference": reference, "entry": entry, "tolerance": float(problem.get("atol") or 0) or TOLERANCE}
    scripts = {}
    for part, name in (("visible", "base_input"), ("hidden", "plus_input")):
        if problem.get(name):
            scripts[part] = (
                f"FACTS = {json.dumps({**facts, 'inputs': problem[name]})!r}\n{LIKE_THE_REFERENCE}({entry})\n"
            )
    return Tests("script", scripts, entry, prelude=prompt, reference=reference)


def _arguments(given: Any) -> list[Any]:
    return arguments(given) if isinstance(given, str) else given


def _text(lines: Any) -> str:
    return "\n".join(map(str, lines)) if isinstance(lines, list) else str(lines)


def program(problem: Mapping[str, Any], answer: str) -> str:
    """Return the program in a model's answer, outside its reasoning; empty where there is none.

    The contents of the last code block (three backticks; one that is never closed goes to the end) that defines what
    the tests call, else of the first, or the whole answer where there is none; blocks of other languages are passed
    over. If its first line is indented it continues the problem's prompt, unless it defines the entry point itself.
    """
    text = TAGGED.sub(r"```python\n\1```", clean(answer_of(answer)))
    closed = CLOSED.match(text)
    text = closed["code"] if closed else text
    blocks = list(code_blocks(text))
    code = _chosen(blocks, _called(problem)) if blocks else text
    entry, prompt = problem.get("entry_point"), prompt_of(problem)
    if not code.strip() or not code.lstrip("\n").startswith((" ", "\t")):
        return code
    if entry and prompt and not _defines(code, {entry}):
        return f"{prompt}{code}"
    return textwrap.dedent(code)


def clean(source: str) -> str:
    """Return a program without a byte order mark and with the line ends that Python writes."""
    return source.removeprefix("\ufeff").replace("\r\n", "\n")


def code_blocks(text: str) -> Iterator[tuple[str, str]]:
    """Yield language and contents of the code blocks; one that is never closed goes to the end.

    A block of Python ends at the first fence that leaves it whole, if there is one.
    """
    opened = BLOCK.search(text)
    while opened:
        start, language = opened.end(), opened["language"].lower()
        closing = re.compile(rf"^[ \t]*{opened['fence']}", re.MULTILINE)
        ends = [(one.start(), one.end()) for one in itertools.islice(closing.finditer(text, start), FENCES)]
        ends = ends or [(len(text), len(text))]
        python = language in ("", *PYTHON)
        end, after = next((one for one in ends if python and _whole(text[start : one[0]])), ends[0])
        yield language, text[start:end]
        opened = BLOCK.search(text, after)


def _whole(code: str) -> bool:
    """Tell whether code is Python."""
    try:
        ast.parse(textwrap.dedent(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _chosen(blocks: Sequence[tuple[str, str]], called: set[str]) -> str:
    python = [code for language, code in blocks if language in PYTHON]
    unnamed = [code for language, code in blocks if not language]
    defining = [code for language, code in blocks if language in ("", *PYTHON) and _defines(code, called)]
    if defining:
        earlier = [code for language, code in blocks if language in ("", *PYTHON) and not _defines(code, called)]
        return with_helpers(defining[-1], earlier)
    other = [code for language, code in blocks if language not in OTHERS]
    return next(iter([*python, *unnamed, *other]), "")


def _called(problem: Mapping[str, Any]) -> set[str]:
    """Return the names that a problem's tests call."""
    pairs = problem.get("input_output", {})
    with contextlib.suppress(ValueError):
        pairs = json.loads(pairs) if isinstance(pairs, str) else pairs
    function = pairs.get("fn_name") if isinstance(pairs, Mapping) else None
    if "public_test_cases" in problem or "private_test_cases" in problem:
        function = function_of(problem)
    named = {name for name in (problem.get("entry_point"), problem.get("fn_name"), function) if isinstance(name, str)}
    tests = problem.get("test_list")
    if not named and isinstance(tests, list):
        named = set(re.findall(r"\b([A-Za-z_]\w*)\s*\(", "\n".join(map(str, tests))))
    return named


def _defines(code: str, names: set[str]) -> bool:
    known = "|".join(map(re.escape, names)) or "(?!)"
    return bool(re.search(rf"^\s*(?:(?:async\s+)?def|class)\s+(?:{known})\b|^(?:{known})\s*=", code, re.MULTILINE))
