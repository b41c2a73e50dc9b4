r"""Which of its choices an answer names: by letter (`B`, `(b)`, `\boxed{B}`, "Option B") or by the choice's own words.

What an answer says of itself counts before what it mentions: "The answer is not A, it is B" names B, "A or B" nobody.
A letter is no article, and a choice is its whole words: `C` is not in `C++`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Literal

from harness.answering import answer_of
from harness.rating.verifiers.verifier import normalized

Chosen = int | None | Literal["several"]
"""Index of a choice; None where nothing is named, `several` where it is not said which."""

FILL = (
    r"(?:\s|[*_:=\"'“‘`({\[]|\\(?:text|textbf|mathrm|mathbf)\{|\b(?:definitely|clearly|certainly|probably|likely|most|"
    r"therefore|thus|simply|indeed|actually|option|choice|letter|number|the|answer|that)\b)*"
)
SAYS = re.compile(
    r"\b(?:answer|choice|option|solution|selection|pick)s?\b(?:\s*\([^)\n]*\))?[*_\"]*\s*"
    r"(?:(?:is|should be|would be|must be|will be)\b\s*:?|[:=：])",
    re.IGNORECASE,
)
CHOOSES = re.compile(
    r"\b(?:it(?:\s+is|'s|’s|\s+must be|\s+should be)|"
    r"i(?:\s+would|'d|\s+will|'ll)?\s+(?:choose|pick|select|go with|say)|"
    r"i\s+think(?:\s+(?:it\s+is|it's))?|(?:is|be)\s+therefore|therefore|thus|hence|so)\b[,:]?",
    re.IGNORECASE,
)
MARKED = re.compile(
    r"\\boxed\s*\{((?:[^{}]|\{[^{}]*\})*)\}|<(answer|choice)>(.*?)</\2>|\[\[([^\[\]]+)\]\]", re.I | re.S
)
REJECTED = re.compile(
    r"\s*(?:[).:*]\s*)?(?:is|was|are|seems|looks)?\s*(?:not\b|n't|wrong|incorrect|false)", re.IGNORECASE
)
CONFIRMED = re.compile(r"\W{0,3}\s*(?:is|would be)\s+(?:the\s+)?(?:correct|right|best|true|answer|most)", re.IGNORECASE)
NEGATED = re.compile(r"(?:\b(?:not|never|neither|nor|instead of|unlike|except|than)|n't)\b[^.,;]*$", re.IGNORECASE)
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

    @cached_property
    def _text(self) -> str:
        """A pattern of the choices' own words, the longest first."""
        known = sorted({text for text in self.texts if text}, key=len, reverse=True)
        bounded = [rf"(?<![\w.])(?<!\d,){re.escape(text)}(?!\w|[.,]\d|\+|/\d|%)" for text in known]
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
            found = self._at(text[begin:], text[:begin], marked)
            if found is not None:
                return found
        return None

    def _at(self, text: str, before: str, marked: bool) -> Chosen:
        words = re.match(self._text, text, re.IGNORECASE)
        letter = self._letter(text, before, marked)
        if words and (letter is None or len(words[0]) > 1 or self._of(words[0]) == letter[0]):
            place, rest = self._of(words[0]), text[words.end() :]
        elif letter and not words:
            place, rest = letter[0], text[letter[1] :]
        else:
            return "several" if words and letter else None
        if place is None or self._goes_on(rest, place):
            return "several"
        return None if REJECTED.match(rest) or re.match(r"\W{0,3}\?", rest) else place

    def _letter(self, text: str, before: str, marked: bool) -> tuple[int, int] | None:
        """Return the place of a letter that a text begins with, and where it ends."""
        found = re.match(rf"({self.letter})(?![\w+#'’]|\.\w)", text, re.IGNORECASE)
        if not found:
            return None
        after = text[found.end() :]
        closed = bool(re.match(r"[).:\]}*\"']|\s*$|\s*\n|\s[-–—]\s", after)) or before.rstrip().endswith(("(", "["))
        small = found[1] not in self.letters
        article = found[1].upper() in ARTICLES and re.match(r"\s+[a-z]", after) and not _reasons(after)
        if article or (small and not closed and not marked):
            return None
        return self.letters.upper().index(found[1].upper()), found.end()

    def _of(self, words: str) -> int | None:
        """Return the place of a choice by its words; None where two choices have the same."""
        places = [place for place, text in enumerate(self.texts) if text == normalized(words)]
        return places[0] if len(places) == 1 else None

    def _goes_on(self, rest: str, place: int) -> bool:
        """Tell whether another choice stands beside the one that is named."""
        other = re.match(r"[).*\"'\]]*\s*(?:,?\s*(?:or|and|and/or)\b|[/&,])\s*(?:option|choice|the)?\s*", rest, re.I)
        if not other or not other[0].strip(")*\"'] ."):
            return False
        next_one = self._at(rest[other.end() :].lstrip("*(\"'["), "", marked=False)
        return next_one is not None and next_one != place

    def mentioned(self, text: str) -> int | None:
        """Return the only choice whose words are in a text and are not denied there."""
        places = set()
        for found in re.finditer(self._text, text, re.IGNORECASE):
            if not NEGATED.search(text[: found.start()].split("\n")[-1]):
                places.add(self._of(found[0]))
        return places.pop() if len(places) == 1 else None


