"""The figure of how close each judge comes to people, or to an answer key, and people to each other."""

from __future__ import annotations

import pandas as pd

from harness.reporting.charts import dots
from harness.reporting.evidence import Evidence, Row
from harness.reporting.figures import Drawing, Figure
from harness.reporting.finding import decimals, joined, words
from harness.run import AI_KINDS

MAJORITY = "agreement with the majority"
"""The measure of labels without order, which is not corrected for chance."""
MOST = 14
"""Rows that the figure shows; the matrices have them all."""


def closeness(evidence: Evidence) -> Drawing | None:
    """Return the figure; None where no judge shares anything with people or verifiers."""
    rows = with_people(evidence) or _with_verifiers(evidence)
    if not rows:
        return None
    data = pd.DataFrame(rows)
    measures = joined(list(dict.fromkeys(words(row["coefficient"]) for row in rows)))
    others = "the consensus of people" if any(row["who"] == "people" for row in rows) else "verifiers"
    columns = ["name", "coefficient", "value", "low", "high", "n"]
    figure = Figure(
        "closeness",
        _title(rows),
        f"Agreement with {others} on the same answers ({measures}), with 95 % intervals: 1 is full agreement, 0 what "
        f"chance gives (the dashed line){_but(rows)}. The numbers of every pair are in the matrices below.",
        columns,
        [[row[name] for name in columns] for row in rows],
    )
    low = min(0.0, *(row["low"] if row["low"] is not None else row["value"] for row in rows))
    return Drawing(
        figure,
        lambda width: dots(data.head(MOST), title=measures, width=width, domain=(min(low, 0.0) - 0.05, 1.0), mark=0.0),
    )


def _but(rows: list[Row]) -> str:
    """Return where 0 is not what chance gives: shares of equal labels are not corrected for it."""
    return f"; of {MAJORITY} guesses reach more" if any(row["coefficient"] == MAJORITY for row in rows) else ""


def _title(rows: list[Row]) -> str:
    """Return what the figure shows as a sentence."""
    judges = [row for row in rows if row["who"] == "judge"]
    best = max(judges, key=lambda row: float(row["value"]))
    about = best["name"].removeprefix(best["rater"])
    people = [decimals(row["value"]) for row in rows if row["name"] == f"people{about}"]
    if people:
        on = about.replace(", ", " on ", 1)
        return f"{best['rater']} comes to {decimals(best['value'])} at best{on}, where people come to {people[0]}"
    return f"The closest judge, {best['rater']}, agrees with {best['against']} at {decimals(best['value'])}"


def with_people(evidence: Evidence) -> list[Row]:
    """Return for each task and criterion the people's agreement with each other, then each judge's with them."""
    found: list[Row] = []
    seen = set()
    several = len({(row["task"], row["criterion"]) for row in evidence.stand_ins}) > 1
    for row in sorted(evidence.stand_ins, key=lambda row: (row["task"], row["criterion"])):
        about = f", {row['criterion']}" if several else ""
        ends = [(evidence.name(row["rater"]), "judge", row["ceiling"]["ai"])]
        if (row["task"], row["criterion"]) not in seen:
            seen.add((row["task"], row["criterion"]))
            ends.insert(0, ("people", "people", row["ceiling"]["human"]))
        for name, who, figures in ends:
            if figures["value"] is not None:
                values = {key: figures[key] for key in ("value", "low", "high", "n")}
                about_it = {
                    "name": f"{name}{about}",
                    "rater": name,
                    "who": who,
                    "coefficient": row["ceiling"]["measure"],
                }
                found.append({**about_it, "against": "people", **values})
    return found


def _with_verifiers(evidence: Evidence) -> list[Row]:
    """Return each judge's agreement with a verifier of the same criterion, the closest first."""
    found: list[Row] = []
    for row in evidence.pairs:
        ends = [(row[f"rater_{side}"], row[f"criterion_{side}"]) for side in "ab"]
        kinds = [evidence.kinds.get(name) for name, _ in ends]
        if row["value"] is None or "verifier" not in kinds or not set(kinds) & set(AI_KINDS):
            continue
        judge, key = ends if kinds[1] == "verifier" else ends[::-1]
        name = f"{evidence.name(judge[0])} with {key[0]}, {row['task']}"
        values = {column: row[column] for column in ("coefficient", "value", "low", "high", "n")}
        about = {"name": name, "rater": evidence.name(judge[0]), "who": "judge", "against": key[0]}
        found.append({**about, **values})
    return sorted(found, key=lambda row: -float(row["value"]))
