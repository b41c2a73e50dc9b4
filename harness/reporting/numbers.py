"""The three numbers that stand under the decision: what it is about, in figures."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from statistics import fmean

from harness.reporting.closeness import with_people
from harness.reporting.decision import best_place, called, fed_rows, gaining_after, near_the_top, total_gain, worse_rows
from harness.reporting.evidence import Evidence, Row
from harness.reporting.finding import decimals, points, words
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
        return _of_training(evidence, max(kept or back, key=total_gain), {row["benchmark"] for row in fed})
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
        (max(gaining, key=total_gain), min(worse, key=total_gain))
        for series, worse in fell.items()
        if (gaining := gaining_after(by_series[series], best_place(worse[0])))
    ]
    kept = [row for row in fed if row["series"] not in fell]
    return kept, (both[0] if both else None), [row for worse in fell.values() for row in worse]


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
    sure = last["possible"] == last["shown"] or counted(best)["verdict"] == "worsening"
    until = "" if sure else f"perhaps {round_name(last['possible_label'])}"
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
    people, judges = between({"human"}, {"human"}), between(ai, ai)
    found = _beside_people(evidence)
    if not found and (independent := between(ai, {"human"}) or between(ai, {"verifier"})):
        best = max(independent, key=lambda row: float(row["value"]))
        name = evidence.name(best["rater_a"] if kinds[best["rater_a"]] in ai else best["rater_b"])
        who = "people" if "human" in (kinds[best["rater_a"]], kinds[best["rater_b"]]) else "the answer key"
        found.append(
            Number(decimals(best["value"]), f"the closest that a judge comes to {who}", f"{name}, {_of(best)}")
        )
    if people and len(found) < 2:
        found.append(_mean(people, "how far people agree with each other"))
    if judges and not found:
        found.append(_mean(judges, "how far the judges agree with each other"))
    if known:
        found.append(
            Number(f"{max(row['n'] for row in known):,}", "answers that two raters share", "at most, of a pair")
        )
    return found


def _beside_people(evidence: Evidence) -> list[Number]:
    """Return how close the closest judge comes to people, and people to each other, as the head's figure has it."""
    rows = with_people(evidence)
    judges = [row for row in rows if row["who"] == "judge"]
    if not judges:
        return []
    best = max(judges, key=lambda row: float(row["value"]))
    criterion = best["name"].removeprefix(best["rater"])
    people = [row for row in rows if row["name"] == f"people{criterion}"]
    found = [
        Number(decimals(best["value"]), "the closest that a judge comes to people", f"{best['name']}, {_of(best)}"),
        *(Number(decimals(row["value"]), "how far people agree with each other", _of(row)) for row in people),
    ]
    return found


def _mean(pairs: Sequence[Row], about: str) -> Number:
    """Return the mean of pairs by the coefficient that most of them have, and how far they lie apart."""
    names = [str(row["coefficient"]) for row in pairs]
    own = [row for row in pairs if row["coefficient"] == max(names, key=names.count)]
    if len(own) == 1:
        return Number(decimals(own[0]["value"]), about, f"1 pair, {_of(own[0])}")
    values = [float(row["value"]) for row in own]
    spread = f"from {decimals(min(values))} to {decimals(max(values))}"
    return Number(
        decimals(fmean(values)), about, f"the mean of {len(own)} pairs, {words(own[0]['coefficient'])} {spread}"
    )


def _of(row: Row) -> str:
    interval = f" [{decimals(row['low'])}, {decimals(row['high'])}]" if row.get("low") is not None else ""
    return f"{words(row['coefficient'])}{interval}"
