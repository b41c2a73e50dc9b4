"""The words that a judge may answer, and the ways in which judges write one of them.

`4`, `4.0`, `4/5` and `4 out of 5` are the same word of a scale that ends at 5, `Assistant B` is `B`, and `[[A>B]]`
says that A is better. `3-4`, `1,5`, `5%`, `4/10` and `A tie` are none of the words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import cached_property

NUMBER = r"[0-9]+(?:\.[0-9]+)?(?:\s?½|\s1/2)?|½"
PARTED = r"(?:/|(?:out\s+)?of\b)"
OF = rf"(?:{NUMBER})\s*(?:stars?\s+|points?\s+)?(?:{PARTED}\s*(?:{NUMBER})|\({PARTED}\s*(?:{NUMBER})\))"
UNIT = r"(?:\s+(?:points?|stars?|pts?)\b|\s?[⭐★]\ufe0f?(?![⭐★])|\s?[分点점](?!\w))?"
NOUN = r"(?i:assistant|response|answer|model|option|candidate|summary|output)[\s_]+"
ORDER = r"([A-Z])\s*(>{1,2}|=)\s*([A-Z])"
VERDICT = "verdict|score|rating|grade|winner|judge?ment|decision|overall"
FOREIGN = (
    "(?:最终|总体|综合)?(?:评分|分数|得分|总分|评级|结论|裁决|获胜者|胜者)|評価|スコア|点数|判定|勝者|점수|평점|판정|оценка|балл|вердикт|победитель|"
    "bewertung|punktzahl|urteil|gewinner|puntuaci[óo]n|calificaci[óo]n|veredicto|ganador|pontua[çc][ãa]o|punteggio|verdetto"
)
NAMES = rf"{VERDICT}|answer|choice|mark|preference|conclusion|result|label|{FOREIGN}"
OPENED, CLOSED = r"[\s*_\"'`“‘(\[{<]*", "*_\"'`”’)]}>"
ALTERNATIVE = re.compile(
    r"\b(?:but|though|although|however|yet|maybe|perhaps|possibly|or|almost|nearly|not quite|rather|leaning|except|"
    r"unless|between|partly|partially)\b",
    re.IGNORECASE,
)
PICTURE = re.compile(r"\s*[^\x00-\x7f\w\s½–—…％／]+\ufe0f?\s*")
"""A picture behind a word says no other."""
BECAUSE = re.compile(r"\s*(?:[,|\t]|[-–—:](?=\s)|\s(?=because\b|since\b|as\b|due\b|given\b))\s*", re.IGNORECASE)
BETTER = re.compile(
    rf"\s+(?:is|was|provides?|provided|gives?|gave|offers?|offered|has)\s+(?:(?:the|an?|much|far|only|overall|slightly|"
    rf"marginally|clearly|definitely|significantly|substantially|considerably)\s+)*(?:better|best|superior|stronger|winner|"
    rf"preferable)(?:\s+(?:one|answer|response|assistant|summary|output|overall))?(?:\s+than\s+(?:{NOUN})?[A-Z]\b)?"
    r"(?=\W*$|[.;!]\s|,?\s+(?:because|since)\b)",
    re.IGNORECASE,
)
"""A word that a sentence begins with and says to be the better one is the word."""
YES, NO = (
    ("yes", "true", "correct", "right", "pass", "good", "accurate", "valid"),
    ("no", "false", "incorrect", "wrong", "fail", "bad", "inaccurate", "invalid", "not", "n't", "never", "isn't"),
)
TIES = ("tie", "tied", "draw", "equal", "both", "same", "neither")


def key_of(word: str) -> str:
    """Return what two ways of writing a word share: of one letter case counts, for `a` is an article, `A` an answer."""
    return word if len(word) == 1 else word.casefold()


class Vocabulary:
    """The declared words of a judge."""

    def __init__(self, words: Sequence[str], tie: str | None = None) -> None:
        """Take the words, and which of them says that both are equally good.

        Where that is not given, it is a word like `tie`, or the `C` of A, B and C.
        """
        self.words = tuple(words)
        self.known = {key_of(word): word for word in words}
        self.numbers = {Decimal(word): word for word in words if re.fullmatch(r"-?[0-9]+(?:\.[0-9]+)?", word)}
        self.letters = tuple(word for word in words if re.fullmatch("[A-Z]", word))
        third = "C" if self.words == ("A", "B", "C") else None
        self.tie = tie or next((word for word in words if word.casefold() in TIES), third)

    def word(self, text: str) -> str | None:
        """Return the word that a short text is, or None."""
        text = re.sub(r"\\(?:text|textbf|mathrm|mathbf)\{([^{}]*)\}", r"\1", text)
        bare = re.sub(rf"^{OPENED}", "", text).rstrip().rstrip(CLOSED + ". \t")
        if key_of(bare) in self.known:
            return self.known[key_of(bare)]
        if order := re.fullmatch(ORDER, bare):
            return self._winner(*order.groups())
        if named := re.fullmatch(rf"{NOUN}\(?((?i:{'|'.join(self.letters) or '(?!)'})|[0-9])", bare):
            return self.known.get(named[1].upper()) if self._names_answers(named[1]) else None
        bare = re.sub(rf"{UNIT}$", "", bare)
        if fraction := re.fullmatch(rf"({NUMBER})\s*(?:stars?\s+|points?\s+)?\(?{PARTED}\s*({NUMBER})", bare):
            whole = self.numbers and _decimal(fraction[2]) == max(self.numbers)
            return self.numbers.get(_decimal(fraction[1])) if whole else None
        return self.numbers.get(_decimal(bare)) if re.fullmatch(NUMBER, bare) else None

    def _names_answers(self, label: str) -> bool:
        """Tell whether a label is of one of two answers: `1` is where 1 and 2 are all numbers that there are."""
        return not label.isdigit() or set(self.numbers) == {Decimal(1), Decimal(2)}

    def _winner(self, first: str, sign: str, second: str) -> str | None:
        pair = set(self.letters) - {self.tie}
        if {first, second} - pair or first == second:
            return None
        return self.tie if sign == "=" else first

    @cached_property
    def _among(self) -> str:
        return "|".join(
            re.escape(word) if len(word) == 1 else f"(?i:{re.escape(word)})"
            for word in sorted(self.words, key=len, reverse=True)
        )

    @cached_property
    def _leading(self) -> re.Pattern[str]:
        small = rf"{NOUN}\(?(?i:{'|'.join(self.letters) or '(?!)'})\b"
        value = rf"{OF}{UNIT}|(?:{NUMBER}){UNIT}|(?:{NOUN})?(?:{self._among})|{small}"
        return re.compile(rf"{OPENED}({value})(?!_*[^\W_]|[½%+~]|[.,]\d|\s*[-–/&<>=]\s*(?:\d|[A-Z]\b))")

    def leading(self, text: str) -> str | None:
        """Return the word that a text begins with, if what follows in its sentence leaves it at that."""
        found = self._leading.match(text)
        word = self.word(found[1]) if found else None
        if found is None or word is None:
            return None
        line = text[found.end() :].lstrip(CLOSED).split("\n")[0].rstrip()
        line = "" if PICTURE.fullmatch(line) else line
        ends = re.match(r"[.!;](?:\s+|$)", line)
        if ends and self.word(line[ends.end() :]) not in (None, word):
            return None
        return word if not line or ends or self._explains(line, word) else None

    def _explains(self, line: str, word: str) -> bool:
        """Tell whether what follows a word gives a reason for it, and neither takes it back nor names another."""
        aside = re.match(r"\s*\(([^()]*)\)\W*$", line) or re.match(r"\s*\(([^()]*)\)[.!]\s", line)
        begun = BECAUSE.match(line) or BETTER.match(line)
        if not aside and not begun:
            return False
        clause = aside[1] if aside else re.split(r"[.!?](?:\s|$)", line[begun.end() if begun else 0 :])[0]
        return not (ALTERNATIVE.search(clause) or self.others(clause, word) or contradicts(word, clause))

    def others(self, text: str, word: str) -> bool:
        """Tell whether a text names another of the words."""
        found = re.findall(rf"(?<![\w.])(?:{self._among})(?!\w|\.\d)", text)
        return any(self.known[key_of(one)] != word for one in found)


def _decimal(number: str) -> Decimal:
    half = "½" in number or number.endswith(" 1/2")
    whole = number.replace("½", "").removesuffix(" 1/2").strip() or "0"
    return Decimal(whole) + (Decimal("0.5") if half else 0)


def contradicts(word: str, clause: str) -> bool:
    """Tell whether a reason says the opposite of the yes or no that it is given for."""
    said = re.findall(r"[a-z']+", clause.casefold())
    denied = any(one in NO or one.endswith("n't") for one in said)
    if word.casefold() in NO:
        return not denied and any(one in YES for one in said)
    return word.casefold() in YES and denied
