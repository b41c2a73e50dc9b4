"""Rounds: does the feedback keep improving the model? Scores go in as a long frame, verdicts come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.errors import HarnessError, did_you_mean
from harness.rounds.harms.flags import Flag
from harness.rounds.scores.checked import Notice
from harness.rounds.scores.grid import ScoreGrid, by_benchmark, score_grids
from harness.rounds.scores.run_scores import costs_of, from_run, settings_of
from harness.rounds.scores.sources import is_fed, read_scores, sources_settings
from harness.rounds.verdict.bands import deltas
from harness.rounds.verdict.comparison import Comparison, compare_series, compared_pairs
from harness.rounds.verdict.difference import Difference, difference
from harness.rounds.verdict.flagged import flags_of, flags_off_target, trade_off
from harness.rounds.verdict.looks import LookRule, VerdictRule
from harness.rounds.verdict.needed import NeededItems, Needs
from harness.rounds.verdict.overview import answers, overview
from harness.rounds.verdict.result import OverControl, RoundsResult
from harness.rounds.verdict.saturation import saturated
from harness.rounds.verdict.shape import describe
from harness.rounds.verdict.verdict import ENOUGH_UNITS
from harness.run import is_explored
from harness.statistics import finite

if TYPE_CHECKING:
    from harness.run import Run

CONTROL = "none"
"""The series that is the control where it is not said."""


@dataclass(frozen=True)
class Rounds:
    """The verdicts on every series and benchmark, and the comparisons between series."""

    results: list[RoundsResult]
    comparisons: list[Comparison] = field(default_factory=list)
    warnings: list[Notice] = field(default_factory=list)
    fed: bool = True
    """Whether series were trained with feedback: checkpoints that were only evaluated are training alone."""

    @property
    def df(self) -> pd.DataFrame:
        """One row a series and benchmark; the keys of `to_json` are the columns."""
        return pd.DataFrame([result.to_dict() for result in self.results])

    @property
    def looked_at(self) -> list[RoundsResult]:
        """The series that a gate looks at: each kind of feedback.

        Not the control, where it is not alone; of benchmarks that the feedback was not about only what gets worse.
        """
        kinds = [one for one in self.results if not one.is_control] or self.results
        return [one for one in kinds if not one.is_beside or one.counts == "worsening"]

    @property
    def answers(self) -> list[str]:
        """What each kind of feedback gave, a sentence each, beyond training alone where a control tells; by Holm."""
        return answers(self.results, self.fed)

    @property
    def summary(self) -> list[str]:
        """The answers, and what holds over several benchmarks and over several comparisons, by Holm's step-down."""
        return [*self.answers, *overview(self.results, self.comparisons)]

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
    scores: pd.DataFrame | Run | str | Path,
    sesoi: float | None = None,
    score_range: tuple[float, float] = (0.0, 1.0),
    significance: float = 0.05,
    look: LookRule = "final",
    cluster: str | None = None,
    control: str | None = None,
    off_target: Sequence[str] | None = None,
    costs: Mapping[str, Mapping[str, float]] | None = None,
    keep_selection_items: bool = False,
    pairs: bool = False,
    ceiling: float | None = None,
) -> Rounds:
    """Say of every series which round was the last that helped: improving, plateaued, worsening or inconclusive.

    Where a control stands, the verdict that counts is that of the series minus the control (`over_control`). See the
    documentation of rounds for the rule and its error rates.

    Args:
        scores: A run, the path of one (or of what else `harness rounds` reads), or a frame with a row an item, round
            and series: `item`, `round`, `score`, and where there are any `series`, `benchmark`, `seed` (of the training
            run), `gold` (outranks `score`, on all items or a random sample of them), `rater_version`, `content_hash`,
            `prompt_hash`, `selection` (true where the item selected training data). Rounds are whole numbers, training
            steps (`step-1000`) or dates; each counts by its place in the order.
        sesoi: The smallest effect of interest, in points (hundredths of the score range) a round; where not given that
            of the run's suite, else 1.
        score_range: The lowest and the highest score there can be.
        significance: Of each one-sided test; intervals are at level 1 - 2 x significance.
        look: `final` for one look; `every` where the series was looked at after every round.
        cluster: The column that says which items belong together; where not given `cluster`, of a run that has it.
        control: The series trained with equal steps and no feedback; where not given that of the run's suite, else
            `none`, if there is one.
        off_target: Benchmarks that the feedback was not about: tested for forgetting. Where not given those of the
            run's suite.
        costs: `labels` and `dollars`, each series to what its feedback cost; gains by cost are then compared.
        keep_selection_items: Report on items that selected training data all the same, and flag the results.
        pairs: Compare every two series; otherwise each with the control, or with the first where there is none.
        ceiling: The score that people, or gold, reach on these items: near it a series is called saturated. The top of
            the score range where not given.

    Raises:
        HarnessError: A column is missing, a value is wrong, or items selected the training data.
    """
    df, told = _read(scores)
    costs = told.get("costs") if costs is None else costs
    sesoi = told.get("sesoi") or 1.0 if sesoi is None else sesoi
    control = told.get("control") if control is None else control
    off_target = told.get("off_target") or () if off_target is None else off_target
    cluster = told.get("cluster") if cluster is None else cluster
    question = VerdictRule.of(sesoi, significance, look)
    top = _top(ceiling, score_range)
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
        own = [_result(grid, question, warnings, len(known) > 1, top) for grid in group]
        over: dict[str, OverControl] = {}
        standing = next((grid for grid in group if grid.series == (control or CONTROL)), None)
        for a, b in compared_pairs(group, standing.series if standing else None, pairs):
            apart = difference(a, b)
            comparisons += compare_series(a, b, apart, b is standing, question.sesoi, significance, costs)
            if b is standing:
                over[a.series] = _over_control(apart, b.series, question)
            elif apart.note:
                about = {"benchmark": a.benchmark, "series": a.series}
                message = f"{a.series} and {b.series}: {apart.note}"
                warnings.append({"code": "rounds_differ", "message": message, **about})
        base = standing.series if standing else None
        results += [
            replace(
                one,
                over_control=over.get(one.series),
                is_control=one.series == base,
                is_beside=one.benchmark in off_target or is_explored(one.benchmark, known),
            )
            for one in own
        ]
    results = [
        replace(result, flags=result.flags + flags_off_target(result, found, off_target, question))
        for result in results
    ]
    results = [replace(result, flags=result.flags + trade_off(result, results)) for result in results]
    if selected:
        mark: Flag = {"flag": "selection_items", "outcome": "yes", "n_rows": selected}
        results = [replace(result, flags=[*result.flags, mark]) for result in results]
    return Rounds(results, comparisons, warnings, told.get("fed", True))


