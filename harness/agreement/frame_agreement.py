"""How far the raters of a frame agree: what is asked, in the order in which one thing needs another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from harness.agreement import cautions
from harness.agreement.agreement import MOST_RATERS, Agreement
from harness.agreement.asked import Asked, Draws
from harness.agreement.by_level import by_level
from harness.agreement.cautions import Caution, caution
from harness.agreement.coefficients.alpha import compare_alpha
from harness.agreement.coefficients.coefficients import choose, compute
from harness.agreement.coefficients.consistency import of_random_raters
from harness.agreement.coefficients.kalpha import kalpha, too_narrow
from harness.agreement.components import of_criterion
from harness.agreement.grid.compared import compared_once
from harness.agreement.grid.declared import Scale, declare, on_scale
from harness.agreement.grid.level import level_of, levelled
from harness.agreement.grid.ratings import criteria_of, read
from harness.agreement.grid.scales import of_pool, of_scales
from harness.agreement.grid.units import LISTS, Level, Units
from harness.agreement.grid.wide import is_wide, wide_units
from harness.agreement.labels import without_outvoted
from harness.agreement.repeats import of_repeats, self_agreement, with_repetitions
from harness.agreement.slices import slices_of
from harness.agreement.stand_in.corrected_score import corrected_score, of_shift
from harness.agreement.stand_in.sequential import ORDER, Looks, with_order
from harness.agreement.stand_in.shared_errors import of_raters
from harness.agreement.stand_in.stand_in import StandIn, can_stand_in
from harness.agreement.stand_in.systems import one_answer_a_system
from harness.agreement.stand_in.weights import panel_weights
from harness.agreement.table import Table
from harness.errors import HarnessError
from harness.run import people_and_ai

CROSS_CHECK = False
"""Whether alpha is compared with the `krippendorff` package where nobody says: the tests always do."""


def agree_in_frame(ratings: pd.DataFrame, asked: Asked) -> Agreement:
    """Say how far the raters of a frame agree.

    Args:
        ratings: One row a rating, or wide, as `agree` takes them.
        asked: What is asked of them.

    Raises:
        HarnessError: The ratings cannot be read so; says what to change.
    """
    level = asked.level
    if isinstance(level, Mapping):
        return by_level(agree_in_frame, ratings, level, asked)
    checked = CROSS_CHECK if asked.cross_check is None else asked.cross_check
    chosen, strata = asked.selection
    by, correct, cluster, pool, few = asked.by, asked.correct, asked.cluster, asked.pool, asked.draws
    kinds: Mapping[str, str] = {}
    repeats: list[dict[str, Any]] = []
    scales: dict[str, Scale] = {}
    if is_wide(ratings):
        if asked.categories or asked.score_range:
            raise HarnessError("a wide frame has no criteria whose scale could be declared: give one row a rating")
        if asked.sequential or by:
            raise HarnessError("a wide frame has neither an order of labelling nor systems: give one row a rating")
        if asked.criterion or asked.kind:
            raise HarnessError("a wide frame has one criterion and no kinds of raters: choose raters by name")
        units = wide_units(ratings, level, raters=asked.raters, cluster=cluster, strata=strata)
        found, notes = [(units, *((level, "") if level else level_of(units)))], list[Caution]()
    else:
        ratings, scales = declare(compared_once(ratings), asked.categories, asked.score_range)
        ratings = one_answer_a_system(ratings, by) if by and correct else ratings
        ratings = with_order(ratings, asked.time) if asked.sequential else ratings
        further = [*filter(None, [by]), *([ORDER] if asked.sequential else [])]
        groups: dict[str, Any] = {"cluster": cluster, "strata": strata, "further": further}
        rows = read(
            ratings, level=level, raters=asked.raters, criterion=asked.criterion, kind=asked.kind, **groups
        )  # fmt: skip
        found = [levelled(ratings, rows, units, level, groups) for units in criteria_of(rows, pool)]
        notes = [*cautions.of_ratings(rows), *(of_pool(rows) if pool else ())]
        kinds = {**rows.kinds, **dict.fromkeys(rows.aggregates, "aggregate")}
        if "repetition" in rows.left_out or any(note["code"] == "self_agreement" for note in notes):
            levels = {units.criterion: one for units, one, _ in found}
            repeats = list(self_agreement(with_repetitions(ratings), levels, raters=rows.raters, **few))
            if repeats:
                notes = [note for note in notes if note["code"] != "self_agreement"] + list(of_repeats(repeats))
    found = [(on_scale(units, None if pool else scales.get(units.criterion)), one, why) for units, one, why in found]
    if asked.drop_outvoted:
        kept = [(*without_outvoted(units), one, why) for units, one, why in found]
        found = [(units, one, why) for units, _, one, why in kept]
        notes += [note for _, note, _, _ in kept if note]
    groups_of = by if by and not correct else None
    parts = [slices_of(units, one, groups_of, units.further[groups_of], **few) for units, one, _ in found if groups_of]
    tables = []
    for units, one, why in found:
        check = compare_alpha(units, one, few["seed"]) if checked else {"cross_check": "not_asked"}
        tables.append(_table(units, one, why, asked.coefficients, check, few))
        notes += [note for note in cautions.of_units(units, one) if not (correct and note["code"] == "little_overlap")]
        notes += [*of_scales(units), *cautions.of_method(units, tables[-1].coefficients)]
        if cluster is None:
            notes += cautions.of_names(units)
        if asked.interval == "kalpha" and asked.resamples:
            tables[-1].coefficients["alpha"] = kalpha(units, one, **few)
            notes.append(too_narrow(units.criterion, units.n_items))
        if len(units.raters) > MOST_RATERS:
            notes.append(cautions.too_many(units))
    answers: list[StandIn] = []
    known: list[dict[str, Any]] = []
    means: list[dict[str, Any]] = []
    votes: dict[str, dict[str, float]] = {}
    if asked.stand_in:
        allowed: dict[str, Any] = {"epsilon": asked.epsilon, "alignment": asked.alignment, "min_items": asked.min_items}
        for units, one, humans, machines in _with_sides(found, kinds, 2, notes):
            answers += [can_stand_in(units, ai, humans, one, **allowed, **few) for ai in machines]
            known.append(of_raters(units, humans, one))
    if asked.weights:
        for units, one, humans, machines in _with_sides(found, kinds, 1, notes):
            votes[units.criterion] = panel_weights(units, machines, humans, one)
    if correct:
        looks = Looks(asked.width, asked.time or "the order of the ratings") if asked.sequential else None
        for units, _, humans, machines in _with_sides(found, kinds, 1, notes):
            means += [corrected_score(units, ai, humans, chosen, looks, by) for ai in machines]
        notes += of_shift(means)
    all_units = [units for units, _, _ in found]
    rows_of = None if is_wide(ratings) or asked.drop_outvoted else ratings
    groups_in: dict[str, Any] = {"facet": asked.facet, "cluster": cluster, **few}
    parted = [of_criterion(rows_of, units, kinds, **groups_in) for units in all_units if asked.components]
    return Agreement(
        tables=tables, warnings=cautions.gathered(notes), units=all_units, stand_in=answers, raters=known,
        corrected=means, self_agreement=repeats, weights=votes, draws=few, kinds=kinds, slices=parts, components=parted,
    )  # fmt: skip


def _with_sides(
    found: Sequence[tuple[Units, Level, str]], kinds: Mapping[str, str], people: int, notes: list[Caution]
) -> Iterator[tuple[Units, Level, list[str], list[str]]]:
    """Yield the criteria that have enough humans and an AI rater, with these; note those that have not.

    Raises:
        HarnessError: None has.
    """
    lacking = []
    for units, level, _ in found:
        humans, machines = people_and_ai(kinds, units.raters)
        if len(humans) >= people and machines:
            yield units, "nominal" if level in LISTS else level, humans, machines
            continue
        said = (
            f"{units.criterion}: this needs {people} human raters or more and an AI rater, and there are "
            f"{len(humans)} and {len(machines)}; name the AI raters by a column of kinds, or with --ai GLOB"
        )
        lacking.append(caution("too_few_raters", said, criterion=units.criterion, n=len(humans)))
    if len(lacking) == len(found):
        raise HarnessError(lacking[0]["message"])
    notes += lacking


def _table(
    units: Units,
    level: Level,
    why: str,
    names: Sequence[str] | None,
    check: dict[str, Any],
    few: Draws,
) -> Table:
    chosen, because = choose(level, names)
    values = {name: compute(name, units, level, **few) for name in chosen}
    random = {name: of_random_raters(name, units) for name in values if few["resamples"]}
    drawn = {name: ends for name, ends in random.items() if ends}
    reasons = f"{level}: {why}; {because}" if why else because
    return Table(units.criterion, level, units.raters, units.n_items, units.n_ratings, values, reasons, check, drawn)
