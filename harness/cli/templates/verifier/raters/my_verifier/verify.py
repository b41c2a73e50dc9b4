"""Decides whether an answer is right, and says why where it is not."""

from __future__ import annotations

from harness.rating import Checked, RaterSpec, Settings, Surroundings, Verifier
from harness.records import Item


def decide(item: Item, answer: str) -> Checked:
    """Return whether the answer names a right one as a word of its own; count `RECIPE` on where this changes.

    The answer comes without its reasoning. Raise `NoKey` where the item has nothing to compare with: that is no
    failure of the model.
    """
    words = [word.strip(".,;:!?\"'()*").casefold() for word in answer.split()]
    named = [right for right in item.right if right.casefold() in words]
    if named:
        return Checked(True, read=named[0])
    return Checked(False, "names none of the right answers", answer[:100])


class Recipe(Settings):
    """What decides the ratings beside rater.yaml."""

    recipe: int = 1


RECIPE = Recipe(recipe=1)


def make(spec: RaterSpec, surroundings: Surroundings) -> Verifier:
    """Make the verifier that rater.yaml declares."""
    return Verifier(spec, RECIPE, decide)
