"""What a rater reads: prose as it is, code with the kind of each of its words, so that the page can colour it."""

from __future__ import annotations

import re
from typing import Any

from harness.rating.people.questions import Question
from harness.records import Item, Response

FENCE = re.compile(r"^```([\w+#.-]*)[^\n]*\n(.*?)(?:^```[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
CODE = re.compile(
    r"^\s*(?:def |class |import |from \S+ import |return\b|@\w|(?:for|while|if|with|try)\b.*:\s*$)", re.MULTILINE
)
"""A line by which a text without fences is told to be code."""
KINDS = {"Keyword": "k", "String": "s", "Comment": "c", "Number": "n", "Function": "f", "Class": "f"}
"""Pygments' kinds of words, and what the page's styles call them."""

Part = dict[str, Any]


def shown_question(question: Question) -> dict[str, Any]:
    """Return a question as the page shows it: grades from low to high, of a comparison A before B."""
    asking = question.model_dump(include={"criterion", "question", "definition", "compares"})
    grades = sorted(question.grades, key=lambda grade: grade.value, reverse=question.compares)
    return {**asking, "grades": [grade.model_dump() for grade in grades]}


def shown_texts(item: Item, sides: list[Response]) -> dict[str, Any]:
    """Return the prompt and the sides as the page shows them; nothing says which model wrote what."""
    names = ["A", "B"] if len(sides) > 1 else ["Answer"]
    return {
        "task": item.task,
        "prompt": item.prompt,
        "prompt_parts": parts(item.prompt, item.family == "coding"),
        "sides": [
            {"name": name, "text": side.text or "", "parts": parts(side.text or "", item.family == "coding")}
            for name, side in zip(names, sides, strict=True)
        ],
    }


def parts(text: str, coding: bool = False) -> list[Part]:
    """Return a text cut into prose and code.

    Args:
        text: What is shown.
        coding: The task is one of coding: a text without fences is set in monospace, and coloured if it reads as code.

    Returns:
        For each part its `code` (whether it is set in monospace) and its `words`, pairs of a kind (empty for plain)
        and a text, which joined give the part.
    """
    found: list[Part] = []
    end = 0
    for fence in FENCE.finditer(text):
        found += _plain(text[end : fence.start()])
        found.append({"code": True, "words": _words(fence[2], fence[1])})
        end = fence.end()
    if end == 0 and coding:
        return [{"code": True, "words": _words(text, "python") if CODE.search(text) else [["", text]]}]
    return found + _plain(text[end:])


def _plain(text: str) -> list[Part]:
    return [{"code": False, "words": [["", text.strip("\n")]]}] if text.strip() else []


def _words(code: str, language: str) -> list[list[str]]:
    """Return code in words with their kinds; a language that nobody knows stays plain."""
    from pygments import lex
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_by_name(language or "text", stripnl=False, ensurenl=False)
    except ClassNotFound:
        return [["", code]]
    words: list[list[str]] = []
    for token, word in lex(code, lexer):
        kind = next((KINDS[name] for name in reversed(token) if name in KINDS), "")
        if words and words[-1][0] == kind:
            words[-1][1] += word
        else:
            words.append([kind, word])
    return words
