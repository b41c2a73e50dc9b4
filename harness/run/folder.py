"""A run: a folder that can be read without us, what is done in it, and what is left.

    suite.yaml  manifest.json  items/  responses/  ratings/  rounds/  calls/  report.html

Records lie in Parquet parts. A part is written whole, under a temporary name, synced and renamed, so that no file
is ever half-written; its name follows from its records, and records carry ids that follow from what decides them,
so that writing something twice is harmless. What is left to do is what has no record yet.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import HarnessError
from harness.records import Item, Rating, Record, Response, digest, schema, table, to_frame
from harness.run.place import contents, held, place_of, write_whole
from harness.suite import Suite, read_suite, refuse_other_suite

FOLDERS: dict[type[Record], tuple[str, list[str]]] = {
    Item: ("items", ["task", "item_id"]),
    Response: ("responses", ["response_id"]),
    Rating: ("ratings", ["rating_id"]),
}


class Run:
    """A run's folder.

    `items`, `responses` and `ratings` are DataFrames with the records' fields as columns, read when first asked for
    and again after a write. They hold what counts now: answers to the present prompts, ratings by the present versions
    of the raters. What was answered and rated before a prompt or a rubric changed stays in the parts, unused.
    """

    def __init__(self, folder: str | Path) -> None:
        """Open a run.

        Raises:
            HarnessError: The folder is no run.
        """
        self.folder = place_of(folder)
        if not (self.folder / "suite.yaml").is_file():
            raise HarnessError(f"{self.folder}: is no run (no suite.yaml); make one with `harness run SUITE --out DIR`")

    @classmethod
    def create(cls, folder: str | Path, suite: Suite) -> Run:
        """Open the run of a suite in a folder, made if need be.

        Raises:
            HarnessError: The folder holds a run of another suite, or something else.
        """
        folder = place_of(folder)
        frozen = folder / "suite.yaml"
        if frozen.is_file():
            refuse_other_suite(read_suite(frozen), suite, str(folder))
            return cls(folder)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise HarnessError(f"{folder}: exists and is no run; choose another folder with --out")
        write_whole(frozen, suite.to_yaml().encode())
        return cls(folder)

    @cached_property
    def suite(self) -> Suite:
        """The suite that made the run."""
        return read_suite(self.folder / "suite.yaml")

    def freeze(self, suite: Suite) -> None:
        """Keep a suite that has the same as the run's, and more."""
        frozen, content = self.folder / "suite.yaml", suite.to_yaml().encode()
        if frozen.read_bytes() != content:
            write_whole(frozen, content)
            self.__dict__.pop("suite", None)

    @property
    def manifest(self) -> dict[str, Any]:
        """What made the run: versions, hashes, seeds, host facts; empty before the first command."""
        path = self.folder / "manifest.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    def note(self, **facts: Any) -> None:
        """Add facts to the manifest; a dict is merged into the one that is there."""
        manifest = self.manifest
        for key, value in facts.items():
            manifest[key] = {**manifest.get(key, {}), **value} if isinstance(value, dict) else value
        write_whole(self.folder / "manifest.json", json.dumps(manifest, indent=2, sort_keys=True).encode() + b"\n")
        for decided in ("responses", "ratings"):  # by what the manifest says is retired, and of which version
            self.__dict__.pop(decided, None)

    @cached_property
    def items(self) -> pd.DataFrame:
        """One row an item."""
        return self._read(Item)

    @cached_property
    def responses(self) -> pd.DataFrame:
        """One row a response that counts: `every_response` without the retired ones."""
        rows = self.every_response
        return rows[~rows["response_id"].isin(self._retired)].reset_index(drop=True)

    @cached_property
    def every_response(self) -> pd.DataFrame:
        """One row a response, those to earlier prompts among them."""
        return self._read(Response)

    @cached_property
    def ratings(self) -> pd.DataFrame:
        """One row a rating that counts: of a response that counts, by the present version of its rater."""
        rows = self._read(Rating)
        facts = self.manifest.get("raters", {})
        versions = rows["rater"].map({name: one["version"] for name, one in facts.items() if "version" in one})
        old = versions.notna() & (rows["rater_version"].fillna("") != "") & (rows["rater_version"] != versions)
        old |= rows["response_id"].isin(self._retired) | rows["against_id"].isin(self._retired)
        return rows[~old].reset_index(drop=True)

    @property
    def _retired(self) -> set[str]:
        return {name for names in self.manifest.get("retired", {}).values() for name in names}

    def retire(self, model: str, task: str, wanted: Collection[str]) -> int:
        """Let only the wanted of a model's responses to a task count; the others answer earlier prompts, and stay.

        Args:
            model: The model's name.
            task: The task's name.
            wanted: The ids of the responses that the suite wants now; some may not be there yet.

        Returns:
            How many do not count.
        """
        rows = self.every_response
        there = rows.loc[(rows["model"] == model) & (rows["task"] == task), "response_id"]
        retired, group = sorted(set(there) - set(wanted)), f"{model} on {task}"
        if retired != self.manifest.get("retired", {}).get(group, []):
            self.note(retired={group: retired})
        return len(retired)

    @cached_property
    def rounds(self) -> pd.DataFrame:
        """One row a series and round of training: what was kept, how much of it was right, steps and seconds."""
        rows = [json.loads(text) for text in contents(sorted((self.folder / "rounds").glob("*.json")))]
        return pd.DataFrame(rows).sort_values(["series", "round"], ignore_index=True) if rows else pd.DataFrame()

    def write(self, records: Iterable[Record], part: str) -> Path | None:
        """Write records of one type as one part; `part` begins its name.

        A record that the run has already is not an error: the same id says the same.

        Returns:
            The part; None where there are no records.
        """
        entries = list(records)
        if not entries:
            return None
        kind = type(entries[0])
        folder, key = FOLDERS[kind]
        identity = digest([[getattr(entry, name) for name in key] for entry in entries])
        sink = pa.BufferOutputStream()
        pq.write_table(table(entries, kind), sink, compression="zstd")
        path = self.folder / folder / f"{file_name(part)}-{identity}.parquet"
        write_whole(path, sink.getvalue().to_pybytes())
        for name in (folder, "every_response"):
            self.__dict__.pop(name, None)
        return path

    def replace_items(self, task: str, items: Iterable[Item]) -> None:
        """Write the items of a task in the place of those that it had: their texts or keys have changed."""
        written = self.write(items, task)
        for path in (self.folder / "items").glob("*.parquet"):
            if path != written and path.stem[:-17] == file_name(task):
                path.unlink()
        self.__dict__.pop("items", None)

    def write_round(self, summary: dict[str, Any]) -> None:
        """Write the summary of one round of training of one series."""
        name = file_name(f"{summary['series']}-seed{summary['seed']}-round{summary['round']:03d}")
        write_whole(self.folder / "rounds" / f"{name}.json", json.dumps(summary, sort_keys=True).encode() + b"\n")
        self.__dict__.pop("rounds", None)

    def records(self, kind: type[Record], rows: pd.DataFrame | None = None) -> Iterator[Any]:
        """Yield rows of a record's DataFrame (all, where none are given) as records."""
        data = getattr(self, FOLDERS[kind][0]) if rows is None else rows
        for row in pa.Table.from_pandas(data, schema=schema(kind), preserve_index=False).to_pylist():
            yield kind.model_validate(row)

    def lock(self) -> AbstractContextManager[None]:
        """Hold the run for one command.

        Raises:
            IncompleteError: On entering, if another command holds it (`run_locked`).
        """
        return held(self.folder)

    def _read(self, kind: type[Record]) -> pd.DataFrame:
        folder, key = FOLDERS[kind]
        parts = sorted((self.folder / folder).glob("*.parquet"))
        if not parts:
            return to_frame(schema(kind).empty_table())
        data = pa.concat_tables([pq.read_table(pa.BufferReader(part), schema=schema(kind)) for part in contents(parts)])
        rows = to_frame(data)
        if "status" in rows:  # an answer that came on a second try replaces the failure, whatever the parts' order
            rows = rows.sort_values("status", key=lambda status: status == "ok", kind="stable")
        return rows.drop_duplicates(key, keep="last", ignore_index=True)

    def _repr_html_(self) -> str:
        from html import escape

        counts = ", ".join(f"{len(getattr(self, name)):,} {name}" for name in ("items", "responses", "ratings"))
        return f"<p><b>Run {escape(self.suite.name)}</b> in <code>{escape(str(self.folder))}</code>: {counts}</p>"


def file_name(text: str) -> str:
    """Return a text as part of a file's name: letters, digits, dots, dashes and underscores."""
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in text)


def opened(run: Run | str | Path) -> Run:
    """Return a run, given itself or its folder.

    Raises:
        HarnessError: It is neither, or the folder is no run.
    """
    if isinstance(run, str | Path):
        return Run(run)
    if not isinstance(run, Run):
        raise HarnessError(f"expected a run, or the path of its folder, not a {type(run).__name__}")
    return run


def load(folder: str | Path) -> Run:
    """Open a run that is there: `load("runs/mine").ratings` is a DataFrame.

    Raises:
        HarnessError: The folder is no run.
    """
    return Run(folder)
