"""Plain sentences: what a table's numbers mean for who has to act on them.

How far the ratings can be trusted, who differs most and on what, which items are disputed, whether an AI rater may
replace a person. The words go by Krippendorff's customary bounds: from .800 reliable, from .667 for tentative
conclusions, under it not reliable (Content Analysis, 2019, chapter 12).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from harness.agreement.coefficients.alpha import alpha
from harness.agreement.grid.units import FEW_VALUES, LISTS, Level, Units
from harness.agreement.rest import beside
from harness.agreement.stand_in.stand_in import MIN_ITEMS, StandIn
from harness.agreement.table import Table
from harness.run import people_and_ai
from harness.statistics import number

RELIABLE, TENTATIVE = 0.8, 0.667
RISES, MUCH = 0.02, 0.05
"""Without a rater alpha must rise by so much that the rater is named, or should be trained again."""
MOST_RATERS, MOST_CELLS = 40, 5_000_000
"""Up to so many raters each pair is compared, and each left out once where items times raters are so few; a crowd of
more has too many pairs to read."""
FEW_ITEMS = 20_000
"""Up to so many items are looked through for sentences; the whole list is a file (`--items`)."""
SHOWN = 5
"""So many disputed items are named."""


def plain_sentences(
    table: Table, units: Units, kinds: Mapping[str, str], stand_in: Sequence[StandIn] = ()
) -> list[str]:
    """Return what a table says, in the order of its worth.

    Args:
        table: The table.
        units: Its ratings.
        kinds: Each rater's kind; who has none is a person.
        stand_in: Whether its AI raters can stand in for a human, where that was asked.
    """
    return [*_reliable(table, units, kinds), *advised(table, units, kinds, stand_in), *_disputed(units)]


def advised(table: Table, units: Units, kinds: Mapping[str, str], stand_in: Sequence[StandIn] = ()) -> list[str]:
    """Return what to do: may an AI rater replace a person, and whom to train again, on what."""
    return [*_replaces(stand_in), *_differs(table, units, kinds)]


def _reliable(table: Table, units: Units, kinds: Mapping[str, str]) -> Iterator[str]:
    found, equal = table.coefficients.get("alpha"), table.coefficients.get("percent_agreement")
    people, machines = people_and_ai(kinds, units.raters)
    who = " and ".join(units.raters) if len(units.raters) == 2 else f"{len(units.raters)} raters"
    if found is None or equal is None or not np.isfinite(equal.value):
        reason = (found.reason or "").replace("_", " ") if found else "alpha was not asked for"
        yield f"{table.criterion}: nothing can be said of how far {who} agree ({reason})"
        return
    over = f"of {units.n_items:,} items" if len(units.raters) == 2 else f"of pairs over {units.n_items:,} items"
    same = f"{who} give the same answer on {equal.value:.0%} {over}"
    if not np.isfinite(found.value):
        yield f"{table.criterion}: {same}; beyond chance nothing can be said ({(found.reason or '').replace('_', ' ')})"
        return
    low = found.low if np.isfinite(found.low) else found.value
    word = "reliable" if low >= RELIABLE else "good for tentative conclusions" if low >= TENTATIVE else "not reliable"
    if found.value >= TENTATIVE > low:
        word = f"not shown to be reliable: with {units.n_items:,} items alpha may be as low as {low:.2f}"
    spread = f" [{found.low:.2f}, {found.high:.2f}]" if np.isfinite(found.low) else ""
    yield f"{table.criterion}: {same}, alpha {found.value:.2f}{spread}: {word}"
    if machines and len(people) == 1:
        yield (
            f"{table.criterion}: with one person nobody knows how far people agree with each other; a second one on "
            f"{MIN_ITEMS} of the items tells whether {', '.join(machines)} may replace one"
        )


def _replaces(stand_in: Sequence[StandIn]) -> Iterator[str]:
    for one in stand_in:
        if one.passes is None:
            few = f"too few items that it and two people rated ({one.n_items:,})"
            yield f"{one.criterion}: whether {one.rater} may replace a person is not known: {few}"
            continue
        gap = one.ceiling.difference
        worse = np.isfinite(gap.high) and gap.high < 0
        may = "may replace one of the people" if one.passes and not worse else "may not replace a person"
        but = ", though it is further from their consensus than a person is" if one.passes and worse else ""
        yield (
            f"{one.criterion}: {one.rater} {may}{but} (it wins against {one.omega:.0%} of {one.n_humans} people at "
            f"epsilon {one.epsilon:g}; {gap.value:+.3f} from a person against the consensus)"
        )


def without_each(units: Units, level: Level) -> pd.DataFrame:
    """Return alpha without each rater: one row a rater, `criterion, rater, alpha, without, rise`; of three or more."""
    rows: list[dict[str, Any]] = []
    if 3 <= len(units.raters) <= MOST_RATERS and units.codes.size <= MOST_CELLS:
        whole = alpha(units, level, resamples=0).value
        for rater in units.raters:
            rest = alpha(units.of([one for one in units.raters if one != rater]), level, resamples=0).value
            both = {"alpha": number(whole), "without": number(rest), "rise": number(rest - whole)}
            rows.append({"criterion": units.criterion, "rater": rater, **both})
    return pd.DataFrame(rows, columns=["criterion", "rater", "alpha", "without", "rise"])


def _differs(table: Table, units: Units, kinds: Mapping[str, str]) -> Iterator[str]:
    """Yield who differs most from the others, and on what."""
    people = people_and_ai(kinds, units.raters)[0]
    of_people = units.of(people) if len(people) >= 3 else units
    rows = without_each(of_people, table.level)
    known = rows.dropna()
    if known.empty:
        return
    worst = known.sort_values("rise", kind="stable").to_dict("records")[-1]
    if worst["rise"] < RISES:
        yield f"{table.criterion}: without any one of them alpha stays about the same; nobody needs to be retrained"
        return
    rater = str(worst["rater"])
    habit = confused(of_people, rater, table.level)
    on = f", who says {habit[0]} where the others say {habit[1]} ({habit[2]} of {habit[3]} items)" if habit else ""
    what = f"retrain {rater} first" if worst["rise"] >= MUCH else f"{rater} differs most"
    yield f"{table.criterion}: {what}{on}: without {rater} alpha is {worst['without']:.2f}, not {worst['alpha']:.2f}"


def confused(units: Units, rater: str, level: Level) -> tuple[str, str, int, int] | None:
    """Return what a rater says most often where the majority of the others says something else.

    Returns:
        The rater's value, the others', how many items, and of how many on which they differ from the rater; None where
        they never do.
    """
    if len(units.values) > FEW_VALUES:
        return None
    pair = beside(units, rater, [one for one in units.raters if one != rater], "nominal")
    mine, theirs = pair.codes
    differ = (mine >= 0) & (theirs >= 0) & (mine != theirs)
    if not differ.any():
        return None
    cells = mine[differ].astype(np.int64) * len(pair.values) + theirs[differ]
    found, count = np.unique(cells, return_counts=True)
    most = int(count.argmax())
    said, meant = divmod(int(found[most]), len(pair.values))
    return written(pair.values[said]), written(pair.values[meant]), int(count[most]), int(differ.sum())


def written(value: Any) -> str:
    """Return a value as people write it."""
    return f"{value:g}" if isinstance(value, float | np.floating) else str(value)


def confusion(units: Units, first: str, second: str) -> pd.DataFrame:
    """Return how often one rater gave each value where another gave each: rows the first, columns the second."""
    pair = units.of([first, second])
    x, y = pair.codes
    both = (x >= 0) & (y >= 0)
    size = len(pair.values)
    counts = np.bincount(x[both].astype(np.int64) * size + y[both], minlength=size * size).reshape(size, size)
    names = [written(value) for value in pair.values]
    return pd.DataFrame(counts, index=pd.Index(names, name=first), columns=pd.Index(names, name=second))


def of_items(units: Units, level: Level) -> pd.DataFrame:
    """Return one row an item that two or more rated, the most disputed first.

    Columns `criterion, item_id, n, agreement` (the share of its pairs that are equal), `spread` (the distance of the
    least and the most, NaN for words), `majority` (empty where values tie), `counts`, and a column a rater.
    """
    rated = units.where(np.flatnonzero(units.sizes >= 2))
    n = rated.sizes.astype(float)
    size = len(rated.values)
    votes = np.stack([(rated.codes == code).sum(axis=0) for code in range(size)]) if size else np.zeros((0, len(n)))
    equal = (votes * (votes - 1)).sum(axis=0) / (n * (n - 1))
    top = votes.max(axis=0, initial=0)
    clear = (votes == top).sum(axis=0) == 1
    words = [written(value) for value in rated.values]
    majority = (
        [words[code] if one else "" for code, one in zip(votes.argmax(axis=0), clear, strict=True)] if size else []
    )
    frame = pd.DataFrame(
        {
            "criterion": units.criterion,
            "item_id": range(len(n)) if rated.names is None else rated.names.astype(str),
            "n": rated.sizes,
            "agreement": equal,
            "spread": _spread(rated, level),
            "majority": majority,
            "counts": ["; ".join(f"{words[code]} x {votes[code, at]}" for code in np.flatnonzero(votes[:, at]))
                       for at in range(len(n))],
        }
    )  # fmt: skip
    for rater, row in zip(rated.raters, rated.codes, strict=True):
        frame[rater] = [words[code] if code >= 0 else "" for code in row]
    return frame.sort_values(["agreement", "spread"], ascending=[True, False], kind="stable").reset_index(drop=True)


def _spread(units: Units, level: Level) -> Any:
    if units.numbers is None or level in ("nominal", *LISTS):
        return np.full(units.codes.shape[1], np.nan)
    grid = units.grid()
    return np.nanmax(grid, axis=0) - np.nanmin(grid, axis=0) if grid.size else np.zeros(0)


def _disputed(units: Units) -> Iterator[str]:
    """Yield the items on which raters differ most."""
    if units.n_items > FEW_ITEMS or len(units.values) > FEW_VALUES:
        return
    rows = of_items(units, "nominal" if units.numbers is None else "ordinal")
    rows = rows[rows["agreement"] < 1]
    if rows.empty:
        return
    told = [
        f"{row['item_id']} (" + ", ".join(f"{rater} {row[rater]}" for rater in units.raters[:4] if row[rater]) + ")"
        for _, row in rows.head(SHOWN).iterrows()
    ]
    yield f"{units.criterion}: they differ on {len(rows):,} of {units.n_items:,} items, most on {'; '.join(told)}"
