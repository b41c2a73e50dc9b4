"""What is said of a series: the verdict with its evidence, as a dataclass, as JSON, and as a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from harness.rounds.scores.labels import Label, round_name, span_name
from harness.rounds.verdict.bands import Delta
from harness.rounds.verdict.last_gain import Verdict
from harness.rounds.verdict.looks import Look
from harness.rounds.verdict.needed import NeededItems, Needs
from harness.rounds.verdict.sayings import points
from harness.rounds.verdict.verdict import ENOUGH_UNITS, GainRounds, Measured, Outcome
from harness.statistics import finite

REASONS = {
    "too_few_items": f"under {ENOUGH_UNITS} items or clusters have a score in every round",
    "too_few_gold": f"under {ENOUGH_UNITS} items or clusters have a gold score in every round",
    "too_few_rounds": "there is only one round",
    "no_n_items": "the number of items is not known",
    "no_scale": "the unit is neither a share of items nor comes with standard errors",
    "rounds_missing": "rounds between the start and the end are not known",
    "no_common_rounds": "they have under two rounds in common",
    "no_common_seeds": "they have no training seed in common",
}
HIDDEN = {"json": False}


@dataclass(frozen=True)
class OverControl:
    """The verdict on a series minus the control, item by item: what its feedback gave beyond training alone.

    Attributes:
        control: The series without feedback.
        verdict: None where they cannot be compared, with the reason.
        last_gain: From the round up to which gain is shown to the last that may have helped.
        gain_total: The last round minus the first.
        gain_last: The last round minus the one before.
        rounds: The rounds that both have.
        note: What was left out where they differ in length.
        more_items: How many more items would decide; None where the verdict is there, or no number would.
    """

    control: str
    verdict: Verdict | None
    last_gain: GainRounds | None
    gain_total: Measured | None
    gain_last: Measured | None
    rounds: list[Label]
    n_items: int
    n_seeds: int
    scope: str
    reason: str | None
    note: str
    more_items: int | None = None
    outcome: Outcome | None = field(default=None, metadata=HIDDEN)
    needs: Needs | None = field(default=None, metadata=HIDDEN)


@dataclass(frozen=True)
class RoundsResult:
    """The verdict on one series and benchmark; every number is a fraction of the score range, unknown is None.

    Attributes:
        verdict: The series' own; where a control stands, the one that counts is that of `over_control`.
        rate: The gain a round over the last half, with `low` and `high` at `level`: a description.
        rounds: What the rounds are called.
        window: The first and the last round of the last half.
        missing: The share of items without a score, round by round.
        looks: Every look that was taken; the verdict is the last one's.
        paired: Whether the rounds were compared item by item.
        deltas: Each round's gain over the one before, with simultaneous 95 % bands.
        shape: Which simple curve fits, with Akaike weights and the forecast of the next round; None under three rounds.
        flags: Tests with their own evidence, each `flag`, `outcome` (yes, no, unknown) and figures.
        last_gain: The confidence set for the last round that helped: from the round up to which gain is shown to the
            last that may have helped, as ranks and as the rounds are called.
        gain_total: The last round minus the first.
        gain_last: The last round minus the one before.
        over_control: The verdict on the series minus the control; None without one.
        more_items: How many more items would decide; None where the verdict is there, or no number would.
        is_beside: Whether the benchmark stands beside those that the feedback was about: off target, or their items
            again with several answers drawn. Its verdicts are told and are no part of the answer.
        n_left_out: Items without a score in every round (in the sentence only).
    """

    benchmark: str
    series: str
    verdict: Verdict | None
    rate: float | None
    low: float | None
    high: float | None
    sesoi: float
    rounds: list[Label]
    n_items: int | None
    n_seeds: int
    scope: str
    window: list[Label] | None
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
    last_gain: GainRounds | None = None
    gain_total: Measured | None = None
    gain_last: Measured | None = None
    over_control: OverControl | None = None
    more_items: int | None = None
    is_beside: bool = False
    n_left_out: int = field(default=0, metadata=HIDDEN)
    outcome: Outcome | None = field(default=None, metadata=HIDDEN)
    needs: Needs | None = field(default=None, metadata=HIDDEN)
    label: str = field(default="", metadata=HIDDEN)
    is_control: bool = field(default=False, metadata=HIDDEN)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values: null for what is unknown, never NaN."""
        plain: dict[str, Any] = finite(_shown(self))
        return plain

    @property
    def counts(self) -> Verdict | None:
        """The verdict that counts: beyond the control where there is one."""
        over = self.over_control
        return self.verdict if over is None or over.verdict is None else over.verdict

    @property
    def sentence(self) -> str:
        """The verdict as a person reads it; Markdown bold for the verdict's word."""
        over = self.over_control
        name = (self.label or self.series) + (" (the control)" if self.is_control else "")
        run = " in this run" if self.n_seeds == 1 and self.paired else ""
        if self.verdict is None:
            return f"{name}: no verdict, because {REASONS.get(self.reason or '', self.reason)}"
        if self.outcome is None:
            return f"{name}: **{self.verdict}{run}**, because {REASONS.get(self.reason or '', self.reason)}"
        if over is None or over.outcome is None:
            parts = [f"{name}: {told(self.outcome, self.sesoi, run)}"]
            parts += self._would_decide(self.outcome, self.needs)
            parts += [f"not compared with {over.control} (the control): {REASONS.get(over.reason or '', over.reason)}"
                      ] if over else []  # fmt: skip
        else:
            parts = [f"{name}: {told(over.outcome, self.sesoi, run, f'beyond {over.control} (the control) ')}"]
            parts += self._would_decide(over.outcome, over.needs)
            parts += [f"by itself {told(self.outcome, self.sesoi, plain=True)}"]
            parts += [over.note] if over.note else []
        return "; ".join([*parts, self._measured_on()])

    def _would_decide(self, outcome: Outcome, needs: Needs | None) -> list[str]:
        if outcome.verdict != "inconclusive" or needs is None:
            return []
        if needs.mde is None or needs.smallest_certifiable_sesoi is None:
            return [needs.sentence]
        return [
            f"so many items can show a gain of {100 * needs.mde:.2g} points a round and certify a standstill within "
            f"{100 * needs.smallest_certifiable_sesoi:.2g} (80 % power)",
            needs.sentence,
        ]

    def _measured_on(self) -> str:
        """Return how many items it is from, how many were left out, and the level of the intervals."""
        over = self.over_control
        n = self.n_items if over is None or over.outcome is None else over.n_items
        left = f" ({self.n_left_out:,} left out, without a score in every round)" if self.n_left_out else ""
        seeds = f", {self.n_seeds} training seeds" if self.n_seeds > 1 else ""
        source = "" if self.paired else ", from summary data"
        return f"n = {n:,}{left}{seeds}, {100 * self.level:.3g} % intervals{source}"


