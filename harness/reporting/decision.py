"""What to do after a run, in one sentence.

The decision follows from the verdicts that count (beyond the control where there is one) and from what is known of the
judges; nothing is estimated here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from harness.agreement import RELIABLE, TENTATIVE
from harness.reporting.evidence import Evidence, Row
from harness.reporting.finding import Finding, joined
from harness.reporting.trust import silent, trust_of
from harness.rounds import counted, round_name

MOST_NAMES = 3
"""Names in one clause of the decision."""
MOST_KINDS = 3
"""Kinds of feedback up to which the decision says of each what would decide; of more, that stands in the findings."""


def decision(evidence: Evidence) -> str:
    """Return what to do, as one sentence for the whole run; nothing where the run says nothing."""
    training = list(_training(evidence))
    failed = silent(evidence)
    judges = [one for rater, one in trust_of(evidence).items() if rater not in failed]
    clauses = [*training, *(_checking(judges) if training else _judging(evidence, judges)), *_mending(evidence, failed)]
    clauses = [*clauses, *(() if training else _retraining(evidence))] or list(_people(evidence))
    text = "; ".join(clauses)
    begun = (
        text if text.startswith(tuple(f"{name} " for name in evidence.names.values())) else text[:1].upper() + text[1:]
    )
    return f"{begun}." if text else ""  # a rater keeps its name as it is written


def _training(evidence: Evidence) -> Iterable[str]:
    """Yield what to do with each series: keep on, stop, go back, measure more."""
    by_series: dict[str, list[Row]] = {}
    for row in fed_rows(evidence):
        by_series.setdefault(row["series"], []).append(row)
    keep, weigh, full, seeds, alone = [], [], [], [], []
    stop: list[str] = []
    back: dict[str, list[str]] = {}
    more: dict[str, int] = {}
    for series, rows in by_series.items():
        words = {counted(row).get("verdict") or "unknown" for row in rows}
        if worse := worse_rows(rows):
            since = round_name(worse[0]["rounds"][best_place(worse[0])])
            if gaining := gaining_after(rows, best_place(worse[0])):
                weigh.append(_weighed(called(evidence, series), gaining, worse, since))
                continue
            where = f" on {_names([row['benchmark'] for row in worse])}" if len(rows) > 1 else ""
            back.setdefault(where, []).append(f"{since} of {called(evidence, series)}")
        elif "improving" in words:
            keep.append(called(evidence, series))
        elif words == {"plateaued"}:
            stop.append(_stopped(evidence, series, rows))
        elif all(row.get("reason") == "too_few_rounds" for row in rows):
            alone.append(called(evidence, series))
        elif all(near_the_top(row) for row in rows):
            full.append(called(evidence, series))
        elif needed := [count for row in rows if (count := counted(row).get("more_items"))]:
            more[called(evidence, series)] = max(needed)
        else:
            seeds.append(called(evidence, series))
    if keep:
        yield f"keep training{_on(evidence, keep)}"
    yield from weigh
    yield from stop
    for where, rounds in back.items():
        yield f"go back to {_names(rounds)}, which {'is' if len(rounds) == 1 else 'are'} worse since{where}"
    if alone:
        what = "train {} for another round" if evidence.fed else "evaluate another checkpoint of {}"
        yield f"{what.format(_names(alone))}: with one there is nothing to compare"
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


def fed_rows(evidence: Evidence) -> list[Row]:
    """Return the verdicts on what the feedback is about: not the control's, and none on benchmarks beside."""
    return [row for row in evidence.rounds if row["series"] != evidence.control and not row.get("is_beside")]


def near_the_top(row: Row) -> bool:
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
        return f"stop {called(evidence, series)}"
    last = max(known, key=lambda gain: int(gain["possible"]))
    if last["possible"] == 0:
        beyond = " beyond training alone" if any(row.get("over_control") for row in rows) else ""
        return f"stop {called(evidence, series)}, which gave nothing{beyond}"
    return f"stop {called(evidence, series)} after {round_name(last['possible_label'])}"


def worse_rows(rows: Sequence[Row]) -> list[Row]:
    """Return the results of a series that are worse than they were, the one that fell first before the others."""
    return sorted((row for row in rows if counted(row).get("verdict") == "worsening"), key=best_place)


def gaining_after(rows: Sequence[Row], place: int) -> list[Row]:
    """Return the results that are shown to have gained after a round, and are not worse since: lost by going back."""
    gains = [(row, counted(row).get("last_gain")) for row in rows if counted(row).get("verdict") != "worsening"]
    return [row for row, last in gains if last and last["shown"] > place]


