"""Where a judge states a verdict in what it wrote, and where it only speaks of one.

A JSON object, a value in `[[ ]]`, `\\boxed{ }` or `<verdict> </verdict>`, and `Verdict: WORD` are statements, if they
stand for themselves: what is in quotation marks, in the middle of a sentence, or led in by "it says", "if" or "draft"
is spoken of. Where there is none of those, a line that is the word alone, or "I give it 4 out of 5", is one.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from harness.rating.judges.fields import words_of
from harness.rating.judges.objects import objects
from harness.rating.judges.vocabulary import NAMES, NOUN, NUMBER, OF, UNIT, VERDICT, Vocabulary, contradicts


class Statement(NamedTuple):
    """One verdict, or a value in its place that is none of the words."""

    start: int
    end: int
    word: str | None
    shown: str
    """What stands there."""
    rationale: str | None = None


SURELY = (
    r"(?:(?:clearly|definitely|therefore|thus|hence|simply|obviously|certainly)\s+|"
    r"an?\s+(?:(?:solid|strong|firm|clear|high|low)\s+)?(?=[0-9]))?"
)
NAMED = re.compile(
    rf"(?:(?<![^\W_])(?:{NAMES})(?![^\W_])(?:\s+(?:awarded|given|assigned))?"
    r"(?:\s*[(\[][^()\[\]\n]{0,40}[)\]]|\s+(?:on|from)\b[^:\n]{0,40}(?=:))?[*_\"'` ]*"
    r"(?P<link>(?:\bis\s*)?[:=：]|→|->|\bis\b|\bof\b|\|)"
    rf"|\[(?:{NAMES})\]\s*:?|\btotal(?=[*_ ]*:[*_ ]*{OF})[*_ ]*:)[*_ ]*\s*{SURELY}",
    re.IGNORECASE,
)
BESIDE = re.compile(r"[,;|]\s*(?:confidence|certainty)\s*[:=]", re.IGNORECASE)
"""What a judge says beside its verdict, on the same line."""
EVEN = re.compile(
    r"\W*(?:(?:it['’]?s|it\s+is|this\s+is)\s+)?(?:an?\s+)?(?:tie|draw)"
    r"(?:\s+between\s+(?:the\s+two|both|A\s+and\s+B))?[\s.!*_]*",
    re.IGNORECASE,
)
OTHER_SCORE = re.compile(
    r"\b(?:max(?:imum)?|min(?:imum)?|highest|lowest|top|possible|passing|perfect|average|previous|prior|old|"
    r"original|first|reference|gold|ground[ -]truth|human|expected|target|baseline|threshold|mean|median|typical)"
    r"(?:\s+(?:human|reference|\w+['’]s))?\s+$",
    re.IGNORECASE,
)
"""What leads a score that is not this answer's."""
OTHER_ANSWER = re.compile(
    r"(?:\b(?:the|correct|right|true|reference|expected|gold|actual|model|student|user|sample|its|their|his|her|this|that)"
    r"|['’]s)\s+(?:final\s+)?$",
    re.IGNORECASE,
)
"""What leads an answer that a judge speaks of: the one that it rates, or the one that would be right."""
MARKED = re.compile(
    rf"\[\[(?P<brackets>[^\[\]\n]{{1,40}})\]\]|\\boxed\{{(?P<boxed>(?:[^{{}}\n]|\{{[^{{}}\n]*\}}){{1,40}})\}}"
    rf"|<(?P<tag>(?:(?:final|overall)[_ -]?)?(?:{NAMES}))>(?P<tagged>[^<>]{{1,60}})</(?P=tag)>",
    re.IGNORECASE,
)
GIVEN = re.compile(
    rf"(?:\bI(?:\s+(?:would|will)|['’](?:d|ll))?\s+(?:(?!not\b)\w+\s+)?)?\b(?:give|rate|score|assign|award|grade|deserves?|earns?|worth)\b"
    rf"[^.\n]*?(?<![\w.,-])({OF}{UNIT})(?=\W*(?:$|\n|[.!,;)]))"
    rf"|\b(?:I(?:\s+(?:would|will)|['’](?:d|ll))?\s+(?:(?!not\b)\w+\s+)?(?:give|rate|score|assign|award|grade)|(?:deserves?|earns?))\b"
    rf"(?P<lead>[^.\n]*?)(?<![\w.,/-])(?P<plain>(?:{NUMBER}){UNIT})(?=[*_\"'”)]*(?:$|\n|[.!;](?:\s|$)))",
    re.IGNORECASE,
)
PREFERRED = re.compile(
    rf"(?P<first>{NOUN}\(?(?:[A-Z]|[0-9])\b\)?|\b[A-Z])(?:['’]s\s+(?:response|answer|output|summary))?\s+is\s+(?:the\s+)?(?:(?:clearly|significantly|slightly|much|overall|definitely)\s+)?"
    rf"(?:better|best|superior|winner|stronger)(?:\s+(?:response|answer|assistant|one|overall))?(?:\s+than\s+(?:{NOUN})?\(?[A-Z0-9]\b\)?)?"
    rf"(?=\s*(?:[.!]|$|\n|,?\s+(?:because|since)\b))"
    rf"|\bI\s+(?:prefer|choose|pick|select)\s+(?P<second>{NOUN}\(?[A-Z0-9]\b\)?|\(?[A-Z]\)?)(?:\s+over\s+(?:{NOUN})?\(?[A-Z0-9]\b\)?)?(?=\s*(?:[.!]|$|\n))"
    rf"|\b(?:better|best|preferred)(?:\s+(?:response|answer|assistant|output|one))?(?:\s*:|\s+is)\s+(?P<third>(?:{NOUN})?\(?[A-Z]\)?)(?=\s*(?:[.!]|$|\n))",
    re.IGNORECASE,
)
EQUAL = re.compile(r"\b(?:tie[ds]?|draw|equal(?:ly)?)\b", re.IGNORECASE)
SPOKEN = re.compile(
    r"\b(?:says?|said|claims?|claimed|wrote|writes?|written|instruct\w*|asks?|asked|tells?|told|tries|tried|attempts?|"
    r"e\.g|example|instance|such as|if|would|could|might|draft\w*|initial\w*|at first|tempt\w*|considered|thought|"
    r"inject\w*|ignor\w*|pretend\w*|contain\w*|includ\w*|(?:ends?|begins?) with|format|template|instead of|"
    r"rather than|quot\w*|not|never|cannot)\b|n't\b",
    re.IGNORECASE,
)
THEIRS = re.compile(
    r"\b(?:response|assistant|candidate|summary|text|user|prompt|question)\b[^:\n]*:\s*$", re.IGNORECASE
)
REFUSAL = re.compile(
    r"\bI(?:\s+(?:can\s?not|can't|could\s?not|couldn't|won't|will not|must decline)|(?:'m|\s+am)\s+(?:not able|unable))"
    r"\b(?:\s+\w+){0,3}?\s+(?:help|assist|rate|give|provide|judge|evaluate|score|comply|grade|decide|choose|determine|"
    r"assess|compare)\b|\bI\s+(?:cannot|can\s?not|can't|won't)\s+answer\b|\bI(?:\s+do\s+not|\s+don't|'m\s+not|\s+am\s+not)"
    r"\s+(?:feel\s+)?comfortable\b|\bI(?:'d|\s+would)\s+rather\s+not\b|\bI\s+(?:refuse|decline)\s+to\b|"
    r"\b(?:unable|not able)\s+to\s+(?:rate|judge|score|grade|evaluate)\b",
    re.IGNORECASE,
)
QUOTED = re.compile(r'"[^"\n]*"|“[^”\n]*”|`[^`\n]*`|^\s*>.*$', re.MULTILINE)
WITHDRAWN = re.compile(
    r"\b(?:scratch that|never\s?mind|strike that|i take (?:that|it) back|i retract|i withdraw|"
    r"(?:ignore|disregard) (?:that|the above|my (?:previous|last|earlier)))\b",
    re.IGNORECASE,
)
"""What leaves a verdict without another in its place."""
ASKS_FOR_IT = re.compile(
    r"\b(?:please|could you|can you|kindly)\s+(?:please\s+)?(?:provide|share|paste|send|supply|give me)\s+"
    r"(?:me\s+with\s+)?(?:the|your|both|an?)\b",
    re.IGNORECASE,
)
"""What a judge writes that has not seen what it should judge: its "Yes, I can help" is no verdict."""
ACCEPTS = re.compile(
    r"\W*(?:yes|sure|no problem|of course|okay|ok)\b[^.!?\n]{0,20}?(?:\bI(?:\s+can|['’]ll|\s+will|['’]d|\s+would)?"
    r"\s+(?:(?:gladly|certainly)\s+)?(?:understand|evaluate|help|assist|do (?:that|so|this)|grade|rate|judge|"
    r"be (?:happy|glad))|[,.!:]\s+here(?:['’]s|\s+(?:is|are)))\b",
    re.IGNORECASE,
)
"""A beginning that says yes to the task, and nothing about what is judged."""
REVISED = re.compile(
    r"\b(?:actually|on (?:second thoughts?|reflection)|wait|maybe|perhaps|possibly|or rather|scratch that|correction|"
    r"nein|korrektur|reconsider\w*|changed? my)\b[^\n]*",
    re.IGNORECASE,
)


