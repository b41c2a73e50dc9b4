"""What to do after a run, in one sentence, and the three numbers that stand beside it.

The decision follows from the verdicts that count (beyond the control where there is one) and from what is known of the
judges; nothing is estimated here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.reporting.evidence import Evidence, Row
from harness.reporting.finding import Finding, decimals, joined, points
from harness.reporting.trust import trust
from harness.rounds import counted, round_name
from harness.run import AI_KINDS

MOST_NAMES = 3
"""Names in one clause of the decision."""
MOST_KINDS = 3
"""Kinds of feedback up to which the decision says of each what would decide; of more, that stands in the findings."""


@dataclass(frozen=True)
class Number:
    """One of the numbers under the decision."""

    value: str
    about: str
    detail: str = ""


def decision(evidence: Evidence) -> str:
    """Return what to do, as one sentence for the whole run; nothing where the run says nothing."""
    training = list(_training(evidence))
    judges = list(trust(evidence))
    clauses = [*training, *(_checking(judges) if training else _judging(judges))]
    text = "; ".join(clauses)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _training(evidence: Evidence) -> Iterable[str]:
    """Yield what to do with each series: keep on, stop, go back, measure more."""
    by_series: dict[str, list[Row]] = {}
    for row in _fed(evidence):
        by_series.setdefault(row["series"], []).append(row)
    keep, full, seeds = [], [], []
    stop: list[str] = []
    back: dict[str, list[str]] = {}
    more: dict[str, int] = {}
    for series, rows in by_series.items():
        words = {counted(row).get("verdict") or "unknown" for row in rows}
        if "worsening" in words:
            worse = [row for row in rows if counted(row).get("verdict") == "worsening"]
            where = f" on {_names([row['benchmark'] for row in worse])}" if len(rows) > 1 else ""
            back.setdefault(where, []).append(f"{round_name(_best(evidence, worse[0]))} of {_called(evidence, series)}")
        elif "improving" in words:
            keep.append(_called(evidence, series))
        elif words == {"plateaued"}:
            stop.append(_stopped(evidence, series, rows))
        elif all(_full(row) for row in rows):
            full.append(_called(evidence, series))
        elif needed := [count for row in rows if (count := counted(row).get("more_items"))]:
            more[_called(evidence, series)] = max(needed)
        else:
            seeds.append(_called(evidence, series))
    if keep:
        yield f"keep training{_on(evidence, keep)}"
    yield from stop
    for where, rounds in back.items():
        yield f"go back to {_names(rounds)}, which {'is' if len(rounds) == 1 else 'are'} worse since{where}"
    if len(by_series) > MOST_KINDS:
        if full:
            yield f"measure {_names(full)} on harder items"
        if more or seeds:
            yield f"leave {_names([*more, *seeds])} open until more is measured"
        return
    if full:
        yield f"measure {_names(full)} on harder items, since little is left to gain on these"
    if more:
        yield f"measure {_names([*more])} on {max(more.values()):,} more items before you decide"
    if seeds:
        yield f"train {_names(seeds)} with more seeds, or longer, before you decide"


def _fed(evidence: Evidence) -> list[Row]:
    """Return the verdicts on what the feedback is about: not the control's, and none on benchmarks beside."""
    return [row for row in evidence.rounds if row["series"] != evidence.control and not row.get("is_beside")]


def _full(row: Row) -> bool:
    """Tell whether a series is so near the top of the scale that a later gain could hardly be seen."""
    return any(flag["flag"] == "saturated" and flag["outcome"] == "yes" for flag in row.get("flags") or [])


def _on(evidence: Evidence, names: Sequence[str]) -> str:
    if not evidence.fed and len({row["series"] for row in evidence.rounds}) == 1:
        return ""
    return f" on {_names(names)}" if evidence.fed else f" {_names(names)}"


def _stopped(evidence: Evidence, series: str, rows: Sequence[Row]) -> str:
    gains = [counted(row).get("last_gain") for row in rows]
    known = [gain for gain in gains if gain]
    if not known:
        return f"stop {_called(evidence, series)}"
    last = max(known, key=lambda gain: int(gain["possible"]))
    if last["possible"] == 0:
        beyond = " beyond training alone" if any(row.get("over_control") for row in rows) else ""
        return f"stop {_called(evidence, series)}, which gave nothing{beyond}"
    return f"stop {_called(evidence, series)} after {round_name(last['possible_label'])}"


def _best(evidence: Evidence, row: Row) -> Any:
    """Return what the round with the highest mean is called."""
    total, best, place = 0.0, 0.0, 0
    for number, step in enumerate(row.get("deltas") or [], 1):
        total += step["delta"] or 0.0
        if total > best:
            best, place = total, number
    return row["rounds"][place]


def _checking(found: Sequence[Finding]) -> Iterable[str]:
    """Yield whom people should check, beside what is said of the training: judges that are not shown to be any good."""
    names = [one.about.partition(":")[0] for one in found if one.mark == "distrusted"]
    names += [one.about.partition(":")[0] for one in found if one.mark == "unknown"]
    if names:
        yield f"have people check {_names(names)}"


def _judging(found: Sequence[Finding]) -> Iterable[str]:
    """Yield what to do with the judges: whom to leave out, whom to have checked."""
    names = {
        mark: [one.about.partition(":")[0] for one in found if one.mark == mark]
        for mark in ("distrusted", "unknown", "trusted")
    }
    if names["distrusted"]:
        yield f"do not rely on {_names(names['distrusted'])}"
    if names["unknown"]:
        yield f"have people check {_names(names['unknown'])}"
    if names["trusted"]:
        yield f"set {_names(names['trusted'])} beside how far people agree"


def _called(evidence: Evidence, series: str) -> str:
    return f"{series} feedback" if evidence.fed else series


def _names(names: Sequence[str]) -> str:
    """Return names in a row, the first few where there are many; `a, b and c feedback` says the last word once."""
    if len(names) > 1 and all(name.endswith(" feedback") for name in names):
        return _names([name.removesuffix(" feedback") for name in names]) + " feedback"
    if len(names) > MOST_NAMES:
        return f"{', '.join(names[:MOST_NAMES])} and {len(names) - MOST_NAMES} more"
    return joined(list(names))


def numbers(evidence: Evidence) -> list[Number]:
    """Return three numbers: of training the last round that helped, the gain and where it stands; else of agreement."""
    fed = [row for row in _fed(evidence) if counted(row).get("gain_total")]
    return _of_training(evidence, fed) if fed else _of_agreement(evidence)


def _of_training(evidence: Evidence, fed: Sequence[Row]) -> list[Number]:
    best = max(fed, key=lambda row: float(counted(row)["gain_total"]["value"]))
    part = counted(best)
    of = _called(evidence, best["series"]) + (
        f", {best['benchmark']}" if len({row["benchmark"] for row in fed}) > 1 else ""
    )
    last, total = part["last_gain"], part["gain_total"]
    until = "" if last["possible"] == last["shown"] else f"perhaps {round_name(last['possible_label'])}"
    beyond = "beyond training alone" if best.get("over_control") and part is not best else "from first to last round"
    found = [
        Number(
            round_name(last["shown_label"]) if last["shown"] else "none",
            "the last that is shown to have helped",
            until or of,
        ),
        Number(f"{points(total['value'])} points", beyond, f"[{points(total['low'])}, {points(total['high'])}], {of}"),
    ]
    reached = _reached(evidence, best)
    if reached is not None:
        said = "little is left to gain" if _full(best) else of
        found.append(Number(f"{100 * reached:.0f} of 100", "the score in the last round", said))
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
