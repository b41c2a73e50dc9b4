"""A run: a folder that can be read without us, what is done in it, and what is left.

    suite.yaml  manifest.json  items/  responses/  ratings/  rounds/  checksums/  report.html

Records lie in Parquet parts. A part is written whole, under a temporary name, synced and renamed, so that no file
is ever half-written; its name follows from its records, and records carry ids that follow from what decides them,
so that writing something twice is harmless. What is left to do is what has no record yet. Every file has an entry in
`checksums/`, and is checked against it when it is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

import pandas as pd
import pyarrow as pa

from harness.errors import HarnessError
from harness.records import Item, Rating, Record, Response, digest, schema
from harness.run.checksums import Checksums, FileState, told
from harness.run.names import file_name
from harness.run.parts import FOLDERS, part_of, read_part, read_parts
from harness.run.place import held, place_of, write_whole
from harness.run.stale import PAGE, mark_stale
from harness.suite import Suite, read_suite, refuse_other_suite

Made = TypeVar("Made")


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
        self._marked = False
        self._worked_out: dict[Callable[[Run], Any], tuple[tuple[pd.DataFrame, ...], Any]] = {}
        if not (self.folder / "suite.yaml").is_file():
            raise HarnessError(f"{self.folder}: is no run (no suite.yaml); make one with `harness run SUITE --out DIR`")

    @classmethod
    def create(cls, folder: str | Path, suite: Suite) -> Run:
        """Open the run of a suite in a folder, made if need be.

        Raises:
            HarnessError: The folder holds a run of another suite, or something else; or it is called as a page is.
        """
        folder = place_of(folder)
        frozen = folder / "suite.yaml"
        if frozen.is_file():
            refuse_other_suite(cls(folder).suite, suite, str(folder))
            return cls(folder)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise HarnessError(f"{folder}: exists and is no run; choose another folder with --out")
        if folder.suffix.lower() in (".html", ".htm"):
            raise HarnessError(
                f"{folder}: is the name of a page, and a run is a folder; make the run under another name, then "
                f"`harness report RUN --out {folder}`"
            )
        Checksums(folder).write(frozen, suite.to_yaml().encode())
        return cls(folder)

    @property
    def checksums(self) -> Checksums:
        """What was written into the run's files."""
        return Checksums(self.folder)

    def keep(self, path: Path, content: bytes, again: str | None = None) -> None:
        """Write a file into the run, whole, with its checksum.

        Args:
            path: In the run's folder.
            content: What is written.
            again: The command that makes the file again, with `{run}` for the folder; `harness run` where not given.

        Raises:
            HarnessError: It cannot be written.
        """
        if path.name == PAGE:
            self._marked = False
        if path.name == "suite.yaml" and not self.checksums.complete:
            write_whole(path, content)  # a run from before there were checksums: what has none is not foreign
        else:
            self.checksums.write(path, content, again)

    @cached_property
    def suite(self) -> Suite:
        """The suite that made the run."""
        self.checksums.read(self.folder / "suite.yaml")
        return read_suite(self.folder / "suite.yaml")

    def freeze(self, suite: Suite) -> None:
        """Keep a suite that has the same as the run's, and more."""
        frozen, content = self.folder / "suite.yaml", suite.to_yaml().encode()
        if frozen.read_bytes() != content:
            self.keep(frozen, content)
            self._forget("suite")

    @property
    def manifest(self) -> dict[str, Any]:
        """What made the run: versions, hashes, seeds, host facts; empty before the first command."""
        path = self.folder / "manifest.json"
        never = not path.is_file() and self.checksums.entry("manifest.json") is None
        return {} if never else self._json(path, self.checksums.read(path))

    def _json(self, path: Path, content: bytes) -> dict[str, Any]:
        try:
            facts: dict[str, Any] = json.loads(content)
        except ValueError as error:
            found = FileState(str(path.relative_to(self.folder)), "damaged", str(error))
            raise HarnessError(f"{path}: {told(found, self.folder)}") from error
        return facts

    def note(self, **facts: Any) -> None:
        """Add facts to the manifest; a dict is merged into the one that is there."""
        manifest = self.manifest
        for key, value in facts.items():
            manifest[key] = {**manifest.get(key, {}), **value} if isinstance(value, dict) else value
        self.keep(self.folder / "manifest.json", json.dumps(manifest, indent=2, sort_keys=True).encode() + b"\n")
        self._forget("responses", "ratings")  # the manifest says what is retired, and which version counts

    @cached_property
    def items(self) -> pd.DataFrame:
        """One row an item."""
        return read_parts(self.checksums, Item)[0]

    @cached_property
    def responses(self) -> pd.DataFrame:
        """One row a response that counts: `every_response` without the retired ones."""
        rows = self.every_response
        return rows[~rows["response_id"].isin(self._retired)].reset_index(drop=True)

    @cached_property
    def every_response(self) -> pd.DataFrame:
        """One row a response, those to earlier prompts among them."""
        return read_parts(self.checksums, Response)[0]

    @cached_property
    def ratings(self) -> pd.DataFrame:
        """One row a rating that counts: of a response that counts, by the present version of its rater."""
        rows, _ = read_parts(self.checksums, Rating)
        facts = self.manifest.get("raters", {})
        versions = rows["rater"].map({name: one["version"] for name, one in facts.items() if "version" in one})
        old = versions.notna() & (rows["rater_version"].fillna("") != "") & (rows["rater_version"] != versions)
        old |= rows["response_id"].isin(self._retired) | rows["against_id"].isin(self._retired)
        return rows[~old].reset_index(drop=True)

    @cached_property
    def replaced(self) -> pd.DataFrame:
        """One row a rating whose place a later one of the same id took: a corrected sheet, a second try."""
        return read_parts(self.checksums, Rating)[1]

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
        found = self.checksums.read_all("rounds", ".json")
        rows = [self._json(self.folder / "rounds" / name, content) for name, (content, _) in found.items()]
        return pd.DataFrame(rows).sort_values(["series", "round"], ignore_index=True) if rows else pd.DataFrame()

    def write(self, records: Iterable[Record], part: str, again: str | None = None) -> Path | None:
        """Write records of one type as one part.

        A record that the run has already is not an error: the one written last counts, and a part with the same records
        and another content is kept beside this one.

        Args:
            records: Of one type.
            part: Begins the part's name.
            again: The command that makes the part again, with `{run}` for the folder; `harness run` where not given.

        Returns:
            The part; None where there are no records.
        """
        entries = list(records)
        if not entries:
            return None
        kind = type(entries[0])
        folder, key = FOLDERS[kind]
        identity = digest([[getattr(entry, name) for name in key] for entry in entries])
        content = part_of(entries, kind)
        path = self.folder / folder / f"{file_name(part)}-{identity}.parquet"
        if path.is_file() and path.read_bytes() != content:
            path = path.with_name(f"{path.stem}-{hashlib.sha256(content).hexdigest()[:16]}.parquet")
        self.keep(path, content, again)
        self._page_is_older()
        self._forget(folder, "every_response", "replaced")
        return path

    def replace_items(self, task: str, items: Iterable[Item]) -> None:
        """Write the items of a task in the place of those that it had: their texts or keys have changed."""
        written = self.write(items, task)
        for path in (self.folder / "items").glob("*.parquet"):
            if path != written and set(read_part(path, Item, self.checksums)["task"].to_pylist()) == {task}:
                self.checksums.remove(path)
        self._forget("items")

    def write_round(self, summary: dict[str, Any]) -> None:
        """Write the summary of one round of training of one series; another one of that round is kept beside it."""
        name = file_name(f"{summary['series']}-seed{summary['seed']}-round{summary['round']:03d}")
        path, content = self.folder / "rounds" / f"{name}.json", json.dumps(summary, sort_keys=True).encode() + b"\n"
        if path.is_file() and path.read_bytes() != content:
            earlier = path.read_bytes()
            self.keep(path.with_name(f"{name}.{hashlib.sha256(earlier).hexdigest()[:16]}.replaced"), earlier)
        self.keep(path, content)
        self._page_is_older()
        self._forget("rounds")

    def _page_is_older(self) -> None:
        """Mark the page, once until it is made anew."""
        if not self._marked:
            mark_stale(self.checksums)
            self._marked = True

    def changed(self) -> None:
        """Read the parts again when next asked: others have written some."""
        self._forget("items", "responses", "every_response", "ratings")

    def _forget(self, *tables: str) -> None:
        for name in tables:
            self.__dict__.pop(name, None)

    def worked_out(self, make: Callable[[Run], Made]) -> Made:
        """Return what is worked out from the run's tables; not again while they are the same."""
        tables = (self.items, self.responses, self.ratings, self.rounds)
        of, found = self._worked_out.get(make, ((), None))
        if not of or any(old is not new for old, new in zip(of, tables, strict=True)):
            found = make(self)
            self._worked_out[make] = tables, found
        return cast("Made", found)

    def records(self, kind: type[Record], rows: pd.DataFrame | None = None) -> Iterator[Any]:
        """Yield rows of a record's DataFrame (all, where none are given) as records."""
        data = getattr(self, FOLDERS[kind][0]) if rows is None else rows
        for row in pa.Table.from_pandas(data, schema=schema(kind), preserve_index=False).to_pylist():
            yield kind.model_validate(row)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the run for one command, and put right what a command that was killed left half done.

        Raises:
            IncompleteError: On entering, if another command holds it (`run_locked`).
        """
        with held(self.folder):
            self.checksums.sweep()
            yield

    def _repr_html_(self) -> str:
        from html import escape

        counts = ", ".join(f"{len(getattr(self, name)):,} {name}" for name in ("items", "responses", "ratings"))
        return f"<p><b>Run {escape(self.suite.name)}</b> in <code>{escape(str(self.folder))}</code>: {counts}</p>"


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
