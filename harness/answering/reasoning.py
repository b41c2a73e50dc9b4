"""A model's reasoning, told apart from its answer: nothing reads a verdict, a number or a program in what was thought.

Servers that know their model give the reasoning in a field of its own; others leave it in the text, between the marks
that the model was trained with, or leave out the opening mark because the chat template had it already. Reasoning that
never ends is all there is: the answer is then empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, NamedTuple

from harness.answering.chat.chat import Answer, Around, Call

Marks = Literal["auto", "none"] | tuple[str, str]
"""Where reasoning stands in a model's text: between the usual marks, nowhere, or between an opening and a closing one
of the model's own.
"""

TAGS = r"(?:seed:)?(?:think|thinking|thoughts?|reason|reasoning|scratchpad|begin_of_thought)"
OPENING = rf"<{TAGS}>|\[THINK\]|◁think▷|<\|begin_of_thought\|>|<\|START_THINKING\|>|<unused94>"
CLOSING = rf"</{TAGS}>|\[/THINK\]|◁/think▷|<\|end_of_thought\|>|<\|END_THINKING\|>|<unused95>"
QUOTES = ('"', "'", "`")
SPOKEN_OF = re.compile(r"[\w(]")
"""What else stands before an opening mark that is spoken of, or is part of a program."""
CHANNEL = re.compile(r"(?:<\|start\|>[^<]*)?<\|channel\|>\s*(\w+)[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>")
CHANNEL_END = re.compile(r"<\|(?:end|return|call)\|>")
TURN_END = re.compile(
    r"(?:(?<![\"'`])(?:<\|(?:im_end|eot_id|eot|endoftext|end_of_text|eom_id|end_of_turn|end_of_solution)\|>|"
    r"<end_of_turn>|</s>|<eos>)\s*)+$"
)
"""The marks of a turn's end that a server left; in the middle of an answer one may be quoted, and ends nothing."""
BEGINNING = "<|begin_of_solution|>"
BARE_CHANNELS = re.compile(r"\s*analysis(.*?)assistantfinal", re.DOTALL)
"""What is left of two channels where the server dropped their marks."""


class Parts(NamedTuple):
    """A model's text in its two parts."""

    answer: str
    reasoning: str | None = None


def split_reasoning(text: str, marks: Marks = "auto") -> Parts:
    """Return a text without its reasoning and the marks of a turn's end, and the reasoning; others as they are.

    Args:
        text: What a model wrote.
        marks: Where reasoning stands in it.
    """
    if marks == "none":
        return Parts(text)
    found = _parts(text, marks)
    end = TURN_END.search(found.answer)
    if end and found.answer[: end.start()].strip():
        found = found._replace(answer=found.answer[: end.start()])
    return found._replace(answer=found.answer.replace(BEGINNING, "")) if BEGINNING in text else found


def _parts(text: str, marks: Marks) -> Parts:
    if marks == "auto":
        if "<|channel|>" in text:
            return _channels(text)
        bare = BARE_CHANNELS.match(text)
        if bare:
            return Parts(text[bare.end() :], bare[1].strip())
        found = _between(text, _pattern(OPENING, CLOSING))
    else:
        found = _between(text, _pattern(*map(re.escape, marks)))
    return found or Parts(text)


def answer_of(text: str) -> str:
    """Return a text without its reasoning, by the usual marks."""
    return split_reasoning(text).answer


@cache
def _pattern(opening: str, closing: str) -> re.Pattern[str]:
    return re.compile(rf"(?P<opening>{opening})|(?P<closing>{closing})", re.IGNORECASE)


def _between(text: str, pattern: re.Pattern[str]) -> Parts | None:
    """Return the parts of a text by its marks; what stands before a closing mark without an opening one is reasoning.

    A mark in quotation marks is spoken of, as in a program; while a model reasons, only the mark that ends it counts.
    """
    answer, reasoning, position = "", "", 0
    thinks = met = False
    for mark in pattern.finditer(text):
        before = text[max(0, mark.start() - 1) : mark.start()]
        opens = bool(mark["opening"])
        if opens if thinks else before in QUOTES or (opens and SPOKEN_OF.match(before)):
            continue
        part, position = text[position : mark.start()], mark.end()
        if opens:
            answer += part
        else:
            reasoning, answer = (reasoning + part, answer) if thinks else (reasoning + answer + part, "")
        thinks, met = opens, True
    if not met:
        return None
    rest = text[position:]
    answer, reasoning = (answer, reasoning + rest) if thinks else (answer + rest, reasoning)
    return Parts(answer.lstrip("\r\n"), reasoning.strip() or None)


def _channels(text: str) -> Parts:
    """Return the parts of OpenAI's harmony format: the channel `final` is the answer, the others are reasoning."""
    heads = list(CHANNEL.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    said: dict[bool, list[str]] = {True: [], False: []}
    for head, end in zip(heads, ends, strict=True):
        content = CHANNEL_END.split(text[head.end() : end])[0]
        said[head[1].lower() == "final"].append(content)
    return Parts("".join(said[True]), "\n".join(said[False]).strip() or None)


@dataclass
class Reasoned(Around):
    """A chat client whose answers come without their reasoning, which stands beside them."""

    marks: Marks = "auto"

    def ask(self, calls: Iterable[Call]) -> Iterator[tuple[int, Answer]]:
        """See `Chat.ask`."""
        for position, answer in self.chat.ask(calls):
            yield position, without_reasoning(answer, self.marks)


def without_reasoning(answer: Answer, marks: Marks = "auto") -> Answer:
    """Return an answer whose text is the answer alone, with the reasoning beside it."""
    if answer.text is None:
        return answer
    text, reasoning = split_reasoning(answer.text, marks)
    if reasoning is None and text == answer.text:
        return answer
    thought = "\n".join(filter(None, (answer.reasoning, reasoning))) or None
    return replace(answer, text=text, reasoning=thought, logprobs=None)  # they are of what was thought, too
