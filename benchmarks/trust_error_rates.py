"""How often what is said of a rater is wrong: corrected scores, audits and trust, by simulation.

Every rater here is simulated. `python benchmarks/trust_error_rates.py [PART ...] [--reps N]` prints the tables of
docs/agreement.md; parts of each grid run in the tests.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import norm

from harness.agreement.audits.biases import LENGTH_MARGIN, SELF_MARGIN, odds_of_length, position
from harness.agreement.audits.check import around
from harness.agreement.audits.held_equal import Reference, taste
from harness.agreement.audits.subject import subject_of
from harness.agreement.chance import beyond_chance
from harness.agreement.coefficients.coefficients import compute
from harness.agreement.grid.units import Units
from harness.agreement.stand_in.corrected import correct
from harness.agreement.stand_in.sequential import ORDER, Looks, sequence
from harness.statistics import Estimate, Floats

SENSITIVITY, SPECIFICITY = 0.85, 0.8
DOCUMENT = 10
"""Items of a document, where items come in documents."""


def judged(rng: np.random.Generator, truth: Floats, sens: float = SENSITIVITY, spec: float = SPECIFICITY) -> Floats:
    """Return the verdicts of a simulated judge."""
    return np.where(truth == 1, rng.random(len(truth)) < sens, rng.random(len(truth)) > spec).astype(float)


def items(rng: np.random.Generator, count: int, rate: float, clustered: bool) -> tuple[Floats, Any]:
    """Return true verdicts, and the documents of items whose latent quality correlates at .5 within them."""
    if not clustered:
        return (rng.random(count) < rate).astype(float), None
    document = np.repeat(np.arange(count // DOCUMENT), DOCUMENT)
    latent = (rng.normal(size=count // DOCUMENT)[document] + rng.normal(size=count)) / 2**0.5
    return (latent < norm.ppf(rate)).astype(float), document


def seen_by_people(
    rng: np.random.Generator, chosen: str, n: int, truth: Floats, said: Floats, document: Any
) -> np.ndarray[Any, Any]:
    """Return the items that people rate: at random (of documents: whole ones), or passes three times as often."""
    if chosen == "random":
        if document is None:
            return rng.permutation(len(truth))[:n]
        return np.flatnonzero(np.isin(document, rng.permutation(int(document.max()) + 1)[: n // DOCUMENT]))
    odds = np.where((said if chosen == "by-judge" else truth) == 1, 3.0, 1.0)
    return rng.choice(len(truth), n, replace=False, p=odds / odds.sum())


def corrected(
    chosen: str, n: int, rate: float, clustered: bool, reps: int, *, count: int = 1600, seed: int = 0
) -> dict[str, float]:
    """Return coverage and width of the corrected score of one cell, and how often there is none."""
    rng = np.random.default_rng([seed, n, int(100 * rate), clustered])
    ends = []
    for _ in range(reps):
        truth, document = items(rng, count, rate, clustered)
        said = judged(rng, truth)
        codes = np.full((2, count), -1, dtype=np.int8)
        codes[0] = said
        seen = seen_by_people(rng, chosen, n, truth, said, document)
        codes[1, seen] = truth[seen]
        row = correct(
            Units("", ["ai", "ann"], codes, np.array([0.0, 1.0]), None, document), "ai", ["ann"], chosen=chosen
        )
        if row["value"] is not None:
            ends.append((row["low"], row["high"]))
    low, high = np.array(ends).T if ends else np.full((2, 1), np.nan)
    return {"coverage": float(np.mean((low <= rate) & (rate <= high))), "width": float(np.mean(high - low)),
            "none": 1 - len(ends) / reps}  # fmt: skip


def table_of_corrected(reps: int) -> None:
    """Print coverage of corrected scores: three ways of choosing, gold, prevalence, clusters."""
    print("| chosen | items | people rated | .5 | .7 | .9 |\n|---|---|---|---|---|---|")
    for clustered, chosen, n in product((False, True), ("random", "by-judge", "by-outcome"), (20, 40, 100, 200)):
        cells = []
        for rate in (0.5, 0.7, 0.9):
            found = corrected(chosen, n, rate, clustered, reps)
            none = f", none {found['none']:.2f}" if found["none"] >= 0.005 else ""
            cells.append(f"{found['coverage']:.3f} ({found['width']:.2f}{none})")
        print(f"| {chosen} | {'in documents' if clustered else 'alone'} | {n} | {' | '.join(cells)} |", flush=True)


def looked_at(rate: float, chosen: str | None, reps: int, *, count: int = 1600, labels: int = 400) -> dict[str, float]:
    """Return how often some look, every ten labels from 20, excludes the truth, and the width at the last."""
    rng = np.random.default_rng([1, int(100 * rate)])
    outside, widths = 0, []
    for _ in range(reps):
        truth, _ = items(rng, count, rate, False)
        codes = np.full((2, count), -1, dtype=np.int8)
        codes[0] = judged(rng, truth)
        seen = rng.permutation(count)[:labels]
        codes[1, seen] = truth[seen]
        order = np.zeros(count)
        order[seen] = np.arange(labels)
        units = Units("", ["ai", "ann"], codes, np.array([0.0, 1.0]), further={ORDER: order})
        found = sequence(units, "ai", ["ann"], chosen, Looks(0.1, "simulated"))
        outside += any(not look["low"] <= rate <= look["high"] for look in found["looks"])
        widths.append(found["high"] - found["low"])
    return {"outside": outside / reps, "width": float(np.mean(widths))}


def table_of_sequences(reps: int) -> None:
    """Print how often a confidence sequence excludes the truth at some look from 20 to 400 labels."""
    print("| chosen | .1 | .5 | .7 | .9 |\n|---|---|---|---|---|")
    for chosen in ("random", None):
        found = [looked_at(rate, chosen, reps) for rate in (0.1, 0.5, 0.7, 0.9)]
        cells = [f"{one['outside']:.3f} ({one['width']:.2f})" for one in found]
        print(f"| {chosen or 'not said'} | {' | '.join(cells)} |", flush=True)


def trusted(n: int, rate: float, accuracy: float | None, reps: int) -> dict[str, float]:
    """Return how often each outcome is said of a judge that is right so often, or guesses (None)."""
    rng = np.random.default_rng([2, n, int(100 * rate)])
    said = dict.fromkeys(("better", "not_better", "not_enough"), 0)
    for _ in range(reps):
        truth = rng.random(n) < rate
        judge = np.where(rng.random(n) < accuracy, truth, ~truth) if accuracy else rng.random(n) < rate
        codes = np.stack([truth, judge]).astype(np.int8)
        units = Units("", ["a", "b"], codes, np.arange(2.0)).trimmed()
        row: dict[str, Any] = compute("alpha", units, "nominal", resamples=500).to_dict()
        same = float((codes[0] == codes[1]).mean())
        rare = int(min(judge.sum(), n - judge.sum()))
        said[beyond_chance(row | {"coefficient": "alpha", "n": n, "percent_agreement": same}, rare=rare).outcome] += 1
    return {name: count / reps for name, count in said.items()}


def table_of_trust(reps: int) -> None:
    """Print how often a judge is called better than chance, no better, or not known for want of data."""
    print("| passes | items | guesses: better / no better | right in 80 %: better / no better |\n|---|---|---|---|")
    for rate, n in product((0.5, 0.8, 0.9), (15, 30, 60, 200, 1000)):
        cells = [trusted(n, rate, accuracy, reps) for accuracy in (None, 0.8)]
        told = [f"{one['better']:.3f} / {one['not_better']:.3f}" for one in cells]
        print(f"| {rate} | {n} | {' | '.join(told)} |", flush=True)


PERSON = 0.8
"""How often a simulated person is right about which answer is better."""
REFERENCES = ("a verifier", "one person", "two people")


@dataclass(frozen=True)
class Fair:
    """A cell of the audits' grid: comparisons of the judge's own family with another.

    Attributes:
        own_wins: How often the own answer is the better one.
        accuracy: How often the judge is right, whichever is better.
        correlation: Between the difference in length and the latent difference in quality.
        reference: One of `REFERENCES`.
    """

    own_wins: float
    accuracy: float
    correlation: float
    reference: str


def compared(rng: np.random.Generator, n: int, cell: Fair, bias: str, share: float) -> tuple[Floats, Floats, Reference]:
    """Return preferences for the own answer, how much longer that is, and the reference.

    Args:
        rng: Decides every draw.
        n: Pairs.
        cell: The cell.
        bias: `self_preference` or `length`.
        share: How often the judge follows its bias, whatever is better.
    """
    latent = rng.normal(size=n)
    better = latent > norm.ppf(1 - cell.own_wins)
    longer = cell.correlation * latent + (1 - cell.correlation**2) ** 0.5 * rng.normal(size=n)
    takes = np.where(rng.random(n) < cell.accuracy, better, ~better)
    takes = np.where(rng.random(n) < share, True if bias == "self_preference" else longer > 0, takes)
    people = REFERENCES.index(cell.reference)
    said = np.array([np.where(rng.random(n) < PERSON, better, ~better) for _ in range(people)] or [better], dtype=float)
    noise = said.var(axis=0, ddof=1) / people if people > 1 else np.full(n, np.nan)
    return takes.astype(float), longer, Reference(said.mean(axis=0) - 0.5, noise, not people)


def audited(bias: str, cell: Fair, share: float, reps: int, n: int = 300) -> float:
    """Return how often a judge that follows its bias so often is flagged."""
    rng = np.random.default_rng(3)
    item = pd.Series(np.arange(n).astype(str))
    flagged = 0
    for _ in range(reps):
        takes, longer, reference = compared(rng, n, cell, bias, share)
        if bias == "self_preference":
            check = around("", taste(takes - 0.5, reference, None, item), 0.0, SELF_MARGIN, "")
        else:
            odds = odds_of_length(takes, np.tanh(longer / longer.std()), reference, item)
            ends = (float(expit(np.tanh(1.0) * end)) for end in (odds.value, odds.low, odds.high))
            check = around("", Estimate(*ends, n), 0.5, LENGTH_MARGIN, "")
        flagged += check.verdict == "flagged"
    return flagged / reps


def table_of_audits(reps: int) -> None:
    """Print how often unbiased judges are flagged, and judges with a bias of 20 %."""
    cells = {"self_preference": ((0.25, 0.0), (0.5, 0.0), (0.75, 0.0)), "length": ((0.5, 0.0), (0.5, 0.25), (0.5, 0.5))}
    for bias, settings in cells.items():
        print(f"\n{bias}, 300 pairs: unbiased judges flagged (with a bias of 20 %)\n")
        print("| own wins, correlation | judge right | a verifier | one person | two people |\n|---|---|---|---|---|")
        for (wins, correlation), accuracy in product(settings, (0.65, 0.8, 0.95)):
            rates = [
                [audited(bias, Fair(wins, accuracy, correlation, reference), share, reps) for share in (0.0, 0.2)]
                for reference in REFERENCES
            ]
            shown = [f"{fair:.3f} ({biased:.2f})" for fair, biased in rates]
            print(f"| {wins}, {correlation} | {accuracy} | {' | '.join(shown)} |", flush=True)


def placed(n: int, accuracy: float, place: float, reps: int) -> float:
    """Return how often a judge that follows the place in some pairs is flagged; `accuracy` is of each order alone."""
    rng = np.random.default_rng(4)
    flagged = 0
    for _ in range(reps):
        better = rng.random(n) < 0.5
        orders = []
        for order in ("response_first", "against_first"):
            said = np.where(rng.random(n) < accuracy, better, ~better)
            orders.append((order, said))
        follows = rng.random(n) < place
        rows = [
            pd.DataFrame({"item_id": np.arange(n).astype(str), "response_id": "a", "against_id": "b", "rater": "judge",
                          "rater_kind": "judge", "scale": "preference", "order": order,
                          "value": np.where(follows, order == "response_first", said).astype(float)})
            for order, said in orders
        ]  # fmt: skip
        flagged += position(subject_of(pd.concat(rows), "judge"))[1].verdict == "flagged"
    return flagged / reps


def table_of_places(reps: int) -> None:
    """Print how often a preference for the first place is found."""
    print(
        "| pairs | judge right in each order | no preference | 10 % by place | 20 % by place |\n|---|---|---|---|---|"
    )
    for n, accuracy in product((50, 100, 300), (1.0, 0.9, 0.8)):
        cells = [f"{placed(n, accuracy, place, reps):.3f}" for place in (0.0, 0.1, 0.2)]
        print(f"| {n} | {accuracy} | {' | '.join(cells)} |", flush=True)


PARTS: dict[str, Callable[[int], None]] = {"corrected": table_of_corrected, "sequential": table_of_sequences,
                                           "trust": table_of_trust, "audits": table_of_audits,
                                           "places": table_of_places}  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=list(PARTS), choices=[*PARTS, []])
    parser.add_argument("--reps", type=int, default=1000)
    given = parser.parse_args()
    for part in given.parts:
        print(f"\n{part}, {given.reps:,} simulations a cell\n")
        PARTS[part](given.reps)
