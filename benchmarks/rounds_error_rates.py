"""Error rates and power of the verdicts on rounds, by simulation: the whole of it, or a part.

    nice -n 10 python benchmarks/rounds_error_rates.py [--series 1000] [--grid 1000] [--single 200] [--part N]

Series whose truth is known are drawn and judged by the product's own rule. Two truths are measured against: T0, the
last round whose mean is above all before it (`named` is a = T0, `late` a > T0), and T1, the first round after which
none is the SESOI or more above the best so far (`early` is b < T1). A cell holds unless its 99 % bound lies beyond
the limit. The tables go to docs/rounds.md. One process; set OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
from scipy import stats
from scipy.special import ndtr, ndtri

from harness.rounds.verdict.last_gain import last_gain
from harness.rounds.verdict.verdict import look_significance
from harness.statistics import Moments

SESOI, SIGNIFICANCE = 0.01, 0.05
DOCS = Path(__file__).resolve().parents[1] / "docs" / "rounds.md"
BEGIN, END = "<!-- error rates -->", "<!-- end of error rates -->"
NODES = ndtri((np.arange(2000) + 0.5) / 2000)
"""Items' latent ability: equally likely quantiles of the normal."""
MOST_PATTERNS = 10
"""Rounds up to which items are counted by pattern; above, they are drawn one by one."""
Rates = dict[str, float]


@dataclass(frozen=True)
class Cell:
    """One truth, and how its items hang together.

    Attributes:
        gains: The gain of each round over the one before, in points.
        n: Items.
        start: The mean of round 0.
        latent: The correlation of an item's latent scores in two rounds.
        kind: `items` right or wrong; `fading` with the distance of rounds; `graded` 0, 1/4, ..., 1; `smooth`, like
            ROUGE; `gold` on 5 % of the items (20 at least) and a judge that drifts; `clusters` of items that move
            together (20 at least); `missing` a tenth, at random; `seeds`, several training runs; `control`, minus a
            series that does not move.
        size: Of `seeds` how many; of `clusters` how many items in each.
    """

    gains: tuple[float, ...]
    n: int
    start: float = 0.4
    latent: float = 0.8
    kind: str = "items"
    size: int = 1

    @property
    def means(self) -> np.ndarray:
        return self.start + np.cumsum([0.0, *self.gains]) / 100

    @property
    def truths(self) -> tuple[int, int]:
        """T0 and T1."""
        means = self.means
        best = np.maximum.accumulate(means)
        rises = [k for k in range(1, len(means)) if means[k] > best[k - 1] + 1e-9]
        level = [r for r in range(len(means)) if (means[r + 1 :] < best[r] + SESOI - 1e-9).all()]
        return max(rises, default=0), level[0]

    def __str__(self) -> str:
        gains = " ".join(f"{gain:+g}" for gain in self.gains)
        shown = (
            f"{self.gains[0]:+g} x {len(self.gains)}" if len(set(self.gains)) == 1 and len(self.gains) > 2 else gains
        )
        return f"{self.kind}, n {self.n}, {shown}, start {self.start}, latent {self.latent}"


def same(gain: float, rounds: int) -> tuple[float, ...]:
    return (gain,) * (rounds - 1)


