"""How often the 95 % intervals of agreement hold the truth, by simulation, as Markdown tables.

    python benchmarks/agreement_coverage.py [--simulations 4000] [--resamples 1000] [--only ac1 icc2]

A true label is drawn from p; each rater copies it with probability .7 and else draws one from p. The truth of a
coefficient is its value on a million items. `kalpha` is the pair bootstrap of 2006, which is offered by name only. The
second table is PPI++ on verdicts of 0 and 1: its coverage and its width beside that of people alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np

from harness.agreement.coefficients import COEFFICIENTS, compute
from harness.agreement.corrected import ppi_mean
from harness.agreement.intervals import Estimate
from harness.agreement.kalpha import kalpha
from harness.agreement.units import Level, Units

PREVALENCES = {"uniform over 5": (0.2,) * 5, "(.7, .3)": (0.7, 0.3), "(.5, .3, .2)": (0.5, 0.3, 0.2)}
DESIGNS = ((30, 3), (100, 3), (100, 10), (300, 10))
COPIED = 0.7
TRUTH_ITEMS = 1_000_000
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


def coverage(
    case: str, items: int, raters: int, p: tuple[float, ...], truth: float, simulations: int, resamples: int
) -> tuple[float, int]:
    """Return the share of intervals that hold the truth, and how many intervals there were."""
    rng = np.random.default_rng(0)
    hits = n = 0
    for seed in range(simulations):
        found = estimated(case, rated(rng, items, raters, p), resamples, seed)
        if np.isfinite(found.low):
            n += 1
            hits += found.low <= truth <= found.high
    return (hits / n if n else float("nan")), n


def grid(only: list[str], sizes: list[int], simulations: int, resamples: int) -> Iterator[str]:
    """Yield the rows of the table, each as soon as it is there."""
    designs = [(items, raters) for items, raters in DESIGNS if items in sizes]
    yield f"| coefficient | p | {' | '.join(f'{items} x {raters}' for items, raters in designs)} |"
    yield "|---" * (2 + len(designs)) + "|"
    for label, p in PREVALENCES.items():
        big = {raters: rated(np.random.default_rng(1), TRUTH_ITEMS, raters, p) for raters in {r for _, r in designs}}
        for case in only or CASES:
            truths = {raters: estimated(case, units, 0, 0).value for raters, units in big.items()}
            cells = [coverage(case, i, r, p, truths[r], simulations, resamples) for i, r in designs]
            yield f"| {case} | {label} | {' | '.join(f'{share:.3f}' for share, _ in cells)} |"


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
    parser.add_argument("--only", nargs="+", default=[], choices=list(CASES))
    parser.add_argument("--corrected", action="store_true", help="the second table only")
    given = parser.parse_args()
    if not given.corrected:
        for row in grid(given.only, given.items, given.simulations, given.resamples):
            print(row, flush=True)
    for row in corrected(given.simulations):
        print(row, flush=True)
