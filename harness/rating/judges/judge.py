"""A judge: an LLM that is asked for ratings.

How it is asked (one response at a time, two against each other) is a mode: a function from a piece of work to the
questions that it takes. Here the questions are put to the chat client and every answer becomes one rating; an answer
that cannot be read, a refusal and a provider's error become ratings without a value, with the raw answer.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from harness.answering import Answer, Call, Chat, at_once, hand_in, make_chat, read_chat_spec
from harness.errors import HarnessError
from harness.kinds import identity_of
from harness.rating.judges.reply import LEAST_MASS, Reading, Reads, answer_schema, read_probabilities, read_text
from harness.rating.judges.rubric import Meaning, OverallRule, Rubric
from harness.rating.judges.wording import Wording, reference_of
from harness.rating.rater import NO_ANSWER, RaterSpec, Surroundings, Work, rating_of
from harness.rating.settings import Settings
from harness.records import Rating, Response, digest


class JudgeSettings(Settings):
    """What every mode's settings in a rater.yaml have."""

    model: str | dict[str, Any] = "embedded"
    """The chat model: a name, or a mapping with its settings."""
    prompt: str = "prompt.j2"
    by: Literal["probabilities", "text"] = "probabilities"
    """How the verdict is read: the next token's probabilities, or a written answer."""
    reads: Reads = "statement"
    """How a written verdict is read; needs `by: text`."""
    least_mass: float = Field(default=LEAST_MASS, ge=0, le=1)
    """How much of all probability the words must hold; with 0 the judge is made to choose, whatever it wants to say."""
    reasoning: bool = False
    """Reasons before the verdict; needs `by: text`."""
    max_tokens: int = Field(default=512, ge=1)
    temperature: float = Field(default=0.0, ge=0)
    top_logprobs: int = Field(default=20, ge=1)
    """How many tokens' probabilities to ask for; many servers give 20 at most."""

    rubric: dict[str, str | Meaning] = Field(default_factory=dict)
    """What each criterion means, shown by the prompt as `rubric`; a text, or `description` and `weight`."""
    constitution: str | None = None
    """A file of principles, each rated for itself."""
    overall: OverallRule | None = None
    """How an overall verdict is found; see `Rubric`."""
    examples: str | None = None
    """A file of examples of verdicts, shown as turns before the question."""
    reference_guided: bool = False
    """The prompt shows `reference`; an item that has none is skipped."""

    @model_validator(mode="after")
    def _reasons_are_written(self) -> Self:
        if self.reasoning and self.by != "text":
            raise ValueError("reasoning: true needs `by: text`")
        if self.reads != "statement" and self.by != "text":
            raise ValueError("reads: is how a written verdict is read: it needs `by: text`")
        return self

    def call(self, messages: tuple[tuple[str, str], ...], words: Sequence[str], repetition: int, seed: int) -> Call:
        """Return the call that asks for one of the words; each repetition has a seed of its own."""
        if self.by == "probabilities":
            words = tuple(words)
            return Call(messages, 1, 0.0, seed, top_logprobs=self.top_logprobs, words=words, repetition=repetition)
        schema = answer_schema(words, self.reasoning) if self.asks_json else None
        return Call(
            messages, self.max_tokens, self.temperature, seed + repetition, json_schema=schema, repetition=repetition
        )

    @property
    def asks_json(self) -> bool:
        """Whether the judge is asked for JSON: unless a reader is named that wants something else."""
        return self.reads in ("statement", "json")

    def write(self, verdict: str, reasoning: str | None) -> str:
        """Return a verdict as the judge is to give it, for an example."""
        if self.by == "probabilities":
            return verdict
        if not self.asks_json:
            stated = f"[[{verdict}]]" if self.reads == "brackets" else verdict
            return f"{reasoning}\n{stated}" if reasoning else stated
        return json.dumps({**({"reasoning": reasoning or ""} if self.reasoning else {}), "verdict": verdict})

    def read(self, answer: Answer, words: Sequence[str], tie: str | None = None) -> Reading:
        """Return the verdict that an answer holds; what the judge thought before it belongs to the rationale."""
        if self.by == "probabilities":
            return read_probabilities(answer.top_logprobs, words, self.least_mass, answer.weighed)
        found = read_text(answer.text, words, self.reads, tie, answer.finish_reason)
        rationale = "\n".join(filter(None, (answer.reasoning, found.rationale)))
        return found._replace(rationale=rationale or None)


