"""The tests' side: runs the tests against a candidate that lives in another process, and makes the verdict.

The names that the tests call are stubs that send their arguments across and bring plain data back; every comparison
happens here, with the types of this interpreter.
"""

from __future__ import annotations

import ast
import builtins
import math
import re
import sys
import types
from collections.abc import Callable
from typing import Any

from . import anybody, plain
from .handles import Ended, is_handle, kind_of
from .remote import Candidate

KEPT_OUTPUT = 4_000_000
"""Bytes that the candidate's side keeps of an output."""
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,4})?")


def equal(answer: Any, expected: Any, tolerance: float = 1e-9) -> bool:
    """Tell whether an answer is what a JSON test expects.

    A tuple equals a list of the same entries (JSON has no tuples), numbers that are not whole are compared with a
    relative tolerance, everything else as Python does, and true is not 1.
    """
    if isinstance(answer, list | tuple) and isinstance(expected, list | tuple):
        return len(answer) == len(expected) and all(
            equal(found, wanted, tolerance) for found, wanted in zip(answer, expected, strict=True)
        )
    if isinstance(answer, dict) and isinstance(expected, dict):
        if not any(type(key) is str for key in answer):  # JSON has no other keys
            answer = {str(key): value for key, value in answer.items()}
        return len(answer) == len(expected) and all(
            key in answer and equal(answer[key], value, tolerance) for key, value in expected.items()
        )
    if isinstance(answer, bool) or isinstance(expected, bool):
        return answer is expected
    if isinstance(answer, float) or isinstance(expected, float):
        numbers = isinstance(answer, int | float) and isinstance(expected, int | float)
        return answer == expected or (numbers and math.isclose(answer, expected, rel_tol=tolerance))
    return bool(answer == expected)


def run_cases(candidate: Candidate, job: dict[str, Any], cases: list[Any]) -> None:
    """Call the entry point with each case's arguments and compare what it returns with what is right."""
    name = job["entry_point"]
    for arguments, *right in cases:
        entry = _entry(candidate, name)
        shown = ", ".join(map(repr, arguments))
        answer = entry(*arguments)
        known = not is_handle(answer)
        if not known or not any(equal(answer, expected, job["tolerance"]) for expected in right):
            found = repr(answer) if known else kind_of(answer)
            raise Ended("failed", f"{name}({shown[:200]}) is {found[:200]}, not {right[0]!r:.200}")


def _entry(candidate: Candidate, name: str) -> Any:
    """Return the function of a name, or the method of a new `Solution`."""
    if name not in candidate.names and "Solution" in candidate.names:
        return getattr(candidate.stub("Solution")(), name)
    entry = candidate.stub(_defined(candidate, name))
    if not callable(entry):
        raise Ended("failed", f"{name} is no function")
    return entry


def run_programs(candidate: Candidate, job: dict[str, Any], cases: list[Any]) -> None:
    """Run the program with each case's standard input and compare what it prints, line by line, ends stripped."""
    for given, expected in cases:
        if plain.size(expected) > candidate.channel.limit or len(expected.encode(errors="replace")) > KEPT_OUTPUT:
            raise Ended("skipped", "the expected output is longer than what is kept of a program's: raise `message_mb`")
        answer = candidate.ask("run", given)
        if not isinstance(answer, str) or not same_lines(answer, expected, job["tolerance"]):
            raise Ended("failed", f"for the input {given!r:.100} it prints {answer!r:.100}, not {expected!r:.100}")


def same_lines(answer: str, expected: str, tolerance: float) -> bool:
    """Tell whether two outputs are the same: numbers with a point as numbers, all else character by character."""
    found, wanted = (text.rstrip().splitlines() for text in (answer, expected))
    return len(found) == len(wanted) and all(
        one.rstrip() == other.rstrip() or _same_words(one.rstrip(), other.rstrip(), tolerance)
        for one, other in zip(found, wanted, strict=True)
    )


def _same_words(answer: str, expected: str, tolerance: float) -> bool:
    found, wanted = re.split(r"(\s+)", answer), re.split(r"(\s+)", expected)
    return len(found) == len(wanted) and all(
        one == other or _same_number(one, other, tolerance) for one, other in zip(found, wanted, strict=True)
    )


def _same_number(answer: str, expected: str, tolerance: float) -> bool:
    """Tell whether two words are the same number, one of them with a point; a whole number is that exactly."""
    if not (NUMBER.fullmatch(answer) and NUMBER.fullmatch(expected)) or not set(".eE") & set(answer + expected):
        return False
    one, other = float(answer), float(expected)
    if set(".eE") & set(expected):
        return math.isclose(one, other, rel_tol=tolerance, abs_tol=1e-9)
    return one == other


def run_script(candidate: Candidate, job: dict[str, Any], script: str) -> None:
    """Run the tests as a program, with stubs for the names that are the candidate's."""
    space: dict[str, Any] = {"__name__": "tests"}
    exec(_completed(job["prelude"]), space)
    if job["reference"]:
        for part in _imports(job["reference"]):
            exec(compile(part, "<prelude>", "exec", dont_inherit=True), space)
    entry_point = job["entry_point"]
    wanted = {_defined(candidate, entry_point)} if entry_point else _wanted(job, script, space)
    for name in sorted(name for name in wanted if name in candidate.names):
        space[name] = candidate.stub(name)
    for part in filter(None, (job["setup"], script)):
        exec(compile(part, "<tests>", "exec", dont_inherit=True), space)
    run_test_cases(space)


