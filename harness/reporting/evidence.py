"""The evidence of a run: everything that the other rooms say about it, gathered once for sentences, tables and page.

Nothing is estimated here. Agreement and rounds compute; this asks them, and remembers in plain dicts what they said,
so that what the terminal prints, what `--json` gives and what the page shows cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from harness.agreement import (
    AgreementOptions,
    People,
    RunAgreement,
    Table,
    agree_in_run,
    audit,
    describe_people,
    how_many_more,
    sentences,
)
from harness.errors import HarnessError
from harness.learning import kept_rates, stale
from harness.rounds import (
    Label,
    Rounds,
    benchmarks_together,
    checkpoint_names,
    compare_rounds,
    from_run,
    published_series,
    settings_of,
)
from harness.run import Run, has_flag, is_ai, opened, people_and_ai
from harness.statistics import finite
from harness.suite import RoundsUse

Row = dict[str, Any]

MOST_PLANS = 3
"""Tables of which it is said how many items more would be needed: each is a simulation."""


@dataclass(frozen=True)
class Evidence:
    """What is known about one run."""

    run: Run
    rounds: list[Row] = field(default_factory=list)
    """One a series and benchmark, with the keys of `harness rounds --json` and `sentence`."""
    answers: list[str] = field(default_factory=list)
    """One a benchmark: what each kind of feedback gave, beyond training alone where a control tells."""
    overview: list[str] = field(default_factory=list)
    """One a series with several benchmarks: on which of them what holds of all together."""
    comparisons: list[Row] = field(default_factory=list)
    scores: pd.DataFrame = field(default_factory=pd.DataFrame)
    """One row a held-out item, round and series: what the verdicts were computed from."""
    pairs: list[Row] = field(default_factory=list)
    """One a pair of raters (and criteria) that rated the same things."""
    positions: list[Row] = field(default_factory=list)
    """One a rater that compared in both orders."""
    tables: list[Table] = field(default_factory=list)
    """One a task and criterion that several raters share."""
    stand_ins: list[Row] = field(default_factory=list)
    """One an AI rater, task and criterion that it shares with two people: can it stand in for one of them?"""
    agreed: RunAgreement = field(default_factory=RunAgreement)
    """All that `harness agree RUN` says, with raters by their own names."""
    needed: dict[str, list[str]] = field(default_factory=dict)
    """How many items people would have to rate for what, by table."""
    exchange: list[Row] = field(default_factory=list)
    """One a criterion: what labels of people and of others teach, and what one is worth; as `harness exchange --json`
    has it, but people go by letters."""
    usd_per_hour: float | None = None
    """What people are paid, where it is known."""
    notes: list[str] = field(default_factory=list)
    """What could not be computed, and why."""

    @classmethod
    def of(cls, run: Run | str | Path, usd_per_hour: float | None = None, by: str | None = None) -> Evidence:
        """Ask agreement and rounds about a run; people's time has a price where it is said.

        A run that was asked before, and has the same tables still, is not asked again but for groups: `by`, a column.
        """
        found = opened(run).worked_out(cls._asked)
        if by:
            slices = agree_in_run(found.run, AgreementOptions(stand_in=False, by=by)).slices
            found = replace(found, agreed=replace(found.agreed, slices=slices))
        return found if usd_per_hour is None else replace(found, usd_per_hour=usd_per_hour)

    @classmethod
    def _asked(cls, run: Run) -> Evidence:
        found, scores, notes = _rounds(run)
        agreed, unagreed = _agreement(run)
        worth, unpriced = _exchange(run)
        return cls(
            run=run,
            rounds=_in_order(run, [plain(row) for row in found.results]),
            answers=found.answers,
            overview=benchmarks_together(found.results),
            comparisons=[plain(row) for row in found.comparisons],
            scores=scores,
            pairs=[plain(row) for row in agreed.pairs],
            positions=[plain(row) for row in agreed.positions],
            tables=agreed.tables,
            stand_ins=[plain(row) for row in agreed.stand_ins],
            agreed=agreed,
            needed=_needed(run, agreed),
            exchange=worth,
            notes=notes + unagreed + unpriced + [str(warning["message"]) for warning in found.warnings],
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
    def shown(self) -> RunAgreement:
        """What `harness agree RUN` says, with raters as the page calls them."""
        return self.agreed.called(self.name)

    @property
    def cautions(self) -> list[str]:
        """What to beware of in the agreement of the raters."""
        return [said for _, said in sentences(self.shown.warnings)]

    @cached_property
    def series(self) -> list[str]:
        """The series in the suite's order: the place that decides hue and dash in every figure."""
        wanted = _wanted(self.run)
        return wanted + sorted({row["series"] for row in self.rounds} - set(wanted))

    @cached_property
    def people(self) -> People:
        """What each person's ratings took, and how steady they are, by their own names."""
        return describe_people(self.run.ratings)

    @cached_property
    def audits(self) -> dict[str, list[Row]]:
        """For each AI rater the checks of its audit, from the ratings that are there."""
        own = self.run.ratings[~has_flag(self.run.ratings, "selection_item") & is_ai(self.run.ratings)]
        raters = own.loc[own["value"].notna(), "rater"].unique()
        return {
            str(rater): [plain(check.to_dict()) for check in audit(self._about(group), str(rater)).checks]
            for rater, group in own[own["rater"].isin(raters)].groupby("rater", sort=True)
        }

    def _about(self, rows: pd.DataFrame) -> Run:
        """Return the run as if it had the tasks of some rows only: what an audit reads, without what it need not."""
        run, tasks = copy(self.run), rows["task"].unique()
        run.items = self.run.items[self.run.items["task"].isin(tasks)]
        run.responses = self.run.responses[self.run.responses["task"].isin(tasks)]
        run.ratings = self.run.ratings[self.run.ratings["task"].isin(tasks)]
        return run

    @cached_property
    def published(self) -> list[Row]:
        """Series that papers published, each with its verdict from summary data: of feedback, so only beside such."""
        known = published_series(self.sesoi, needs=False).results if self.rounds and self.fed else []
        return [plain(row) for row in known]

    @cached_property
    def checkpoints(self) -> dict[int, str]:
        """What the rounds are called that have names of their own."""
        return checkpoint_names(self.run)

    def round_called(self, number: int) -> Label:
        """Return what a round is called: its number, where it has no name."""
        return self.checkpoints.get(number, number)

    def round_of(self, label: Label) -> int:
        """Return the number of a round that the verdicts call by its name."""
        return label if isinstance(label, int) else {name: number for number, name in self.checkpoints.items()}[label]

    @property
    def fed(self) -> bool:
        """Whether series were trained with feedback; checkpoints from elsewhere are training alone."""
        return self.run.suite.rounds is not None

    @property
    def control(self) -> str | None:
        """The series that keeps everything, if there is one."""
        return _control(self.run)

    @property
    def sesoi(self) -> float:
        """The smallest effect of interest, in points a round."""
        return _sesoi(self.run)


