r"""Where in an answer its final number stands: in a `\boxed{}`, after "the answer is", in the last sentence of all.

What is about another number is passed over: how sure a model is, what others think, what it offers at the end.
"""

from __future__ import annotations

import re

from harness.answering import answer_of
from harness.rating.verifiers.quantities import Quantity, plain, stated

MARKS = re.compile(r"####|(?:^|\n)[ \t]*A:|answer[\x22'*_]*\s*(?:is|:|=)+", re.IGNORECASE)
BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{")
TAGGED = re.compile(r"<(?:final_)?answer>(.*?)</(?:final_)?answer>", re.IGNORECASE | re.DOTALL)
NEXT = re.compile(r"\n\s*(?:Question|Q|Problem|Human|User)\s*:", re.IGNORECASE)
"""Where a model without turns goes on with a question of its own."""
LABEL = re.compile(
    r"\b(?:step|part|question|problem|case|equation|theorem|lemma|exercise|example)\s+#?[0-9]+(?=\s*[:,)])",
    re.IGNORECASE,
)
"""A number that is a name."""
CONFIDENCE = re.compile(
    r"\b(?:I(?:['’]m|\s+am)\s+)?(?:about\s+)?[0-9][0-9.]*\s?(?:%|percent)\s+(?:sure|certain|confident|confidence(?!\s+interval))\b|"
    r"\bconfiden(?:ce|t)(?:\s+(?:level|score|is|of|at))*\W{1,3}[0-9][0-9.]*\s?(?:%|/\s?[0-9]+)?",
    re.IGNORECASE,
)
"""How sure a model is, which is no part of its answer."""
SEVERAL_LINES = re.compile(
    r"(?:^|\n)[ \t]*(?:\(?(?:[0-9]{1,2}|[a-zA-Z])[.):]|\(?[a-zA-Z]\)|[a-zA-Z]\s*=)\s*[-$€£]?[0-9][0-9.,]*[ \t]*"
    r"\n[ \t]*(?:\(?(?:[0-9]{1,2}|[a-zA-Z])[.):]|\(?[a-zA-Z]\)|[a-zA-Z]\s*=)\s*[-$€£]?[0-9][0-9.,]*[ \t]*$"
)
"""Two answers under labels of their own end it."""
OTHERS = re.compile(
    r"\b(?:[A-Z][a-z]+|he|she|they)\s+(?:says?|said|claims?|thinks?|guess(?:es|ed)?)\b"
    r"|\b(?:[Ss]ome(?:one|body)?|[Mm]any|[Mm]ost|[Oo]thers|[Pp]eople|[Oo]ne|[Yy]ou)(?:\s+(?:people|students|readers))?"
    r"(?:\s+(?:may|might|would|could|will|can))?\s+(?:say|think|guess|answer|claim|believe|argue)(?:s|ed)?\b"
)
OFFERS = re.compile(
    r"\b(?:would you like|do you want|let me know|feel free|shall I|(?:can|may) I help)\b", re.IGNORECASE
)
"""What a model says to its reader when the answer is over."""
CHECKS = re.compile(
    r"\W*(?:verif\w+|check(?:ing)?|proof|note|(?:let['’]?s|let me) (?:verify|(?:double[- ])?check))\b", re.IGNORECASE
)
"""What a model says of an answer that it has given."""
RESULT = re.compile(
    r"=|\bequals\b|\b(?:totals?|altogether|in all|overall|left|remain\w*|answer|results?|final\w*)\b", re.IGNORECASE
)
"""What says that a sentence's number came out of a calculation."""
SENTENCE = re.compile(r"(?:(?<!\.)[.?]|!(?!\s*=))(?:\s+|$)|\n")
"""The end of a sentence; three dots are none."""
PAUSE = re.compile(r"[\s:=*]*(?:\.{2,}|…)?[\s:=*]*")
CONCLUDES = re.compile(r"\b(?:so|therefore|thus|hence)\b,?\s+", re.IGNORECASE)
"""What leads the end of a sentence that is its conclusion."""
DENIED = re.compile(r"\b(?:not|n't|never|enough|wrong)\b|n't\b", re.IGNORECASE)
BOXES_JOINED = re.compile(r"\}\s*\$?[\s,]*(?:or|and|,)[\s,]*\$?\s*\\(?:boxed|fbox)\s*\{", re.IGNORECASE)


def final_quantity(text: str) -> Quantity | None:
    r"""Return the final quantity of a text, or None where there is none that is sure.

    It is looked for in the last `\boxed{}` or `<answer>`, else in the statement after the last `####`, `A:` or "answer
    is", else in the last sentence with a number, unless that is no result and follows a conclusion.
    """
    text = answer_of(text)
    own = NEXT.split(text)[0].strip()
    if own and (
        MARKS.search(own) or BOXED.search(own) or TAGGED.search(own) or re.fullmatch(r"[-$€£]?[0-9][^\n]*", own)
    ):
        text = own
    if BOXES_JOINED.search(text):
        return None
    inside = _last_boxed(text) or next(iter(TAGGED.findall(text)[::-1]), None)
    if inside is not None:
        return stated(plain(inside), marked=True, whole=True)
    if SEVERAL_LINES.search(text):
        return None
    said = CONFIDENCE.sub(" ", LABEL.sub(" ", plain(text)))
    marks = list(MARKS.finditer(said))
    if marks:
        after = PAUSE.sub("", said[marks[-1].end() :], count=1)
        if re.search(r"[0-9]", SENTENCE.split(after)[0]):
            return stated(SENTENCE.split(after)[0], marked=True)
        return None if marks[-1][0].lower().startswith("answer") and after.strip() else stated(after, marked=True)
    sentences = [part for part in SENTENCE.split(said) if re.search(r"[0-9]", part) and not OFFERS.search(part)]
    if not sentences or OTHERS.search(sentences[-1]):
        return None
    last = _concluded(sentences[-1])
    goes_on = CHECKS.match(sentences[-1]) or not (CONCLUDES.search(sentences[-1]) or RESULT.search(sentences[-1]))
    earlier = [one for one in sentences[:-1] if CONCLUDES.match(one.lstrip(" *_#>-"))]
    if goes_on and earlier and _concluded(earlier[-1]) != last:
        return None
    return last


def _concluded(sentence: str) -> Quantity | None:
    """Return the quantity of a sentence, or of its end where that is a conclusion."""
    end = CONCLUDES.split(sentence)[-1]
    sure = re.search(r"[0-9]", end) and not DENIED.search(end)
    return stated(end if sure else sentence)


def _last_boxed(text: str) -> str | None:
    """Return what the last `\\boxed{}` holds, its braces balanced."""
    found = None
    for box in BOXED.finditer(text):
        depth, end = 1, box.end()
        while end < len(text) and depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        found = text[box.end() : end - 1] if not depth else text[box.end() :]
    return found
