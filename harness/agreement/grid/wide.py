"""Wide frames of ratings: one row an item, one column a rater."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.agreement.grid.columns import matching, plain_words
from harness.agreement.grid.units import Level, Units, encode
from harness.errors import HarnessError


def is_wide(frame: pd.DataFrame) -> bool:
    """Tell whether a frame has a column a rater instead of a row a rating."""
    return not {"rater", "value", "label", "criterion"} & set(map(str, frame.columns))


def wide_units(
    frame: pd.DataFrame,
    level: Level | None = None,
    *,
    raters: str | Sequence[str] | None = None,
    cluster: str | None = None,
    strata: str | None = None,
) -> Units:
    """Return a wide frame as units.

    Args:
        frame: `item_id` is its index or a column; every other column is a rater.
        level: Numbers are asked for unless it is nominal (or None).
        raters: Globs of the raters to keep.
        cluster: The column that names each item's cluster.
        strata: The column that names each item's stratum.

    Raises:
        HarnessError: A column is missing, stands twice or does not fit the level or the other columns.
    """
    names = frame.columns.map(str)
    if names.has_duplicates:
        raise HarnessError(f"column {names[names.duplicated()][0]!r} stands twice: name each rater once")
    for given in filter(None, (cluster, strata)):
        if given not in names:
            raise HarnessError(f"the ratings have no column {given!r}")
    _refuse_long(frame, [given for given in (cluster, strata) if given])
    ratings = frame.drop(columns=[name for name in ("item_id", cluster, strata) if name in frame])
    if raters:
        ratings = ratings.loc[:, matching(raters, list(map(str, ratings.columns)), "rater")[:-1]]
    if ratings.empty:
        raise HarnessError("the ratings are empty: expected a row for each item and a column for each rater")
    columns = {str(name): _plain(ratings[name]) for name in ratings}
    _check(columns, level)
    codes, values = encode(list(columns.values()))
    return Units(
        "rating",
        list(columns),
        np.stack(codes),
        values,
        pd.Index(frame["item_id"]) if "item_id" in frame else frame.index,
        _groups(frame, cluster),
        _groups(frame, strata),
    )


def grid_units(grid: NDArray[np.float64]) -> Units:
    """Return numbers, items x raters, as units: what `wide_units` makes of them, without a frame."""
    codes, values = encode(list(grid.T))
    return Units("rating", list(map(str, range(grid.shape[1]))), np.stack(codes), values)


def _refuse_long(frame: pd.DataFrame, given: Sequence[str]) -> None:
    """Refuse a frame with several rows an item: no column a rater, but a row a rating with columns of other names."""
    items = pd.Index(frame["item_id"]) if "item_id" in frame else frame.index
    twice = items[items.duplicated()]
    if len(twice):
        raters = [str(name) for name in frame if name not in ("item_id", *given)]
        where = "item_id" if "item_id" in frame else "the index"
        raise HarnessError(
            f"{where}: {str(twice[0])!r} stands in several rows, and a wide table has one row an item; its columns "
            f"{', '.join(raters)} were taken for raters. If a row is one rating, name the columns `item_id`, `rater` "
            "and `value` (`criterion`, `rater_kind` where there are any)"
        )


def _plain(column: pd.Series[Any]) -> NDArray[Any]:
    """Return a column as numbers, or as words with None where there is none."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype if column.notna().all() else object)
    if column.isna().all():
        return np.full(len(column), np.nan)
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy() if isinstance(column.dtype, np.dtype) else column.to_numpy(float, na_value=np.nan)
    inferred = pd.api.types.infer_dtype(column, skipna=True)
    return column.to_numpy(float) if inferred in ("integer", "floating", "mixed-integer-float") else plain_words(column)


def _check(columns: dict[str, NDArray[Any]], level: Level | None) -> None:
    words = [name for name, column in columns.items() if column.dtype == object]
    if words and (level not in (None, "nominal") or len(words) < len(columns)):
        others = "the level" if len(words) == len(columns) else "other raters"
        raise HarnessError(
            f"column {words[0]!r} has words where {others} gave or need numbers: drop it if it is no rater"
        )
    for name, column in columns.items():
        if column.dtype.kind == "f" and np.isinf(column).any():
            raise HarnessError(f"column {name!r}: a value is infinite; leave it empty instead")
        if level == "ratio" and column.dtype.kind in "fi" and (column < 0).any():
            raise HarnessError(f"column {name!r} has negative values: the ratio level needs amounts from 0")


def _groups(frame: pd.DataFrame, name: str | None) -> NDArray[np.int64] | None:
    if name is None:
        return None
    codes = pd.factorize(frame[name])[0]
    if (codes < 0).any():
        raise HarnessError(f"column {name!r}: row {int(np.argmax(codes < 0)) + 1} has no value")
    return codes
