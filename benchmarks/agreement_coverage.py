"""How often the 95 % intervals of agreement hold the truth, by simulation, as Markdown tables.

    python benchmarks/agreement_coverage.py [--simulations 4000] [--items 100] [--only ac1 icc2]

A true label is drawn from p; each rater copies it with probability .7 and else draws one from p. The truth of a
coefficient is its value on a million items. `kalpha` is the pair bootstrap of 2006, which is offered by name only. The
second table is PPI++ on verdicts of 0 and 1: its coverage and its width beside that of people alone.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from harness.agreement.coefficients.coefficients import COEFFICIENTS, compute
from harness.agreement.coefficients.kalpha import kalpha
from harness.agreement.grid.units import Level, Units
from harness.agreement.stand_in.corrected import ppi_mean
from harness.statistics.intervals import Estimate

PREVALENCES = {"uniform over 5": (0.2,) * 5, "(.7, .3)": (0.7, 0.3), "(.5, .3, .2)": (0.5, 0.3, 0.2)}
DESIGNS = ((30, 3), (100, 3), (100, 10), (300, 10))
COPIED = 0.7
TRUTH_ITEMS = 1_000_000
PIECE = 500
"""Studies that one process simulates at a time."""
NOMINAL = {"percent_agreement", "cohen_kappa", "scott_pi", "fleiss_kappa", "ac1", "brennan_prediger"}
CASES: dict[str, tuple[str, Level]] = {
    **{name: (name, "nominal" if name in NOMINAL else "interval") for name in COEFFICIENTS if name != "alpha"},
    **{f"alpha {level}": ("alpha", level) for level in ("nominal", "ordinal", "interval", "ratio")},
    "kalpha": ("kalpha", "nominal"),
}  # fmt: skip


def rated(rng: np.random.Generator, items: int, raters: int, p: tuple[float, ...]) -> Units:
    """Draw the ratings of one study."""
    truth = rng.choice(len(p), items, p=p)
    given = [
        np.where(rng.random(items) < COPIED, truth, rng.choice(len(p), items, p=p)).astype(np.int8)
        for _ in range(raters)
    ]
    return Units("c", [f"r{i}" for i in range(raters)], np.stack(given), np.arange(1.0, len(p) + 1)).trimmed()


def estimated(case: str, units: Units, resamples: int, seed: int) -> Estimate:
    """Estimate one case."""
    name, level = CASES[case]
    if name == "kalpha":
        return kalpha(units, level, resamples=resamples, seed=seed)
    return compute(name, units, level, resamples=resamples, seed=seed)


@dataclass(frozen=True)
class Cell:
    """Some of the studies of one design."""

    p: str
    items: int
    raters: int
    studies: range
    resamples: int
    truths: dict[str, float]


def covered(cell: Cell) -> tuple[Cell, dict[str, tuple[int, int]]]:
    """Return, for each coefficient, how many intervals there were and how many held the truth."""
    rng = np.random.default_rng(0)
    found = dict.fromkeys(cell.truths, (0, 0))
    for study in range(cell.studies.stop):
        units = rated(rng, cell.items, cell.raters, PREVALENCES[cell.p])
        if study not in cell.studies:
            continue
        for case, truth in cell.truths.items():
            one = estimated(case, units, cell.resamples, study)
            n, hits = found[case]
            found[case] = (n + bool(np.isfinite(one.low)), hits + bool(one.low <= truth <= one.high))
    return cell, found


def cells(only: list[str], sizes: list[int], simulations: int, resamples: int) -> Iterator[Cell]:
    """Yield the work, in pieces of some minutes."""
    designs = [(items, raters) for items, raters in DESIGNS if items in sizes]
    for p, shares in PREVALENCES.items():
        for raters in dict.fromkeys(raters for _, raters in designs):
            units = rated(np.random.default_rng(1), TRUTH_ITEMS, raters, shares)
            truths = {case: estimated(case, units, 0, 0).value for case in only or CASES}
            for items in (items for items, those in designs if those == raters):
                for start in range(0, simulations, PIECE):
                    studies = range(start, min(start + PIECE, simulations))
                    yield Cell(p, items, raters, studies, resamples, truths)


def grid(work: Iterator[Cell], jobs: int) -> Iterator[str]:
    """Yield the table: the share of intervals that held the truth, by coefficient, prevalence and design."""
    counted: dict[tuple[str, str, str], tuple[int, int]] = {}
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for cell, found in pool.imap_unordered(covered, work):
            design = f"{cell.items} x {cell.raters}"
            for case, (n, hits) in found.items():
                before = counted.get((case, cell.p, design), (0, 0))
                counted[case, cell.p, design] = (before[0] + n, before[1] + hits)
            print(f"{cell.p}, {design}, studies {cell.studies.start} to {cell.studies.stop - 1}", file=sys.stderr)
    designs = list(dict.fromkeys(design for _, _, design in counted))
    yield f"| coefficient | p | {' | '.join(designs)} |"
    yield "|---" * (2 + len(designs)) + "|"
    for case, p in dict.fromkeys((case, p) for case, p, _ in counted):
        shares = [f"{hits / max(n, 1):.3f} of {n:,}" for n, hits in (counted[case, p, design] for design in designs)]
        yield f"| {case} | {p} | {' | '.join(shares)} |"


def corrected(simulations: int) -> Iterator[str]:
    """Yield the coverage of PPI++ and of people alone, and how wide the one is beside the other."""
    yield "\n| human-rated of 2,000 | pass rate | sens., spec. | PPI++ | people alone | width / alone (most) |"
    yield "|---|---|---|---|---|---|"
    for n in (20, 30, 50, 100, 200):
        for rate in (0.05, 0.1, 0.3, 0.5, 0.9):
            for sens, spec in ((0.6, 0.6), (0.85, 0.8), (0.95, 0.95)):
                rng = np.random.default_rng(0)
                hits, alone, ratio = 0, 0, []
                for _ in range(simulations):
                    truth = rng.random(2000) < rate
                    f = np.where(truth, rng.random(2000) < sens, rng.random(2000) > spec).astype(float)
                    y = truth[:n].astype(float)
                    found, people = ppi_mean(y, f[:n], f[n:]), ppi_mean(y, np.zeros(n), np.zeros(0))
                    hits += found.low <= rate <= found.high
                    alone += people.low <= rate <= people.high
                    ratio.append((found.high - found.low) / max(people.high - people.low, 1e-12))
                shares = f"{hits / simulations:.3f} | {alone / simulations:.3f}"
                yield f"| {n} | {rate:g} | {sens:g}, {spec:g} | {shares} | {np.mean(ratio):.2f} ({max(ratio):.2f}) |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=4000)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--items", type=int, nargs="+", default=[30, 100, 300])
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at once")
    parser.add_argument("--only", nargs="+", default=[], choices=list(CASES))
    parser.add_argument("--tables", nargs="+", default=["agreement", "corrected"], choices=["agreement", "corrected"])
    given = parser.parse_args()
    if "agreement" in given.tables:
        for row in grid(cells(given.only, given.items, given.simulations, given.resamples), given.jobs):
            print(row, flush=True)
    if "corrected" in given.tables:
        for row in corrected(given.simulations):
            print(row, flush=True)
