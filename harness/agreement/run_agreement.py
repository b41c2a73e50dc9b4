"""How far the raters of a run agree, with people's ratings from a file if there are some."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from harness.agreement.agreed import Agreed
from harness.agreement.agreement import Agreement
from harness.agreement.audits.position import position_consistency
from harness.agreement.frame_agreement import agree_in_frame
from harness.agreement.grid.level import SCALE_LEVEL
from harness.agreement.grid.units import Level
from harness.agreement.matrix import pair_matrix
from harness.agreement.options import AgreementOptions
from harness.agreement.stand_in.chosen import column_of
from harness.errors import HarnessError, did_you_mean
from harness.run import Run, is_ok, is_person, kinds_of, one_verdict, opened, people_and_ai, settled

NO_PEOPLE = (
    "people: not rated yet: `harness annotate RUN --rater-id NAME`, or `harness export csv RUN --out FILE.csv`, fill "
    "in `rater` and `value`, then `harness agree RUN --with FILE.csv`"
)


@dataclass(frozen=True, kw_only=True)
class RunAgreement(Agreed):
    """The result of `agree_in_run`; a table is named `TASK: CRITERION`.

    Attributes:
        pairs: The matrix, as `pair_matrix` gives it.
        positions: As `position_consistency` gives them.
        people: Names of the human raters.
        places: The task and the criterion of each table, by the table's name.
    """

    pairs: list[dict[str, Any]] = field(default_factory=list)
    positions: list[dict[str, Any]] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    places: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def defined(self) -> bool:
        """Whether some pair or table has a value."""
        return any(row["value"] is not None for row in self.pairs) or super().defined

    @property
    def matrix(self) -> pd.DataFrame:
        """The pairs as a DataFrame."""
        return pd.DataFrame(self.pairs)

    @property
    def stand_ins(self) -> list[dict[str, Any]]:
        """What is known of each AI rater as a stand-in, as JSON values, with its `task` and `criterion`."""
        return [
            {**one.to_dict(), "task": task, "criterion": criterion}
            for one in self.stand_in
            for task, criterion in [self.places[one.criterion]]
        ]

    def to_json(self) -> dict[str, Any]:
        """Return JSON values: null, never NaN."""
        asked = {
            "stand_in": self.stand_ins,
            "raters": self.raters,
            "corrected": self.corrected,
            "self_agreement": self.self_agreement,
            "weights": self.weights,
            "slices": [one.to_dict() for one in self.slices],
            "means": [one.to_dict() for one in self.means],
        }
        return {
            "tables": [table.to_dict() for table in self.tables],
            "matrix": self.pairs,
            "positions": self.positions,
            "people": self.people or None,
            "warnings": self.warnings,
            **{name: rows for name, rows in asked.items() if rows},
        }

    def _repr_html_(self) -> str:
        people = escape(", ".join(self.people) or NO_PEOPLE)
        return self.matrix.to_html(index=False, escape=True, na_rep="") + f"<p>{people}</p>"


def agree_in_run(
    run: Run | str | Path, asked: AgreementOptions | None = None, *, people: pd.DataFrame | None = None
) -> RunAgreement:
    """Say how far the raters of a run agree.

    Args:
        run: The run, or its folder.
        asked: What is asked of them.
        people: Ratings from a file, as `read_ratings` gives them, of the run's responses (`response_id`).

    Raises:
        HarnessError: An option is one that a run decides itself; the ratings from the file are of no response of the
            run, or do not fit its scales; or nothing has the people and AI raters that were asked about.
    """
    asked = asked or AgreementOptions()
    if wrong := asked.of_a_frame:
        raise HarnessError(
            f"{wrong[0]}: a run's raters, scales and items are compared as they are; for a part of them take its "
            "frame, `agree(run.ratings, ...)`"
        )
    run = opened(run)
    ratings = run.ratings if people is None else with_people(run, people)
    for column in filter(None, (column_of(asked.chosen), asked.by, asked.means)):
        ratings = with_column(run, ratings, column)
    asked = asked.in_run(run)
    if asked.sequential and asked.time is None and ratings.loc[is_person(ratings), "created_at"].notna().all():
        asked = replace(asked, time="created_at")
    human = sorted(map(str, ratings.loc[is_person(ratings), "rater"].unique()))
    found = RunAgreement(
        pairs=pair_matrix(ratings, **asked.draws),
        positions=position_consistency(ratings),
        people=human,
        draws=asked.draws,
        kinds=kinds_of(ratings),
    )
    for place, level, group in _shared(ratings):
        about = ": ".join(place)
        found.places[about] = place
        kinds = kinds_of(group)
        persons, machines = people_and_ai(kinds, kinds)
        both = bool(machines and persons)
        here = replace(
            asked,
            level=level,
            stand_in=asked.stand_in is not False and both and len(persons) >= 2,
            correct=asked.correct and both,
            weights=asked.weights and both,
        )
        if not here.correct:
            here = replace(here, chosen=None, sequential=False, time=None, by=None if asked.correct else asked.by)
        one = agree_in_frame(group, here)
        _take(found, one, about)
    if (asked.stand_in and not found.stand_in) or (asked.correct and not found.corrected):
        need = "two people and a judge" if asked.stand_in else "a person and a judge"
        raise HarnessError(
            f"{run.folder}: no criterion of a task was rated by {need}; people so far: {', '.join(human) or 'none'}. "
            "Bring their ratings in by `harness import`, or name the file by --with"
        )
    return found


def _take(found: RunAgreement, one: Agreement, about: str) -> None:
    """Add what is known of one task and criterion."""
    named = {"criterion": about}
    found.tables.extend(replace(table, **named) for table in one.tables)  # type: ignore[arg-type]
    found.units.extend(replace(units, **named) for units in one.units)  # type: ignore[arg-type]
    found.stand_in.extend(replace(answer, **named) for answer in one.stand_in)  # type: ignore[arg-type]
    found.slices.extend(replace(part, **named) for part in one.slices)  # type: ignore[arg-type]
    found.means.extend(replace(part, **named) for part in one.means)  # type: ignore[arg-type]
    for mine, others in (
        (found.warnings, one.warnings),
        (found.raters, one.raters),
        (found.corrected, one.corrected),
        (found.self_agreement, one.self_agreement),
    ):
        mine.extend({**row, **named} for row in others)
    for panel in one.weights.values():  # of one criterion
        found.weights[about] = panel


def with_column(run: Run, ratings: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return a run's ratings with a column: what was kept beside each rating, else their own, the responses' or items'.

    Raises:
        HarnessError: Nothing has it.
    """
    word = json.dumps(name, ensure_ascii=False)
    beside = [json.loads(facts) if word in facts else {} for facts in ratings["metadata"]]
    if beside and all(name in facts for facts in beside):  # of a file, whose column may have the name of one of ours
        return ratings.assign(**{name: [facts[name] for facts in beside]})
    if name in ratings:
        return ratings
    if name in run.responses:
        column = run.responses.drop_duplicates("response_id").set_index("response_id")[name]
        return ratings.assign(**{name: column.reindex(ratings["response_id"]).to_numpy()})
    if name in run.items:
        known = run.items.drop_duplicates(["task", "item_id"]).set_index(["task", "item_id"])[name]
        place = pd.MultiIndex.from_frame(ratings[["task", "item_id"]])
        return ratings.assign(**{name: known.reindex(place).to_numpy()})
    columns = [*ratings.columns, *run.responses.columns, *run.items.columns]
    raise HarnessError(
        f"{run.folder}: neither ratings, responses nor items have {name!r}.{did_you_mean(name, columns)}"
    )


