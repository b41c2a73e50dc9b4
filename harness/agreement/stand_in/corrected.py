"""A benchmark's score from many AI ratings and few human ones, without believing the AI.

Which estimate is right depends on how the human-rated items were chosen, and that is asked, never guessed: PPI++
(Angelopoulos, Duchi and Zrnic 2023) where they are a random sample, PPI++ within strata where they were drawn by the
AI's verdict or by a column, Rogan and Gladen's correction where they were drawn by the outcome itself or come from
another population. Where nobody said, the estimates stand side by side with what each assumes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from harness.agreement.grid.units import Units
from harness.agreement.stand_in.estimate import Corrected
from harness.agreement.stand_in.rogan_gladen import rogan_gladen
from harness.statistics import PPI, Bools, Floats, Ints, corrected_mean, number

FEWEST = 5
"""Human-rated items under which nothing is corrected."""
FEWEST_CLUSTERS = 2
MOST_BANDS = 5
"""Grades of an AI are divided into so many bands at most, each with `FEWEST` human-rated items."""
SHIFT_BELOW = 0.05
"""The p value under which the AI is said to rate the human-rated items otherwise than the rest."""
ASSUMES = {
    "random": "people rated a random sample of the items",
    "by-judge": "people rated a random sample of the items, or one drawn by the AI's verdict",
    "by-column": "people rated a random sample of each stratum",
    "by-outcome": "people were shown items because of the true result, or items of another population; only the AI's "
    "sensitivity and specificity carry over",
}
NOTHING = dict.fromkeys(("method", "assumes", "value", "low", "high", "human_only", "ai_only", "shift"))


@dataclass(frozen=True)
class Sample:
    """Items that an AI rated, with people's ratings of a few.

    Attributes:
        human: The mean human rating of each item, NaN where nobody rated it.
        machine: The AI's rating of each item.
        share: Whether people say 0 or 1, and the AI something between them: the mean is then a pass rate.
        strata: The stratum of each item, or None.
        cluster: The cluster of each item, or None.
        kept: Which of the units these items are.
    """

    human: Floats
    machine: Floats
    share: bool
    strata: Ints | None
    cluster: Ints | None
    kept: Ints

    @property
    def labelled(self) -> Bools:
        """Which items people rated."""
        return ~np.isnan(self.human)

    @property
    def verdicts(self) -> bool:
        """Whether everybody says 0 or 1, and people agree where several rated an item."""
        said = np.concatenate([self.human[self.labelled], self.machine])
        return bool(np.isin(said, (0.0, 1.0)).all())


def sample_of(units: Units, ai: str, humans: Sequence[str]) -> Sample:
    """Return the items that an AI rated, with the mean of people's ratings where there are some."""
    grid = units.grid()
    machine = grid[units.raters.index(ai)]
    people = grid[[units.raters.index(human) for human in humans]]
    count = np.sum(~np.isnan(people), axis=0)
    mean = np.where(count > 0, np.nansum(people, axis=0) / np.maximum(count, 1), np.nan)
    kept = np.flatnonzero(~np.isnan(machine))
    said = people[:, kept]
    share = bool(np.isin(said[~np.isnan(said)], (0.0, 1.0)).all()) and bool(np.all(abs(machine[kept] - 0.5) <= 0.5))
    of = [None if group is None else group[kept] for group in (units.strata, units.clusters)]
    return Sample(mean[kept], machine[kept], share, of[0], of[1], kept)


def ppi_mean(y: Floats, f: Floats, unrated: Floats, *, level: float = 0.95) -> Corrected:
    """Return the PPI++ estimate of the mean human rating.

    Args:
        y: Human ratings, shape (n,).
        f: AI ratings of the same items, shape (n,).
        unrated: AI ratings of the other items, shape (N,).
        level: Coverage aimed at.
    """
    one = np.zeros(len(y) + len(unrated), dtype=np.int64)
    return stratified_ppi_mean(y, f, unrated, one[: len(y)], one[len(y) :], level=level)


def stratified_ppi_mean(
    y: Floats, f: Floats, unrated: Floats, strata: NDArray[Any], unrated_strata: NDArray[Any], *, level: float = 0.95
) -> Corrected:
    """Return PPI++ within strata, weighted by their shares of all items; each stratum has a weight lam of its own."""
    machine = np.concatenate([f, unrated])
    share = bool(np.isin(y, (0.0, 1.0)).all() and np.all(abs(machine - 0.5) <= 0.5))
    human = np.concatenate([y, np.full(len(unrated), np.nan)])
    codes = np.unique(np.concatenate([strata, unrated_strata]), return_inverse=True)[1]
    return _as_corrected(Sample(human, machine, share, None, None, np.arange(len(human))), codes, level)


