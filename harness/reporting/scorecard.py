"""The raters as the page shows them: what each rated and failed, and a scorecard with an interval beside every figure.

Counts, shares and means of the records are taken here; every coefficient comes from `Evidence` as it is. What has not
been measured is null, never 0.
"""

from __future__ import annotations

from collections import Counter

import pandas as pd

from harness.records import Status
from harness.reporting.evidence import Evidence, Row, value_of
from harness.run import AI_KINDS, is_ok

FAILURES: tuple[Status, ...] = ("skipped", "unparsed", "refused", "timeout", "error")
KIND_WORDS = {
    "human": "people",
    "judge": "AI judge",
    "verifier": "verifier",
    "metric": "metric",
    "reward_model": "reward model",
}

BIASES = {
    "place": (
        "share of verdicts for the answer shown first",
        "Place: how often the answer shown first was preferred, both orders of each pair.",
    ),
    "length": (
        "chance that the longer answer is preferred",
        "Length: the chance that a longer answer is preferred, at equal quality where somebody independent rated it.",
    ),
    "own family": (
        "preference for its own family",
        "Own family: how much more it likes models of its own family than people, or verifiers, do.",
    ),
}
"""Each bias by name: the title of its axis, and what it is."""


def _column(key: str, head: str, kind: str = "measured", as_share: bool = False, digits: int = 2) -> Row:
    return {"key": key, "head": head, "kind": kind, "as_share": as_share, "digits": digits}


COLUMNS = [
    _column("with_people", "agrees with people"),
    _column("ceiling", "people with each other"),
    _column("with_verifiers", "with verifiers"),
    _column("first_share", "prefers the first", as_share=True),
    _column("consistency", "kept when swapped", as_share=True),
    _column("length_bias", "length bias", as_share=True),
    _column("own_family", "own family"),
    _column("retest", "same again", as_share=True),
    _column("mass", "probability on its words", as_share=True),
    _column("ties", "ties", "plain", as_share=True),
    _column("missing", "not parsed or failed", "plain", as_share=True),
    _column("usd_per_1000", "$\u00a0/\u00a01,000", "plain"),
    _column("seconds_per_1000", "s\u00a0/\u00a01,000", "plain", digits=1),
]
"""The scorecard's columns; one that no rater has a figure in is left out, and named under the table."""


def raters(evidence: Evidence) -> list[Row]:
    """Return one row a rater and criterion: how much it rated, what failed, what it cost.

    Columns: `rater, kind, criterion, scale, tasks, n, ok, skipped, unparsed, refused, timeout, error, missing` (share
    without a value), `zeros_with_reason` (answers that failed, rated 0), `ties`, `usd_per_1000`, `seconds_per_1000`
    (null where nothing was recorded), `flags`, `version`.
    """
    rows = []
    grouped = evidence.run.ratings.groupby(["rater", "criterion"], sort=True, observed=True)
    for (rater, criterion), group in grouped:
        ok = group[is_ok(group)]
        counts = group["status"].value_counts()
        rows.append(
            {
                "rater": evidence.name(str(rater)),
                "kind": group["rater_kind"].iloc[0],
                "criterion": criterion,
                "scale": group["scale"].iloc[0],
                "tasks": sorted(group["task"].unique()),
                "n": len(group),
                "ok": len(ok),
                **{str(status): int(counts.get(status, 0)) for status in FAILURES},
                "missing": 1 - len(ok) / len(group),
                "zeros_with_reason": int((ok["error"].notna() & (ok["value"] == 0)).sum()),
                "ties": int((ok["value"] == 0.5).sum()) if group["scale"].iloc[0] == "preference" else None,
                "usd_per_1000": _price(evidence, group),
                "seconds_per_1000": _per_1000(group["seconds"]),
                "flags": sorted({flag for flags in group["flags"] if flags is not None for flag in flags}),
                "version": group["rater_version"].iloc[0],
            }
        )
    order = list(KIND_WORDS)
    return sorted(rows, key=lambda row: (order.index(row["kind"]), row["rater"], row["criterion"]))


