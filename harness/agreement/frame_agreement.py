"""How far the raters of a frame agree: what is asked, in the order in which one thing needs another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from harness.agreement import cautions
from harness.agreement.advice import MOST_RATERS
from harness.agreement.agreement import Agreement
from harness.agreement.by_level import by_level
from harness.agreement.cautions import Caution, caution
from harness.agreement.coefficients.alpha import compare_alpha
from harness.agreement.coefficients.coefficients import choose, compute
from harness.agreement.coefficients.consistency import of_random_raters
from harness.agreement.coefficients.kalpha import kalpha, too_narrow
from harness.agreement.components import of_criterion
from harness.agreement.grid.compared import compared_once
from harness.agreement.grid.declared import declare, on_scale
from harness.agreement.grid.level import Levelled, level_of, levelled
from harness.agreement.grid.ratings import criteria_of, read
from harness.agreement.grid.scales import of_pool, of_scales
from harness.agreement.grid.units import LISTS, Level, Units
from harness.agreement.grid.wide import is_wide, wide_units
from harness.agreement.labels import without_outvoted
from harness.agreement.means import Means, means_of
from harness.agreement.options import AgreementOptions
from harness.agreement.repeats import of_repeats, self_agreement, with_repetitions
from harness.agreement.slices import slices_of
from harness.agreement.stand_in.corrected_score import corrected_score, of_shift
from harness.agreement.stand_in.sequential import ORDER, Looks, with_order
from harness.agreement.stand_in.shared_errors import of_raters
from harness.agreement.stand_in.stand_in import StandIn, can_stand_in
from harness.agreement.stand_in.systems import one_answer_a_system
from harness.agreement.stand_in.weights import panel_weights
from harness.agreement.table import Table
from harness.agreement.told import gathered
from harness.errors import HarnessError
from harness.rating import Cells, Gathered
from harness.run import people_and_ai

CROSS_CHECK = False
"""Whether alpha is compared with the `krippendorff` package where nobody says: the tests always do."""


class _Compared(NamedTuple):
    """What is compared.

    Attributes:
        criteria: Each criterion's units, their level, and why it was chosen.
        ratings: The frame, one row a rating; None of a wide one.
        kinds: The kind of each rater, as far as it is known.
        repeats: How far raters agree with themselves.
        notes: What to beware of, as far as it is known; more is added as more is asked.
    """

    criteria: list[Levelled]
    ratings: pd.DataFrame | None
    kinds: Mapping[str, str]
    repeats: list[dict[str, Any]]
    notes: list[Caution]


class _Sides(NamedTuple):
    """A criterion that people and AI raters rated, with the level at which they are compared."""

    units: Units
    level: Level
    people: list[str]
    machines: list[str]


def agree_in_frame(source: pd.DataFrame | Gathered, asked: AgreementOptions) -> Agreement:
    """Say how far the raters of a frame agree.

    Args:
        source: One row a rating, or wide, as `agree` takes them; or ratings by unit, where nothing needs rows.
        asked: What is asked of them.

    Raises:
        HarnessError: The ratings cannot be read so; says what to change.
    """
    ratings, cells = (source.rows, source.cells) if isinstance(source, Gathered) else (source, None)
    if isinstance(asked.level, Mapping):
        return by_level(lambda one: agree_in_frame(source, one), ratings, asked.level, asked)
    found = _of_wide(ratings, asked, asked.level) if is_wide(ratings) else _of_long(ratings, asked, asked.level, cells)
    if asked.drop_outvoted:
        found = _without_outvoted(found)
    by = asked.by if asked.by and not asked.correct else None
    slices = [slices_of(one.units, one.level, by, one.units.further[by], **asked.draws) for one in found.criteria if by]
    means = [_means(one, asked.means, found) for one in found.criteria if asked.means]
    tables = [_table(one, asked, found.notes) for one in found.criteria]
    stand_in, raters = _stand_ins(found, asked) if asked.stand_in else ([], [])
    weights = _weights(found) if asked.weights else {}
    corrected = _corrected(found, asked) if asked.correct else []
    groups: dict[str, Any] = {"facet": asked.facet, "cluster": asked.cluster, **asked.draws}
    parts = [
        of_criterion(found.ratings, one.units, found.kinds, **groups) for one in found.criteria if asked.components
    ]
    return Agreement(
        tables=tables,
        warnings=gathered(found.notes),
        units=[one.units for one in found.criteria],
        stand_in=stand_in,
        raters=raters,
        corrected=corrected,
        self_agreement=found.repeats,
        weights=weights,
        draws=asked.draws,
        kinds=found.kinds,
        slices=slices,
        means=means,
        components=parts,
        read=list(ratings.attrs.get("notes", ())),
    )


def _of_wide(ratings: pd.DataFrame, asked: AgreementOptions, level: Level | None) -> _Compared:
    if asked.categories or asked.score_range:
        raise HarnessError("a wide frame has no criteria whose scale could be declared: give one row a rating")
    if asked.sequential or asked.by or asked.means:
        raise HarnessError("a wide frame has neither an order of labelling nor systems: give one row a rating")
    if asked.criterion or asked.kind:
        raise HarnessError("a wide frame has one criterion and no kinds of raters: choose raters by name")
    units = wide_units(ratings, level, raters=asked.raters, cluster=asked.cluster, strata=asked.selection[1])
    found, why = (level, "") if level else level_of(units)
    return _Compared([Levelled(on_scale(units, None), found, why)], None, {}, [], [])


def _of_long(ratings: pd.DataFrame, asked: AgreementOptions, level: Level | None, cells: Cells | None) -> _Compared:
    ratings, scales = declare(compared_once(ratings), asked.categories, asked.score_range)
    for system in filter(None, [asked.by if asked.correct else None, asked.means]):
        ratings = one_answer_a_system(ratings, system)
    ratings = with_order(ratings, asked.time) if asked.sequential else ratings
    further = [*filter(None, dict.fromkeys([asked.by, asked.means])), *([ORDER] if asked.sequential else [])]
    groups: dict[str, Any] = {
        "cluster": asked.cluster,
        "strata": asked.selection[1],
        "further": further,
        "cells": cells,
    }
    rows = read(ratings, level=level, raters=asked.raters, criterion=asked.criterion, kind=asked.kind, **groups)
    found = [levelled(ratings, rows, units, level, groups) for units in criteria_of(rows, asked.pool)]
    notes = [*cautions.of_ratings(rows), *(of_pool(rows) if asked.pool else ())]
    kinds = {**rows.kinds, **dict.fromkeys(rows.aggregates, "aggregate")}
    repeats: list[dict[str, Any]] = []
    if "repetition" in rows.left_out or any(note["code"] == "self_agreement" for note in notes):
        levels = {one.units.criterion: one.level for one in found}
        repeats = list(self_agreement(with_repetitions(ratings), levels, raters=rows.raters, **asked.draws))
        if repeats:
            notes = [note for note in notes if note["code"] != "self_agreement"] + list(of_repeats(repeats))
    declared = {} if asked.pool else scales
    found = [one._replace(units=on_scale(one.units, declared.get(one.units.criterion))) for one in found]
    return _Compared(found, ratings, kinds, repeats, notes)


def _means(one: Levelled, column: str, found: _Compared) -> Means:
    """Return a criterion's mean by group; comparisons, of which the rows tell, have none."""
    rows = found.ratings
    compares = rows is not None and "against_id" in rows and rows["against_id"].notna()
    if rows is not None and "criterion" in rows:
        compares &= rows["criterion"].map(str) == one.units.criterion
    return means_of(one.units, one.level, column, found.kinds, compares=bool(np.any(compares)))