def _wanted(run: Run) -> list[str]:
    """Return the series that the suite names: those it trains, then those its checkpoints belong to."""
    trained = list(run.suite.rounds.feedback) if run.suite.rounds else []
    return list(dict.fromkeys([*trained, *(model.series for model in run.suite.models if model.series)]))


def _control(run: Run) -> str | None:
    found: str | None = settings_of(run)["control"]
    return found


def _sesoi(run: Run) -> float:
    return run.suite.rounds.sesoi if run.suite.rounds else RoundsUse.model_fields["sesoi"].default


def _in_order(run: Run, rows: list[Row]) -> list[Row]:
    """Return results benchmark by benchmark, those beside last, the series in the suite's order."""
    order = {name: place for place, name in enumerate(_wanted(run))}
    return sorted(rows, key=lambda r: (r["is_beside"], r["benchmark"], order.get(r["series"], len(order))))


def _agreement(run: Run) -> tuple[RunAgreement, list[str]]:
    """Return how far the raters agree, and why nothing is known."""
    nothing = RunAgreement()
    if not len(run.ratings):
        return nothing, []
    several = run.responses["model"].nunique() > 1 and not _wanted(run)
    try:
        return agree_in_run(run, AgreementOptions(stand_in=None, means="model" if several else None)), []
    except HarnessError as error:
        return nothing, [f"Agreement: {error}"]


def _needed(run: Run, agreed: RunAgreement) -> dict[str, list[str]]:
    """Return how many items people would have to rate for what, of the first tables that two people rated."""
    found = {}
    for table in agreed.tables[:MOST_PLANS]:
        task, criterion = agreed.places[table.criterion]
        ratings = run.ratings[run.ratings["task"] == task]
        judges = people_and_ai(agreed.kinds, table.raters)[1]
        found[table.criterion] = how_many_more(ratings, criterion, table.level, judges)
    return found


def _rounds(run: Run) -> tuple[Rounds, pd.DataFrame, list[str]]:
    """Return the verdicts on a run's series, the scores behind them, and why there are none."""
    if not _wanted(run):
        return Rounds([]), pd.DataFrame(), []
    try:
        scores, names = run.worked_out(from_run), checkpoint_names(run)
        places = {name: number for number, name in names.items()}
        return compare_rounds(run), scores.assign(round=scores["round"].map(places)) if names else scores, []
    except HarnessError as error:
        return Rounds([]), pd.DataFrame(), [f"Rounds: {error}"]


def _exchange(run: Run) -> tuple[list[Row], list[str]]:
    """Return what labels are worth in a run that keeps it, and why that is not said where its ratings have changed."""
    kept = kept_rates(run)
    if kept is None:
        return [], []
    if stale(run):
        return [], [
            "Exchange: the run's ratings have changed since its rates were computed; `harness run` does it anew"
        ]
    letters = {name: f"Human {_letters(place)}" for place, name in enumerate(kept.humans)}

    def called(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: called(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [called(inner) for inner in value]
        return letters.get(value, value) if isinstance(value, str) else value

    rows = [called(one.to_json()) for one in kept]
    for row in rows if letters else []:  # sentences name them
        for name, letter in letters.items():
            row["sentence"] = row["sentence"].replace(name, letter)
    return rows, [f"Exchange: {note}" for note in kept.notes]


def plain(row: Any) -> Row:
    """Return a result as a dict of JSON values: no NaN, no numpy types; the `sentence` of an object comes along."""
    if not isinstance(row, Mapping):
        sentence = getattr(row, "sentence", None)
        row = {**row.to_dict(), "sentence": sentence} if sentence is not None else row.to_dict()
    return {str(key): value_of(value) for key, value in row.items()}


def value_of(value: Any) -> Any:
    """Return a value as JSON knows it; what is missing is null."""
    if isinstance(value, Mapping):
        return {str(key): value_of(inner) for key, inner in value.items()}
    if isinstance(value, str) or value is None or isinstance(value, bool):
        return value
    if isinstance(value, Sequence | set | frozenset) or type(value).__name__ == "ndarray":
        return [value_of(inner) for inner in value]
    value = None if value is pd.NA else finite(value)
    return value if value is None or isinstance(value, int | float | str) else str(value)


def _letters(number: int) -> str:
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(65 + rest) + text
    return text