def refuses(text: str) -> bool:
    """Tell whether a judge says that it gives no verdict; a refusal that it quotes is not its own."""
    return bool(REFUSAL.search(QUOTED.sub(" ", text.replace("’", "'"))))


def takes_back(text: str, vocabulary: Vocabulary, word: str) -> bool:
    """Tell whether what follows a verdict changes it for another."""
    said = QUOTED.sub(" ", text)
    return bool(WITHDRAWN.search(said)) or any(vocabulary.others(found[0], word) for found in REVISED.finditer(text))


def in_json(text: str, vocabulary: Vocabulary) -> tuple[list[Statement], str]:
    """Return the statements of JSON objects, and the text with all objects blanked out: their strings state nothing."""
    found, rest = [], text
    for start, end, value in objects(text):
        rest = rest[:start] + " " * (end - start) + rest[end:]
        words, shown = words_of(value, vocabulary)
        if not words or _spoken_of(text, start, end, alone=True):
            continue
        reasons = value.get("reasoning") if isinstance(value, dict) else None
        rationale = reasons if isinstance(reasons, str) else None
        found.append(Statement(start, end, words.pop() if len(words) == 1 else None, shown, rationale))
    return found, rest


def broken_json(text: str) -> bool:
    """Tell whether an answer begins as a JSON object and is none: what was meant cannot be known."""
    begun = re.sub(r"^\s*```\w*\s*", "", text).lstrip()
    if not begun.startswith("{"):
        return False
    return not any(start == 0 for start, _, _ in objects(begun))


