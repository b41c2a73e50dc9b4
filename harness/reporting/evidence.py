"""The evidence of a run: everything that the other rooms say about it, gathered once for sentences, tables and page.

Nothing is estimated here. Agreement and rounds compute; this asks them, and remembers in plain dicts what they said,
so that what the terminal prints, what `--json` gives and what the page shows cannot differ.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from harness.agreement import pair_matrix, position_consistency
from harness.errors import HarnessError
from harness.rounds import Rounds, compare_rounds, from_run
from harness.rounds.run_scores import costs_of
from harness.run import Run

Row = dict[str, Any]


@dataclass(frozen=True)
class Evidence:
    """What is known about one run."""

    run: Run
    rounds: list[Row] = field(default_factory=list)
    """One a series and benchmark, with the keys of `harness rounds --json` and `sentence`."""
    comparisons: list[Row] = field(default_factory=list)
    scores: pd.DataFrame = field(default_factory=pd.DataFrame)
    """One row a held-out item, round and series: what the verdicts were computed from."""
    pairs: list[Row] = field(default_factory=list)
    """One a pair of raters (and criteria) that rated the same things."""
    positions: list[Row] = field(default_factory=list)
    """One a rater that compared in both orders."""
    notes: list[str] = field(default_factory=list)
    """What could not be computed, and why."""

    @classmethod
    def of(cls, run: Run | str | Path) -> Evidence:
        """Ask agreement and rounds about a run."""
        run = run if isinstance(run, Run) else Run(run)
        found, scores, notes = _rounds(run)
        return cls(
            run=run,
            rounds=_in_order(run, [plain(row) for row in found.results]),
            comparisons=[plain(row) for row in found.comparisons],
            scores=scores,
            pairs=[plain(row) for row in pair_matrix(run.ratings)] if len(run.ratings) else [],
            positions=[plain(row) for row in position_consistency(run.ratings)],
            notes=notes + [str(warning["message"]) for warning in found.warnings],
        )

    @cached_property
    def names(self) -> dict[str, str]:
        """How each rater is called on the page: people by a letter, since their names and ids never leave the run."""
        ratings = self.run.ratings
        human = sorted(ratings.loc[ratings["rater_kind"] == "human", "rater"].unique())
        names = {rater: f"Human {_letters(number)}" for number, rater in enumerate(human)}
        return {rater: names.get(rater, rater) for rater in sorted(ratings["rater"].unique())}

    @cached_property
    def kinds(self) -> dict[str, str]:
        """The kind of each rater."""
        first = self.run.ratings.drop_duplicates("rater")
        return dict(sorted(zip(first["rater"], first["rater_kind"], strict=True)))

    def name(self, rater: str) -> str:
        """Return how the page calls a rater."""
        return self.names.get(rater, rater)

    @cached_property
    def series(self) -> list[str]:
        """The series in the suite's order: the place that decides hue and dash in every figure."""
        wanted = list(self.run.suite.rounds.feedback) if self.run.suite.rounds else []
        return wanted + sorted({row["series"] for row in self.rounds} - set(wanted))

    @property
    def control(self) -> str | None:
        """The series that keeps everything, if there is one."""
        feedback = self.run.suite.rounds.feedback if self.run.suite.rounds else {}
        return next((name for name, rater in feedback.items() if rater is None), None)


def _in_order(run: Run, rows: list[Row]) -> list[Row]:
    """Return results benchmark by benchmark, the series in the suite's order."""
    order = list(run.suite.rounds.feedback) if run.suite.rounds else []
    return sorted(
        rows, key=lambda r: (r["benchmark"], order.index(r["series"]) if r["series"] in order else len(order))
    )


def _rounds(run: Run) -> tuple[Rounds, pd.DataFrame, list[str]]:
    """Return the verdicts on a run's series, the scores behind them, and why there are none."""
    wanted = run.suite.rounds
    if wanted is None:
        return Rounds([]), pd.DataFrame(), []
    control = next((name for name, rater in wanted.feedback.items() if rater is None), None)
    try:
        scores = from_run(run)
        cluster = "cluster" if "cluster" in scores else None
        found = compare_rounds(scores, sesoi=wanted.sesoi, cluster=cluster, control=control, costs=costs_of(run))
    except HarnessError as error:
        return Rounds([]), pd.DataFrame(), [f"Rounds: {error}"]
    return found, scores, []


EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(\.[\w-]+)+")
"""What looks like an e-mail address: taken out of every text that reaches the page."""


def public(text: str) -> str:
    """Return a text without e-mail addresses."""
    return EMAIL.sub("[address removed]", text) if "@" in text else text


def plain(row: Any) -> Row:
    """Return a result as a dict of JSON values: no NaN, no numpy types; the `sentence` of an object comes along."""
    if not isinstance(row, Mapping):
        sentence = getattr(row, "sentence", None)
        content = row.to_dict() if hasattr(row, "to_dict") else dict(vars(row))
        row = {**content, "sentence": sentence} if sentence is not None else content
    return {str(key): value_of(value) for key, value in row.items()}


def value_of(value: Any) -> Any:
    """Return a value as JSON knows it; what is missing is null."""
    if isinstance(value, Mapping):
        return {str(key): value_of(inner) for key, inner in value.items()}
    if isinstance(value, str) or value is None or isinstance(value, bool):
        return value
    if isinstance(value, Sequence | set | frozenset) or type(value).__name__ == "ndarray":
        return [value_of(inner) for inner in value]
    if hasattr(value, "item"):
        value = value.item()
    if value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value if isinstance(value, int | float | str) else str(value)


def _letters(number: int) -> str:
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(65 + rest) + text
    return text
