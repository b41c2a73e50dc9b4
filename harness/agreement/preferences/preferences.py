"""Preferences: how strong each player is, from comparisons of two (Bradley and Terry 1952, Davidson 1970).

Comparisons of the same two players with the same outcome form a *cell* with a count. Everything is computed from
cells, so that a million comparisons cost as much as the few thousand outcomes that they have. Standard errors are
sandwiches: the inverse information is wrong where ties count as half wins and where comparisons of one prompt go
together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.special import expit, stdtrit

from harness.agreement.preferences.comparisons import Comparisons
from harness.statistics import CHUNK, Floats, Ints, resampled

Ties = Literal["half", "davidson"]

RIDGE = 0.1
"""Added to the information where some strength would be infinite: a weak pull towards the mean."""
SETTLED = 1e-9
"""Newton's method has settled when no strength moves by more."""
STEPS = 50
FLAT = 1e-9
"""Errors below are none: every cluster says the same, as when a judge always takes the first of both orders."""
ELO = 400 / np.log(10)
"""Elo points of one unit of strength."""


@dataclass(frozen=True)
class Ranking:
    """Strengths of players.

    Attributes:
        players: Their names, sorted.
        strength: Log odds of beating an average player: strengths have mean 0; shape (players,).
        error: Sandwich standard errors, shape (players,).
        low: Lower ends of the intervals; NaN where a ridge holds the strengths.
        high: Upper ends.
        tie: Davidson's nu: how common ties are between equals; NaN where ties are half wins.
        played: Comparisons of each player.
        n: Comparisons.
        groups: Groups of players that no wins in both directions connect; above 1 strengths are held by a ridge.
        naive: The errors that the inverse information would give.
    """

    players: list[str]
    strength: Floats
    error: Floats
    low: Floats
    high: Floats
    tie: float
    played: Ints
    n: int
    groups: int
    naive: Floats

    @property
    def reason(self) -> str | None:
        """Why there are no intervals: `disconnected` or `no_variation`."""
        if np.isfinite(self.low).all():
            return None
        return "disconnected" if self.groups > 1 else "no_variation"

    @property
    def df(self) -> pd.DataFrame:
        """One row a player, the strongest first: `player, strength, low, high, error, elo, win_rate, n`."""
        chance = expit(self.strength[:, None] - self.strength)
        others = max(len(self.players) - 1, 1)
        frame = pd.DataFrame(
            {
                "player": self.players,
                "strength": self.strength,
                "low": self.low,
                "high": self.high,
                "error": self.error,
                "elo": 1000 + ELO * self.strength,
                "win_rate": (chance.sum(axis=1) - 0.5) / others,
                "n": self.played,
            }
        )
        return frame.sort_values(["strength", "player"], ascending=[False, True], ignore_index=True)


def bradley_terry(
    comparisons: Comparisons, *, ties: Ties = "half", clusters: NDArray[Any] | None = None, level: float = 0.95
) -> Ranking:
    """Return the strength of each player.

    P(a beats b) = 1 / (1 + exp(-(s_a - s_b))), a tie half a win each; or, with `davidson`, proportional to
    exp(d / 2), exp(-d / 2) and nu for win, loss and tie, d = s_a - s_b (Davidson 1970).

    Args:
        comparisons: What `compare` counted.
        ties: `half` or `davidson` (where ties carry meaning; a grade counts as a win above .5).
        clusters: The cluster (a prompt, a judge) of each comparison; independent where not given.
        level: Coverage aimed at, by t quantiles of the number of clusters.
    """
    size, groups = len(comparisons.players), comparisons.groups
    ridge = RIDGE if groups > 1 else 0.0
    if ties == "half" or (comparisons.score == 0.5).all():  # where all is tied, nu has no bound
        strength, tie = _newton(*_table(comparisons), size, ridge)[0], float("nan")
        slope, information = _half(comparisons, strength)
    else:
        strength, eta = _davidson(comparisons, ridge)
        tie = float(np.exp(eta))
        slope, information = _with_ties(comparisons, strength, eta)
    bread = np.linalg.pinv(information + ridge * np.eye(len(information)), hermitian=True)
    meat, freedom = _meat(comparisons, slope, clusters)
    error = np.sqrt(np.clip(np.diag(bread @ meat @ bread)[:size], 0, None))
    sure = freedom > 0 and groups == 1 and error.max() > FLAT  # what a ridge holds, or never varies, has no interval
    margin = (float(stdtrit(freedom, (1 + level) / 2)) if sure else float("nan")) * error
    played = np.bincount(comparisons.first, comparisons.counts, size) + np.bincount(
        comparisons.second, comparisons.counts, size
    )
    return Ranking(
        players=comparisons.players,
        strength=strength,
        error=error,
        low=strength - margin,
        high=strength + margin,
        tie=tie,
        played=played.astype(np.int64),
        n=int(comparisons.counts.sum()),
        groups=groups,
        naive=np.sqrt(np.clip(np.diag(bread)[:size], 0, None)),
    )


