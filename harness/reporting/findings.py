"""Findings: what a run says, one sentence each, with the place of its evidence and the doubts about it.

The terminal prints them and the page begins with them. A sentence names its figures; what could not be known is said
where it would have stood, with the command that would tell.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from pathlib import Path

from harness.agreement import describe_people
from harness.reporting.evidence import Evidence, Row
from harness.reporting.finding import ANNOTATE, Finding, joined, points, words
from harness.reporting.label_figures import title
from harness.reporting.trust import trust
from harness.rounds import counted
from harness.run import AI_KINDS, Run

MOST_BENCHMARKS = 3
"""Benchmarks up to which the answer speaks of each."""
ENOUGH_ITEMS = 3000
"""Held-out items a round below which a plateau can hardly be told from a small gain."""


def findings_of(run: Run | str | Path | Evidence) -> list[Finding]:
    """Return what a run says, the most important first: rounds, judges, people, failures, limits."""
    evidence = run if isinstance(run, Evidence) else Evidence.of(run)
    return [
        *_rounds(evidence),
        *_control(evidence),
        *_exchange(evidence),
        *trust(evidence),
        *_people(evidence),
        *_advice(evidence),
        *_failures(evidence),
        *_limits(evidence),
    ]


def folded(found: list[Finding]) -> list[Finding]:
    """Return findings for reading: those that say "not known" as one, with one command, in the place of the first."""
    unknown = [one for one in found if one.mark == "unknown"]
    if len(unknown) < 2:
        return found
    commands = [name for one in unknown for name in re.findall("`(harness [^`]+)`", one.sentence)]
    what = joined([one.about.rstrip("?").replace(": can it be trusted", "") for one in unknown])
    tell = f" `{commands[0]}` would tell most of it." if commands else ""
    doubts = [doubt for one in unknown for doubt in (one.sentence, *one.doubts)]
    sentence = f"Not known yet: {what}.{tell}"
    one = Finding("not known yet", sentence, unknown[0].evidence, "unknown", [*dict.fromkeys(doubts)])
    place = found.index(unknown[0])
    rest = [other for other in found if other.mark != "unknown"]
    return [*rest[:place], one, *rest[place:]]


def answer(evidence: Evidence) -> str:
    """Return the answer to the page's question in plain words: what each kind of feedback still does, or whom to trust.

    With rounds it says what each kind of feedback gave, beyond training alone where a control tells, and when it gave
    its last; without, how many of the AI judges do better than chance, or what a person's label is worth.
    """
    return " ".join(answers(evidence))


def answers(evidence: Evidence) -> list[str]:
    """Return the sentences of the answer: with rounds one a kind of feedback, and what holds of them all.

    Of many benchmarks only what holds of all together: each has a finding of its own.
    """
    if evidence.rounds:
        many = len({row["benchmark"] for row in evidence.rounds if not row.get("is_beside")}) > MOST_BENCHMARKS
        if many and evidence.overview:
            return [f"{one}." for one in evidence.overview]
        return evidence.answers or ["Not known: no verdict on any series."]
    marks = [finding.mark for finding in trust(evidence)]
    if not marks:
        return [f"{title(one)}." for one in evidence.exchange]
    parts = [
        f"{marks.count(mark)} {words}"
        for mark, words in (
            ("trusted", "better than chance"), ("distrusted", "not to be trusted"), ("unknown", "not known"),
        )
        if mark in marks
    ]  # fmt: skip
    return [f"Of {len(marks)} AI {'judge' if len(marks) == 1 else 'judges'}: {', '.join(parts)}."]


def _exchange(evidence: Evidence) -> Iterator[Finding]:
    for place, one in enumerate(evidence.exchange):
        cheapest = [f"The cheapest of what was tried that reaches {one['wanted']:.3f}: {one['cheapest']}, "
                    f"${one['cheapest_usd']:,.2f}, by its mean."] if one["cheapest"] else []  # fmt: skip
        about = f"labels: {one['criterion']}"
        said = one["sentence"].partition(": ")[2] + "."
        yield Finding(about, said[:1].upper() + said[1:], f"fig-labels-{place + 1}", "note", cheapest)


def _rounds(evidence: Evidence) -> Iterator[Finding]:
    several = len({row["benchmark"] for row in evidence.rounds}) > 1
    for row in evidence.rounds:
        if row["series"] != evidence.control:
            on = f" on {row['benchmark']}" if several else ""
            about = f"{row['series']} feedback{on}" if evidence.fed else f"{row['series']}{on}: training"
            doubts = _doubts(row, evidence.fed)
            yield Finding(about, said(row), "fig-rounds", counted(row)["verdict"] or "unknown", doubts)


def _doubts(row: Row, fed: bool) -> list[str]:
    doubts = []
    if row.get("n_seeds", 1) == 1:
        what = "this kind of feedback does" if fed else "such training does"
        doubts.append(f"One training seed: this is what this run did, not what {what}.")
    flagged = [words(flag["flag"]) for flag in row.get("flags") or [] if flag.get("outcome") == "yes"]
    if flagged:
        doubts.append(f"Flagged: {', '.join(flagged)}.")
    return doubts


def _control(evidence: Evidence) -> Iterator[Finding]:
    if not evidence.rounds:
        return
    control = evidence.control
    rows = [row for row in evidence.rounds if row["series"] == control]
    if not rows and evidence.fed:
        yield Finding(
            "control",
            "There is no control: a series trained with equal steps that keeps everything. More training alone can "
            "look like good feedback, above all in round 1, so no gain here can be credited to the feedback.",
            "fig-rounds",
            "unknown",
        )
    for row in rows:
        gains = [step["delta"] for step in row.get("deltas") or [] if step["delta"] is not None]
        first = f"{points(gains[0])} points in round 1 and {points(sum(gains))} over all rounds" if gains else "unknown"
        what = " (equal steps, everything kept)" if evidence.fed else ""
        where = f" on {row['benchmark']}" if len(rows) > 1 else ""
        fed = (
            "feedback has given only what its series gained beyond that."
            if evidence.fed
            else "what another series gained counts only beyond that."
        )
        yield Finding(
            f"{control}: the control",
            f"The control{what} moved {first}{where} in this run: {fed}{_beyond(evidence, row['benchmark'])}",
            "fig-race",
            row["verdict"] or "unknown",
            [said(row)],
        )


def _beyond(evidence: Evidence, benchmark: str) -> str:
    """Return what each kind of feedback gained beyond the control, with its interval."""
    rows = [
        row
        for row in evidence.comparisons
        if row["control"] and row["quantity"] == "gain" and row["benchmark"] == benchmark and row["value"] is not None
    ]
    shown = [
        f"{row['a']} {points(row['value'])} [{points(row['low'])}, {points(row['high'])}]"
        for row in sorted(rows, key=lambda row: -float(row["value"]))
    ]
    return f" Beyond it, from the first round to the last: {'; '.join(shown)}." if shown else ""


def said(row: Row) -> str:
    """Return the sentence of a result as plain text that ends."""
    return str(row["sentence"]).replace("**", "").rstrip(".") + "."


def _people(evidence: Evidence) -> Iterator[Finding]:
    humans = [rater for rater, kind in evidence.kinds.items() if kind == "human"]
    ratings = evidence.run.ratings
    if not len(ratings) and not evidence.rounds and len(evidence.run.responses):
        sentence = "Nothing has been rated in this run yet: `harness rate RUN --rater NAME` asks a rater."
        yield Finding("ratings", sentence, "agreement", "unknown")
    if not humans and not evidence.fed and evidence.rounds and not {*AI_KINDS} & {*evidence.kinds.values()}:
        return  # checkpoints that an answer key has measured: nobody is there whom people could check
    if not humans and len(ratings):
        sentence = f"No person has rated anything in this run yet: `{ANNOTATE}` opens a page to do so."
        yield Finding("people", sentence, "agreement", "unknown")
    elif humans:
        count = int((ratings["rater_kind"] == "human").sum())
        people = "1 person" if len(humans) == 1 else f"{len(humans)} people"
        doubts = ["One person: how far people agree with each other is unknown."] if len(humans) == 1 else []
        called = ratings.assign(rater=ratings["rater"].map(evidence.name))
        doubts += [f"{one['message']}." for one in describe_people(called).attention]
        yield Finding("people", f"{people} gave {count:,} ratings.", "agreement", "note", doubts)


def _advice(evidence: Evidence) -> Iterator[Finding]:
    """Yield what to do about the raters of each criterion that two people rated: replace, train again, rate more."""
    for about, told in evidence.shown.advice:
        said = [one.removeprefix(f"{about}: ") for one in told] + evidence.needed.get(about, [])
        whole = [f"{_begun(one, evidence.shown.kinds)}." for one in said]
        if whole:
            yield Finding(about, whole[0], "agreement", "note", whole[1:])


def _begun(said: str, raters: Container[str]) -> str:
    """Return a sentence with a capital, but where it begins with a rater's name."""
    return said if said.partition(" ")[0] in raters else said[:1].upper() + said[1:]


