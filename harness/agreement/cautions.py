"""Cautions: what a reader of the table should know first, each with the raters and the counts.

Codes: `identical_raters`, `constant_rater`, `reversed_rater`, `self_agreement`, `duplicates`, `possible_clusters`,
`low_prevalence`, `few_clusters`, `few_items`, `slots`, `little_overlap`, `left_out`, `matrix_skipped`,
`pairs_skipped`, `normal_intervals`; those of `scales.py`.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from harness.agreement.grid.ratings import Ratings
from harness.agreement.grid.units import FEW_VALUES, Level, Units
from harness.statistics import Estimate, Floats, Ints, counted, occurring, smallest

Caution = dict[str, Any]

IDENTICAL_FROM = 10
"""Two people are seldom equal on so many shared items of more than one value."""
COMPARED_FROM = 20
"""From so many ratings on it is said that a scale is reversed, or another than that of the others."""
REVERSED_BELOW = -0.5
RARE = 10
"""Ratings of the rarest of two categories under which no coverage is claimed."""
MOST_PAIRS = 5_000
"""Pairs of raters that are compared one by one."""
FEW_CLUSTERS, UNEVEN = 30, 0.5
"""Under so many clusters whose sizes vary by so much of their mean, intervals cover about .90."""
MANY_GRADES, FEW_GRADED = 7, 20
"""With so many grades and at most so many items, intervals cover about .90."""
SLOT = re.compile(r"(^|[_\W])(slot|position)s?[_\W]?\d+$", re.IGNORECASE)
PREFIX = re.compile(r"^(.+?)(?:_+|[/:#|-])[^_/:#|-]*$")
LOOKED_AT = 10_000
"""At most so many ids are looked at."""
FEWEST_PREFIXES = 10
"""Fewer groups are kinds of items (subsets) rather than documents."""
REASONS = {
    "no_verdict": "the rater failed or skipped",
    "no_value": "there is no value",
    "no_item": "the item has no name",
    "no_name": "the rater or criterion has no name",
    "repetition": "they are repetitions, used for self-agreement only",
}


def caution(
    code: str, message: str, *, criterion: str | None = None, raters: list[str] | None = None, n: int = 0
) -> Caution:
    """Return one caution in the shape of the JSON output."""
    return {"code": code, "criterion": criterion, "raters": raters or [], "n": n, "message": message}


def of_ratings(ratings: Ratings) -> Iterator[Caution]:
    """Yield what concerns the rows as a whole."""
    for reason, n in ratings.left_out.items():
        yield caution("left_out", f"{n:,} ratings do not count: {REASONS[reason]}", n=n)
    slots = [rater for rater in ratings.raters if SLOT.search(rater) and ratings.kinds[rater] == "human"]
    if slots:
        yield caution("slots", in_slots(slots), raters=slots, n=len(slots))
    yield from of_rater_names(ratings.raters)
    yield from _repeats(ratings)


def in_slots(raters: list[str]) -> str:
    """Return the sentence of `slots`."""
    said = "named like places in a form, not like people; alpha holds, what is said of one rater or pair does not"
    return f"{', '.join(raters)}: {said}"


def _repeats(ratings: Ratings) -> Iterator[Caution]:
    """Yield ratings that stand twice: copies, and second opinions. A table that has some is not gathered."""
    if ratings.cells is not None:
        return
    size = (int(ratings.unit.max(initial=-1)) + 1) * len(ratings.criteria) * len(ratings.raters)
    kind = smallest(size)
    cell = (ratings.unit.astype(kind) * len(ratings.criteria) + ratings.criterion) * len(ratings.raters) + ratings.rater
    if len(cell) > size / 8 and np.count_nonzero(occurring(cell, size)) == len(cell):
        return
    order = np.argsort(cell, kind="stable")
    ordered = cell[order]
    first = np.append(True, ordered[1:] != ordered[:-1])
    if first.all():
        return
    start = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
    again = ~first
    same = ratings.value[order] == ratings.value[order[start]]
    raters = ratings.rater[order]
    for code, rows, words in (
        ("duplicates", again & same, "stand twice with the same value; the first counts"),
        ("self_agreement", again & ~same, "were given again with another value; the first counts"),
    ):
        if rows.any():
            who = [ratings.raters[i] for i in np.unique(raters[rows])]
            share = 1 - (again & ~same).sum() / again.sum()
            rest = f" ({share:.0%} of {again.sum():,} repeated ratings agree)" if code == "self_agreement" else ""
            yield caution(
                code, f"{rows.sum():,} ratings of {names_of(who)} {words}{rest}", raters=who, n=int(rows.sum())
            )


def of_units(units: Units, level: Level) -> Iterator[Caution]:
    """Yield what concerns one criterion."""
    about = units.criterion
    yield from _overlap(units)
    yield from _constant(units)
    yield from _pairs(units, level)
    yield from of_spelling(units)
    yield from _narrow(units)
    if len(units.values) == 2:
        rarest = int(units.counts.sum(axis=0).min())
        if rarest < RARE:
            yield caution(
                "low_prevalence",
                f"{about}: the rarer value stands {rarest} times; intervals are then too narrow",
                criterion=about,
                n=rarest,
            )


def _narrow(units: Units) -> Iterator[Caution]:
    """Yield where intervals are measured to be too narrow, although no value is rare."""
    about, n = units.criterion, units.n_items
    if units.clusters is not None and n > 0:
        sizes = np.bincount(units.clusters[units.sizes >= 2])
        sizes = sizes[sizes > 0]
        if len(sizes) < FEW_CLUSTERS and sizes.std() > UNEVEN * sizes.mean():
            yield caution(
                "few_clusters",
                f"{about}: {len(sizes)} clusters of {sizes.min()} to {sizes.max()} items: intervals cover about .90",
                criterion=about,
                n=len(sizes),
            )
    if MANY_GRADES <= len(units.values) <= FEW_VALUES and 0 < n <= FEW_GRADED:
        yield caution(
            "few_items",
            f"{about}: {n} items on {len(units.values)} grades: intervals cover about .90",
            criterion=about,
            n=n,
        )


def of_method(units: Units, found: Mapping[str, Estimate]) -> Iterator[Caution]:
    """Yield that a table's intervals come without resampling, because it is large."""
    normal = [name for name, one in found.items() if one.method == "clt"]
    if normal:
        clusters = None if units.clusters is None else len(np.unique(units.clusters[units.sizes >= 2]))
        size = f"{units.n_items:,} items" + (f" in {clusters:,} clusters" if clusters is not None else "")
        yield caution(
            "normal_intervals",
            f"{units.criterion}: {size}: the intervals of {', '.join(normal)} are the normal ones of the jackknife, "
            "not BCa: nothing is resampled in a table of this size",
            criterion=units.criterion,
            n=clusters or units.n_items,
        )


