"""The items are as they were meant."""

from pathlib import Path

from harness.answering import load_task
from harness.catalog import Catalog
from harness.suite import TaskUse

INCLUDED = Path(__file__).parents[2]


def test_a_question_becomes_an_item() -> None:
    """Prompt and right answer come from the line of `data.jsonl`."""
    items = {item.item_id: item for item in load_task(TaskUse(task="my_task"), Catalog([INCLUDED])).items}
    assert items["opposite-hot"].prompt == "What is the opposite of hot? Answer with one word."
    assert items["opposite-hot"].right == ["cold"]
    assert all(item.right for item in items.values())
