"""Tasks with a generator: what is held out is never practised on, nor nearly, and the key is right."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from harness.catalog import Catalog
from harness.learning.overlap import nearly_same
from harness.learning.problems.comparisons import APART, SCALES
from harness.learning.problems.task import generated, problem_task
from harness.rating import Surroundings, Work, find_rater
from harness.records import Item, Response

TASKS = sorted(generated(Catalog()))
HERE = ("brief_summaries", "everyday_comparisons")


def rated(item: Item, text: str, rater: str):
    answer = Response(response_id="r", task=item.task, item_id=item.item_id, model="m", text=text)
    (rating,) = find_rater(rater, Catalog(), Surroundings(workers=1)).rate([Work(item, answer)])
    return rating.value, rating.error


@pytest.mark.parametrize("name", TASKS)
def test_held_out_and_practice_are_disjoint_and_the_data_are_held_out(name):
    task = problem_task(name, Catalog())
    held_out, practice = task.held_out(100), task.practice(0, 0, 200)
    assert {item.item_id for item in held_out}.isdisjoint(item.item_id for item in practice)
    assert nearly_same(practice, held_out) == []
    lines = (Catalog().find("tasks", name) / "data.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines[:100]] == [item.item_id for item in held_out]
    assert {item.family for item in held_out} == {task.facts["family"]}


@pytest.mark.parametrize("name", HERE)
def test_items_have_no_end_in_sight(name):
    task = problem_task(name, Catalog())
    assert len({item.prompt for item in task.held_out(1000)}) == 1000
    assert len({item.prompt for item in task.practice(3, 0, 5000)}) == 5000


@pytest.mark.parametrize("name", HERE)
def test_the_reference_is_right_by_the_tasks_own_rater(name):
    task = problem_task(name, Catalog())
    for item in task.held_out(200):
        text = item.references[0] if item.references else f"{item.target}, since nothing else here is like it."
        assert rated(item, text, task.raters[0]) == (1, None)


@pytest.mark.sandbox
@pytest.mark.parametrize("name", ["one_line_functions", "two_step_functions"])
def test_solutions_pass_all_tests_and_answering_the_examples_alone_does_not(name):
    items = problem_task(name, Catalog()).held_out(12)
    work = []
    for item in items:
        facts = json.loads(item.metadata)
        shown = {repr(tuple(arguments)): result for arguments, result in json.loads(facts["visible_tests"])}
        hacked = f"def {facts['entry_point']}(*arguments):\n    return {shown!r}.get(repr(arguments))\n"
        for number, text in enumerate([item.target, hacked]):
            fields = {"response_id": f"{item.item_id} {number}", "task": name, "item_id": item.item_id, "model": "m"}
            work.append(Work(item, Response(text=text, **fields)))
    for rater, wanted in (("unit_tests", [1, 0]), ("visible_tests", [1, 1])):
        ratings = find_rater(rater, Catalog(), Surroundings(workers=1)).rate(work)
        values = {rating.response_id: rating.value for rating in ratings}
        assert [values[one.response.response_id] for one in work] == wanted * 12


def test_things_that_are_compared_are_far_apart_and_never_on_both_sides():
    task = problem_task("everyday_comparisons", Catalog())
    ends = {end: scale for scale in SCALES for end in scale}
    sides = {}
    for side, items in {"held out": task.held_out(500), "practice": task.practice(0, 0, 1000)}.items():
        for item in items:
            end, choices = item.item_id.split(":")[0], json.loads(item.metadata)["choices"]
            values = sorted((SCALES[ends[end]][one], one) for one in choices)
            assert all(b[0] >= APART * a[0] for a, b in pairwise(values))
            assert item.target == (values[-1] if end == ends[end][0] else values[0])[1]
            assert {sides.setdefault((ends[end], one), side) for one in choices} == {side}
            assert all(one in item.prompt for one in choices)


ITEM = Item(
    task="t", item_id="1", family="summarization", prompt="?",
    metadata=json.dumps({"key_facts": [["Ada Mills", "Mills"], ["clock"], ["Harrow Bay"]]}),
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value", "reason"),
    [
        ("Mills mended the CLOCK of Harrow  Bay.", 1, None),
        ("Mills mended the clocks of Harrow Bay.", 0, "without clock"),
        ("Ada mended the clock.", 0, "without Ada Mills, Harrow Bay"),
        ("Ada Mills mended the clock of Harrow Bay " + "on a day " * 4 + "in May", 0, "22 words, of at most 20"),
        ("Ada Mills mended the clock of Harrow Bay " + "on a day " * 4, 1, None),  # eight words and twelve
        ("", 0, "without Ada Mills, clock, Harrow Bay"),
    ],
)
def test_a_summary_has_its_key_facts_and_at_most_twenty_words(text, value, reason):
    assert rated(ITEM, text, "key_facts") == (value, reason)


def test_an_item_without_key_facts_is_an_error_of_the_data():
    assert rated(ITEM.model_copy(update={"metadata": "{}"}), "x", "key_facts") == (
        None,
        "item '1' of 't' has no key_facts, a list of lists of words",
    )


CHOICE = Item(
    task="t", item_id="1", family="commonsense", prompt="?", target="an elephant",
    metadata=json.dumps({"choices": ["a cat", "an elephant", "the moon", "a bus"]}),
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value", "reason"),
    [
        ("The elephant, because it is heavier than a cat.", 1, None),
        ("An elephant. It weighs several tonnes.", 1, None),
        ("B. An elephant is much heavier than most animals.", 1, None),
        ("An elephant.", 0, "without a reason"),
        ("B) an elephant", 0, "without a reason"),
        ("The answer is the moon, since it is far away.", 0, "another choice"),
        ("It may be the bus or the elephant, who can say?", 0, "names no choice, or several"),
        ("", 0, "names no choice, or several"),
    ],
)
def test_a_choice_needs_a_reason(text, value, reason):
    assert rated(CHOICE, text, "reasoned_choice") == (value, reason)