@dataclass(frozen=True)
class JudgeQuestion:
    """One call to the judge, and what its rating will say beside the verdict."""

    work: Work
    call: Call
    words: Sequence[str]
    fields: Mapping[str, Any] = field(default_factory=dict)
    """`criterion`, `order`: what identifies the rating among those of the same work."""


RECIPE = 7
"""Counts the ways in which verdicts were read: a change makes other ratings of the same answers."""

Ask = Callable[[Work], Iterable[JudgeQuestion]]
Tell = Callable[[JudgeQuestion, Reading], dict[str, Any]]
"""From a verdict to the rating's value, label, confidence and metadata."""
Conclude = Callable[[str, Work, Sequence[Rating]], Iterable[Rating]]
"""From the judge's version, a piece of work and the ratings of all its questions to those that follow from them."""


@dataclass
class _Open:
    """A piece of work, and the ratings of its questions as far as they are there."""

    work: Work
    ratings: list[Rating | None]

    @property
    def answered(self) -> bool:
        return None not in self.ratings


class Judge:
    """A rater that asks an LLM."""

    def __init__(
        self,
        spec: RaterSpec,
        settings: JudgeSettings,
        chat: Chat,
        decides: Any,
        ask: Ask,
        tell: Tell,
        conclude: Conclude,
    ) -> None:
        """Make a judge of a mode.

        Args:
            spec: Its declaration.
            settings: Its settings.
            chat: The client of its model.
            decides: What beside declaration, settings and model decides an answer: prompt, rubric, seed.
            ask: The mode's questions for a piece of work.
            tell: The mode's reading of a verdict.
            conclude: What follows from all verdicts on a piece of work.
        """
        self.spec = spec
        self.settings = settings
        self.chat = chat
        facts = settings.model_dump(mode="json", exclude={"model"})
        self.version = digest(identity_of(spec.use), spec.criteria, spec.scale, facts, chat.identity, decides, RECIPE)
        self._ask = ask
        self._tell = tell
        self._conclude = conclude

    @property
    def at_once(self) -> int:
        """Pieces of work that are best given at once: as many as its client is best asked."""
        return at_once(self.chat)

    def rate(self, work: Iterable[Work]) -> Iterator[Rating]:
        """Yield the ratings of each piece of work when all its answers are there, what follows from them first.

        A question is made when it can be asked, not before.
        """
        asked: dict[int, tuple[_Open, int, JudgeQuestion]] = {}
        skipped: deque[_Open] = deque()

        def calls() -> Iterator[Call]:
            number = count()
            for piece in work:
                problem = self._problem(piece)
                questions = list(self._ask(piece))
                opened = _Open(piece, [None] * len(questions))
                if problem:
                    opened.ratings = [self._rating(one, status="skipped", error=problem) for one in questions]
                    skipped.append(opened)
                    continue
                for place, question in enumerate(questions):
                    asked[next(number)] = opened, place, question
                    yield replace(question.call, again=True) if piece.again else question.call

        for position, answer in self.chat.ask(calls()):
            opened, place, question = asked.pop(position)
            opened.ratings[place] = self._answered(question, answer)
            if opened.answered:
                yield from self._closed(opened)
            while skipped:
                yield from self._closed(skipped.popleft())
        for opened in skipped:
            yield from self._closed(opened)

    def hand_in(self, work: Iterable[Work]) -> None:
        """Send on its way what is asked for work that is rated later, if the client asks by batch."""
        asked = ((piece, one.call) for piece in work if not self._problem(piece) for one in self._ask(piece))
        hand_in(self.chat, (replace(call, again=True) if piece.again else call for piece, call in asked))

    def _problem(self, work: Work) -> str | None:
        """Return why a piece of work cannot be judged, or None."""
        if self.settings.reference_guided and reference_of(work.item) is None:
            return "the item has no reference, and the judge compares with one"
        return unreadable(work.response) or (unreadable(work.against) if work.against else None)

    def _closed(self, opened: _Open) -> Iterator[Rating]:
        ratings = [rating for rating in opened.ratings if rating is not None]
        yield from self._conclude(self.version, opened.work, ratings)
        yield from ratings

    def _answered(self, question: JudgeQuestion, answer: Answer) -> Rating:
        paid: dict[str, Any] = {"cost_usd": answer.cost_usd, "seconds": answer.seconds}
        if answer.status != "ok":
            return self._rating(question, status=answer.status, error=answer.error, raw=answer.raw, **paid)
        verdict = self.settings.read(answer, question.words, getattr(self.settings, "tie", None))
        metadata: dict[str, Any] = {} if verdict.mass is None else {"mass": round(verdict.mass, 4)}
        if verdict.probabilities is not None:
            metadata["probabilities"] = {word: round(share, 4) for word, share in verdict.probabilities.items()}
        paid |= {"rationale": verdict.rationale}
        if verdict.word is None:
            raw = answer.raw or answer.text
            return self._rating(question, status="unparsed", error=verdict.problem, raw=raw, metadata=metadata, **paid)
        told = self._tell(question, verdict)
        metadata |= told.pop("metadata", {})
        return self._rating(question, raw=answer.text, metadata=metadata, **told, **paid)

    def _rating(self, question: JudgeQuestion, **fields: Any) -> Rating:
        return rating_of(self.spec, self.version, question.work, **{**question.fields, **fields})


