"""What every model of the harness answers, and how it is asked to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from harness.answering.chat.chat import Answer, Call
from harness.answering.tasks.conversation import Conversation
from harness.errors import HarnessError

MAX_TOKENS = 256
"""Tokens of an answer where a task does not say: lm-eval's own default."""
NULL = "\0no answer\0"
"""What lm-eval's clients are told to put where a server gives no text; by themselves they put an empty one."""
LENGTHS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
"""How lm-eval's tasks call the length of an answer; the first of them that is there counts, as in lm-eval."""
FOR_CHAT = {"until", "do_sample", "temperature", *LENGTHS}
"""The generation settings that a chat call has a place for."""
Score = tuple[float, bool]
"""Log-likelihood of a text, and whether it is the greedy one."""


@dataclass(frozen=True)
class Generation:
    """One text to generate."""

    prompt: str | Conversation
    settings: dict[str, Any]
    """As in lm-eval: `until`, `max_gen_toks` (by any of its names), `do_sample`, `temperature`, and whatever else the
    model takes.
    """
    seed: int

    def call(self) -> Call:
        """Return it as a call of a chat model.

        Raises:
            HarnessError: A setting has no place in a call.
        """
        beyond = sorted(set(self.settings) - FOR_CHAT)
        if beyond:
            raise HarnessError(
                f"the task sets {', '.join(beyond)} for generation, which a chat client has no place for; use the "
                "model through lm-eval's `hf` or `vllm`, or give `temperature` in the suite"
            )
        stop = self.settings.get("until") or []
        return Call(
            messages=self.prompt.messages if isinstance(self.prompt, Conversation) else (("user", self.prompt),),
            max_tokens=int(next((self.settings[name] for name in LENGTHS if name in self.settings), MAX_TOKENS)),
            temperature=float(self.settings.get("temperature", 1.0)) if self.settings.get("do_sample") else 0.0,
            seed=self.seed,
            stop=tuple([stop] if isinstance(stop, str) else stop),
        )


class Model(Protocol):
    """A model under test."""

    identity: str
    """Everything that decides its answers: for ids and caches."""
    converses: bool
    """It takes messages where it generates."""
    shard: int
    """Items whose answers are written at once, and lost at most when the process is killed."""

    def loglikelihood(self, groups: Sequence[Sequence[Any]]) -> list[list[Score] | Exception]:
        """Return for each group of lm-eval's requests (one item's choices) their scores, or why there are none.

        Raises:
            HarnessError: The model has no log-likelihoods.
        """
        ...

    def generate(self, wanted: Sequence[Generation]) -> Iterator[tuple[int, Answer]]:
        """Yield the position and the answer of each, as they finish; a failed one is an answer with a status."""
        ...

    def close(self) -> None:
        """Free the memory that the model holds."""
        ...
