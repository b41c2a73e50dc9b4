"""A chat model at an endpoint as what a learner answers with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from harness.answering import Answer as Reply
from harness.answering import Budget, Call, Message, chat_models
from harness.learning.learner import Answer, SeriesEnded
from harness.learning.learners.network import Writing
from harness.records import Item, digest


@dataclass(frozen=True)
class Endpoint:
    """A chat model that answers items."""

    model: str | Mapping[str, Any]
    cache: Path
    before: tuple[Message, ...] = ()
    """What every conversation begins with."""
    cached: bool = False
    """Whether what it has answered before counts; not where it may be another model by now under the same name."""
    logprobs: bool = False
    """Whether it is asked how probable its answers are."""
    budget: Budget | None = None
    """What its calls may cost, with others."""

    def write(self, items: Sequence[Item], how: Writing, *seed: object) -> list[list[Answer]]:
        """Return answers to each item.

        Args:
            items: What is asked.
            how: How many, how long, how drawn.
            seed: Decides, with the number of the answer, the seed that is sent.

        Raises:
            SeriesEnded: Some calls failed.
            BudgetError: The next call might cost more than is left.
        """
        calls = [
            Call(
                (*self.before, ("user", item.prompt)), how.most, how.temperature or 0.0,
                int(digest(*seed, number), 16) % 2**31, how.until, int(self.logprobs), repetition=number,
            )
            for item in items
            for number in range(how.samples)
        ]  # fmt: skip
        with chat_models(SimpleNamespace(cache=self.cache, workers=1), budget=self.budget) as chat:
            replies = dict(chat(self.model, cached=self.cached).ask(calls))
        failed = [one for one in replies.values() if one.status not in ("ok", "refused", "unparsed")]
        if failed:
            asked = "; `logprobs: false` asks for no probabilities" if self.logprobs else ""
            raise SeriesEnded("no_answer", f"{len(failed)} of {len(calls)} calls failed ({failed[0].error}){asked}")
        answers = [_answer(replies[place]) for place in range(len(calls))]
        return [answers[start : start + how.samples] for start in range(0, len(answers), how.samples)]


def _answer(reply: Reply) -> Answer:
    sure = None if reply.reasoning else reply.logprobs  # some servers count what was thought
    return Answer(
        reply.text or "",
        None if sure is None else [round(value, 6) for value in sure],
        finish_reason=reply.finish_reason,
        status=reply.status,
        error=reply.error,
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        cost_usd=reply.cost_usd,
    )
