"""A model's own probability of its answer as feedback: how sure it was, not whether it is right."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal

from harness.kinds import identity_of
from harness.rating.rater import RaterSpec, Surroundings, Work, rating_of
from harness.rating.settings import Settings, read_settings
from harness.rating.verifiers.verifier import unanswered
from harness.records import Rating, digest


class OwnProbabilitySettings(Settings):
    """What the model's own probability is of, where the answer is a text."""

    of: Literal["token", "answer"] = "token"
    """`token`: the mean log-probability of a token, in nats; `answer`: the probability of the whole text, in [0, 1]."""


class OwnProbability:
    """Rates a choice by its probability among the choices, a text by the mean log-probability of its tokens.

    The probability of a choice is the softmax of the choices' log-likelihoods, in [0, 1]; the mean log-probability is
    in nats a token, 0 at the most. With `of: answer` a text is rated by its own probability instead.
    """

    def __init__(self, spec: RaterSpec) -> None:
        """Make the rater."""
        self.spec = spec
        self.settings = read_settings(spec, OwnProbabilitySettings)
        self.version = digest(identity_of(spec.use), self.settings.model_dump(exclude_defaults=True), 1)

    def rate(self, work: Sequence[Work]) -> Iterator[Rating]:
        """Yield one rating a piece of work."""
        for piece in work:
            yield unanswered(self.spec, self.version, piece) or self._rating(piece)

    def _rating(self, work: Work) -> Rating:
        logprobs, choices = work.response.logprobs, work.item.choices
        problem = None
        if not logprobs or not all(map(math.isfinite, logprobs)):
            problem = "the response has no log-probabilities"
        elif choices is not None and len(choices) != len(logprobs):
            problem = f"{len(logprobs)} log-probabilities for {len(choices)} choices"
        elif choices is not None and work.response.text not in choices:
            problem = "the answer is none of the choices"
        if problem or not logprobs:
            return rating_of(self.spec, self.version, work, status="skipped", error=problem)
        if choices is None and self.settings.of == "answer":
            return rating_of(self.spec, self.version, work, value=min(1.0, math.exp(math.fsum(logprobs))))
        if choices is None:
            return rating_of(self.spec, self.version, work, value=math.fsum(logprobs) / len(logprobs))
        chosen = choices.index(str(work.response.text))
        return rating_of(self.spec, self.version, work, value=softmax(logprobs)[chosen])


def softmax(values: Sequence[float]) -> list[float]:
    """Return the exponentials of log-likelihoods divided by their sum."""
    highest = max(values)
    weights = [math.exp(value - highest) for value in values]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def own_probability(spec: RaterSpec, _: Surroundings) -> OwnProbability:
    """Make the rater `own_probability`."""
    return OwnProbability(spec)
