"""What is said of a series: the verdict with its evidence, as a dataclass, as JSON, and as a sentence."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from harness.rounds.verdict.bands import Delta
from harness.rounds.verdict.verdict import ENOUGH_UNITS, Verdict

REASONS = {
    "too_few_items": f"under {ENOUGH_UNITS} items or clusters have a score in every round",
    "too_few_gold": f"under {ENOUGH_UNITS} items or clusters have a gold score in every round",
    "too_few_rounds": "there is only one round",
    "no_n_items": "the number of items is not known",
    "no_scale": "the unit is neither a share of items nor comes with standard errors",
    "rounds_missing": "rounds between the start and the end are not known",
}


@dataclass(frozen=True)
class Look:
    """One look at the verdict, after a round."""

    look: int
    round: int
    window: list[int]
    significance: float
    level: float
    rate: float
    low: float
    high: float
    verdict: Verdict


@dataclass(frozen=True)
class NeededItems:
    """Items needed at 80 % power: to detect a gain of the SESOI a round, and to certify a standstill inside it."""

    detect: int | None
    certify: int | None


@dataclass(frozen=True)
class RoundsResult:
    """The verdict on one series and benchmark; every number is a fraction of the score range, unknown is None.

    Attributes:
        rate: The gain a round over the window, with `low` and `high` at `level`.
        window: The first and the last round of the window.
        missing: The share of items without a score, round by round.
        looks: Every look that was taken; the verdict is the last one's.
        paired: Whether the rounds were compared item by item.
        deltas: Each round's gain over the one before, with simultaneous 95 % bands.
        shape: Which simple curve fits, with Akaike weights and the forecast of the next round; None under three rounds.
        flags: Tests with their own evidence, each `flag`, `outcome` (yes, no, unknown) and figures.
        more: Items that would decide an inconclusive verdict (in the sentence only).
        p_values: Of improving, worsening and plateaued, for the summary over benchmarks only.
    """

    benchmark: str
    series: str
    verdict: Verdict | None
    rate: float | None
    low: float | None
    high: float | None
    sesoi: float
    rounds: list[int]
    n_items: int | None
    n_seeds: int
    scope: str
    window: list[int] | None
    significance: float
    level: float
    mde: float | None
    smallest_certifiable_sesoi: float | None
    needed_items: NeededItems
    missing: list[float]
    looks: list[Look]
    reason: str | None
    paired: bool
    deltas: list[Delta]
    shape: dict[str, Any] | None
    flags: list[dict[str, Any]]
    more: int | None = field(default=None, metadata={"json": False})
    p_values: dict[str, float] = field(default_factory=dict, metadata={"json": False})
    label: str = field(default="", metadata={"json": False})

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values: null for what is unknown, never NaN."""
        hidden = {one.name for one in fields(self) if not one.metadata.get("json", True)}
        return {name: finite(value) for name, value in asdict(self).items() if name not in hidden}

    @property
    def sentence(self) -> str:
        """The verdict as a person reads it; Markdown bold for the verdict's word."""
        name = self.label or self.series
        run = " in this run" if self.n_seeds == 1 and self.paired else ""
        if self.verdict is None:
            return f"{name}: no verdict, because {REASONS.get(self.reason or '', self.reason)}"
        if self.rate is None or self.low is None or self.high is None or self.window is None:
            return f"{name}: **{self.verdict}**{run}, because {REASONS.get(self.reason or '', self.reason)}"
        rate, low, high, sesoi = points([self.rate, self.low, self.high], self.sesoi)
        text = (
            f"{name}: **{self.verdict}**, {rate} points a round [{low}, {high}] over rounds "
            f"{self.window[0]}-{self.window[-1]}{run} ({100 * self.level:.3g} % interval)"
        )
        if self.verdict == "plateaued":
            text += f", inside ±{sesoi}"
        if self.verdict == "inconclusive":
            text += f"; {self._would_decide()}"
        if not self.paired:
            text += "; from summary data"
        return text

    def _would_decide(self) -> str:
        if self.reason:
            return REASONS.get(self.reason, self.reason)
        power = ""
        if self.mde is not None and self.smallest_certifiable_sesoi is not None:
            power = (
                f"could detect {100 * self.mde:.2g} points a round and certify a plateau within "
                f"{100 * self.smallest_certifiable_sesoi:.2g} (80 % power); "
            )
        if self.more is None:
            return f"{power}more training seeds, not more items, would decide"
        return f"{power}about {self.more:,} more items would decide"


def points(values: list[float], sesoi: float, least: int = 1) -> list[str]:
    """Return fractions and the SESOI in points, with decimals enough to keep each on its side of 0 and the SESOI.

    Args:
        values: A value and the ends of its interval.
        sesoi: The smallest effect of interest.
        least: The fewest decimals.
    """
    marks = (0.0, 100 * sesoi, -100 * sesoi)
    for digits in range(least, least + 4):
        rounded = [round(100 * value, digits) + 0.0 for value in values]  # + 0.0: no minus before a zero
        if not any(r == m != 100 * v for r, v in zip(rounded[1:], values[1:], strict=True) for m in marks):
            break
    first = f"{rounded[0]:+.{digits}f}"
    return [first, *(f"{value:.{digits}f}" for value in rounded[1:]), f"{100 * sesoi:g}"]


def finite(value: Any) -> Any:
    """Return a value as JSON knows it: no numpy types, None for what is not finite."""
    if isinstance(value, dict):
        return {str(key): finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