TABLE: dict[str, tuple[tuple[float, ...], dict[str, tuple[str, float, float]]]] = {
    "+10 +4 0": ((10, 4, 0), {"improving": ("<=", 0.05, 0.05), "named": (">=", 0.86, 0.93)}),
    "+6 +3 0": ((6, 3, 0), {"improving": ("<=", 0.05, 0.05), "named": (">=", 0.65, 0.91)}),
    "+6 +3 -2": (
        (6, 3, -2),
        {"improving": ("<=", 0.01, 0.01), "worsening": (">=", 0.22, 0.60), "named": (">=", 0.50, 0.93)},
    ),
    "+2 x 4, then -6": (
        (2, 2, 2, 2, -6),
        {"improving": ("<=", 0.01, 0.01), "plateaued": ("<=", 0.03, 0.01), "worsening": (">=", 0.95, 0.98)},
    ),
    "0 0 +4 -4": (
        (0, 0, 4, -4),
        {"improving": ("<=", 0.01, 0.01), "plateaued": ("<=", 0.05, 0.01), "worsening": (">=", 0.70, 0.97)},
    ),
    "+2 each, K 3": (same(2, 3), {"plateaued": ("<=", 0.01, 0.005)}),
    "+2 each, K 5": (same(2, 5), {"improving": (">=", 0.33, 0.73), "plateaued": ("<=", 0.005, 0.005)}),
    "+1 each (the SESOI), K 8": (same(1, 8), {"plateaued": ("<=", 0.02, 0.02)}),
    "+.5 each, K 8": (same(0.5, 8), {"plateaued": ("<=", 0.04, 0.02)}),
    "+.5 each, K 12": (same(0.5, 12), {"plateaued": ("<=", 0.04, 0.02)}),
    "flat, K 5": (
        same(0, 5),
        {"improving": ("<=", 0.01, 0.01), "plateaued": (">=", 0.65, 0.87), "worsening": ("<=", 0.05, 0.05),
         "late": ("<=", 0.05, 0.05)},
    ),
    "flat, K 8": (
        same(0, 8),
        {"improving": ("<=", 0.01, 0.01), "plateaued": (">=", 0.63, 0.81), "worsening": ("<=", 0.05, 0.05),
         "late": ("<=", 0.05, 0.05)},
    ),
    "+6 +3 0 0 0": (
        (6, 3, 0, 0, 0),
        {"improving": ("<=", 0.01, 0.01), "plateaued": (">=", 0.48, 0.90), "early": ("<=", 0.06, 0.02)},
    ),
    "+5 +4 +3 0 0 0 0": ((5, 4, 3, 0, 0, 0, 0), {"improving": ("<=", 0.01, 0.01), "plateaued": (">=", 0.82, 0.93)}),
}  # fmt: skip
"""What the verdict is for: truths, and the limits of their rates at 1,000 and 3,000 items."""
SIZES = (1000, 3000)
SHOWN = ("improving", "plateaued", "worsening", "named", "late", "early")

GAINS = (0.0, 1.0, 2.0)
"""True gains a round of the grid of errors: none, the SESOI, twice that."""


def grid() -> Iterator[Cell]:
    """Yield the cells of the grid of errors: those whose last mean is a share still."""
    sizes = (20, 50, 200, 500, 1000, 3000)
    for n, rounds, start, latent, gain in product(sizes, (2, 3, 5, 8), (0.3, 0.6), (0.6, 0.95), GAINS):
        yield Cell(same(gain, rounds), n, start, latent)
    for n, rounds, gain in product((50, 1000), (12, 30), GAINS):
        yield Cell(same(gain, rounds), n, 0.3)
    kinds = (
        ("fading", 1, (200, 1000)), ("graded", 1, (50, 1000)), ("smooth", 1, (50, 1000)),
        ("gold", 1, (400, 3000)), ("clusters", 2, (40, 400)), ("clusters", 10, (200, 1000)),
        ("missing", 1, (200, 1000)), ("seeds", 2, (200, 1000)), ("seeds", 3, (200, 1000)), ("seeds", 10, (200, 1000)),
        ("control", 1, (200, 1000)),
    )  # fmt: skip
    for (kind, size, sizes), rounds, gain in product(kinds, (2, 3, 6), GAINS):
        for n in sizes:
            yield Cell(same(gain, rounds), n, 0.4, 0.8, kind, size)


GRID = [cell for cell in grid() if cell.means[-1] <= 0.95]


