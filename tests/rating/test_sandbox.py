"""What crosses between tests and candidate, what cannot, and the formats of coding problems."""

import json
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.rating.sandbox import attacks, jail
from harness.rating.sandbox.attacks import choose
from harness.rating.sandbox.check import Check, Limits, Tests
from harness.rating.sandbox.inside import plain
from harness.rating.sandbox.sandbox import Sandbox, Sandboxes
from harness.rating.verifiers.crossing import ProgramChecker
from harness.rating.verifiers.problems import read_tests
from harness.rating.verifiers.verification import read_lines

Tests.__test__ = False  # its name is not meant for pytest
LIMITS = Limits(seconds=10.0, memory_mb=512)


@pytest.fixture(scope="module")
def sandboxes():
    with Sandboxes(choose(), workers=2) as ready:
        yield ready


def script(text, **fields):
    return Tests("script", {"hidden": text}, **fields)


def run(sandboxes, source, tests, **fields):
    return sandboxes.check(Check(source, tests, LIMITS, **fields))


def cross(value):
    def refuse(thing):
        raise TypeError(type(thing))

    return plain.decode(json.loads(json.dumps(plain.encode(value, refuse, plain.Shared()))), refuse, plain.Shared())


@pytest.mark.parametrize("fields", [{}, {"together": True}])
def test_a_check_whose_sandbox_was_killed_is_done_again_in_a_new_one(fields):
    tests = script("assert f(1) == 2")
    with Sandbox(choose()) as sandbox:
        for _ in range(2):
            found = sandbox.check(Check("def f(x): return x + 1", tests, LIMITS, **fields))
            assert found.outcome == "passed", found
            for zygote in filter(None, (sandbox._tests, sandbox._candidate)):
                zygote.process.kill()
                zygote.process.wait()


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary() | st.fractions()
)
hashable = scalars | st.tuples(scalars, scalars) | st.frozensets(st.integers())
values = st.recursive(
    hashable | st.sets(st.integers()) | st.complex_numbers(allow_nan=False) | st.dates() | st.decimals(allow_nan=False),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(hashable, inner),
    max_leaves=12,
)


@given(values)
def test_plain_data_cross_unchanged_with_their_types(value):
    assert repr(cross(value)) == repr(value) or cross(value) == value
    assert type(cross(value)) is type(value)


def test_special_values_cross():
    assert math.isnan(cross(float("nan")))
    assert cross(-0.0) == 0
    assert math.copysign(1, cross(-0.0)) == -1
    assert cross(10**10_000) == 10**10_000
    assert cross("\ud800") == "\ud800"
    assert cross(Counter("aab")) == Counter("aab")
    assert cross(int) is int
    assert cross(range(1, 9, 3)) == range(1, 9, 3)


OWN = type("Own", (int,), {"__eq__": lambda self, other: True})  # one that adds nothing crosses, made again


