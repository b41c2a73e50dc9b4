"""Any model of lm-eval as a chat client: `lm-eval:KIND`, with the model's arguments as `args`.

Text is generated; a call for the probabilities of a few words is answered by their log-likelihoods after the prompt.
lm-eval cuts what does not fit a model's context; here it is not asked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from types import SimpleNamespace
from typing import Any

from harness.answering.chat.chat import Answer, Call
from harness.answering.chat.price import Rates, cost
from harness.answering.models.generation import Generation
from harness.answering.models.model import LOCAL, LmEvalModel
from harness.answering.tasks.conversation import Conversation
from harness.errors import HarnessError

BATCH = 64
"""Calls given to lm-eval at once."""


class LmEvalChat:
    """A model of lm-eval, loaded when first asked."""

    def __init__(self, kind: str, args: Mapping[str, Any], rates: Rates | None = None) -> None:
        """Make the client.

        Args:
            kind: lm-eval's name of the kind of model: `hf`, `vllm`, `local-completions`, ...
            args: The model's arguments.
            rates: What its server charges, where it has one.
        """
        self.kind = kind
        self.model = LmEvalModel(kind, dict(args))
        self.identity = f"lm-eval:{kind} {self.model.identity}"
        self._rates = rates

    def ask(self, calls: Iterable[Call]) -> Iterator[tuple[int, Answer]]:
        """See `Chat.ask`.

        Raises:
            HarnessError: The model cannot be loaded, or a call wants probabilities and does not say of which words.
        """
        todo = enumerate(calls)
        while part := list(islice(todo, BATCH)):
            fitting = []
            for position, call in part:
                problem = self._too_long(call)
                if problem:
                    yield position, Answer(status="skipped", error=problem)
                else:
                    fitting.append((position, call))
            yield from self._weigh([entry for entry in fitting if entry[1].top_logprobs])
            yield from self._write([entry for entry in fitting if not entry[1].top_logprobs])

    def price(self, prompt: int | None, cached: int | None, completion: int | None) -> float | None:
        """See `Chat.price`: nothing on this machine; of a server lm-eval does not tell."""
        if self._rates is None:
            return 0.0 if self.kind.startswith(LOCAL) else None
        return cost("", "", prompt, cached, completion, self._rates)

    def close(self) -> None:
        """Free the memory that the model holds."""
        self.model.close()

    def _write(self, calls: list[tuple[int, Call]]) -> Iterator[tuple[int, Answer]]:
        wanted = []
        for _, call in calls:
            settings: dict[str, Any] = {"until": list(call.stop), "max_gen_toks": call.max_tokens, "do_sample": False}
            if call.temperature:
                settings |= {"do_sample": True, "temperature": call.temperature}
            wanted.append(Generation(_conversation(call), settings, call.seed or 0))
        for index, answer in self.model.generate(wanted):
            yield calls[index][0], answer

    def _weigh(self, calls: list[tuple[int, Call]]) -> Iterator[tuple[int, Answer]]:
        """Answer by the log-likelihoods of whole words: a word may be several tokens."""
        for _, call in calls:
            if not call.words:
                raise HarnessError(f"{self.identity} weighs words, and the call names none")
        groups = [
            [SimpleNamespace(arguments=(_conversation(c), _after(c, word))) for word in c.words] for _, c in calls
        ]
        for (position, call), scores in zip(calls, self.model.loglikelihood(groups), strict=True):
            if isinstance(scores, Exception):
                yield position, Answer(status="error", error=f"{type(scores).__name__}: {scores}")
                continue
            found = self._alone(call, [score for score, _ in scores])
            best = max(found, key=lambda word: found[word])
            yield position, Answer(text=best, top_logprobs=(found,), weighed=True)

    def _alone(self, call: Call, scores: list[float]) -> dict[str, float]:
        """Return the log-probabilities of words that do not go on as another of them: `1` without what is of `10`."""
        encode = getattr(self.model.lm, "tok_encode", list)
        tokens = {word: list(encode(_after(call, word))) for word in call.words}
        shares = {word: math.exp(score) for word, score in zip(call.words, scores, strict=True)}
        found = {}
        for word, own in tokens.items():
            longer = [other for other, others in tokens.items() if others[: len(own)] == own and len(others) > len(own)]
            left = shares[word] - math.fsum(shares[other] for other in longer)
            found[word] = math.log(left) if left > 0 else -math.inf
        return found

    def _too_long(self, call: Call) -> str | None:
        encode, most = getattr(self.model.lm, "tok_encode", None), getattr(self.model.lm, "max_length", None)
        if encode is None or not isinstance(most, int):
            return None
        try:
            text = self.model.rendered(_conversation(call))
            needed = len(encode(text)) + call.max_tokens
        except NotImplementedError:  # a server's model without a tokenizer of its own: the server says
            return None
        return f"input and answer do not fit the model's context ({needed} of {most} tokens)" if needed > most else None


def _conversation(call: Call) -> Conversation:
    return Conversation(tuple(call.messages), begun=call.messages[-1][0] == "assistant")


def _after(call: Call, word: str) -> str:
    """Return a word as it follows the prompt: after a begun answer, which ends without white space, with a space."""
    return f" {word}" if call.messages[-1][0] == "assistant" else word
