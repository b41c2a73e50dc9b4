"""Generalizability: how much of the ratings' variance is the item's, the rater's, the prompt's, and a repetition's.

A decision table says how sure a mean over so many raters, prompts and repetitions would be. Each interval says whether
the raters are fixed (these raters, other items) or random (other raters too).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import pandas as pd

from harness.agreement.grid.columns import codes_of
from harness.agreement.grid.ratings import read
from harness.agreement.grid.units import Units
from harness.agreement.repeats import CELL, with_repetitions
from harness.errors import HarnessError
from harness.run import is_ok, is_person, is_valued
from harness.statistics import (
    Crossed,
    Effect,
    Estimate,
    Floats,
    Ints,
    Weighted,
    bootstrap,
    from_draws,
    generalizability,
    number,
    smallest,
)

FEWEST_REPEATED = 10
"""Ratings beyond the first of their cell from which a rater's own noise is told from the interaction."""
TIMES = {"rater": (1, 2, 3, 4, 5, 10), "repetition": (1, 2, 3, 5)}
"""How many the decision table goes through; of prompts as many as there are, and one."""
BETWEEN = "\x1f"


@dataclass(frozen=True)
class Components:
    """Variance components of one criterion.

    Attributes:
        criterion: Its name.
        raters: Whose ratings.
        n_items: Items.
        n_ratings: Their ratings.
        rows: One an effect: `effect`, `variance` (never below 0), `share`, `low`, `high` (raters fixed), `negative`
            (whether the estimate was below 0).
        decisions: One a number of raters, prompts and repetitions: `error` (standard error of the mean, in the units
            of the scale), `generalizability`, `dependability`.
        coefficients: Of one rating: `generalizability` and `dependability`, `low`, `high` with the raters fixed,
            and of the second `random_low`, `random_high` with the raters random.
        reason: Why there are none.
    """

    criterion: str
    raters: list[str]
    n_items: int = 0
    n_ratings: int = 0
    rows: Sequence[dict[str, Any]] = ()
    decisions: Sequence[dict[str, Any]] = ()
    coefficients: Sequence[dict[str, Any]] = ()
    reason: str | None = None

    def enough(self, error: float) -> dict[str, Any] | None:
        """Return the decision with the fewest ratings an item whose standard error is no greater; None where none is.

        Args:
            error: The wanted standard error, in the units of the scale.
        """
        good = [row for row in self.decisions if row["error"] is not None and row["error"] <= error]
        return min(good, key=lambda row: prod(n for n in row.values() if isinstance(n, int)), default=None)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {**vars(self), **{name: list(getattr(self, name)) for name in ("rows", "decisions", "coefficients")}}


def of_criterion(
    ratings: pd.DataFrame | None, units: Units, kinds: Mapping[str, str], *, facet: str | None, **options: Any
) -> Components:
    """Return the components of one criterion, from its ratings or, where only these are given, its units."""
    raters = [name for name in units.raters if kinds.get(name) != "aggregate"]  # a mean over people is no person
    if ratings is not None:
        return of_ratings(ratings, units, raters, facet=facet, **options)
    if facet:
        raise HarnessError("facet needs one row a rating, and all of them: no wide frame, no drop_outvoted")
    options.pop("cluster")
    return of_units(units, raters, **options)


def people_components(ratings: pd.DataFrame, criterion: str | None = None) -> Components:
    """Return the components of people's ratings, without intervals: what a plan of more of them rests on.

    Args:
        ratings: A run's ratings, or a file's.
        criterion: The criterion; needed where there are several.

    Raises:
        HarnessError: There are several criteria, or no ratings by people.
    """
    said = (
        is_valued(ratings) | (is_ok(ratings) & ratings["label"].notna()) if "label" in ratings else is_valued(ratings)
    )
    rows = ratings[is_person(ratings) & said]
    if criterion is not None:
        rows = rows[(rows["criterion"].map(str) == criterion).to_numpy(bool)]
    found = read(rows.assign(repetition=0), level=None)
    if len(found.criteria) > 1:
        raise HarnessError(f"there are several criteria; name one: {', '.join(found.criteria)}")
    units = found.units(found.criteria[0])
    return of_ratings(rows, units, units.raters, resamples=0)


def of_units(units: Units, raters: Sequence[str], *, resamples: int = 1000, seed: int = 0) -> Components:
    """Return the components of one rating of each item and rater."""
    if units.numbers is None:
        return Components(units.criterion, list(raters), reason="not_numbers")
    grid = units.grid()[[units.raters.index(name) for name in raters]]
    rater, item = np.nonzero(~np.isnan(grid))
    facets = {"item": item, "rater": rater}
    cluster = item if units.clusters is None else units.clusters[item]
    return _components(units.criterion, list(raters), grid[rater, item], facets, cluster, resamples, seed)


