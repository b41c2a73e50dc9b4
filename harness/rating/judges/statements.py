"""Where a judge states a verdict in what it wrote, and where it only speaks of one.

A JSON object, a value in `[[ ]]`, `\\boxed{ }` or `<verdict> </verdict>`, and `Verdict: WORD` are statements, if they
stand for themselves: what is in quotation marks, in the middle of a sentence, or led in by "it says", "if" or "draft"
is spoken of. Where there is none of those, a line that is the word alone, or "I give it 4 out of 5", is one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from harness.rating.judges.vocabulary import OF, UNIT, Vocabulary


class Statement(NamedTuple):
    """One verdict, or a value in its place that is none of the words."""

    start: int
    end: int
    word: str | None
    shown: str
    """What stands there."""
    rationale: str | None = None


VERDICT = "verdict|score|rating|grade|winner|judge?ment|decision|overall"
NAMES = rf"{VERDICT}|answer|choice|mark|preference|conclusion|result|label"
SURELY = r"(?:(?:clearly|definitely|therefore|thus|hence|simply|obviously|certainly)\s+|an?\s+(?=[0-9]))?"
NAMED = re.compile(
    rf"\b(?:{NAMES})\b(?:\s*\([^()\n]{{0,40}}\))?[*_\"'` ]*(?P<link>(?:\bis\s*)?[:=：]|→|->|\bis\b|\bof\b)"
    rf"[*_ ]*\s*{SURELY}",
    re.IGNORECASE,
)
MARKED = re.compile(
    rf"\[\[(?P<brackets>[^\[\]\n]{{1,40}})\]\]|\\boxed\{{(?P<boxed>[^{{}}\n]{{1,40}})\}}"
    rf"|<(?P<tag>{NAMES})>(?P<tagged>[^<>]{{1,60}})</(?P=tag)>",
    re.IGNORECASE,
)
GIVEN = re.compile(
    rf"\b(?:give|rate|score|assign|award|grade|deserves?|earns?|worth)\b[^.\n]*?\b({OF}{UNIT})(?=\W*(?:$|\n|[.!,;)]))",
    re.IGNORECASE,
)
FIELD = re.compile(rf"(?:(?:final|overall|my)[ _-]*)*(?:{NAMES})", re.IGNORECASE)
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
    r"assess|compare|answer)\b",
    re.IGNORECASE,
)
QUOTED = re.compile(r'"[^"\n]*"|“[^”\n]*”|`[^`\n]*`|^\s*>.*$', re.MULTILINE)
REVISED = re.compile(
    r"\b(?:actually|on (?:second thoughts?|reflection)|wait|maybe|perhaps|possibly|or rather|scratch that|correction|"
    r"reconsider\w*|changed? my)\b[^\n]*",
    re.IGNORECASE,
)


def refuses(text: str) -> bool:
    """Tell whether a judge says that it gives no verdict; a refusal that it quotes is not its own."""
    return bool(REFUSAL.search(QUOTED.sub(" ", text.replace("’", "'"))))


def takes_back(text: str, vocabulary: Vocabulary, word: str) -> bool:
    """Tell whether what follows a verdict changes it for another."""
    return any(vocabulary.others(found[0], word) for found in REVISED.finditer(text))


def objects(text: str) -> Iterator[tuple[int, int, Any]]:
    """Yield place and value of the JSON objects at the top level of a text, and of lists of them."""
    decoder = json.JSONDecoder(object_pairs_hook=_pairs)
    opened = re.compile(r"\{|\[\s*\{")
    found = opened.search(text)
    while found:
        try:
            value, end = decoder.raw_decode(text, found.start())
        except (ValueError, RecursionError):
            end = found.start() + 1
        else:
            yield found.start(), end, value
        found = opened.search(text, end)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; of a key that is there twice with two values, that there are two."""
    entries: dict[str, Any] = {}
    for key, value in pairs:
        entries[key] = f"{entries[key]} and {value}" if key in entries and entries[key] != value else value
    return entries