def _as_corrected(sample: Sample, strata: Ints | None, level: float = 0.95) -> Corrected:
    if reason := lacking(sample, strata):
        return Corrected(reason=reason)
    found = ppi_of(sample, strata)
    low, high = found.interval(level)
    share = np.bincount(strata) / len(strata) if strata is not None else np.ones(1)
    return Corrected(found.value, low, high, float(share @ found.weights), found.variance**0.5)


def ppi_of(sample: Sample, strata: Ints | None = None) -> PPI:
    """Return PPI++ of a sample that lacks nothing (`lacking`)."""
    return corrected_mean(
        sample.human, sample.machine, sample.labelled, strata=strata, cluster=sample.cluster, share=sample.share
    )  # fmt: skip


def lacking(sample: Sample, strata: Ints | None = None) -> str | None:
    """Return why nothing can be corrected, or None."""
    labelled = sample.labelled
    if labelled.sum() < FEWEST:
        return "too_few_items"
    if sample.cluster is not None and len(np.unique(sample.cluster[labelled])) < FEWEST_CLUSTERS:
        return "too_few_clusters"
    if strata is not None:
        rated = np.bincount(strata[labelled], minlength=int(strata.max()) + 1)
        if rated.min() < (1 if sample.share else 2):
            return "stratum_without_people"
    return None


def bands(sample: Sample) -> Ints:
    """Return the stratum of each item by the AI's rating: its two verdicts, or bands of its grades."""
    values, band = np.unique(sample.machine, return_inverse=True)
    if len(values) <= 2:
        return band
    rated = np.bincount(band[sample.labelled], minlength=len(values))
    least = max(FEWEST, int(np.ceil(rated.sum() / MOST_BANDS)))
    of_value, held = np.zeros(len(values), dtype=np.int64), 0
    for i in range(1, len(values)):
        held += rated[i - 1]
        full = held >= least and rated[i:].sum() >= FEWEST
        of_value[i] = of_value[i - 1] + full
        held = 0 if full else held
    return of_value[band]


def strata_of(chosen: str | None, sample: Sample) -> Ints | None:
    """Return the strata that PPI++ is taken within, given how the human-rated items were chosen; None for one."""
    if chosen == "random":
        return None
    if chosen is not None and chosen.startswith("by:"):
        return sample.strata
    strata = bands(sample)
    return strata if chosen is not None or lacking(sample, strata) is None else None


def shift_test(f: Floats, unrated: Floats) -> tuple[float, float]:
    """Return the difference of the AI's mean on human-rated and other items, and its p value."""
    machine = np.concatenate([f, unrated])
    labelled = np.arange(len(machine)) < len(f)
    found = _gap(Sample(np.where(labelled, 0.0, np.nan), machine, False, None, None, np.arange(len(machine))))
    return found["difference"], found["p"]


def _gap(sample: Sample) -> dict[str, Any]:
    """Return how the AI rates human-rated items beside the rest: `difference, low, high, p`, within strata."""
    labelled, machine = sample.labelled, sample.machine
    strata = np.zeros(len(machine), np.int64) if sample.strata is None else sample.strata
    codes = np.unique(strata, return_inverse=True)[1]
    sides = [np.bincount(codes[side], minlength=codes.max() + 1) for side in (labelled, ~labelled)]
    if min(side.min() for side in sides) < 2:
        if sample.strata is not None:
            return _gap(Sample(sample.human, machine, False, None, sample.cluster, sample.kept))
        return {"difference": float("nan"), "low": float("nan"), "high": float("nan"), "p": float("nan")}
    share = np.bincount(codes) / len(codes)
    influence: Floats = np.zeros(len(machine))
    difference = 0.0
    for side, sign, count in ((labelled, 1.0, sides[0]), (~labelled, -1.0, sides[1])):
        means = np.bincount(codes[side], weights=machine[side]) / count
        difference += sign * float(share @ means)
        # the square root turns a sum of squares into one with n - 1
        scale = sign * share / np.sqrt(count * (count - 1.0))
        influence[side] = scale[codes[side]] * (machine[side] - means[codes[side]])
    df = float(labelled.sum() - len(share))
    if sample.cluster is not None:
        influence = np.bincount(np.unique(sample.cluster, return_inverse=True)[1], weights=influence).astype(float)
        df = len(np.unique(sample.cluster[labelled])) - 1.0
    error = float(influence @ influence) ** 0.5
    if error < 1e-12:
        return {"difference": difference, "low": difference, "high": difference, "p": float(abs(difference) < 1e-12)}
    margin = float(stdtrit(max(df, 1), 0.975)) * error
    p = float(2 * stdtr(max(df, 1), -abs(difference) / error))
    return {"difference": difference, "low": difference - margin, "high": difference + margin, "p": p}