def of_ratings(
    ratings: pd.DataFrame,
    units: Units,
    raters: Sequence[str],
    *,
    facet: str | None = None,
    cluster: str | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Components:
    """Return the components of one criterion, with repetitions and a further facet where there are any.

    Args:
        ratings: One row a rating, as `agree` takes them.
        units: The criterion's ratings, of which the rows are.
        raters: The raters to look at.
        facet: The column of a further crossed facet (a judge's prompt).
        cluster: The column of items that belong together.
        resamples: Bootstrap resamples of the items; 0 gives no intervals.
        seed: Decides the draws.

    Raises:
        HarnessError: The facet is no column, has gaps or one value.
    """
    if units.numbers is None:
        return Components(units.criterion, list(raters), reason="not_numbers")
    names = ratings["rater"].map(str)
    mine = ratings[names.isin(set(raters)).to_numpy(bool)]
    if "criterion" in mine:
        mine = mine[(mine["criterion"].map(str) == units.criterion).to_numpy(bool)]
    second = _facet(mine, facet) if facet else pd.Series("", index=mine.index)
    mine = mine.assign(rater=mine["rater"].map(str).str.cat(second.to_numpy(str), sep=BETWEEN))
    mine = with_repetitions(mine)
    cell = [name for name in (*CELL, "repetition") if name in mine]
    rows = read(mine[~mine.duplicated(cell)].assign(repetition=0), level="interval", cluster=cluster)
    parts = [name.split(BETWEEN) for name in rows.raters]
    facets = {"item": rows.unit, "rater": _coded([part[0] for part in parts])[rows.rater]}
    if facet:
        facets[facet] = _coded([part[1] for part in parts])[rows.rater]
    clusters = rows.unit if rows.cluster is None else rows.cluster[rows.unit]
    return _components(units.criterion, list(raters), rows.value, facets, clusters, resamples, seed)


def _facet(rows: pd.DataFrame, name: str) -> pd.Series[Any]:
    if name not in rows or name in (*CELL, "repetition", "value", "label"):
        raise HarnessError(f"facet {name!r}: no column of its own that crosses items and raters")
    if rows[name].isna().any():
        raise HarnessError(f"facet {name!r}: {int(rows[name].isna().sum()):,} ratings have no value in this column")
    if rows[name].nunique() < 2:
        raise HarnessError(f"facet {name!r}: all ratings have the same value, so that it cannot be told apart")
    return rows[name].map(str)


def _coded(names: list[str]) -> Ints:
    return np.asarray(codes_of(pd.Series(names))[0], dtype=np.int64)


def _components(
    criterion: str,
    raters: list[str],
    values: Floats,
    facets: Mapping[str, Ints],
    cluster: Ints,
    resamples: int,
    seed: int,
) -> Components:
    facets = {name: np.unique(levels, return_inverse=True)[1] for name, levels in facets.items()}
    first = np.sort(np.unique(np.column_stack(list(facets.values())), axis=0, return_index=True)[1])
    repeated = len(values) - len(first) >= FEWEST_REPEATED
    if not repeated:
        values, cluster = values[first], cluster[first]
        facets = {name: levels[first] for name, levels in facets.items()}
    items = len(np.unique(facets["item"]))
    lacking = None
    if np.ptp(values) == 0:
        lacking = "single_category"
    elif len(np.unique(facets["rater"])) < 2:
        lacking = "one_rater"
    elif items < 2:
        lacking = "too_few_items"
    if lacking:
        return Components(criterion, raters, items, len(values), reason=lacking)
    values, cluster = np.asarray(values, float), np.unique(cluster, return_inverse=True)[1]
    crossed = Crossed(values, facets, cluster, repeated)
    if not repeated and items == len(crossed.counts):
        crossed = _by_pattern(values, facets)
    found = crossed.at(crossed.counts[None, :].astype(float))[0]
    if not np.isfinite(found).all():
        return Components(criterion, raters, items, len(values), reason="not_crossed")
    draws, left_out = _redrawn(crossed, resamples, seed) if resamples else (None, None)

    def interval(of: Any) -> dict[str, float | None]:
        value = float(of(found))
        if draws is None or left_out is None or not np.isfinite(value):
            one = Estimate(value)
        else:
            one = from_draws(value, of(draws), of(left_out), np.ones(len(left_out), np.int64), n=items)
        return {name: number(getattr(one, name)) for name in ("value", "low", "high")}

    whole = float(np.maximum(found, 0).sum())
    rows = []
    for place, effect in enumerate(crossed.effects):
        one = interval(lambda known, place=place: np.maximum(known[..., place], 0))
        variance = one.pop("value")
        share = number((variance or 0) / whole) if whole > 0 else None
        rows.append({"effect": _name(effect, repeated), "variance": variance, "share": share, **one,
                     "negative": bool(found[place] < -1e-12)})  # fmt: skip
    coefficients: list[dict[str, Any]] = []
    for name in ("generalizability", "dependability"):
        of_one = interval(lambda known, name=name: getattr(generalizability(known, crossed.effects, {}), name))
        coefficients.append({"coefficient": name, **of_one})
    low, high = _of_random_raters(crossed, found, draws, seed)
    coefficients[1] |= {"random_low": low, "random_high": high}
    decisions = list(_decisions(found, crossed))
    return Components(criterion, raters, items, len(values), rows, decisions, coefficients)


def _by_pattern(values: Floats, facets: Mapping[str, Ints]) -> Crossed:
    """Return one of all items with the same ratings, and how often it stands: a million items are a few hundred."""
    item, *others = facets
    place = np.unique(np.column_stack([facets[name] for name in others]), axis=0, return_inverse=True)[1].ravel()
    codes = np.unique(values, return_inverse=True)[1]
    grid = np.full((int(facets[item].max()) + 1, int(place.max()) + 1), -1, dtype=smallest(int(codes.max()) + 1))
    grid[facets[item], place] = codes
    _, first, times = np.unique(grid, axis=0, return_index=True, return_counts=True)
    kept = np.isin(facets[item], first)
    few = {name: levels[kept] for name, levels in facets.items()}
    order = np.argsort(first)
    few[item] = np.unique(few[item], return_inverse=True)[1]
    return Crossed(values[kept], few, few[item], False, times[order])


def _redrawn(crossed: Crossed, resamples: int, seed: int) -> tuple[Floats, Floats]:
    statistic = Weighted(crossed.at, crossed.counts)
    return bootstrap(statistic, resamples, seed), statistic.without()[0]


def _of_random_raters(
    crossed: Crossed, found: Floats, draws: Floats | None, seed: int
) -> tuple[float | None, float | None]:
    """Return the interval of one rating's dependability where other raters might have rated.

    With the few raters that there are a resample of them says little (of three, one in nine has a single one). So items
    are resampled, and the variance of the raters' means is divided by a chi square with a degree of freedom less than
    there are raters (a generalized confidence interval, Weerahandi 1993): raters' severities are taken for normal.
    """
    if draws is None:
        return None, None
    degrees = int(crossed.facets["rater"].max())
    place = crossed.effects.index(("rater",))
    noise = draws @ np.where(np.arange(len(found)) == place, 0, crossed.noise("rater"))
    means = np.maximum(draws[:, place] + noise, 0)
    other = draws.copy()
    other[:, place] = means * degrees / np.random.default_rng(seed).chisquare(degrees, len(draws)) - noise
    phi = generalizability(other, crossed.effects, {}).dependability
    phi = phi[np.isfinite(phi)]
    if not len(phi):
        return None, None
    low, high = np.quantile(phi, [0.025, 0.975])
    return float(low), float(high)


def _decisions(found: Floats, crossed: Crossed) -> Iterator[dict[str, Any]]:
    further = [name for name in crossed.facets if name not in ("item", "rater")]
    prompts = {name: sorted({1, int(crossed.facets[name].max()) + 1}) for name in further}
    steps = [(name, count) for name in further for count in prompts[name]] or [("", 1)]
    for raters in TIMES["rater"]:
        for name, count in steps:
            for repetitions in TIMES["repetition"] if crossed.repeated else (1,):
                times = {"rater": raters, "repetition": repetitions} | ({name: count} if name else {})
                mean = generalizability(found, crossed.effects, times)
                yield {
                    "raters": raters,
                    **({name: count} if name else {}),
                    "repetitions": repetitions,
                    "error": number(float(mean.error)),
                    "generalizability": number(float(mean.generalizability)),
                    "dependability": number(float(mean.dependability)),
                }


def _name(effect: Effect, repeated: bool) -> str:
    if effect[-1] != "repetition":
        return " x ".join(effect)
    return "repetition" if repeated else f"{' x '.join(effect[:-1])}, residual"
