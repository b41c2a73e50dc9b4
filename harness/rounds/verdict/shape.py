"""The shape of a curve of rounds, described only after a verdict: which simple curve fits, and what it foretells.

Each shape is linear once its place or pace is fixed, so that generalised least squares with the covariance of the means
fits it exactly; the place or pace is searched on a grid and counts as a parameter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.rounds.scores.labels import Label
from harness.statistics import Floats, Moments

PACES = np.geomspace(0.05, 5, 40)
"""Rates of approach a round of the saturating exponential."""


@dataclass(frozen=True)
class Fit:
    """One fitted shape: its place by rank, AIC up to a constant, and the gain foretold for the next round."""

    shape: str
    at: int | None
    aic: float
    gain: float
    gain_variance: float


def describe(moments: Moments, rounds: list[Label]) -> dict[str, Any]:
    """Return the shapes with Akaike weights and the forecast of the next round's gain, averaged over them.

    Returns:
        `best` (constant, linear, plateau, saturating, peak), `at` (the round of its plateau or peak), `weights` by
        shape, `next_gain` with `value`, `low`, `high` at 95 % (Burnham and Anderson 2002, unconditional errors), a
        fraction of the range.
    """
    ridge = float(moments.reach) ** 2 / (moments.n_units + 2) ** 2  # what never changed leaves no error to fit with
    weight = np.linalg.inv(moments.covariance() + ridge * np.eye(len(rounds)))
    fits = _fits(np.arange(len(rounds), dtype=np.float64), moments.means, weight.astype(np.float64))
    least = min(fit.aic for fit in fits)
    weights = np.exp([-(fit.aic - least) / 2 for fit in fits])
    weights = weights / weights.sum()
    best = fits[int(np.argmax(weights))]
    gain = float(sum(w * fit.gain for w, fit in zip(weights, fits, strict=True)))
    error = float(
        sum(w * np.sqrt(fit.gain_variance + (fit.gain - gain) ** 2) for w, fit in zip(weights, fits, strict=True))
    )
    return {
        "best": best.shape,
        "at": None if best.at is None else rounds[best.at],
        "weights": {fit.shape: float(w) for fit, w in zip(fits, weights, strict=True)},
        "next_gain": {"value": gain, "low": gain - 1.96 * error, "high": gain + 1.96 * error},
    }


def _fits(rounds: Floats, means: Floats, weight: Floats) -> list[Fit]:
    """Return the best fit of each shape that has fewer parameters than there are rounds."""
    best: dict[str, Fit] = {}
    for shape, at, basis, searched in _designs(rounds):
        if basis.shape[1] + searched >= len(rounds) and shape != "constant":
            continue
        fit = _fit(shape, at, basis, searched, means, weight)
        if fit is not None and (shape not in best or fit.aic < best[shape].aic):
            best[shape] = fit
    return list(best.values())


def _designs(rounds: Floats) -> Iterator[tuple[str, int | None, Floats, int]]:
    """Yield shape, place, basis (one row a round, and a last one for the next round), number of searched parameters."""
    time = np.append(rounds, rounds[-1] + 1)
    one = np.ones_like(time)
    yield "constant", None, one[:, None], 0
    yield "linear", None, np.stack([one, time], axis=1), 0
    for place in rounds[1:-1]:
        rise, fall = np.minimum(time, place), np.maximum(time - place, 0)
        yield "plateau", int(place), np.stack([one, rise], axis=1), 1
        yield "peak", int(place), np.stack([one, rise, fall], axis=1), 1
    for pace in PACES:
        yield "saturating", None, np.stack([one, 1 - np.exp(-pace * (time - time[0]))], axis=1), 1


def _fit(shape: str, at: int | None, basis: Floats, searched: int, means: Floats, weight: Floats) -> Fit | None:
    inside, ahead = basis[:-1], basis[-1] - basis[-2]
    covariance = np.linalg.inv(inside.T @ weight @ inside)
    found = covariance @ inside.T @ weight @ means
    if shape == "peak" and not (found[1] > 0 > found[2]):
        return None
    rest = means - inside @ found
    aic = float(rest @ weight @ rest) + 2 * (basis.shape[1] + searched)
    return Fit(shape, at, aic, float(ahead @ found), float(ahead @ covariance @ ahead))