def simulate(cell: Cell, series: int, seed: int = 0) -> Rates:
    """Return the shares of series with each verdict, and with the last gain named rightly, too late, too early."""
    rng = np.random.default_rng([seed, cell.n, len(cell.gains), int(1000 * (9 + sum(cell.gains))), len(cell.kind)])
    found = [last_gain(moments, SESOI, SIGNIFICANCE) for moments in draw(cell, series, rng)]
    shown, possible, verdict = (
        np.concatenate([np.atleast_1d(getattr(one, name)) for one in found])
        for name in ("shown", "possible", "verdict")
    )
    last, ended = cell.truths
    rates = {name: float((verdict == name).mean()) for name in ("improving", "plateaued", "worsening")}
    return rates | {
        "named": float((shown == last).mean()), "late": float((shown > last).mean()),
        "early": float((possible < ended).mean()),
    }  # fmt: skip


def looked_at(cell: Cell, series: int, seed: int = 0) -> Rates:
    """Return the share of series that are improving, and worsening, at any of the looks after every round."""
    rng = np.random.default_rng([seed, cell.n, len(cell.gains)])
    any_of = {"improving": np.zeros(0, bool), "worsening": np.zeros(0, bool)}
    for moments in draw(cell, series, rng):
        looks = [
            last_gain(moments.columns(range(look + 1)), SESOI, look_significance(look, SIGNIFICANCE)).verdict
            for look in range(1, len(cell.means))
        ]
        for name, seen in any_of.items():
            any_of[name] = np.append(seen, (np.atleast_2d(np.array(looks).T) == name).any(axis=-1))
    return {f"any {name}": float(seen.mean()) for name, seen in any_of.items()}


def draw(cell: Cell, series: int, rng: np.random.Generator) -> Iterator[Moments]:
    """Yield the moments of so many series: many at once, or one by one as the product reads them."""
    if at_once(cell):
        yield counted(cell, series, rng)
        return
    for _ in range(series):
        yield one_by_one(cell, rng)


def counted(cell: Cell, series: int, rng: np.random.Generator) -> Moments:
    """Return series of right-or-wrong items, drawn as counts of the patterns that an item can show over the rounds."""
    patterns, shares = pattern_shares(cell)
    counts = rng.multinomial(cell.n, shares, size=series).astype(float)
    means = counts @ patterns / cell.n
    rounds = patterns.shape[1]
    products = (patterns[:, :, None] * patterns[:, None, :]).reshape(len(patterns), -1)
    scatter = (counts @ products).reshape(series, rounds, rounds) - cell.n * means[:, :, None] * means[:, None, :]
    return Moments(means, scatter, cell.n, cell.n, means[:, None, :])


def pattern_shares(cell: Cell) -> tuple[np.ndarray, np.ndarray]:
    """Return every pattern of an item over the rounds, and its probability."""
    patterns = np.array(list(product((0.0, 1.0), repeat=len(cell.means))))
    if cell.kind == "fading":
        return patterns, np.array([_fading(pattern, cell.means, cell.latent) for pattern in patterns])
    right = ndtr((ndtri(cell.means)[None] - np.sqrt(cell.latent) * NODES[:, None]) / np.sqrt(1 - cell.latent))
    right = np.clip(right, 1e-12, 1 - 1e-12)
    shares = np.exp(np.log(right) @ patterns.T + np.log1p(-right) @ (1 - patterns).T).mean(axis=0)
    return patterns, shares / shares.sum()


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