def in_marks(text: str, vocabulary: Vocabulary) -> list[Statement]:
    """Return the statements in `[[ ]]`, `\\boxed{ }` and tags."""
    found = []
    for mark in MARKED.finditer(text):
        if not _spoken_of(text, mark.start(), mark.end()):
            shown = mark["brackets"] or mark["boxed"] or mark["tagged"]
            word = vocabulary.word(NAMED.sub("", shown, count=1))
            found.append(Statement(mark.start(), mark.end(), word, shown.strip()))
    return found


def by_name(text: str, vocabulary: Vocabulary) -> list[Statement]:
    """Return the statements `Verdict: WORD`.

    Where a verdict's own name is followed by what is no word, that is a statement too, of none; after other names and
    after "of" it is talk about answers.
    """
    found = []
    for name in NAMED.finditer(text):
        if _spoken_of(text, name.start(), name.end(), named=True) or _anothers(text, name, vocabulary):
            continue
        after = text[name.end() :]
        another = NAMED.search(after.split("\n")[0]) or BESIDE.search(after.split("\n")[0])
        word = vocabulary.leading(after[: another.start()].rstrip(" ,;|*_-") if another else after)
        own = re.match(VERDICT, name[0], re.IGNORECASE) and (name["link"] or ":").lower() not in ("of", "|")
        if word is not None or own:
            shown = after.strip().split("\n")[0][:40]
            found.append(Statement(name.start(), name.end(), word, word or shown))
    return _overall(text, found)


def _anothers(text: str, name: re.Match[str], vocabulary: Vocabulary) -> bool:
    """Tell whether a score or an answer is named that is not the judge's verdict on what it rates."""
    lead = text[: name.start()].split("\n")[-1].lower()
    if re.match("answer", name[0], re.IGNORECASE):
        speaks = OTHER_ANSWER.search(lead)
        return bool(speaks and (vocabulary.numbers or speaks[0].strip() != "the"))
    return bool(OTHER_SCORE.search(lead))


def _overall(text: str, found: list[Statement]) -> list[Statement]:
    """Return the overall statements alone where others are of single criteria: `Style score: 5`."""
    leads = [re.split(r"[.;,|\n]", text[: one.start])[-1].strip("*_#>- \t") for one in found]
    overall = [one for one, lead in zip(found, leads, strict=True) if _is_overall(text, one, lead)]
    single = [
        one for one, lead in zip(found, leads, strict=True) if re.fullmatch(r"[A-Z][a-z]+", lead) and one not in overall
    ]
    return [one for one in found if one not in single] if overall else found


