"""One label for each item out of many raters': the majority, and what Dawid and Skene's model believes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from harness.agreement.advice import written
from harness.agreement.cautions import Caution, caution
from harness.agreement.grid.units import FEW_VALUES, Units
from harness.agreement.stand_in.raters import dawid_skene
from harness.statistics import Ints

COLUMNS = ("criterion", "item_id", "n", "majority", "votes", "dawid_skene", "probability", "counts")


def labels_of(units: Units, humans: Sequence[str] | None = None) -> pd.DataFrame:
    """Return one row an item that somebody rated, with the label of the majority and that of Dawid and Skene (1979).

    Where values tie there is no majority; where the model has no answer (fewer than three raters, too many values) its
    columns are empty.

    Args:
        units: The ratings.
        humans: Whose majority the model starts from; all where not given.
    """
    rated = units.where(np.flatnonzero(units.sizes > 0))
    words = [written(value) for value in rated.values]
    if len(words) > FEW_VALUES:
        return pd.DataFrame(columns=list(COLUMNS))
    votes: Ints = np.stack([(rated.codes == code).sum(axis=0) for code in range(len(words))])
    top = votes.max(axis=0)
    clear = (votes == top).sum(axis=0) == 1
    belief = _belief(rated, humans)
    known = None if belief is None else belief.argmax(axis=0)
    frame = pd.DataFrame(
        {
            "criterion": units.criterion,
            "item_id": range(len(top)) if rated.names is None else rated.names.astype(str),
            "n": rated.sizes,
            "majority": [words[code] if one else "" for code, one in zip(votes.argmax(axis=0), clear, strict=True)],
            "votes": top,
            "dawid_skene": "" if known is None else [words[code] for code in known],
            "probability": np.nan if belief is None else belief.max(axis=0),
        }
    )
    frame["counts"] = [
        "; ".join(f"{words[code]} x {votes[code, at]}" for code in np.flatnonzero(votes[:, at]))
        for at in range(len(top))
    ]
    return frame


def _belief(units: Units, humans: Sequence[str] | None) -> np.ndarray | None:
    """Return P(value | what raters said) of each unit, shape (values, units)."""
    found = dawid_skene(units, humans)
    if isinstance(found, str):
        return None
    log = np.repeat(np.log(found.prevalence)[:, None], units.codes.shape[1], axis=1)
    for row, table in zip(units.codes, found.confusion, strict=True):
        given = row >= 0
        log[:, given] += np.log(table)[:, row[given]]
    belief = np.exp(log - log.max(axis=0))
    return np.asarray(belief / belief.sum(axis=0))


def without_outvoted(units: Units) -> tuple[Units, Caution | None]:
    """Leave out the one of three ratings of an item against which the other two agree, and say that this inflates.

    An item whose three ratings differ, or that has more or fewer, keeps all.
    """
    three = np.flatnonzero(units.sizes == 3)
    codes = units.codes.copy()
    part = codes[:, three]
    votes = np.stack([(part == code).sum(axis=0) for code in range(len(units.values))])
    lone = np.full(part.shape, fill_value=False)
    for code in range(len(units.values)):
        lone |= (part == code) & (votes[code] == 1) & (votes.max(axis=0) == 2)
    n = int(lone.sum())
    if not n:
        return units, None
    codes[:, three] = np.where(lone, -1, part)
    note = caution(
        "outvoted_dropped",
        f"{units.criterion}: {n:,} ratings were left out because the other two of three agreed: alpha is inflated, for "
        "disagreement was removed",
        criterion=units.criterion,
        n=n,
    )
    return replace(units, codes=codes), note
