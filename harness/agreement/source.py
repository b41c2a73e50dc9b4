"""What people have in hand: a run, the path of one or of a file of ratings, or a frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, overload

import pandas as pd

from harness.errors import HarnessError
from harness.rating import Columns, Gathered, Words, ratings_of, read_any, read_gathered
from harness.run import Run, is_run

Source = pd.DataFrame | Run | str | Path | Sequence[str | Path]


@overload
def opened_source(
    source: Source,
    also: Sequence[str] = (),
    raters: str | Sequence[str] | None = None,
    by_rows: Literal[True] = True,
    level: str | Mapping[str, str] | None = None,
) -> pd.DataFrame | Run: ...
@overload
def opened_source(
    source: Source,
    also: Sequence[str],
    raters: str | Sequence[str] | None,
    by_rows: bool,
    level: str | Mapping[str, str] | None = None,
) -> pd.DataFrame | Gathered | Run: ...
def opened_source(
    source: Source,
    also: Sequence[str] = (),
    raters: str | Sequence[str] | None = None,
    by_rows: bool = True,
    level: str | Mapping[str, str] | None = None,
) -> pd.DataFrame | Gathered | Run:
    """Return a run, or a frame of ratings, given either or its path.

    Args:
        source: The run, the path of its folder, a file of ratings in any format that is known or several that are read
            as one, or a frame.
        also: Further columns of a file.
        raters: Globs of the columns that are raters, of a table that has a column a rater.
        by_rows: Whether a large file's ratings are needed one by one; else they may come by unit.
        level: The level of measurement, or that by criterion: of sets and rankings words are lists.

    Raises:
        HarnessError: It is none of these.
    """
    columns = Columns(raters=(raters,) if isinstance(raters, str) else tuple(raters or ()))
    words = Words.said(level=level)
    if isinstance(source, str | Path) and is_run(source):
        return Run(source)
    if isinstance(source, str | Path | list | tuple):
        return (read_any if by_rows else read_gathered)(source, also=also, columns=columns, words=words)
    if isinstance(source, pd.DataFrame):
        return ratings_of(source, also, columns, words)
    if isinstance(source, Run):
        return source
    raise HarnessError(
        f"expected a run, the path of a run or of a file of ratings, or a DataFrame, not a {type(source).__name__}"
    )
