"""Programs as models write them, against problems as they are released: none that is right is a 0, none wrong a 1."""

import json
import textwrap
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.rating.sandbox.attacks import choose
from harness.rating.sandbox.check import Limits
from harness.rating.verifiers.problems import program
from harness.rating.verifiers.verification import pass_summary, read_completions, read_problems, verify

pytestmark = pytest.mark.sandbox

KNOWN = Path(__file__).parent / "fixtures" / "programs.jsonl"
"""A problem, an answer and whether it is right, a line."""
OWN_TYPES = KNOWN.with_name("own_types.jsonl")
PROMPT = 'def f(x):\n    """doc"""\n'


def humaneval(body, **fields):
    test = f"def check(candidate):\n{textwrap.indent(body, '    ')}\n"
    return {"prompt": PROMPT, "entry_point": "f", "test": test, **fields}


def apps(inputs, outputs, function=None, **fields):
    pairs = {"inputs": inputs, "outputs": outputs, **({"fn_name": function} if function else {})}
    return {"input_output": json.dumps(pairs), **fields}


def verified(folder, *cases, **options):
    """Verify pairs of a problem and a completion's fields (or its code), all at once; what is found, in order."""
    problems, completions = folder / "problems.jsonl", folder / "completions.jsonl"
    answers = [one if isinstance(one, dict) else {"code": one} for _, one in cases]
    named = [(f"p{place}", problem) for place, (problem, _) in enumerate(cases)]
    problems.write_text("".join(json.dumps({"task_id": name, **problem}) + "\n" for name, problem in named))
    lines = [json.dumps({"task_id": name, **one}) + "\n" for (name, _), one in zip(named, answers, strict=True)]
    completions.write_text("".join(lines))
    known = read_problems(problems)
    return list(verify(known, read_completions(completions, known), choose(), limits=Limits(seconds=5), **options))


def values(found):
    return [one.rating.value for one in found]


def test_own_types_are_what_they_are_or_have_no_value(tmp_path):
    """What tests need of own objects is answered or skipped: never 0 for a right program, nor 1 for a wrong one."""
    cases = [json.loads(line) for line in OWN_TYPES.read_text(encoding="utf-8").splitlines()]
    found = verified(tmp_path, *((case["problem"], case["code"]) for case in cases))
    wrong = {
        case["name"]: one.rating.error
        for case, one in zip(cases, found, strict=True)
        if one.rating.value not in (None, case["right"])
    }
    assert wrong == {}
    decided = [one for one in found if one.rating.value is not None]
    assert len(found) == 151
    assert len(decided) >= 117  # the others need what the program's own code would decide


def test_every_program_is_what_it_is(tmp_path):
    cases = [json.loads(line) for line in KNOWN.read_text(encoding="utf-8").splitlines()]
    found = verified(tmp_path, *((case["problem"], case["answer"]) for case in cases))
    wrong = {
        case["name"]: one.rating.error
        for case, one in zip(cases, found, strict=True)
        if one.rating.value != case["right"]
    }
    assert wrong == {}
    assert len(found) == 370


SUM = apps(["1 2\n"], ["3\n"])


@pytest.mark.parametrize(
    "code",
    [
        "import os\nos.write(1, b'3\\n')",
        "import os, sys\nprint(3)\nsys.stdout.flush()\nos._exit(0)",
        "print(3)\nexit()",
        "import sys\nprint(3)\nsys.exit(0)",
        "print(3)\nquit()",
        "import threading\nthreading.Thread(target=lambda: print(3)).start()",
        "import sys\nsys.stdout.buffer.write(b'3')",
        "import os\nos.fdopen(1, 'w').write('3')",
        "import sys\nprint(3)\nsys.stdout.close()",
        "import sys\nprint(sum(map(int, open(sys.stdin.fileno()).read().split())))",
        "a = list(map(int, iter(input().split())))\nprint(*[sum(a)], sep='\\n')",
    ],
)
def test_it_makes_no_difference_how_a_program_reads_prints_and_ends(tmp_path, code):
    assert values(verified(tmp_path, (SUM, code), (SUM, code.replace("3", "4") if "3" in code else "print(4)"))) == [
        1,
        0,
    ]


def test_what_a_program_prints_is_compared_as_numbers_only_where_it_is_one(tmp_path):
    third = apps(["\n"], ["0.333333333\n"])
    whole, words = apps(["\n"], ["1000000\n"]), apps(["\n"], ["1.50 a  b\n"])
    exact = apps(["\n"], ["0.5\n"], tolerance=0)
    found = verified(
        tmp_path,
        (third, "print(1/3)"), (third, "print(0.3334)"), (third, "print('1/3')"),
        (whole, "print(1e6)"), (whole, "print(1000000.5)"), (whole, "print('01000000')"),
        (words, "print('1.5 a  b')"), (words, "print('1.5 a b')"),
        (exact, "print(0.50)"), (exact, "print(0.5000001)"),
    )  # fmt: skip
    assert values(found) == [1, 0, 0, 1, 0, 0, 1, 0, 1, 0]