def with_people(run: Run, people: pd.DataFrame) -> pd.DataFrame:
    """Return a run's ratings and those of a file under them."""
    where = people.attrs.get("path", "the ratings")
    if "response_id" not in people:
        raise HarnessError(f"{where}: has no column 'response_id': start from `harness export`, which writes it")
    known = run.responses.set_index("response_id")
    unknown = sorted(set(map(str, people["response_id"].dropna())) - set(map(str, known.index)))
    if unknown or people["response_id"].isna().any():
        shown = repr(unknown[0]) if unknown else "an empty response_id"
        raise HarnessError(
            f"{where}: {shown} is no response of {run.folder}; rate what `harness export` wrote for this run"
        )
    answered = people[people["value"].notna()]
    _check_scale(run, where, answered)
    criterion = answered["criterion"].astype(str)
    two = answered["value"].isin([0.0, 1.0]).groupby(criterion).transform("all")
    scale = two.map({True: "binary", False: "ordinal"})
    filled = answered.assign(
        task=known["task"].reindex(answered["response_id"].astype(str)).to_numpy(),
        item_id=known["item_id"].reindex(answered["response_id"].astype(str)).to_numpy(),
        scale=answered.get("scale", scale),
        status="ok",
        repetition=answered.groupby(["rater", "response_id", "criterion"], observed=True).cumcount(),
    )
    filled["flags"] = [[]] * len(filled) if "flags" not in answered else answered["flags"]
    plain = filled.astype({name: object for name in filled if isinstance(filled[name].dtype, pd.CategoricalDtype)})
    columns = [name for name in plain if name in run.ratings]
    return pd.concat([run.ratings, plain[columns]], ignore_index=True)


def _shared(ratings: pd.DataFrame) -> Iterator[tuple[tuple[str, str], Level, pd.DataFrame]]:
    """Yield each task and criterion that several raters share, its level and its ratings.

    The verdicts of a comparison count in one direction, those of both orders as their mean, where the rater did not
    settle them itself.
    """
    ratings = settled(ratings)
    for (task, criterion), group in ratings[is_ok(ratings)].groupby(["task", "criterion"], sort=True, observed=True):
        if group["rater"].nunique() < 2:
            continue
        levels = {SCALE_LEVEL[scale] for scale in group["scale"]}
        level: Level = levels.pop() if len(levels) == 1 else "ordinal"
        labels = {"label": None} if level == "nominal" and group["label"].isna().any() else {}
        yield (str(task), str(criterion)), level, one_verdict(group.assign(**labels))


def _check_scale(run: Run, where: str, answered: pd.DataFrame) -> None:
    """Refuse values of people that lie outside of what the run's question, or its other raters, allow.

    Raises:
        HarnessError: Says which value, and what is allowed.
    """
    questions = run.manifest.get("questions", {})
    for criterion, group in answered.groupby("criterion", observed=True):
        values = group["value"].to_numpy(float)
        others = run.ratings[(run.ratings["criterion"] == criterion) & run.ratings["value"].notna()]
        scales = set(others["scale"])
        if criterion in questions:
            grades = [float(grade["value"]) for grade in questions[criterion]["grades"]]
            low, high = min(grades), max(grades)
        elif scales and scales <= {"binary", "preference"}:
            low, high = 0.0, 1.0
        else:
            continue
        wrong = group[(values < low) | (values > high)]
        if len(wrong):
            raise HarnessError(
                f"{where}: {wrong.index.name or 'row'} {wrong.index[0]}: {wrong['value'].iloc[0]:g} for {criterion} "
                f"is outside of the run's scale, {low:g} to {high:g}"
            )
