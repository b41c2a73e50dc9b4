"""A verifier: right is an answer that names the target as a word of its own."""

import re

from harness.rating import Checked, NoKey, RaterSpec, Settings, Surroundings, Verifier, read_settings
from harness.records import Item


class NamesIt(Settings):
    """What `settings:` of the rater.yaml may say."""

    recipe: int = 1
    """Counted on where `decide` changes, so that answers are rated anew."""


def make(spec: RaterSpec, surroundings: Surroundings) -> Verifier:
    """Make the rater."""
    return Verifier(spec, read_settings(spec, NamesIt), decide)


def decide(item: Item, answer: str) -> Checked:
    """Return whether the answer names a right one, and why not."""
    if not item.right:
        raise NoKey(f"item {item.item_id!r} of {item.task!r} has no answer")
    words = re.findall(r"\w+", answer.casefold())
    named = [right for right in item.right if right.casefold() in words]
    return Checked(bool(named), None if named else "does not name it", named[0] if named else answer[:100])
