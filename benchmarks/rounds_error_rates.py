"""Error rates of the verdicts on rounds, by simulation: the whole grid, or a part of it.

    python benchmarks/rounds_error_rates.py [--series 4000] [--workers 2] [--part N]

A series of right-or-wrong items is drawn as counts of the 2^K patterns that an item can show over K rounds, from their
exact probabilities, so that a cell costs the same for 200 and for 2,000 items. The verdict comes from the product's own
code. A cell holds where the 99 % lower bound of its error rate is at or under the limit.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import stats
from scipy.special import ndtr, ndtri

from harness.rounds.moments import Moments
from harness.rounds.verdict import judge, look_significance, window_contrast

SESOI, SIGNIFICANCE = 0.01, 0.05
LIMITS = {"plateaued at +2": 0.005, "plateaued at SESOI": 0.07, "improving, flat": 0.07, "worsening, flat": 0.07}
LOOK_LIMIT = 0.05
NODES = ndtri((np.arange(2000) + 0.5) / 2000)
"""Items' latent ability: equally likely quantiles of the normal."""


@dataclass(frozen=True)
class Cell:
    n: int
    rounds: int
    start: float
    correlation: float
    gain: float
    kind: str = "shared"
    """How an item's scores hang together: `shared` (equally in all rounds), `fading` (with distance), `graded`."""


GRID = [
    Cell(*setting)
    for setting in product(
        (200, 500, 1000, 2000), (3, 5, 8), (0.3, 0.4, 0.5, 0.6, 0.7), (0.5, 0.7, 0.9), (0.0, 0.01, 0.02)
    )
]
EXTENSION = [
    Cell(n, rounds, 0.5, correlation, gain, kind)
    for kind, n, rounds, correlation, gain in product(
        ("fading", "graded"), (200, 1000), (3, 5, 8), (0.5, 0.9), (0.0, 0.01, 0.02)
    )
]


def pattern_shares(cell: Cell) -> tuple[np.ndarray, np.ndarray]:
    """Return every pattern of an item over the rounds, and its probability."""
    patterns = np.array(list(product((0.0, 1.0), repeat=cell.rounds)))
    means = cell.start + cell.gain * np.arange(cell.rounds)
    if cell.kind == "fading":
        return patterns, np.array([_fading(pattern, means, cell.correlation) for pattern in patterns])
    latent = _latent(cell.start, cell.correlation)
    right = ndtr((ndtri(means)[None] - np.sqrt(latent) * NODES[:, None]) / np.sqrt(1 - latent))
    right = np.clip(right, 1e-12, 1 - 1e-12)
    shares = np.exp(np.log(right) @ patterns.T + np.log1p(-right) @ (1 - patterns).T)
    found = shares.mean(axis=0)
    return patterns, found / found.sum()


def _latent(share: float, correlation: float) -> float:
    """Return the latent correlation at which two right-or-wrong scores of this share correlate as wanted."""
    low, high = 0.0, 0.9999
    for _ in range(40):
        middle = (low + high) / 2
        right = ndtr((ndtri(share) - np.sqrt(middle) * NODES) / np.sqrt(1 - middle))
        phi = ((right**2).mean() - share**2) / (share * (1 - share))
        low, high = (middle, high) if phi < correlation else (low, middle)
    return (low + high) / 2


def _fading(pattern: np.ndarray, means: np.ndarray, correlation: float) -> float:
    """Return a pattern's probability where an item keeps its luck from round to round with a probability.

    Luck u is uniform, kept with probability `correlation`, else drawn anew; right where u < the round's mean. Summed
    over where the luck was drawn anew: in a stretch the right ones bound u from above, the wrong ones from below.
    """
    count = len(pattern)
    upto = [1.0] + [0.0] * count
    for end in range(1, count + 1):
        for begin in range(end):
            part, mean = pattern[begin:end], means[begin:end]
            room = min([1.0, *mean[part == 1]]) - max([0.0, *mean[part == 0]])
            anew = 1 - correlation if begin else 1.0
            upto[end] += upto[begin] * anew * correlation ** (end - begin - 1) * max(room, 0.0)
    return upto[count]