def scorecard(evidence: Evidence) -> list[Row]:
    """Return one row a criterion and rater that is no verifier, people as one: what agrees, sways, costs.

    Columns: `rater, kind, criterion`; as `{value, low, high, n, of}` or null `with_people, ceiling, with_verifiers,
    first_share, consistency, length_bias, own_family, retest, mass`; `ties, missing, usd_per_1000, seconds_per_1000`.
    What an audit says is of all criteria of its rater together.
    """
    own = evidence.run.ratings
    rows = []
    people = own[own["rater_kind"] == "human"]
    for criterion, given in people.groupby("criterion", sort=True, observed=True):
        ceiling = _one(_ceilings(evidence, {str(criterion)}))
        found = _row(evidence, "People", "human", given, None, str(criterion))
        rows.append(found | {"with_people": ceiling, "ceiling": ceiling})
    for rater, kind in sorted(evidence.kinds.items(), key=lambda pair: (list(KIND_WORDS).index(pair[1]), pair[0])):
        if kind in ("human", "verifier"):
            continue
        for criterion, given in own[own["rater"] == rater].groupby("criterion", sort=True, observed=True):
            name = str(criterion)
            found = _row(evidence, evidence.name(rater), kind, given, rater, name)
            ceiling = _one(_ceilings(evidence, _beside(evidence, rater, name)))
            rows.append(found | {"with_people": _one(_with_people(evidence, rater, name)), "ceiling": ceiling})
    return rows


def biases(evidence: Evidence) -> list[Row]:
    """Return one row a judge and bias, of its place one a criterion: `rater, bias, value, low, high, neutral, n`."""
    cards = [card for card in scorecard(evidence) if card["kind"] in AI_KINDS]
    several = Counter(card["rater"] for card in cards if card["first_share"] is not None)
    rows, audited = [], set()
    for card in cards:
        for bias, column in (("place", "first_share"), ("length", "length_bias"), ("own family", "own_family")):
            found, key = card[column], (card["rater"], bias)
            if found is None or key in audited:
                continue
            of_all = bias != "place"
            audited.update([key] if of_all else [])
            named = card["rater"] if of_all or several[card["rater"]] < 2 else f"{card['rater']}, {card['criterion']}"
            rows.append({"rater": named, "bias": bias, **found})
    return sorted(rows, key=lambda row: (list(BIASES).index(row["bias"]), row["rater"]))


def worth(evidence: Evidence) -> list[Row]:
    """Return what agreement costs: one row a rater, task and criterion, against people, else against verifiers.

    Columns: `rater, task, criterion, against, coefficient, value, low, high, n, usd_per_1000`.
    """
    human = "human" in evidence.kinds.values()
    own = evidence.run.ratings
    found: list[tuple[str, pd.DataFrame, Row]] = []
    for (rater, criterion), given in own.groupby(["rater", "criterion"], sort=True, observed=True):
        name, about = str(rater), str(criterion)
        if evidence.kinds[name] not in ("human", "verifier"):
            of_rater = _with_people(evidence, name, about) if human else _pairs(evidence, name, about, "verifier")
            found += [(evidence.name(name), given, row) for row in of_rater]
    for criterion, given in own[own["rater_kind"] == "human"].groupby("criterion", sort=True, observed=True):
        found += [("People", given, row) for row in _ceilings(evidence, {str(criterion)})]
    columns = ("rater", "task", "criterion", "against", "coefficient", "value", "low", "high", "n", "usd_per_1000")
    rows = []
    for name, given, row in found:
        spent = _price(evidence, given[given["task"] == row["task"]])
        row = {**row, "rater": name, "against": "people" if human else "verifiers", "usd_per_1000": spent}
        rows.append({column: row[column] for column in columns})
    return rows


def _row(evidence: Evidence, name: str, kind: str, given: pd.DataFrame, rater: str | None, criterion: str) -> Row:
    compares = given[(given["scale"] == "preference") & is_ok(given)]
    place = next((row for row in evidence.positions if (row["rater"], row["criterion"]) == (rater, criterion)), None)
    return {
        "rater": name,
        "kind": kind,
        "criterion": criterion,
        "with_verifiers": _one(_pairs(evidence, rater, criterion, "verifier")) if rater else None,
        "first_share": _share_of(place, "first_share", "first_low", "first_high"),
        "consistency": _share_of(place, "consistency", "low", "high"),
        "length_bias": _checked(evidence, rater, 0.5, "length"),
        "own_family": _checked(evidence, rater, 0.0, "self_preference"),
        "retest": _checked(evidence, rater, 1.0, "test_retest_other_seeds", "test_retest_same_seed")
        if rater
        else _steady(evidence),
        "mass": _checked(evidence, rater, 1.0, "mass"),
        "ties": float((compares["value"] == 0.5).mean()) if len(compares) else None,
        "missing": float((given["status"] != "ok").mean()),
        "usd_per_1000": _price(evidence, given),
        "seconds_per_1000": _per_1000(given["seconds"]),
    }


def _checked(evidence: Evidence, rater: str | None, neutral: float, *names: str) -> Row | None:
    """Return the first of some checks of a rater's audit that could run."""
    for check in evidence.audits.get(rater or "", []):
        if check["name"] in names and check["value"] is not None:
            return {**_figures(check), "of": 1, "neutral": neutral}
    return None


