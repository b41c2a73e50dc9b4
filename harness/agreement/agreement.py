"""How far raters agree: one table a criterion, one row a pair of raters, and what to beware of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from itertools import combinations
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from harness.agreement import cautions
from harness.agreement.advice import of_items, plain_sentences, without_each
from harness.agreement.by_level import by_level
from harness.agreement.cautions import Caution, caution
from harness.agreement.chart import intervals_chart
from harness.agreement.coefficients.alpha import compare_alpha
from harness.agreement.coefficients.coefficients import choose, compute
from harness.agreement.coefficients.consistency import of_random_raters
from harness.agreement.coefficients.kalpha import kalpha, too_narrow
from harness.agreement.components import Components, check_components, of_criterion
from harness.agreement.grid.compared import compared_once
from harness.agreement.grid.declared import Categories, Range, Scale, declare, on_scale
from harness.agreement.grid.level import check_level, level_of, levelled
from harness.agreement.grid.ratings import criteria_of, read
from harness.agreement.grid.scales import of_pool, of_scales
from harness.agreement.grid.units import LISTS, Level, Units
from harness.agreement.grid.wide import is_wide, wide_units
from harness.agreement.labels import labels_of, without_outvoted
from harness.agreement.repeats import of_repeats, self_agreement, with_repetitions
from harness.agreement.rest import one_against_rest
from harness.agreement.slices import Slices, slices_of
from harness.agreement.stand_in.corrected import check_chosen
from harness.agreement.stand_in.corrected_score import corrected_score, of_shift
from harness.agreement.stand_in.sequential import ORDER, Looks, with_order
from harness.agreement.stand_in.shared_errors import of_raters
from harness.agreement.stand_in.stand_in import MIN_ITEMS, Alignment, StandIn, can_stand_in
from harness.agreement.stand_in.systems import one_answer_a_system
from harness.agreement.stand_in.weights import panel_weights
from harness.agreement.table import Table, frame_of
from harness.errors import HarnessError, did_you_mean
from harness.run import people_and_ai

Interval = Literal["bca", "kalpha"]

CROSS_CHECK = False
"""Whether alpha is compared with the `krippendorff` package where nobody says: the tests always do."""
MOST_RATERS = 40
"""Raters up to which every pair is compared; a crowd of more has too many pairs to read."""


@dataclass(frozen=True)
class Agreement:
    """The result of `agree`.

    Attributes:
        tables: One a criterion.
        warnings: What to beware of, as `{"code", "criterion", "raters", "n", "message"}`.
        units: The ratings of each table.
        stand_in: For each AI rater and criterion whether it can stand in for a human, where that was asked.
        corrected: For each AI rater and criterion the mean human rating of all items, where that was asked.
        raters: For each criterion the raters' accuracies, severities and shared errors, where that was asked.
        weights: For each criterion the weights of the AI raters as a panel, where that was asked.
        self_agreement: For each rater who rated items more than once how far it agrees with itself.
        components: For each criterion the variance components of items, raters and repetitions, where that was asked.
    """

    tables: list[Table]
    warnings: list[Caution]
    units: list[Units] = field(repr=False, default_factory=list)
    stand_in: list[StandIn] = field(default_factory=list)
    raters: list[dict[str, Any]] = field(default_factory=list)
    corrected: list[dict[str, Any]] = field(default_factory=list)
    self_agreement: list[dict[str, Any]] = field(default_factory=list)
    weights: dict[str, dict[str, float]] = field(default_factory=dict)
    resamples: int = 1000
    seed: int = 0
    kinds: Mapping[str, str] = field(default_factory=dict)
    slices: list[Slices] = field(default_factory=list)
    components: list[Components] = field(default_factory=list)

    @property
    def defined(self) -> bool:
        """Whether some coefficient of some table is defined."""
        return any(np.isfinite(found.value) for table in self.tables for found in table.coefficients.values())

    @cached_property
    def df(self) -> pd.DataFrame:
        """One row a criterion and coefficient, with `value, low, high, n, reason` and `n_ratings`."""
        return frame_of(self.tables)

    @cached_property
    def plain(self) -> list[str]:
        """What the tables mean, in plain sentences."""
        found: list[str] = []
        for table, units in zip(self.tables, self.units, strict=True):
            asked = [one for one in self.stand_in if one.criterion == table.criterion]
            found += plain_sentences(table, units, self.kinds, asked)
        return found

    @cached_property
    def items(self) -> pd.DataFrame:
        """One row a criterion and item, the most disputed first, with what each rater said."""
        return pd.concat([of_items(units, one.level) for one, units in zip(self.tables, self.units, strict=True)])

    @cached_property
    def labels(self) -> pd.DataFrame:
        """One row a criterion and item: the label of the majority, and that of Dawid and Skene's model."""
        people = {units.criterion: people_and_ai(self.kinds, units.raters)[0] for units in self.units}
        return pd.concat([labels_of(units, people[units.criterion] or None) for units in self.units])

    @cached_property
    def without(self) -> pd.DataFrame:
        """Alpha without each rater: one row a criterion and rater, `alpha, without, rise`."""
        each = [without_each(units, one.level) for one, units in zip(self.tables, self.units, strict=True)]
        return pd.concat(each, ignore_index=True)

    @cached_property
    def matrix(self) -> pd.DataFrame:
        """One row a criterion, pair of raters and coefficient; empty where raters are more than `MOST_RATERS`."""
        rows: list[dict[str, Any]] = []
        for table, units in zip(self.tables, self.units, strict=True):
            if 2 <= len(units.raters) <= MOST_RATERS:
                for first, second in combinations(units.raters, 2):
                    rows += self._pair(table, units.of([first, second]), first, second)
        columns = ["criterion", "rater_a", "rater_b", "n", "coefficient", "value", "low", "high", "reason"]
        return pd.DataFrame(rows, columns=columns)

    @cached_property
    def rest(self) -> pd.DataFrame:
        """One against the rest (of people, where people rated): one row a criterion, rater and coefficient.

        Empty with two raters or too many.
        """
        rows: list[dict[str, Any]] = []
        for table, units in zip(self.tables, self.units, strict=True):
            if len(units.raters) <= MOST_RATERS:
                options: dict[str, Any] = {"resamples": self.resamples, "seed": self.seed, "kinds": self.kinds}
                rows += one_against_rest(units, table.level, list(table.coefficients), **options)
        columns = ["criterion", "rater", "n", "coefficient", "value", "low", "high", "reason"]
        return pd.DataFrame(rows, columns=columns)

    def figure(self) -> Any:
        """Return every coefficient on its interval, as an Altair chart."""
        return intervals_chart(self.df)

    def _pair(self, table: Table, units: Units, first: str, second: str) -> list[dict[str, Any]]:
        rows = []
        for name in table.coefficients:
            found = compute(name, units, table.level, resamples=self.resamples, seed=self.seed)
            head = {"criterion": table.criterion, "rater_a": first, "rater_b": second, "n": units.n_items}
            rows.append({**head, "coefficient": name, **{k: v for k, v in found.to_dict().items() if k != "n"}})
        return rows

    def to_json(self, *, matrix: bool = True) -> dict[str, Any]:
        """Return everything as JSON values: null, never NaN, with a reason beside it."""
        found: dict[str, Any] = {"tables": [table.to_dict() for table in self.tables], "warnings": self.warnings}
        found["plain"] = self.plain
        if matrix:
            for name, rows in (("matrix", self.matrix), ("one_against_rest", self.rest), ("without", self.without)):
                found[name] = json.loads(rows.to_json(orient="records", double_precision=15))
        if self.slices:
            found["slices"] = [one.to_dict() for one in self.slices]
        if self.weights:
            found["weights"] = self.weights
        if self.self_agreement:
            found["self_agreement"] = self.self_agreement
        if self.stand_in:
            found["stand_in"] = [one.to_dict() for one in self.stand_in]
            found["raters"] = self.raters
        if self.corrected:
            found["corrected"] = self.corrected
        if self.components:
            found["components"] = [one.to_dict() for one in self.components]
        return found

    def _repr_html_(self) -> str:
        table = self.df.to_html(index=False, escape=True, float_format=lambda value: f"{value:.3f}", na_rep="")
        notes = "".join(f"<li><code>{escape(w['code'])}</code> {escape(w['message'])}</li>" for w in self.warnings)
        return f"<h4>Agreement</h4>{table}<ul>{notes}</ul>"


