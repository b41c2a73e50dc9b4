"""How far raters agree: one table a criterion, one row a pair of raters, and what to beware of."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from itertools import combinations
from typing import Any

import pandas as pd

from harness.agreement.advice import MOST_RATERS
from harness.agreement.agreed import Agreed
from harness.agreement.coefficients.coefficients import compute
from harness.agreement.components import Components
from harness.agreement.grid.units import Units
from harness.agreement.rest import one_against_rest
from harness.agreement.table import Table


@dataclass(frozen=True, kw_only=True)
class Agreement(Agreed):
    """The result of `agree` of a file or a frame.

    Attributes:
        components: For each criterion the variance components of items, raters and repetitions, where that was asked.
        read: What was assumed in reading the table, and what was left aside.
    """

    components: list[Components] = field(default_factory=list)
    read: list[str] = field(default_factory=list)

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
        if self.means:
            found["means"] = [one.to_dict() for one in self.means]
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