def run_test_cases(space: dict[str, Any]) -> None:
    """Run the classes of `unittest` that tests define: they say nothing until somebody does."""
    unittest: Any = sys.modules.get("unittest")
    for kind in list(space.values()) if unittest else ():
        if isinstance(kind, type) and issubclass(kind, unittest.TestCase) and kind is not unittest.TestCase:
            known = unittest.defaultTestLoader.loadTestsFromTestCase(kind)
            unittest.TestSuite(test for test in known if _says_something(test)).debug()  # raises what went wrong


def _says_something(test: Any) -> bool:
    """Tell whether a test is to be run, and to succeed."""
    marked = (test, getattr(test, test.id().rpartition(".")[2]))
    marks = ("__unittest_skip__", "__unittest_expecting_failure__")
    return not any(getattr(one, mark, False) for one in marked for mark in marks)


def _completed(prelude: str) -> types.CodeType:
    """Return a prompt as a program: one that ends in an open function gets an empty body."""
    try:
        return compile(prelude, "<prelude>", "exec", dont_inherit=True)
    except SyntaxError:
        return compile(prelude.rstrip() + "\n    pass\n", "<prelude>", "exec", dont_inherit=True)


def _imports(reference: str) -> list[str]:
    """Return the imports of a reference solution, which the tests may rely on."""
    tree = ast.parse(reference)
    return [ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]


def _wanted(job: dict[str, Any], script: str, space: dict[str, Any]) -> set[str]:
    """Return the names that tests without an entry point take from the candidate.

    With a reference solution: what it defines and the tests use. Without: what the tests use and nobody else defines.
    """
    used = {node.id for node in ast.walk(ast.parse(job["setup"] + "\n" + script)) if isinstance(node, ast.Name)}
    if job["reference"]:
        tree = ast.parse(job["reference"])
        named = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        for node in tree.body:
            if isinstance(node, ast.Assign):
                named |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        return used & named
    return used - set(space) - set(dir(builtins))


def _defined(candidate: Candidate, name: str) -> str:
    if name not in candidate.names:
        raise Ended("failed", f"defines no {name}")
    return name


def run_pytest(candidate: Candidate, job: dict[str, Any], script: str) -> None:
    """Run a pytest file with pytest; the module that it imports from is the candidate."""
    from . import pytests

    wanted = sorted(name for name in pytests.imported(script, job["module"]) if name in candidate.names)
    pytests.run(script, job["module"], {name: candidate.stub(name) for name in wanted})


KINDS: dict[str, Callable[[Candidate, dict[str, Any], Any], None]] = {
    "cases": run_cases,
    "programs": run_programs,
    "script": run_script,
    "pytest": run_pytest,
}


def examine(job: dict[str, Any], channel: plain.Channel, seconds: float) -> dict[str, Any]:
    """Run the tests' parts in order until one fails, and return the verdict.

    Returns:
        `outcome` (passed, failed, timeout, gone, memory, uncrossable, opaque, or error where the tests lack a module),
        `reason`, and `passed`: the names of the parts that passed.
    """
    passed: list[str] = []
    candidate = None
    try:
        programs = job["kind"] in ("script", "pytest")
        expects_stop = programs and any("Iteration" in text for text in (job["setup"], *job["parts"].values()))
        candidate = Candidate(channel, seconds, expects_stop)
        for part, tests in job["parts"].items():
            KINDS[job["kind"]](candidate, job, tests)
            candidate.confirm()
            passed.append(part)
    except Ended as end:
        outcome, reason = end.outcome, end.reason
    except MemoryError:
        outcome, reason = "memory", "MemoryError"
    except ModuleNotFoundError as error:
        of_tests = candidate is not None and error.name is not None and not candidate.is_known(error)
        outcome, reason = ("error", f"the tests need a module: {error}") if of_tests else ("failed", described(error))
    except BaseException as error:
        outcome, reason = "failed", described(error)
        if candidate is not None and not candidate.asked and not job["reference"]:
            own = _of_the_tests(error, job, tests)
            if own is not None:
                outcome, reason = (
                    "skipped",
                    f"the tests fail before they ask the program for anything: {described(own)}",
                )
    else:
        outcome, reason = "passed", ""
    if outcome == "failed" and reason.startswith("MemoryError"):
        outcome = "memory"
    return {"outcome": outcome, "reason": reason[:500].encode(errors="replace").decode(), "passed": passed}


def _of_the_tests(error: BaseException, job: dict[str, Any], tests: Any) -> BaseException | None:
    """Return what is wrong with tests that failed by themselves, else None.

    With an entry point nothing before its call depends on the program. Other tests take names, which a program may lack
    or have as something else, so they are run once more without any.
    """
    by_name = job["kind"] == "pytest" or not job["entry_point"]
    if isinstance(error, SyntaxError) or not by_name:
        return error
    return anybody.failure(KINDS[job["kind"]], job, tests)


def described(error: BaseException) -> str:
    """Return an exception in a line, with the line of the tests that it rose from."""
    name = type(error).__name__
    try:
        text = str(error)
    except BaseException:  # a message may hold the candidate's own object, whose text is asked for
        text = ""
    where, step = "", error.__traceback__
    while step:
        if step.tb_frame.f_code.co_filename == "<tests>":
            where = f" (line {step.tb_lineno} of the tests)"
        step = step.tb_next
    return f"{name}: {text}{where}" if text else f"{name}{where}"
