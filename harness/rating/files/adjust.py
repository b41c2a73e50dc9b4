"""Small changes to a mapping from the command line, for files that differ from a format in a column's name."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from harness.errors import HarnessError, did_you_mean
from harness.rating.files.mapping import FIELDS, Mapping

NOT_RATERS = "item_id|item|id|task|response_id|against_id|prompt|response|text"
"""Columns of a wide file that are never somebody's answers."""


def adjusted(
    mapping: Mapping, columns: Sequence[str] = (), headers: str | None = None, ai: Sequence[str] = ()
) -> Mapping:
    """Return a mapping with fields read from other columns, headers read by another pattern, more raters as judges.

    Args:
        mapping: The mapping.
        columns: `FIELD=COLUMN` each.
        headers: A regular expression with the named groups `rater`, `criterion`, for wide files.
        ai: Patterns of the names of raters that are judges.

    Raises:
        HarnessError: A field is not known, or the expression is none.
    """
    content = mapping.model_dump(by_alias=True, exclude_unset=True) | {"name": mapping.name}
    for entry in columns:
        field, _, column = entry.partition("=")
        if field not in FIELDS or not column:
            raise HarnessError(f"--column {entry}: expected FIELD=COLUMN.{did_you_mean(field, FIELDS)}")
        content["fields"][field] = {"path": [column]}
    if headers is not None:
        content["rows"] = [{"entries": ".", "as": "cell", "match": f"(?!({NOT_RATERS})$)(?:{headers})"}]
    content["kinds"] = {**dict.fromkeys(ai, "judge"), **mapping.kinds}
    try:
        return Mapping.model_validate(content)
    except ValidationError as error:
        raise HarnessError(f"--map: {error.errors()[0]['msg']}") from error
