"""A judge that rates one response at a time, on each of its criteria."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import Field

from harness.rating.judges.judge import Judge, JudgeQuestion, JudgeSettings, chat_of, wording_of
from harness.rating.judges.reply import Reading
from harness.rating.judges.wording import shown
from harness.rating.rater import RaterSpec, Surroundings, Work
from harness.rating.settings import read_settings
from harness.records import Rating


class PointwiseSettings(JudgeSettings):
    """The settings of a pointwise judge."""

    answers: dict[str, float] = Field(min_length=2)
    """The words that the judge may answer, with their values."""


def pointwise(spec: RaterSpec, surroundings: Surroundings) -> Judge:
    """Make a pointwise judge.

    By probabilities the value is the expected value over the words (on a binary scale: that of the more probable
    word), and `confidence` the probability of the word that `label` names.

    Raises:
        HarnessError: A setting does not fit, or a file that it names is missing.
    """
    settings = read_settings(spec, PointwiseSettings)
    words = list(settings.answers)
    wording = wording_of(settings, spec, words)
    asked = wording.rubric.asked

    def ask(work: Work) -> Iterator[JudgeQuestion]:
        texts = [work.response.text, None]  # the place of a second one is part of the fence's tag
        material = shown(work.item, texts) | {"response": work.response.text}
        for criterion in asked:
            call = settings.call(wording.messages(material, criterion), words, work.repetition, surroundings.seed)
            yield JudgeQuestion(work, call, words, {"criterion": criterion.name})

    def tell(_: JudgeQuestion, verdict: Reading) -> dict[str, Any]:
        word = str(verdict.word)
        told: dict[str, Any] = {"label": word, "value": settings.answers[word]}
        if verdict.probabilities is not None:
            told["confidence"] = round(verdict.probabilities[word], 4)
            if spec.scale in ("ordinal", "interval"):
                expected = sum(share * settings.answers[answer] for answer, share in verdict.probabilities.items())
                told["value"] = round(expected, 4)
                told["metadata"] = {"most_probable": settings.answers[word]}
                told["label"] = None  # the value is a mean over words, not one of them
        return told

    def conclude(version: str, work: Work, ratings: Sequence[Rating]) -> Iterator[Rating]:
        overall = wording.rubric.concluded(version, work, ratings)
        if overall:
            yield overall

    decides = [*wording.facts, surroundings.seed]
    return Judge(spec, settings, chat_of(settings, surroundings), decides, ask, tell, conclude)