def bootstrap_strengths(comparisons: Comparisons, resamples: int = 1000, seed: int = 0) -> Floats:
    """Return the strengths (ties half wins) on resamples of the comparisons, shape (resamples, players).

    A resample in which some player won or lost everything has no finite strengths: NaN.
    """
    pair, i, j = _pairs(comparisons)
    size = len(comparisons.players)
    to_pair = csr_array((np.ones(len(pair)), (np.arange(len(pair)), pair)), shape=(len(pair), len(i)))
    won = to_pair.multiply(comparisons.score[:, None]).tocsr()
    start = _newton(*_table(comparisons), size, RIDGE if comparisons.groups > 1 else 0.0)
    found = []
    rows = max(1, CHUNK // max(size**2, 4 * len(i)))
    for weights in resampled(comparisons.counts, resamples, seed):
        for at in range(0, len(weights), rows):
            some = weights[at : at + rows]
            found.append(_newton(i, j, some @ to_pair, some @ won, size, 0.0, start))
    return np.concatenate(found)


def _pairs(comparisons: Comparisons) -> tuple[Ints, Ints, Ints]:
    """Return the pair of each cell, and the two players of each pair."""
    size = len(comparisons.players)
    keys, pair = np.unique(comparisons.first.astype(np.int64) * size + comparisons.second, return_inverse=True)
    return pair, keys // size, keys % size


def _table(comparisons: Comparisons) -> tuple[Ints, Ints, Floats, Floats]:
    """Return the players of each pair, its comparisons, and what the first got of them, shape (1, pairs)."""
    pair, i, j = _pairs(comparisons)
    counts = comparisons.counts.astype(float)
    n: Floats = np.bincount(pair, counts).astype(float)
    s: Floats = np.bincount(pair, counts * comparisons.score).astype(float)
    return i, j, n[None], s[None]


def _newton(i: Ints, j: Ints, n: Floats, s: Floats, size: int, ridge: float, start: Floats | None = None) -> Floats:
    """Return strengths of mean 0 that maximise the likelihood, for each draw; NaN where it has no maximum.

    Args:
        i: The first player of each pair.
        j: The second one.
        n: Comparisons, shape (draws, pairs).
        s: What the first got of them.
        size: Players.
        ridge: How strongly strengths are pulled to 0.
        start: Where to begin, shape (1, players).
    """
    draws, players = len(n), np.arange(size)
    signs = coo_array(
        (np.repeat([1.0, -1.0], len(i)), (np.tile(np.arange(len(i)), 2), np.concatenate([i, j]))), (len(i), size)
    ).tocsr()
    theta = np.zeros((draws, size)) if start is None else np.repeat(start, draws, axis=0)
    active = np.arange(draws)
    for _ in range(STEPS):
        chance = expit(theta[active][:, i] - theta[active][:, j])
        weight = n[active] * chance * (1 - chance)
        slope = (s[active] - n[active] * chance) @ signs - ridge * theta[active]
        curve = np.full((len(active), size, size), 1 / size)  # holds the mean at 0
        curve[:, i, j] -= weight
        curve[:, j, i] -= weight
        curve[:, players, players] += weight @ abs(signs) + ridge + 1e-12
        step = np.clip(np.linalg.solve(curve, slope[:, :, None])[:, :, 0], -3, 3)
        theta[active] += step
        active = active[np.abs(step).max(axis=1) > SETTLED]
        if not len(active):
            break
    theta[active] = np.nan
    centred: Floats = theta - theta.mean(axis=1, keepdims=True)
    return centred


def _half(comparisons: Comparisons, strength: Floats) -> tuple[Floats, Floats]:
    """Return the slope of one comparison of each cell, shape (cells, 1), and the information of all."""
    chance = expit(strength[comparisons.first] - strength[comparisons.second])
    weight = comparisons.counts * chance * (1 - chance)
    return (comparisons.score - chance)[:, None], _information(comparisons, weight)


def _information(comparisons: Comparisons, weight: Floats) -> Floats:
    size = len(comparisons.players)
    found = np.zeros((size, size))
    i, j = comparisons.first, comparisons.second
    for rows, columns, sign in ((i, j, -1.0), (j, i, -1.0), (i, i, 1.0), (j, j, 1.0)):
        np.add.at(found, (rows, columns), sign * weight)
    return found


def _shares(comparisons: Comparisons, strength: Floats, eta: float) -> Floats:
    """Return Davidson's chances of win, loss and tie for each cell, shape (3, cells)."""
    half = (strength[comparisons.first] - strength[comparisons.second]) / 2
    odds = np.exp(np.stack([half, -half, np.full(len(half), eta)]))
    found: Floats = odds / odds.sum(axis=0)
    return found


def _with_ties(comparisons: Comparisons, strength: Floats, eta: float) -> tuple[Floats, Floats]:
    """Return the slopes of one comparison of each cell in d and in log nu, shape (cells, 2), and the information."""
    win, loss, tie = _shares(comparisons, strength, eta)
    side = np.sign(comparisons.score - 0.5)
    counts, size = comparisons.counts, len(comparisons.players)
    information = np.zeros((size + 1, size + 1))
    information[:size, :size] = _information(comparisons, counts * ((win + loss) - (win - loss) ** 2) / 4)
    across = -counts * (win - loss) * tie / 2
    edge = np.bincount(comparisons.first, across, size) - np.bincount(comparisons.second, across, size)
    information[size, :size] = information[:size, size] = edge
    information[size, size] = float(counts @ (tie * (1 - tie)))
    return np.stack([(side - (win - loss)) / 2, (side == 0) - tie], axis=1), information


def _davidson(comparisons: Comparisons, ridge: float) -> tuple[Floats, float]:
    size, counts = len(comparisons.players), comparisons.counts
    if not (comparisons.score == 0.5).any():
        return _newton(*_table(comparisons), size, ridge)[0], float("-inf")  # no tie: nu is 0
    found = np.zeros(size + 1)
    for _ in range(STEPS):
        slopes, information = _with_ties(comparisons, found[:size], found[size])
        of_d = counts * slopes[:, 0]
        slope = np.append(
            np.bincount(comparisons.first, of_d, size) - np.bincount(comparisons.second, of_d, size),
            counts @ slopes[:, 1],
        )
        slope[:size] -= ridge * found[:size]
        information[:size, :size] += 1 / size + ridge * np.eye(size)
        step = np.clip(np.linalg.solve(information, slope), -3, 3)
        found += step
        if np.abs(step).max() < SETTLED:
            break
    return found[:size] - found[:size].mean(), float(found[size])


def _meat(comparisons: Comparisons, slope: Floats, clusters: NDArray[Any] | None) -> tuple[Floats, int]:
    """Return the spread of the clusters' slopes, and its degrees of freedom."""
    cells, size = np.arange(len(slope)), len(comparisons.players)
    rows = np.concatenate([cells, cells, *[cells] * (slope.shape[1] - 1)])
    columns = np.concatenate(
        [comparisons.first, comparisons.second, *[np.full(len(cells), size)] * (slope.shape[1] - 1)]
    )
    values = np.concatenate([slope[:, 0], -slope[:, 0], *slope[:, 1:].T])
    gradient = coo_array((values, (rows, columns)), shape=(len(cells), size + slope.shape[1] - 1)).tocsr()
    if clusters is None:
        n = int(comparisons.counts.sum())
        return np.asarray((gradient.T @ gradient.multiply(comparisons.counts[:, None])).todense()), n - 1
    code, names = pd.factorize(np.asarray(clusters))
    share = coo_array((np.ones(len(code)), (code, comparisons.cell)), shape=(len(names), len(cells))).tocsr()
    summed, k = share @ gradient, len(names)
    return np.asarray((summed.T @ summed).todense()) * (k / (k - 1) if k > 1 else 1.0), k - 1
