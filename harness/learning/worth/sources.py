"""Rated texts, from a run, a frame or a file, as what learning curves are made of: a row an item, a column a rater."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

import pandas as pd

from harness.errors import HarnessError, did_you_mean
from harness.rating import Columns, read_any, read_source
from harness.run import Run, has_flag, is_first, is_person, is_valued, one_verdict, unit_names
from harness.statistics import Floats
from harness.suite import ExchangeUse

SIDES = ("text", "against_text")


@dataclass(frozen=True)
class Rated:
    """What was rated, and how: the rows that count, with a name for each unit.

    Attributes:
        rows: One a rating: `unit`, `rater`, `criterion`, `value`, `text`, `context`, `cluster`; of pairs also
            `against_text`.
        people: The raters who are people.
    """

    rows: pd.DataFrame
    people: list[str]

    @property
    def pairs(self) -> bool:
        """Whether two texts were compared."""
        return "against_text" in self.rows

    @cached_property
    def items(self) -> pd.DataFrame:
        """One row a unit, by its name."""
        return self.rows.drop_duplicates("unit").sort_values("unit").set_index("unit")

    @cached_property
    def hash(self) -> str:
        """The hash of all that decides the numbers."""
        texts = [name for name in ("text", "against_text", "context", "cluster") if name in self.rows]
        labels = self.rows[["unit", "rater", "criterion", "value"]].astype({"rater": object, "criterion": object})
        both = labels.sort_values(["unit", "rater", "criterion"]), self.items[texts].astype(object).reset_index()
        parts = [pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes() for frame in both]
        return hashlib.sha256(b"".join([*parts, ",".join(self.people).encode()])).hexdigest()[:16]

    def labels(self, criterion: str, use: ExchangeUse, scorers: Sequence[str]) -> tuple[pd.Index, dict[str, Floats]]:
        """Return the units that were rated on a criterion, and the labels of people, of who scores, and of each source.

        Of pairs a label is from -1 (the other text) to 1 (the text).

        Raises:
            HarnessError: A glob of a source matches nobody.
        """
        own = self.rows[self.rows["criterion"] == criterion]
        wide = own.pivot_table(index="unit", columns="rater", values="value", observed=True)
        wide.columns = wide.columns.map(str)
        if self.pairs:
            wide = 2 * wide - 1
        kept = [name for name in (*self.people, *scorers) if name in wide]
        found = {name: wide[name].to_numpy(float) for name in kept}
        if not use.sources:
            return wide.index, found | {
                name: wide[name].to_numpy(float) for name in map(str, wide.columns) if name not in found
            }
        for name, globs in use.sources.items():
            members = [one for one in matching(globs, self.rows["rater"], f"sources: {name}") if one in wide]
            if members:
                found[name] = wide[members].mean(axis=1, skipna=False).to_numpy(float)
        return wide.index, found


def rated(source: pd.DataFrame | Run, use: ExchangeUse) -> Rated:
    """Return what was rated in a run or a frame.

    Args:
        source: A run, or a row a rating: `item_id`, `rater`, `criterion`, `value`, `text`, and where there are any
            `against_text`, `context`, `cluster`, `rater_kind`, `status`.
        use: Who is asked for.

    Raises:
        HarnessError: A glob matches nobody, single texts and pairs are mixed, or nothing has a text.
    """
    ratings = _of_run(source) if isinstance(source, Run) else source
    lacking = [name for name in ("rater", "criterion", "value", "text") if name not in ratings]
    if lacking:
        raise HarnessError(
            f"exchange: the ratings have no column {lacking[0]!r}; there are {', '.join(_names(ratings))}"
        )
    rows = ratings[is_valued(ratings) & is_first(ratings) & ratings["text"].notna()]
    criteria = matching(use.criteria, rows["criterion"], "criteria") if use.criteria else None
    rows = rows if criteria is None else rows[rows["criterion"].isin(criteria)]
    if rows.empty:
        raise HarnessError("exchange: no rating has a text; name its column by --text, or a table that has it")
    compared = rows["against_text"].notna() if "against_text" in rows else pd.Series(False, index=rows.index)
    if compared.any() and not compared.all():
        both = sorted(map(str, rows["criterion"].unique()))
        raise HarnessError(
            f"exchange: some ratings compare two texts and some rate one; name the criteria ({', '.join(both)})"
        )
    rows = one_verdict(rows.assign(against_text=rows["against_text"])) if compared.any() else _without(rows)
    if compared.any() and not rows["value"].between(0, 1).all():
        raise HarnessError("exchange: of two texts a value is from 0 (the other one is preferred) to 1 (this one is)")
    rows = rows.assign(unit=unit_names(rows), rater=rows["rater"].astype(str))
    human = sorted(rows.loc[is_person(rows), "rater"].unique())
    return Rated(rows, matching(use.people, rows["rater"], "people") if use.people else human)


def _without(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.drop(columns=["against_text"], errors="ignore")


def _of_run(run: Run) -> pd.DataFrame:
    """Return the ratings of a run with the texts that were rated and what they are about; not what was practice."""
    answers = run.responses.set_index("response_id")["text"]
    items = run.items.drop_duplicates(["task", "item_id"])[["task", "item_id", "prompt", "context", "cluster"]]
    rows = run.ratings[~has_flag(run.ratings, "selection_item")].merge(items, on=["task", "item_id"])
    rows = rows.assign(text=rows["response_id"].map(answers), against_text=rows["against_id"].map(answers))
    context = rows["context"].where(rows["context"].notna(), rows["prompt"])
    cluster = rows["cluster"].where(rows["cluster"].notna(), rows["item_id"])
    return rows[rows["against_id"].isna() | rows["against_text"].notna()].assign(context=context, cluster=cluster)


def read_rated(use: ExchangeUse) -> pd.DataFrame:
    """Return the ratings of a file with their texts by our names; `attrs["notes"]` says how it was read.

    Raises:
        HarnessError: A file cannot be read, or a column is nowhere.
    """
    assert use.data is not None
    wanted = {"text": use.text, "against_text": use.against, "context": use.context, "cluster": use.cluster}
    tables = [(path, _table(path)) for path in use.tables]
    elsewhere = {name for _, table in tables for name in _names(table)}
    also = dict.fromkeys(name for name in wanted.values() if name and name not in elsewhere)
    said = {name: getattr(use, name) for name in ("rater", "criterion", "value", "kind") if getattr(use, name)}
    said |= {"item": tuple(part.strip() for part in use.item.split(","))} if use.item else {}
    ratings = read_any(use.data, ai=use.ai or None, also=list(also), columns=Columns.model_validate(said))
    notes = ratings.attrs.get("notes", ())
    for path, table in tables:
        ratings = _joined(ratings, table, path, use.item)
    for theirs in wanted.values():
        if theirs and theirs not in ratings:
            raise HarnessError(f"exchange: no table has a column {theirs!r}.{did_you_mean(theirs, _names(ratings))}")
    named = {ours: ratings[theirs] for ours, theirs in wanted.items() if theirs}
    if use.cluster is None and use.context:
        named["cluster"] = ratings[use.context]
    found = ratings.assign(**named)
    found.attrs["notes"] = notes
    return found


def _table(path: str) -> pd.DataFrame:
    source = read_source(path)
    if source.unreadable:
        row, reason = source.unreadable[0]
        raise HarnessError(f"{path}: row {row} cannot be read: {reason}")
    return pd.DataFrame({name: source.table.words(name).astype(object) for name in source.table.names})


def _joined(ratings: pd.DataFrame, table: pd.DataFrame, path: str, item: str | None) -> pd.DataFrame:
    """Return ratings with a table's further columns, joined on those that both have."""
    if "item_id" not in table and item in table:
        table = table.rename(columns={item: "item_id"})
    shared = [name for name in _names(table) if name in ratings]
    if not shared:
        raise HarnessError(
            f"{path}: shares no column with the ratings; it has {', '.join(_names(table))}, they have "
            f"{', '.join(_names(ratings))}"
        )
    table = table.astype(dict.fromkeys(shared, str))
    twice = table[table.duplicated(shared)]
    if len(twice):
        raise HarnessError(f"{path}: {', '.join(shared)} {twice.iloc[0][shared[0]]!r} stands there twice")
    keyed = ratings.astype(dict.fromkeys(shared, str))
    return keyed.merge(table, on=shared, how="left", validate="many_to_one")


def _names(frame: pd.DataFrame) -> list[str]:
    return list(map(str, frame.columns))


def matching(globs: Sequence[str], column: Any, what: str) -> list[str]:
    """Return the names in a column that some glob matches.

    Raises:
        HarnessError: A glob matches none; says which is near.
    """
    names = sorted(map(str, column.unique()))
    for glob in globs:
        if not any(fnmatchcase(name, glob) for name in names):
            option = what if ":" in what else f"--{what.replace('_', '-')}"
            raise HarnessError(f"{option} {glob!r} matches nothing.{did_you_mean(glob, names)}")
    return [name for name in names if any(fnmatchcase(name, glob) for glob in globs)]
