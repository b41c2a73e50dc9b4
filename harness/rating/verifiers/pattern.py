"""A regular expression as verifier: found or not, or what it finds compared with the target.

Both text and expression may be hostile, and `re` cannot be stopped, so the package `regex` matches, with a time limit.
"""

from __future__ import annotations

import regex  # type: ignore[import-untyped]
from pydantic import Field

from harness.errors import HarnessError
from harness.rating.rater import RaterSpec, Surroundings
from harness.rating.settings import Settings, read_settings
from harness.rating.verifiers.verifier import Checked, NoKey, Verifier, facts_of, normalized, targets_of
from harness.records import Item


class PatternSettings(Settings):
    """The expression; an item's own `pattern` in its metadata comes first."""

    pattern: str = ""
    seconds: float = Field(1.0, gt=0)


def pattern(spec: RaterSpec, _: Surroundings) -> Verifier:
    """Make the rater `pattern`.

    Raises:
        HarnessError: The expression is none.
    """
    settings = read_settings(spec, PatternSettings)
    try:
        common = regex.compile(settings.pattern) if settings.pattern else None
    except regex.error as error:
        raise HarnessError(f"{spec.name}: settings: pattern {settings.pattern!r}: {error}") from error

    def decide(item: Item, answer: str) -> Checked:
        own = facts_of(item).get("pattern")
        try:
            expression = regex.compile(own) if own else common
        except (regex.error, TypeError) as error:
            raise NoKey(f"item {item.item_id!r} of {item.task!r}: pattern {own!r}: {error}") from error
        if expression is None:
            raise NoKey(f"item {item.item_id!r} of {item.task!r} has no pattern, and the rater has none either")
        try:
            matches = list(expression.finditer(answer, timeout=settings.seconds))
        except TimeoutError:
            return Checked(False, f"not matched within {settings.seconds} s")
        if not matches:
            return Checked(False, "the pattern is not in the answer")
        if not expression.groups:
            return Checked(True, None, matches[-1][0])
        found = matches[-1][1] or ""
        right = normalized(found) in map(normalized, targets_of(item))
        return Checked(right, None if right else "another answer", found)

    return Verifier(spec, settings, decide)