def told(outcome: Outcome, sesoi: float, run: str = "", beyond: str = "", plain: bool = False) -> str:
    """Return a verdict in words with its gains.

    Args:
        outcome: The verdict.
        sesoi: The smallest effect of interest.
        run: What is said after the verdict's word where there is one training seed.
        beyond: What the gain is beyond, `beyond none (the control) `.
        plain: Only the verdict and the gain in all, without bold.
    """
    last = outcome.last_gain
    word = f"{outcome.verdict}{run}" if plain else f"**{outcome.verdict}{run}**"
    when = {
        "plateaued": f" after {round_name(last.shown_label)}"
        + (f" to {last.possible_label}" if last.possible > last.shown else ""),
        "worsening": f" since {round_name(outcome.best)}",
    }.get(outcome.verdict, "")
    total = spanned(outcome.gain_total, sesoi)
    gain = f"gain {beyond}shown up to {round_name(last.shown_label)}"
    parts = [f"{word}{when}", f"{gain}, {total[0]} points in all {total[1]}"]
    if not plain:
        own, rate = spanned(outcome.gain_last, sesoi), outcome.rate
        pace = spanned(Measured(rate.rate, rate.low, rate.high), sesoi)
        if outcome.rise is not None:
            rise = spanned(outcome.rise, sesoi)
            parts.append(f"a slow rise, {rise[0]} a round {rise[1]}, fits")
        parts.append(f"the last round {own[0]} {own[1]}")
        parts.append(f"{pace[0]} a round {pace[1]} over {span_name(outcome.window[0], outcome.window[-1])}")
    return ", ".join(parts)


def spanned(measured: Measured, sesoi: float) -> tuple[str, str]:
    """Return a figure and its interval in points."""
    value, low, high, _ = points([measured.value, measured.low, measured.high], sesoi)
    return value, f"[{low}, {high}]"


def listed(names: Sequence[str], most: int = 8) -> str:
    """Return names in a row, the first few where there are many."""
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def _shown(value: Any) -> Any:
    """Return dataclasses as dicts, at any depth, without the fields that are hidden from JSON."""
    if is_dataclass(value):
        shown = (each.name for each in fields(value) if each.metadata.get("json", True))
        return {name: _shown(getattr(value, name)) for name in shown}
    return [_shown(inner) for inner in value] if isinstance(value, list) else value


def counted(row: dict[str, Any]) -> dict[str, Any]:
    """Return what stands behind the verdict that counts, of a result in JSON: over the control where there is one."""
    over: dict[str, Any] | None = row.get("over_control")
    return over if over and over["verdict"] else row