def _without_outvoted(found: _Compared) -> _Compared:
    """Return the same without outvoted ratings; the rows still have them, so there are none."""
    kept = [without_outvoted(one.units) for one in found.criteria]
    criteria = [one._replace(units=units) for one, (units, _) in zip(found.criteria, kept, strict=True)]
    return found._replace(criteria=criteria, ratings=None, notes=found.notes + [note for _, note in kept if note])


def _table(one: Levelled, asked: AgreementOptions, notes: list[Caution]) -> Table:
    """Return a criterion's table; note what to beware of in it."""
    units, level, why = one
    checked = CROSS_CHECK if asked.cross_check is None else asked.cross_check
    check = compare_alpha(units, level, asked.draws["seed"]) if checked else {"cross_check": "not_asked"}
    chosen, because = choose(level, asked.coefficients)
    values = {name: compute(name, units, level, **asked.draws) for name in chosen}
    random = {name: of_random_raters(name, units) for name in values if asked.resamples}
    drawn = {name: ends for name, ends in random.items() if ends}
    reasons = f"{level}: {why}; {because}" if why else because
    own = [note for note in cautions.of_units(units, level) if not (asked.correct and note["code"] == "little_overlap")]
    notes += [*own, *of_scales(units), *cautions.of_method(units, values)]
    if asked.cluster is None:
        notes += cautions.of_names(units)
    if asked.interval == "kalpha" and asked.resamples:
        values["alpha"] = kalpha(units, level, **asked.draws)
        notes.append(too_narrow(units.criterion, units.n_items))
    if len(units.raters) > MOST_RATERS:
        notes.append(cautions.too_many(units))
    return Table(units.criterion, level, units.raters, units.n_items, units.n_ratings, values, reasons, check, drawn)


