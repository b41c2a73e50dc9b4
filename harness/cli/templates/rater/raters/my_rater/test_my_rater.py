"""The rater rates as it was meant."""

from pathlib import Path

from harness.catalog import Catalog
from harness.rating import Surroundings, Work, find_rater
from harness.records import Item, Rating, Response

INCLUDED = Path(__file__).parents[2]


def rated(**response: str) -> Rating:
    """Return what it says of an answer."""
    item = Item(task="t", item_id="1", family="other", prompt="Why is the sky blue?")
    work = Work(item, Response(response_id="r", task="t", item_id="1", model="m", **response))
    (rating,) = find_rater("my_rater", Catalog([INCLUDED]), Surroundings()).rate([work])
    return rating


def test_fewer_words_are_briefer() -> None:
    """Of 100 words that are too many, ten leave .9."""
    assert rated(text="word " * 10).value == 0.9
    assert rated(text="word " * 1000).value == 0


def test_what_never_came_is_no_score() -> None:
    """A failure of the provider is a row with its status."""
    assert (rated(status="timeout").value, rated(status="timeout").status) == (None, "timeout")
