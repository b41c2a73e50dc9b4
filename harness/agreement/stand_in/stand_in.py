"""Can an AI rater stand in for a human one? Several statistics side by side, since one alone misleads.

The alternative annotator test (Calderon, Reichart and Dror 2025) asks whether the AI aligns with the other humans at
least as well as each human does, but for an allowance epsilon. Beside it stands the human ceiling: human and AI
against the consensus of the others, without that human, on the items that the human rated.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from scipy.special import stdtr

from harness.agreement.coefficients.alpha import alpha
from harness.agreement.grid.units import Level, Units
from harness.agreement.stand_in.ceiling import Ceiling, ceiling
from harness.errors import HarnessError
from harness.statistics import Estimate, Floats, Ints, number

Alignment = Literal["equality", "rmse"]

EPSILONS = (0.0, 0.05, 0.1, 0.15, 0.2)
"""The allowances that are always shown: a lone pass says little (experts .2, skilled .15, crowds .1 are customary)."""
MIN_ITEMS = 30
FALSE_DISCOVERIES = 0.05
NEARLY_ALL = 0.9
"""With so much of people's ratings on one value, a rater that always gives it is as good as a person."""
PASSES_FROM = 0.5
"""The share of humans that the AI must win against."""


@dataclass(frozen=True)
class StandIn:
    """What is known about one AI rater on one criterion.

    Attributes:
        criterion: The criterion.
        rater: The AI rater.
        alignment: How alignment with the other humans was measured.
        omega: Winning rate: the share of humans against whom the AI wins; NaN where none could be tested.
        rho: Advantage probability: how often the AI aligns at least as well, averaged over humans.
        epsilon: The allowance, a choice.
        n_items: Items that were compared.
        n_humans: Humans with enough items.
        curve: `epsilon, omega, passes` for each of `EPSILONS`.
        smallest: The smallest allowance, in steps of .01, with which the AI passes; None where none up to 1.
        ceiling: AI and humans against the consensus of the others.
        alphas: Krippendorff's alpha of the humans, and with the AI among them.
        reason: Why there is no omega.
        caveats: Why a pass would mean nothing here: people do not agree with each other, or nearly all say the same.
    """

    criterion: str
    rater: str
    alignment: Alignment
    omega: float
    rho: float
    epsilon: float
    n_items: int
    n_humans: int
    curve: list[dict[str, Any]]
    smallest: float | None
    ceiling: Ceiling
    alphas: tuple[Estimate, Estimate]
    reason: str | None = None
    caveats: list[str] = field(default_factory=list)

    @property
    def passes(self) -> bool | None:
        """Whether the AI passes at the chosen allowance; None where it was not tested."""
        return bool(self.omega >= PASSES_FROM) if np.isfinite(self.omega) else None

    @property
    def sentence(self) -> str:
        """One honest sentence."""
        gap = self.ceiling.difference
        interval = f" [{_signed(gap.low)}, {_signed(gap.high)}]" if np.isfinite(gap.low) else ""
        against = (
            f"against the consensus of people it scores {_signed(gap.value)}{interval} "
            f"relative to a person ({self.ceiling.measure})"
            if np.isfinite(gap.value)
            else f"how it compares with a person is unknown ({gap.reason})"
        )
        if self.passes is None:
            return f"{self.rater} on {self.criterion}: whether it can stand in is unknown ({self.reason}); {against}."
        verdict = "passes" if self.passes else "does not pass"
        first = f"A pass means nothing here: {' and '.join(self.caveats)}. " if self.caveats else ""
        least = "at no allowance" if self.smallest is None else f"from epsilon {self.smallest:.2f}"
        return (
            f"{first}{self.rater} on {self.criterion}: {verdict} the alternative annotator test at epsilon "
            f"{self.epsilon:g} (wins against {self.omega:.0%} of {self.n_humans} people over {self.n_items:,} items; "
            f"passes {least}); {against}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values: null, never NaN."""
        return {
            "criterion": self.criterion,
            "rater": self.rater,
            "alignment": self.alignment,
            "omega": number(self.omega),
            "rho": number(self.rho),
            "epsilon": self.epsilon,
            "n_items": self.n_items,
            "n_humans": self.n_humans,
            "passes": self.passes,
            "curve": self.curve,
            "smallest_passing_epsilon": self.smallest,
            "ceiling": self.ceiling.to_dict(),
            "alpha_humans": self.alphas[0].to_dict(),
            "alpha_with_ai": self.alphas[1].to_dict(),
            "reason": self.reason,
            "caveats": self.caveats,
            "sentence": self.sentence,
        }


def _signed(value: float) -> str:
    """Return a number with its sign and three decimals; what rounds to 0 is +0.000."""
    return f"{round(value, 3) + 0.0:+.3f}"


def can_stand_in(
    units: Units,
    ai: str,
    humans: Sequence[str],
    level: Level,
    *,
    epsilon: float = 0.2,
    alignment: Alignment | None = None,
    min_items: int = MIN_ITEMS,
    resamples: int = 1000,
    seed: int = 0,
) -> StandIn:
    """Say whether an AI rater can stand in for a human.

    Args:
        units: Ratings of humans and AI.
        ai: The AI rater.
        humans: The human raters.
        level: The level of measurement.
        epsilon: What the AI is allowed to be worse by, for being cheap.
        alignment: `equality` (the share of other humans who said the same) or `rmse` (the negative root mean squared
            distance from them); where not given, equality for labels and rmse for numbers.
        min_items: A human with fewer items is not tested; under 30 the signed-rank test replaces the t test.
        resamples: Bootstrap resamples for ceiling and alphas.
        seed: Decides the draws.

    Raises:
        HarnessError: Words cannot be aligned by distance.
    """
    alignment = alignment or ("equality" if level == "nominal" else "rmse")
    if alignment == "rmse" and units.numbers is None:
        raise HarnessError(f"{units.criterion}: alignment by rmse needs numbers, and the values are words")
    wins = [won for human in humans if (won := _wins(units, ai, human, humans, alignment)) is not None]
    enough = [won for won in wins if len(won[0]) >= min_items]
    tested = [Advantage(human - machine) for machine, human, _ in enough]
    rated = sum(units.codes[units.raters.index(human)] >= 0 for human in humans)
    compared = (np.asarray(rated) >= 2) & (units.codes[units.raters.index(ai)] >= 0)
    chosen = _omega(tested, epsilon)
    steps = [round(step / 100, 2) for step in range(101)]
    first = bisect_left(steps, True, key=lambda step: _omega(tested, step) >= PASSES_FROM) if tested else len(steps)
    few = {"resamples": resamples, "seed": seed}
    among = units.where(compared).of(humans)
    alphas = alpha(among, level, **few), alpha(units.where(compared).of([*humans, ai]), level, **few)
    return StandIn(
        criterion=units.criterion,
        rater=ai,
        alignment=alignment,
        omega=chosen,
        rho=float(np.mean([np.mean(won[0]) for won in enough])) if enough else float("nan"),
        epsilon=epsilon,
        n_items=int(compared.sum()),
        n_humans=len(tested),
        curve=[
            {"epsilon": step, "omega": number(omega), "passes": bool(omega >= PASSES_FROM) if tested else None}
            for step in EPSILONS
            for omega in [_omega(tested, step)]
        ],
        smallest=steps[first] if first < len(steps) else None,
        ceiling=ceiling(units, ai, humans, level, **few),
        alphas=alphas,
        reason=None if tested else "too_few_items",
        caveats=_caveats(among, alphas[0]),
    )


def _caveats(humans: Units, agreement: Estimate) -> list[str]:
    """Return why standing in for these people means nothing: guesses, or one value throughout, are easy to match."""
    found = []
    if np.isfinite(agreement.low) and agreement.low <= 0:
        interval = f"{agreement.value:.2f} [{agreement.low:.2f}, {agreement.high:.2f}]"
        found.append(f"people do not agree with each other (alpha {interval} includes 0)")
    given = humans.codes[humans.codes >= 0]
    most = float(np.bincount(given).max()) / len(given) if len(given) else 0.0
    if most > NEARLY_ALL:
        found.append(f"people nearly all say the same (one value in {most:.0%} of their ratings)")
    return found


def advantages(units: Units, ai: str, humans: Sequence[str], level: Level) -> Floats:
    """Return how much each human wins more than the AI on each item, shape (humans, items); NaN where not compared."""
    alignment: Alignment = "equality" if level == "nominal" else "rmse"
    found = np.full((len(humans), units.codes.shape[1]), np.nan)
    for row, human in zip(found, humans, strict=True):
        if won := _wins(units, ai, human, humans, alignment):
            row[won[2]] = won[1] - won[0]
    return found


def omegas_of(drawn: Sequence[Floats], epsilon: float) -> list[float]:
    """Return the winning rate of the AI in each draw of items, as `can_stand_in` has it.

    Args:
        drawn: For each draw the advantages of each human on each item, as `advantages` has them.
        epsilon: The allowance of the test.
    """
    p = [[Advantage(row).p_value(epsilon) for row in _compared(one)] for one in drawn]
    by_count: dict[int, list[int]] = {}  # draws in which as many humans can be tested are corrected in one call
    for place, one in enumerate(p):
        by_count.setdefault(len(one), []).append(place)
    found = np.full(len(p), np.nan)
    for count, places in by_count.items():
        if count:
            found[places] = shown_of([p[place] for place in places]).mean(axis=-1)
    return [float(omega) for omega in found]


def _compared(drawn: Floats) -> list[Floats]:
    known = [row[~np.isnan(row)] for row in drawn]
    return [row for row in known if len(row) >= MIN_ITEMS]


def _wins(
    units: Units, ai: str, human: str, humans: Sequence[str], alignment: Alignment
) -> tuple[Floats, Floats, Ints] | None:
    """Return for each item whether the AI aligns at least as well as the human, the human as the AI, and which item."""
    others = [units.raters.index(other) for other in humans if other != human]
    mine, machine = units.codes[units.raters.index(human)], units.codes[units.raters.index(ai)]
    around = units.codes[others]
    items = np.flatnonzero((mine >= 0) & (machine >= 0) & (around >= 0).any(axis=0))
    if not len(items):
        return None
    around = around[:, items]
    of_human = _alignment(mine[items], around, units, alignment)
    of_ai = _alignment(machine[items], around, units, alignment)
    return (of_ai >= of_human - 1e-12).astype(float), (of_human >= of_ai - 1e-12).astype(float), items


def _alignment(mine: Any, others: Any, units: Units, alignment: Alignment) -> Floats:
    """Return how well ratings align with the others' on each item: higher is better."""
    given = others >= 0
    count = given.sum(axis=0)
    if alignment == "equality":
        same: Floats = ((others == mine) & given).sum(axis=0) / count
        return same
    numbers = units.numbers
    assert numbers is not None
    distance = np.where(given, (numbers[others] - numbers[mine]) ** 2, 0.0)
    near: Floats = -np.sqrt(distance.sum(axis=0) / count)
    return near


def _omega(tested: Sequence[Advantage], epsilon: float) -> float:
    """Return the share of humans for whom the AI's disadvantage is shown to be under the allowance."""
    if not tested:
        return float("nan")
    return float(np.mean(shown_of([one.p_value(epsilon) for one in tested])))


class Advantage:
    """By how much a human aligns better than the AI, over the items: summed once, asked for many allowances."""

    def __init__(self, d: Floats) -> None:
        self.d = d
        self.constant = bool(np.ptp(d) == 0)
        self.mean, self.error = float(d.mean()), float(d.std(ddof=1)) / len(d) ** 0.5 if len(d) > 1 else 0.0

    def p_value(self, epsilon: float) -> float:
        """Return the p value of H0: the human's advantage is at least epsilon."""
        if self.constant:
            return 0.0 if self.d[0] < epsilon else 1.0
        if len(self.d) < MIN_ITEMS:
            from scipy.stats import wilcoxon

            return float(wilcoxon(self.d - epsilon, alternative="less").pvalue)
        return float(stdtr(len(self.d) - 1, (self.mean - epsilon) / self.error))  # the one-sided t test


def shown_of(p: Any, q: float = FALSE_DISCOVERIES) -> Any:
    """Return which hypotheses are rejected at false discovery rate q, under any dependence (Benjamini, Yekutieli).

    Args:
        p: Their p values; of several families, one a row.
        q: The rate.
    """
    from scipy.stats import false_discovery_control

    return false_discovery_control(p, axis=-1, method="by") <= q
