"""The choices of an item: which of them a place in an answer names, by its letter, its own words, or its number.

A letter is no article, and a choice is its whole words: `C` is not in `C++`. A letter beside another choice's words
("B) Paris" where B is London), and an answer that is taken back, name nobody. Choices that are numbers are compared as
numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Literal

from harness.rating.verifiers.final_quantity import final_quantity
from harness.rating.verifiers.quantities import Quantity
from harness.rating.verifiers.verifier import normalized

Chosen = int | None | Literal["several"]
"""Index of a choice; None where nothing is named, `several` where it is not said which."""

FILL = (
    r"(?:\s|[*_:=\"'“‘`({\[$]|\\(?:text|textbf|mathrm|mathbf)\{|\b(?:definitely|clearly|certainly|probably|likely|most|"
    r"therefore|thus|simply|indeed|actually|option|choice|letter|number|the|answer|that|"
    r"la|le|el|il|die|der|das|opción|opcion|opção|letra|lettre|lettera)\b)*"
)
REVISED = re.compile(
    r"\b(?:actually|wait|no|on (?:second thoughts?|reflection)|correction|scratch that|or rather|sorry|hmm)\b"
    r"(?:[\s,.:;!*–—-]|\b(?:no|it(?:'s|’s|\s+is|\s+should be|\s+must be)|i|think|mean|the|correct|right|answer|"
    r"option|choice|is|should be)\b)*",
    re.IGNORECASE,
)
REJECTED = re.compile(
    r"\s*(?:[).:*]\s*)?(?:,?\s*(?:which|that|this|but (?:that|this|it))\s+)?(?:is|was|are|seems|looks)?"
    r"\s*(?:(?:an?|the|also)\s+)?(?:not\b|n't|wrong|incorrect|false|common|tempting|mistaken?|distractor|trap)",
    re.IGNORECASE,
)
BESIDE = re.compile(
    r"[).*\"'\]]*\s*(?:,?\s*(?:or|and|and/or|vs|then|but)\b|[/&,;]|->|→)\s*"
    r"(?:(?:or|possibly|maybe|perhaps|probably|potentially|also|even|else)\b\s*)*(?:option|choice|the)?\s*",
    re.IGNORECASE,
)
NEGATED = re.compile(
    r"(?:\b(?:not|never|neither|nor|instead of|unlike|except|than|apart from|besides|excluding|eliminat\w+|"
    r"rul(?:e|es|ed|ing) out|"
    r"(?:every|any)(?:thing|one| \w+)?\s+but|all\s+(?:\w+\s+)?but)|n't)\b(?:(?!\bbut\b)[^.,;])*$",
    re.IGNORECASE,
)
EXCEPT = re.compile(r"\s*(?:\w+\s+){0,3}(?:except|other than|besides|apart from)\b", re.IGNORECASE)
WEAK = {"no", "none", "not", "all", "the", "a", "an", "i", "it", "same", "to", "in", "of"}
"""Choices that any sentence may have in it."""
PLAIN_NUMBER = re.compile(r"[-−+\s$€£¥0-9.,/%]+|\\[dt]?frac\{-?[0-9]+\}\{[0-9]+\}")
LONGEST_LEAD = 200
"""Characters of what leads in a list of the choices."""
ARTICLES = "AI"
"""Letters that are words: before another word they are that."""


class Choices:
    """The choices of one item and the letters that stand for them."""

    def __init__(self, choices: Sequence[str], letters: str) -> None:
        """Take the choices, in order, and the letters of all places."""
        self.texts = [normalized(choice) for choice in choices]
        self.letters = letters[: len(choices)]
        self.letter = f"[{re.escape(self.letters)}]" if self.letters else "(?!)"
        """A pattern of one of the letters."""
        self.numbers = _numbers(choices)
        """The choices as numbers, where all are."""

    @cached_property
    def words(self) -> str:
        """A pattern of the choices' own words, the longest first."""
        known = sorted({text for text in self.texts if text}, key=len, reverse=True)
        bounded = [rf"(?<![\w.])(?<!\d,){re.escape(text)}(?!\w|[.,]\d|\+|/\d|[%^²³])" for text in known]
        return "|".join(bounded).replace(r"\ ", r"\s+") or "(?!)"

    def named(self, text: str, marked: bool = False) -> Chosen:
        """Return the choice that a text begins with.

        Args:
            text: What follows "the answer is".
            marked: There is nothing else: a letter may be small and alone.
        """
        filled = re.match(FILL, text, re.IGNORECASE)
        start = filled.end() if filled else 0
        for begin in dict.fromkeys((start, len(text) - len(text.lstrip(" *_\"'“‘`")))):
            found = self.at(text[begin:], text[:begin], marked)
            if found is not None:
                return found
        return None

    def at(self, text: str, before: str = "", marked: bool = False) -> Chosen:
        """Return the choice whose letter or words a text begins with; see `named`."""
        letter = self._letter(text, before, marked)
        if letter and self._own_words(text, letter):
            return letter[0]
        if self.numbers and not letter:
            return self.number(rf"\boxed{{{text}}}" if marked else f"The answer is {text}")
        words = None if self.numbers else re.match(self.words, text, re.IGNORECASE)
        if words and (letter is None or len(words[0]) > 1 or self._of(words[0]) == letter[0]):
            place, rest = self._of(words[0]), text[words.end() :]
        elif letter and not words:
            place, rest = letter[0], text[letter[1] :]
        else:
            return "several" if words and letter else None
        overlaps = words and not letter and self._overlaps(text, words.end())
        if place is None or overlaps or EXCEPT.match(rest):
            return "several"
        if self.goes_on(rest, place) or self._beside(rest) not in (None, place):
            return "several"
        if re.match(r"\s+that\b", rest) and self.mentioned(normalized(rest)) not in (None, place):
            return "several"  # "true that it is false"
        return None if REJECTED.match(rest) or re.match(r"\W{0,3}\?", rest) else place

    def _own_words(self, text: str, letter: tuple[int, int]) -> bool:
        """Tell whether a letter is followed by its own choice's words and no more: `B) A`."""
        after = re.match(r"\s*[).:]\s*", text[letter[1] :])
        words = text[letter[1] + after.end() :] if after else ""
        own = self.texts[letter[0]]
        return bool(own and after and re.match(rf"{re.escape(own)}[\s.*_)\"'`]*(?:$|\n)", words, re.IGNORECASE))

    def _overlaps(self, text: str, end: int) -> bool:
        """Tell whether another choice begins in the words that end at a place, and goes on behind: `an [apple] pie`."""
        low = text.lower()
        begins = [found.start() for found in re.finditer(r"(?<!\w)\w", low[:end])][1:]
        return any(
            low.startswith(other, start) and start + len(other) > end for start in begins for other in self.texts
        )

    def number(self, text: str) -> Chosen:
        """Return the choice that is the final number of a text."""
        found = final_quantity(text)
        if found is None or not self.numbers:
            return None
        same = [
            place
            for place, one in enumerate(self.numbers)
            if one.number == found.number
            and (one.unit == found.unit or (None in (one.unit, found.unit) and found.unit != "percent"))
        ]
        lettered = re.search(rf"\(({self.letter})\)", text)
        if same and lettered and self.letters.index(lettered[1]) != same[0]:
            return "several"
        return same[0] if same else None

    def _beside(self, rest: str) -> int | None:
        """Return the choice whose words or letter stand right after a letter or words: `) London`, ` (B)`."""
        letter = re.match(rf"\W{{0,3}}[(\[](?:option |choice )?({self.letter})[)\]]", rest, re.IGNORECASE)
        if letter:
            return self.letters.upper().index(letter[1].upper())
        lead = re.match(r"(?:\.\s+|[^\w\n$€£.-]){0,4}", rest)
        after = rest[lead.end() if lead else 0 :]
        if self.numbers:
            found = self.number(after.split("\n")[0]) if re.match(r"[-−$€£]?\.?[0-9]", after) else None
            return found if isinstance(found, int) else None
        words = re.match(rf"(?:{self.words})(?=\W*(?:$|\n))", after, re.IGNORECASE)
        return self._of(words[0]) if words else None

    def _letter(self, text: str, before: str, marked: bool) -> tuple[int, int] | None:
        """Return the place of a letter that a text begins with, and where it ends."""
        found = re.match(rf"({self.letter})(?!_*[^\W_]|[+#]|['’]\w|[-.]\w)", text, re.IGNORECASE)
        if not found:
            return None
        after = text[found.end() :]
        asked = found[1] == "A" and after.startswith(":") and self._beside(after) is None
        if asked and self.mentioned(normalized(after)) not in (None, 0):
            return None  # the "A:" of question and answer
        closed = bool(re.match(r"[).:\]}*_\"'`]|\s*$|\s*\n|\s[-–—]\s", after)) or before.rstrip().endswith(("(", "["))
        small = found[1] not in self.letters
        article = found[1].upper() in ARTICLES and re.match(r"\s+[a-z]", after) and not _reasons(after)
        if article or (small and not closed and not marked):
            return None
        return self.letters.upper().index(found[1].upper()), found.end()

    def _of(self, words: str) -> int | None:
        """Return the place of a choice by its words; None where two choices have the same."""
        places = [place for place, text in enumerate(self.texts) if text == normalized(words)]
        return places[0] if len(places) == 1 else None

    def goes_on(self, rest: str, place: int) -> bool:
        """Tell whether another choice stands beside the one that is named."""
        if re.match(rf"(?:[ \t]+{self.letter}\b)+[ \t.]*(?:$|\n)", rest):
            return True  # a row of letters
        other = BESIDE.match(rest)
        if not other or not other[0].strip(")*\"'] ."):
            return False
        next_one = self.at(rest[other.end() :].lstrip("*(\"'["))
        return next_one is not None and next_one != place

    def mentioned(self, text: str) -> Chosen:
        """Return the only choice whose words are in a text and are not denied there."""
        if self.numbers:
            return self.number(text)
        if WEAK.intersection(self.texts):
            return None
        places = set()
        for found in re.finditer(self.words, text, re.IGNORECASE):
            rest = text[found.end() :]
            if (
                EXCEPT.match(rest)
                or re.match(r"\W{0,3}\?", rest)
                or self._overlaps(text[found.start() :], len(found[0]))
            ):
                return "several"
            if not (NEGATED.search(text[: found.start()].split("\n")[-1]) or REJECTED.match(rest)):
                places |= {self._of(found[0]), self._beside(rest)} - {None}
        return places.pop() if len(places) == 1 else None

    def without_the_list(self, text: str) -> str:
        """Return a text without the list of all choices that it begins with."""
        place, lines = 0, text.split("\n")
        for number, line in enumerate(lines):
            if place == len(self.texts):
                return "\n".join(lines[number:])
            listed = re.fullmatch(rf"\W*({self.letter})\s*[).:\]-]+\s*(.*?)\s*", line)
            if listed and listed[1] == self.letters[place] and normalized(listed[2]) == self.texts[place]:
                place += 1
            elif place or len(line) > LONGEST_LEAD:
                return text
        return text

    def taken_back(self, rest: str, place: int) -> bool:
        """Tell whether what follows an answer changes it for another."""
        for revised in REVISED.finditer(rest):
            other = self.at(rest[revised.end() :].lstrip("*_\"'("))
            if other is not None and other != place:
                return True
        return False


def _numbers(choices: Sequence[str]) -> list[Quantity] | None:
    """Return choices as numbers, or None where one is none or two are the same."""
    found = [final_quantity(choice) if PLAIN_NUMBER.fullmatch(choice) else None for choice in choices]
    numbers = [one for one in found if one is not None]
    whole = len(numbers) == len(choices) and len({one.number for one in numbers}) == len(numbers)
    return numbers if whole else None


def _reasons(after: str) -> bool:
    return bool(re.match(r"\s+(?:because|since|as|is|for|due)\b", after))
