"""The raters as the page shows them: what each rated and failed, and a scorecard with an interval beside every figure.

Counts, shares and means of the records are taken here; every coefficient comes from `Evidence` as it is. What has not
been measured is null, never 0.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from harness.agreement import describe_people
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
    """Return one row a rater that is no verifier, people as one: how it compares, what sways it, what it costs.

    Columns: `rater, kind`; as `{value, low, high, n, of}` or null `with_people, ceiling, with_verifiers, first_share,
    consistency, length_bias, own_family, retest`; `ties, missing, usd_per_1000, seconds_per_1000`.
    """
    own = evidence.run.ratings
    ceiling = _one(_ceilings(evidence))
    rows = []
    people = own[own["rater_kind"] == "human"]
    if len(people):
        rows.append(_row(evidence, "People", "human", people, None) | {"with_people": ceiling, "ceiling": ceiling})
    for rater, kind in sorted(evidence.kinds.items(), key=lambda pair: (list(KIND_WORDS).index(pair[1]), pair[0])):
        if kind in ("human", "verifier"):
            continue
        found = _row(evidence, evidence.name(rater), kind, own[own["rater"] == rater], rater)
        rows.append(found | {"with_people": _one(_with_people(evidence, rater)), "ceiling": ceiling})
    return rows


def biases(evidence: Evidence) -> list[Row]:
    """Return one row a judge and bias: `rater, bias, value, low, high, neutral, n`."""
    rows = []
    for card in scorecard(evidence):
        for bias, column in (("place", "first_share"), ("length", "length_bias"), ("own family", "own_family")):
            found = card[column]
            if card["kind"] in AI_KINDS and found is not None:
                rows.append({"rater": card["rater"], "bias": bias, **found})
    return sorted(rows, key=lambda row: (list(BIASES).index(row["bias"]), row["rater"]))


def worth(evidence: Evidence) -> list[Row]:
    """Return what each rater's agreement costs: one row a rater and task, against people, else against verifiers.

    Columns: `rater, task, against, coefficient, value, low, high, n, usd_per_1000`.
    """
    human = "human" in evidence.kinds.values()
    own = evidence.run.ratings
    found: list[tuple[str, pd.Series[Any], Row]] = []
    for rater, kind in sorted(evidence.kinds.items()):
        if kind not in ("human", "verifier"):
            of_rater = _with_people(evidence, rater) if human else _pairs(evidence, rater, "verifier")
            found += [(evidence.name(rater), own["rater"] == rater, row) for row in of_rater]
    found += [("People", own["rater_kind"] == "human", row) for row in _ceilings(evidence)]
    columns = ("rater", "task", "against", "coefficient", "value", "low", "high", "n", "usd_per_1000")
    rows = []
    for name, given, row in found:
        spent = _price(evidence, own[given & (own["task"] == row["task"])])
        row = {**row, "rater": name, "against": "people" if human else "verifiers", "usd_per_1000": spent}
        rows.append({column: row[column] for column in columns})
    return rows


def _row(evidence: Evidence, name: str, kind: str, given: pd.DataFrame, rater: str | None) -> Row:
    compares = given[(given["scale"] == "preference") & is_ok(given)]
    place = next((row for row in evidence.positions if row["rater"] == rater), None)
    return {
        "rater": name,
        "kind": kind,
        "with_verifiers": _one(_pairs(evidence, rater, "verifier")) if rater else None,
        "first_share": _share_of(place, "first_share", "first_low", "first_high"),
        "consistency": _share_of(place, "consistency", "low", "high"),
        "length_bias": _checked(evidence, rater, 0.5, "length"),
        "own_family": _checked(evidence, rater, 0.0, "self_preference"),
        "retest": _checked(evidence, rater, 1.0, "test_retest_other_seeds", "test_retest_same_seed")
        if rater
        else _steady(evidence),
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
    people = describe_people(evidence.run.ratings).df
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


def _with_people(evidence: Evidence, rater: str) -> list[Row]:
    """Return how a rater agrees with people: against their consensus where they share a criterion, else with each."""
    found = [
        {"task": row["task"], "coefficient": row["ceiling"]["measure"], **_figures(row["ceiling"]["ai"])}
        for row in evidence.stand_ins
        if row["rater"] == rater and row["ceiling"]["ai"]["value"] is not None
    ]
    return found or _pairs(evidence, rater, "human")


def _ceilings(evidence: Evidence) -> list[Row]:
    """Return how people agree with each other: each against the consensus of the others, else pair by pair."""
    seen: dict[tuple[str, str], Row] = {}
    for row in evidence.stand_ins:
        human = row["ceiling"]["human"]
        if human["value"] is not None:
            found = {"task": row["task"], "coefficient": row["ceiling"]["measure"], **_figures(human)}
            seen.setdefault((row["task"], row["criterion"]), found)
    return list(seen.values()) or _pairs(evidence, None, "human")


def _figures(estimate: Row) -> Row:
    return {name: estimate[name] for name in ("value", "low", "high", "n")}


def _pairs(evidence: Evidence, rater: str | None, kind: str) -> list[Row]:
    """Return how a rater (where none is named, people) agrees with raters of a kind, one row a task."""
    by_task: dict[str, list[Row]] = {}
    for row in evidence.pairs:
        ends = [row["rater_a"], row["rater_b"]]
        if row["value"] is None or (rater is not None and rater not in ends):
            continue
        others = [end for end in ends if end != rater]
        if all(evidence.kinds.get(end) == kind for end in others):
            by_task.setdefault(row["task"], []).append(row)
    found = []
    for task, rows in by_task.items():
        names = " and ".join(sorted({row["coefficient"] for row in rows}))
        one = {**_figures(rows[0]), "of": 1} if len(rows) == 1 else _one(rows) or {}
        found.append({"task": task, "coefficient": names, **one})
    return found


def _per_1000(column: pd.Series) -> float | None:
    """Return 1,000 times the mean of what was recorded, null where nothing was: unknown is never 0."""
    known = column.dropna()
    mean: float | None = value_of(known.mean()) if len(known) else None
    return None if mean is None else 1000 * mean
