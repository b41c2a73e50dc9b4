"""Scales that do not match: raters, or pooled criteria, with another range, and words where others gave numbers.

Codes: `scales_differ`, `words_among_numbers`, `far_value`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from harness.agreement.cautions import COMPARED_FROM, Caution, caution
from harness.agreement.grid.ratings import Ratings
from harness.agreement.grid.units import Units, encode
from harness.statistics import Floats, Ints

OUTSIDE = 0.25
"""A rater with so large a share of values outside of what all others use may have another scale."""
NARROW = 10
"""So has one whose values span so small a part of what others use: two neighbours of ten grades are more."""
POOLED_VALUES = 1_000
"""With more different values, pooled criteria are not looked through."""


def of_scales(units: Units) -> Iterator[Caution]:
    """Yield raters whose scale is not that of the others, by the values that they use, and words among numbers."""
    yield from _words_among_numbers(units)
    if units.numbers is None:
        return
    yield from _far_values(units)
    if odd := _off_the_scale(dict(zip(units.raters, units.counts, strict=True)), units.numbers):
        yield caution(
            "scales_differ",
            f"{units.criterion}: other raters use another range than {', '.join(odd.values())}; only rank correlation "
            "compares them",
            criterion=units.criterion,
            raters=list(odd),
            n=len(odd),
        )


NO_ANSWER = {-1, -2, -7, -8, -9, -77, -88, -98, -99, -999, 7, 8, 9, 77, 88, 98, 99, 997, 998, 999, 9999}
"""What surveys write for no answer, behind a scale of grades."""
MOST_GRADES = 11


def _far_values(units: Units) -> Iterator[Caution]:
    """Yield a whole number that stands apart from all other grades and may say that there was no answer."""
    numbers = units.numbers
    if numbers is None or not 3 < len(numbers) <= MOST_GRADES + 1 or not np.array_equal(numbers, np.rint(numbers)):
        return
    for value, rest in ((numbers[-1], numbers[:-1]), (numbers[0], numbers[1:])):
        gap = float(np.abs(rest - value).min())
        if value in NO_ANSWER and gap >= 2 * np.diff(rest).max() and np.abs(rest).max() < MOST_GRADES:
            n = int(np.sum(units.counts, axis=0)[numbers == value][0])
            yield caution(
                "far_value",
                f"{units.criterion}: {value:g} ({n:,} ratings) lies apart from all other grades: if it says that there "
                f"was no answer, --missing {value:g}",
                criterion=units.criterion,
                n=n,
            )


def of_pool(ratings: Ratings) -> Iterator[Caution]:
    """Yield what concerns criteria that are taken together: one with a scale of its own."""
    if ratings.value.dtype == object:
        return
    (codes,), numbers = encode([ratings.value])
    if len(numbers) > POOLED_VALUES:
        return
    given = {
        name: np.bincount(codes[(ratings.criterion == place) & (codes >= 0)], minlength=len(numbers))
        for place, name in enumerate(ratings.criteria)
    }
    if odd := _off_the_scale(given, numbers):
        yield caution(
            "scales_differ",
            f"all: other criteria use another range than {', '.join(odd.values())}; taken together, raters agree "
            "partly because criteria differ",
            criterion="all",
            n=len(odd),
        )


def _off_the_scale(given: Mapping[str, Ints], numbers: Floats) -> dict[str, str]:
    """Return who uses another range than all others, and which.

    That is who has a quarter of its values outside of theirs, if they have so of theirs outside of its or it reaches
    twice as far (a lenient or a severe rater is inside), and whose values span a tenth of what theirs do.

    Args:
        given: How often each gave each value.
        numbers: The values, ascending.
    """
    ends = {}
    for name, counts in given.items():
        used = np.flatnonzero(counts)
        if counts.sum() >= COMPARED_FROM and len(used) > 1:
            ends[name] = (float(numbers[used[0]]), float(numbers[used[-1]]))
    odd = {}
    for name, (low, high) in ends.items():
        others = [other for other in ends if other != name]
        if not others:
            continue
        least, most = min(ends[other][0] for other in others), max(ends[other][1] for other in others)
        theirs = np.sum([given[other] for other in others], axis=0)
        outside = given[name][(numbers < least) | (numbers > most)].sum() / given[name].sum()
        around = theirs[(numbers < low) | (numbers > high)].sum() / theirs.sum()
        apart = outside >= OUTSIDE and (around >= OUTSIDE or abs(high) >= 2 * abs(most))
        typical = float(np.median([ends[other][1] - ends[other][0] for other in others]))
        if apart or high - low <= typical / NARROW:
            odd[name] = f"{name} {low:g} to {high:g}"
    return odd


def _words_among_numbers(units: Units) -> Iterator[Caution]:
    """Yield words that turn what else would be numbers into labels."""
    if units.numbers is not None:
        return
    count = units.counts.sum(axis=0)
    words = np.array([not _is_number(str(value)) for value in units.values])
    n = int(count[words].sum())
    if 0 < n < count.sum() / 2:
        shown = ", ".join(repr(str(value)) for value in units.values[words][:3])
        yield caution(
            "words_among_numbers",
            f"{units.criterion}: {n:,} of {count.sum():,} values are words ({shown}) among numbers, so that all are "
            "taken for labels: correct them, or leave them empty",
            criterion=units.criterion,
            n=n,
        )


def _is_number(word: str) -> bool:
    try:
        return bool(np.isfinite(float(word)))
    except ValueError:
        return False