@pytest.mark.parametrize("value", [object(), len, OWN(1), type("OwnType", (), {}), iter([])])
def test_what_is_not_plain_does_not_cross(value):
    with pytest.raises(TypeError):
        cross(value)


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("source", "tests", "outcome"),
    [
        ("def f(x): x.append(1)", "x = [0]\nassert f(x) is None\nassert x == [0, 1]", "passed"),
        ("def f(x): x['a'].add(2)", "x = {'a': {1}}\nf(x)\nassert x == {'a': {1, 2}}", "passed"),
        ("def f(x): x[0].append(1)", "y = []\nx = [y]\nf(x)\nassert y == [1]", "passed"),
        ("def f(n):\n    for i in range(n): yield i", "assert list(f(3)) == [0, 1, 2]", "passed"),
        ("def f():\n    n = 0\n    while True: yield n", "assert next(f()) == 0", "passed"),
        ("def f(x): return x.upper()", "assert f(x='a') == 'A'", "passed"),
        ("def f(x): raise KeyError(x)", "try: f(1)\nexcept LookupError: pass\nelse: assert False", "passed"),
        ("class E(ValueError): pass\ndef f(): raise E('no')", "try: f()\nexcept ValueError: pass", "passed"),
        ("def f(): raise RuntimeError('no')", "try: f()\nexcept ValueError: pass", "failed"),
        ("def f(x):\n    x.sort()\n    return x", "x = [2, 1]\nassert f(x) == [1, 2]\nassert x == [2, 1]", "failed"),
        ("def f(x): return x.pop()", "x = [2, 1]\nassert f(x) == 1\nassert x == [2]", "passed"),
        ("def f(x):\n    x.pop()\n    raise KeyError", "x = [2]\ntry: f(x)\nexcept KeyError: assert x == []", "passed"),
        ("def f(*, x): x.append(1)", "x = [0]\nf(x=x)\nassert x == [0, 1]", "passed"),
        ("def f(x): x[0][0].append(1)", "y = []\nf(({0: y},))\nassert y == [1]", "passed"),
        ("def f(x): x[0] = float(x[0])", "x = [1]\nf(x)\nassert type(x[0]) is float", "passed"),
        ("def f(x): return x", "x = [1]\nassert f(x) is not x", "failed"),
        ("def f(x): return x[0] is x[1]", "y = [1]\nassert f([y, y])\nassert not f([[1], [1]])", "passed"),
        ("def f(n): return [[0] * n] * n", "m = f(2)\nm[0][0] = 1\nassert m[1][0] == 0", "failed"),
        ("def f(n): return [[0] * n for _ in range(n)]", "m = f(2)\nm[0][0] = 1\nassert m[1][0] == 0", "passed"),
        ("class T: pass\nt = T()\ndef f(): return t", "assert f() is f()", "passed"),
        ("def f(x): return x", "assert f(isinstance) is None", "uncrossable"),
        ("def f(): return [1, object()]", "assert f() == [1, 2]", "opaque"),
        ("def f(): return object()", "assert f()", "opaque"),
        ("def f(): return {1}", "assert f() == {1}", "passed"),
        ("def g(): return 1", "assert f() == 1", "failed"),
        ("def f(:", "assert f() == 1", "failed"),
        ("def f(): return len('x' * 10 ** 12)", "assert f() == 1", "memory"),
    ],
)
def test_calls_cross_faithfully_or_end_the_check(sandboxes, source, tests, outcome):
    verdict = run(sandboxes, source, script(tests, entry_point="f"))
    assert verdict.outcome == outcome, verdict


RAISED = {
    "KeyError('a')": "KeyError",
    "b'\\xff'.decode()": "UnicodeDecodeError",
    "open('/nowhere')": "FileNotFoundError",
    "OSError(2, 'gone', 'here')": "FileNotFoundError",
    "ValueError('a', [1], {2: 3})": "ValueError",
    "StopIteration(3)": "StopIteration",
    "int('x')": "ValueError",
    "compile('(', 'f', 'exec')": "SyntaxError",
    "Own('text', code=7)": "Own",
    "Two()": "Two",
}
OWN = """
class Own(ValueError):
    def __init__(self, text, code):
        super().__init__(text)
        self.code = code
    def __str__(self): return f'{self.args[0]} {self.code}'
class Two(KeyError, AttributeError): pass
def f():
    found = """


@pytest.mark.sandbox
@pytest.mark.parametrize("how", RAISED)
def test_an_exception_is_made_again_as_it_was(sandboxes, how):
    """Class by name, text, arguments and fields: compared with what one process says."""
    source = f"{OWN}{how}\n    if isinstance(found, BaseException): raise found\n"
    tests = """
def facts():
    try: f()
    except Exception as error:
        fields = "errno strerror filename start reason code lineno value".split()
        return [type(error).__name__, str(error), error.args, *(getattr(error, field, None) for field in fields)]
"""
    space = {}
    exec(source + tests, space)
    wanted = space["facts"]()
    assert wanted[0] == RAISED[how]
    check = f"{tests}# StopIteration may come\nassert facts() == {wanted!r}, facts()"
    verdict = run(sandboxes, source, script(check, entry_point="f"))
    assert verdict.outcome == "passed", verdict
    caught = "try: f()\nexcept AttributeError as e: assert isinstance(e, KeyError)"
    assert run(sandboxes, f"{OWN}Two()\n    raise found", script(caught, entry_point="f")).outcome == "passed"