def agree(
    ratings: pd.DataFrame,
    *,
    level: Level | Mapping[str, Level] | None = None,
    categories: Categories | None = None,
    score_range: Range | None = None,
    coefficients: Sequence[str] | None = None,
    raters: str | Sequence[str] | None = None,
    criterion: str | Sequence[str] | None = None,
    kind: str | Sequence[str] | None = None,
    pool: bool = False,
    cluster: str | None = None,
    interval: Interval = "bca",
    stand_in: bool = False,
    epsilon: float = 0.2,
    alignment: Alignment | None = None,
    min_items: int = MIN_ITEMS,
    correct: bool = False,
    chosen: str | None = None,
    strata: str | None = None,
    sequential: bool = False,
    time: str | None = None,
    width: float = 0.1,
    by: str | None = None,
    drop_outvoted: bool = False,
    weights: bool = False,
    components: bool = False,
    facet: str | None = None,
    cross_check: bool | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Agreement:
    """Say how far raters agree.

    Args:
        ratings: One row a rating, with the record's column names (`item_id, rater, value`; `criterion`, `rater_kind`,
            `label`, `status`, `repetition` where there are any); or wide: one row an item, one column a rater.
        level: `nominal`, `ordinal`, `interval`, `ratio`, `set` or `ranking`, or one by criterion; where not given, what
            fits the values, and why.
        categories: The words of the scale in their order, or by criterion; what is none of them is an error.
        score_range: The least and the most grade of the scale, or by criterion.
        coefficients: Names of `COEFFICIENTS`; where not given, what fits the level.
        raters: Globs of the raters to compare; all where not given.
        criterion: Globs of the criteria.
        kind: Globs of the rater kinds.
        pool: Take every item and criterion as a unit of its own, in one table `all`; the interval clusters by item.
        cluster: The column that says which items belong together (a document): intervals resample these.
        interval: `bca`, or `kalpha` for alpha's pair bootstrap of 2006, which is too narrow (a warning says so).
        stand_in: Ask of each AI rater whether it can stand in for a human.
        epsilon: What an AI rater is allowed to be worse by.
        alignment: How alignment with the other humans is measured, `equality` or `rmse`; by level where not given.
        min_items: Items that a human must have rated to be compared.
        correct: Estimate the mean human rating of all items from the humans' few ratings and each AI rater's many.
        chosen: With `correct`, how the human-rated items were chosen: `random`, `by-judge` (by the AI's verdict),
            `by:COLUMN` or `by-outcome` (by the true result, or from another population). Not said: both estimates
            that may be right, with what each assumes.
        strata: The column of `by:COLUMN`.
        sequential: With `correct`, an interval that holds however often it is looked at, and how many labels more.
        time: With `sequential`, the column that says when people rated; the order of the rows where not given.
        width: With `sequential`, the interval that is narrow enough, as a share of the range.
        by: A column of groups of items: alpha in each, and whether they differ. With `correct`, the column of the
            systems that answered (`model`): their scores and differences.
        drop_outvoted: Leave out the one of three ratings of an item against which the other two agree, which inflates
            alpha; a warning says how many.
        weights: Weigh the AI raters as a panel by how near they come to people.
        components: How much of the variance is the items', the raters', their interaction's and a repetition's, and
            what a mean over more raters would be worth (a generalizability study).
        facet: With `components`, the column of one more facet that crosses items and raters (a judge's prompt).
        cross_check: Compare each alpha with that of the `krippendorff` package, which is slow; `CROSS_CHECK` where not
            given.
        resamples: Bootstrap resamples; 0 gives no intervals.
        seed: Decides the draws.

    Returns:
        Tables, pairs, warnings and what else was asked.

    Raises:
        HarnessError: The ratings cannot be read so; says what to change.
    """
    if isinstance(level, Mapping):
        asked = {name: given for name, given in locals().items() if name not in ("ratings", "level", "criterion")}
        return by_level(agree, ratings, level, criterion, asked)
    check_level(level)
    checked = CROSS_CHECK if cross_check is None else cross_check
    chosen, strata = check_chosen(chosen, strata)
    _check_options(interval, alignment, epsilon, resamples, seed)
    check_components(components, facet, pool)
    kinds: Mapping[str, str] = {}
    repeats: list[dict[str, Any]] = []
    few = {"resamples": resamples, "seed": seed}
    scales: dict[str, Scale] = {}
    if is_wide(ratings):
        if categories or score_range:
            raise HarnessError("a wide frame has no criteria whose scale could be declared: give one row a rating")
        if sequential or by:
            raise HarnessError("a wide frame has neither an order of labelling nor systems: give one row a rating")
        if criterion or kind:
            raise HarnessError("a wide frame has one criterion and no kinds of raters: choose raters by name")
        units = wide_units(ratings, level, raters=raters, cluster=cluster, strata=strata)
        found, notes = [(units, *((level, "") if level else level_of(units)))], list[Caution]()
    else:
        ratings, scales = declare(compared_once(ratings), categories, score_range)
        ratings = one_answer_a_system(ratings, by) if by and correct else ratings
        ratings = with_order(ratings, time) if sequential else ratings
        further = [name for name, asked in ((by, by), (ORDER, sequential)) if name and asked]
        groups: dict[str, Any] = {"cluster": cluster, "strata": strata, "further": further}
        rows = read(ratings, level=level, raters=raters, criterion=criterion, kind=kind, **groups)
        found = [levelled(ratings, rows, units, level, groups) for units in criteria_of(rows, pool)]
        notes = [*cautions.of_ratings(rows), *(of_pool(rows) if pool else ())]
        kinds = {**rows.kinds, **dict.fromkeys(rows.aggregates, "aggregate")}
        if "repetition" in rows.left_out or any(note["code"] == "self_agreement" for note in notes):
            levels = {units.criterion: one for units, one, _ in found}
            repeats = list(self_agreement(with_repetitions(ratings), levels, raters=rows.raters, **few))
            if repeats:
                notes = [note for note in notes if note["code"] != "self_agreement"] + list(of_repeats(repeats))
    found = [(on_scale(units, None if pool else scales.get(units.criterion)), one, why) for units, one, why in found]
    if drop_outvoted:
        kept = [(*without_outvoted(units), one, why) for units, one, why in found]
        found = [(units, one, why) for units, _, one, why in kept]
        notes += [note for _, note, _, _ in kept if note]
    groups_of = by if by and not correct else None
    parts = [slices_of(units, one, groups_of, units.further[groups_of], **few) for units, one, _ in found if groups_of]
    tables = []
    for units, one, why in found:
        check = compare_alpha(units, one, seed) if checked else {"cross_check": "not_asked"}
        tables.append(_table(units, one, why, coefficients, check, resamples, seed))
        notes += [note for note in cautions.of_units(units, one) if not (correct and note["code"] == "little_overlap")]
        notes += [*of_scales(units), *cautions.of_method(units, tables[-1].coefficients)]
        if cluster is None:
            notes += cautions.of_names(units)
        if interval == "kalpha" and resamples:
            tables[-1].coefficients["alpha"] = kalpha(units, one, **few)
            notes.append(too_narrow(units.criterion, units.n_items))
        if len(units.raters) > MOST_RATERS:
            notes.append(cautions.too_many(units))
    answers: list[StandIn] = []
    known: list[dict[str, Any]] = []
    means: list[dict[str, Any]] = []
    votes: dict[str, dict[str, float]] = {}
    if stand_in:
        for units, one, humans, machines in _with_sides(found, kinds, 2, notes):
            options = {"epsilon": epsilon, "alignment": alignment, "min_items": min_items, **few}
            answers += [can_stand_in(units, ai, humans, one, **options) for ai in machines]  # type: ignore[arg-type]
            known.append(of_raters(units, humans, one))
    if weights:
        for units, one, humans, machines in _with_sides(found, kinds, 1, notes):
            votes[units.criterion] = panel_weights(units, machines, humans, one)
    if correct:
        looks = Looks(width, time or "the order of the ratings") if sequential else None
        for units, _, humans, machines in _with_sides(found, kinds, 1, notes):
            means += [corrected_score(units, ai, humans, chosen, looks, by) for ai in machines]
        notes += of_shift(means)
    all_units = [units for units, _, _ in found]
    rows_of = None if is_wide(ratings) or drop_outvoted else ratings
    groups_in: dict[str, Any] = {"facet": facet, "cluster": cluster, **few}
    parted = [of_criterion(rows_of, units, kinds, **groups_in) for units in all_units if components]
    return Agreement(
        tables, cautions.gathered(notes), all_units, answers, known, means, repeats, votes, resamples, seed, kinds,
        parts, parted,
    )  # fmt: skip


def _check_options(interval: str, alignment: str | None, epsilon: float, resamples: int, seed: int) -> None:
    for name, given, known in (
        ("interval", interval, get_args(Interval)),
        ("alignment", alignment, (None, *get_args(Alignment))),
    ):
        if given not in known:
            raise HarnessError(f"no {name} {given!r}.{did_you_mean(str(given), [one for one in known if one])}")
    for name, number in (("epsilon", epsilon), ("resamples", resamples), ("seed", seed)):
        if number < 0 or (name == "epsilon" and number > 1):
            raise HarnessError(f"{name} is {number:g}: expected {'0 to 1' if name == 'epsilon' else '0 or more'}")


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
    resamples: int,
    seed: int,
) -> Table:
    chosen, because = choose(level, names)
    values = {name: compute(name, units, level, resamples=resamples, seed=seed) for name in chosen}
    random = {name: of_random_raters(name, units) for name in values if resamples}
    drawn = {name: ends for name, ends in random.items() if ends}
    reasons = f"{level}: {why}; {because}" if why else because
    return Table(units.criterion, level, units.raters, units.n_items, units.n_ratings, values, reasons, check, drawn)
