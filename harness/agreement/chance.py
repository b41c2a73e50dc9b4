"""Better than chance, not better, or not enough data: what an agreement with its interval shows, and how strong it is.

Not shown to be better is not shown to be no better. A judge that is right 80 % of the time agrees at alpha .6, and on
15 items half of all intervals include 0: that says to collect more, and this says how many.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, log, sqrt
from typing import Any, Literal

Outcome = Literal["better", "not_better", "not_enough"]

MATTERS = 0.2
"""Agreement up to here is slight (Landis and Koch 1977): a rater that is shown to be below is no better than chance."""
TWO_SIDED, POWER = 1.96, 0.84
CORRELATIONS = ("spearman", "pearson", "kendall_tau_b", "kendall_tau_c")
STRENGTH: dict[bool, tuple[float, float, str]] = {
    False: (0.40, 0.75, "Fleiss 1981"),
    True: (0.40, 0.70, "Schober, Boer and Schwarte 2018"),
}
"""Below which agreement is weak and from which it is strong, and who drew the lines; for correlations their own."""


@dataclass(frozen=True)
class Beyond:
    """What an agreement shows.

    Attributes:
        outcome: `better` than chance; `not_better` as far as matters, which the interval shows; `not_enough` data.
        needed: Items that both rate which would tell; None where that is known, or nothing can be said.
    """

    outcome: Outcome
    needed: int | None = None


def beyond_chance(row: Mapping[str, Any], *, rare: int | None = None) -> Beyond:
    """Return what a row of `pair_matrix` shows; 0 is what its coefficient gives for guesses.

    The interval alone is too sure of few items of which nearly all have one value: no better than chance is only what
    lies below `MATTERS` by the standard error that guesses have as well, sqrt(p / (n (1 - p))), p the agreement that
    chance gives.

    Args:
        row: With `coefficient, value, low, high, n` and `percent_agreement`.
        rare: Ratings other than the most frequent one; without an interval, where all agree, this tells how likely
            chance would have made them.
    """
    value, low, high, n = row["value"], row.get("low"), row.get("high"), row["n"]
    if value is None or n < 2:
        return Beyond("not_enough")
    if low is None or high is None:
        # k ratings of n are rare: chance agrees on all with about exp(-2 k (n - k) / n)
        alike = value == 1 and rare is not None and 2 * rare * (n - rare) / n > -log(0.025)
        return Beyond("better") if alike else Beyond("not_enough")
    by_chance = _error_of_guesses(row)
    if low > 0:
        return Beyond("better")
    if high < MATTERS and value + TWO_SIDED * by_chance < MATTERS:
        return Beyond("not_better")
    error = max((high - low) / (2 * TWO_SIDED), by_chance)
    apart = max(value, MATTERS - value)
    return Beyond("not_enough", max(n + 1, ceil(n * ((TWO_SIDED + POWER) * error / apart) ** 2)))


def strength(row: Mapping[str, Any]) -> tuple[str, str]:
    """Return how strong an agreement is (`weak`, `fair`, `strong`, `weak to fair`, ...) and whose words these are."""
    weak, strong, source = STRENGTH[row["coefficient"] in CORRELATIONS]
    ends = [row["value"] if row.get(end) is None else row[end] for end in ("low", "high")]
    said = ["weak" if end < weak else "strong" if end >= strong else "fair" for end in ends]
    return " to ".join(dict.fromkeys(said)), f"weak below {weak:.2f}, strong from {strong:.2f}: {source}"


def _error_of_guesses(row: Mapping[str, Any]) -> float:
    """Return the standard error that the coefficient has where one of the two guesses."""
    n, value, same = row["n"], row["value"], row.get("percent_agreement")
    if same is None or value >= 1:
        return 1 / sqrt(n - 1)
    apart = min(max((1 - same) / (1 - value), 1e-6), 1.0)  # what chance disagrees on: 1 - p
    return sqrt((1 - apart) / (n * apart))
