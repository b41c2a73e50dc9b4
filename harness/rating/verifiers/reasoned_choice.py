"""Whether an answer names the right one of some choices and gives a reason; whether the reason is good is a judge's."""

from __future__ import annotations

import re

from pydantic import Field

from harness.rating.rater import RaterSpec, Surroundings
from harness.rating.settings import Settings, read_settings
from harness.rating.verifiers.chosen import read_choice
from harness.rating.verifiers.verifier import Checked, NoKey, Verifier, facts_of, normalized, targets_of
from harness.records import Item

WORD = re.compile(r"\w+(?:['’-]\w+)*")
LETTER = re.compile(r"^\W*[A-Z][).:]")
ARTICLE = re.compile(r"^(?:an?|the) ", re.IGNORECASE)
"""What a choice is written with, and an answer may leave out or write otherwise."""


class ReasonedChoiceSettings(Settings):
    """What counts as a reason."""

    reason_words: int = Field(4, ge=0)
    """Words beside the choice's letter and its own words, at least."""


def verify_reasoned_choice(spec: RaterSpec, _: Surroundings) -> Verifier:
    """Make a rater of free answers to items whose metadata has `choices`, shown under A, B, C, ..."""
    settings = read_settings(spec, ReasonedChoiceSettings)

    def decide(item: Item, answer: str) -> Checked:
        choices = facts_of(item).get("choices")
        if not isinstance(choices, list) or not all(isinstance(one, str) for one in choices):
            raise NoKey(f"item {item.item_id!r} of {item.task!r} has no choices in its metadata")
        targets = list(map(normalized, targets_of(item)))
        chosen = read_choice(answer, [ARTICLE.sub("", one) for one in choices])
        if chosen is None:
            return Checked(False, "names no choice, or several")
        if normalized(choices[chosen]) not in targets:
            return Checked(False, "another choice", choices[chosen])
        own = len(WORD.findall(choices[chosen]))
        beside = len(WORD.findall(LETTER.sub("", answer.strip()))) - own
        right = beside >= settings.reason_words
        return Checked(right, None if right else "without a reason", choices[chosen])

    return Verifier(spec, settings, decide)
