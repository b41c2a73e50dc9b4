"""What each model answered: how many answers were lost, and the share of the others that a verifier passed."""

from __future__ import annotations

from typing import Any, cast

import pandas as pd

from harness.reporting.evidence import Evidence, Row
from harness.run import has_flag, is_first, is_valued, practised
from harness.statistics import wilson

ANSWERED = ["task", "model", "series", "round"]
NO_ROUND = -1


def models(evidence: Evidence) -> list[Row]:
    """Return one row a task, model, series and round: what was measured, not what training practised on.

    Columns: `task, model, series, round, last` (whether it is its series' last round), `n` answers, `lost` (that could
    not be had), and `passes`: of each verifier with right and wrong `{rater, criterion, n, value, low, high}`: the
    share of rated answers that passed, with Wilson's 95 % interval, null where several answers are of one item.
    """
    run = evidence.run
    gold = run.suite.rounds.gold if run.suite.rounds else ""
    answered = run.responses[~practised(run.responses, run.ratings, gold)]
    answered = answered.assign(series=answered["series"].astype(object).where(answered["series"].notna(), ""),
                               round=answered["round"].fillna(NO_ROUND).astype(int))  # fmt: skip
    rated = run.ratings[(run.ratings["rater_kind"] == "verifier") & (run.ratings["scale"] == "binary")]
    rated = rated[is_valued(rated) & is_first(rated) & ~has_flag(rated, "same_process")]
    rated = rated[["response_id", "rater", "criterion", "value", "item_id"]].merge(
        answered[["response_id", *ANSWERED]], on="response_id"
    )
    passes = {key: _passes(evidence, group) for key, group in rated.groupby(ANSWERED, observed=True)}
    last: dict[Any, int] = answered.groupby(["task", "series"], observed=True)["round"].max().to_dict()
    rows = []
    for key, group in answered.groupby(ANSWERED, observed=True):
        task, model, series, number = cast("tuple[str, str, str, int]", key)
        rows.append(
            {
                "task": str(task),
                "model": str(model),
                "series": series or None,
                "round": None if number == NO_ROUND else int(number),
                "last": bool(number == last[task, series]),
                "n": len(group),
                "lost": int((group["status"] != "ok").sum()),
                "passes": passes.get(key, []),
            }
        )
    return rows


def _passes(evidence: Evidence, rated: pd.DataFrame) -> list[Row]:
    found = []
    for (rater, criterion), group in rated.groupby(["rater", "criterion"], sort=True, observed=True):
        alone = not group["item_id"].duplicated().any()
        low, high = wilson(float(group["value"].sum()), len(group)) if alone else (None, None)
        found.append({"rater": evidence.name(str(rater)), "criterion": criterion, "n": len(group),
                      "value": float(group["value"].mean()), "low": low, "high": high})  # fmt: skip
    return found
