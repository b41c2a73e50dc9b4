"""A simulated annotator: a rater that knows, with errors of given rates. Every rating says that it is simulated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from pydantic import Field

from harness.errors import HarnessError
from harness.kinds import identity_of
from harness.rating.rate import find_rater
from harness.rating.rater import Rater, RaterSpec, Surroundings, Work, rating_of
from harness.rating.settings import Settings, read_settings
from harness.records import Rating, digest


class SimulatedSettings(Settings):
    """Who knows, and how often the annotator says right."""

    truth: str
    """A binary rater of the catalogue."""
    right: float = Field(ge=0, le=1)
    """The probability that a right answer is called right."""
    wrong: float = Field(ge=0, le=1)
    """The probability that a wrong answer is called right."""


class SimulatedAnnotator:
    """Says of an answer what a rater that knows says, or the opposite, by chance."""

    def __init__(self, spec: RaterSpec, truth: Rater, seed: int) -> None:
        """Make the rater.

        Args:
            spec: Its declaration.
            truth: The rater that knows.
            seed: Decides the errors, together with the item and the answer's text.

        Raises:
            HarnessError: The rater that knows is not binary.
        """
        self.spec, self.truth, self.seed = spec, truth, seed
        self.settings = read_settings(spec, SimulatedSettings)
        if truth.spec.scale != "binary":
            raise HarnessError(f"rater {spec.name!r}: settings: truth: {truth.spec.name!r} is no binary rater")
        self.version = digest(identity_of(spec.use), self.settings.model_dump(), truth.version, seed, 1)

    def rate(self, work: Sequence[Work]) -> Iterator[Rating]:
        """Yield one rating a piece of work; where the one who knows has no value, neither has the annotator."""
        pieces = {piece.response.response_id: piece for piece in work}
        for known in self.truth.rate(work):
            piece = pieces[known.response_id or ""]
            if known.value is None:
                yield rating_of(
                    self.spec, self.version, piece, status=known.status, error=known.error, flags=["simulated"]
                )
                continue
            rate = self.settings.right if known.value == 1 else self.settings.wrong
            drawn = Random(digest(self.seed, piece.item.task, piece.item.item_id, piece.response.text)).random()
            yield rating_of(self.spec, self.version, piece, value=float(drawn < rate), flags=["simulated"])


def simulated(spec: RaterSpec, surroundings: Surroundings) -> SimulatedAnnotator:
    """Make a simulated annotator.

    Raises:
        HarnessError: The rater that knows is not in the catalogue, or not binary.
    """
    settings = read_settings(spec, SimulatedSettings)
    if surroundings.catalog is None:
        raise HarnessError(f"rater {spec.name!r} is made of another: find it in a catalogue (`find_rater`)")
    return SimulatedAnnotator(spec, find_rater(settings.truth, surroundings.catalog, surroundings), surroundings.seed)