def _failures(evidence: Evidence) -> Iterator[Finding]:
    ratings, responses = evidence.run.ratings, evidence.run.responses
    if not len(ratings):
        return
    lost = responses.loc[responses["status"] != "ok", "response_id"]
    failed = ratings[(ratings["status"] != "ok") & ~ratings["response_id"].isin(lost)]
    counts = failed["status"].value_counts().sort_index()
    kinds = ", ".join(f"{count:,} {status}" for status, count in counts.items())
    sentence = f"None of {len(ratings):,} ratings failed on the rater’s side."
    if len(failed):
        sentence = (
            f"{len(failed):,} of {len(ratings):,} ratings failed on the rater’s side ({kinds}); they count as missing, "
            "never as a score."
        )
    zeros = int(((ratings["status"] == "ok") & ratings["error"].notna() & (ratings["value"] == 0)).sum())
    if zeros:
        sentence += (
            f" {zeros:,} ratings are 0 for a reason that is kept: a wrong answer, a failed test, nothing to read."
        )
    if len(lost):
        sentence += f" {len(lost):,} of {len(responses):,} answers could not be had from the model, and have no rating."
    yield Finding("failures", sentence, "raters", "note")


def _limits(evidence: Evidence) -> Iterator[Finding]:
    rounds = evidence.run.suite.rounds
    counts = [row["n_items"] for row in evidence.rounds if row.get("n_items") is not None and not row.get("is_beside")]
    if not counts or min(counts) >= ENOUGH_ITEMS:
        return
    limit = evidence.run.suite.limit
    lowered = f"`limit: {limit}` lowered the held-out items to {min(counts):,}"
    few = (
        lowered
        if limit and rounds and limit < rounds.items
        else f"Each round was measured on {min(counts):,} held-out items"
    )
    sentence = f"{few}: under {ENOUGH_ITEMS:,}, a plateau can hardly be told from a small gain."
    yield Finding("size", sentence, "fig-rounds", "note")
