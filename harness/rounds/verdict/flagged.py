"""The flags of a verdict: what to beware of in a series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.rounds.harms.answers import answer_flags, whole_slope
from harness.rounds.harms.flags import Flag, forgetting, judge_decay, missing_changed, off_target, over_optimising
from harness.rounds.harms.samples import sampling_flags
from harness.rounds.scores.checked import Notice
from harness.rounds.scores.grid import ScoreGrid, whole
from harness.rounds.verdict.looks import VerdictRule
from harness.rounds.verdict.ppi import gold_shift
from harness.rounds.verdict.result import RoundsResult
from harness.rounds.verdict.verdict import ENOUGH_UNITS, Outcome, judge, window_contrast
from harness.statistics import Moments

if TYPE_CHECKING:
    pass


def flags_of(grid: ScoreGrid, question: VerdictRule, last: Outcome, warnings: list[Notice]) -> list[Flag]:
    """Return the flags of one grid; those that look at other benchmarks come later."""
    sesoi, significance = question.sesoi, question.significance
    contrast = window_contrast(grid.rounds)[1]
    flags: list[Flag] = []
    shift = gold_shift(grid, last.level)
    if shift is not None:
        flags.append(shift[0])
        warnings.extend(shift[1])
    bounded = missing_changed(grid, grid.judged, contrast, sesoi, significance)
    flags += [bounded] if bounded else []
    flags += sampling_flags(grid, contrast, sesoi, significance)
    flags += answer_flags(grid, sesoi, significance)
    gold = None if grid.gold is None else grid.complete & whole(grid.gold)
    if gold is not None and grid.units_of(gold) >= ENOUGH_UNITS:
        rows = grid.complete
        proxy = Moments.of(grid.scores[:, rows], grid.clusters_of(rows))
        said = judge(proxy, grid.rounds, sesoi, significance)
        flags.append(over_optimising(grid, gold, contrast, said, last, significance))
        flags.append(judge_decay(grid, gold, whole_slope(grid), sesoi, significance))
    return flags


def flags_off_target(
    result: RoundsResult, found: list[ScoreGrid], names: Sequence[str], question: VerdictRule
) -> list[Flag]:
    """Return what training did to tasks that the feedback was not about, at the series that it was about."""
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
