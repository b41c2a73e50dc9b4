"""Simultaneous bands for the deltas of a series: all of them hold together, at one level."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from harness.rounds.scores.labels import Label
from harness.statistics import Floats, Moments

BAND_LEVEL = 0.95
DRAWS = 20_000


@dataclass(frozen=True)
class Delta:
    """The paired gain of a round over the one before, a fraction of the range."""

    round: Label
    delta: float
    low: float | None
    high: float | None


def deltas(moments: Moments, rounds: list[Label], level: float = BAND_LEVEL) -> list[Delta]:
    """Return each round's gain over the round before with max |t| bands (Hothorn, Bretz and Westfall 2008).

    The critical value is the quantile of the largest |t| of correlated deltas, from 20,000 draws of seed 0.
    """
    steps = np.diff(np.eye(len(rounds)), axis=0)
    estimates = [moments.estimate(step) for step in steps]
    spreads = np.array([estimate.se for estimate in estimates])
    critical = _critical(_correlation(steps @ moments.covariance() @ steps.T, spreads), estimates[0].df, level)
    return [
        Delta(number, one.value, one.centre - critical * one.se, one.centre + critical * one.se)
        for number, one in zip(rounds[1:], estimates, strict=True)
    ]


def _correlation(covariance: Floats, spreads: Floats) -> Floats:
    """Return the correlation of the deltas; what the guard added to a variance is nobody else's."""
    correlation: Floats = covariance / np.maximum(np.outer(spreads, spreads), 1e-300)
    np.fill_diagonal(correlation, 1.0)
    return correlation


def _critical(correlation: Floats, df: float, level: float) -> float:
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    normal, scale = _draws(len(correlation), min(df, 1e6))
    return float(np.quantile(np.abs(normal @ root.T).max(axis=1) / scale, level))


@lru_cache(maxsize=8)
def _draws(columns: int, df: float) -> tuple[Floats, Floats]:
    """Return standard normal draws, and the scales that make them t: the same for every series of one size."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((DRAWS, columns)), np.sqrt(rng.chisquare(df, DRAWS) / df)
