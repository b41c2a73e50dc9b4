"""Series known only by a score a round: summary tables, and what papers published (`reports/published_rounds.csv`).

Without the items' scores the rounds cannot be paired, so that the error of a score is the binomial one (or the standard
error that is given), and the interval is wider than pairing would have made it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from harness.catalog import Catalog
from harness.errors import HarnessError, did_you_mean
from harness.rounds.scores.labels import Label
from harness.rounds.verdict.bands import Delta
from harness.rounds.verdict.looks import LookRule, VerdictRule
from harness.rounds.verdict.needed import NeededItems, Needs
from harness.rounds.verdict.result import RoundsResult
from harness.rounds.verdict.rounds import Rounds
from harness.rounds.verdict.verdict import ENOUGH_UNITS
from harness.statistics import Floats, Moments

COLUMNS = ("series", "benchmark", "round", "score", "unit", "n_items")
UNITS = {"fraction": 1.0, "percent": 100.0}
"""What a unit's first word says of the range: scores are shares of items."""
PAIRED_CORRELATION = 0.7
"""A usual correlation of an item's scores in two rounds: pairing leaves sqrt(1 - it) of the interval's width."""


@dataclass(frozen=True)
class SummaryResult(RoundsResult):
    """A verdict from summary data, beside what its source says."""

    source: dict[str, Any] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The verdict as a person reads it, with the source's own claim where it made one."""
        claimed = self.source.get("claimed")
        return super().sentence + (f"; claimed: {claimed}" if claimed else "")


def compare_summaries(
    tables: Sequence[pd.DataFrame],
    sesoi: float = 1.0,
    significance: float = 0.05,
    look: LookRule = "final",
    needs: bool = True,
) -> Rounds:
    """Return verdicts from tables of scores, a row a series, benchmark and round.

    Args:
        tables: Columns series, benchmark, round, score, unit (`percent...` or `fraction...`; others get no verdict),
            n_items; optional stderr (in the unit), claimed, paper, source, note.
        sesoi: The smallest effect of interest, in points a round.
        significance: Of each one-sided test.
        look: `final` for one look; `every` where the series was looked at after every round.
        needs: Whether to say how many items would decide, which takes a simulation of each series.

    Raises:
        HarnessError: A column is missing, a score is no number or outside its unit's range, or a round comes twice.
    """
    question = VerdictRule.of(sesoi, significance, look)
    results = [
        _result(str(series), str(benchmark), rows, question, needs)
        for table in tables
        for (series, benchmark), rows in _checked(table).groupby(["series", "benchmark"], sort=False)
    ]
    narrower = f"{np.sqrt(1 - PAIRED_CORRELATION):.0%}"
    message = (
        "from summary data: rounds are compared as if on different items; with the items' scores the intervals would "
        f"be about {narrower} as wide (correlation {PAIRED_CORRELATION} between rounds)"
    )
    return Rounds(list(results), [], [{"code": "unpaired", "message": message}])


def published_series(sesoi: float = 1.0, significance: float = 0.05, needs: bool = True) -> Rounds:
    """Return the series that papers published, each with its verdict from summary data and the paper's own claim."""
    table = pd.read_csv(Catalog().file("reports/published_rounds.csv"))
    return compare_summaries([table], sesoi, significance, needs=needs)


def binomial_stderr(share: Floats, n_items: Floats) -> Floats:
    """Return the standard errors of shares of n items, sqrt(p (1 - p) / (n - 1)), as lm-eval prints them."""
    error: Floats = np.sqrt(share * (1 - share) / (n_items - 1))
    return error


def _checked(table: pd.DataFrame) -> pd.DataFrame:
    for name in COLUMNS:
        if name not in table.columns:
            raise HarnessError(
                f"summary table: there is no column {name!r}.{did_you_mean(name, map(str, table.columns))}"
            )
    scores = pd.to_numeric(table["score"], errors="coerce")
    if scores.isna().any():
        place = int(np.flatnonzero(scores.isna())[0])
        raise HarnessError(f"summary table, line {place + 2}: score {table['score'].iloc[place]!r} is no number")
    return table.assign(score=scores.astype(float))


