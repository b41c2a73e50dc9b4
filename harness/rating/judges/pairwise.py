"""A judge that compares two responses to an item, always in both orders: judges often like what stands first.

Each order is a rating of its own (`order`), its value from the side of `response_id`: 1 better, 0 worse, .5 equal.
What counts where the two contradict each other is a declared rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from harness.errors import HarnessError
from harness.rating.judges.judge import Judge, JudgeQuestion, JudgeSettings, chat_of, wording_of
from harness.rating.judges.reply import Reading
from harness.rating.judges.wording import shown
from harness.rating.rater import RaterSpec, Surroundings, Work, rating_of
from harness.rating.settings import read_settings
from harness.records import Order, Rating

ORDERS: tuple[Order, ...] = ("response_first", "against_first")


class PairwiseSettings(JudgeSettings):
    """The settings of a pairwise judge."""

    first: str = "A"
    """The word for the response that is shown first."""
    second: str = "B"
    tie: str | None = None
    """The word for equally good; None where the judge has to choose."""
    inconsistent: Literal["mean", "tie", "skip"] = "mean"
    """What counts where the orders differ: `mean`, the two verdicts, each as one half; `tie`, neither is better;
    `skip`, nothing. With `tie` and `skip` a third rating, of no order, says what counts.
    """


def pairwise(spec: RaterSpec, surroundings: Surroundings) -> Judge:
    """Make a pairwise judge.

    By probabilities the value is that of the more probable word and `confidence` its probability; the metadata has
    the probabilities, so that the position's pull can be read off the two orders.

    Raises:
        HarnessError: A setting does not fit, or the prompt is missing.
    """
    if not spec.compares or spec.scale != "preference":
        raise HarnessError(f"{spec.place('use')}: a pairwise judge needs `compares: true` and `scale: preference`")
    settings = read_settings(spec, PairwiseSettings)
    words = [settings.first, settings.second, *([settings.tie] if settings.tie else [])]
    wording = wording_of(settings, spec, words)
    asked = wording.rubric.asked

    def ask(work: Work) -> Iterator[JudgeQuestion]:
        if work.against is None:
            raise HarnessError(f"{spec.name} compares two responses, but response {work.response.response_id} is alone")
        material = shown(work.item, [work.response.text, work.against.text])
        for order in ORDERS:
            sides = (work.response, work.against) if order == "response_first" else (work.against, work.response)
            pair = {"first": sides[0].text, "second": sides[1].text}
            for criterion in asked:
                messages = wording.messages(material | pair, criterion)
                call = settings.call(messages, words, work.repetition, surroundings.seed)
                yield JudgeQuestion(work, call, words, {"criterion": criterion.name, "order": order})

    def tell(question: JudgeQuestion, verdict: Reading) -> dict[str, Any]:
        word = str(verdict.word)
        shown_first = question.fields["order"] == "response_first"
        wins = (word == settings.first) == shown_first
        value = 0.5 if word == settings.tie else float(wins)
        told: dict[str, Any] = {"value": value, "metadata": {"word": word}}
        if verdict.probabilities is not None:
            told["confidence"] = round(verdict.probabilities[word], 4)
        return told

    def conclude(version: str, work: Work, ratings: Sequence[Rating]) -> Iterator[Rating]:
        found: dict[Order, list[Rating]] = {order: [one for one in ratings if one.order == order] for order in ORDERS}
        for of_order in found.values():
            overall = wording.rubric.concluded(version, work, of_order)
            if overall:
                of_order.insert(0, overall)
                yield overall
        if settings.inconsistent != "mean":
            for first, second in zip(*found.values(), strict=True):
                yield _settled(spec, version, work, settings.inconsistent, first, second)

    decides = [*wording.facts, surroundings.seed]
    return Judge(spec, settings, chat_of(settings, surroundings), decides, ask, tell, conclude)


def _settled(
    spec: RaterSpec, version: str, work: Work, rule: Literal["tie", "skip"], first: Rating, second: Rating
) -> Rating:
    """Return what counts of a pair's two verdicts on a criterion, as a rating of no order."""
    fields: dict[str, Any] = {"criterion": first.criterion, "cost_usd": 0.0, "seconds": 0.0}
    for one in (first, second):
        if one.value is None:
            reason = f"no verdict with {one.order}: {one.error}" if one.status != "skipped" else one.error
            return rating_of(spec, version, work, status=one.status, error=reason, **fields)
    verdicts = [float(one.value or 0.0) for one in (first, second)]
    if len({(value > 0.5) - (value < 0.5) for value in verdicts}) == 1:  # the same side is better in both orders
        return rating_of(spec, version, work, value=sum(verdicts) / 2, **fields)
    if rule == "tie":
        return rating_of(spec, version, work, value=0.5, metadata={"inconsistent": True}, **fields)
    reason = "the verdicts of the two orders contradict each other"
    return rating_of(spec, version, work, status="skipped", error=reason, metadata={"inconsistent": True}, **fields)
