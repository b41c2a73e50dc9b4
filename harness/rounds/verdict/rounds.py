"""Rounds: does the feedback keep improving the model? Scores go in as a long frame, verdicts come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from harness.errors import HarnessError, did_you_mean
from harness.rounds.harms.answers import answer_flags, slope
from harness.rounds.harms.flags import Flag, forgetting, judge_decay, missing_changed, off_target, over_optimising
from harness.rounds.harms.samples import sampling_flags
from harness.rounds.scores.grid import Notice, ScoreGrid, by_benchmark, score_grids, whole
from harness.rounds.verdict.bands import deltas
from harness.rounds.verdict.comparison import Comparison, compare_series
from harness.rounds.verdict.looks import LookRule, VerdictRule, take_looks
from harness.rounds.verdict.overview import overview
from harness.rounds.verdict.result import NeededItems, RoundsResult, finite
from harness.rounds.verdict.shape import describe
from harness.rounds.verdict.verdict import ENOUGH_UNITS, Decision, decide, more_items, needs, p_values, window_contrast
from harness.statistics import Bools, Floats, Moments

CONTROL = "none"
"""The series that is the control where it is not said."""


@dataclass(frozen=True)
class Rounds:
    """The verdicts on every series and benchmark, and the comparisons between series."""

    results: list[RoundsResult]
    comparisons: list[Comparison] = field(default_factory=list)
    warnings: list[Notice] = field(default_factory=list)

    @property
    def df(self) -> pd.DataFrame:
        """One row a series and benchmark; the keys of `to_json` are the columns."""
        return pd.DataFrame([result.to_dict() for result in self.results])

    @property
    def summary(self) -> list[str]:
        """What holds over several benchmarks, and over several comparisons, by Holm's step-down."""
        return overview(self.results, self.comparisons)

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values: fractions of the score range, null for what is unknown."""
        return {
            "results": [result.to_dict() for result in self.results],
            "comparisons": [comparison.to_dict() for comparison in self.comparisons],
            "warnings": [finite(warning) for warning in self.warnings],
            "summary": self.summary,
        }

    def _repr_html_(self) -> str:
        def marked(sentence: str) -> str:
            parts = escape(sentence).split("**")
            return "".join(f"<b>{part}</b>" if place % 2 else part for place, part in enumerate(parts))

        lines = [result.sentence for result in self.results] + [one.sentence for one in self.comparisons]
        lines += self.summary
        notes = [str(warning["message"]) for warning in self.warnings]
        return f"<ul>{''.join(f'<li>{marked(line)}</li>' for line in lines + notes)}</ul>"


def compare_rounds(
    df: pd.DataFrame,
    sesoi: float = 1.0,
    score_range: tuple[float, float] = (0.0, 1.0),
    significance: float = 0.05,
    look: LookRule = "final",
    cluster: str | None = None,
    control: str | None = None,
    off_target: Sequence[str] = (),
    costs: Mapping[str, Mapping[str, float]] | None = None,
    keep_selection_items: bool = False,
) -> Rounds:
    """Say of every series whether it is improving, plateaued, worsening or inconclusive.

    The verdict is on the items' slope over the last half of the rounds, by rule; see the documentation of rounds.

    Args:
        df: A row an item, round and series: `item`, `round`, `score`, and where there are any `series`, `benchmark`,
            `seed` (of the training run), `gold` (outranks `score`, on all items or on a random sample of them),
            `rater_version`, `content_hash`, `prompt_hash`, `selection` (true where the item selected training data).
        sesoi: The smallest effect of interest, in points (hundredths of the score range) a round.
        score_range: The lowest and the highest score there can be.
        significance: Of each one-sided test; intervals are at level 1 - 2 x significance.
        look: `final` for one look; `every` where the series was looked at after every round.
        cluster: The column that says which items belong together (a document, a prompt family).
        control: The series trained with equal steps and no feedback; where not given `none`, if there is one.
        off_target: Benchmarks that the feedback was not about: tested for forgetting.
        costs: `labels` and `dollars`, each series to what its feedback cost; gains by cost are then compared.
        keep_selection_items: Report on items that selected training data all the same, and flag the results.

    Raises:
        HarnessError: A column is missing, a value is wrong, or items selected the training data.
    """
    question = VerdictRule.of(sesoi, significance, look)
    df, selected = _without_selection(df, keep_selection_items)
    found, warnings = score_grids(df, score_range, cluster)
    known, names = {grid.benchmark for grid in found}, {grid.series for grid in found}
    if control is not None and control not in names:
        message = f"the control {control!r} is no series of the scores.{did_you_mean(control, names)}"
        warnings.append({"code": "no_control", "message": message})
    for name in off_target:
        if name not in known:
            raise HarnessError(f"off-target benchmark {name!r} is not in the scores.{did_you_mean(name, known)}")
    results: list[RoundsResult] = []
    comparisons: list[Comparison] = []
    for _, group in by_benchmark(found):
        results += [_result(grid, question, warnings, len(known) > 1) for grid in group]
        comparisons += compare_series(group, control or CONTROL, question.sesoi, significance, costs)
    results = [
        replace(result, flags=result.flags + _off_target_flags(result, found, off_target, question))
        for result in results
    ]
    results = [replace(result, flags=result.flags + trade_off(result, results)) for result in results]
    if selected:
        mark: Flag = {"flag": "selection_items", "outcome": "yes", "n_rows": selected}
        results = [replace(result, flags=[*result.flags, mark]) for result in results]
    return Rounds(results, comparisons, warnings)


def _without_selection(df: pd.DataFrame, keep: bool) -> tuple[pd.DataFrame, int]:
    if "selection" not in df.columns:
        return df, 0
    count = int(df["selection"].fillna(False).astype(bool).sum())
    if count and not keep:
        raise HarnessError(
            f"{count:,} rows are of items that selected training data (column 'selection'); a score on them flatters "
            "the series. Score other items, or keep them, flagged (keep_selection_items, --keep-selection-items)"
        )
    return df, count


def _result(grid: ScoreGrid, question: VerdictRule, warnings: list[Notice], several: bool) -> RoundsResult:
    """Return the verdict on one grid: on gold where all items have it, corrected by gold where some have."""
    proxy_rows = grid.complete
    gold_rows = whole(grid.gold) & proxy_rows if grid.gold is not None else None
    few_gold, judged_scores = grid.partly_gold, grid.judged
    rows = whole(judged_scores)
    blank = _blank(grid, judged_scores, rows, question, several)
    if len(grid.rounds) < 2:
        return replace(blank, reason="too_few_rounds")
    for some, reason in ((rows, "too_few_items"), (gold_rows if few_gold else rows, "too_few_gold")):
        if some is not None and grid.units_of(some) < ENOUGH_UNITS:
            return replace(blank, reason=reason)
    moments = Moments.of(judged_scores[:, rows], grid.clusters_of(rows))
    looks, last, flags = take_looks(grid, moments, gold_rows if few_gold else None, rows, question, warnings)
    flags += _flags(grid, question, gold_rows, last)
    measured = int(gold_rows.sum()) if few_gold and gold_rows is not None else int(rows.sum())
    units = grid.units_of(gold_rows if few_gold and gold_rows is not None else rows)
    needed = needs(last.estimate, measured, units, question.sesoi, looks[-1].significance)
    return replace(
        blank,
        verdict=last.verdict,
        rate=last.rate,
        low=last.low,
        high=last.high,
        window=looks[-1].window,
        significance=looks[-1].significance,
        level=last.level,
        mde=needed.mde,
        smallest_certifiable_sesoi=needed.smallest_certifiable_sesoi,
        needed_items=NeededItems(needed.detect, needed.certify),
        looks=looks,
        deltas=deltas(moments, grid.rounds),
        shape=describe(moments, grid.rounds) if len(grid.rounds) > 2 else None,
        flags=flags,
        more=more_items(last, needed, measured, question.sesoi) if last.verdict == "inconclusive" else None,
        p_values=p_values(last.estimate, question.sesoi),
    )


def _blank(grid: ScoreGrid, scores: Floats, rows: Bools, question: VerdictRule, several: bool) -> RoundsResult:
    """Return the result that knows only what was there: inconclusive."""
    return RoundsResult(
        benchmark=grid.benchmark, series=grid.series, verdict="inconclusive", rate=None, low=None, high=None,
        sesoi=question.sesoi, rounds=grid.rounds, n_items=int(rows.sum()), n_seeds=len(grid.seeds),
        scope="run" if len(grid.seeds) == 1 else "method", window=None, significance=question.significance,
        level=1 - 2 * question.significance, mde=None, smallest_certifiable_sesoi=None,
        needed_items=NeededItems(None, None), missing=[float(share) for share in np.isnan(scores).mean(axis=(0, 1))],
        looks=[], reason=None, paired=True, deltas=[], shape=None, flags=[],
        label=f"{grid.series} on {grid.benchmark}" if several else "",
    )  # fmt: skip


def _flags(grid: ScoreGrid, question: VerdictRule, gold_rows: Bools | None, last: Decision) -> list[Flag]:
    """Return the flags of one grid; those that look at other benchmarks come later."""
    sesoi, significance = question.sesoi, question.significance
    contrast = window_contrast(grid.rounds)[1]
    bounded = missing_changed(grid, grid.judged, contrast, sesoi, significance)
    flags = [bounded] if bounded else []
    flags += sampling_flags(grid, contrast, sesoi, significance)
    flags += answer_flags(grid, sesoi, significance)
    if grid.gold is not None and gold_rows is not None and grid.units_of(gold_rows) >= ENOUGH_UNITS:
        rows = grid.complete
        proxy = Moments.of(grid.scores[:, rows], grid.clusters_of(rows)).estimate(contrast)
        said = decide(proxy, sesoi, significance)
        flags.append(over_optimising(grid, gold_rows, contrast, said, last, significance))
        flags.append(judge_decay(grid, gold_rows, slope(grid.rounds), sesoi, significance))
    return flags


def _off_target_flags(
    result: RoundsResult, found: list[ScoreGrid], names: Sequence[str], question: VerdictRule
) -> list[Flag]:
    if result.benchmark in names:
        return []
    changes = off_target([p for p in found if p.series == result.series and p.benchmark in names])
    return forgetting(changes, question.sesoi, question.significance)


def trade_off(result: RoundsResult, results: Sequence[RoundsResult]) -> list[Flag]:
    """Return whether a series that improves on this benchmark (a task, a criterion) worsens on another one."""
    others = [one for one in results if one.series == result.series and one.benchmark != result.benchmark]
    if not others or result.verdict != "improving":
        return []
    worse = sorted(one.benchmark for one in others if one.verdict == "worsening")
    unsure = any(one.verdict in (None, "inconclusive") for one in others)
    rates = {
        one.benchmark: {"rate": one.rate, "low": one.low, "high": one.high, "verdict": one.verdict} for one in others
    }
    outcome = "yes" if worse else "unknown" if unsure else "no"
    return [{"flag": "trade_off", "outcome": outcome, "worsening": worse, "others": rates}]


__all__ = ["Rounds", "compare_rounds"]