@pytest.mark.sandbox
def test_a_module_that_the_tests_lack_says_nothing_of_the_candidate(sandboxes):
    needs = "import no_such_module\nassert f() == 1"
    verdict = run(sandboxes, "def f(): return 1", script(needs, entry_point="f"))
    assert verdict.outcome == "error"
    assert "the tests need a module: No module named 'no_such_module'" in verdict.reason
    for source in ("import no_such_module\ndef f(): return 1", "def f(): import no_such_module"):
        assert run(sandboxes, source, script("assert f() == 1", entry_point="f")).outcome == "failed"


TREE = """
class Node:
    def __init__(self, data):
        self.data, self.left = data, None
    def twice(self):
        return [self.data] * 2
def depth(node):
    return 0 if node is None else 1 + depth(node.left)
"""
TREE_TESTS = """
root = Node(3)
root.left = Node(4)
assert depth(root) == 2
assert root.left.data == 4
assert root.twice() == [3, 3]
"""


@pytest.mark.sandbox
def test_the_tests_use_objects_of_the_candidate_through_handles(sandboxes):
    assert run(sandboxes, TREE, script(TREE_TESTS)).outcome == "passed"
    assert run(sandboxes, TREE, script(TREE_TESTS.replace("== 2", "== 3"))).outcome == "failed"
    assert run(sandboxes, TREE, script("assert Node(1) == Node(1)")).outcome == "opaque"


@pytest.mark.sandbox
def test_whether_tests_can_cross_is_the_problems_affair_not_the_candidates(sandboxes):
    """Their reference solution tells; a candidate that returns something odd is wrong, not excused."""
    compares_objects = script(
        "assert P(1) == P(1)\nassert isinstance(P(1), P)",
        reference="class P:\n    def __init__(self, x): self.x = x\n    def __eq__(self, o): return self.x == o.x\n",
    )
    crosses = script("assert f(1) == 2", reference="def f(x): return x + 1")
    court = ProgramChecker(sandboxes)
    skipped = court.judge(Check("class P: pass", compares_objects, LIMITS))
    assert (skipped.word, skipped.value, skipped.flags) == ("skipped", None, ("same_process",))
    odd = court.judge(Check("class A(int):\n    __eq__ = lambda s, o: True\ndef f(x): return A()", crosses, LIMITS))
    assert (odd.word, odd.value, odd.flags) == ("failed", 0, ())
    accepting = ProgramChecker(sandboxes, accept_same_process=True)
    accepted = accepting.judge(Check(compares_objects.reference, compares_objects, LIMITS))
    assert (accepted.word, accepted.value, accepted.flags) == ("passed", 1, ("same_process",))


@pytest.mark.sandbox
def test_input_and_output_pairs(sandboxes):
    problem = {"input_output": json.dumps({"inputs": ["1 2\n", "3 4\n"], "outputs": ["3\n", "7"]})}
    tests = read_tests(problem)
    assert run(sandboxes, "a, b = map(int, input().split())\nprint(a + b)", tests).outcome == "passed"
    main = "def main():\n    print(sum(map(int, open(0).read().split())), ' ')\nif __name__ == '__main__':\n    main()"
    assert run(sandboxes, main, tests).outcome == "passed"
    main = main.replace("open(0)", "__import__('sys').stdin")
    assert run(sandboxes, main, tests).outcome == "passed"
    assert run(sandboxes, "print(3)", tests).outcome == "failed"
    assert run(sandboxes, "print(3); raise SystemExit(1)", tests).outcome == "failed"
    endless = Check("while True: print('x' * 1000)", tests, replace(LIMITS, seconds=1.0))
    assert sandboxes.check(endless).outcome in ("memory", "timeout")
    function = {"inputs": [[1, 2], [3, 4]], "outputs": [[3], [7]], "fn_name": "add"}
    assert run(sandboxes, "def add(a, b): return a + b", read_tests(function)).outcome == "passed"


