"""One file a rater: sheets of the same items that do not say who rated, but are called as their raters are."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from harness.errors import HarnessError
from harness.rating.files.headers import criterion_in, plain_name
from harness.rating.files.layout import NAMES, layout_of
from harness.rating.files.mapping import Columns
from harness.rating.files.source import Source
from harness.rating.files.table import Table
from harness.statistics import Ints

NO_NAME = re.compile(
    r"(?i)(sheet|tabelle|feuil|hoja|batch|data|part|page|results?|ratings?|scores?|labels?|annotations?|annotated|export|"
    r"output|file|set|split|shard|chunk|train|test|val|validation|dev|day|week|month|round|wave|pass|run|session|v|"
    r"version|final|old|new|copy|all)?[\W_\d]*"
)
"""Names of files that are nobody's."""


def names_of(paths: Sequence[str]) -> list[str]:
    """Return who rated in each file by its name, or its folder's where all files have one; none where one is no name.

    What all names begin and end with is left out, as far as it is a word: `ratings_ann.csv` is ann's.
    """
    whole = [_stem(Path(path)) for path in paths]
    if len(set(whole)) == 1:
        whole = [Path(path).absolute().parent.name for path in paths]
    begin = re.sub(r"[^\W_]*$", "", _common(whole))
    end = re.sub(r"^[^\W_]*", "", _common([name[::-1] for name in whole])[::-1])
    short = [name[len(begin) : len(name) - len(end)] for name in whole]
    names = whole if any(NO_NAME.fullmatch(name) for name in short) else short
    unfit = len({*names}) < len(names) or any(NO_NAME.fullmatch(name) or criterion_in(name) for name in names)
    return [] if unfit else names


def place_of(source: Source, row: int) -> int:
    """Return in which of several files a row stands."""
    return next((place for place, (_, before) in reversed([*enumerate(source.files)]) if before < row), 0)


def name_of(source: Source, row: int) -> str:
    """Return the name of the file in which a row stands, without its ending."""
    return _stem(Path(source.files[place_of(source, row)][0]) if source.files else source.path)


def told(names: Sequence[str]) -> str:
    """Return what is said where files are read as raters'."""
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"each file is read as one rater's, and its name is taken for the rater's ({shown}); {OTHERWISE}"


OTHERWISE = "--rater COLUMN says who rated, --rater-name that all are one's"


def with_raters_of_files(table: Table, source: Source, said: Columns, where: str) -> tuple[Table, list[str]]:
    """Return a table of several files with a column of raters, the files' names, and what is said of it.

    So it is only where nothing else says who rated, a file by itself has one rater, and the files share most items:
    parts of one table share none.
    """
    names = names_of([path for path, _ in source.files])
    known = {plain_name(name) for name in table.names} & {*NAMES["rater"], *NAMES["rater_kind"]}
    if len(names) < 2 or known or said.rater or said.rater_name or said.raters or said.header:
        return table, []
    try:
        if len({cell.rater for cell in layout_of(table, said, where).cells}) > 1:
            return table, []
    except HarnessError:  # by itself it says neither who rated nor whose columns are whose
        pass
    rows = np.asarray(table.index if table.rows is None else table.rows)
    whose: Ints = np.searchsorted([before for _, before in source.files], rows, side="left") - 1
    raters = pa.chunked_array([pa.DictionaryArray.from_arrays(pa.array(whose.astype(np.int32)), pa.array(names))])
    found = Table(
        [*table.names, "rater"],
        lambda name: raters if name == "rater" else table.load(name),
        table.index,
        table.orders,
        table.rows,
    )
    layout = layout_of(found, said, where)
    criterion = [layout.fields["criterion"]] if "criterion" in layout.fields else []
    unit = [*layout.unit, *layout.answer, *criterion]
    rated = pd.DataFrame({str(place): found.words(name) for place, name in enumerate(unit)}).assign(whose=whose)
    files = rated.groupby([str(place) for place in range(len(unit))], observed=True)["whose"].nunique()
    if 2 * int((files > 1).sum()) < min(rated.groupby("whose").size()):
        return table, []
    return found, [told(names)]


def _common(words: Sequence[str]) -> str:
    return os.path.commonprefix(words)  # noqa: RUF071  letters, no parts of a path


def _stem(path: Path) -> str:
    return re.sub(
        r"(?i)\.(csv|tsv|txt|jsonl?|ndjson|parquet|pq|xlsx|xlsm|gz|bz2|xz|zst)$", "", path.name.removesuffix(".gz")
    )
