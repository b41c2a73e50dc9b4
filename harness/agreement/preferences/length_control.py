"""The length-controlled win rate: how often a player would win if the answers were equally long (Dubois et al. 2024).

logit P(win) = theta + phi tanh(gap of lengths / its standard deviation) + psi gamma, gamma the difficulty of the prompt
for the baseline. The controlled rate is the mean chance with the term of length set to 0.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from harness.statistics import Estimate, Floats, Weighted, estimate, logistic

FEWEST = 30
"""Comparisons under which nothing is controlled."""
RIDGE = 1.0
"""How strongly length, difficulty and strength are pulled to 0: as much as one comparison does."""
ROUNDS = 20


class LengthControl(NamedTuple):
    """A player's win rate against another one, and what length has to do with it.

    Attributes:
        win_rate: As it is.
        controlled: At equal lengths.
        pull: phi: above 0 the rater prefers longer answers.
    """

    win_rate: Estimate
    controlled: Estimate
    pull: float


def length_gap(length: Floats, against: Floats) -> Floats:
    """Return tanh(gap / standard deviation of the gaps): long differences count no more than long ones."""
    gap = np.asarray(length, dtype=float) - np.asarray(against, dtype=float)
    spread = float(gap.std())
    return np.tanh(gap / spread) if spread > 0 else np.zeros(len(gap))


def length_controlled_win_rate(
    score: Floats,
    length: Floats,
    against_length: Floats,
    *,
    difficulty: Floats | None = None,
    clusters: NDArray[Any] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> LengthControl:
    """Return a player's win rate against another one, the same at equal lengths, and the pull of length.

    Args:
        score: What the player got: 1 won, .5 tied, 0 lost, shape (n,).
        length: The lengths of its answers.
        against_length: The lengths of the other's answers.
        difficulty: How hard each prompt is for the baseline, as `instruction_difficulty` gives it.
        clusters: What belongs together (the prompt); intervals resample these.
        resamples: Bootstrap resamples; 0 gives no intervals.
        seed: Decides the draws.
    """
    n = len(score)
    if n < FEWEST:
        nothing = Estimate(n=n, reason="too_few_items")
        return LengthControl(nothing, nothing, float("nan"))
    columns = [np.ones(n), length_gap(length, against_length)]
    if difficulty is not None:
        columns.append(np.asarray(difficulty, dtype=float))
    x = np.column_stack(columns)
    code = np.arange(n) if clusters is None else pd.factorize(np.asarray(clusters))[0]
    counts = np.ones(int(code.max()) + 1, dtype=np.int64)
    equal = x.copy()
    equal[:, 1] = 0.0

    def controlled(weights: Floats) -> Floats:
        each = weights[:, code]
        found: Floats = (each * expit(logistic(x, score, each, ridge=RIDGE) @ equal.T)).sum(axis=1) / each.sum(axis=1)
        return found

    def plain(weights: Floats) -> Floats:
        each = weights[:, code]
        rate: Floats = each @ score / each.sum(axis=1)
        return rate

    options = {"undefined": "no_variation", "resamples": resamples, "seed": seed}
    rate, fair = (estimate(Weighted(one, counts), n, **options) for one in (plain, controlled))  # type: ignore[arg-type]
    return LengthControl(rate, fair, float(logistic(x, score, ridge=RIDGE)[0, 1]))


def instruction_difficulty(score: Floats, gap: Floats, player: NDArray[Any], prompt: NDArray[Any]) -> Floats:
    """Return how hard each prompt is for the baseline that several players were compared with, one value a row.

    The joint fit of the paper's first step: all players share each prompt's gamma, every player has its own strength
    and pull of length; fitted in turns.
    """
    of_player, names = pd.factorize(np.asarray(player))
    of_prompt, prompts = pd.factorize(np.asarray(prompt))
    gamma = np.zeros(len(prompts))
    x = np.column_stack([np.ones(len(score)), gap])
    chance = np.zeros(len(score))
    for _ in range(ROUNDS):
        for k in range(len(names)):
            rows = of_player == k
            offset = gamma[of_prompt[rows]]
            chance[rows] = x[rows] @ logistic(x[rows], score[rows], ridge=RIDGE, offset=offset)[0]
        p = expit(chance + gamma[of_prompt])
        slope = np.bincount(of_prompt, score - p) - RIDGE * gamma
        gamma = gamma + slope / (np.bincount(of_prompt, p * (1 - p)) + RIDGE)
    return gamma[of_prompt]
