"""How often the intervals of one rating's dependability hold the truth, with raters fixed and with raters at random.

    python benchmarks/components_coverage.py [SIMULATIONS]

Ratings are simulated: effects are normal, of variance 2 (item), .3 (rater) and 1 (rest), with new raters each time.
The truth with raters at random is 2 / 3.3. With these raters fixed, it is 2 / (2 + their own variance + 1).
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

from harness.agreement import Agreement, agree

ITEM, RATER, REST = 2.0, 0.3, 1.0


def cell(items: int, raters: int, missing: float, simulations: int) -> list[float]:
    """Return the share of intervals that hold the truth: fixed, random, icc2's random; and the mean widths of two."""
    rng = np.random.default_rng([items, raters, int(100 * missing)])
    rows = []
    for number in range(simulations):
        severity = rng.normal(0, RATER**0.5, raters)
        grid = rng.normal(0, ITEM**0.5, (items, 1)) + severity + rng.normal(0, REST**0.5, (items, raters))
        grid[rng.random(grid.shape) < missing] = np.nan
        frame = pd.DataFrame(grid, columns=[f"r{n}" for n in range(raters)])
        found = agree(frame, level="interval", coefficients=["icc2"], components=True, resamples=300, seed=number)
        assert isinstance(found, Agreement)
        one = found.components[0].coefficients[1]
        fixed, random = ITEM / (ITEM + severity.var(ddof=1) + REST), ITEM / (ITEM + RATER + REST)
        icc = found.tables[0].random_raters.get("icc2")
        rows.append([
            one["low"] <= fixed <= one["high"],
            one["random_low"] <= random <= one["random_high"],
            icc.low <= random <= icc.high if icc and not missing else np.nan,
            one["low"] <= random <= one["high"],
            one["high"] - one["low"],
            one["random_high"] - one["random_low"],
        ])  # fmt: skip
    return [float(mean) for mean in np.mean(np.asarray(rows, float), axis=0)]


if __name__ == "__main__":
    simulations = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    print("items raters missing | fixed  random  icc2 random  fixed taken for random | width fixed  random")
    for items in (30, 100, 1000):
        for raters in (3, 5, 10):
            for missing in (0.0, 0.3):
                found = cell(items, raters, missing, simulations)
                print(f"{items:5} {raters:6} {missing:7} | " + "  ".join(f"{x:.3f}" for x in found), flush=True)
