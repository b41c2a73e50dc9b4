r"""Which of its choices an answer names: by letter (`B`, `(b)`, `\boxed{B}`, "Option B") or by the choice's own words.

What an answer says of itself counts before what it mentions: "The answer is not A, it is B" names B, "A or B" nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.answering import answer_of
from harness.rating.verifiers.choices import REJECTED, Choices, Chosen
from harness.rating.verifiers.final_quantity import NEXT
from harness.rating.verifiers.verifier import normalized

NOUN = (
    r"(?:(?<![^\W_])(?:ans(?:wer)?|choice|option|solution|selection|pick|antwort|respuesta|réponse|resposta|risposta|ответ)s?"
    r"(?![^\W_])(?:\s+(?:correcta|correcte|corretta|correta)|\s+to\s+(?:the|this)\s+\w+)?|答案|答え|정답)"
)
SAYS = re.compile(
    rf"{NOUN}(?:\s*\([^)\n]*\))?[*_\"]*\s*"
    r"(?:(?:is|should be|would be|must be|will be|ist|es|est|é|è)\b\s*:?|[:=：是为為は]|"
    r"\s[-–—]\s|[-=]>|→|(?<=\bans)\.\s)",
    re.IGNORECASE,
)
THEIRS = re.compile(
    r"\b(?:textbook|book|author|professor|teacher|friend|article|website|they|people|students?|everyone|others|some|most)\b"
    r"[^,;]*\b(?:says?|said|claims?|claimed|gives?|gave|lists?|states?|answer(?:s|ed)?|pick(?:s|ed)?|choose|chose)\s+"
    r"(?:that\s+)?(?:the\s+)?(?:\w+\s+)?$|"
    r"\bif\b[^.!?\n]*\b(?:asked|were|had|was|instead)\b(?:(?!\b(?:but|here|so)\b)[^.!?\n])*$|"
    r"\b(?:wrong|incorrect|common|mistaken|false|tempting|popular)\s+$|"
    r"\b(?:false|wrong|incorrect|untrue)\s+(?:that|to say)\s+$|"
    r"(?:\b(?:people|students?|others|some|many|one|you|he|she|they|might|could|may|initially|first|not)\b|n't\b|n’t\b)"
    r"[^,;]*\b(?:say|think|thought|believed?|assumed?|guess(?:ed)?|argue|claim|answer)\s+(?:that\s+)?(?:the\s+)?(?:\w+\s+)?$",
    re.IGNORECASE,
)
"""What leads in an answer that is not the model's own."""
CHOOSES = re.compile(
    r"\b(?:it(?:\s+is|'s|’s|\s+must be|\s+should be)|"
    r"i(?:\s+would|'d|\s+will|'ll)?\s+(?:choose|pick|select|go with|say)|(?:going|go)\s+with|"
    r"leav(?:es|ing)(?:\s+us\s+with)?|which\s+is|guess(?:\s+is)?|choosing|picking|selecting|^(?:choose|pick|select|correct:)|"
    r"i\s+think(?:\s+(?:it\s+is|it's))?|(?:is|be)\s+therefore|therefore|thus|hence|so)(?!\w)[,:]?|∴|^\s*(?:[-=]>|→)",
    re.IGNORECASE,
)
MARKED = re.compile(
    r"\\boxed\s*\{((?:[^{}]|\{[^{}]*\})*)\}|<((?:final_)?(?:answer|choice))>(.*?)(?:</\2>|\s*$)|\[\[([^\[\]]+)\]\]",
    re.IGNORECASE | re.DOTALL,
)
CONFIRMED = re.compile(r"\W{0,3}\s*(?:is|would be)\s+(?:the\s+)?(?:correct|right|best|true|answer|most)", re.IGNORECASE)
TICKS = re.compile(r"[✓✔✅☑]\ufe0f?")
CROSSES = re.compile(r"[✗✘❌✖]")
FENCE = re.compile(r"^\s*```\w*[ \t]*$", re.MULTILINE)
JOINED = re.compile(r"\\[a-z]+|\b(?:and|or|und|oder|et|ou|y|o|e|и|или)\b|[或和、]|[^\w\s]")
"""What stands between letters that are named together."""
MATH = re.compile(r"(?:\$|\\\()\s*(\(?[A-Za-z]\)?)\s*(?:\$|\\\))")
"""One letter set as mathematics."""


def read_choice(
    answer: str, choices: list[str], letters: str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", lettered: bool = False
) -> int | None:
    """Return the index of the choice that a text names, or None where it names none or several.

    Args:
        answer: A model's answer; reasoning in it is not read.
        choices: The choices' texts.
        letters: What stands for them in their order.
        lettered: A letter was asked for: an answer that is one choice's letter and another's text names neither.
    """
    text = MATH.sub(r"\1", FENCE.sub("", answer_of(answer))).strip()
    if len(TICKS.findall(text)) == 1 and not CROSSES.search(text):
        text = TICKS.sub("", text).strip()
    if choices.count(answer) == 1:
        place = choices.index(answer)
        return None if lettered and letters[: len(choices)].find(answer) not in (-1, place) else place
    if not text or not choices:
        return None
    known = Choices(choices, letters)
    text = re.sub(rf"^\W*(?:{known.words})\s+or\s+(?:{known.words})\s*[:?]\s*(?=\w)", "", text, flags=re.IGNORECASE)
    text = known.without_the_list(text)
    own = NEXT.split(text)[0]
    found = _read(own, known) if own != text and own.strip() else None
    return found if found is not None else _read(text, known)


