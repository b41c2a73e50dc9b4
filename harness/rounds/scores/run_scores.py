"""The scores of a run's series: gold ratings joined on the answers that they rate, as a long frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from harness.answering import number_of
from harness.errors import HarnessError, did_you_mean
from harness.rounds.scores.labels import label_rounds, named_rounds
from harness.rounds.scores.logs import PREFERRED
from harness.run import has_flag, is_first, practised

if TYPE_CHECKING:
    from harness.suite import Suite

REFERENCE = "reference"
"""The model that a run names as the author of the items' own answers."""
OWN_PROBABILITY = "own_probability"
"""The rater whose ratings are how sure the model was of its answer."""


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


def from_run(run: RunTables, rater: str | None = None, gold: str | None = None) -> pd.DataFrame:
    """Return the scores of a run's series, a row an answer: what `compare_rounds` takes.

    Args:
        run: A run with series: of a learner, or of checkpoints that it names as models.
        rater: The rater whose ratings are the scores; where not given, the suite's gold, or the only rater there is.
        gold: A rater whose ratings outrank those, on all answers or on some.

    Returns:
        Columns item, round, score (nan where the rater failed), series, benchmark (the task, and the criterion where
        the rater has several), seed, sample, prompt_hash, rater_version, length, selection (whether the item selected
        training data), and where there are any gold, cluster, visible, confidence, text (of repeated answers).

    Raises:
        HarnessError: The run has no series, or no rating by the rater.
    """
    answers = run.responses
    answers = answers.loc[answers["series"].notna() & answers["round"].notna()]
    if run.suite.rounds:
        answers = answers[~practised(answers, run.ratings, run.suite.rounds.gold)]
    if answers.empty:
        raise HarnessError(
            "the run has no series; train in rounds, name checkpoints with `series:` and `round:`, or say of which "
            "round the run is: ROUND=FOLDER"
        )
    return _scores(run, answers, rater, gold)


def from_checkpoint(
    run: RunTables, number: int, series: str, rater: str | None = None, gold: str | None = None
) -> pd.DataFrame:
    """Return the scores of a run of one model as one round of a series; see `from_run`.

    Raises:
        HarnessError: The run has several models, or no rating by the rater.
    """
    responses = run.responses[run.responses["model"] != REFERENCE]
    models = sorted(responses["model"].unique())
    if len(models) > 1:
        raise HarnessError(
            f"round {number} of {series!r}: the run has several models ({', '.join(models)}); name them as "
            "checkpoints in its suite, with `series:` and `round:`"
        )
    answers = responses.assign(series=series, round=number, seed=None)
    return _scores(run, answers, rater, gold)


def _scores(run: RunTables, answers: pd.DataFrame, rater: str | None, gold: str | None) -> pd.DataFrame:
    ratings = run.ratings[run.ratings["against_id"].isna() & is_first(run.ratings)]
    selecting = has_flag(ratings, "selection_item")
    known = pd.Index(answers["response_id"].unique()).get_indexer(ratings["response_id"]) >= 0  # a tenth of `isin`
    rated = ratings[~selecting & known]
    mine = _ratings_by(rated, rater) if rater else _usual_ratings(run, rated)
    scores = answers.merge(mine, on="response_id", how="inner", validate="one_to_many", suffixes=("", "_rating"))
    chosen = ratings.loc[selecting, ["task", "item_id"]].drop_duplicates().assign(selection=True)
    scores = scores.merge(chosen, on=["task", "item_id"], how="left")
    several = scores.groupby("task", observed=True)["criterion"].transform("nunique") > 1
    benchmark = scores["task"].where(~several, scores["task"] + ", " + scores["criterion"])
    if "variant" in scores:
        benchmark = benchmark.where(scores["variant"] == "", benchmark + "," + scores["variant"])
    tokens = scores["completion_tokens"]
    called = checkpoint_names(run)
    frame = pd.DataFrame(
        {
            "item": scores["item_id"],
            "round": scores["round"].map(called) if called else scores["round"].astype("int64"),
            "score": scores["value"].astype(float),
            "series": scores["series"],
            "benchmark": benchmark,
            "seed": scores["seed"],
            "sample": scores["sample"],
            "prompt_hash": scores["prompt_hash"],
            "rater_version": scores["rater_version"],
            "length": (tokens if tokens.notna().all() else scores["text"].str.len()).astype(float),
            "selection": scores["selection"].notna(),
        }
    )
    if gold is not None:
        found = _ratings_by(rated, gold)[["response_id", "criterion", "value"]].rename(columns={"value": "gold"})
        on = ["response_id", "criterion"] if set(found["criterion"]) & set(scores["criterion"]) else ["response_id"]
        frame["gold"] = scores.merge(found.drop_duplicates(on), on=on, how="left")["gold"].to_numpy(float)
    seen = has_flag(scores, "visible_only")
    if seen.any():
        frame["visible"] = np.where(seen, 1.0, frame["score"])
    sure = rated[(rated["rater"] == OWN_PROBABILITY) & rated["value"].between(0, 1)]
    if len(sure):
        frame["confidence"] = scores["response_id"].map(sure.set_index("response_id")["value"]).astype(float)
    elif run.suite.rounds and scores["logprobs"].notna().any():  # a learner's texts carry what each token was given
        frame["confidence"] = scores["logprobs"].map(_probability).astype(float)
    if scores["kl"].notna().any():
        frame["kl"] = scores["kl"].astype(float)
    if (scores["sample"] > 0).any():
        frame["text"] = scores["text"]
    items = run.items.drop_duplicates(["task", "item_id"])[["task", "item_id", "cluster"]]
    if items["cluster"].notna().any():
        cluster = scores[["task", "item_id"]].merge(items, on=["task", "item_id"], how="left")["cluster"]
        frame["cluster"] = cluster.fillna(scores["item_id"]).to_numpy()
    return frame


