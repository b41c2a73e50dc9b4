"""A chat model at an endpoint as what a learner answers with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from harness.answering import Answer as Reply
from harness.answering import Call, chat_models
from harness.learning.learner import Answer, SeriesEnded
from harness.learning.learners.network import Writing
from harness.records import Item, digest


@dataclass(frozen=True)
class Endpoint:
    """A chat model that answers items; what it has answered before counts for nothing, since it may be another model
    by now under the same name.
    """

    model: str | Mapping[str, Any]
    cache: Path
    system: str | None = None

    def write(self, items: Sequence[Item], how: Writing, *seed: object) -> list[list[Answer]]:
        """Return answers to each item.

        Args:
            items: What is asked.
            how: How many, how long, how drawn.
            seed: Decides, with the number of the answer, the seed that is sent.

        Raises:
            SeriesEnded: Some calls failed.
        """
        before = (("system", self.system),) if self.system else ()
        calls = [
            Call(
                (*before, ("user", item.prompt)), how.most, how.temperature or 0.0,
                int(digest(*seed, number), 16) % 2**31, how.until, repetition=number,
            )
            for item in items
            for number in range(how.samples)
        ]  # fmt: skip
        with chat_models(SimpleNamespace(cache=self.cache, workers=1)) as chat:
            replies = dict(chat(self.model, cached=False).ask(calls))
        failed = [one for one in replies.values() if one.status not in ("ok", "refused")]
        if failed:
            raise SeriesEnded("no_answer", f"{len(failed)} of {len(calls)} calls failed ({failed[0].error})")
        answers = [_answer(replies[place]) for place in range(len(calls))]
        return [answers[start : start + how.samples] for start in range(0, len(answers), how.samples)]


def _answer(reply: Reply) -> Answer:
    return Answer(reply.text or "", finish_reason=reply.finish_reason)
