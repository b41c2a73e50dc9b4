"""The three records that flow through every room: Item, Response, Rating.

The field names are the column names everywhere: in the Parquet parts of a run, in DataFrames, in JSON and on the
page. Ids are hashes of what decides a record, so that writing one twice is harmless.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

import pandas as pd
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, field_validator

Family = Literal["summarization", "coding", "commonsense", "mathematics", "dialogue", "other"]
RaterKind = Literal["human", "judge", "verifier", "metric", "reward_model"]
Scale = Literal["binary", "nominal", "ordinal", "interval", "preference", "set", "ranking"]
Status = Literal["ok", "skipped", "unparsed", "refused", "timeout", "error"]
Order = Literal["response_first", "against_first"]
Flag = Literal[
    "aggregate",  # a mean over people, never part of a human ceiling
    "edited",  # replaced an earlier answer of the same rater, by the source's own history
    "prelabelled",  # the rater saw a suggestion first
    "simulated",  # not a real rater
    "same_process",  # candidate and tests shared an interpreter: the verdict could be forged
    "visible_only",  # passed the visible tests and failed the hidden ones
    "unsafe_local",  # model-written code ran without a sandbox
    "selection_item",  # used to select training data, so never evaluation
]


def digest(*parts: Any) -> str:
    """Return 16 hex digits that depend on every part: the id of whatever the parts decide."""
    text = json.dumps(parts, ensure_ascii=True, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def target_text(target: str | None, choices: Sequence[str] | None) -> str | None:
    """Return the answer that a key accepts as text: where `choices` are given, the right one rather than its index."""
    if target is not None and choices and target.isdigit() and int(target) < len(choices):
        return choices[int(target)]
    return target


Number = Annotated[float, Field(allow_inf_nan=False)]
"""No figure is made of infinity, and what is not a number is missing."""


class Record(BaseModel):
    """What the three records share: immutable, and no unknown field passes."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Item(Record):
    """One question of a task."""

    task: str
    item_id: str
    family: Family
    prompt: str
    choices: list[str] | None = None
    target: str | None = None
    """The answer that an answer key accepts: the text, or for `choices` the index of the right one."""
    targets: list[str] = Field(default_factory=list)
    """All answers that are right, `target` the first of them; empty where there is that one alone."""
    references: list[str] = Field(default_factory=list)
    context: str | None = None
    cluster: str | None = None
    """What items share (a document, a prompt family): intervals resample clusters, not items."""
    content_hash: str = ""
    metadata: str = "{}"
    """A JSON object as text: what only this task's raters need, unit tests for example."""

    @field_validator("targets", mode="before")
    @classmethod
    def _none_in_older_files(cls, targets: Any) -> Any:
        return [] if targets is None else targets

    @property
    def messages(self) -> list[dict[str, str]]:
        """The prompt as messages, with `role` and `content` each: one of the user where it is a text."""
        alone = [{"role": "user", "content": self.prompt}]
        if '"messages"' not in self.metadata:  # it may be long, and is not read for nothing
            return alone
        found: list[dict[str, str]] = json.loads(self.metadata).get("messages") or []
        return found or alone

    @property
    def right(self) -> list[str]:
        """All right answers, as `target` has one: texts, or indices of `choices`."""
        return self.targets or ([] if self.target is None else [self.target])


class Response(Record):
    """One answer of a model to an item."""

    response_id: str
    task: str
    item_id: str
    model: str
    series: str | None = None
    """A model lineage trained with one kind of feedback."""
    seed: int | None = None
    """The seed of the training run that a series' model came from; for other models the sampling seed."""
    round: int | None = None
    """Counts from 0, before any feedback."""
    sample: int = 0
    text: str | None = None
    reasoning: str | None = None
    """What the model thought before it answered; no rater reads it."""
    logprobs: list[float] | None = None
    """Per choice for a multiple-choice item, otherwise per token of the answer."""
    greedy: list[bool] | None = None
    """Per choice: whether the model, left to itself, would have written just that."""
    kl: float | None = None
    """How far the model is from its base: the divergence of the next token's distribution from the base's, summed over
    the tokens, in nats."""
    finish_reason: str | None = None
    status: Status = "ok"
    error: str | None = None
    prompt_hash: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: Number | None = None
    seconds: Number | None = None


class Rating(Record):
    """One rater's view of one response on one criterion, or the status that says why there is none."""

    rating_id: str
    task: str
    item_id: str
    response_id: str | None = None
    against_id: str | None = None
    """The other side of a comparison; `value` is from the side of `response_id`."""
    rater: str
    rater_kind: RaterKind
    criterion: str
    value: Number | None = None
    label: str | None = None
    scale: Scale
    order: Order | None = None
    repetition: int = 0
    rationale: str | None = None
    confidence: Number | None = None
    status: Status = "ok"
    error: str | None = None
    flags: list[Flag] = Field(default_factory=list)
    raw: str | None = None
    cost_usd: Number | None = None
    seconds: Number | None = None
    rater_version: str = ""
    created_at: str | None = None
    source: str | None = None
    metadata: str = "{}"


COLUMN_TYPES: dict[type[Record], dict[str, pa.DataType]] = {
    Item: {"choices": pa.list_(pa.string()), "targets": pa.list_(pa.string()), "references": pa.list_(pa.string())},
    Response: {
        "seed": pa.int64(),
        "round": pa.int64(),
        "sample": pa.int64(),
        "logprobs": pa.list_(pa.float64()),
        "greedy": pa.list_(pa.bool_()),
        "kl": pa.float64(),
        "prompt_tokens": pa.int64(),
        "completion_tokens": pa.int64(),
        "cost_usd": pa.float64(),
        "seconds": pa.float64(),
    },
    Rating: {
        "value": pa.float64(),
        "repetition": pa.int64(),
        "confidence": pa.float64(),
        "flags": pa.list_(pa.string()),
        "cost_usd": pa.float64(),
        "seconds": pa.float64(),
    },
}


def schema(record: type[Record]) -> pa.Schema:
    """Return the Arrow schema of a record: one column a field, text unless said otherwise."""
    types = COLUMN_TYPES[record]
    return pa.schema([(name, types.get(name, pa.string())) for name in record.model_fields])


def table(records: Iterable[Record], record: type[Record]) -> pa.Table:
    """Return records of one type as an Arrow table with `schema(record)`."""
    rows = list(records)
    columns = {name: [getattr(entry, name) for entry in rows] for name in record.model_fields}
    return pa.Table.from_pydict(columns, schema=schema(record))


def frame(records: Iterable[Record], record: type[Record]) -> pd.DataFrame:
    """Return records of one type as a DataFrame whose columns are the record's fields, in order."""
    return to_frame(table(records, record))


def to_frame(data: pa.Table) -> pd.DataFrame:
    """Return an Arrow table of records as a DataFrame; whole numbers that may be missing become `Int64`."""
    rows: pd.DataFrame = data.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    return rows