@pytest.mark.sandbox
def test_a_program_finds_nothing_that_it_left_at_an_earlier_input(sandboxes):
    tests = read_tests({"inputs": ["1", "2", "3"], "outputs": ["1", "1", "1"]})
    for state in ("builtins", "math", "sys", "collections"):
        counts = f"import {state} as m\nm.n = getattr(m, 'n', 0) + 1\nprint(m.n)"
        assert run(sandboxes, counts, tests).outcome == "passed"
    slow = "import time\nend = time.process_time() + .3\nwhile time.process_time() < end: pass\nprint(1)"
    verdict = sandboxes.check(Check(slow, tests, Limits(seconds=0.7, memory_mb=512)))
    assert verdict.outcome == "timeout", verdict  # of all inputs together


@pytest.mark.sandbox
def test_pytest_files_run_with_pytest():
    """The sandbox gets pytest from a folder of packages, as it would numpy."""
    folder = Path(pytest.__file__).parent.parent
    tests = "import pytest\nfrom solution import add\n\n"
    tests += "@pytest.mark.parametrize(('a', 'b', 'c'), [(1, 2, 3), (0.1, 0.2, 0.3)])\n"
    tests += "def test_add(a, b, c):\n    assert add(a, b) == pytest.approx(c)\n\n"
    tests += "def test_text():\n    with pytest.raises(TypeError):\n        add(1, 'x')\n"
    problem = read_tests({"pytest": tests})
    with Sandboxes(choose(packages=folder, modules=("pytest",)), workers=1) as sandboxes:
        assert run(sandboxes, "def add(a, b): return a + b", problem).outcome == "passed"
        wrong = run(sandboxes, "def add(a, b): return a", problem)
        assert wrong.outcome == "failed"
        forged = "import sys, os\ndef add(a, b):\n    os._exit(0)"
        assert run(sandboxes, forged, problem).outcome == "crash"
        assert (
            run(sandboxes, "class A:\n    __eq__ = lambda s, o: True\ndef add(a, b): return A()", problem).outcome
            != "passed"
        )


@pytest.mark.sandbox
def test_a_pytest_file_that_cannot_be_loaded_is_skipped_unless_it_is_for_what_the_program_lacks():
    broken = [
        "from solution import f\nx = 1 / 0",
        "from solution import f\nwanted = helper(3)",
        "from math import nope\nfrom solution import f",
    ]
    asking = [
        "import solution\nf = solution.f",
        "import solution\nassert hasattr(solution, 'f')\nf = solution.f",
        "try:\n    from solution import f\nexcept ImportError:\n    f = None\nassert f",
        "import pytest\ntry:\n    from solution import f\nexcept ImportError:\n    pytest.fail('no f')",
        "try:\n    from solution import f\nexcept:\n    raise ValueError('no f')\nif str(f):\n    pass",
    ]
    sources = ["def f(x): return x * 2", "def g(): pass"]
    folder = Path(pytest.__file__).parent.parent
    with Sandboxes(choose(packages=folder, modules=("pytest",)), workers=1) as sandboxes:

        def outcomes(start):
            tests = read_tests({"pytest": f"{start}\ndef test_it():\n    assert f(2) == 4\n"})
            return [run(sandboxes, source, tests).outcome for source in sources]

        assert [outcomes(start) for start in broken] == [["skipped", "skipped"]] * len(broken)
        assert [outcomes(start) for start in asking] == [["passed", "failed"]] * len(asking)


