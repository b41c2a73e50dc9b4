"""One round of one series: what it was, and the records that it leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from harness.learning.learner import Example
from harness.records import Item, Rating, Response


class RoundSummary(BaseModel):
    """What one round of one series was: a row of a run's `rounds`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    series: str
    round: int
    seed: int
    feedback: str | None
    """The rater that gave the feedback; null where everything was kept."""
    n_prompts: int
    """Practice items; 0 for the base, as the other counts."""
    n_samples: int
    n_ratings: int
    n_failed: int
    """Ratings without a value."""
    n_human: int = 0
    """Samples that people rated, of those that were rated."""
    n_labels: int = 0
    """Samples that were rated, by whomever: what a budget counts."""
    n_kept: int
    """Answers kept as examples; with the rule `unpaired` those that are wanted."""
    n_rejected: int = 0
    """Answers to unlearn, with the rule `unpaired`."""
    n_tied: int = 0
    """Kept answers to whose item another text was rated just as high, and came later."""
    share_right_kept: float | None
    """The share of right answers among those kept, by the learner's own key: for the record, never for selection."""
    steps: int
    train_loss: float | None
    cost_usd: float | None
    """What the feedback cost; null where the rater does not say."""
    seconds: float
    """Sampling, rating, training and answering; for round 0 the base, which the series share."""
    sampling_seconds: float = 0.0
    rating_seconds: float = 0.0
    training_seconds: float = 0.0
    confidence: float | None = None
    """The mean probability of the model's answers to the held-out items; null where the learner does not tell."""
    kl: float | None = None
    """How far the drawn answers' distribution is from the base's, in nats an answer; null where it is not told."""
    data_hash: str | None = None
    """The hash of the examples."""


@dataclass(frozen=True)
class Round:
    """One finished round of one series, as records."""

    summary: RoundSummary
    responses: list[Response]
    """The held-out answers of the model after the round."""
    practice_items: list[Item] = field(default_factory=list)
    practice: list[Response] = field(default_factory=list)
    """The samples that feedback chose from; their `round` is that of the model that gave them, one less."""
    ratings: list[Rating] = field(default_factory=list)
    """The feedback on the samples, each with the flag `selection_item`."""
    explored: list[Response] = field(default_factory=list)
    """Several drawn answers each to some held-out items, of the model after the round."""
    examples: list[Example] = field(default_factory=list)
    """What the model was trained on."""
    state: Path | None = field(default=None, compare=False)
    """Where the model lies, until the next round of the series is done (`keep_states`: until the caller removes it)."""
