"""Self-consistency: the majority of a model's own samples as feedback, without a second model.

Source: X. Wang et al., "Self-Consistency Improves Chain of Thought Reasoning in Language Models", ICLR 2023.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from harness.kinds import identity_of
from harness.rating.rater import RaterSpec, Surroundings, Work, rating_of
from harness.rating.settings import Settings, read_settings
from harness.rating.verifiers.verifier import normalized, unanswered
from harness.records import Rating, Response, digest


class SelfConsistency:
    """Rates 1 what most of the model's samples for the item say, 0 what they do not.

    Most: the answer that more samples give than any other. A tie has no such answer: every sample is rated 0. Samples
    without an answer take no part; with fewer than two that have one, the rating is skipped.
    """

    def __init__(self, spec: RaterSpec) -> None:
        """Make the rater."""
        self.spec = spec
        self.version = digest(identity_of(spec.use), read_settings(spec, Settings).model_dump(), 1)
        self._last: tuple[Sequence[Response], tuple[str | None, str]] | None = None

    def rate(self, work: Sequence[Work]) -> Iterator[Rating]:
        """Yield one rating a piece of work."""
        for piece in work:
            yield unanswered(self.spec, self.version, piece) or self._rating(piece)

    def _rating(self, work: Work) -> Rating:
        samples = [sample for sample in work.siblings if sample.status == "ok" and (sample.text or "").strip()]
        if len(samples) < 2:
            reason = f"a majority needs two samples of the item at least, there are {len(samples)}"
            return rating_of(self.spec, self.version, work, status="skipped", error=reason)
        most, reason = self._plurality(work.siblings, samples)
        own = normalized(work.response.text or "")
        agrees = most is not None and own == most
        metadata = {"majority": most, "samples": len(samples)}
        return rating_of(
            self.spec, self.version, work, value=float(agrees), error=None if agrees else reason, metadata=metadata
        )

    def _plurality(self, siblings: Sequence[Response], samples: Sequence[Response]) -> tuple[str | None, str]:
        """Return the plurality answer, None for a tie, and what to say of an answer that is not it."""
        if self._last and self._last[0] is siblings:
            return self._last[1]
        counts = Counter(normalized(sample.text or "") for sample in samples).most_common(2)
        tied = len(counts) > 1 and counts[0][1] == counts[1][1]
        result = (None, "the samples are tied") if tied else (counts[0][0], "not what most samples say")
        self._last = (siblings, result)
        return result


def self_consistency(spec: RaterSpec, _: Surroundings) -> SelfConsistency:
    """Make the rater `self_consistency`."""
    return SelfConsistency(spec)
