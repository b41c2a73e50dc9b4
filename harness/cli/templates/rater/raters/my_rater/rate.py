"""Rates how brief an answer is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.rating import RaterSpec, Settings, Surroundings, Work, rating_of, read_settings
from harness.records import Rating, digest


class Brevity(Settings):
    """What `settings:` of rater.yaml may say; a key that is not here is refused with its name."""

    most: int = 100
    """As many words as are not brief at all."""


@dataclass(frozen=True)
class MyRater:
    """Turns each piece of work into a rating, or into the status that says why there is none."""

    spec: RaterSpec
    settings: Brevity

    @property
    def version(self) -> str:
        """What decides the ratings: count the number on where `rate` changes, and answers are rated anew."""
        return digest("my_rater", 1, self.settings.model_dump())

    def rate(self, work: Sequence[Work]) -> Iterator[Rating]:
        """Yield a rating a piece of work."""
        for piece in work:
            if piece.response.status != "ok":  # the model's provider failed: there is nothing to rate
                yield rating_of(self.spec, self.version, piece, status=piece.response.status, error="no answer")
                continue
            words = len((piece.response.text or "").split())
            yield rating_of(self.spec, self.version, piece, value=max(0.0, 1 - words / self.settings.most))


def make(spec: RaterSpec, surroundings: Surroundings) -> MyRater:
    """Make the rater that rater.yaml declares."""
    return MyRater(spec, read_settings(spec, Brevity))