def unreadable(response: Response) -> str | None:
    """Return why there is nothing to judge, or None where there is a text."""
    if response.text is None or response.status != "ok":
        return f"{NO_ANSWER}{response.model} gave no text ({response.error or response.status})"
    return None


def chat_of(settings: JudgeSettings, surroundings: Surroundings) -> Chat:
    """Return the client of the judge's model, shared with the rest of the run where there is one."""
    if surroundings.chat is not None:
        chat: Chat = surroundings.chat(settings.model)
        return chat
    return make_chat(settings.model, surroundings)


def wording_of(settings: JudgeSettings, spec: RaterSpec, words: Sequence[str]) -> Wording:
    """Return the words of a judge's questions.

    Raises:
        HarnessError: A file that the settings name is missing or broken, they do not fit each other, or the model's
            server cannot tell how probable a word is.
    """
    if settings.by == "probabilities":
        _refuse_unweighable(settings, spec, words)
    rubric = Rubric(spec, settings.rubric, settings.constitution, settings.overall)
    return Wording(spec, settings.prompt, rubric, settings.examples, words, settings.write)


def _refuse_unweighable(settings: JudgeSettings, spec: RaterSpec, words: Sequence[str]) -> None:
    """Refuse words that no server could weigh: it lists first tokens only, and cannot continue a word.

    How a server's model splits a word is not known here, but no common one has a token across white space, or across
    the border of letters, figures and signs (the sign before letters excepted). What is not sure is let through: it
    ends as too little mass.
    """
    kind = read_chat_spec(settings.model).model.partition(":")[0]
    where, instead = f"{spec.place('settings')}: settings", "use `by: text`, or a model of `lm-eval:` or `embedded`"
    if kind == "anthropic":
        raise HarnessError(f"{where}: `by: probabilities`: this interface gives no probabilities; {instead}")
    long = [word for word in words if not _may_be_one_token(word)]
    if kind == "openai" and long:
        raise HarnessError(
            f"{where}: `by: probabilities`: {', '.join(map(repr, long))} cannot be one token, and a server tells the "
            f"probability of one; take words of one token (A, B, Yes, 1 to 9), {instead}"
        )


def _may_be_one_token(word: str) -> bool:
    classes = [unicodedata.category(character)[0] for character in word.strip()]
    kinds = "".join({"M": "L"}.get(one, one if one in "LNZ" else "P") for one in classes)
    return re.fullmatch(r"P?L+|N{1,3}|P+", kinds) is not None
