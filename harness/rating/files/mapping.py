"""A mapping says how somebody's file becomes ratings: which rows it has, and where each field stands.

Every format that the product knows is such a file in `raters/human/presets/`; a format that it does not know is a
copy of one, changed. A mapping holds paths, tables and conditions, no code.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from harness.records import Family, Flag, Rating, Scale, Status

Scalar = str | int | float | bool | None


class Section(BaseModel):
    """A part of a mapping; a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


def _expression(pattern: str | None) -> str | None:
    try:
        re.compile(pattern or "")
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from error
    return pattern


class Condition(Section):
    """Something that is true of a row or not."""

    path: str = "."
    key: str | None = None
    """Some key of what stands there fits this regular expression."""
    is_: Scalar | list[Scalar] = Field(default=None, alias="is")
    """The value there is this, or one of these; texts are compared without regard to case."""
    is_not: Scalar | list[Scalar] = None
    """There is a value, and it is not this, or none of these."""
    fits: str | None = None
    """The text there begins as this regular expression says."""
    exists: bool | None = None
    """There is something other than null, false, an empty text, list or mapping; or there is not."""

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Condition:
        if len({"key", "is_", "is_not", "fits", "exists"} & self.model_fields_set) != 1:
            raise ValueError("a condition has one of `key`, `is`, `is_not`, `fits`, `exists`")
        return self


class Step(Section):
    """One step from a record of the file down to one rating; each binds a name that later paths begin with."""

    each: str | None = None
    """The path of a list: one row an element, with its position bound as `NAME_position`. An empty or missing list
    leaves one row without the element.
    """
    entries: str | None = None
    """The path of a mapping (`.` is the record): one row an entry, bound as `key` and `value`."""
    together: dict[str, str] | None = None
    """Lists that belong together, by name: one row a position, each element bound to its name."""
    name: str = Field(alias="as")
    match: str | None = None
    """For `entries`: only keys that this regular expression fits; its named groups are bound too."""
    answers_only: bool = False
    """For `entries`: leave out columns whose text says which item it is (a different one for each item): they are
    data.
    """
    where: list[Condition] = Field(default_factory=list)
    """Only rows of which all of these are true; the others are part of another row, not rows themselves."""

    @field_validator("match")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        return _expression(pattern)

    @model_validator(mode="after")
    def _goes_one_way(self) -> Step:
        if sum(way is not None for way in (self.each, self.entries, self.together)) != 1:
            raise ValueError("a step has one of `each`, `entries`, `together`")
        return self


class Place(Section):
    """Where a field stands and how it is read: the first path that leads to something wins."""

    path: list[str] = Field(default_factory=list)
    constant: Scalar = None
    template: str | None = None
    """Text with `{names}` in it."""
    compare: list[str] = Field(default_factory=list)
    """Two paths of numbers: 1 where the first is more, 0 where it is less, .5 where they are equal."""
    hash: list[str] = Field(default_factory=list)
    """Paths whose contents together make an id."""
    pattern: str | None = None
    """A regular expression: what its first group finds is meant, or the whole where it has none."""
    recode: dict[str, Scalar] = Field(default_factory=dict)
    """A table from what stands there to what is meant; for what is not in the table, the text itself."""
    zero: float | None = None
    """With `one`: the grade that means 0, so that a grade becomes a share of the way."""
    one: float | None = None
    unix: bool = False
    """Seconds since 1970, to be written as a date."""

    @model_validator(mode="before")
    @classmethod
    def _accept_short_forms(cls, data: Any) -> Any:
        """Let a place be written as one path or a list of paths."""
        if isinstance(data, str):
            return {"path": [data]}
        if isinstance(data, list):
            return {"path": data}
        if isinstance(data, dict) and isinstance(data.get("path"), str):
            return {**data, "path": [data["path"]]}
        return data

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        return _expression(pattern)

    @field_validator("recode", mode="before")
    @classmethod
    def _keys_are_text(cls, table: Any) -> Any:
        return {_text(key): value for key, value in table.items()} if isinstance(table, dict) else table


