"""Spans that people marked in texts: Label Studio's, doccano's and Prodigy's exports, document by document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.rating.files.source import read_source

Span = tuple[int, int, str]
"""Where it begins, where it ends (one after its last character), and its label."""
Record = Mapping[str, Any]
MANUAL = ("ner_manual", "spans_manual", "spancat_manual", None)
"""Views of Prodigy in which people mark spans; in others they accept one."""


@dataclass
class Marked:
    """What each rater marked in each document of one question; a document without spans was read, and has none.

    Attributes:
        criterion: The question (the control in Label Studio), `spans` where there is one.
        documents: By rater and document its spans.
        kinds: The kind of each rater.
    """

    criterion: str
    documents: dict[str, dict[str, frozenset[Span]]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)


@dataclass
class ManySpans:
    """The spans of one file or several.

    Attributes:
        marked: One a question.
        notes: What was left out, and why.
    """

    marked: list[Marked] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


Read = Iterator[tuple[str, str, str, str, list[Span]]]
"""Question, document, rater, the rater's kind, and the spans."""


def read_spans(paths: str | Path | Sequence[str | Path]) -> ManySpans:
    """Read the spans of an export; of doccano each file is a rater.

    A rater's second reading of a document is left out, and counted.

    Raises:
        HarnessError: A file has no spans of a known kind, or one of them is broken.
    """
    found: dict[str, Marked] = {}
    again = 0
    for path in [paths] if isinstance(paths, str | Path) else paths:
        source = read_source(path)
        read = False
        for entry in source.entries:
            for criterion, item, rater, kind, spans in _of_record(
                entry.record, Path(path).stem, f"{path}: {entry.row}"
            ):
                one = found.setdefault(criterion, Marked(criterion))
                documents = one.documents.setdefault(rater, {})
                again += item in documents
                documents.setdefault(item, frozenset(spans))
                one.kinds[rater] = kind
                read = True
        if not read:
            raise HarnessError(
                f"{path}: has no spans that are known: Label Studio's `labels`, doccano's `label` of [start, end, "
                "label], or Prodigy's `spans`"
            )
    notes = [f"{again:,} readings of a document by a rater who had read it before were left out"] if again else []
    return ManySpans(list(found.values()), notes)


def _of_record(record: Record, name: str, where: str) -> Read:
    if isinstance(record.get("annotations"), list):
        yield from _label_studio(record, where)
    elif "_input_hash" in record or "_task_hash" in record:
        yield from _prodigy(record, where)
    elif isinstance(kept := record.get("label", record.get("labels", record.get("entities"))), list):
        item, rater = record.get("item_id", record.get("id")), record.get("username") or name
        if item is None:
            raise HarnessError(f"{where}: has no id")
        yield "spans", str(item), str(rater), "human", [_span(one, where) for one in kept]


def _label_studio(record: Record, where: str) -> Read:
    item = next((one for one in (record.get("data", {}).get("item_id"), record.get("id")) if one is not None), None)
    if item is None:
        raise HarnessError(f"{where}: has no id")
    controls = {
        str(one.get("from_name"))
        for annotation in (*record["annotations"], *record.get("predictions", ()))
        for one in annotation.get("result") or ()
        if _labels(one)
    }
    for annotation in record["annotations"]:
        if not annotation.get("was_cancelled"):
            by = annotation.get("completed_by")
            by = by.get("email") or by.get("id") if isinstance(by, Mapping) else by
            for control in controls or {"spans"}:
                yield control, str(item), str(by), "human", _in_result(annotation, control, where)
    for prediction in record.get("predictions", ()):
        if prediction.get("model_version"):
            for control in controls:
                rater = str(prediction["model_version"])
                yield control, str(item), rater, "judge", _in_result(prediction, control, where)


def _labels(result: Record) -> list[str]:
    value = result.get("value") or {}
    return value.get("labels") or value.get("hypertextlabels") or []


def _in_result(annotation: Record, control: str, where: str) -> list[Span]:
    found = []
    for one in annotation.get("result") or ():
        if str(one.get("from_name")) == control:
            value = one.get("value") or {}
            ends = value.get("globalOffsets") or value
            found += [_span([ends.get("start"), ends.get("end"), label], where) for label in _labels(one)]
    return found


def _prodigy(record: Record, where: str) -> Read:
    if record.get("_view_id") not in MANUAL or record.get("answer", "accept") != "accept":
        return
    meta = record.get("meta") or {}
    item = next(
        (one for one in (meta.get("item_id"), meta.get("id"), record.get("_input_hash")) if one is not None), None
    )
    rater = record.get("_annotator_id") or record.get("_session_id")
    if item is None or rater is None:
        raise HarnessError(f"{where}: has no {'_input_hash' if item is None else '_annotator_id'}")
    yield "spans", str(item), str(rater), "human", [_span(one, where) for one in record.get("spans") or ()]


def _span(told: Any, where: str) -> Span:
    """Return a span from a list or a mapping."""
    if isinstance(told, Mapping):
        told = [told.get("start", told.get("start_offset")), told.get("end", told.get("end_offset")), told.get("label")]
    whole = isinstance(told, Sequence) and not isinstance(told, str) and len(told) == 3
    start, end, label = told if whole else (None, None, None)
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start < end or not isinstance(label, str):
        raise HarnessError(f"{where}: {told!r} is no span: expected where it begins, where it ends, and its label")
    return start, end, label
