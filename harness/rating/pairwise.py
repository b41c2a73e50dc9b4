"""A judge that compares two responses to an item, always in both orders: judges often like what stands first.

Each order is a rating of its own (`order`), its value from the side of `response_id`: 1 better, 0 worse, .5 equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.errors import HarnessError
from harness.rating.judge import Judge, JudgeSettings, Question, chat_of, prompt_of, shown
from harness.rating.rater import RaterSpec, Surroundings, Work
from harness.rating.verdict import Verdict
from harness.rating.verifier import read_settings
from harness.records import Order

ORDERS: tuple[Order, ...] = ("response_first", "against_first")


class PairwiseSettings(JudgeSettings):
    """The settings of a pairwise judge."""

    first: str = "A"
    """The word for the response that is shown first."""
    second: str = "B"
    tie: str | None = None
    """The word for equally good; None where the judge has to choose."""


def pairwise(spec: RaterSpec, surroundings: Surroundings) -> Judge:
    """Make a pairwise judge.

    By probabilities the value is that of the more probable word and `confidence` its probability; the metadata has
    the probabilities, so that the position's pull can be read off the two orders.

    Raises:
        HarnessError: A setting does not fit, or the prompt is missing.
    """
    if not spec.compares or spec.scale != "preference":
        raise HarnessError(f"{spec.folder}/rater.yaml: a pairwise judge needs `compares: true` and `scale: preference`")
    settings = read_settings(spec, PairwiseSettings)
    prompt = prompt_of(settings, spec)
    words = [settings.first, settings.second, *([settings.tie] if settings.tie else [])]

    def ask(work: Work) -> Iterator[Question]:
        if work.against is None:
            raise HarnessError(f"{spec.name} compares two responses, but response {work.response.response_id} is alone")
        material = shown(work) | {"words": words}
        for order in ORDERS:
            sides = (work.response, work.against) if order == "response_first" else (work.against, work.response)
            pair = {"first": sides[0].text, "second": sides[1].text}
            for criterion in spec.criteria:
                values = material | pair | {"criterion": criterion, "rubric": settings.rubric.get(criterion, "")}
                call = settings.call(prompt.messages(values), words, work.repetition, surroundings.seed)
                yield Question(work, call, words, {"criterion": criterion, "order": order})

    def tell(question: Question, verdict: Verdict) -> dict[str, Any]:
        word = str(verdict.word)
        shown_first = question.fields["order"] == "response_first"
        wins = (word == settings.first) == shown_first
        value = 0.5 if word == settings.tie else float(wins)
        told: dict[str, Any] = {"value": value, "metadata": {"word": word}}
        if verdict.probabilities is not None:
            told["confidence"] = round(verdict.probabilities[word], 4)
        return told

    decides = (prompt.source, surroundings.seed)
    return Judge(spec, settings, chat_of(settings, surroundings), decides, ask, tell)
