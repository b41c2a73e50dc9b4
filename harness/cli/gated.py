"""What a gate may look at, of what each command finds: its figures and its verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli.gates import Figure, Gate, Said, gates_of, stop_where_failing

if TYPE_CHECKING:
    from harness.agreement import Agreement, Audit, RunAgreement
    from harness.rounds import RoundsResult

VERDICTS = dict.fromkeys(("improving", "plateaued", "worsening", "inconclusive"), "verdict on rounds")
"""What is said of a series."""
CHECKED = dict.fromkeys(("ok", "flagged", "unclear", "not_run"), "verdict of a check")
"""What is said of a check of an audit."""
TRUST = dict.fromkeys(("trusted", "distrusted", "trust_unknown"), "verdict on an AI judge")
"""What is said of an AI judge or reward model."""
OF_A_RUN = ("pass_rate", "failures", "missing", "gain")
"""The figures of a run beside coefficients."""
FAILED = ("unparsed", "refused", "timeout", "error")
"""How a rater fails; what it skips is missing, and no failure."""


def of_agreement(found: Agreement | RunAgreement) -> list[Figure]:
    """Return the coefficients of each criterion, and of a file the share of its grid that nobody filled."""
    own = [
        Figure(name, table.criterion, one.value, one.low, one.high, one.reason or "")
        for table in found.tables
        for name, one in table.coefficients.items()
    ]
    units = getattr(found, "units", [])
    return own + [Figure("missing", one.criterion, float((one.codes < 0).mean())) for one in units]


def of_audit(found: Audit) -> tuple[list[Figure], list[Said]]:
    """Return the checks' numbers, and what is said of each."""
    figures = [Figure(one.name, found.rater, one.value, one.low, one.high, one.reason) for one in found.checks]
    return figures, [Said("verdict of a check", one.name, one.verdict) for one in found.checks]


def of_rounds(found: Sequence[RoundsResult]) -> tuple[list[Figure], list[Said]]:
    """Return what each kind of feedback gained in all, in points, and the verdict that counts of it."""
    rows = [one.to_dict() for one in found]
    return [_gain(row) for row in rows], [_verdict(row) for row in rows]


def of_passes(found: dict[str, Any], judged: int, problems: int, answered: int) -> list[Figure]:
    """Return each model's pass rate, what was not judged, and the problems without a completion."""
    models = found["by_model"] or {"all": found}
    return [
        *(Figure("pass_rate", name, one["pass_rate"], reason="nothing was judged") for name, one in models.items()),
        Figure("failures", "all", 1 - judged / found["n"] if found["n"] else None),
        Figure("missing", "all", 1 - answered / problems if problems else None),
    ]


def of_run(found: dict[str, Any]) -> tuple[list[Figure], list[Said]]:
    """Return the figures and verdicts of `harness report --json`.

    Coefficients are those of pairs of raters; a pass rate is of a model, of a series its last round's; failures are
    shares of a rater's ratings, or of a model's answers; a gain is in points.
    """
    figures = []
    for row in found["matrix"]:
        whose = f"{row['rater_a']}, {row['rater_b']} on {row['task']}"
        figures.append(Figure(row["coefficient"], whose, row["value"], row["low"], row["high"], row["reason"] or ""))
        figures.append(Figure("percent_agreement", whose, row["percent_agreement"]))
    for row in found["models"]:
        if row["last"]:
            whose = f"{row['series'] or row['model']} on {row['task']}"
            figures.append(Figure("failures", whose, row["lost"] / row["n"]))
            figures += [Figure("pass_rate", whose, one["value"], one["low"], one["high"]) for one in row["passes"]]
    for row in found["raters"]:
        figures.append(Figure("failures", row["rater"], sum(row[name] for name in FAILED) / row["n"]))
        figures.append(Figure("missing", row["rater"], row["missing"]))
    controls = {row["over_control"]["control"] for row in found["rounds"] if row["over_control"]}
    kinds = [row for row in found["rounds"] if row["series"] not in controls]
    kinds = [row for row in kinds if not row["is_beside"] or _verdict(row).word == "worsening"]
    figures += [_gain(row) for row in kinds]
    words = {"trusted": "trusted", "distrusted": "distrusted", "unknown": "trust_unknown"}
    judges = [Said("verdict on an AI judge", row["rater"], words[row["mark"]]) for row in found["trust"]]
    return figures, [*(_verdict(row) for row in kinds), *judges]


def gates_of_a_run(text: str | None, junit: Path | None = None) -> list[Gate]:
    """Return the gates on a run that a text names; see `gates_of`."""
    from harness.agreement import COEFFICIENTS

    return gates_of(text, [*OF_A_RUN, *COEFFICIENTS], VERDICTS | TRUST, junit)


def stop_where_runs_fail(gates: Sequence[Gate], summaries: Sequence[dict[str, Any]], junit: Path | None = None) -> None:
    """End the command where a gate does not let some of the runs through, by what `harness report --json` has."""
    found = [of_run(one) for one in summaries]
    figures, said = [one for own, _ in found for one in own], [one for _, own in found for one in own]
    stop_where_failing(gates, figures, said, VERDICTS | TRUST, junit)


def _verdict(row: dict[str, Any]) -> Said:
    """Return the verdict that counts: beyond the control where there is one."""
    from harness.rounds import counted

    return Said("verdict on rounds", f"{row['series']} on {row['benchmark']}", counted(row)["verdict"])


def _gain(row: dict[str, Any]) -> Figure:
    from harness.rounds import counted

    gained = counted(row)["gain_total"]
    value, low, high = (100 * gained[name] if gained else None for name in ("value", "low", "high"))
    return Figure("gain", f"{row['series']} on {row['benchmark']}", value, low, high, row["reason"] or "")
