"""What a file is: of ratings its format and what each column was taken for; and the commands that fit it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import Any

from harness.errors import HarnessError
from harness.rating.files.direct import MACHINE, form_of, read_any
from harness.rating.files.layout import Layout, layout_of, with_records_opened
from harness.rating.files.other_files import other_file, programs
from harness.rating.files.source import Source, read_source
from harness.rating.files.tabular import TEXTS
from harness.run import is_ai, is_person

SCORES = {"round", "score"}
"""Columns of a table of scores, which `harness rounds` reads."""
ITEMS = {"item", "item_id"}
"""Columns without which it is a table of means."""


def is_scores(names: Iterable[str]) -> bool:
    """Return whether a table with these columns holds scores of rounds, and no ratings."""
    return set(names) >= SCORES


@dataclass
class Look:
    """What a file is.

    Attributes:
        what: Its format and size, in a sentence.
        columns: What each column was taken for, of a table.
        notes: What was assumed and left out.
        commands: Commands that fit it, and what each gives.
    """

    what: str
    columns: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    commands: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return vars(self)


def look_at(path: str | Path) -> Look:
    """Return what a file is, and what can be done with it.

    Raises:
        HarnessError: It cannot be read at all.
    """
    if other := other_file(Path(path)):
        return Look(other[0], commands=other[1])
    source, name = read_source(path), quote(str(path))
    if other := programs(source.table.names, name):
        return Look(f"{other[0]}: {len(source.entries):,}", commands=other[1])
    if is_scores(source.table.names):
        return _no_ratings(source, name, "")
    try:
        form = form_of(source)
        ratings = read_any(path)
    except HarnessError as fault:
        return _no_ratings(source, name, str(fault))
    found = Look(f"{form.description.rstrip('.')} ({form.format or form.name})", notes=list(ratings.attrs["notes"]))
    if form.table is not None:
        table, _ = with_records_opened(source.table, form.table)
        found.columns = _roles(table.names, layout_of(table, form.table, str(path)))
    raters = sorted(map(str, ratings["rater"].dropna().unique()))
    machines = sorted(map(str, ratings.loc[is_ai(ratings), "rater"].unique()))
    people = ratings.loc[is_person(ratings), "rater"].nunique()
    criteria = ratings["criterion"].nunique()
    found.what += f": {len(ratings):,} ratings of {ratings['item_id'].nunique():,} items by {len(raters):,} raters"
    found.what += f" on {criteria} criteria" if criteria > 1 else ""
    unsaid = [rater for rater in raters if MACHINE.fullmatch(rater) and rater not in machines]
    ai = "".join(f" --ai {quote(rater)}" for rater in unsaid[:5])
    judged, persons = bool(machines or unsaid), people - len(unsaid)
    found.commands[f"harness agree {name}{ai}"] = "how far they agree, who differs most, and on which items"
    if judged and persons >= 2:
        found.commands[f"harness agree {name}{ai} --stand-in"] = "may the AI rater replace a person?"
    found.commands[f"harness report {name}{ai}"] = "a page of all that, with the sentences on top"
    found.commands[f"harness import {name}{ai} --into runs/{_stem(path)}"] = "a run, for all else"
    return found


def _stem(path: str | Path) -> str:
    return re.sub(r"[^\w.-]", "_", Path(path).name.split(".")[0])


def _no_ratings(source: Source, name: str, fault: str) -> Look:
    """Return what can be done with a table that holds no ratings: scores of rounds, or texts to rate."""
    names = set(source.table.names)
    what = f"{source.kind}, {len(source.entries):,} records with {', '.join(list(source.table.names)[:12])}"
    if is_scores(names):
        means = "" if names & ITEMS else " --summary"
        commands = {
            f"harness rounds {name}{means}": "does training still help? a verdict for each series and benchmark"
        }
        return Look(f"scores of rounds: {what}", commands=commands)
    if names & set(TEXTS["response"]):
        return Look(f"texts that nobody has rated: {what}", commands={
            f"harness annotate {name} --rater-id YOU": "rate them in a page on this machine"})  # fmt: skip
    return Look(
        what,
        notes=[fault],
        commands={f"harness import {name} --dry-run": "what it would be, with --column FIELD=COLUMN"},
    )


def _roles(names: list[str], layout: Layout) -> dict[str, str]:
    roles = {column: field_name for field_name, column in layout.fields.items()}
    roles |= dict.fromkeys(layout.unit, "what was rated (the item)")
    roles |= dict.fromkeys(layout.answer, "which answer to the item was rated")
    for cell in layout.cells:
        of = f", on {cell.criterion}" if cell.criterion else ""
        roles[cell.column] = f"ratings of {cell.rater}{of}" if cell.rater else f"the value{of}"
    return {name: roles.get(name) or f"left aside {layout.aside.get(name, '')}".strip() for name in names}
