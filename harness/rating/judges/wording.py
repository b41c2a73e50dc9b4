"""How a judge's questions are put: its prompt, what it is asked about, and examples of verdicts.

Examples are turns before the question: the same prompt with the example's texts, and the verdict as the judge is to
give it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from harness.answering import Message
from harness.errors import HarnessError, did_you_mean
from harness.rating.judges.fence import fence_for
from harness.rating.judges.prompt import Prompt
from harness.rating.judges.rubric import Criterion, Rubric
from harness.rating.rater import RaterSpec
from harness.records import Item, digest, target_text
from harness.suite import Document, read_document


class Example(BaseModel):
    """A question with its verdict; the texts have the names that they have in a prompt."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: str = ""
    context: str | None = None
    choices: list[str] | None = None
    target: str | None = None
    references: list[str] = Field(default_factory=list)
    response: str | None = None
    first: str | None = None
    second: str | None = None
    criterion: str | None = None
    """The criterion that the verdict is about; all where not given."""
    verdict: str
    reasoning: str | None = None


class Examples(BaseModel):
    """The contents of a file of examples."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    examples: list[Example] = Field(min_length=1)


Write = Callable[[str, str | None], str]
"""From a verdict and its reasons to the judge's answer as text."""


class Wording:
    """The words of a judge's questions."""

    def __init__(
        self, spec: RaterSpec, prompt: str, rubric: Rubric, examples: str | None, words: Sequence[str], write: Write
    ) -> None:
        """Read the prompt and the examples.

        Args:
            spec: The judge's declaration.
            prompt: The prompt's file in the judge's folder.
            rubric: What the judge is asked about.
            examples: The file of examples in the judge's folder.
            words: The verdicts that a judge may give.
            write: How it gives them.

        Raises:
            HarnessError: A file cannot be read, or an example's verdict or criterion is none of the judge's.
        """
        if spec.folder is None:
            raise HarnessError(f"rater {spec.name!r}: a judge needs a folder with its prompt {prompt!r}")
        self.rubric = rubric
        self._prompt = Prompt(spec.folder / prompt)
        self._words = list(words)
        self._write = write
        self._examples: list[Example] = []
        if examples is not None:
            document = read_document(spec.folder / examples)
            self._examples = document.check(Examples).examples
            self._check(document)
        self._turns: dict[str, tuple[Message, ...]] = {}

    @property
    def facts(self) -> list[Any]:
        """What of it decides an answer."""
        return [self._prompt.source, self.rubric.facts, [example.model_dump() for example in self._examples]]

    def messages(self, material: Mapping[str, Any], criterion: Criterion) -> tuple[Message, ...]:
        """Return the messages that ask for a verdict on a criterion.

        Args:
            material: The values that the prompt may show, but for `criterion`, `rubric` and `words`.
            criterion: The criterion.

        Raises:
            HarnessError: The prompt cannot be rendered with the values, or with those of an example.
        """
        own = self._render(material, criterion)
        if not self._examples:
            return own
        if criterion.name not in self._turns:
            self._turns[criterion.name] = self._example_turns(criterion)
        before = sum(speaker == "system" for speaker, _ in own)
        return (*own[:before], *self._turns[criterion.name], *own[before:])

    def _render(self, material: Mapping[str, Any], criterion: Criterion) -> tuple[Message, ...]:
        named = {"criterion": criterion.name, "rubric": criterion.description, "words": self._words}
        return self._prompt.messages({**material, **named})

    def _example_turns(self, criterion: Criterion) -> tuple[Message, ...]:
        turns: list[Message] = []
        for example in self._examples:
            if example.criterion not in (None, criterion.name):
                continue
            spoken = dict(self._render(_material(example), criterion))
            begun = spoken.get("assistant", "")
            answer = f"{begun} {self._write(example.verdict, example.reasoning)}".strip()
            turns += [("user", spoken["user"]), ("assistant", answer)]
        return tuple(turns)

    def _check(self, document: Document) -> None:
        names = [criterion.name for criterion in self.rubric.asked]
        for place, example in enumerate(self._examples):
            for key, value, known in (
                ("verdict", example.verdict, self._words),
                ("criterion", example.criterion, [None, *names]),
            ):
                if value not in known:
                    where = document.where(("examples", place, key))
                    hint = did_you_mean(str(value), [str(one) for one in known if one])
                    raise HarnessError(f"{where}: {key}: {value!r} is none that this judge knows.{hint}")


def shown(item: Item, answers: Sequence[str | None]) -> dict[str, Any]:
    """Return what a prompt may show of the item, and the two fences that everything from outside is put into.

    `fence_item` has a tag that follows from the item alone, so that all prompts about an item begin alike and servers
    read that part once; `fence`, for the answers, has a tag that follows from all texts of the call.
    """
    fields = ("task", "family", "prompt", "context", "choices", "target", "references", "messages")
    texts = [item.prompt, item.context, item.target, *(item.choices or ()), *item.references]
    return {
        **{name: getattr(item, name) for name in fields},
        "reference": reference_of(item),
        "fence_item": fence_for(texts),
        "fence": fence_for([*texts, *answers]),
    }


def reference_of(item: Item) -> str | None:
    """Return the answer that others are measured by: the first reference, else the right choice, else the target."""
    return item.references[0] if item.references else target_text(item.target, item.choices)


def _material(example: Example) -> dict[str, Any]:
    """Return what the prompt shows of an example, as if it were an item with its responses."""
    known = example.model_dump(include={"prompt", "context", "choices", "target", "references"})
    item = Item(task="example", item_id=digest(known), family="other", **known)
    answers = example.model_dump(include={"response", "first", "second"}, exclude_none=True)
    return shown(item, list(answers.values())) | answers
