"""All that is asked of one AI rater's corrected score: the estimates, the looks while labels come in, the systems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from harness.agreement.cautions import Caution, caution
from harness.agreement.grid.units import Units
from harness.agreement.stand_in.corrected import correct
from harness.agreement.stand_in.sequential import Looks, sequence
from harness.agreement.stand_in.systems import compare_systems


def corrected_score(
    units: Units, ai: str, humans: Sequence[str], chosen: str | None, looks: Looks | None, by: str | None
) -> dict[str, Any]:
    """Return the row of `correct`, with `sequential` and `by` where these were asked and values are numbers."""
    row = correct(units, ai, humans, chosen=chosen)
    if units.numbers is not None and looks:
        row["sequential"] = sequence(units, ai, humans, chosen, looks)
    if units.numbers is not None and by:
        row["by"] = {"column": by, **compare_systems(units, ai, humans, by, chosen)}
    return row


def of_shift(rows: Iterable[dict[str, Any]]) -> Iterator[Caution]:
    """Yield a caution for each score where people's items differ from the rest, and that was not said."""
    for row in rows:
        shift, chosen = row["shift"], row["chosen"]
        if not shift or not shift["shifted"] or chosen not in (None, "random"):
            continue
        gap = f"{shift['difference']:+.3f} [{shift['low']:+.3f}, {shift['high']:+.3f}]"
        asked = "how were they chosen? say so with --chosen" if chosen is None else "is it a random sample, as said?"
        yield caution(
            "shift",
            f"{row['criterion']}: {row['rater']} rates human-rated items {gap} from the rest: {asked}",
            criterion=row["criterion"], raters=[row["rater"]], n=row["n_human"],
        )  # fmt: skip
