"""Small changes to a mapping from the command line, for files that differ from a format in a column's name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from harness.errors import HarnessError, did_you_mean
from harness.rating.files.mapping import FIELDS, Columns, Mapping


def adjusted(
    mapping: Mapping,
    columns: Columns | Sequence[str] = (),
    headers: str | None = None,
    ai: Sequence[str] = (),
) -> Mapping:
    """Return a mapping with fields read from other columns, headers read by another pattern, more raters as judges.

    Args:
        mapping: The mapping.
        columns: What is said about columns (of a format that is no table: paths); or `FIELD=COLUMN` each.
        headers: A regular expression with the named groups `rater`, `criterion`, for wide files.
        ai: Patterns of the names of raters that are judges.

    Raises:
        HarnessError: A field is not known, the expression is none, or the format has no such columns.
    """
    said = columns if isinstance(columns, Columns) else columns_of(columns)
    if headers is not None:
        said = said.model_copy(update={"header": headers})
    content = mapping.model_dump(by_alias=True, exclude_unset=True) | {"name": mapping.name}
    if mapping.table is not None:
        before = mapping.table.model_dump(exclude_unset=True)
        content["table"] = before | said.model_dump(exclude_unset=True)
    else:
        _check_no_table(mapping, said)
        paths = said.named | ({"item_id": said.item[0]} if len(said.item) == 1 else {})
        for field, path in paths.items():
            content["fields"][field] = {"path": [path]}
        if len(said.item) > 1:
            content["fields"]["item_id"] = {"template": "|".join(f"{{{path}}}" for path in said.item)}
        if said.rater_name:
            content["fields"]["rater"] = {**content["fields"]["rater"], "constant": said.rater_name}
            kind = mapping.fields.get("rater_kind")
            if kind and kind.constant and not kind.path:
                content["fields"].pop("rater_kind")  # who is named is a person, unless --ai says otherwise
    content["kinds"] = {**dict.fromkeys(ai, "judge"), **mapping.kinds}
    try:
        return Mapping.model_validate(content)
    except ValidationError as error:
        where = "--map" if said.header else mapping.name
        raise HarnessError(f"{where}: {error.errors()[0]['msg']}") from error


def columns_of(entries: Sequence[str]) -> Columns:
    """Return `FIELD=COLUMN` entries as what is said about columns.

    Raises:
        HarnessError: A field is not known.
    """
    fields = {}
    for entry in entries:
        field, _, column = entry.partition("=")
        if field not in FIELDS or not column:
            raise HarnessError(f"--column {entry}: expected FIELD=COLUMN.{did_you_mean(field, FIELDS)}")
        fields[field] = column
    item = tuple(fields.pop("item_id").split(",")) if "item_id" in fields else ()
    found: dict[str, Any] = {"item": item, "fields": fields}
    return Columns.model_validate({name: said for name, said in found.items() if said})


def _check_no_table(mapping: Mapping, said: Columns) -> None:
    for option, given in (("--map", said.header),):
        if given:
            raise HarnessError(
                f"{option} reads the columns of a table; {mapping.name} says itself where its answers stand"
            )
