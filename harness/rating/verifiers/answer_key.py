"""Answers against a key: the chosen option of a multiple-choice item, otherwise the text of the target."""

from __future__ import annotations

import re
from collections.abc import Callable
from string import ascii_uppercase

from harness.rating.rater import RaterSpec, Surroundings, Work
from harness.rating.settings import Settings, read_settings
from harness.rating.verifiers.chosen import read_choice
from harness.rating.verifiers.verifier import (
    Checked,
    NoKey,
    Verifier,
    any_of,
    asks_for_letter,
    normalized,
    refuse_all,
    targets_of,
)
from harness.records import Item


class MatchSettings(Settings):
    """How texts are compared."""

    normalize: bool = True
    """NFKC, case folded, white space collapsed, no full stop at the end; otherwise character for character."""


class ChoiceSettings(Settings):
    """How a choice is read from text."""

    letters: str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def answer_key(spec: RaterSpec, _: Surroundings) -> Verifier:
    """Make the rater `answer_key`: right if the answer is the right choice, or, without choices, the target's text.

    An answer to a multiple-choice item is the text of the chosen option.
    """
    settings = read_settings(spec, MatchSettings)

    def decide(item: Item, answer: str) -> Checked:
        if item.choices is None or asks_for_letter(item):
            return any_of(item, lambda target: _same(settings, answer, target))
        right = [item.choices[place] for place in right_choices(item)]
        if answer in right:
            return Checked(True, None, answer)
        if answer in item.choices:
            return Checked(False, "another answer", answer)
        findings = [_same(settings, answer, choice) for choice in right]
        finding = next((one for one in findings if one.right), findings[0])
        none = answer.strip() and not any(_same(settings, answer, choice).right for choice in item.choices)
        return finding._replace(reason="the answer is none of the choices") if none else finding

    return Verifier(spec, settings, decide)


def exact_match(spec: RaterSpec, _: Surroundings) -> Verifier:
    """Make the rater `exact_match`: right if the answer is a target (a right choice's text) or a reference."""
    settings = read_settings(spec, MatchSettings)

    def decide(item: Item, answer: str) -> Checked:
        if not item.right and not item.references:
            raise NoKey(f"item {item.item_id!r} of {item.task!r} has neither target nor references")
        accepted = [*item.references, *(targets_of(item) if item.right else ())]
        findings = [_same(settings, answer, text) for text in accepted]
        return next((finding for finding in findings if finding.right), findings[-1])

    return Verifier(spec, settings, decide)


def multiple_choice(spec: RaterSpec, _: Surroundings) -> Verifier:
    """Make the rater `multiple_choice`: reads a letter or the text of a choice from free text; see `read_choice`.

    What cannot be read is wrong.
    """
    settings = read_settings(spec, ChoiceSettings)

    def decide(item: Item, answer: str, lettered: bool = False) -> Checked:
        if item.choices is None:
            raise NoKey(f"item {item.item_id!r} of {item.task!r} has no choices")
        right = right_choices(item)
        chosen = read_choice(answer, item.choices, settings.letters, lettered or asks_for_letter(item))
        if chosen is None:
            return Checked(False, "no choice can be read in the answer")
        letter = settings.letters[chosen]
        return Checked(chosen in right, None if chosen in right else f"chose {letter}", letter)

    return LetterReader(spec, settings, decide)


class LetterReader(Verifier):
    """Reads a choice: a letter is one where the prompt lists the choices under letters and the model wrote.

    By log-likelihood an answer is a choice's text, whatever letters the prompt has.
    """

    def _found(self, work: Work, answer: str) -> Checked:
        weighed = work.response.logprobs is not None and len(work.response.logprobs) == len(work.item.choices or ())
        decide: Callable[..., Checked] = self.decide
        return decide(work.item, answer, not weighed and _lists_letters(work.item))


def _lists_letters(item: Item) -> bool:
    """Tell whether the prompt of an item has each choice behind its letter: `B) Paris`, `(b) Paris`."""
    places = list(zip(ascii_uppercase, item.choices or (), strict=False))
    return bool(places) and all(
        re.search(rf"(?<![^\W_])\(?{letter}[).:]\s*{re.escape(choice.strip())}(?!\w)", item.prompt, re.IGNORECASE)
        for letter, choice in places
    )


def right_choices(item: Item) -> list[int]:
    """Return the indices of the right choices.

    Raises:
        NoKey: A target is no index of a choice.
    """
    choices = item.choices or []
    if not item.right:
        raise NoKey(f"item {item.item_id!r} of {item.task!r} has no target")
    refuse_all(item)
    for target in item.right:
        if not target.isdecimal() or int(target) >= len(choices):
            where = f"item {item.item_id!r} of {item.task!r}"
            raise NoKey(f"{where}: target {target!r} is no index of its {len(choices)} choices")
    return list(map(int, item.right))


def _same(settings: MatchSettings, answer: str, accepted: str) -> Checked:
    shown = answer if len(answer) <= 200 else answer[:200] + "..."
    if not answer.strip():
        return Checked(False, "the answer is empty", shown)
    same = answer == accepted or (settings.normalize and normalized(answer) == normalized(accepted))
    return Checked(same, None if same else "another answer", shown)
