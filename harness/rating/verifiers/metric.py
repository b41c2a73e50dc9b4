"""Any module of `evaluate`, from a folder or the hub, as a rater: each response against the item's references."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from harness.errors import HarnessError, UnavailableError
from harness.kinds import identity_of
from harness.rating.rater import RaterSpec, Surroundings, Work, rating_of
from harness.rating.settings import Settings, read_settings
from harness.rating.verifiers.verifier import unanswered
from harness.records import Rating, digest, target_text


class MetricSettings(Settings):
    """The settings of a metric."""

    module: str
    """A module of `evaluate`: a file or folder beside the rater.yaml, or a name on the hub."""
    outputs: dict[str, str] = Field(default_factory=dict)
    """Criterion to the key of the module's result, where the two differ."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """Further arguments of the module's `compute`."""


class Metric:
    """A rater that computes each of its criteria for one response and all references of its item."""

    def __init__(self, spec: RaterSpec, settings: MetricSettings) -> None:
        """Load the module.

        Raises:
            UnavailableError: It cannot be loaded: a package is missing, or the hub cannot be reached.
        """
        self.spec = spec
        self.settings = settings
        path = spec.folder / settings.module if spec.folder else Path(settings.module)
        self._module = _load(str(path) if path.exists() else settings.module)
        self.version = digest(identity_of(spec.use), settings.model_dump(mode="json"), _source_hash(path), 1)

    def rate(self, work: Sequence[Work]) -> Iterator[Rating]:
        """Yield one rating for each piece of work and criterion."""
        for piece in work:
            absent = unanswered(self.spec, self.version, piece)
            scores: dict[str, Any] = {}
            problem = None
            if absent is None:
                scores, problem = self._scores(piece)
            for criterion in self.spec.criteria:
                yield self._rating(piece, criterion, scores, absent.error if absent else problem, absent)

    def _scores(self, work: Work) -> tuple[dict[str, Any], str | None]:
        right = [str(target_text(one, work.item.choices)) for one in work.item.right]
        references = work.item.references or right
        if not references:
            return {}, f"item {work.item.item_id!r} has no reference"
        try:
            found = self._module.compute(
                predictions=[work.response.text or ""], references=[references], **self.settings.arguments
            )
        except Exception as error:  # modules raise whatever their parts raise; one response costs its own rating
            return {}, f"{type(error).__name__}: {error}"
        return dict(found or {}), None

    def _rating(
        self, work: Work, criterion: str, scores: dict[str, Any], problem: str | None, absent: Rating | None
    ) -> Rating:
        if absent is not None and absent.status == "ok":  # a refusal: the worst score
            return rating_of(self.spec, self.version, work, criterion, value=0.0, error=problem)
        if problem is not None:
            status = absent.status if absent is not None else "error"
            return rating_of(self.spec, self.version, work, criterion, status=status, error=problem)
        key = self.settings.outputs.get(criterion, criterion)
        value = scores.get(key)
        value = value[0] if isinstance(value, list) and len(value) == 1 else value
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            told = f"the module gave no number for {key!r}; it gave {', '.join(sorted(scores)) or 'nothing'}"
            return rating_of(self.spec, self.version, work, criterion, status="error", error=told)
        return rating_of(self.spec, self.version, work, criterion, value=float(value))


def _load(module: str) -> Any:
    import evaluate

    try:
        return evaluate.load(module)
    except ImportError as error:
        raise UnavailableError(f"the metric {module!r} needs a package: {error}") from error
    except (OSError, ValueError) as error:
        raise UnavailableError(
            f"the metric {module!r} cannot be loaded ({error}); offline, put its module into the rater's folder"
        ) from error


def _source_hash(path: Path) -> str | None:
    """Return the hash of a module's own files; None for one on the hub, whose name has to do."""
    if not path.exists():
        return None
    files = sorted(path.glob("*.py")) if path.is_dir() else [path]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def metric(spec: RaterSpec, _: Surroundings) -> Metric:
    """Make a metric.

    Raises:
        HarnessError: A setting does not fit, or the module cannot be loaded.
    """
    if spec.kind != "metric":
        raise HarnessError(f"{spec.place('kind')}: the kind of {spec.use} is `metric`, not {spec.kind!r}")
    return Metric(spec, read_settings(spec, MetricSettings))