def _steady(evidence: Evidence) -> Row | None:
    """Return how often people say the same again, where they were asked again."""
    people = evidence.people.df
    again = people[people["repeated"] > 0] if len(people) else people
    names = {"same": "value", "same_low": "low", "same_high": "high", "repeated": "n"}
    return _one([value_of(row) for row in again[list(names)].rename(columns=names).to_dict("records")])


def _price(evidence: Evidence, given: pd.DataFrame) -> float | None:
    """Return the dollars of 1,000 ratings: as recorded, for people else by their pay and time."""
    found = _per_1000(given["cost_usd"])
    seconds = _per_1000(given["seconds"])
    paid = len(given) and (given["rater_kind"] == "human").all() and evidence.usd_per_hour is not None
    return seconds * (evidence.usd_per_hour or 0) / 3600 if found is None and paid and seconds is not None else found


def _share_of(place: Row | None, value: str, low: str, high: str) -> Row | None:
    if place is None or place[value] is None:
        return None
    return {"value": place[value], "low": place[low], "high": place[high], "n": place["n"], "of": 1, "neutral": 0.5}


def _one(found: list[Row]) -> Row | None:
    """Return one figure for several comparisons: the only one, or the mean of several with how many they are."""
    if len(found) < 2:
        return {"of": 1, **found[0]} if found else None
    mean = sum(row["value"] for row in found) / len(found)
    return {"value": mean, "low": None, "high": None, "n": sum(row["n"] for row in found), "of": len(found)}


def _with_people(evidence: Evidence, rater: str, criterion: str) -> list[Row]:
    """Return how a rater agrees with people: against their consensus where they share a criterion, else with each."""
    found = [
        _measured(row, row["ceiling"]["ai"])
        for row in evidence.stand_ins
        if (row["rater"], row["criterion"]) == (rater, criterion) and row["ceiling"]["ai"]["value"] is not None
    ]
    return found or _pairs(evidence, rater, criterion, "human")


def _ceilings(evidence: Evidence, criteria: set[str]) -> list[Row]:
    """Return how people agree with each other: each against the consensus of the others, else pair by pair."""
    seen: dict[tuple[str, str], Row] = {}
    for row in evidence.stand_ins:
        human = row["ceiling"]["human"]
        if human["value"] is not None and row["criterion"] in criteria:
            seen.setdefault((row["task"], row["criterion"]), _measured(row, human))
    return list(seen.values()) or [row for one in sorted(criteria) for row in _pairs(evidence, None, one, "human")]


def _beside(evidence: Evidence, rater: str, criterion: str) -> set[str]:
    """Return the criteria of people that a rater's criterion was compared with; itself where there are none."""
    found = set()
    for row in evidence.pairs:
        for mine, other in ("ab", "ba"):
            of_people = evidence.kinds.get(row[f"rater_{other}"]) == "human"
            if of_people and (row[f"rater_{mine}"], row[f"criterion_{mine}"]) == (rater, criterion):
                found.add(row[f"criterion_{other}"])
    return found or {criterion}


def _measured(row: Row, estimate: Row) -> Row:
    """Return a figure of `harness agree --stand-in` with what it is about."""
    about = {"task": row["task"], "criterion": row["criterion"], "coefficient": row["ceiling"]["measure"]}
    return {**about, **_figures(estimate)}


def _figures(estimate: Row) -> Row:
    return {name: estimate[name] for name in ("value", "low", "high", "n")}


def _pairs(evidence: Evidence, rater: str | None, criterion: str, kind: str) -> list[Row]:
    """Return how a rater (where none is named, people) agrees with raters of a kind on a criterion, one row a task."""
    by_task: dict[str, list[Row]] = {}
    for row in evidence.pairs:
        ends = [(row["rater_a"], row["criterion_a"]), (row["rater_b"], row["criterion_b"])]
        if row["value"] is None or (rater is not None and (rater, criterion) not in ends):
            continue
        others = [end for end in ends if end != (rater, criterion)]
        alike = rater is not None or {about for _, about in ends} == {criterion}
        if alike and all(evidence.kinds.get(name) == kind for name, _ in others):
            by_task.setdefault(row["task"], []).append(row)
    found = []
    for task, rows in by_task.items():
        names = " and ".join(sorted({row["coefficient"] for row in rows}))
        one = {**_figures(rows[0]), "of": 1} if len(rows) == 1 else _one(rows) or {}
        found.append({"task": task, "criterion": criterion, "coefficient": names, **one})
    return found


def _per_1000(column: pd.Series) -> float | None:
    """Return 1,000 times the mean of what was recorded, null where nothing was: unknown is never 0."""
    known = column.dropna()
    mean: float | None = value_of(known.mean()) if len(known) else None
    return None if mean is None else 1000 * mean
