"""How far raters agree: one table a criterion, one row a pair of raters, and what to beware of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from harness.agreement.advice import of_items, plain_sentences, without_each
from harness.agreement.cautions import Caution
from harness.agreement.chart import intervals_chart
from harness.agreement.coefficients.coefficients import compute
from harness.agreement.components import Components
from harness.agreement.grid.units import Units
from harness.agreement.labels import labels_of
from harness.agreement.options import AgreementOptions, Draws
from harness.agreement.rest import one_against_rest
from harness.agreement.slices import Slices
from harness.agreement.stand_in.stand_in import StandIn
from harness.agreement.table import Table, frame_of
from harness.run import people_and_ai

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
        read: What was assumed in reading the table, and what was left aside.
    """

    tables: list[Table]
    warnings: list[Caution]
    units: list[Units] = field(repr=False, default_factory=list)
    stand_in: list[StandIn] = field(default_factory=list)
    raters: list[dict[str, Any]] = field(default_factory=list)
    corrected: list[dict[str, Any]] = field(default_factory=list)
    self_agreement: list[dict[str, Any]] = field(default_factory=list)
    weights: dict[str, dict[str, float]] = field(default_factory=dict)
    draws: Draws = field(default_factory=lambda: AgreementOptions().draws)
    kinds: Mapping[str, str] = field(default_factory=dict)
    slices: list[Slices] = field(default_factory=list)
    components: list[Components] = field(default_factory=list)
    read: list[str] = field(default_factory=list)

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
                rows += one_against_rest(units, table.level, list(table.coefficients), kinds=self.kinds, **self.draws)
        columns = ["criterion", "rater", "n", "coefficient", "value", "low", "high", "reason"]
        return pd.DataFrame(rows, columns=columns)

    def figure(self) -> Any:
        """Return every coefficient on its interval, as an Altair chart."""
        return intervals_chart(self.df)

    def _pair(self, table: Table, units: Units, first: str, second: str) -> list[dict[str, Any]]:
        rows = []
        for name in table.coefficients:
            found = compute(name, units, table.level, **self.draws)
            head = {"criterion": table.criterion, "rater_a": first, "rater_b": second, "n": units.n_items}
            rows.append({**head, "coefficient": name, **{k: v for k, v in found.to_dict().items() if k != "n"}})
        return rows

    def to_json(self, *, matrix: bool = True) -> dict[str, Any]:
        """Return everything as JSON values: null, never NaN, with a reason beside it."""
        found: dict[str, Any] = {"tables": [table.to_dict() for table in self.tables], "warnings": self.warnings}
        found["plain"] = self.plain
        if self.read:
            found["read"] = self.read
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
        notes += "".join(f"<li>{escape(note)}</li>" for note in self.read)
        return f"<h4>Agreement</h4>{table}<ul>{notes}</ul>"