def checkpoint_names(run: RunTables) -> dict[int, str]:
    """Return what the rounds of a run's checkpoints are called; nothing where names do not say, or say another order.

    `round-1` of round 1 is no name of its own.
    """
    known = [(one.round, one.checkpoint or one.name) for one in run.suite.models if one.round is not None]
    called = dict(sorted(known))
    names = [*called.values()]
    if run.suite.rounds or len(set(names)) < len(set(known)) or any(number_of(name) is None for name in names):
        return {}
    if {number: number_of(name) for number, name in called.items()} == {number: number for number in called}:
        return {}
    return called if named_rounds(names) and label_rounds(pd.Series(names))[1] == names else {}


def _probability(logprobs: Any) -> float:
    """Return the probability of a whole answer; nan where its tokens' are not known."""
    return float(np.exp(np.sum(logprobs))) if logprobs is not None and len(logprobs) else float("nan")


def _ratings_by(rated: pd.DataFrame, rater: str) -> pd.DataFrame:
    mine = rated[rated["rater"] == rater]
    if mine.empty:
        raise HarnessError(
            f"the run has no rating by {rater!r} of an answer of a series; train and rate it first."
            + did_you_mean(rater, rated["rater"].unique())
        )
    return mine[["response_id", "criterion", "value", "rater_version", "flags"]]


def _usual_ratings(run: RunTables, rated: pd.DataFrame) -> pd.DataFrame:
    """Return the ratings that are the scores: by the suite's gold, or the rater it names for a task beside.

    Else those of each task's own metric: its only verifier, its only rater, or where lm-eval gave several metrics the
    first of `PREFERRED`, under each of its filters (a benchmark each): evaluations with different metrics keep all
    their benchmarks.
    """
    use, found = run.suite.rounds, []
    if use and use.gold not in set(rated["rater"]):
        return _ratings_by(rated, use.gold)
    beside = {entry.task: entry.rater for entry in use.off_target} if use else {}
    for task, rows in rated.groupby("task", observed=True):
        named = use.gold if use and task not in beside else beside.get(str(task))
        if named is not None:
            found += [_ratings_by(rows, named).assign(variant="")] if named in set(rows["rater"]) else []
            continue
        verifiers = rows[rows["rater_kind"] == "verifier"]
        metrics: dict[str, list[str]] = {}
        for name in sorted((verifiers if len(verifiers) else rows)["rater"].unique()):
            metrics.setdefault(str(name).partition(",")[0].rpartition(":")[2], []).append(str(name))
        chosen = next((name for name in PREFERRED if name in metrics), None)
        if chosen is None and len(metrics) > 1:
            raise HarnessError(
                f"say whose ratings are the scores of {task} (--metric RATER); the answers are rated by: "
                + ", ".join(name for names in metrics.values() for name in names)
            )
        names = metrics[chosen or next(iter(metrics))]
        for name in names:
            found.append(_ratings_by(rows, name).assign(variant=name.partition(",")[2] if len(names) > 1 else ""))
    if not found:
        raise HarnessError("nobody has rated the answers of the series; rate them first: harness rate RUN --rater NAME")
    return pd.concat(found)


def settings_of(run: RunTables) -> dict[str, Any]:
    """Return what a run's suite says of its rounds, as `compare_rounds` takes it: `sesoi`, `control`, `off_target`.

    The control is the series that keeps everything, or one called `none`; None where there is neither.
    """
    use = run.suite.rounds
    if use is None:
        named = {model.series for model in run.suite.models}
        return {"sesoi": None, "control": "none" if "none" in named else None, "off_target": []}
    taught = {name for name, kept in use.keep.items() if kept.rule == "reference"}  # a teacher asks no rater either
    control = next((name for name, rater in use.feedback.items() if rater is None and name not in taught), None)
    there = set(run.responses["task"].unique()) if use.off_target else set()
    off_target = [entry.task for entry in use.off_target if entry.task in there]
    return {"sesoi": use.sesoi, "control": control, "off_target": off_target}


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