def in_json(text: str, vocabulary: Vocabulary) -> tuple[list[Statement], str]:
    """Return the statements of JSON objects, and the text with all objects blanked out: their strings state nothing."""
    found, rest = [], text
    for start, end, value in objects(text):
        rest = rest[:start] + " " * (end - start) + rest[end:]
        given = list(_fields(value))
        if not given or _spoken_of(text, start, end, alone=True):
            continue
        shown = " and ".join(dict.fromkeys(str(one) for one in given))
        words = {_word(one, vocabulary) for one in given}
        reasons = value.get("reasoning") if isinstance(value, dict) else None
        rationale = reasons if isinstance(reasons, str) else None
        found.append(Statement(start, end, words.pop() if len(words) == 1 else None, shown, rationale))
    return found, rest


def _fields(value: Any) -> Iterator[Any]:
    """Yield the values that stand under the name of a verdict, at any depth but in longer lists."""
    if isinstance(value, list) and len(value) == 1:
        yield from _fields(value[0])
    elif isinstance(value, dict):
        named = {name: entry for name, entry in value.items() if FIELD.fullmatch(name.strip())}
        verdict = {name: entry for name, entry in named.items() if name.strip().casefold() == "verdict"}
        for name, entry in (verdict or named or value).items():
            yield from _fields(entry) if isinstance(entry, dict | list) else [entry] if name in named else []


def _word(value: Any, vocabulary: Vocabulary) -> str | None:
    if isinstance(value, bool | str | int | float):
        return vocabulary.word(str(value))
    return None


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
            found.append(Statement(mark.start(), mark.end(), vocabulary.word(shown), shown.strip()))
    return found


def by_name(text: str, vocabulary: Vocabulary) -> list[Statement]:
    """Return the statements `Verdict: WORD`.

    Where a verdict's own name is followed by what is no word, that is a statement too, of none; after other names and
    after "of" it is talk about answers.
    """
    found = []
    for name in NAMED.finditer(text):
        if _spoken_of(text, name.start(), name.end()):
            continue
        after = text[name.end() :]
        word = vocabulary.leading(after)
        own = re.match(VERDICT, name[0], re.IGNORECASE) and name["link"].lower() != "of"
        if word is not None or own:
            shown = after.strip().split("\n")[0][:40]
            found.append(Statement(name.start(), name.end(), word, word or shown))
    return found


def in_passing(text: str, vocabulary: Vocabulary) -> list[Statement]:
    """Return the weaker statements: a first or last line that is a word alone, `Yes.` at the start, `I give it 4/5`."""
    lines = [line for line in re.finditer(r"[^\n]+", text) if re.search(r"[^\s`]", line[0])]
    found = []
    for line in [lines[0], lines[-1]] if lines else []:
        word = vocabulary.word(re.sub(r"^[\s#>-]+", "", line[0]))
        if word is not None and not line[0].lstrip().startswith(">"):
            found.append(Statement(line.start(), line.end(), word, word))
    begun = vocabulary.leading(text.lstrip())
    if begun is not None and not begun[0].isdigit() and (len(begun) > 1 or not vocabulary.others(text, begun)):
        found.append(Statement(0, 1, begun, begun))
    for given in GIVEN.finditer(text):
        found.append(Statement(given.start(), given.end(), vocabulary.word(given[1]), given[1]))
    return found


def _spoken_of(text: str, start: int, end: int, alone: bool = False) -> bool:
    """Tell whether what stands at a place of a text is spoken of there rather than stated.

    Args:
        text: The judge's answer.
        start: Where it begins.
        end: Where it ends.
        alone: It is a statement only at the end of its line, and after nothing but what introduces it.
    """
    line_start, line_end = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    before, after = text[line_start:start], text[end : line_end if line_end >= 0 else len(text)]
    before = re.sub(r"```\w*$", "", before.rstrip()).rstrip("*_ #-")
    if before.lstrip().startswith(">") or (before and before[-1] in "\"'`“‘«") or (after and after[0] in '"”’»'):
        return True
    if not before:
        earlier = re.sub(r"```\w*\s*$", "", text[:line_start].rstrip()).rstrip()
        before = earlier.split("\n")[-1] if earlier.endswith(":") else ""
    lead = re.split(r"[.!?](?:\s|$)", before)[-1]
    if alone:
        introduced = not lead or lead.endswith(":") or re.search(rf"\b(?:{NAMES})\s*(?:is|=)?$", lead, re.IGNORECASE)
        if not introduced or after.strip(" \t`*_.!"):
            return True
        if THEIRS.search(lead) and not re.search(rf"\b(?:{NAMES})\b", lead, re.IGNORECASE):
            return True
    return bool(SPOKEN.search(lead))
