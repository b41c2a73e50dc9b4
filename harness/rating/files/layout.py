"""What each column of a table is: the unit, the rater, the criterion, the value, or nothing that is compared.

A long table has one rating a row (or one a row and criterion), a wide one an item a row and a column for each rater, or
for each rater and criterion. What the user names is honoured or refused; what is not named is found, and said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import get_args

from harness.errors import HarnessError, did_you_mean
from harness.rating.files.across import items_across, respondent
from harness.rating.files.alike import not_compared, several_alike
from harness.rating.files.comparisons import VERDICTS, Sides, sides_in, sides_of
from harness.rating.files.headers import plain_name
from harness.rating.files.mapping import Columns
from harness.rating.files.nested import unnested
from harness.rating.files.options import with_options_joined
from harness.rating.files.table import Table
from harness.rating.files.unit import ANSWERS, answer_columns, may_be_rater, of_raters
from harness.rating.files.void import with_void_skipped
from harness.rating.files.wide import Cell, by_header, cells_among
from harness.records import Order, Status

NAMES: dict[str, tuple[str, ...]] = {
    "item_id": ("item_id", "item", "id", "prompt_id", "question_id", "example_id", "sample_id", "instance_id",
                "text_id", "doc_id", "document_id", "input_id", "task_id", "uid", "uuid", "index", "response_id",
                "question", "query_id", "qid", "conversation_id", "conv_id", "dialogue_id", "dialog_id", "chat_id",
                "thread_id", "pair_id", "comparison_id", "case_id", "case", "record_id", "unit_id", "post_id",
                "tweet_id", "comment_id", "message_id", "utterance_id", "sentence_id", "sent_id", "segment_id",
                "seg_id", "image_id", "video_id", "paper_id", "essay_id", "trace_id", "run_id", "key", "example",
                "sample", "instance", "document", "doc", "segment", "dialogue", "conversation", "image", "filename",
                "file_name", "file"),
    "rater": ("rater", "rater_id", "annotator", "annotator_id", "worker", "worker_id", "coder", "judge", "judge_id",
              "labeler", "labeller", "evaluator", "reviewer", "user", "user_id", "username", "participant",
              "participant_id", "respondent", "respondent_id", "prolific_pid", "prolific_id", "assessor", "assessor_id",
              "grader", "grader_id", "evaluator_id", "reviewer_id", "labeler_id", "coder_id", "turker", "turker_id",
              "scorer", "email_address", "e_mail_address", "email", "annotator_name", "rater_name", "judge_name",
              "judge_model", "evaluator_name", "completed_by", "reviewer_name", "rated_by", "annotated_by",
              "labeled_by", "labelled_by", "coded_by", "judged_by", "scored_by", "graded_by", "reviewed_by", "expert",
              "expert_id", "crowdworker", "crowd_worker"),
    "rater_kind": ("rater_kind", "rater_type", "annotator_kind", "annotator_type", "source_type", "kind"),
    "criterion": ("criterion", "criteria", "dimension", "aspect", "attribute", "metric", "facet", "rubric", "trait",
                  "subscale", "question"),
    "value": ("value", "score", "rating", "grade", "label", "judgment", "judgement", "verdict", "vote", "annotation",
              "class_label"),
    "task": ("task",), "response_id": ("response_id",), "against_id": ("against_id",), "label": ("label",),
    "order": ("order",),
    "repetition": ("repetition",),
    "rationale": ("rationale", "comment", "explanation"),
    "confidence": ("confidence",),
    "status": ("status",),
    "error": ("error",),
    "seconds": ("seconds", "time_seconds"),
    "created_at": ("created_at", "timestamp"),
}  # fmt: skip
"""What the fields of a rating are called in other people's tables, the likelier first; in any case and spelling."""
RATED = ("prompt", "instruction", "question_text", "input", "text", "sentence", "source", "source_text", "context")
"""Columns whose texts are the item, where a long table has no other name for it."""


@dataclass
class Layout:
    """What each column is.

    Attributes:
        unit: The columns that together are the item.
        answer: The columns that say which of an item's answers was rated.
        fields: The column of each other field.
        cells: The columns of ratings.
        aside: Columns that are not compared, and why.
        sides: The columns of the two sides, of comparisons.
        notes: What was found rather than named.
    """

    unit: tuple[str, ...]
    fields: dict[str, str]
    cells: list[Cell]
    answer: tuple[str, ...] = ()
    aside: dict[str, str] = field(default_factory=dict)
    sides: Sides | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def wide(self) -> bool:
        """Whether raters are columns."""
        return "rater" not in self.fields and any(cell.rater for cell in self.cells)


MACHINES = {"model", "system", "llm", "engine", "candidate"}
"""What columns of answers' names are called, and as well those of an AI rater's grades."""


