"""The tasks of the catalogue are what their cards say: lm-eval tasks, sound, balanced, and hard to cheat."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from harness.answering.tasks.task import load_task
from harness.catalog import Catalog
from harness.suite import TaskUse


def rows(task: str) -> list[dict[str, Any]]:
    path = Catalog().find("tasks", task) / "data.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def passes(code: str, name: str, tests: list[Any]) -> bool:
    """Run code of our own against tests; nothing that a model wrote comes here."""
    names: dict[str, Any] = {}
    exec(code, names)
    return all(names[name](*arguments) == expected for arguments, expected in tests)


@pytest.mark.parametrize(
    ("task", "family", "size"),
    [
        ("commonsense_basics", "commonsense", 80),
        ("small_functions", "coding", 30),
        ("short_passages", "summarization", 20),
    ],
)
def test_lm_eval_loads_it_from_any_folder_and_every_item_is_its_own(task, family, size, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loaded = load_task(TaskUse(task=task), Catalog())
    assert len(loaded.items) == size
    assert {item.family for item in loaded.items} == {family}
    for identity in ("item_id", "prompt", "content_hash"):
        assert len({getattr(item, identity) for item in loaded.items}) == size
    assert loaded.card


def test_the_right_answer_stands_equally_often_in_each_place():
    items = load_task(TaskUse(task="commonsense_basics"), Catalog()).items
    assert Counter(item.target for item in items) == {"0": 20, "1": 20, "2": 20, "3": 20}
    assert all(len(set(item.choices or [])) == 4 for item in items)
    assert len({row["question"].casefold() for row in rows("commonsense_basics")}) == 80


@pytest.mark.parametrize("extreme", [min, max])
def test_the_length_of_an_answer_does_not_give_it_away(extreme):
    """Log-likelihood favours short answers, so guessing by length must do about as badly as chance (20 of 80)."""
    right = 0.0
    for row in rows("commonsense_basics"):
        lengths = [len(choice) for choice in row["choices"]]
        guesses = [place for place, length in enumerate(lengths) if length == extreme(lengths)]
        right += (row["answer"] in guesses) / len(guesses)
    assert 14 <= right <= 26


@pytest.mark.parametrize("row", rows("small_functions"), ids=lambda row: row["id"])
def test_a_function_can_be_solved_and_its_visible_tests_cannot_be_memorised(row):
    visible, hidden = json.loads(row["visible_tests"]), json.loads(row["hidden_tests"])
    assert len(visible) == 2
    assert len(hidden) >= 5
    assert passes(row["solution"], row["entry_point"], visible + hidden)
    for arguments, expected in visible:
        assert f"{row['entry_point']}({', '.join(map(repr, arguments))})\n    {expected!r}" in row["prompt"]
    for fallback in [None, *(expected for _, expected in visible)]:
        memory = f"{{repr(x): y for x, y in {visible!r}}}.get(repr(list(a)), {fallback!r})"
        cheat = f"def {row['entry_point']}(*a):\n    return {memory}\n"
        assert passes(cheat, row["entry_point"], visible)
        assert not passes(cheat, row["entry_point"], hidden)


def test_a_functions_solution_is_not_in_its_prompt_or_metadata():
    for item in load_task(TaskUse(task="small_functions"), Catalog()).items:
        facts = json.loads(item.metadata)
        assert set(facts) == {"entry_point", "prompt", "visible_tests", "hidden_tests"}
        assert facts["hidden_tests"] not in item.prompt


def test_passages_and_their_summaries_have_the_length_that_the_card_says():
    for row in rows("short_passages"):
        assert 100 <= len(row["passage"].split()) <= 120
        assert 15 <= len(row["reference"].split()) <= 40
