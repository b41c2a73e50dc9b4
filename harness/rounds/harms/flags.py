"""Flags: what may be wrong with a verdict. Each is its own test with its own evidence, and says yes, no or unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import chdtrc

from harness.rounds.harms.gao import gao_curve
from harness.rounds.scores.grid import ScoreGrid
from harness.rounds.verdict.needed import Precision
from harness.rounds.verdict.verdict import ENOUGH_UNITS, Decision, Outcome, decide, p_below
from harness.statistics import Bools, ContrastEstimate, Floats, Moments, holm

Flag = dict[str, Any]

MISSING_SIGNIFICANCE = 0.01
"""Of the test that as much is missing in every round: one in a hundred series with gaps by chance is called changed."""


def missing_changed(
    grid: ScoreGrid, scores: Floats, contrast: Floats, sesoi: float, significance: float
) -> Flag | None:
    """Return the flag where the missing share changed, with the rates if all that is missing were 0, and 1."""
    gone = np.isnan(scores)
    shares, p = [float(share) for share in gone.mean(axis=(0, 1))], p_same_share(gone)
    if p >= MISSING_SIGNIFICANCE:
        return None
    flag: Flag = {"flag": "missing_changed", "outcome": "yes", "missing": shares, "p": p}
    for name, value in (("missing_as_0", 0.0), ("missing_as_1", 1.0)):
        filled = Moments.of(np.where(np.isnan(scores), value, scores), grid.cluster)
        flag[name] = evidence(decide(filled.estimate(contrast), sesoi, significance))
    return flag


def p_same_share(gone: Bools) -> float:
    """Return the p value against "as much is missing in every round" (Cochran's Q, 1950).

    Args:
        gone: What is missing, shape (seeds, items, rounds).
    """
    rows = gone.reshape(-1, gone.shape[-1]).astype(np.float64)
    by_round, by_row, count = rows.sum(axis=0), rows.sum(axis=1), rows.shape[1]
    spread = float((by_row * (count - by_row)).sum())
    if spread == 0:
        return 1.0
    q = count * (count - 1) * float(((by_round - by_round.mean()) ** 2).sum()) / spread
    return float(chdtrc(count - 1, q))


def over_optimising(
    grid: ScoreGrid, labelled: Bools, contrast: Floats, proxy: Outcome, gold: Outcome, significance: float
) -> Flag:
    """Return whether the proxy runs away from gold: its slope is above gold's, it improves, and gold does not.

    Gold that is inconclusive is unknown, not a sign: a gold sample of 100 that truly gains 2 points is mostly so.
    """
    assert grid.gold is not None
    both = np.concatenate([grid.scores[:, labelled], grid.gold[:, labelled]], axis=2)
    gap = Moments.of(both, grid.clusters_of(labelled)).estimate(np.concatenate([contrast, -contrast]))
    apart = decide(gap, 0.0, significance)
    outcome = "no"
    if apart.low > 0 and proxy.verdict == "improving":
        outcome = {"plateaued": "yes", "worsening": "yes", "inconclusive": "unknown"}.get(gold.verdict, "no")
    elif gold.verdict == "inconclusive" and proxy.verdict == "improving" and apart.high > 0:
        outcome = "unknown"
    return {
        "flag": "over_optimising",
        "outcome": outcome,
        "proxy_minus_gold": {"rate": apart.rate, "low": apart.low, "high": apart.high},
        "proxy": evidence(proxy.rate) | {"verdict": proxy.verdict},
        "gold": evidence(gold.rate) | {"verdict": gold.verdict},
        "n_gold": int(labelled.sum()),
        "gao": _gao(grid, labelled),
    }


def _gao(grid: ScoreGrid, labelled: Bools) -> dict[str, Any] | None:
    """Return Gao's curve of the gold scores where the distance from the base is logged."""
    distance = grid.measures.get("kl")
    if distance is None or grid.gold is None:
        return None
    known = ~np.isnan(distance)
    counts = known.sum(axis=(0, 1))
    kl = np.where(counts > 0, np.where(known, distance, 0).sum(axis=(0, 1)) / np.maximum(counts, 1), np.nan)
    return gao_curve(kl, Moments.of(grid.gold[:, labelled], grid.clusters_of(labelled)))


def judge_decay(grid: ScoreGrid, labelled: Bools, contrast: Floats, sesoi: float, significance: float) -> Flag:
    """Return whether the judge agrees with gold less and less, as the model learns what the judge likes.

    Agreement on an item is 1 - |score - gold|: for right-or-wrong verdicts the share of equal ones.
    """
    assert grid.gold is not None
    apart = grid.scores[:, labelled] - grid.gold[:, labelled]
    agreement = 1 - np.abs(apart)
    judged = decide(Moments.of(agreement, grid.clusters_of(labelled)).estimate(contrast), sesoi, significance)
    return {
        "flag": "judge_decay",
        "outcome": falling(judged, sesoi),
        "agreement": evidence(judged),
        "by_round": [float(value) for value in agreement.mean(axis=(0, 1))],
        "leniency_by_round": [float(value) for value in apart.mean(axis=(0, 1))],
        "n_gold": int(labelled.sum()),
    }


@dataclass(frozen=True)
class OffTarget:
    """The change of an off-target benchmark, final round minus the first."""

    benchmark: str
    estimate: ContrastEstimate
    precision: Precision
    n_items: int


def off_target(score_grids: Sequence[ScoreGrid]) -> list[OffTarget]:
    """Return the change of each off-target grid that has enough items."""
    found = []
    for grid in score_grids:
        if grid.units_of(grid.measured) >= ENOUGH_UNITS and len(grid.rounds) > 1:
            ends = grid.moments().columns([0, len(grid.rounds) - 1])
            estimate = ends.estimate(np.array([-1.0, 1.0]))
            found.append(OffTarget(grid.benchmark, estimate, Precision.of(ends), int(grid.measured.sum())))
    return found


def forgetting(changes: Sequence[OffTarget], sesoi: float, significance: float) -> list[Flag]:
    """Return for each off-target benchmark whether the series forgot it; Holm over the benchmarks.

    `yes` where the change is below zero, `no` (kept) where it is above minus the SESOI, else `unknown` with the items
    needed: not proving that nothing was lost is no loss.
    """
    lost = holm([p_below(change.estimate, 0.0) for change in changes])
    kept = holm([1 - p_below(change.estimate, -sesoi) for change in changes])
    flags = []
    for change, p_lost, p_kept in zip(changes, lost, kept, strict=True):
        judged = decide(change.estimate, sesoi, significance)
        outcome = "yes" if p_lost < significance else "no" if p_kept < significance else "unknown"
        flags.append(
            {
                "flag": "forgetting",
                "outcome": outcome,
                "benchmark": change.benchmark,
                **evidence(judged),
                "p_holm": {"forgetting": p_lost, "kept": p_kept},
                "n_items": change.n_items,
                "needed_items": change.precision.needed(sesoi, significance).detect if outcome == "unknown" else None,
            }
        )
    return flags


def rising(judged: Decision, sesoi: float) -> str:
    """Return whether a measure rises: yes, no (by less than the SESOI), or unknown."""
    return "yes" if judged.low > 0 else "no" if judged.high < sesoi else "unknown"


def falling(judged: Decision, sesoi: float) -> str:
    """Return whether a measure falls: yes, no (by less than the SESOI), or unknown."""
    return "yes" if judged.high < 0 else "no" if judged.low > -sesoi else "unknown"


def evidence(judged: Decision) -> dict[str, Any]:
    """Return a judgement as a flag shows it."""
    return {"rate": judged.rate, "low": judged.low, "high": judged.high, "verdict": judged.verdict}


def flag_sentence(flag: Flag) -> str:
    """Return a flag as a person reads it: its name, what it says, and the figures of its evidence."""
    about = f" ({flag['benchmark']})" if "benchmark" in flag else ""
    said = [_figures(flag, f"{100 * flag['rate']:+.1f} points since the first round")] if "rate" in flag else []
    if "growth" in flag:
        said.append(_figures(flag, f"{100 * flag['growth']:+.1f} % a round"))
    for name, one in flag.items():
        if isinstance(one, dict) and one.get("rate") is not None:
            rate = f"{100 * one['rate']:+.1f} points a round"
            said.append(f"{name.replace('_', ' ')} {_figures(one, rate)}")
    if "left" in flag:
        said.append(f"{100 * flag['score']:.3g} of {100 * flag['top']:.3g} points")
    said += flag.get("worsening", [])
    evidence_shown = f": {', '.join(said)}" if said else ""
    return f"{flag['flag'].replace('_', ' ')}{about}: {flag['outcome']}{evidence_shown}"


def _figures(evidence: dict[str, Any], value: str) -> str:
    return f"{value} [{100 * evidence['low']:.1f}, {100 * evidence['high']:.1f}]"