def one_by_one(cell: Cell, rng: np.random.Generator) -> Moments:
    """Return one series of items that are drawn one by one, read as the product reads it."""
    marks, rounds = ndtri(cell.means), len(cell.means)

    def right(latent: np.ndarray, shape: tuple[int, ...], where: np.ndarray = marks) -> np.ndarray:
        noise = rng.standard_normal(shape)
        return (np.sqrt(cell.latent) * latent + np.sqrt(1 - cell.latent) * noise < where).astype(float)

    ability = rng.standard_normal((cell.n, 1))
    if cell.kind == "graded":
        return Moments.of(np.mean([right(ability, (cell.n, rounds)) for _ in range(4)], axis=0)[None])
    if cell.kind == "smooth":
        own = 0.25 * cell.start * ability + 0.05 * rng.standard_normal((cell.n, rounds))
        return Moments.of(np.clip(cell.means + own, 0, 1)[None])
    if cell.kind == "clusters":
        groups = max(cell.n // cell.size, 20)
        cluster = np.arange(groups * cell.size) // cell.size
        shared = rng.standard_normal((groups, 1))[cluster]
        drift = np.sqrt(0.5) * rng.standard_normal((groups, rounds))[cluster]
        own = rng.standard_normal((len(cluster), rounds)) * np.sqrt(0.5)
        latent = np.sqrt(cell.latent) * shared + np.sqrt(1 - cell.latent) * (drift + own)
        return Moments.of((latent < marks).astype(float)[None], cluster)
    if cell.kind == "seeds":
        luck = np.cumsum(rng.normal(0, 0.01, (cell.size, 1, rounds)), axis=2)
        where = ndtri(np.clip(cell.means + luck, 0.01, 0.99))
        return Moments.of(np.stack([right(ability, (cell.n, rounds), mark) for mark in where]))
    scores = right(ability, (cell.n, rounds))
    if cell.kind == "missing":
        return Moments.of(scores[(rng.random(scores.shape) > 0.1 / rounds).all(axis=1)][None])
    if cell.kind == "control":
        still = right(ability, (cell.n, rounds), np.full(rounds, marks[0]))
        return Moments.of((scores - still)[None], reach=1.0)
    if cell.kind == "gold":
        labelled = np.zeros(cell.n, dtype=bool)
        labelled[rng.choice(cell.n, max(cell.n // 20, 20), replace=False)] = True
        wrong = rng.random(scores.shape) < 0.1
        liked = rng.random(scores.shape) < 0.02 * np.arange(rounds)
        judged = np.maximum(np.where(wrong, 1 - scores, scores), liked)
        return Moments.corrected(judged[None], scores[None], labelled)
    return Moments.of(scores[None])


def errors(cell: Cell, rates: Rates) -> Rates:
    """Return the errors of a cell of the grid by what its truth is."""
    if cell.gains[0] == 0:
        return {"improving, flat": rates["improving"], "worsening, flat": rates["worsening"]}
    return {"plateaued at the SESOI" if cell.gains[0] == 1 else "plateaued at +2": rates["plateaued"]}


LIMITS = {
    "improving, flat": 0.07, "worsening, flat": 0.07, "plateaued at the SESOI": 0.05, "plateaued at +2": 0.01,
    "any improving": 0.05, "any worsening": 0.05,
}  # fmt: skip


def holds(rate: float, series: int, limit: float, sign: str = "<=") -> bool:
    """Return whether the 99 % binomial bound of a rate does not lie beyond its limit (Clopper and Pearson)."""
    count = round(rate * series)
    if sign == "<=":
        return count == 0 or float(stats.beta.ppf(0.01, count, series - count + 1)) <= limit
    return count == series or float(stats.beta.ppf(0.99, count + 1, series - count)) >= limit


def table_cells() -> Iterator[tuple[str, list[Cell], dict[str, tuple[str, float, float]]]]:
    """Yield each row of the table: its name, its cells by size, and their limits."""
    for name, (gains, limits) in TABLE.items():
        yield name, [Cell(gains, n) for n in SIZES], limits


def table(series: int) -> tuple[list[str], list[str]]:
    """Return the table of what the verdict is for, and the cells that broke their limits."""
    lines = ["| gains a round | " + " | ".join((*SHOWN[:3], "a = T0", "a > T0", "b < T1")) + " |", "|---" * 7 + "|"]
    broken = []
    for name, cells, limits in table_cells():
        rates = [simulate(cell, series) for cell in cells]
        shown = []
        for what in SHOWN:
            text = " / ".join(f"{rate[what]:.3f}" for rate in rates)
            if what in limits:
                sign, *bounds = limits[what]
                text += f" ({sign} " + " / ".join(f"{bound:g}" for bound in bounds) + ")"
                broken += [
                    f"broken: {name}, n {cell.n}: {what} {rate[what]:.3f} {sign} {bound}"
                    for cell, rate, bound in zip(cells, rates, bounds, strict=True)
                    if not holds(rate[what], series, bound, sign)
                ]
            shown.append(text)
        lines.append(f"| {name} | {' | '.join(shown)} |")
    return lines, broken


def at_once(cell: Cell) -> bool:
    """Return whether the series of a cell are drawn and judged all at once, rather than one by one."""
    return cell.kind in ("items", "fading") and len(cell.means) <= MOST_PATTERNS


def error_table(cells: list[Cell], many: int, single: int) -> tuple[list[str], list[str]]:
    """Return a line for each kind of items and error, its cells and the worst of them; and what broke its limit."""
    found: dict[tuple[str, str], list[tuple[float, Cell]]] = {}
    broken = []
    for cell in cells:
        series = many if at_once(cell) else single
        rates = errors(cell, simulate(cell, series))
        if cell.gains[0] == 0 and cell.kind == "items" and cell.n in (200, 1000) and 2 < len(cell.means) < 10:
            rates |= looked_at(cell, series)
        for error, rate in rates.items():
            found.setdefault((cell.kind, error), []).append((rate, cell))
            if not holds(rate, series, LIMITS[error]):
                broken.append(f"broken: {error} {rate:.3f}: {cell}")
    lines = ["| items | error | cells | limit | worst rate | where |", "|---|---|---|---|---|---|"]
    for (kind, error), pairs in found.items():
        rate, cell = max(pairs, key=lambda pair: pair[0])
        lines.append(f"| {kind} | {error} | {len(pairs)} | {LIMITS[error]} | {rate:.3f} | {cell} |")
    return lines, broken


def holm_rate(kinds: int, n: int, series: int, seed: int = 0) -> float:
    """Return how often flat kinds of feedback are all told from a gain: by Holm, none of them has one."""
    from harness.statistics import holm

    found = last_gain(counted(Cell(same(0, 5), n), series * kinds, np.random.default_rng(seed)), SESOI, SIGNIFICANCE)
    p_values = found.p_later[:, 0].reshape(series, kinds)
    return float(np.mean([min(holm(list(row))) >= SIGNIFICANCE for row in p_values]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--grid", type=int, default=1000, help="series of a cell of the grid of errors")
    parser.add_argument("--single", type=int, default=200, help="series of a cell that are drawn one by one")
    parser.add_argument("--part", type=int, default=1, help="every so many cells of the grid; the docs are left alone")
    parser.add_argument("--docs", type=Path, default=DOCS, help="the page that takes the tables")
    options = parser.parse_args()
    started = time.perf_counter()
    rows, broken = table(options.series)
    print("\n".join(rows), flush=True)
    cells = [replace(cell) for cell in GRID[:: options.part]]
    worst, more = error_table(cells, options.grid, options.single)
    broken += more
    none = holm_rate(6, 300, options.series)
    said = (
        f"{2 * len(TABLE)} cells above, {options.series:,} series each, and {len(cells)} below, {options.grid:,} "
        f"series each ({options.single:,} where items are drawn one by one: 12 or 30 rounds, and all but the first two "
        f"kinds), in "
        f"{time.perf_counter() - started:.0f} s on one core; {len(broken)} broke their limit. Six flat kinds on 300 "
        f"items say yes to none in {none:.3f} (Holm; limit .95)."
    )
    text = "\n".join(["At n 1,000 / 3,000, with the limits:", "", *rows, "", said, *broken, "", *worst])
    print(text)
    if options.part == 1:
        write(options.docs, text)


def write(page: Path, text: str) -> None:
    """Put the tables between their marks on a page."""
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
