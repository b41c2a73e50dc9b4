"""Whether a short text has the facts that it has to have: for summaries with a limit."""

from __future__ import annotations

import re

from pydantic import Field

from harness.rating.rater import RaterSpec, Surroundings
from harness.rating.settings import Settings, read_settings
from harness.rating.verifiers.verifier import Checked, NoKey, Verifier, facts_of, normalized
from harness.records import Item

WORD = re.compile(r"\w+(?:['’-]\w+)*")


class KeyFactsSettings(Settings):
    """How long a text may be, and how much has to be in it."""

    words: int | None = Field(None, ge=1)
    """The most words; any number where not given."""
    share: float = Field(1.0, gt=0, le=1)
    """So much of the facts, at least."""


def verify_key_facts(spec: RaterSpec, _: Surroundings) -> Verifier:
    """Make a rater of texts by `key_facts` in an item's metadata: a list of facts, each a list of the words for it."""
    settings = read_settings(spec, KeyFactsSettings)

    def decide(item: Item, answer: str) -> Checked:
        facts = facts_of(item).get("key_facts")
        if not isinstance(facts, list) or not facts or not all(isinstance(one, list) and one for one in facts):
            raise NoKey(f"item {item.item_id!r} of {item.task!r} has no key_facts, a list of lists of words")
        count = len(WORD.findall(answer))
        if settings.words is not None and count > settings.words:
            return Checked(False, f"{count} words, of at most {settings.words}")
        text = normalized(answer)
        lacking = [one for one in facts if not any(_has(text, str(words)) for words in one)]
        right = len(facts) - len(lacking) >= settings.share * len(facts)
        return Checked(right, None if right else f"without {', '.join(str(one[0]) for one in lacking)}")

    return Verifier(spec, settings, decide)


def _has(text: str, words: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(normalized(words))}(?!\w)", text) is not None
