"""The verifier decides as it was meant."""

from pathlib import Path

import pytest

from harness.catalog import Catalog
from harness.rating import Surroundings, Work, find_rater
from harness.records import Item, Rating, Response

INCLUDED = Path(__file__).parents[2]


def verdict(**response: str) -> Rating:
    """Return what it says of an answer to a question whose answer is Paris."""
    item = Item(task="t", item_id="1", family="other", prompt="The capital of France?", target="Paris")
    work = Work(item, Response(response_id="r", task="t", item_id="1", model="m", **response))
    (rating,) = find_rater("my_verifier", Catalog([INCLUDED]), Surroundings()).rate([work])
    return rating


@pytest.mark.parametrize(("text", "value"), [("It is Paris.", 1), ("paris", 1), ("Comparison", 0), ("", 0)])
def test_the_right_word_counts(text: str, value: float) -> None:
    """As a word of its own, in any case."""
    assert verdict(text=text).value == value


def test_a_wrong_answer_has_its_reason() -> None:
    """Whoever reads the page sees why it is a 0."""
    assert verdict(text="Rome").error == "names none of the right answers"


def test_what_never_came_is_no_score() -> None:
    """A failure of the provider is a row with its status."""
    assert (verdict(status="timeout").value, verdict(status="timeout").status) == (None, "timeout")
