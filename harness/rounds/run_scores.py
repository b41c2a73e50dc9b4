"""The scores of a run's series: gold ratings joined on the answers that they rate, as a long frame."""

from __future__ import annotations

from typing import Protocol

import pandas as pd

from harness.errors import HarnessError
from harness.suite import Suite


class RunTables(Protocol):
    """What is read of a run."""

    @property
    def suite(self) -> Suite: ...  # noqa: D102
    @property
    def items(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def responses(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def ratings(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def rounds(self) -> pd.DataFrame: ...  # noqa: D102


def from_run(run: RunTables, gold: str | None = None) -> pd.DataFrame:
    """Return the scores of a run's series, a row an answer: what `compare_rounds` takes.

    Args:
        run: A run.
        gold: The rater whose ratings are the scores; that of the suite where not given.

    Returns:
        Columns item, round, score (nan where the rater failed), series, benchmark (the task), seed, sample,
        prompt_hash, rater_version, and cluster where there are any.

    Raises:
        HarnessError: The run has no series, no rating by the rater, or rates items that selected training data.
    """
    rater = gold or (run.suite.rounds.gold if run.suite.rounds else None)
    if rater is None:
        raise HarnessError("the run's suite has no `rounds:`; say which rater's ratings are the scores")
    answers = run.responses.loc[run.responses["series"].notna() & run.responses["round"].notna()]
    chosen = run.ratings["flags"].map(lambda flags: flags is not None and "selection_item" in list(flags)).astype(bool)
    ratings = run.ratings[(run.ratings["rater"] == rater) & ~chosen & (run.ratings["repetition"].fillna(0) == 0)]
    scores = answers.merge(
        ratings[["response_id", "value", "rater_version"]], on="response_id", how="inner", validate="one_to_many"
    )
    if scores.empty:
        raise HarnessError(f"the run has no rating by {rater!r} of an answer of a series; train and rate it first")
    _refuse_selection(run.ratings[chosen], scores)
    frame = pd.DataFrame(
        {
            "item": scores["item_id"],
            "round": scores["round"].astype("int64"),
            "score": scores["value"].astype(float),
            "series": scores["series"],
            "benchmark": scores["task"],
            "seed": scores["seed"],
            "sample": scores["sample"],
            "prompt_hash": scores["prompt_hash"],
            "rater_version": scores["rater_version"],
        }
    )
    items = run.items.drop_duplicates(["task", "item_id"])[["task", "item_id", "cluster"]]
    if items["cluster"].notna().any():
        keys = items.rename(columns={"task": "benchmark", "item_id": "item"})
        frame = frame.merge(keys, on=["benchmark", "item"], how="left")
        frame["cluster"] = frame["cluster"].fillna(frame["item"])
    return frame


def costs_of(run: RunTables) -> dict[str, dict[str, float]]:
    """Return what each series' feedback cost, for gains by label and by dollar; an unknown price is left out."""
    summaries = run.rounds
    if summaries.empty:
        return {}
    fed = summaries[summaries["round"] > 0].groupby("series")
    labels = fed["n_ratings"].sum()
    dollars = fed["cost_usd"].sum(min_count=1).dropna()
    return {
        "labels": {str(name): float(count) for name, count in labels.items() if count > 0},
        "dollars": {str(name): float(cost) for name, cost in dollars.items() if cost > 0},
    }


def _refuse_selection(selecting: pd.DataFrame, scores: pd.DataFrame) -> None:
    chosen = set(zip(selecting["task"], selecting["item_id"], strict=True))
    both = sorted(chosen & set(zip(scores["task"], scores["item_id"], strict=True)))
    if both:
        raise HarnessError(
            f"{len(both):,} items were used to select training data and are evaluated too (first: {both[0][1]!r} of "
            f"{both[0][0]!r}); a score on them flatters the series. Evaluate on items that feedback never saw"
        )
