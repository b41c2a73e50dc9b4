"""How cautions are told: many of one kind as one, and on a page with raters by other names."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.agreement.cautions import Caution, caution, in_slots, names_of, of_units
from harness.agreement.grid.scales import of_scales
from harness.agreement.grid.units import Level, Units

GATHERED_ABOVE = 3
"""More cautions of one kind about one criterion are one line."""
TOLD = {
    "constant_rater": "raters gave one value to all of their items",
    "identical_raters": "pairs of raters gave the same values to all items that they share: copies, or one file twice?",
    "reversed_rater": "pairs of raters correlate negatively: is a scale reversed?",
}
"""What many cautions of one kind say together."""


def gathered(notes: list[Caution]) -> list[Caution]:
    """Return cautions with many of one kind as one, and what is true of the ids of every criterion said once."""
    found: list[Caution] = []
    for note in notes:
        alike = [one for one in notes if (one["code"], one["criterion"]) == (note["code"], note["criterion"])]
        if note["code"] == "possible_clusters" and any(one["code"] == "possible_clusters" for one in found):
            continue
        if note["code"] not in TOLD or len(alike) <= GATHERED_ABOVE:
            found.append(note)
        elif note is alike[0]:
            raters = list(dict.fromkeys(rater for one in alike for rater in one["raters"]))
            said = _together(note["code"], note["criterion"], raters, len(alike))
            found.append(caution(note["code"], said, criterion=note["criterion"], raters=raters, n=len(alike)))
    return found


def with_names(
    notes: Sequence[Caution], about: Sequence[tuple[Units, Level]], name: Callable[[str], str]
) -> list[Caution]:
    """Return cautions in which raters go by other names: those of ratings are told anew, others that name nobody stay.

    Args:
        notes: The cautions.
        about: The ratings of each criterion, and their level, with raters by these names.
        name: The other name of a rater.
    """
    anew = [note for units, level in about for note in (*of_units(units, level), *of_scales(units))]
    told = {note["code"] for note in anew} | {"little_overlap", *TOLD}
    rest = []
    for note in notes:
        raters = [name(rater) for rater in note["raters"]]
        if note["code"] == "slots":
            rest.append({**note, "raters": raters, "message": in_slots(raters)})
        elif note["code"] not in told and raters == note["raters"]:
            rest.append(note)
    return gathered([*anew, *rest])


def sentences(notes: Sequence[Caution]) -> list[tuple[str, str]]:
    """Return the code and the sentence of each caution; criteria of which the same is to be said are named together.

    So are those of many cautions of one kind, with the raters: results have them one by one.
    """
    found: dict[tuple[str, str], dict[str, None]] = {}
    many = {code for code in TOLD if sum(note["code"] == code for note in notes) > GATHERED_ABOVE}
    for note in notes:
        code, about, said = note["code"], note.get("criterion"), str(note["message"])
        own = about is not None and said.startswith(f"{about}: ")
        if own and code in many:
            raters = dict.fromkeys(rater for one in notes if one["code"] == code for rater in one["raters"])
            said = f"{about}: {TOLD[code]} ({names_of([*raters])})"
        criteria = found.setdefault((code, said.removeprefix(f"{about}: ") if own else said), {})
        criteria.update({str(about): None} if own else {})
    return [(code, f"{names_of([*about])}: {said}" if about else said) for (code, said), about in found.items()]


def _together(code: str, about: str | None, raters: list[str], n: int) -> str:
    return f"{about}: {n:,} {TOLD[code]} ({names_of(raters)})"