def _reasons(after: str) -> bool:
    return bool(re.match(r"\s+(?:because|since|as|is|for|due)\b", after))


def read_choice(answer: str, choices: list[str], letters: str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ") -> int | None:
    """Return the index of the choice that a text names, or None where it names none or several.

    Args:
        answer: A model's answer; reasoning in it is not read.
        choices: The choices' texts.
        letters: What stands for them in their order.
    """
    text = answer_of(answer).strip()
    if choices.count(answer) == 1:
        return choices.index(answer)
    known = Choices(choices, letters)
    if not text or not choices:
        return None
    for read in (_in_marks, _said, _confirmed, _chosen, _leading):
        found = [chosen for chosen in read(text, known) if chosen is not None]
        if found:
            last = found[-1]
            return last if isinstance(last, int) else None
    return known.mentioned(normalized(text))


def _in_marks(text: str, known: Choices) -> Iterator[Chosen]:
    for mark in MARKED.finditer(text):
        inside = next(part for part in (mark[1], mark[3], mark[4]) if part is not None)
        yield known.named(inside.strip(), marked=True)


def _said(text: str, known: Choices) -> Iterator[Chosen]:
    for statement in SAYS.finditer(text):
        yield known.named(text[statement.end() :])


def _confirmed(text: str, known: Choices) -> Iterator[Chosen]:
    """Read "Option B", "B is correct": the letters that are not rejected, if they are one and the same."""
    found = []
    pattern = (
        rf"(?i:\b(?:option|choice|answer|letter)\s+)\(?([{known.letters}])\b\)?|(?<![\w'])\(?([{known.letters}])\b\)?"
    )
    for letter in re.finditer(pattern, text):
        rest = text[letter.end() :]
        if (letter[1] and not REJECTED.match(rest)) or CONFIRMED.match(rest):
            found.append(known.letters.index(letter[1] or letter[2]))
    if found:
        yield found[0] if len(set(found)) == 1 else "several"


def _chosen(text: str, known: Choices) -> Iterator[Chosen]:
    for statement in CHOOSES.finditer(text):
        yield known.named(text[statement.end() :])


def _leading(text: str, known: Choices) -> Iterator[Chosen]:
    """Read a letter that an answer begins with or ends with, by itself or before the choice; a list of them is none."""
    pattern = rf"[ \t*_#>-]*(?:\(({known.letter})\)|({known.letter})(?=[.):\]*]|\s*$|\s+[-–—]\s|\s*\n))"
    lines = [line for line in text.splitlines() if line.strip()]
    begun = [re.match(pattern, line, re.IGNORECASE) for line in lines]
    found = [
        known.letters.upper().index((one[1] or one[2]).upper())
        for one in begun
        if one and ((one[1] or one[2]) in known.letters or one[1])
    ]
    if len(set(found)) > 1:
        yield "several"
    elif found and (begun[0] or begun[-1]):
        yield found[0]
    elif words := re.match(rf"\W*({known._text})(?=\s*(?:[,.;:!]|$|\n))", text, re.IGNORECASE):
        yield known._of(words[1])
