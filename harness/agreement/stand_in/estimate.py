"""A corrected mean: what every estimator of this folder returns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Corrected:
    """A corrected mean.

    Attributes:
        value: The estimate; NaN where undefined.
        low: Lower end of its interval.
        high: Upper end.
        weight: How much of the AI ratings is used, between 0 and 1 (PPI++ only; NaN otherwise).
        error: Standard error.
        reason: Why it is undefined.
    """

    value: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    weight: float = float("nan")
    error: float = float("nan")
    reason: str | None = None
