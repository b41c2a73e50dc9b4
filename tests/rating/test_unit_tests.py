"""The rater `unit_tests`: what is 1, what is 0 and why, and what is no rating at all."""

import json

import pytest

from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.rating.rate import find_rater
from harness.rating.rater import Surroundings, Work
from harness.rating.sandbox import attacks
from harness.rating.verifiers.problems import program, read_tests
from harness.records import Item, Response

FACTS = {
    "entry_point": "double",
    "prompt": 'def double(x):\n    """Return twice x."""\n',
    "visible_tests": [[[1], 2], [[2], 4]],
    "hidden_tests": [[[-3], -6], [[[1]], [1, 1]]],
}
SURROUNDINGS = Surroundings(workers=1)


def work(text, facts=FACTS, **fields):
    item = Item(task="t", item_id="1", family="coding", prompt="?", metadata=json.dumps(facts))
    return Work(
        item, Response(**{"response_id": "r", "task": "t", "item_id": "1", "model": "m", "text": text} | fields)
    )


def rate(*pieces, rater="unit_tests"):
    return list(find_rater(rater, Catalog(), SURROUNDINGS).rate(pieces))


def chat(code):
    return f"Here it is:\n```python\n{code}\n```\nIt doubles."


@pytest.mark.sandbox
def test_right_code_is_1_and_wrong_code_0_with_its_reason():
    right, wrong, hacked, missing, loop, memory, crash, ended, empty = rate(
        work(chat("def double(x):\n    return x * 2")),
        work(chat("def double(x):\n    return x")),
        work(chat("def double(x):\n    return {1: 2, 2: 4}[x]")),
        work(chat("def twice(x):\n    return x * 2")),
        work(chat("def double(x):\n    while True: pass"), {**FACTS, "limits": {"seconds": 0.5}}),
        work(chat("def double(x):\n    return len(bytearray(10 ** 10))")),
        work(chat("import ctypes\ndef double(x):\n    ctypes.string_at(0)")),
        work(chat("import os\ndef double(x):\n    os._exit(0)")),
        work(""),
    )
    assert (right.value, right.status, right.error, right.flags) == (1, "ok", None, [])
    assert (wrong.value, wrong.status) == (0, "ok")
    assert wrong.error == "failed: double(1) is 1, not 2"
    assert (hacked.value, hacked.flags) == (0, ["visible_only"])
    assert missing.error == "failed: defines no double"
    assert loop.error.startswith("timeout")
    assert memory.error.startswith("memory")
    assert crash.error == "crash: ended by SIGSEGV"
    assert ended.error.startswith("crash")
    assert empty.error == "failed: the answer holds no code"
    assert {rating.value for rating in (missing, loop, memory, crash, ended, empty)} == {0}
    assert all(rating.rater_kind == "verifier" and rating.criterion == "correctness" for rating in (right, empty))


@pytest.mark.sandbox
@pytest.mark.sandbox
def test_a_weak_check_sees_the_visible_tests_alone():
    hacked, wrong = rate(
        work(chat("def double(x):\n    return {1: 2, 2: 4}[x]")),
        work(chat("def double(x):\n    return x")),
        rater="visible_tests",
    )
    (without,) = rate(
        work(chat("def double(x):\n    return x * 2"), FACTS | {"visible_tests": []}), rater="visible_tests"
    )
    assert (hacked.value, hacked.rater, hacked.flags) == (1, "visible_tests", [])
    assert (wrong.value, wrong.error) == (0, "failed: double(1) is 1, not 2")
    assert (without.status, without.error) == ("error", "item '1' of 't' has no visible tests")


def test_the_failure_of_another_is_no_score():
    provider, nothing = rate(work(None, status="error", error="HTTP 500"), work("x = 1", {"entry_point": "f"}))
    assert (provider.value, provider.status) == (None, "error")
    assert (nothing.value, nothing.status) == (None, "error")
    assert "no tests found" in nothing.error


@pytest.mark.sandbox
def test_a_body_alone_continues_the_prompt():
    (rating,) = rate(work("    return x * 2\n"))
    assert rating.value == 1


def test_the_program_is_the_first_code_block_or_the_whole_answer():
    assert program(FACTS, "a\n```python\ndef double(x): ...\n```\n```\nother\n```") == "def double(x): ...\n"
    assert program(FACTS, "```\ndef double(x): ...\n") == "def double(x): ...\n"
    assert program(FACTS, "def double(x): ...") == "def double(x): ..."
    assert program(FACTS, "    return 2") == FACTS["prompt"] + "    return 2"
    assert program(FACTS, "    def double(x):\n        return 2") == "def double(x):\n    return 2"
    assert program(FACTS, "  ") == "  "


def test_a_problem_of_no_known_format_is_refused():
    with pytest.raises(HarnessError, match="problem 7: no tests found"):
        read_tests({"task_id": "7", "prompt": "..."})
    with pytest.raises(HarnessError, match="pair of an argument list"):
        read_tests({"entry_point": "f", "visible_tests": [[1, 2, 3]]})


def test_without_any_sandbox_the_rater_refuses_and_says_what_to_install(monkeypatch):
    def absent(*_):
        raise HarnessError("not here")

    monkeypatch.setattr(attacks, "bubblewrap", absent)
    monkeypatch.setattr(attacks, "landlock", absent)
    with pytest.raises(HarnessError, match="apt-get install bubblewrap"):
        find_rater("unit_tests", Catalog(), SURROUNDINGS)


def test_unsafe_local_warns_and_marks_every_rating(monkeypatch):
    def absent(*_):
        raise HarnessError("not here")

    monkeypatch.setattr(attacks, "bubblewrap", absent)
    monkeypatch.setattr(attacks, "landlock", absent)
    with pytest.warns(UserWarning, match="WITHOUT a sandbox"):
        rater = find_rater("unit_tests", Catalog(), Surroundings(workers=1, unsafe_local=True))
    (rating,) = rater.rate([work(chat("def double(x):\n    return x * 2"))])
    assert (rating.value, rating.flags) == (1, ["unsafe_local"])
