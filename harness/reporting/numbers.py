"""The three numbers that stand under the decision: what it is about, in figures."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from harness.reporting.decision import best_place, called, fed_rows, gaining_after, near_the_top, worse_rows
from harness.reporting.evidence import Evidence, Row
from harness.reporting.finding import decimals, points
from harness.rounds import at_round, counted, round_name
from harness.run import AI_KINDS


@dataclass(frozen=True)
class Number:
    """One of the numbers under the decision."""

    value: str
    about: str
    detail: str = ""


def numbers(evidence: Evidence) -> list[Number]:
    """Return three numbers: of what the decision says first of training, else of agreement.

    Of training the last round that helped, the gain and where it stands; where two benchmarks have to be weighed
    against each other, what is gained on one and lost on the other.
    """
    fed = [row for row in fed_rows(evidence) if counted(row).get("gain_total")]
    if not fed:
        return _of_agreement(evidence)
    kept, weighed, back = _sides(fed)
    if kept or not weighed:
        return _of_training(evidence, max(kept or back, key=_total), {row["benchmark"] for row in fed})
    gaining, worse = weighed
    return [
        _gained(evidence, gaining, True),
        _gained(evidence, worse, True),
        Number(
            round_name(worse["rounds"][best_place(worse)]),
            "the best of " + worse["benchmark"],
            called(evidence, worse["series"]),
        ),
    ]


def _sides(fed: Sequence[Row]) -> tuple[list[Row], tuple[Row, Row] | None, list[Row]]:
    """Return the results of series that fell nowhere, what the first that gains and falls does most, and what fell."""
    by_series: dict[str, list[Row]] = {}
    for row in fed:
        by_series.setdefault(row["series"], []).append(row)
    fell = {series: worse for series, rows in by_series.items() if (worse := worse_rows(rows))}
    both = [
        (max(gaining, key=_total), min(worse, key=_total))
        for series, worse in fell.items()
        if (gaining := gaining_after(by_series[series], best_place(worse[0])))
    ]
    kept = [row for row in fed if row["series"] not in fell]
    return kept, (both[0] if both else None), [row for worse in fell.values() for row in worse]


def _total(row: Row) -> float:
    return float(counted(row)["gain_total"]["value"])


def _of_row(evidence: Evidence, row: Row, several: bool) -> str:
    return called(evidence, row["series"]) + (f", {row['benchmark']}" if several else "")


def _gained(evidence: Evidence, row: Row, several: bool) -> Number:
    part = counted(row)
    total = part["gain_total"]
    first, last = part["rounds"][0], part["rounds"][-1]
    beyond = f"from {first} to {last}" if evidence.checkpoints else "from first to last round"
    beyond = "beyond training alone" if row.get("over_control") and part is not row else beyond
    of = _of_row(evidence, row, several)
    return Number(
        f"{points(total['value'])} points", beyond, f"[{points(total['low'])}, {points(total['high'])}], {of}"
    )


def _of_training(evidence: Evidence, best: Row, benchmarks: Set[str]) -> list[Number]:
    several = len(benchmarks) > 1
    of, last = _of_row(evidence, best, several), counted(best)["last_gain"]
    until = "" if last["possible"] == last["shown"] else f"perhaps {round_name(last['possible_label'])}"
    found = [
        Number(
            round_name(last["shown_label"]) if last["shown"] else "none",
            "the last that is shown to have helped",
            until or of,
        ),
        _gained(evidence, best, several),
    ]
    reached = _reached(evidence, best)
    if reached is not None:
        said = "little is left to gain" if near_the_top(best) else of
        last = at_round(best["rounds"][-1]) if evidence.checkpoints else "in the last round"
        found.append(Number(f"{100 * reached:.0f} of 100", f"the score {last}", said))
    return found


def _reached(evidence: Evidence, row: Row) -> float | None:
    scores = evidence.scores
    if not len(scores):
        return None
    own = scores[(scores["benchmark"] == row["benchmark"]) & (scores["series"] == row["series"])]
    last = own[own["round"] == own["round"].max()]["score"].mean()
    return float(last) if last == last else None


def _of_agreement(evidence: Evidence) -> list[Number]:
    """Return the closest judge's agreement with people (else verifiers), people's with each other, and on how many."""
    kinds = evidence.kinds
    known = [row for row in evidence.pairs if row["value"] is not None]

    def between(one: set[str], other: set[str]) -> list[Row]:
        ends = [({kinds.get(row["rater_a"], "")}, {kinds.get(row["rater_b"], "")}) for row in known]
        return [
            row
            for row, (a, b) in zip(known, ends, strict=True)
            if (a <= one and b <= other) or (b <= one and a <= other)
        ]

    ai: set[str] = {*AI_KINDS}
    independent = between(ai, {"human"}) or between(ai, {"verifier"})
    people = between({"human"}, {"human"})
    found = []
    if independent:
        best = max(independent, key=lambda row: float(row["value"]))
        name = evidence.name(best["rater_a"] if kinds[best["rater_a"]] in ai else best["rater_b"])
        who = "people" if "human" in (kinds[best["rater_a"]], kinds[best["rater_b"]]) else "the answer key"
        found.append(
            Number(decimals(best["value"]), f"the closest that a judge comes to {who}", f"{name}, {_of(best)}")
        )
    if people:
        mean = sum(float(row["value"]) for row in people) / len(people)
        pairs = "1 pair" if len(people) == 1 else f"the mean of {len(people)} pairs"
        found.append(Number(decimals(mean), "how far people agree with each other", f"{pairs}, {_of(people[0])}"))
    if known:
        found.append(
            Number(f"{max(row['n'] for row in known):,}", "answers that two raters share", "at most, of a pair")
        )
    return found


def _of(row: Row) -> str:
    interval = f" [{decimals(row['low'])}, {decimals(row['high'])}]" if row.get("low") is not None else ""
    return f"{str(row['coefficient']).replace('_', ' ')}{interval}"
