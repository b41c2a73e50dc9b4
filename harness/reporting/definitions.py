"""How each number on the page is defined: the words of the code that computed it, for what this run has alone."""

from __future__ import annotations

import inspect
from typing import Any

from harness.agreement import COEFFICIENTS, AgreementOptions, alpha, can_stand_in, ceiling, kappa, position_consistency
from harness.records import Rating
from harness.reporting.evidence import Evidence, Row
from harness.reporting.finding import share, words
from harness.rounds import BAND_LEVEL, compare_series, deltas, last_gain, window_contrast
from harness.statistics import bootstrap, pass_at_k, wilson

SPOKEN_FOR: dict[str, Any] = {
    "alpha": inspect.getmodule(alpha),
    **dict.fromkeys(("cohen_kappa", "cohen_kappa_linear", "cohen_kappa_quadratic"), kappa),
}
"""Coefficients that are defined by more than their own function."""


def definitions(evidence: Evidence) -> list[Row]:
    """Return the definitions of this run's numbers: `name`, `text` (paragraphs), `code` (where it is written)."""
    named: list[tuple[str, Any]] = []
    coefficients = {row["coefficient"] for row in evidence.pairs}
    if any(row.get("kappa") for row in evidence.pairs):
        coefficients.add("cohen_kappa")
    named += [(words(name), SPOKEN_FOR.get(name, COEFFICIENTS[name])) for name in sorted(coefficients)]
    if evidence.pairs:
        named.append(("intervals of agreement", inspect.getmodule(bootstrap)))
    if evidence.positions:
        named += [("both orders", position_consistency), ("intervals of shares", wilson)]
    if evidence.stand_ins:
        named += [
            ("standing in for a human", inspect.getmodule(can_stand_in)),
            ("agreement with people, and the ceiling", inspect.getmodule(ceiling)),
        ]
    if evidence.rounds:
        named += [
            ("the verdict on a series", inspect.getmodule(last_gain)), ("its window and rate", window_contrast),
            ("bands of the gains", deltas), ("one series against another", inspect.getmodule(compare_series)),
        ]  # fmt: skip
        named += [("pass@k", pass_at_k)] if evidence.scores.get("sample", None) is not None else []
    named.append(("a rating, and a failure", Rating))
    return [{"name": name, "text": _paragraphs(thing), "code": _place(thing)} for name, thing in named]


def settings(evidence: Evidence) -> list[tuple[str, str]]:
    """Return what the estimates were told: levels, resamples, seeds, the smallest effect of interest."""
    found = []
    if evidence.pairs:
        found += [
            ("Intervals of agreement", "95 %"),
            ("Resamples", f"{AgreementOptions().resamples:,}"),
            ("Seed of the resamples", str(evidence.run.suite.seed)),
        ]
    if evidence.rounds:
        row = evidence.rounds[0]
        found += [
            (
                "Smallest effect of interest",
                f"{100 * row['sesoi']:g} point{'' if row['sesoi'] == 0.01 else 's'} a round",
            ),
            ("Significance of each test", f"{row.get('significance') or (1 - row['level']) / 2:.3g}"),
            ("Intervals of the rates", share(row["level"])),
            ("Bands of the gains", f"{share(BAND_LEVEL)}, simultaneous"),
        ]
    return found


def _paragraphs(thing: Any) -> list[str]:
    """Return what a docstring says before it lists its arguments, as a sentence about the number."""
    text = (inspect.getdoc(thing) or "").split("\nArgs:")[0].split("\nReturns:")[0].strip()
    text = text.removeprefix("Return ").replace("`", "")
    return [(part[0].upper() + part[1:]).replace("\n", " ") for part in text.split("\n\n") if part.strip()]


def _place(thing: Any) -> str:
    module = inspect.getmodule(thing)
    name = "" if inspect.ismodule(thing) else f":{thing.__name__}"
    return f"{module.__name__ if module else ''}{name}"
