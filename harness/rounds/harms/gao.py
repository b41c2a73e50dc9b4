"""Gold gain as a function of the distance from the base policy: the curve of over-optimisation.

Gao, Schulman and Hilton (2023): with d = sqrt(KL) the gold reward gains d (a - b d) under best-of-n and d (a - b log d)
under reinforcement learning. Both are linear in a and b, so that generalised least squares fits them exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.statistics import Floats, Moments

FEWEST = 3
"""Rounds after the base that a curve of two parameters needs to be tested at all."""


def gao_curve(kl: Floats, gold: Moments) -> dict[str, Any] | None:
    """Return the curve that fits the gold scores best; None with too few rounds of known KL.

    Args:
        kl: KL divergence of each round's policy from the base, in nats; nan where unknown. The base's is 0.
        gold: Gold scores by round.

    Returns:
        `form` (best_of_n, rl), `a`, `b` and its 95 % interval `b_low`, `b_high`; `peak_kl` where the curve turns (null
        where it does not) with `peak_gain`; `kl` of the last round, and whether it is `past_peak`.
    """
    known = np.flatnonzero(kl[1:] > 0) + 1
    distances = np.sqrt(kl[known])
    if len(np.unique(distances)) < FEWEST:
        return None
    steps = np.eye(len(kl))[known] - np.eye(len(kl))[0]
    ridge = 0.25 / (gold.n_items + 2) ** 2  # items that never changed leave no error to fit with
    weight = np.linalg.inv(steps @ gold.covariance() @ steps.T + ridge * np.eye(len(known)))
    fits = [(name, *_fit(distances, slope, steps @ gold.means, weight)) for name, slope in _forms(distances)]
    form, (a, b), error, _ = min(fits, key=lambda fit: fit[3])
    turn = _peak(form, a, b)
    return {
        "form": form,
        "a": float(a),
        "b": float(b),
        "b_low": float(b - 1.96 * error),
        "b_high": float(b + 1.96 * error),
        "peak_kl": None if turn is None else turn**2,
        "peak_gain": None if turn is None else float(turn * (a - b * (turn if form == "best_of_n" else np.log(turn)))),
        "kl": float(kl[known[-1]]),
        "past_peak": turn is not None and float(distances[-1]) > turn,
    }


def _forms(distances: Floats) -> list[tuple[str, Floats]]:
    return [("best_of_n", distances), ("rl", np.log(distances))]


def _fit(distances: Floats, slope: Floats, gains: Floats, weight: Floats) -> tuple[Floats, float, float]:
    """Return a and b, the standard error of b, and the weighted squares that are left."""
    basis = np.stack([distances, -distances * slope], axis=1)
    covariance = np.linalg.inv(basis.T @ weight @ basis)
    found = covariance @ basis.T @ weight @ gains
    rest = gains - basis @ found
    return found, float(np.sqrt(covariance[1, 1])), float(rest @ weight @ rest)


def _peak(form: str, a: float, b: float) -> float | None:
    """Return the distance at which the curve is highest, where it has such a place."""
    if b <= 0 or (form == "best_of_n" and a <= 0):
        return None
    return float(a / (2 * b) if form == "best_of_n" else np.exp(min(a / b - 1, 50.0)))
