"""The Parquet parts of a run: how records become one, and how all parts of a kind become one table.

Pages carry checksums of their own, so that a part that was copied away can still be told from a damaged one. Of two
rows with the same id the later written counts, wherever it stands; of a model's or a rater's, one that came counts
before a failure.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from harness.errors import HarnessError
from harness.records import Item, Rating, Record, Response, schema, table, to_frame
from harness.run.checksums import Checksums, FileState, State, told

FOLDERS: dict[type[Record], tuple[str, list[str]]] = {
    Item: ("items", ["task", "item_id"]),
    Response: ("responses", ["response_id"]),
    Rating: ("ratings", ["rating_id"]),
}
"""Where the records of a kind lie, and what tells them apart."""


def part_of(records: Sequence[Record], kind: type[Record]) -> bytes:
    """Return records as a part."""
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table(records, kind), sink, compression="zstd", write_page_checksum=True)
    return bytes(sink.getvalue().to_pybytes())


def read_part(path: Path, kind: type[Record], checksums: Checksums, content: bytes | None = None) -> pa.Table:
    """Return a part's rows.

    Args:
        path: The part.
        kind: Of its records.
        checksums: Of its run.
        content: What is in it, where that was read and checked already.

    Raises:
        HarnessError: It is not what was written, or no part of this kind.
    """
    import pyarrow.parquet as pq

    content = checksums.read(path) if content is None else content
    try:
        source = pa.BufferReader(content)
        names = pq.read_schema(source).names
        source.seek(0)
        rows = pq.read_table(source, schema=schema(kind), page_checksum_verification=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        state: State = "damaged" if content else "empty"
        found = FileState(str(path.relative_to(checksums.folder)), state, str(error).splitlines()[0][:200])
        raise HarnessError(f"{path}: {told(found, checksums.folder)}") from error
    unknown = [name for name in names if name not in kind.model_fields]
    lacking = [name for name, field in kind.model_fields.items() if field.is_required() and name not in names]
    if unknown or lacking:
        what = f"has the column {unknown[0]!r}, which no {kind.__name__} has" if unknown else f"lacks {lacking[0]!r}"
        raise HarnessError(f"{path}: {what}; it is damaged, foreign, or written by a newer version of the harness")
    return rows


def read_parts(checksums: Checksums, kind: type[Record]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of a kind that count, in the order of the parts' names, and those that others replaced.

    Raises:
        HarnessError: A part is damaged, missing or foreign.
    """
    folder, key = FOLDERS[kind]
    tables, written = [schema(kind).empty_table()], [np.zeros(0, np.int64)]
    for name, (content, at) in checksums.read_all(folder, ".parquet").items():
        tables.append(read_part(checksums.folder / folder / name, kind, checksums, content))
        written.append(np.full(len(tables[-1]), at, np.int64))
    found = to_frame(pa.concat_tables(tables))
    came = _came(found)
    order = pd.DataFrame({"came": came, "written": np.concatenate(written)}, index=found.index)
    if "source" in found:
        order["came"] |= found["source"].notna()  # what a person takes back is not there any more
    order = order.sort_values(["came", "written"], kind="stable")
    last = ~found.loc[order.index].duplicated(key, keep="last")
    counts = found.index.isin(order.index[last])
    rows = found[counts].iloc[np.argsort(came[counts].to_numpy(), kind="stable")]
    return rows.reset_index(drop=True), found[~counts].reset_index(drop=True)


def _came(rows: pd.DataFrame) -> pd.Series[bool]:
    if "status" in rows:
        return rows["status"] == "ok"
    return pd.Series(True, index=rows.index)