@pytest.mark.sandbox
def test_a_folder_of_packages_can_be_imported_and_nothing_else(tmp_path):
    (tmp_path / "given.py").write_text("VALUE = 3\n")
    source = "import given\ndef f(): return given.VALUE"
    tests = script("assert f() == 3", entry_point="f")
    with Sandboxes(choose(packages=tmp_path), workers=1) as with_packages:
        assert run(with_packages, source, tests).outcome == "passed"
    with Sandboxes(choose(), workers=1) as without:
        assert "given" in run(without, source, tests).reason


@pytest.mark.sandbox
def test_nothing_is_kept_between_checks(sandboxes):
    tests = script("assert f() == 0", entry_point="f")
    count = "import math, os\ndef f():\n    n = getattr(math, 'n', len(os.environ))\n"
    count += "    math.n = n + 1\n    os.environ['n'] = '1'\n    return n"
    assert [run(sandboxes, count, tests).outcome for _ in range(6)] == ["passed"] * 6


@pytest.mark.sandbox
def test_the_candidate_cannot_foresee_the_random_numbers_of_the_tests(sandboxes):
    """Else a decoder could return the text that the tests drew, without decoding."""
    tests = script("import random\nassert f() == random.random()", entry_point="f")
    assert run(sandboxes, "import random\ndef f(): return random.random()", tests).outcome == "failed"


@pytest.mark.sandbox
def test_the_self_test_finds_a_hole():
    """A jail that is none lets attacks through, and is refused."""
    with pytest.warns(UserWarning, match="WITHOUT"):
        open_door = jail.unprotected()
    dangerous = {"signal everyone", "signal the parent", "start a process", "start a program", "trace the parent"}
    kept = {name: source for name, source in attacks.QUICK.items() if name not in dangerous}
    original, attacks.QUICK = attacks.QUICK, kept
    try:
        with pytest.raises(HarnessError, match=r"does not hold.*read a file of the machine"):
            attacks.prove(open_door)
    finally:
        attacks.QUICK = original


@pytest.mark.sandbox
@pytest.mark.slow
def test_every_canonical_humaneval_solution_passes(sandboxes, data_dir):
    """Published: 164 of 164; at most 5 % may need candidate and tests in one process (here none does)."""
    problems = [entry for _, entry in read_lines(data_dir / "humaneval" / "HumanEval.jsonl.gz")]
    checks = [Check(entry["prompt"] + entry["canonical_solution"], read_tests(entry), LIMITS) for entry in problems]
    words = Counter((judged.word, judged.flags) for judged in ProgramChecker(sandboxes).judge_all(checks))
    assert words == {("passed", ()): 164}


@pytest.mark.sandbox
@pytest.mark.slow
def test_mbpp_references_pass_and_two_need_the_set_up_order_mended(sandboxes, data_dir):
    """Published: 972 of 974 in the released order, where 367 and 927 use a class before it is there; else 974."""
    problems = {entry["task_id"]: entry for _, entry in read_lines(data_dir / "mbpp" / "mbpp.jsonl.gz")}
    limits = replace(LIMITS, seconds=30.0)
    checks = {name: Check(entry["code"], read_tests(entry), limits) for name, entry in problems.items()}
    mended = [judged.word for judged in ProgramChecker(sandboxes).judge_all(list(checks.values()))]
    assert Counter(mended) == {"passed": 974}
    released = {}
    for name in (367, 927):
        tests = checks[name].tests  # in the order of the first release: the set-up, then the program
        tests, source = replace(tests, setup=""), f"{tests.setup}\n{problems[name]['code']}"
        released[name] = sandboxes.check(Check(source, tests, limits)).reason
    assert released == dict.fromkeys((367, 927), "NameError: name 'Node' is not defined")
    assert [name for name, entry in problems.items() if entry["test_setup_code"]] == [367, 927]
