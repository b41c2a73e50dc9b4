"""Headers of two rows: raters over criteria, criteria over raters, a question over its items.

Merged cells of Excel, the columns of a pandas MultiIndex, and SurveyMonkey's exports are such.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.rating.files.cells import NUMBER

RESPONSES = {"response", "open-ended response", "antwort", "réponse", "respuesta"}
"""What SurveyMonkey writes under a question that has one answer."""


def whole_header(header: list[str], below: Sequence[list[str]]) -> tuple[list[str], int, list[str]]:
    """Return the header with what the row under it adds, how many rows that are, and what is said of it.

    A second row is one where the first has blanks or the same name twice, and the second words in just these places.

    Args:
        header: The first row.
        below: Some rows below it.
    """
    top = [cell.strip() for cell in header]
    under = [cell.strip() for cell in below[0]] if below else []
    if len(under) != len(top) or len(below) < 2:
        return header, 0, []
    if any(under) and all(not cell or cell.casefold() in RESPONSES for cell in under):
        return header, 1, ["1 row under the header left out: it says 'Response' (SurveyMonkey)"]
    shared = [place for place in range(1, len(top)) if _is_shared(top, place)]
    words = [under[place] for place in shared]
    spoken = len(set(words)) > 1 and all(word and not NUMBER.fullmatch(word) for word in words)
    again = any(row[place : place + 1] == [under[place]] for row in below[1:] for place in shared)
    if (top[0] and under[0]) or not spoken or again:
        return header, 0, []
    names, last = [], ""
    for name, second in zip(top, under, strict=True):
        last = name or last
        names.append(f"{last} - {second}" if second and last and (name or second) else second or name)
    more = 1
    index = [cell.strip() for cell in below[1]]
    if len(index) == len(top) and index[0] and not any(index[1:]):  # the name of a pandas index
        names[0], more = index[0], 2
    return names, more, [f"the header has two rows: {', '.join(one for one in names if ' - ' in one)[:60]}, ..."]


def _is_shared(top: Sequence[str], place: int) -> bool:
    """Return whether a name stands over several columns: it is there again, or blank cells follow."""
    return not top[place] or top.count(top[place]) > 1 or (place + 1 < len(top) and not top[place + 1])