def of_names(units: Units) -> Iterator[Caution]:
    """Yield what the ids of units without given clusters suggest."""
    if found := shared_prefixes(units):
        groups, n = found
        yield caution(
            "possible_clusters",
            f"{units.criterion}: the ids of {n:,} items share {groups:,} prefixes (a document, a prompt?); "
            "intervals take items for independent: name their cluster with --cluster or --cluster-regex",
            criterion=units.criterion,
            n=n,
        )


def shared_prefixes(units: Units) -> tuple[int, int] | None:
    """Return how many prefixes more than half of the ids share, and how many items; None where they do not."""
    if units.names is None or not len(units.names):
        return None
    names = units.names[:LOOKED_AT].unique().tolist()  # neighbours in a file, as the parts of a document are
    found = Counter(match.group(1) for name in names if (match := PREFIX.match(str(name))))
    groups = {prefix: count for prefix, count in found.items() if count > 1}
    n = sum(groups.values())
    return (len(groups), n) if len(groups) >= FEWEST_PREFIXES and n > len(names) / 2 else None


def _overlap(units: Units) -> Iterator[Caution]:
    rated, paired = int((units.sizes > 0).sum()), units.n_items
    if len(units.raters) > 1 and 0 < paired < rated / 2:
        yield caution(
            "little_overlap",
            f"{units.criterion}: only {paired:,} of {rated:,} items have two ratings; the others say nothing here",
            criterion=units.criterion,
            raters=list(units.raters),
            n=paired,
        )


def _constant(units: Units) -> Iterator[Caution]:
    for rater, count in zip(units.raters, units.counts, strict=True):
        n = int(count.sum())
        if n >= 2 and count.max() == n:
            yield caution(
                "constant_rater",
                f"{units.criterion}: {rater} gave {units.values[count.argmax()]} to all {n:,} items",
                criterion=units.criterion,
                raters=[rater],
                n=n,
            )


