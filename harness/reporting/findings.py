"""Findings: what a run says, one sentence each, with the place of its evidence and the doubts about it.

The terminal prints them and the page begins with them. A sentence names its figures; what could not be known is said
where it would have stood, with the command that would tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from harness.reporting.evidence import Evidence, Row
from harness.run import Run

Mark = Literal["improving", "plateaued", "worsening", "inconclusive", "trusted", "distrusted", "unknown", "note"]

CHANCE = {"pairwise_accuracy": 0.5, "percent_agreement": None}
"""What a coefficient says of a rater who guesses: 0 unless named here; null where it depends on the labels."""
NEARLY_ALWAYS = 0.9
"""A judge that prefers the answer shown first (or second) at least so often reads the place, not the answer."""
ENOUGH_ITEMS = 3000
"""Held-out items a round below which a plateau can hardly be told from a small gain."""
HUMAN_IMPORT = "harness agree RUN --with FILE"


@dataclass(frozen=True)
class Finding:
    """One thing that the run says."""

    about: str
    sentence: str
    evidence: str
    """The anchor of the figure or table on the page."""
    mark: Mark = "note"
    doubts: list[str] = field(default_factory=list)

    def to_dict(self) -> Row:
        """Return the finding as JSON values."""
        return asdict(self)


def findings(run: Run | str | Path | Evidence) -> list[Finding]:
    """Return what a run says, the most important first: rounds, judges, people, failures, limits."""
    evidence = run if isinstance(run, Evidence) else Evidence.of(run)
    return [
        *_rounds(evidence),
        *_control(evidence),
        *_judges(evidence),
        *_people(evidence),
        *_failures(evidence),
        *_limits(evidence),
    ]


def points(value: float | None) -> str:
    """Return a fraction of the score range as signed points, `+1.8`; "unknown" where there is none."""
    return "unknown" if value is None else f"{100 * value:+.1f}".replace("-", "−")


def share(value: float) -> str:
    """Return a share in whole percents that does not round a rest away: `< 1 %`, `> 99 %`."""
    if 0 < value < 0.01:
        return "< 1 %"
    return "> 99 %" if 0.99 < value < 1 else f"{100 * value:.0f} %"


def statistic(row: Row) -> str:
    """Return a coefficient with its interval and n, `alpha .45 [.31, .58] over 60 items`."""
    interval = f" [{_short(row['low'])}, {_short(row['high'])}]" if row.get("low") is not None else ""
    return f"{_words(row['coefficient'])} {_short(row['value'])}{interval} over {row['n']:,} items"


def _short(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}".replace("-", "−")


def _words(name: str) -> str:
    return str(name).replace("_", " ")


def _rounds(evidence: Evidence) -> Iterator[Finding]:
    order = {name: place for place, name in enumerate(evidence.series)}
    for row in sorted(evidence.rounds, key=lambda r: (r["benchmark"], order.get(r["series"], 0))):
        if row["series"] == evidence.control:
            continue
        doubts = list(row.get("doubts") or [])
        if row.get("n_seeds", 1) == 1:
            doubts.append("One training seed: this is what this run did, not what this kind of feedback does.")
        if row.get("flags"):
            doubts.append("Flagged: " + ", ".join(_words(_flag_name(flag)) for flag in row["flags"]) + ".")
        yield Finding(f"{row['series']} feedback", row["sentence"], "fig-rounds", row["verdict"], doubts)


def _control(evidence: Evidence) -> Iterator[Finding]:
    if not evidence.rounds:
        return
    control = evidence.control
    rows = [row for row in evidence.rounds if row["series"] == control]
    if not rows:
        yield Finding(
            "control",
            "There is no control: a series trained with equal steps that keeps everything. More training alone can look "
            "like good feedback, above all in round 1, so no gain here can be credited to the feedback.",
            "fig-rounds",
            "unknown",
        )
    for row in rows:
        gains = [step["delta"] for step in row.get("deltas") or [] if step["delta"] is not None]
        first = f"{points(gains[0])} points in round 1 and {points(sum(gains))} over all rounds" if gains else "unknown"
        yield Finding(
            f"{control}: the control",
            f"The control (equal steps, everything kept) gained {first} in this run: feedback has given only what its "
            f"series gained beyond that. {row['sentence']}",
            "fig-race",
            row["verdict"],
        )


def _judges(evidence: Evidence) -> Iterator[Finding]:
    simulated = {
        rater
        for rater, flags in zip(evidence.run.ratings["rater"], evidence.run.ratings["flags"], strict=True)
        if flags is not None and "simulated" in list(flags)
    }
    for rater, kind in evidence.kinds.items():
        if kind in ("judge", "reward_model"):
            yield _trust(evidence, rater, rater in simulated)


def _trust(evidence: Evidence, rater: str, simulated: bool) -> Finding:
    name = evidence.name(rater)
    doubts = ["Its ratings are simulated: this tells nothing about a real rater."] if simulated else []
    place = _place(evidence, rater)
    independent = _independent(evidence, rater)
    about = f"{name}: can it be trusted?"
    if not independent:
        reason = f"{place} " if place else ""
        return Finding(
            about,
            (f"{name} cannot be trusted: {reason}" if place else f"Whether {name} can be trusted cannot be known: ")
            + ("Nothing" if place else "nothing")
            + f" independent (people, or an answer key) rated the same things; `{HUMAN_IMPORT}` would tell.",
            "agreement" if not place else "position",
            "distrusted" if place else "unknown",
            doubts,
        )
    fails = [row for row in independent if _like_chance(row)]
    shown = "; ".join(f"{_other(evidence, row, rater)} on {row['task']}: {statistic(row)}" for row in independent)
    if place or fails:
        why = place or (
            f"on {len(fails)} of {len(independent)} comparisons its agreement cannot be told from chance."
            if len(independent) > 1
            else "its agreement cannot be told from chance."
        )
        return Finding(about, f"{name} cannot be trusted: {why} With {shown}.", "agreement", "distrusted", doubts)
    against = {_kind(evidence, row, rater) for row in independent}
    doubts.append(
        "Better than chance is not good enough by itself: set it beside how far people agree with each other"
        + ("." if "human" in against else f", which nobody has measured here yet (`{HUMAN_IMPORT}`).")
    )
    return Finding(about, f"{name} does better than chance: with {shown}.", "agreement", "trusted", doubts)


def _place(evidence: Evidence, rater: str) -> str:
    """Return the sentence on a judge that reads the place of an answer, or nothing."""
    for row in evidence.positions:
        first = row.get("first_share")
        if row["rater"] == rater and first is not None and max(first, 1 - first) >= NEARLY_ALWAYS:
            which = "first" if first >= 0.5 else "second"
            consistent = row.get("value", row.get("consistency"))
            rest = f", and kept its verdict in {share(consistent)} of pairs when they were swapped" if consistent is not None else ""  # noqa: E501
            return f"it preferred the answer shown {which} {share(max(first, 1 - first))} of the time{rest}."
    return ""


def _independent(evidence: Evidence, rater: str) -> list[Row]:
    """Return the pairs of a rater with people or, where there are none, with verifiers."""
    rows = [row for row in evidence.pairs if rater in (row["rater_a"], row["rater_b"]) and row["value"] is not None]
    human = [row for row in rows if _kind(evidence, row, rater) == "human"]
    return human or [row for row in rows if _kind(evidence, row, rater) == "verifier"]


def _other_id(row: Row, rater: str) -> str:
    return str(row["rater_b"] if row["rater_a"] == rater else row["rater_a"])


def _other(evidence: Evidence, row: Row, rater: str) -> str:
    return evidence.name(_other_id(row, rater))


def _kind(evidence: Evidence, row: Row, rater: str) -> str:
    return evidence.kinds.get(_other_id(row, rater), "")


def _like_chance(row: Row) -> bool:
    chance = CHANCE.get(row["coefficient"], 0.0)
    low = row.get("low")
    return chance is not None and (low is None or low <= chance)


def _people(evidence: Evidence) -> Iterator[Finding]:
    humans = [rater for rater, kind in evidence.kinds.items() if kind == "human"]
    ratings = evidence.run.ratings
    if not humans and len(ratings):
        yield Finding(
            "people",
            f"No person has rated anything in this run yet; import a CSV with `{HUMAN_IMPORT}`.",
            "agreement",
            "unknown",
        )
    elif humans:
        count = int((ratings["rater_kind"] == "human").sum())
        people = "1 person" if len(humans) == 1 else f"{len(humans)} people"
        doubts = ["One person: how far people agree with each other is unknown."] if len(humans) == 1 else []
        yield Finding("people", f"{people} gave {count:,} ratings.", "agreement", "note", doubts)


def _failures(evidence: Evidence) -> Iterator[Finding]:
    ratings, responses = evidence.run.ratings, evidence.run.responses
    failed = ratings[ratings["status"] != "ok"]
    zeros = int(((ratings["status"] == "ok") & ratings["error"].notna() & (ratings["value"] == 0)).sum())
    lost = int((responses["status"] != "ok").sum())
    if not len(ratings):
        return
    counts = failed["status"].value_counts().sort_index()
    kinds = ", ".join(f"{count:,} {status}" for status, count in counts.items())
    sentence = (
        f"{len(failed):,} of {len(ratings):,} ratings failed on the rater's side ({kinds}); they count as missing, "
        "never as a score."
        if len(failed)
        else f"None of {len(ratings):,} ratings failed on the rater's side."
    )
    if zeros:
        sentence += f" {zeros:,} answers that failed, or could not be read, were rated 0, with the reason kept."
    if lost:
        sentence += f" {lost:,} of {len(responses):,} answers are missing because the model could not be asked."
    yield Finding("failures", sentence, "raters", "note")


def _limits(evidence: Evidence) -> Iterator[Finding]:
    rounds: Any = evidence.run.suite.rounds
    counts = [row["n_items"] for row in evidence.rounds if row.get("n_items") is not None]
    if rounds is None or not counts or min(counts) >= ENOUGH_ITEMS:
        return
    limit = evidence.run.suite.limit
    why = f"`limit: {limit}` lowered the held-out items" if limit and limit < rounds.items else "There were held-out items"
    yield Finding(
        "size",
        f"{why}{' to' if limit and limit < rounds.items else ' to the number of'} {min(counts):,}: under "
        f"{ENOUGH_ITEMS:,} a plateau can hardly be told from a small gain.",
        "fig-rounds",
        "note",
    )
