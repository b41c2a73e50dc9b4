"""Whether an AI judge can be trusted, as far as the run can tell: against people, else against answer keys and tests.

The rule is meant to be hard to pass and easy to check. A judge whose agreement with anything independent may be
chance, or that nearly always prefers the place where an answer stands, cannot be trusted; one that is better than
chance is called just that; and where nothing independent rated the same things, that is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.reporting.evidence import Evidence, Row
from harness.reporting.finding import ANNOTATE, Finding, share, statistic
from harness.run import AI_KINDS, has_flag

CHANCE: dict[str, float | None] = {"pairwise_accuracy": 0.5, "percent_agreement": None}
"""What a coefficient says of a rater who guesses: 0 unless named here; null where it depends on the labels."""
NEARLY_ALWAYS = 0.9
"""A judge that prefers one place at least so often reads the place, not the answer."""


def trust(evidence: Evidence) -> Iterator[Finding]:
    """Yield one finding for each AI judge and reward model of a run."""
    for rater, kind in evidence.kinds.items():
        if kind in AI_KINDS:
            yield _Judge(evidence, rater).finding()


@dataclass(frozen=True)
class _Judge:
    evidence: Evidence
    rater: str

    def finding(self) -> Finding:
        rows = self.independent()
        place = self.place()
        doubts = ["Its ratings are simulated: this tells nothing about a real rater."] if self.simulated() else []
        about = f"{self.evidence.name(self.rater)}: can it be trusted?"
        shown = "; ".join(f"{self.other(row)} on {self.what(row)}: {statistic(row)}" for row in rows)
        if place:
            known = f"Against {shown}." if rows else self.unknown()
            return Finding(
                about, f"{self.title()} cannot be trusted: {place} {known}", "position", "distrusted", doubts
            )
        if not rows:
            unclear = f"Whether {self.title()[0].lower()}{self.title()[1:]} can be trusted is not known."
            return Finding(about, f"{unclear} {self.unknown()}", "agreement", "unknown", doubts)
        guesses = [row for row in rows if like_chance(row)]
        if guesses:
            where = f"on {len(guesses)} of {len(rows)} comparisons " if len(rows) > 1 else ""
            why = f"{where}its agreement is not above what chance gives. Against {shown}."
            return Finding(about, f"{self.title()} cannot be trusted: {why}", "agreement", "distrusted", doubts)
        people = any(self.kind_of_other(row) == "human" for row in rows)
        ceiling = "." if people else f", which nobody has measured here yet (`{ANNOTATE}`)."
        doubts.append(
            "Better than chance is not good enough by itself: "
            f"set it beside how far people agree with each other{ceiling}"
        )
        return Finding(
            about, f"{self.title()} does better than chance: against {shown}.", "agreement", "trusted", doubts
        )

    def title(self) -> str:
        kind = "reward model" if self.evidence.kinds[self.rater] == "reward_model" else "AI judge"
        return f"The {kind} {self.evidence.name(self.rater)}"

    def unknown(self) -> str:
        return f"Nothing independent (people, or an answer key) rated the same things; `{ANNOTATE}` lets people do so."

    def simulated(self) -> bool:
        ratings = self.evidence.run.ratings
        return bool(has_flag(ratings[ratings["rater"] == self.rater], "simulated").any())

    def place(self) -> str:
        """Return the sentence on a judge that reads the place of an answer, or nothing."""
        for row in self.evidence.positions:
            first = row.get("first_share")
            if row["rater"] == self.rater and first is not None and max(first, 1 - first) >= NEARLY_ALWAYS:
                which = "first" if first >= 0.5 else "second"
                kept = row.get("consistency")
                rest = "" if kept is None else f", and kept its verdict in {share(kept)} of the pairs when they swapped"
                return f"it preferred the answer shown {which} {share(max(first, 1 - first))} of the time{rest}."
        return ""

    def independent(self) -> list[Row]:
        """Return its pairs with people or, where there are none, with verifiers."""
        rows = [
            row
            for row in self.evidence.pairs
            if self.rater in (row["rater_a"], row["rater_b"]) and row["value"] is not None
        ]
        human = [row for row in rows if self.kind_of_other(row) == "human"]
        return human or [row for row in rows if self.kind_of_other(row) == "verifier"]

    def other_id(self, row: Row) -> str:
        return str(row["rater_b"] if row["rater_a"] == self.rater else row["rater_a"])

    def other(self, row: Row) -> str:
        return self.evidence.name(self.other_id(row))

    def what(self, row: Row) -> str:
        """Return the task of a comparison, and the rater's own criterion where it has several."""
        criteria = {self.criterion(one) for one in self.independent()}
        return f"{row['task']}, {self.criterion(row)}" if len(criteria) > 1 else str(row["task"])

    def criterion(self, row: Row) -> str:
        return str(row["criterion_a" if row["rater_a"] == self.rater else "criterion_b"])

    def kind_of_other(self, row: Row) -> str:
        return self.evidence.kinds.get(self.other_id(row), "")


def like_chance(row: Row) -> bool:
    """Return whether a coefficient's interval includes what guessing gives, or there is no interval."""
    chance = CHANCE.get(row["coefficient"], 0.0)
    low = row.get("low")
    return chance is not None and (low is None or low <= chance)
