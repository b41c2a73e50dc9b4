"""Whether an AI judge can be trusted, as far as the run can tell: against people, else against answer keys and tests.

Like is compared with like: ratings of the same criterion alone. Three outcomes: shown to be better than chance, shown
not to be, and not enough data, with how many items would tell. A judge that nearly always prefers the place where an
answer stands reads the place. Where nothing independent rated the same criterion, that is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from harness.agreement import Beyond, beyond_chance, strength
from harness.reporting.evidence import Evidence, Row
from harness.reporting.finding import ANNOTATE, Finding, decimals, share, statistic, words
from harness.run import AI_KINDS, has_flag, is_first, is_ok

MANY = 0.05
"""The share of failed ratings above which it is said beside what is known of the others."""
NEARLY_ALWAYS = 0.9
"""A judge that prefers one place at least so often reads the place, not the answer."""


def trust(evidence: Evidence) -> Iterator[Finding]:
    """Yield one finding for each AI judge and reward model of a run."""
    yield from trust_of(evidence).values()


def trust_of(evidence: Evidence) -> dict[str, Finding]:
    """Return what is known of each AI judge and reward model of a run, by its name."""
    kinds = evidence.kinds.items()
    return {rater: _Judge(evidence, rater).finding() for rater, kind in kinds if kind in AI_KINDS}


def silent(evidence: Evidence) -> list[str]:
    """Return the AI judges and reward models none of whose ratings could be had: they are to mend, not to check."""
    ratings = evidence.run.ratings
    spoke = set(ratings.loc[is_ok(ratings), "rater"])
    return [rater for rater, kind in evidence.kinds.items() if kind in AI_KINDS and rater not in spoke]


@dataclass(frozen=True)
class _Judge:
    evidence: Evidence
    rater: str

    def finding(self) -> Finding:
        about = f"{self.evidence.name(self.rater)}: can it be trusted?"
        doubts = ["Its ratings are simulated: this tells nothing about a real rater."] if self.simulated() else []
        doubts += self.failed()
        against = f"Against {self.shown()}." if self.rows else self.unknown()
        if place := self.place():
            sentence = f"{self.title()} cannot be trusted: {place} {against}"
            return Finding(about, sentence, "position", "distrusted", doubts)
        untold = f"Whether {self.title()[0].lower()}{self.title()[1:]} can be trusted is not known"
        if not self.rows:
            return Finding(about, f"{untold}. {against}", "agreement", "unknown", doubts)
        found = [self.beyond(row) for row in self.decisive]
        count = len(found)
        where = f"on {{}} of {count} comparisons " if count > 1 else ""
        bad = sum(one.outcome == "not_better" for one in found)
        if bad:
            why = f"{where.format(bad)}its agreement is not above what chance gives, as far as would matter. {against}"
            why += self.reversed()
            return Finding(about, f"{self.title()} cannot be trusted: {why}", "agreement", "distrusted", doubts)
        if open_ := [one for one in found if one.outcome == "not_enough"]:
            why = f"{where.format(len(open_))}there is not enough data. {against}{self.would_tell(open_)}"
            return Finding(about, f"{untold}: {why}", "agreement", "unknown", doubts)
        sentence = f"{self.title()} does better than chance: against {self.shown()}. {self.in_words()} {self.ceiling()}"
        doubts.append("Better than chance is not good enough by itself: set it beside how far people agree.")
        return Finding(about, sentence, "agreement", "trusted", doubts)

    @cached_property
    def rows(self) -> list[Row]:
        """Its pairs with people or, where there are none, with verifiers, on the same criterion."""
        rows = [
            row
            for row in self.evidence.pairs
            if self.rater in (row["rater_a"], row["rater_b"])
            and row["value"] is not None
            and row["criterion_a"] == row["criterion_b"]
        ]
        human = [row for row in rows if self.kind_of_other(row) == "human"]
        return human or [row for row in rows if self.kind_of_other(row) == "verifier"]

    @cached_property
    def decisive(self) -> list[Row]:
        """The pair that decides on each task and criterion: the one over most items, not the one that looks best."""
        most: dict[tuple[str, str], Row] = {}
        for row in self.rows:
            key = (str(row["task"]), self.criterion(row))
            if key not in most or row["n"] > most[key]["n"]:
                most[key] = row
        return list(most.values())

    def beyond(self, row: Row) -> Beyond:
        """Return what a pair shows."""
        ratings = self.evidence.run.ratings
        own = ratings[(ratings["rater"] == self.rater) & (ratings["task"] == row["task"])]
        own = own[(own["criterion"] == self.criterion(row)) & is_ok(own) & is_first(own)]
        values = own["value"].astype(object).fillna(own["label"]).dropna().head(row["n"])
        return beyond_chance(row, rare=int(len(values) - values.value_counts().max()) if len(values) else None)

    def shown(self) -> str:
        """Return every comparison with its coefficient, interval and n."""
        return "; ".join(f"{self.other(row)} on {self.what(row)}: {statistic(row)}" for row in self.rows)

    def would_tell(self, found: list[Beyond]) -> str:
        """Return how many items would tell, where that is known."""
        needed = [one.needed for one in found if one.needed]
        return f" About {max(needed):,} items that both rate would tell." if needed else ""

    def reversed(self) -> str:
        """Return what to look at where it agrees less than guesses would, by its whole interval."""
        below = [row for row in self.decisive if row.get("high") is not None and row["high"] < 0]
        if not below:
            return ""
        where = " and ".join(dict.fromkeys(self.what(row) for row in below))
        return f" On {where} it agrees less than guesses would: its scale may be reversed."

    def in_words(self) -> str:
        """Return how strong its agreement is, in whose words."""
        said = [strength(row) for row in self.decisive]
        names = " and ".join(dict.fromkeys(word for word, _ in said))
        return f"That is {names} ({'; '.join(dict.fromkeys(source for _, source in said))})."

    def ceiling(self) -> str:
        """Return how far people agree with each other on what it was compared on."""
        about = {(row["task"], self.criterion(row), row["coefficient"]) for row in self.decisive}
        people = [
            row
            for row in self.evidence.pairs
            if {self.evidence.kinds.get(row["rater_a"]), self.evidence.kinds.get(row["rater_b"])} == {"human"}
            and row["criterion_a"] == row["criterion_b"]
            and (row["task"], row["criterion_a"], row["coefficient"]) in about
            and row["value"] is not None
        ]
        if not people:
            return f"How far people agree with each other, nobody has measured here yet (`{ANNOTATE}`)."
        if len(people) == 1:
            return f"Two people agree with each other: {statistic(people[0])}."
        names = "; ".join(
            f"{words(name)} {decimals(fmean(row['value'] for row in people if row['coefficient'] == name))}"
            for name in dict.fromkeys(row["coefficient"] for row in people)
        )
        return f"People agree with each other: {names}, the mean of {len(people)} pairs of people."

    def title(self) -> str:
        kind = "reward model" if self.evidence.kinds[self.rater] == "reward_model" else "AI judge"
        return f"The {kind} {self.evidence.name(self.rater)}"

    def unknown(self) -> str:
        if self.rater in silent(self.evidence):
            return f"All its ratings failed. `harness rate RUN --rater {self.rater} --retry-errors` asks it again."
        if both := self.too_few():
            who = "people" if "human" in {self.kind_of_other(row) for row in both} else "an answer key"
            most = max(row["n"] for row in both)
            return f"It and {who} rated {most:,} of the same things, which is too few to say."
        return (
            "Nothing independent (people, or an answer key) rated the same criterion of the same things; "
            f"`{ANNOTATE}` lets people do so."
        )

    def too_few(self) -> list[Row]:
        """Return its pairs with people or verifiers on the same criterion that have no figure."""
        return [
            row
            for row in self.evidence.pairs
            if self.rater in (row["rater_a"], row["rater_b"])
            and row["criterion_a"] == row["criterion_b"]
            and row["value"] is None
            and row["n"]
            and self.kind_of_other(row) in ("human", "verifier")
        ]

    def failed(self) -> list[str]:
        """Return how many of its ratings failed, where these are many: what they would have been is not known."""
        ratings = self.evidence.run.ratings
        own = ratings[ratings["rater"] == self.rater]
        lost = int((~is_ok(own)).sum())
        if not MANY * len(own) < lost < len(own):
            return []
        return [f"{lost:,} of its {len(own):,} ratings failed; all of this is of those that did not."]

    def simulated(self) -> bool:
        ratings = self.evidence.run.ratings
        return bool(has_flag(ratings[ratings["rater"] == self.rater], "simulated").any())

    def place(self) -> str:
        """Return the sentence on a judge that reads the place of an answer, or nothing."""
        for row in self.evidence.positions:
            first = row.get("first_share")
            if row["rater"] != self.rater or first is None or row.get("first_low") is None:
                continue
            if max(first, 1 - first) >= NEARLY_ALWAYS and max(row["first_low"], 1 - row["first_high"]) > 0.5:
                which = "first" if first >= 0.5 else "second"
                kept = row.get("consistency")
                rest = "" if kept is None else f", and kept its verdict in {share(kept)} of the pairs when they swapped"
                return f"it preferred the answer shown {which} {share(max(first, 1 - first))} of the time{rest}."
        return ""

    def other_id(self, row: Row) -> str:
        return str(row["rater_b"] if row["rater_a"] == self.rater else row["rater_a"])

    def other(self, row: Row) -> str:
        return self.evidence.name(self.other_id(row))

    def what(self, row: Row) -> str:
        """Return the task of a comparison, and the rater's own criterion where it has several."""
        criteria = {self.criterion(one) for one in self.rows}
        return f"{row['task']}, {self.criterion(row)}" if len(criteria) > 1 else str(row["task"])

    def criterion(self, row: Row) -> str:
        return str(row["criterion_a" if row["rater_a"] == self.rater else "criterion_b"])

    def kind_of_other(self, row: Row) -> str:
        return self.evidence.kinds.get(self.other_id(row), "")