def _pairs(units: Units, level: Level) -> Iterator[Caution]:
    numbers, two = units.numbers, len(units.values) == 2
    pairs = list(combinations(enumerate(units.raters), 2))
    if len(pairs) > MOST_PAIRS:
        yield caution(
            "pairs_skipped",
            f"{units.criterion}: identical and reversed raters were looked for in the first {MOST_PAIRS:,} of "
            f"{len(pairs):,} pairs",
            criterion=units.criterion,
            n=len(pairs) - MOST_PAIRS,
        )
    size = len(units.values)
    ordered = two or (numbers is not None and level != "nominal")
    places = numbers if numbers is not None and not two else np.arange(size, dtype=float)
    for (i, a), (j, b) in pairs[:MOST_PAIRS]:
        n, same, varied, correlation = _together(units.codes[i], units.codes[j], places)
        if n < IDENTICAL_FROM:
            continue
        if same and varied:
            yield caution(
                "identical_raters",
                f"{units.criterion}: {a} and {b} gave the same value to all {n:,} items that they share: one copied, "
                "or one file twice?",
                criterion=units.criterion,
                raters=[a, b],
                n=n,
            )
        elif not same and ordered and varied and n >= COMPARED_FROM:
            r = correlation()
            if r <= REVERSED_BELOW:
                yield caution(
                    "reversed_rater",
                    f"{units.criterion}: {a} and {b} correlate at {r:.2f} over {n:,} items: is one scale reversed?",
                    criterion=units.criterion,
                    raters=[a, b],
                    n=n,
                )


FEW = 256
"""Of up to so many values a pair's table is counted, and not its items."""


def _together(x: Ints, y: Ints, places: Floats) -> tuple[int, bool, bool, Callable[[], float]]:
    """Return how many items two raters share, whether all are equal, whether both vary in them, and their correlation.

    Args:
        x: One rater's codes, -1 where there is none.
        y: The other's.
        places: Where each code stands on the scale.
    """
    size = len(places)
    if size > FEW:
        both = (x >= 0) & (y >= 0)
        x, y = x[both], y[both]
        varied = len(x) > 0 and bool(x.min() < x.max() and y.min() < y.max())
        return len(x), np.array_equal(x, y), varied, lambda: float(np.corrcoef(places[x], places[y])[0, 1])
    key = (x.astype(smallest((size + 1) ** 2)) + 1) * (size + 1) + y + 1
    table = counted(key, (size + 1) ** 2).reshape(size + 1, size + 1)[1:, 1:]
    n, rows, columns = int(table.sum()), table.sum(axis=1), table.sum(axis=0)

    def correlation() -> float:
        one, other = (places - side @ places / n for side in (rows, columns))
        return float(one @ table @ other / np.sqrt((rows @ one**2) * (columns @ other**2)))

    return n, int(np.trace(table)) == n, bool(rows.max() < n and columns.max() < n), correlation


def names_of(raters: list[str], most: int = 5) -> str:
    """Return raters' names, of many the first and how many more."""
    return ", ".join(raters[:most]) + (f" and {len(raters) - most} more" if len(raters) > most else "")


def of_rater_names(raters: Sequence[str]) -> Iterator[Caution]:
    """Yield raters whose names differ by case or blanks alone: one person, written in two ways?"""
    spelt: dict[str, list[str]] = {}
    for name in raters:
        spelt.setdefault("".join(name.split()).casefold(), []).append(name)
    twice = [same for same in spelt.values() if len(same) > 1]
    if twice:
        yield caution(
            "raters_but_for_case",
            f"raters differ by case or blanks alone ({'; '.join(' and '.join(same) for same in twice[:3])}): if they "
            "are one, write them alike in the file; they count as several",
            raters=[name for same in twice for name in same],
            n=len(twice),
        )


def alike(label: str) -> str:
    """Return a label without what people write in several ways: case, width, blanks in it, quotes, dashes."""
    plain = unicodedata.normalize("NFKC", label).casefold().translate(SIGNS)
    return " ".join(plain.split())


SIGNS = str.maketrans({**dict.fromkeys("‘’ʼ`´", "'"), **dict.fromkeys("“”„«»", '"'), **dict.fromkeys("‐‑‒–—−_", "-")})


def of_spelling(units: Units) -> Iterator[Caution]:
    """Yield labels that differ by case, blanks or signs alone: one answer, written in two ways?"""
    if units.numbers is not None or len(units.values) > LOOKED_AT:
        return
    spelt: dict[str, list[str]] = {}
    for value in map(str, units.values):
        spelt.setdefault(alike(value), []).append(value)
    twice = [same for same in spelt.values() if len(same) > 1]
    if twice:
        shown = "; ".join(" and ".join(same) for same in twice[:3])
        by_case = all(len({value.casefold() for value in same}) == 1 for same in twice)
        yield caution(
            "same_but_for_case",
            f"{units.criterion}: labels differ by {'case' if by_case else 'case, blanks or signs'} alone ({shown}): if "
            "they are one, "
            f"--recode {twice[0][1]}={twice[0][0]}",
            criterion=units.criterion,
            n=len(twice),
        )


def too_many(units: Units) -> Caution:
    """Return that every pair of so many raters is not listed."""
    return caution(
        "matrix_skipped",
        f"{units.criterion}: {len(units.raters):,} raters make too many pairs to list; choose some with --raters",
        criterion=units.criterion,
        n=len(units.raters),
    )
