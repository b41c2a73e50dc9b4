"""Error rates of the verdicts on rounds, by simulation: the whole grid, or a part of it.

    python benchmarks/rounds_error_rates.py [--series 4000] [--graded-series 1000] [--workers 2] [--part N]

A series of right-or-wrong items is drawn as counts of the 2^K patterns that an item can show over K rounds, from their
exact probabilities, so that a cell costs the same for 200 and for 2,000 items. All series of a cell are judged at once,
by the product's guard and contrast. A cell holds where the 99 % lower bound of its error rate is at or under the limit.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from scipy import stats
from scipy.special import ndtr, ndtri, stdtrit

from harness.rounds.verdict.verdict import look_significance, window_contrast
from harness.statistics.moments import guarded

SESOI, SIGNIFICANCE = 0.01, 0.05
VERDICTS = ["plateaued", "improving", "worsening", "inconclusive"]
DOCS = Path(__file__).resolve().parents[1] / "docs" / "rounds.md"
BEGIN, END = "<!-- error rates -->", "<!-- end of error rates -->"
CHUNK = 20
"""Graded series drawn at once."""
Draw = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
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
    Cell(n, rounds, start, correlation, gain, kind)
    for kind, n, rounds, start, correlation, gain in product(
        ("fading", "graded"), (200, 1000), (3, 5, 8), (0.3, 0.5, 0.7), (0.5, 0.9), (0.0, 0.01, 0.02)
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
    kind = ("shared", "fading", "graded").index(cell.kind)
    parts = [cell.n, cell.rounds, int(1000 * cell.gain), int(100 * cell.correlation), int(100 * cell.start), kind]
    draw = (_graded if cell.kind == "graded" else _counted)(cell, series, np.random.default_rng([seed, *parts]))
    contrasts = [window_contrast(list(range(seen)))[1] for seen in range(2, cell.rounds + 1)]
    contrasts = [np.pad(contrast, (0, cell.rounds - len(contrast))) for contrast in contrasts]
    final = verdicts(*draw(contrasts[-1]), contrasts[-1], cell.n, SIGNIFICANCE)
    found = {name: float((final == name).mean()) for name in VERDICTS}
    if cell.gain == 0:
        looks = np.array(
            [
                verdicts(*draw(contrast), contrast, cell.n, look_significance(look, SIGNIFICANCE))
                for look, contrast in enumerate(contrasts, start=1)
            ]
        )
        for name in ("improving", "worsening"):
            found[f"any {name}"] = float((looks == name).any(axis=0).mean())
    return found


def verdicts(value: np.ndarray, spread: np.ndarray, contrast: np.ndarray, n: int, significance: float) -> np.ndarray:
    """Return the verdict on each of many series at once; that it is the product's own is tested."""
    centre, variance = guarded(value, spread, float(np.abs(contrast).sum()) / 2, n)
    half = stdtrit(n + 1.0, 1 - significance) * np.sqrt(variance)
    low, high = centre - half, centre + half
    return np.select([(low > -SESOI) & (high < SESOI), low > 0, high < 0], VERDICTS[:3], VERDICTS[3])


def _counted(cell: Cell, series: int, rng: np.random.Generator) -> Draw:
    """Return a function from a contrast to its mean and centred sum of squares in every series."""
    patterns, shares = pattern_shares(cell)
    counts = rng.multinomial(cell.n, shares, size=series).astype(float)

    def of(contrast: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        slopes = patterns @ contrast
        value = counts @ slopes / cell.n
        return value, np.maximum(counts @ slopes**2 - cell.n * value**2, 0)

    return of


def _graded(cell: Cell, series: int, rng: np.random.Generator) -> Draw:
    """Return the same of grades 0, 1/4, ..., 1: four right-or-wrong parts of an item, sharing its latent ability.

    Two parts correlate by c / (4 - 3 c), so that two grades of an item correlate by c.
    """
    latent = _latent(cell.start, cell.correlation / (4 - 3 * cell.correlation))
    marks = ndtri(cell.start + cell.gain * np.arange(cell.rounds))
    means, scatters = [], []
    for _ in range(0, series, CHUNK):
        ability = rng.standard_normal((CHUNK, cell.n, 1))
        right = ndtr((marks - np.sqrt(latent) * ability) / np.sqrt(1 - latent))
        scores = rng.binomial(4, right) / 4
        means.append(scores.mean(axis=1))
        centred = scores - means[-1][:, None]
        scatters.append(centred.transpose(0, 2, 1) @ centred)
    mean, scatter = np.concatenate(means)[:series], np.concatenate(scatters)[:series]
    return lambda contrast: (mean @ contrast, np.einsum("i,sij,j->s", contrast, scatter, contrast))


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
    parser.add_argument("--graded-series", type=int, default=1000, help="graded items are drawn one by one")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--part", type=int, default=1, help="every so many cells only; the docs are then left alone")
    parser.add_argument("--docs", type=Path, default=DOCS, help="the page that takes the table of the whole grid")
    options = parser.parse_args()
    started = time.perf_counter()
    cells = (GRID + EXTENSION)[:: options.part]
    jobs = [(cell, options.graded_series if cell.kind == "graded" else options.series) for cell in cells]
    with ProcessPoolExecutor(options.workers) as pool:
        found = list(pool.map(_cell, jobs, chunksize=4))
    broken = [
        f"broken: {error} {rate:.4f} {cell}"
        for (cell, series), (_, verdict) in zip(jobs, found, strict=True)
        for error, rate in errors(cell, verdict).items()
        if not holds(rate, series, limit(error))
    ]
    said = (
        f"{len(cells)} cells, {options.series:,} series each (graded {options.graded_series:,}), in "
        f"{time.perf_counter() - started:.0f} s on {options.workers} processes; {len(broken)} broke their limit "
        "(99 % lower bound above it)."
    )
    text = "\n".join([said, *broken, "", *table(found)])
    print(text)
    if options.part == 1:
        write(options.docs, text)


def table(found: list[tuple[Cell, dict[str, float]]]) -> list[str]:
    """Return a line for each kind of items and error: its cells, and the worst of them."""
    rates: dict[tuple[str, str], list[tuple[float, Cell]]] = {}
    for cell, verdict in found:
        for error, rate in errors(cell, verdict).items():
            rates.setdefault((cell.kind, error), []).append((rate, cell))
    lines = ["| items | error | cells | limit | worst rate | where |", "|---|---|---|---|---|---|"]
    for (kind, error), cells in rates.items():
        rate, cell = max(cells, key=lambda pair: pair[0])
        where = f"n {cell.n}, K {cell.rounds}, start {cell.start}, correlation {cell.correlation}"
        lines.append(f"| {kind} | {error} | {len(cells)} | {limit(error)} | {rate:.4f} | {where} |")
    return lines


def write(page: Path, text: str) -> None:
    """Put the table between its marks on a page."""
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