def _result(series: str, benchmark: str, rows: pd.DataFrame, question: VerdictRule, needs: bool) -> SummaryResult:
    number = pd.to_numeric(rows["round"], errors="coerce")
    rows = rows.assign(place=number).sort_values("place", kind="stable")
    unit = str(rows["unit"].iloc[0]).split()[0].lower() if rows["unit"].notna().all() else ""
    scale = UNITS.get(unit)
    counts = pd.to_numeric(rows["n_items"], errors="coerce")
    rounds: list[Label] = [int(place) for place in rows["place"]] if number.notna().all() else []
    n_items = int(counts.min()) if counts.notna().all() else None
    means = rows["score"].to_numpy(dtype=float) / (scale or 1.0)
    label = f"{series} on {benchmark}"
    if len(set(rounds)) < len(rounds):
        raise HarnessError(f"summary table: {label} has a round twice; write each round once")
    if scale and ((means < 0) | (means > 1)).any():
        worst = rows["score"].to_numpy()[int(np.abs(means - 0.5).argmax())]
        raise HarnessError(f"summary table: {label}: score {worst:g} is outside 0 to {scale:g} {unit}")
    blank = SummaryResult(
        benchmark=benchmark, series=series, verdict=None, rate=None, low=None, high=None, sesoi=question.sesoi,
        rounds=rounds, n_items=n_items, n_seeds=1, scope="run", window=None, significance=question.significance,
        level=1 - 2 * question.significance,
        mde=None, smallest_certifiable_sesoi=None, needed_items=NeededItems(None, None), missing=[], looks=[],
        reason=_no_verdict(rounds, len(rows), scale, n_items, rows), paired=False,
        deltas=[
            Delta(after, float(step), None, None) for after, step in zip(rounds[1:], np.diff(means), strict=False)
        ] if scale else [],
        shape=None, flags=[], label=label, source=_source(rows),
    )  # fmt: skip
    if blank.reason:
        return blank
    if blank.n_items is not None and blank.n_items < ENOUGH_UNITS:
        return replace(blank, verdict="inconclusive", reason="too_few_items")
    return _judged(blank, means, _errors(rows, means, scale or 1.0), question, needs)


def _judged(blank: SummaryResult, means: Floats, errors: Floats, question: VerdictRule, needs: bool) -> SummaryResult:
    n = blank.n_items or 0
    moments = Moments(means, np.diag(errors**2) * n * (n - 1), n, n, means[None], reach=0.0)
    looks, outcome = question.take(moments, blank.rounds)
    rate = outcome.rate
    judged = replace(
        blank, verdict=outcome.verdict, rate=rate.rate, low=rate.low, high=rate.high, window=outcome.window,
        looks=looks, level=outcome.level, significance=looks[-1].significance, last_gain=outcome.last_gain,
        gain_total=outcome.gain_total, gain_last=outcome.gain_last, outcome=outcome,
    )  # fmt: skip
    if not needs:
        return judged
    open_ = outcome.verdict == "inconclusive"
    found = Needs.of(moments, question.sesoi, looks[-1].significance, open_)
    return replace(
        judged, mde=found.mde, smallest_certifiable_sesoi=found.smallest_certifiable_sesoi, needed_items=found.needed,
        needs=found, more_items=found.more if open_ else None,
    )  # fmt: skip


def _no_verdict(
    rounds: list[Label], n_rows: int, scale: float | None, n_items: int | None, rows: pd.DataFrame
) -> str | None:
    if len(rounds) < n_rows or (len(rounds) == 2 and int(rounds[1]) - int(rounds[0]) > 1):
        return "rounds_missing"
    if n_rows < 2:
        return "too_few_rounds"
    if scale is None:
        return "no_scale"
    return "no_n_items" if n_items is None else None


def _errors(rows: pd.DataFrame, means: Floats, scale: float) -> Floats:
    """Return the standard error of each score: the one given, else the binomial one.

    Where all items are right, or none, that is one of an item more each way: not nothing.
    """
    counts = rows["n_items"].to_numpy(dtype=float)
    shares = np.where((means == 0) | (means == 1), (means * counts + 1) / (counts + 2), means)
    binomial = binomial_stderr(shares, counts)
    if "stderr" not in rows:
        return binomial
    given = pd.to_numeric(rows["stderr"], errors="coerce").to_numpy(dtype=float) / scale
    return np.where(np.isnan(given), binomial, given)


def _source(rows: pd.DataFrame) -> dict[str, Any]:
    names = [name for name in ("paper", "feedback_kind", "source", "claimed", "note") if name in rows.columns]
    return {name: rows[name].iloc[0] for name in names if pd.notna(rows[name].iloc[0])}