def correct(units: Units, ai: str, humans: Sequence[str], *, chosen: str | None = None) -> dict[str, Any]:
    """Return the mean human rating over all items that the AI rated, from the humans' few and the AI's many.

    Args:
        units: Ratings of humans and AI; clusters are honoured.
        ai: The AI rater.
        humans: The human raters.
        chosen: How the human-rated items were chosen: one of `CHOSEN`, or `by:COLUMN` with the strata of the units.

    Returns:
        A row `criterion, rater, chosen, method, assumes, value, low, high, n_human, n_items, human_only, ai_only,
        shift, estimates, reason`. `estimates` holds each estimate that may be right, with `method, assumes, value,
        low, high, reason`; the first is that of the row. `shift` is how the AI rates the human-rated items beside the
        rest: `difference, low, high, p, shifted`, and `moves`: by how much the score is corrected for it.
    """
    head: dict[str, Any] = {"criterion": units.criterion, "rater": ai, "chosen": chosen}
    if units.numbers is None:
        return {**head, "n_human": 0, "n_items": 0, **NOTHING, "estimates": [], "reason": "not_numbers"}
    sample = sample_of(units, ai, humans)
    labelled = sample.labelled
    head |= {"n_human": int(labelled.sum()), "n_items": len(labelled)}
    if labelled.sum() < FEWEST or (~labelled).sum() < 2:
        return {**head, **NOTHING, "estimates": [], "reason": "too_few_items"}
    estimates = [way(sample) for way in _ways(chosen, sample)]
    alone = _as_corrected(replaced(sample), sample.strata)
    shift = _gap(sample)
    moves = estimates[0]["value"] - alone.value if estimates[0]["value"] is not None else float("nan")
    return {
        **head,
        **estimates[0],
        "human_only": {name: number(getattr(alone, name)) for name in ("value", "low", "high")},
        "ai_only": float(sample.machine.mean()),
        "shift": {
            **{name: number(value) for name, value in shift.items()},
            "shifted": bool(shift["p"] < SHIFT_BELOW),
            "moves": number(moves),
        },
        "estimates": estimates,
    }


def replaced(sample: Sample) -> Sample:
    """Return a sample whose AI says the same of everything: what people alone say."""
    return Sample(
        sample.human, np.full(len(sample.machine), 0.0), sample.share, sample.strata, sample.cluster, sample.kept
    )


def _ways(chosen: str | None, sample: Sample) -> list[Callable[[Sample], dict[str, Any]]]:
    """Return the estimates to make, the one that counts first."""
    if chosen is None:
        by_verdict = lacking(sample, bands(sample)) is None
        return [_by_judge if by_verdict else _at_random, *([_by_outcome] if sample.verdicts else [])]
    if chosen.startswith("by:"):
        return [_by_column]
    return [{"random": _at_random, "by-judge": _by_judge, "by-outcome": _by_outcome}[chosen]]


def _at_random(sample: Sample) -> dict[str, Any]:
    return _told("ppi++", "random", _as_corrected(sample, None))


def _by_judge(sample: Sample) -> dict[str, Any]:
    strata = bands(sample)
    return _told("stratified_ppi++" if strata.any() else "ppi++", "by-judge", _as_corrected(sample, strata))


def _by_column(sample: Sample) -> dict[str, Any]:
    return _told("stratified_ppi++", "by-column", _as_corrected(sample, sample.strata))


def _by_outcome(sample: Sample) -> dict[str, Any]:
    """Return Rogan and Gladen's estimate over all items: those that people rated have AI verdicts as well."""
    if not sample.verdicts:
        return _told("rogan_gladen", "by-outcome", Corrected(reason="not_verdicts"))
    rated = sample.labelled
    clusters = None if sample.cluster is None else (sample.cluster[rated], sample.cluster)
    found = rogan_gladen(sample.human[rated], sample.machine[rated], sample.machine, clusters=clusters)
    return _told("rogan_gladen", "by-outcome", found)


def _told(method: str, chosen: str, found: Corrected) -> dict[str, Any]:
    ends = {name: number(getattr(found, name)) for name in ("value", "low", "high")}
    return {"method": method, "assumes": ASSUMES[chosen], **ends, "reason": found.reason}