def _read(text: str, known: Choices) -> int | None:
    for read in (_in_marks, _said, _confirmed, _chosen, _leading):
        found = [(chosen, end) for chosen, end in read(text, known) if chosen is not None]
        if found:
            last, end = found[-1]
            led = next(_leading(text, known), (None, 0)) if read is _chosen else (None, 0)
            if isinstance(led[0], int) and led[0] != last:  # "False, because it's true only on Mondays"
                return led[0] if re.match(r"\W*(?:because|since|as)\b", text[led[1] :]) else None
            return last if isinstance(last, int) and not known.taken_back(text[end:], last) else None
    named = known.mentioned(normalized(text))
    return named if isinstance(named, int) else None


Found = Iterator[tuple[Chosen, int]]
"""What statements choose, and where each begins to say it."""


def _in_marks(text: str, known: Choices) -> Found:
    for mark in MARKED.finditer(text):
        inside = next(part for part in (mark[1], mark[3], mark[4]) if part is not None)
        letters = set(JOINED.sub(" ", inside).split())
        together = len(letters) > 1 and letters <= set(known.letters)
        yield "several" if together else known.named(inside.strip(), marked=True), mark.end()


def _said(text: str, known: Choices) -> Found:
    for statement in SAYS.finditer(text):
        if not _theirs(text, statement.start()):
            yield known.named(text[statement.end() :]), statement.end()


def _theirs(text: str, start: int) -> bool:
    """Tell whether what begins at a place is led in as somebody else's answer, or a wrong one."""
    return bool(THEIRS.search(re.split(r"[.!?\n]", text[:start])[-1]))


def _confirmed(text: str, known: Choices) -> Found:
    """Read "Option B", "B is correct": the letters that are not rejected, if they are one and the same."""
    found: list[Chosen] = []
    end = 0
    letters = known.letters
    pattern = (
        rf"(?i:\b(?:option|choice|answer|letter)\s+)(?:\(?({known.letter})\b\)?|\(({known.letter.lower()})\))|"
        rf"(?<![\w'])\(?({known.letter})\b\)?"
    )
    for letter in re.finditer(pattern, text) if letters else ():
        if _theirs(text, letter.start(1) if letter[1] else letter.start()):
            continue
        rest = re.sub(r"^\s*\([^()\n]*\)", "", text[letter.end() :])
        if ((letter[1] or letter[2]) and not REJECTED.match(rest)) or CONFIRMED.match(rest):
            named = letters.upper().index((letter[1] or letter[2] or letter[3]).upper())
            found.append("several" if known.goes_on(rest, named) else named)
            end = letter.end()
    if found:
        yield found[0] if len(set(found)) == 1 else "several", end


def _chosen(text: str, known: Choices) -> Found:
    for statement in CHOOSES.finditer(text):
        if not _theirs(text, statement.start()):
            yield known.named(text[statement.end() :]), statement.end()


def _leading(text: str, known: Choices) -> Found:
    """Read a letter that an answer begins with or ends with, by itself or before the choice; a list of them is none."""
    opened = r"[ \t*_#>\"'“‘`\[-]*"
    pattern = rf"{opened}(?:\(({known.letter})\)|({known.letter})(?=[.):\]*_\"'”’`!,]|\s*$|\s+[-–—]\s|\s*\n))"
    lines = list(re.finditer(r"[^\n]*\S[^\n]*", text))
    begun = [re.match(pattern, line[0], re.IGNORECASE) for line in lines]
    found: list[Chosen] = []
    for line, one in zip(lines, begun, strict=True):
        if one and (one[1] or one[2] in known.letters):
            place = one.start(1) if one[1] else one.start(2)
            found.append(known.at(line[0][place:], line[0][:place], marked=bool(one[1])))
    named = {one[0] for one in re.finditer(rf"(?<![^\W_]){known.letter}(?=:)", text)}
    if len(set(found)) > 1 or (found and len(named) > 1):
        yield "several", 0
    elif found and (begun[0] or begun[-1]):
        yield found[0], next(line.start() for line, one in zip(lines, begun, strict=True) if one)
    elif not known.numbers:
        words = re.match(rf"\W*({known.words})(?=\s*(?:[,.;:!*_\"'`)]|\s[-–—]\s|$|\n))", text, re.IGNORECASE)
        if words:
            yield known.at(text[words.start(1) :]), words.end()