def simulate(cell: Cell, series: int, seed: int) -> dict[str, float]:
    """Return the share of series with each verdict, and with a direction at any of the looks after every round."""
    rng = np.random.default_rng([seed, cell.n, cell.rounds, int(1000 * cell.gain), int(100 * cell.correlation)])
    found = dict.fromkeys(("improving", "plateaued", "worsening", "inconclusive", "any improving", "any worsening"), 0)
    draws = _graded(cell, series, rng) if cell.kind == "graded" else _counted(cell, series, rng)
    contrasts = [window_contrast(list(range(seen))) for seen in range(2, cell.rounds + 1)]
    for moments in draws:
        final = judge(moments.estimate(contrasts[-1][1]), SESOI, SIGNIFICANCE)
        found[final.verdict] += 1
        if cell.gain == 0:
            said = set()
            for look, (_, contrast) in enumerate(contrasts, start=1):
                padded = np.pad(contrast, (0, cell.rounds - len(contrast)))
                said.add(judge(moments.estimate(padded), SESOI, look_significance(look, SIGNIFICANCE)).verdict)
            found["any improving"] += "improving" in said
            found["any worsening"] += "worsening" in said
    return {name: count / series for name, count in found.items()}


def _counted(cell: Cell, series: int, rng: np.random.Generator):
    patterns, shares = pattern_shares(cell)
    for counts in rng.multinomial(cell.n, shares, size=series):
        means = counts @ patterns / cell.n
        scatter = patterns.T @ (counts[:, None] * patterns) - cell.n * np.outer(means, means)
        yield Moments(means, scatter, cell.n, cell.n, means[None], False)


def _graded(cell: Cell, series: int, rng: np.random.Generator):
    """Yield series of grades 0, 1/4, ..., 1: four right-or-wrong parts of an item, sharing its latent ability."""
    latent = _latent(cell.start, cell.correlation) * 0.8
    marks = ndtri(cell.start + cell.gain * np.arange(cell.rounds))
    for _ in range(series):
        ability = rng.standard_normal((cell.n, 1))
        right = ndtr((marks - np.sqrt(latent) * ability) / np.sqrt(1 - latent))
        yield Moments.of((rng.binomial(4, right) / 4)[None])


def errors(cell: Cell, found: dict[str, float]) -> dict[str, float]:
    """Return the errors of a cell by what the truth is."""
    if cell.gain == 0:
        looks = {
            "any improving, every look": found["any improving"],
            "any worsening, every look": found["any worsening"],
        }
        return {"improving, flat": found["improving"], "worsening, flat": found["worsening"], **looks}
    return {"plateaued at SESOI" if cell.gain == SESOI else "plateaued at +2": found["plateaued"]}


def limit(error: str) -> float:
    """Return the limit of an error."""
    return LIMITS.get(error, LOOK_LIMIT)


def holds(rate: float, series: int, most: float) -> bool:
    """Return whether the 99 % lower bound of a rate is at or under its limit (Clopper and Pearson)."""
    count = round(rate * series)
    low = float(stats.beta.ppf(0.01, count, series - count + 1)) if count else 0.0
    return low <= most


def _cell(job: tuple[Cell, int]) -> tuple[Cell, dict[str, float]]:
    cell, series = job
    return cell, simulate(cell, series, seed=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=4000)
    parser.add_argument("--graded-series", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--part", type=int, default=1, help="every so many cells only")
    options = parser.parse_args()
    started = time.perf_counter()
    cells = (GRID + EXTENSION)[:: options.part]
    jobs = [(cell, options.graded_series if cell.kind == "graded" else options.series) for cell in cells]
    worst: dict[tuple[str, str], tuple[float, Cell]] = {}
    counts: dict[tuple[str, str], int] = {}
    broken = []
    with ProcessPoolExecutor(options.workers) as pool:
        for (cell, series), (_, found) in zip(jobs, pool.map(_cell, jobs, chunksize=4), strict=True):
            for error, rate in errors(cell, found).items():
                key = (cell.kind, error)
                worst[key] = max(worst.get(key, (-1.0, cell)), (rate, cell), key=lambda pair: pair[0])
                counts[key] = counts.get(key, 0) + 1
                if not holds(rate, series, limit(error)):
                    broken.append((error, rate, cell))
    print("| items | error | cells | limit | worst rate | where |\n|---|---|---|---|---|---|")
    for (kind, error), (rate, cell) in worst.items():
        where = f"n {cell.n}, K {cell.rounds}, start {cell.start}, correlation {cell.correlation}"
        print(f"| {kind} | {error} | {counts[kind, error]} | {limit(error)} | {rate:.4f} | {where} |")
    print(f"\n{len(cells)} cells, {options.series} series each (graded {options.graded_series}); ", end="")
    print(f"{len(broken)} broke their limit; {time.perf_counter() - started:.0f} s")
    for error, rate, cell in broken:
        print(f"broken: {error} {rate:.4f} {cell}")


if __name__ == "__main__":
    main()