def _read(scores: pd.DataFrame | Run | str | Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the scores as a long frame, with what a run says of its rounds."""
    if isinstance(scores, pd.DataFrame):
        return scores, {}
    if isinstance(scores, str | Path):
        frame, costs = read_scores([scores])
        told = sources_settings([scores]) | {"fed": is_fed([scores])}
    else:
        frame, costs, told = scores.worked_out(from_run), costs_of(scores), settings_of(scores)
        told |= {"fed": scores.suite.rounds is not None}
    return frame, told | {"costs": costs, "cluster": "cluster" if "cluster" in frame else None}


def _top(ceiling: float | None, score_range: tuple[float, float]) -> float:
    """Return the highest score to be had, as a fraction of the range."""
    low, high = score_range
    if ceiling is None:
        return 1.0
    if not low < ceiling <= high:
        raise HarnessError(f"ceiling {ceiling:g}: is outside the score range {low:g},{high:g}")
    return (ceiling - low) / (high - low)


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


def _result(grid: ScoreGrid, question: VerdictRule, warnings: list[Notice], several: bool, top: float) -> RoundsResult:
    """Return the verdict on one grid: on gold where all items have it, corrected by gold where some have."""
    blank = _blank(grid, question, several)
    if len(grid.rounds) < 2:
        return replace(blank, reason="too_few_rounds")
    for some, reason in ((grid.rows, "too_few_items"), (grid.measured, "too_few_gold")):
        if grid.units_of(some) < ENOUGH_UNITS:
            return replace(blank, reason=reason)
    moments = grid.moments()
    looks, outcome = question.take(moments, grid.rounds)
    spent = looks[-1].significance
    flags = flags_of(grid, question, outcome, warnings) + saturated(moments, question.sesoi, top)
    needs = Needs.of(moments, question.sesoi, spent, outcome.verdict == "inconclusive")
    return replace(
        blank,
        verdict=outcome.verdict,
        rate=outcome.rate.rate,
        low=outcome.rate.low,
        high=outcome.rate.high,
        window=outcome.window,
        significance=spent,
        level=outcome.level,
        mde=needs.mde,
        smallest_certifiable_sesoi=needs.smallest_certifiable_sesoi,
        needed_items=needs.needed,
        looks=looks,
        deltas=deltas(moments, grid.rounds),
        shape=describe(moments, grid.rounds) if len(grid.rounds) > 2 else None,
        flags=flags,
        last_gain=outcome.last_gain,
        gain_total=outcome.gain_total,
        gain_last=outcome.gain_last,
        more_items=needs.more if outcome.verdict == "inconclusive" else None,
        outcome=outcome,
        needs=needs,
    )


def _blank(grid: ScoreGrid, question: VerdictRule, several: bool) -> RoundsResult:
    """Return the result that knows only what was there: inconclusive."""
    n_items = int(grid.rows.sum())
    return RoundsResult(
        benchmark=grid.benchmark, series=grid.series, verdict="inconclusive", rate=None, low=None, high=None,
        sesoi=question.sesoi, rounds=grid.rounds, n_items=n_items, n_seeds=len(grid.seeds),
        scope="run" if len(grid.seeds) == 1 else "method", window=None, significance=question.significance,
        level=1 - 2 * question.significance, mde=None, smallest_certifiable_sesoi=None,
        needed_items=NeededItems(None, None),
        missing=[float(share) for share in np.isnan(grid.judged).mean(axis=(0, 1))],
        looks=[], reason=None, paired=True, deltas=[], shape=None, flags=[], n_left_out=len(grid.items) - n_items,
        label=f"{grid.series} on {grid.benchmark}" if several else "",
    )  # fmt: skip


def _over_control(apart: Difference, control: str, question: VerdictRule) -> OverControl:
    """Return the verdict on a series minus the control."""
    about = (apart.rounds, apart.n_items, apart.n_seeds, apart.scope)
    if apart.grid is None or apart.reason is not None:
        return OverControl(control, None, None, None, None, *about, apart.reason, apart.note)
    moments = apart.grid.moments()
    looks, outcome = question.take(moments, apart.rounds)
    needs = Needs.of(moments, question.sesoi, looks[-1].significance, outcome.verdict == "inconclusive")
    return OverControl(
        control, outcome.verdict, outcome.last_gain, outcome.gain_total, outcome.gain_last, *about, None, apart.note,
        needs.more if outcome.verdict == "inconclusive" else None, outcome, needs,
    )  # fmt: skip


__all__ = ["Rounds", "compare_rounds"]