def _stand_ins(found: _Compared, asked: AgreementOptions) -> tuple[list[StandIn], list[dict[str, Any]]]:
    """Return what is known of each AI rater as a stand-in, and of the raters of each criterion."""
    allowed: dict[str, Any] = {"epsilon": asked.epsilon, "alignment": asked.alignment, "min_items": asked.min_items}
    answers, known = [], []
    for units, level, people, machines in _with_sides(found, 2):
        answers += [can_stand_in(units, ai, people, level, **allowed, **asked.draws) for ai in machines]
        known.append(of_raters(units, people, level))
    return answers, known


def _weights(found: _Compared) -> dict[str, dict[str, float]]:
    """Return the weights of each criterion's AI raters as a panel."""
    return {
        one.units.criterion: panel_weights(one.units, one.machines, one.people, one.level)
        for one in _with_sides(found, 1)
    }


def _corrected(found: _Compared, asked: AgreementOptions) -> list[dict[str, Any]]:
    """Return each criterion's mean human rating by each AI rater; note where people's items differ from the rest."""
    looks = Looks(asked.width, asked.time or "the order of the ratings") if asked.sequential else None
    rows = [
        corrected_score(one.units, ai, one.people, asked.selection[0], looks, asked.by)
        for one in _with_sides(found, 1)
        for ai in one.machines
    ]
    found.notes.extend(of_shift(rows))
    return rows


def _with_sides(found: _Compared, people: int) -> Iterator[_Sides]:
    """Yield the criteria that have enough humans and an AI rater, with these; note those that have not.

    Raises:
        HarnessError: None has.
    """
    lacking = []
    for units, level, _ in found.criteria:
        humans, machines = people_and_ai(found.kinds, units.raters)
        if len(humans) >= people and machines:
            yield _Sides(units, "nominal" if level in LISTS else level, humans, machines)
            continue
        said = (
            f"{units.criterion}: this needs {people} human raters or more and an AI rater, and there are "
            f"{len(humans)} and {len(machines)}; name the AI raters by a column of kinds, or with --ai GLOB"
        )
        lacking.append(caution("too_few_raters", said, criterion=units.criterion, n=len(humans)))
    if len(lacking) == len(found.criteria):
        raise HarnessError(lacking[0]["message"])
    found.notes.extend(lacking)