def test_an_output_beyond_the_limit_says_nothing_about_a_program_but_flooding_does(tmp_path):
    long = apps(["\n"], ["x" * 4_000_001])
    found = verified(tmp_path, (long, "print('x' * 4_000_001)"), (SUM, "while True: print('x' * 100000)"))
    assert [one.rating.status for one in found] == ["skipped", "ok"]
    assert (found[1].rating.value, "message_mb" in found[0].rating.error) == (0, True)


BROKEN = [
    humaneval("assert candidate(2) == 5", canonical_solution="    return x * 2\n"),  # wrong
    humaneval("assert candidate(2) == 4", canonical_solution="    return twice(x)\n"),  # a helper is missing
    humaneval("assert candidate(2) == 4", canonical_solution="    return x *\n"),  # no Python
    humaneval("assert candidate(2) == 4", canonical_solution="    return math.floor(x * 2)\n"),  # not imported
    {"test_list": ["assert f(2) == 5"], "code": "def f(x): return x * 2"},
]
UNASKED = [
    humaneval("assert close(candidate(2), 4)"),  # a name that nobody has
    humaneval("assert candidate(2) == = 4"),
    humaneval("limit = 1 / 0\nassert candidate(2) == 4"),
    {"test_list": ["assert f(2) == = 4"]},
]


def test_a_problem_that_its_own_solution_fails_has_no_value_for_anybody(tmp_path):
    right, wrong = "def f(x): return x * 2", "def f(x): return 0"
    found = verified(tmp_path, *((problem, code) for problem in (*BROKEN, *UNASKED) for code in (right, wrong)))
    assert [one.rating.status for one in found] == ["skipped"] * 18
    assert all("own solution fails" in one.rating.error for one in found[:10])
    assert all("before they ask" in one.rating.error for one in found[10:])
    summary = pass_summary(found)
    assert summary["statuses"]["skipped"] == 18
    assert len(summary["problems_without_value"]) == 18
    assert summary["pass_rate"] is None


def test_a_problem_that_cannot_be_read_is_told_and_the_rest_goes_on(tmp_path):
    found = verified(tmp_path, ({"question": "?"}, "print(3)"), (SUM, "print(3)"))
    assert [one.rating.status for one in found] == ["skipped", "ok"]
    assert "no tests found" in pass_summary(found)["problems_without_value"]["p0"]
    with pytest.raises(HarnessError, match="no tests found"):
        verified(tmp_path, ({"question": "?"}, "print(3)"))


BY_NAME = [
    "import math as m\nfrom math import nope",
    "def start():\n    n += 1\nstart()",
    "x = 1 / 0",
    "raise OSError('no data')",
]


@pytest.mark.parametrize("before", BY_NAME)
def test_tests_that_name_what_they_call_and_fail_whatever_it_is_have_no_value_for_anybody(tmp_path, before):
    problem = {"test_list": [before, "assert f(2) == 4"]}
    codes = ["def f(x): return x * 2", "def f(x): return 0", "def g(x): return x * 2"]
    found = verified(tmp_path, *((problem, code) for code in codes))
    assert [(one.rating.status, one.rating.value) for one in found] == [("skipped", None)] * 3
    assert pass_summary(found)["pass_rate"] is None
    assert len({one.rating.error for one in found}) == 1  # what is wrong with the tests, whatever the program lacks


def test_a_name_that_the_program_should_define_is_its_own_failure(tmp_path):
    assert values(verified(tmp_path, ({"test_list": ["assert f(2) == 4"]}, "def g(x): return x * 2"))) == [0]


CASES = "import unittest\nclass TestF(unittest.TestCase):\n    def test_it(self):\n        self.assertEqual(f(2), 4)\n"


def test_classes_of_unittest_are_run(tmp_path):
    problem = {"prompt": PROMPT, "entry_point": "f", "test": CASES}
    alone = {"test_list": [CASES], "code": "def f(x): return x * 2"}
    right, wrong = "def f(x): return x * 2", "def f(x): return 0"
    cases = [(one, code) for one in (problem, alone) for code in (right, wrong)]
    assert values(verified(tmp_path, *cases)) == [1, 0, 1, 0]