def layout_of(table: Table, said: Columns, where: str) -> Layout:
    """Return what each column of a table is.

    Args:
        table: The table.
        said: What the user says about its columns.
        where: The file, for complaints.

    Raises:
        HarnessError: A column that was named is not there, or it cannot be said what was rated, by whom, or how.
    """
    for column in (*said.item, *said.named.values()):
        _present(column, table.names, where)
    fields = _fields(table.names, said)
    for name, words in WORDS.items():
        if name in fields and name not in said.named and not _holds_only(table, fields[name], words):
            del fields[name]
    kinds = [] if said.kind else [cell for cell in table.head.get(fields.get("rater_kind", ""), []) if cell is not None]
    if kinds and not any(re.search(r"[^\W\d_]", str(cell)) for cell in kinds):
        del fields["rater_kind"]  # numbers are no kinds
    if "rater" in fields and not said.rater and "value" not in fields and _is_graded(table, fields["rater"]):
        fields.pop("rater")  # a column `judge` beside `human` holds the judge's grades, not names of judges
    given = said.rater or said.value or said.rater_name
    if not given and not said.item and not said.header and (across := _across(table, fields)):
        return across
    if said.header or (not given and "rater" not in fields and not _misspelt(table.names, fields)):
        return _wide(table, said, fields, where)
    return _long(table, said, fields, where)


def with_records_opened(table: Table, said: Columns) -> tuple[Table, list[str]]:
    """Return a table whose records in cells are columns and rows of their own, and what was opened."""
    kept = [*said.item, *said.named.values(), *said.raters, *said.criteria]
    table, joined = with_options_joined(table)
    table, opened = unnested(table, NAMES["rater"], (*NAMES["value"], *VERDICTS), kept)
    table, skipped = with_void_skipped(table, kept)
    return table, [*joined, *opened, *skipped]


WORDS = {"status": get_args(Status), "order": get_args(Order)}
"""Fields that a column is only if it holds their words: others call something else so."""


def _holds_only(table: Table, column: str, words: Sequence[str]) -> bool:
    return {str(word) for word in table.words(column).dropna().unique()} <= set(words)


def _across(table: Table, fields: dict[str, str]) -> Layout | None:
    """Return the layout of a table with a row a rater and a numbered column an item; None where it is none."""
    who = None if "value" in fields else respondent(table, fields.get("rater"))  # which reads a column
    if who is None or fields.get("item_id") not in (None, who):
        return None
    cells = items_across([name for name in table.names if name != who])
    if not cells:
        return None
    layout = Layout((), {"rater": who}, cells)
    shown = ", ".join(cell.column for cell in cells[:2])
    layout.notes.append(f"a row a rater ({who}), a column an item ({shown}, ...)")
    if criteria := list(dict.fromkeys(cell.criterion for cell in cells if cell.criterion)):
        items = len({cell.item for cell in cells})
        layout.notes.append(
            f"{items} items by their numbers, each on {', '.join(criteria[:5])}: {len(criteria)} criteria"
        )
    layout.aside = {name: "" for name in table.names if name not in {who, *(cell.column for cell in cells)}}
    return layout


def _is_graded(table: Table, name: str) -> bool:
    """Return whether a column that is called like raters holds grades, as others of the table do."""
    rest = [one for one in table.names if one != name and one not in not_compared(table, table.names)]
    told = plain_name(name).endswith(("_id", "_name", "email", "_pid"))  # ids are no grades, whatever they count to
    return not told and any(several_alike(table, [name, one]) for one in rest)


def _are_graded(table: Table, sides: Sides) -> bool:
    """Return whether columns that are called like sides hold two raters' grades: nothing is compared with itself."""
    first, second = (table.words(name).astype(object).to_numpy(object) for name in (sides.first, sides.second))
    return bool((first == second).any()) and any(_is_graded(table, name) for name in (sides.first, sides.second))


def _present(column: str, names: Sequence[str], where: str) -> None:
    if column not in names:
        raise HarnessError(
            f"{where}: has no column {column!r}.{did_you_mean(column, names)} Columns: {', '.join(names)}"
        )


def _fields(names: Sequence[str], said: Columns) -> dict[str, str]:
    """Return the column of each field: the one that was named, else the first that is called so."""
    plain: dict[str, str] = {}
    for name in names:
        plain.setdefault(plain_name(name), name)
    taken = {*said.item, *said.named.values(), *(_matching(names, said.raters) if not said.rater else ())}
    found = dict(said.named)
    for field_name, called in NAMES.items():
        if field_name in found or (field_name == "item_id" and said.item):
            continue
        known = [plain[one] for one in called if one in plain and plain[one] not in taken]
        known.sort(key=lambda one: one in said.beside)  # the cluster's column names the item where nothing else does
        column = next(iter(known), None)
        if column:
            found[field_name] = column
            taken |= {column} if field_name != "item_id" or plain_name(column) != "response_id" else set()
    return found