def _weighed(name: str, gaining: Sequence[Row], worse: Sequence[Row], since: str) -> str:
    most = sorted(gaining, key=total_gain, reverse=True)
    until = [
        f"{row['benchmark']} gains up to {round_name(counted(row)['last_gain']['shown_label'])}"
        for row in most[:MOST_NAMES]
    ]
    until += [f"{len(most) - MOST_NAMES} more gain"] if len(most) > MOST_NAMES else []
    are = "is" if len(worse) == 1 else "are"
    fell = f"{_names([row['benchmark'] for row in worse])} {are} worse since {since}"
    return f"choose what counts for {name}: {', '.join(until)}, {fell}"


def total_gain(row: Row) -> float:
    """Return what a series gained from the first round to the last, beyond the control where there is one."""
    return float(counted(row)["gain_total"]["value"])


def best_place(row: Row) -> int:
    """Return the place of the round with the highest mean."""
    total, best, place = 0.0, 0.0, 0
    for number, step in enumerate(row.get("deltas") or [], 1):
        total += step["delta"] or 0.0
        if total > best:
            best, place = total, number
    return place


def _checking(found: Sequence[Finding]) -> Iterable[str]:
    """Yield whom people should check, beside what is said of the training: judges that are not shown to be any good."""
    names = [one.about.partition(":")[0] for one in found if one.mark == "distrusted"]
    names += [one.about.partition(":")[0] for one in found if one.mark == "unknown"]
    if names:
        yield f"have people check {_names(names)}"


def _judging(evidence: Evidence, found: Sequence[Finding]) -> Iterable[str]:
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
        yield from _replacing(evidence, names["trusted"])


def _replacing(evidence: Evidence, names: Sequence[str]) -> Iterable[str]:
    """Yield which judges that do better than chance may replace a person; beside people they stand where none knows."""
    may: dict[str, list[str]] = {"may replace one of the people": [], "may not replace a person": []}
    beside = []
    for name in names:
        rows = [row for row in evidence.stand_ins if evidence.name(row["rater"]) == name]
        passed = [bool(row["passes"]) and not _further(row) for row in rows if row["passes"] is not None]
        if len(passed) < len(rows) or not rows or len(set(passed)) > 1:
            beside.append(name)
        else:
            may["may replace one of the people" if passed[0] else "may not replace a person"].append(name)
    yield from (f"{_names(ones)} {what}" for what, ones in may.items() if ones)
    if beside:
        yield f"set {_names(beside)} beside how far people agree"


def _further(row: Row) -> bool:
    """Tell whether a judge is shown to be further from the consensus of people than a person is."""
    high = row["ceiling"]["difference"]["high"]
    return high is not None and high < 0


def _mending(evidence: Evidence, failed: Sequence[str]) -> Iterable[str]:
    """Yield which judges have to be mended, since none of their ratings could be had."""
    if failed:
        yield f"mend {_names([evidence.name(rater) for rater in failed])}, whose ratings all failed"


def _retraining(evidence: Evidence) -> Iterable[str]:
    """Yield who differs so much from the other people, on most criteria, that they should be trained again.

    Only where three or more people rated: of two nobody knows who differs. A criterion's own is among its findings.
    """
    if list(evidence.kinds.values()).count("human") < 3:
        return
    advice = evidence.shown.advice
    told = [one.removeprefix(f"{table}: ") for table, said in advice for one in said]
    named = [found[1] for one in told if (found := re.match("retrain (.+?) first", one))]
    if most := [name for name in dict.fromkeys(named) if named.count(name) > len(advice) / 2]:
        yield f"retrain {_names(most)} first"


def _people(evidence: Evidence) -> Iterable[str]:
    """Yield how far to rely on people's labels, where nobody else rated."""
    if {*evidence.kinds.values()} != {"human"}:
        return
    known = [table.coefficients["alpha"] for table in evidence.tables if "alpha" in table.coefficients]
    lows = [one.low if one.low == one.low else one.value for one in known if one.value == one.value]
    if not lows:
        return
    if min(lows) >= RELIABLE:
        yield "rely on these labels: people agree"
    elif min(lows) >= TENTATIVE:
        yield "draw tentative conclusions from these labels"
    else:
        yield "do not rely on these labels alone: people are not shown to agree well"


def called(evidence: Evidence, series: str) -> str:
    """Return how a sentence names a series: by its feedback, where it was trained with some."""
    return f"{series} feedback" if evidence.fed else series


def _names(names: Sequence[str]) -> str:
    """Return names in a row, the first few where there are many; `a, b and c feedback` says the last word once."""
    if len(names) > 1 and all(name.endswith(" feedback") for name in names):
        return _names([name.removesuffix(" feedback") for name in names]) + " feedback"
    if len(names) > MOST_NAMES:
        return f"{', '.join(names[:MOST_NAMES])} and {len(names) - MOST_NAMES} more"
    return joined(list(names))
