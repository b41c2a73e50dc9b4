"""What `agree` says of any source, a table or a run: the tables, their ratings, and all that is read off them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from harness.agreement.advice import advised, of_items, plain_sentences, without_each
from harness.agreement.cautions import Caution
from harness.agreement.chart import intervals_chart
from harness.agreement.grid.units import Units
from harness.agreement.label_agreement import CONFUSION, LABEL, confusions_of, of_labels
from harness.agreement.labels import labels_of
from harness.agreement.means import Means
from harness.agreement.options import AgreementOptions, Draws
from harness.agreement.slices import Slices
from harness.agreement.stand_in.stand_in import StandIn
from harness.agreement.table import Table, frame_of
from harness.agreement.told import with_names
from harness.run import people_and_ai


@dataclass(frozen=True, kw_only=True)
class Agreed:
    """What the results of `agree` have in common.

    Attributes:
        tables: One a criterion (of a run, a task and criterion) that several raters share.
        warnings: What to beware of, as `{"code", "criterion", "raters", "n", "message"}`.
        units: The ratings of each table.
        stand_in: For each AI rater and criterion whether it can stand in for a human, where that was asked.
        raters: For each criterion the raters' accuracies, severities and shared errors, where that was asked.
        corrected: For each AI rater and criterion the mean human rating of all items, where that was asked.
        self_agreement: For each rater who rated items more than once how far it agrees with itself.
        weights: For each criterion the weights of the AI raters as a panel, where that was asked.
        draws: How intervals are drawn.
        kinds: The kind of each rater, as far as it is known.
        slices: For each criterion alpha by group of items, where that was asked.
        means: For each criterion the mean of each group of answers, where that was asked.
    """

    tables: list[Table] = field(default_factory=list)
    warnings: list[Caution] = field(default_factory=list)
    units: list[Units] = field(repr=False, default_factory=list)
    stand_in: list[StandIn] = field(default_factory=list)
    raters: list[dict[str, Any]] = field(default_factory=list)
    corrected: list[dict[str, Any]] = field(default_factory=list)
    self_agreement: list[dict[str, Any]] = field(default_factory=list)
    weights: dict[str, dict[str, float]] = field(default_factory=dict)
    draws: Draws = field(default_factory=lambda: AgreementOptions().draws)
    kinds: Mapping[str, str] = field(default_factory=dict)
    slices: list[Slices] = field(default_factory=list)
    means: list[Means] = field(default_factory=list)

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
    def advice(self) -> list[tuple[str, list[str]]]:
        """For each criterion that two people rated: who may replace one of them, and whom to train again on what."""
        found = []
        for table, units in zip(self.tables, self.units, strict=True):
            if len(people_and_ai(self.kinds, units.raters)[0]) > 1:
                asked = [one for one in self.stand_in if one.criterion == table.criterion]
                found.append((table.criterion, advised(table, units, self.kinds, asked)))
        return found

    def called(self, name: Callable[[str], str]) -> Self:
        """Return the same with raters by other names, in tables and sentences: people by letters, on a page."""
        tables = [replace(one, raters=[*map(name, one.raters)]) for one in self.tables]
        units = [replace(one, raters=[*map(name, one.raters)]) for one in self.units]
        about = [(part, one.level) for one, part in zip(tables, units, strict=True)]
        return replace(
            self,
            tables=tables,
            units=units,
            warnings=with_names(self.warnings, about, name),
            stand_in=[replace(one, rater=name(one.rater)) for one in self.stand_in],
            means=[replace(one, partly=[*map(name, one.partly)]) for one in self.means],
            kinds={name(rater): kind for rater, kind in self.kinds.items()},
        )

    @cached_property
    def items(self) -> pd.DataFrame:
        """One row a criterion and item, the most disputed first, with what each rater said."""
        return _joined(of_items(units, one.level) for one, units in zip(self.tables, self.units, strict=True))

    @cached_property
    def labels(self) -> pd.DataFrame:
        """One row a criterion and item: the label of the majority, and that of Dawid and Skene's model."""
        people = {units.criterion: people_and_ai(self.kinds, units.raters)[0] for units in self.units}
        return _joined(labels_of(units, people[units.criterion] or None) for units in self.units)

    @cached_property
    def by_label(self) -> pd.DataFrame:
        """One row a criterion, label and pair of raters, and one for all raters together: how far they agree on it.

        Columns `criterion, label, rater_a, rater_b` (empty of all together), `n` (items that two or more rated),
        `given` (ratings that say the label), `agreement` (of those, how many another rater repeats), `kappa` with its
        interval `low, high`, and `reason`.
        """
        found = [
            pd.DataFrame(of_labels(units, one.level, **self.draws), columns=list(LABEL))
            for one, units in zip(self.tables, self.units, strict=True)
        ]
        return _joined(found)

    @cached_property
    def confusions(self) -> pd.DataFrame:
        """One row a criterion, pair of raters and pair of values that some item got from them, with how many `n`."""
        found = [pd.DataFrame(confusions_of(units), columns=list(CONFUSION)) for units in self.units]
        return _joined(found)

    @cached_property
    def without(self) -> pd.DataFrame:
        """Alpha without each rater: one row a criterion and rater, `alpha, without, rise`."""
        each = [without_each(units, one.level) for one, units in zip(self.tables, self.units, strict=True)]
        return _joined(each)

    def figure(self) -> Any:
        """Return every coefficient on its interval, as an Altair chart."""
        return intervals_chart(self.df)


def _joined(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return frames of one shape under each other; of none, one without rows."""
    found = list(parts)
    some = [part for part in found if len(part)]
    return pd.concat(some or found[:1] or [pd.DataFrame()], ignore_index=True)