def _matching(names: Iterable[str], globs: Sequence[str]) -> list[str]:
    return [name for name in names if any(fnmatchcase(name, glob) for glob in globs)]


def _misspelt(names: Sequence[str], fields: Mapping[str, str]) -> bool:
    """Return whether a table without a rater's column is a long one all the same: it has a value and a criterion."""
    return "value" in fields and "criterion" in fields


def rows_are_items(table: Table) -> bool:
    """Return whether a table without a column that says what was rated has raters as columns: each row is an item."""
    aside = not_compared(table, table.names)
    return several_alike(table, [name for name in table.names if name not in aside])


def _unit(table: Table, said: Columns, fields: dict[str, str], where: str) -> tuple[str, ...]:
    """Return the columns that together say what was rated.

    Raises:
        HarnessError: None does.
    """
    if said.item:
        fields.pop("item_id", None)
        return said.item
    column = fields.pop("item_id", None)
    if (column is None or column in said.beside) and "rater" not in fields and rows_are_items(table):
        return ()
    if column is None and "rater" in fields:
        column = next((name for one in RATED for name in table.names if plain_name(name) == one), None)
    if column is None:
        raise HarnessError(
            f"{where}: has no column 'item_id'.{did_you_mean('item_id', table.names)} Columns: "
            f"{', '.join(table.names)}; name the one that says what was rated with --item"
        )
    return (column,)


def _long(table: Table, said: Columns, fields: dict[str, str], where: str) -> Layout:
    unit = _unit(table, said, fields, where)
    free = _free(table, unit, said)
    told = [name for name in free if name not in {fields.get(one) for one in ("rater", "rater_kind", "criterion")}]
    sides = None if {"response_id", "against_id"} <= set(fields) else sides_of(free) or sides_in(table, told)
    if "rater" in fields and said.rater_name:
        raise HarnessError(f"{where}: the column {fields['rater']!r} says who rated; leave --rater-name out")
    if "rater" not in fields and not said.rater_name:
        raise HarnessError(
            f"{where}: has no column 'rater'.{did_you_mean('rater', table.names)} Columns: {', '.join(table.names)}; "
            "name the one that says who rated with --rater, or the one who did with --rater-name"
        )
    shown = {sides.first, sides.second} if sides else set()
    rest = [name for name in table.names if name not in {*unit, *fields.values(), *shown}]
    if sides and not said.value and not said.criteria:
        verdict = next((name for one in VERDICTS for name in rest if plain_name(name) == one), None)
        if verdict:
            fields["value"] = verdict
    if "value" in fields and not (said.criteria and not said.value and _matching(table.names, said.criteria)):
        column = fields.pop("value")
        cells = [Cell(column)]
        if fields.get("label") == column or (plain_name(column) != "value" and "label" not in said.named):
            fields.pop("label", None)  # only beside a `value` is it that value's word
        layout = Layout(unit, fields, cells, sides=sides)
        taken = {column, *fields.values(), *unit, *shown}
        others = [name for name in table.names if plain_name(name) in NAMES["value"] and name not in taken]
        if others and not said.value:
            layout.notes.append(f"{column} is compared, not {', '.join(others)} (--value says otherwise)")
        rest = [name for name in rest if name != column]
    else:
        fields.pop("value", None)
        layout = Layout(unit, fields, _criteria(table, said, rest, fields.get("rater"), where), sides=sides)
        listed = ", ".join(cell.column for cell in layout.cells)
        layout.notes.append(f"each of these columns is a criterion: {listed} (--criteria or --value choose)")
    used = {*unit, *fields.values(), *shown, *(cell.column for cell in layout.cells)}
    joined = _answers(table, layout, [name for name in rest if name not in used], bool(said.item))
    layout.aside |= {name: "" for name in rest if name not in {*used, *joined}}
    return layout


def _free(table: Table, unit: Sequence[str], said: Columns) -> list[str]:
    """Return the columns that nobody named as something."""
    return [name for name in table.names if name not in {*unit, *said.named.values()}]


