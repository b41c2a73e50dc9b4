"""How far the raters of a run agree, with people's ratings from a file if there are some."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from harness.agreement.agreement import Table, agree
from harness.agreement.cautions import Caution
from harness.agreement.pairs import pair_matrix
from harness.agreement.position import position_consistency
from harness.agreement.ratings import SCALE_LEVEL
from harness.agreement.units import Level
from harness.errors import HarnessError
from harness.run import Run

NO_PEOPLE = (
    "people: not rated yet: `harness annotate RUN --rater-id NAME`, or `harness export csv RUN --out FILE.csv`, fill "
    "in `rater` and `value`, then `harness agree RUN --with FILE.csv`"
)


@dataclass(frozen=True)
class RunAgreement:
    """The result of `agree_in_run`.

    Attributes:
        tables: One a task and criterion that several raters share.
        pairs: The matrix, as `pair_matrix` gives it.
        positions: As `position_consistency` gives them.
        people: Names of the human raters.
        warnings: What to beware of.
    """

    tables: list[Table]
    pairs: list[dict[str, Any]]
    positions: list[dict[str, Any]]
    people: list[str]
    warnings: list[Caution]

    @property
    def defined(self) -> bool:
        """Whether some pair or table has a value."""
        return any(row["value"] is not None for row in self.pairs) or any(
            np.isfinite(found.value) for table in self.tables for found in table.coefficients.values()
        )

    @property
    def matrix(self) -> pd.DataFrame:
        """The pairs as a DataFrame."""
        return pd.DataFrame(self.pairs)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values: null, never NaN."""
        return {
            "tables": [table.to_dict() for table in self.tables],
            "matrix": self.pairs,
            "positions": self.positions,
            "people": self.people or None,
            "warnings": self.warnings,
        }

    def _repr_html_(self) -> str:
        people = escape(", ".join(self.people) or NO_PEOPLE)
        return self.matrix.to_html(index=False, escape=True, na_rep="") + f"<p>{people}</p>"


def agree_in_run(run: Run, people: pd.DataFrame | None = None, *, resamples: int = 1000, seed: int = 0) -> RunAgreement:
    """Say how far the raters of a run agree.

    Args:
        run: The run.
        people: Ratings from a file, as `read_ratings` gives them, of the run's responses (`response_id`).
        resamples: Bootstrap resamples; 0 gives no intervals.
        seed: Decides the draws.

    Raises:
        HarnessError: The ratings from the file are of no response of the run.
    """
    ratings = run.ratings if people is None else with_people(run, people)
    human = sorted(map(str, ratings.loc[ratings["rater_kind"] == "human", "rater"].unique()))
    tables, warnings = _tables(ratings, resamples, seed)
    pairs = pair_matrix(ratings, resamples=resamples, seed=seed)
    return RunAgreement(tables, pairs, position_consistency(ratings), human, warnings)


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


def _tables(ratings: pd.DataFrame, resamples: int, seed: int) -> tuple[list[Table], list[Caution]]:
    """Return a table for each task and criterion that several raters share, and its warnings."""
    tables: list[Table] = []
    warnings: list[Caution] = []
    alone = ratings[(ratings["status"] == "ok") & ratings["order"].isna()]
    for (task, criterion), group in alone.groupby(["task", "criterion"], sort=True, observed=True):
        if group["rater"].nunique() < 2:
            continue
        levels = {SCALE_LEVEL[scale] for scale in group["scale"]}
        level: Level = levels.pop() if len(levels) == 1 else "ordinal"
        labels = {"label": None} if level == "nominal" and group["label"].isna().any() else {}
        found = agree(group.assign(**labels), level=level, resamples=resamples, seed=seed)
        tables += [Table(**{**vars(table), "criterion": f"{task}: {criterion}"}) for table in found.tables]
        warnings += [{**one, "criterion": f"{task}: {criterion}"} for one in found.warnings]
    return tables, warnings