def _text(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


class History(Section):
    """How the source itself says that an answer was changed: the replaced one is left out, the new one flagged."""

    id: str
    parent: str


FIELDS = (
    "task", "item_id", "response_id", "against_id", "model", "against_model", "rater", "rater_kind", "criterion",
    "value", "label", "order", "repetition", "rationale", "confidence", "status", "error", "seconds", "created_at",
)  # fmt: skip
"""The fields that a mapping may fill: those of a rating, and the models' names where the source has no response ids."""
assert set(FIELDS) - {"model", "against_model"} <= set(Rating.model_fields)


class Join(Section):
    """A column that another data set has, where the ratings come without the texts."""

    dataset: str
    split: str
    key: str
    """The column by which the two belong together."""
    take: str
    """The column that is taken, where a record has none of that name."""


class Hub(Section):
    """Where on the hub a data set of this format lies."""

    dataset: str
    config: str | None = None
    split: str = "train"
    revision: str | None = None
    files: list[str] = Field(default_factory=list)
    """Addresses of JSON Lines, for a data set that its authors keep elsewhere; a mirror has it under `dataset`."""
    join: Join | None = None


class Texts(Section):
    """Where the texts stand that were rated, so that a file becomes a run by itself."""

    family: Family = "other"
    item: Place | None = None
    """The item's id in a run, where one question has several pairs; the rating's own where not given."""
    prompt: Place
    response: Place
    against: Place | None = None


class Columns(Section):
    """What is said about a table's columns; what is not said is found (`layout.py`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    item: tuple[str, ...] = ()
    """The columns that together are the unit."""
    rater: str | None = None
    criterion: str | None = None
    value: str | None = None
    kind: str | None = None
    fields: dict[str, str] = Field(default_factory=dict)
    """The columns of other fields of a rating."""
    header: str | None = None
    """A regular expression with the groups `rater` and `criterion` that reads a wide table's headers."""
    raters: tuple[str, ...] = ()
    """Globs of the columns of a wide table that are raters."""
    criteria: tuple[str, ...] = ()
    """Globs of the columns of a table that are criteria."""
    rater_name: str | None = None
    """Who rated, where no column says it."""
    beside: tuple[str, ...] = ()
    """Columns that are asked for as something else (clusters, strata, systems): they hold no ratings."""

    @field_validator("header")
    @classmethod
    def _reads_headers(cls, pattern: str | None) -> str | None:
        if _expression(pattern) is not None and not {"rater", "criterion"} & set(re.compile(pattern or "").groupindex):
            raise ValueError("needs the named groups rater and criterion, or one of them: (?P<rater>.+)")
        return pattern

    @property
    def named(self) -> dict[str, str]:
        """The fields for which a column is named, but for the unit's."""
        own = {"rater": self.rater, "criterion": self.criterion, "value": self.value, "rater_kind": self.kind}
        return {**self.fields, **{name: column for name, column in own.items() if column}}


class Mapping(Section):
    """The contents of a `mapping.yaml`."""

    name: str = ""
    """The file's name without its ending; never written in the file."""
    format: str = ""
    """What the format is called, where one format has several forms; the name where not given."""
    description: str = ""
    reads: list[Literal["json", "jsonl", "csv", "parquet"]] = Field(min_length=1)
    """What files it is for."""
    records: str | None = None
    """For JSON: the path of the list of records, where the file is not that list itself."""
    recognise: list[Condition] = Field(default_factory=list)
    """What is true of one of the first records of a file of this format; the mapping with the most wins."""
    rows: list[Step] = Field(default_factory=list)
    ai_rows: list[Step] = Field(default_factory=list)
    """Steps to what an AI said of the same, where the file has that too; a record without it gives no row."""
    item_hint: str | None = None
    """A regular expression of columns that may be the item, for files whose own ids differ from batch to batch."""
    note: str = ""
    """What a reader should know of every file of this format."""
    table: Columns | None = None
    """The file is a table, whose columns are told by their names and values, as far as they are not told here."""
    fields: dict[str, Place] = Field(default_factory=dict)
    part: list[str] = Field(default_factory=list)
    """Where the part of the item stands that was rated (a span, a region): it belongs to what was rated."""
    nothing_ticked: list[Condition] = Field(default_factory=list)
    """A row of which one of the conditions is true answers every question of ticks with none."""
    scale: Scale | None = None
    """Where not given: nominal for words, binary for 0 and 1, ordinal for whole numbers, else interval."""
    low: float | None = None
    high: float | None = None
    status: dict[Status, list[Condition]] = Field(default_factory=dict)
    """A row of which one of the conditions is true has this status and no value."""
    flags: dict[Flag, list[Condition]] = Field(default_factory=dict)
    reject: dict[str, list[Condition]] = Field(default_factory=dict)
    """A row of which one of the conditions is true is left out, for this reason."""
    history: History | None = None
    assignment: list[str] = Field(default_factory=list)
    """Where the id of one sitting stands: its time is divided among the ratings that it gave."""
    metadata: dict[str, Place] = Field(default_factory=dict)
    """What else is kept of a row."""
    texts: Texts | None = None
    hub: Hub | None = None
    kinds: dict[str, str] = Field(default_factory=dict)
    """Patterns of rater names (`gpt4*`) to their rater kind, for files without a column for it."""

    @model_validator(mode="after")
    def _fields_are_known(self) -> Mapping:
        from harness.errors import did_you_mean

        for name in self.fields:
            if name not in FIELDS:
                raise ValueError(f"no field {name!r}.{did_you_mean(name, FIELDS)}")
        missing = [name for name in ("item_id", "rater", "criterion") if name not in self.fields]
        if self.table is None and (missing or not {"value", "label"} & set(self.fields)):
            raise ValueError(f"needs the fields item_id, rater, criterion and value; lacks {missing or ['value']}")
        return self