def _criteria(table: Table, said: Columns, rest: Sequence[str], who: str | None, where: str) -> list[Cell]:
    """Return the columns of a long table without a value's column that are criteria.

    Raises:
        HarnessError: None is.
    """
    if said.criteria:
        chosen = _matching(table.names, said.criteria)
        if not chosen:
            close = did_you_mean(str(said.criteria[0]), rest)
            raise HarnessError(f"{where}: no column is {', '.join(map(repr, said.criteria))} (--criteria).{close}")
    else:
        close = did_you_mean("value", rest)
        if "Did you mean" in close:
            raise HarnessError(f"{where}: has no column 'value'.{close} Columns: {', '.join(table.names)}")
        aside = {*not_compared(table, rest), *said.beside}
        chosen = [name for name in rest if name not in aside and plain_name(name) not in ANSWERS]
        chosen = [name for name in chosen if not (who and of_raters(table, who, name))] or chosen
    if not chosen:
        raise HarnessError(
            f"{where}: has no column 'value'.{did_you_mean('value', table.names)} Columns: {', '.join(table.names)}; "
            "name the one that says how it was rated with --value"
        )
    return [Cell(name, criterion=name) for name in chosen]


def _names_things(name: str) -> bool:
    """Return whether a column is called like the ids of what was rated, or of a part of it."""
    return plain_name(name).endswith("id") or plain_name(name) in NAMES["item_id"]


def _answers(table: Table, layout: Layout, rest: Sequence[str], said: bool) -> list[str]:
    """Add to the unit what says which of an item's answers was rated, or note that the unit that was named lacks it."""
    if layout.sides and not said:
        return []
    apart = [
        layout.fields[name] for name in ("criterion", "repetition", "task", "response_id") if name in layout.fields
    ]
    known = [name for name in rest if name not in layout.aside or not layout.wide or _names_things(name)]
    joined = answer_columns(
        table, layout.unit, layout.fields.get("rater"), apart, [(name, plain_name(name)) for name in known]
    )
    if not joined:
        return []
    shown = ", ".join([*layout.unit, *joined])
    if said:
        layout.notes.append(
            f"ratings of one {' and '.join(layout.unit)} differ by {' and '.join(joined)}: of several by one rater "
            f"the first counts; --item {shown.replace(', ', ',')} takes each by itself"
        )
        return []
    layout.answer = tuple(joined)
    layout.notes.append(f"what was rated is told by {shown} together (--item says otherwise)")
    return joined


def _wide(table: Table, said: Columns, fields: dict[str, str], where: str) -> Layout:
    for name in ("value", "label"):
        if name not in said.named:
            fields.pop(name, None)
    unit = _unit(table, said, fields, where)
    free = _free(table, unit, said)
    told = [name for name in free if name not in {fields.get(one) for one in ("rater", "rater_kind", "criterion")}]
    sides = None if {"response_id", "against_id"} <= set(fields) else sides_of(free) or sides_in(table, told)
    if sides and _are_graded(table, sides):
        sides = None
    used = {*unit, *fields.values(), *((sides.first, sides.second) if sides else ())}
    rest = [name for name in table.names if name not in used]
    layout = Layout(unit, fields, [], sides=sides)
    if not unit:
        layout.notes.append("no column says what was rated: each row is an item (--item says otherwise)")
    if said.header:
        layout.cells = by_header(said.header, rest, where)
    elif said.raters and (chosen := _matching(rest, said.raters)):
        layout.cells = [Cell(name, rater=name) for name in chosen]
    else:
        layout.aside = not_compared(table, rest)
        beside = {*layout.aside, *said.beside}
        left = [name for name in rest if name not in beside and plain_name(name) not in ANSWERS]
        machines = [name for name in rest if name not in beside and plain_name(name) in MACHINES]
        left += [name for name in machines if _is_graded(table, name)]  # beside `human`, `llm` holds grades
        if sides and not left:
            layout.sides, left = None, [sides.first, sides.second]
        layout.cells, others, notes = cells_among(table, left, layout.aside, where)
        layout.aside |= others
        layout.notes += notes
    if not layout.cells:
        raise HarnessError(
            f"{where}: has no column of ratings besides {', '.join(unit) or 'the rows'}; name them with --raters"
        )
    compared = {cell.column for cell in layout.cells}
    if len(compared) == 1 and not said.raters and (who := may_be_rater(table, unit, list(layout.aside))):
        layout.notes.append(
            f"items stand in several rows, which {who} tells apart: if it says who rated, --rater {who}"
        )
    joined = _answers(table, layout, [name for name in rest if name not in compared], bool(said.item))
    kept = {*compared, *joined, *layout.aside}
    layout.aside |= {name: "" for name in rest if name not in kept}
    if said.criteria and not any(cell.criterion for cell in layout.cells):
        raise HarnessError(
            f"{where}: has raters as columns and one criterion; choose raters with --raters, not --criteria"
        )
    if not said.raters and not said.header and not any(cell.criterion for cell in layout.cells):
        layout.notes.append(f"raters: {', '.join(cell.column for cell in layout.cells)} (--raters says otherwise)")
    return layout