OWN = {
    "named tuple": (
        "from typing import NamedTuple\nclass P(NamedTuple):\n    a: int\ndef f(x): return P(1)",
        "p = candidate(1)\nassert p == (1,) and p.a == 1",
    ),
    "text enumeration": (
        "from enum import Enum\nclass E(str, Enum):\n    A = 'a'\ndef f(x): return E.A",
        "assert candidate(1) == 'a' and candidate(1).name == 'A'",
    ),
    "items": ("def f(x): return {1: 2}.items()", "assert candidate(1) == {(1, 2)} and (1, 2) in candidate(1)"),
    "values": ("def f(x): return {1: 2}.values()", "assert list(candidate(1)) == [2] and 2 in candidate(1)"),
    "list subclass": ("class L(list): pass\ndef f(x): return L([1])", "assert candidate(1) == [1]"),
    "array": (
        "from array import array\ndef f(x): return array('i', [1])",
        "from array import array\nassert candidate(1) == array('i', [1])",
    ),
    "range": ("def f(x): return range(3)", "assert 2 in candidate(1) and candidate(1) == range(3)"),
    "generator": ("def f(x):\n    yield 1\n    yield 2", "assert 2 in candidate(1) and sum(candidate(1)) == 3"),
    "coroutine": (
        "import asyncio\nasync def f(x):\n    await asyncio.sleep(0)\n    return x + 1",
        "import asyncio\nasync def two():\n    return [await candidate(1), await candidate(2)]\n"
        "assert asyncio.run(two()) == [2, 3]",
    ),
}


def test_types_of_the_programs_own_are_made_again_where_that_is_faithful(tmp_path):
    found = verified(tmp_path, *((humaneval(body), code) for code, body in OWN.values()))
    assert dict(zip(OWN, (one.rating.error for one in found), strict=True)) == dict.fromkeys(OWN)
    wrong = [(humaneval(body), "def f(x): return None") for _, body in OWN.values()]
    assert set(values(verified(tmp_path, *wrong))) == {0}


def test_what_cannot_be_made_again_is_skipped_where_nobody_knows_and_wrong_where_it_is(tmp_path):
    equals = "class A:\n    def __init__(self, x): self.x = x\n    def __eq__(self, o): return self.x == o.x\n"
    own = f"{equals}def f(x): return A(x)"
    same = humaneval("assert candidate(1) == candidate(1)")
    other = humaneval("assert candidate(1) == candidate(2)")
    known = humaneval("assert candidate(1) == 2", canonical_solution="    return x + 1\n")
    liar = "class A:\n    __eq__ = lambda s, o: True\ndef f(x): return A()"
    found = verified(tmp_path, (same, own), (other, own), (known, liar))
    assert [(one.rating.status, one.rating.value) for one in found] == [("skipped", None), ("ok", 0), ("ok", 0)]
    assert found[0].same_process


def test_an_argument_that_is_sorted_in_place_is_seen_whatever_comes_back(tmp_path):
    body = "a = [2, 1]\nassert candidate(a) == [1, 2]\nassert a == [2, 1]"
    cases = [(humaneval(body), code) for code in ("def f(x):\n    x.sort()\n    return x", "f = sorted")]
    assert values(verified(tmp_path, *cases)) == [0, 1]


def test_outputs_may_be_wrapped_in_lists_and_functions_be_methods(tmp_path):
    wrapped, plain = apps([[1], [2]], [[2], [3]], "f"), apps([[1], [2]], [[2], [3, 4]], "f")
    method = "class Solution:\n    def f(self, x): return x + 1"
    found = verified(
        tmp_path, (wrapped, method), (wrapped, "def f(x): return [x + 1]"), (plain, method), (SUM, "def f(x)")
    )
    assert values(found) == [1, 1, 0, 0]


def test_evalplus_is_right_where_the_released_solution_says_so(tmp_path):
    problem = {
        "prompt": PROMPT, "entry_point": "f", "canonical_solution": "    return x / 3\n", "atol": 0,
        "base_input": [[3]], "plus_input": [[1], [2]],
    }  # fmt: skip
    codes = ["def f(x): return x * (1 / 3)", "def f(x): return 1.0", "def f(x): return x"]
    found = verified(tmp_path, *((problem, code) for code in codes))
    assert [one.word for one in found] == ["passed", "visible_only", "failed"]
    broken = {**problem, "canonical_solution": "    return y\n"}
    assert [one.rating.status for one in verified(tmp_path, (broken, codes[0]))] == ["skipped"]


@pytest.mark.parametrize(
    ("problem", "answer", "code"),
    [
        ({"entry_point": "f"}, "```python\ndef g(): pass\n```\n```python\ndef f(): pass\n```", "def f(): pass\n"),
        ({"entry_point": "f"}, "```python\ndef f(): pass\n```\n```python\nprint(f())\n```", "def f(): pass\n"),
        ({"entry_point": "f"}, "```python\ndef f(): 1\n```\nBetter:\n```python\ndef f(): 2\n```", "def f(): 2\n"),
        ({"test_list": ["assert f(1)"]}, "```\nout\n```\n```py\ndef f(x): 1\n```", "def f(x): 1\n"),
        (apps([], [], "f"), "```bash\nls\n```\n```\nf = abs\n```", "f = abs\n"),
        ({}, "```bash\nls\n```", ""),
        ({}, "<think>```python\n1\n```</think>\n```python\n2\n```", "2\n"),
        ({}, "<think>```python\n1\n```", ""),
        ({}, "\ufeffprint(1)\r\n", "print(1)\n"),
    ],
)
def test_the_program_is_the_last_block_that_defines_what_is_called(problem, answer, code):
    assert program(problem, answer) == code
