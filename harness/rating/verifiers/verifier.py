"""What verifiers share: an answer becomes right or wrong, with the reason, and whose failure a failure is.

An answer that cannot be read is wrong: the model failed. A response that never came (a provider's error) is no answer,
so its rating has no value and the response's status.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from harness.answering import answer_of
from harness.errors import HarnessError
from harness.kinds import identity_of
from harness.rating.rater import NO_ANSWER, RaterSpec, Work, rating_of
from harness.rating.settings import Settings
from harness.records import Item, Rating, digest, target_text

RECIPE = 6
"""Counts the ways in which answers were read: a change makes other ratings of the same answers."""


ALL = "wants_all_targets"
"""What an item's metadata say where an answer is right only with all of the targets."""


class Checked(NamedTuple):
    """Whether an answer is right, the reason where it is not, and what was read in it."""

    right: bool
    reason: str | None = None
    read: str | None = None


class NoKey(HarnessError):
    """The item has nothing to compare with: the harness's failure, not the model's."""


class Verifier:
    """A rater whose rating follows from one item and one answer."""

    def __init__(self, spec: RaterSpec, settings: Settings, decide: Callable[[Item, str], Checked]) -> None:
        """Make a verifier that decides by a function; a `NoKey` that it raises is a rating with status `error`."""
        self.spec = spec
        self.version = digest(identity_of(spec.use), settings.model_dump(mode="json"), RECIPE)
        self.decide = decide

    def rate(self, work: Sequence[Work]) -> Iterator[Rating]:
        """Yield one rating a piece of work."""
        for piece in work:
            yield unanswered(self.spec, self.version, piece) or self._rating(piece)

    def _rating(self, work: Work) -> Rating:
        try:
            finding = self._found(work, answer_of(work.response.text or ""))
        except NoKey as error:
            return rating_of(self.spec, self.version, work, status="error", error=str(error))
        value = 1.0 if finding.right else 0.0
        return rating_of(self.spec, self.version, work, value=value, error=finding.reason, raw=finding.read)

    def _found(self, work: Work, answer: str) -> Checked:
        return self.decide(work.item, answer)


def unanswered(spec: RaterSpec, version: str, work: Work) -> Rating | None:
    """Return the rating of a response without an answer, or None where there is one.

    A refusal is the model's own failure (0); a provider's error or timeout is not (no value, the response's status).
    """
    status = work.response.status
    if status == "ok":
        return None
    reason = f"{NO_ANSWER}{work.response.error or status}"
    if status == "refused":
        return rating_of(spec, version, work, value=0.0, error=reason)
    return rating_of(spec, version, work, status=status, error=reason)


def normalized(text: str) -> str:
    """Return a text as exact match compares it: NFKC, case folded, white space collapsed, no full stop at the end."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).removesuffix(".").rstrip()


def facts_of(item: Item) -> dict[str, Any]:
    """Return the item's metadata.

    Raises:
        NoKey: It is no JSON object.
    """
    try:
        facts = json.loads(item.metadata)
    except ValueError as error:
        raise NoKey(f"item {item.item_id!r}: metadata is no JSON: {error}") from error
    if not isinstance(facts, dict):
        raise NoKey(f"item {item.item_id!r}: metadata is no JSON object")
    return facts


def asks_for_letter(item: Item) -> bool:
    """Tell whether the model was asked for a choice's letter (`how: generate`)."""
    return item.choices is not None and facts_of(item).get("how") == "generate"


def refuse_all(item: Item) -> None:
    """Refuse an item that wants all of its right answers at once, not any of them.

    Raises:
        NoKey: It does.
    """
    if ALL in item.metadata and facts_of(item).get(ALL):
        raise NoKey(
            f"item {item.item_id!r} of {item.task!r} wants all of its right choices together, and one alone is not "
            "right; the scorer that it was imported with says which answers are"
        )


def targets_of(item: Item) -> list[str]:
    """Return all right answers of an item as texts: of multiple choice the right choices, not their indices.

    Raises:
        NoKey: It has none, or the model was asked for a choice's letter, which is no text.
    """
    if not item.right:
        raise NoKey(f"item {item.item_id!r} of {item.task!r} has no target")
    refuse_all(item)
    if asks_for_letter(item):
        raise NoKey(f"{item.task!r} asks for a letter (`how: generate`): rate it by `multiple_choice`")
    return [str(target_text(target, item.choices)) for target in item.right]


def any_of(item: Item, check: Callable[[str], Checked]) -> Checked:
    """Return what is found with the first target that the answer fits, else with the first target.

    Args:
        item: Whose targets are tried.
        check: Compares the answer with one target; a `NoKey` that it raises is passed on where no target is readable.

    Raises:
        NoKey: The item has no target, or none that can be read.
    """
    found: list[Checked] = []
    unreadable: list[NoKey] = []
    for target in targets_of(item):
        try:
            found.append(check(target))
        except NoKey as error:
            unreadable.append(error)
        if found and found[-1].right:
            return found[-1]
    if not found:
        raise unreadable[0]
    return found[0]
