"""Wide tables of scores: a row an item, a column a round."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from harness.answering import number_of
from harness.errors import HarnessError
from harness.rounds.scores.labels import label_rounds

KEPT = ("item", "series", "benchmark", "seed", "cluster")
"""Columns that say whose scores a row has, and stand beside the rounds."""


def melted(table: pd.DataFrame, columns: Mapping[str, str], path: Path) -> pd.DataFrame:
    """Return a table with a row a score, where it has a column a round (`round_0`, `step-1000`, `1`); else as it is.

    Raises:
        HarnessError: It is such a table, and some of it cannot be told: which columns are rounds, or their order.
    """
    ours = {name: columns.get(name, name) for name in (*KEPT, "round", "score")}
    if ours["round"] in table or ours["score"] in table:
        return table
    rounds = [name for name in table if number_of(str(name)) is not None and name not in ours.values()]
    if len(rounds) < 2:
        return table
    understood = f"{path}: read as a wide table, with the rounds {', '.join(map(str, rounds))} as columns of scores"
    if ours["item"] not in table:
        raise HarnessError(f"{understood}: but there is no column {ours['item']!r} (--item) of whose scores they are")
    kept = [ours[name] for name in KEPT if ours[name] in table]
    rest = [name for name in table if name not in rounds and name not in kept]
    unclear = [str(name) for name in rest if pd.api.types.is_numeric_dtype(table[name])]
    if unclear:
        raise HarnessError(
            f"{understood}: but {', '.join(map(repr, unclear))} has numbers too, and may be a round; name it as the "
            "others are, or leave it out, or write a row a score with the columns item, round and score"
        )
    try:
        label_rounds(pd.Series(rounds, dtype=object))
    except HarnessError as error:
        raise HarnessError(f"{understood}: but they have no one order; name each as the others are") from error
    return table.melt(id_vars=[*kept, *rest], value_vars=rounds, var_name=ours["round"], value_name=ours["score"])