def _is_overall(text: str, one: Statement, lead: str) -> bool:
    return bool(re.search(r"\b(?:final|overall|total)$", lead, re.IGNORECASE)) or text[one.start :].lower().startswith(
        "overall"
    )


def in_passing(text: str, vocabulary: Vocabulary) -> list[Statement]:
    """Return the weaker statements: a first or last line that is a word alone, `Yes.` at the start, `I give it 4/5`."""
    lines = [line for line in re.finditer(r"[^\n]+", text) if re.search(r"[^\s`]", line[0])]
    found: list[Statement] = []
    if ASKS_FOR_IT.search(text):
        return found
    for line in [lines[0], lines[-1]] if lines else []:
        word = vocabulary.word(re.sub(r"^[\s#>]*(?:-\s+)?", "", line[0]))
        if word is not None and not line[0].lstrip().startswith(">"):
            found.append(Statement(line.start(), line.end(), word, word))
    if vocabulary.tie and EVEN.fullmatch(text):
        found.append(Statement(0, len(text), vocabulary.tie, vocabulary.tie))
    begun = None if ACCEPTS.match(text) else vocabulary.leading(text.lstrip())
    if begun is not None and not begun[0].isdigit() and (len(begun) > 1 or not vocabulary.others(text, begun)):
        found.append(Statement(0, 1, begun, begun))
    ended = _last_sentence(text, vocabulary)
    found.extend([ended] if ended else [])
    for given in GIVEN.finditer(text):
        shown = given[1] or given["plain"]
        alone = given[1] or not re.search("[0-9]", given["lead"])
        if alone and not _spoken_of(text, given.start(), given.end()):
            found.append(Statement(given.start(), given.end(), vocabulary.word(shown), shown))
    for liked in () if EQUAL.search(text) else PREFERRED.finditer(text):
        shown = liked["first"] or liked["second"] or liked["third"]
        lead = re.split(r"[.!?]\s+(?=[A-Z]|$)|\n", text[: liked.start()])[-1]
        word = vocabulary.word(shown)
        label = word is not None or not shown.rstrip(")")[-1].isdigit()
        if label and not _spoken_of(text, liked.start(), liked.end()) and not (word and vocabulary.others(lead, word)):
            found.append(Statement(liked.start(), liked.end(), word, shown))
    return found


def _last_sentence(text: str, vocabulary: Vocabulary) -> Statement | None:
    """Return a last sentence that is one word, not a number, which what is said before does not deny."""
    sentences = re.split(r"(?<=[.!])\s+", text.strip())
    word = vocabulary.word(sentences[-1])
    if len(sentences) < 2 or word is None or len(word) == 1 or word[0].isdigit() or "?" in text:
        return None
    before = " ".join(sentences[:-1])
    if vocabulary.others(before, word) or contradicts(word, before):
        return None
    return Statement(text.rfind(sentences[-1]), len(text), word, word)


def _spoken_of(text: str, start: int, end: int, alone: bool = False, named: bool = False) -> bool:
    """Tell whether what stands at a place of a text is spoken of there rather than stated.

    Args:
        text: The judge's answer.
        start: Where it begins.
        end: Where it ends.
        alone: It is a statement only at the end of its line, and after nothing but what introduces it.
        named: A value follows, which may be in quotation marks itself.
    """
    line_start, line_end = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    before, after = text[line_start:start], text[end : line_end if line_end >= 0 else len(text)]
    before = re.sub(r"```\w*$", "", before.rstrip()).rstrip("*_ #-")
    closes = after and after[0] in '"”’»' and not (named and before.count(after[0]) % 2 == 0)
    if before.lstrip().startswith(">") or (before and before[-1] in "\"'`“‘«") or closes:
        return True
    if not before:
        earlier = re.sub(r"```\w*\s*$", "", text[:line_start].rstrip()).rstrip()
        before = earlier.split("\n")[-1] if earlier.endswith(":") else ""
    lead = re.split(r"[.!?](?:\s|$)|,\s+but\b", before)[-1]
    if alone:
        introduced = not lead or lead.endswith(":") or re.search(rf"\b(?:{NAMES})\s*(?:is|=)?$", lead, re.IGNORECASE)
        if not introduced or after.strip(" \t`*_.!"):
            return True
        if THEIRS.search(lead) and not re.search(rf"\b(?:{NAMES})\b", lead, re.IGNORECASE):
            return True
    return bool(SPOKEN.search(lead))
