"""Data sets by their name on the hub: from a mirror folder on machines without a network, otherwise from the hub.

A mirror (`HARNESS_DATA_DIR`) is laid out by hub id: `org/name/`, in it Parquet or JSONL named after the split, below a
folder with the configuration's name where there is one. Where a data set came from is kept as its `Origin`: the
revision of the hub, or the hashes of the files, so that a run can say what it asked and ask the same again.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from harness.answering.tasks.mirror import DATA_DIR, mirror, mirrored, split_files
from harness.errors import HarnessError

FILE_TYPES = ("csv", "json", "parquet", "arrow", "text")
"""Names that `datasets` gives to kinds of files; everything else is a data set or a folder."""


@dataclass(frozen=True)
class Origin:
    """Where a data set came from."""

    dataset: str
    config: str | None
    source: Literal["hub", "mirror", "files"]
    revision: str | None = None
    """The commit on the hub; None where the hub did not say it."""
    files: dict[str, str] = field(default_factory=dict)
    """For a mirror and for files: the SHA-256 of each, by its name."""


@dataclass
class Loading:
    """What one `tracing` block pins and sees."""

    pins: Mapping[str, str]
    origins: list[Origin] = field(default_factory=list)


_LOADING: ContextVar[Loading | None] = ContextVar("loading", default=None)


WHOLE = re.compile(r"-?[1-9][0-9]{0,17}|0")
DECIMAL = re.compile(r"-?(?:[1-9][0-9]{0,14}|0)\.(?:[0-9]{0,14}[1-9]|0)")
"""How a number is written that is the same when it is written again."""


def load_dataset(path: str, name: str | None = None, **settings: Any) -> Any:
    """Load a data set as `datasets.load_dataset` does, but from the mirror where there is one, at a fixed revision.

    Args:
        path: A hub id, a folder, or a kind of files (`json`, `csv`, `parquet`).
        name: The configuration.
        **settings: As for `datasets.load_dataset`.

    Raises:
        HarnessError: There is a mirror, and it lacks the data set; or the hub cannot be reached.
    """
    root = mirror()
    if path in FILE_TYPES or Path(path).exists():
        origin = Origin(path, name, "files", files=_hashes(settings.get("data_files")))
        loaded = _as_written(path, name, settings)
    elif root is not None:
        origin, loaded = _from_mirror(root, path, name, settings)
    else:
        origin, loaded = _from_hub(path, name, settings)
    loading = _LOADING.get()
    if loading is not None and origin not in loading.origins:
        loading.origins.append(origin)
    return loaded


def _as_written(path: str, name: str | None, settings: dict[str, Any]) -> Any:
    """Load files so that text stays text: `007`, `2024-01-02` and `None` are what somebody wrote."""
    files = [Path(file) for group in _by_split(settings.get("data_files")).values() for file in _listed(group)]
    local = bool(files) and all(file.is_file() for file in files)
    if path == "csv":
        settings.setdefault("keep_default_na", False)  # an answer may be the word "None"
        if local and "features" not in settings and "names" not in settings:
            return _with_numbers(_plain_load(path, name, **settings, features=_texts(files[0], settings)))
    loaded = _plain_load(path, name, **settings)
    return _with_text_dates(loaded, settings) if path == "json" and local and not settings.get("field") else loaded


def _texts(file: Path, settings: Mapping[str, Any]) -> Any:
    """Return the columns of a CSV file, all of them texts."""
    from datasets import Features, Value

    opened: Any = gzip.open if file.suffix == ".gz" else open
    with opened(file, "rt", encoding=settings.get("encoding") or "utf-8-sig", newline="") as lines:
        header = next(csv.reader(lines, delimiter=settings.get("sep") or settings.get("delimiter") or ","), [])
    return Features({column: Value("string") for column in header})


def _with_numbers(loaded: Any) -> Any:
    """Return a table of texts with those columns as numbers that hold nothing but numbers, written as Python does."""
    from datasets import DatasetDict, Value

    if isinstance(loaded, DatasetDict):
        return DatasetDict({split: _with_numbers(data) for split, data in loaded.items()})
    for column in loaded.column_names:
        values = loaded[column]
        for kind, written in ((Value("int64"), WHOLE), (Value("float64"), DECIMAL)):
            if values and all(value is not None and written.fullmatch(value) for value in values):
                loaded = loaded.cast_column(column, kind)
                break
    return loaded


def _with_text_dates(loaded: Any, settings: Mapping[str, Any]) -> Any:
    """Return JSON as its files have it where `datasets` made moments of texts that look like dates."""
    from datasets import Dataset, DatasetDict

    tables = loaded.values() if isinstance(loaded, DatasetDict) else [loaded]
    if not any("timestamp" in str(feature) for data in tables for feature in data.features.values()):
        return loaded
    read = {
        split: Dataset.from_list([row for file in _listed(files) for row in _rows(Path(file))])
        for split, files in _by_split(settings["data_files"]).items()
    }
    return DatasetDict(read) if isinstance(loaded, DatasetDict) else read[str(settings.get("split"))]


def _rows(file: Path) -> list[dict[str, Any]]:
    text = (gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()).decode("utf-8-sig")
    if text.lstrip().startswith("["):
        rows: list[dict[str, Any]] = json.loads(text)
        return rows
    return [json.loads(line) for line in text.splitlines() if line.strip()]


@contextlib.contextmanager
def tracing(pins: Mapping[str, str] | None = None) -> Iterator[list[Origin]]:
    """Let whoever calls `datasets.load_dataset` in this block (lm-eval's tasks do) get `load_dataset` of this module.

    Args:
        pins: Revisions by data set, for those that name none themselves.

    Yields:
        The origins of what is loaded, as it is loaded.
    """
    import datasets

    loading = Loading(pins or {})
    token = _LOADING.set(loading)
    original, datasets.load_dataset = datasets.load_dataset, load_dataset
    try:
        yield loading.origins
    finally:
        datasets.load_dataset = original
        _LOADING.reset(token)


def _plain_load(*args: Any, **settings: Any) -> Any:
    from datasets.load import load_dataset as load

    return load(*args, **settings)


def _from_mirror(root: Path, dataset: str, config: str | None, settings: dict[str, Any]) -> tuple[Origin, Any]:
    split, named = settings.get("split"), settings.get("data_files")
    if named:
        splits = {key: [root / dataset / one for one in _listed(files)] for key, files in _by_split(named).items()}
        for file in (file for files in splits.values() for file in files if not file.is_file()):
            raise HarnessError(f"{DATA_DIR}={root}: looked for {file.relative_to(root)}, which is not there")
    else:
        splits = mirrored(root, dataset, config)
        wanted = str(split).split("[")[0] if split else "test"
        if split or not splits:
            splits = {wanted: split_files(root, dataset, config, wanted)}
    read = {key: _read_files(key, paths, str(split or key)) for key, paths in splits.items()}
    origin = Origin(dataset, config, "mirror", files=_hashes(splits, root))
    return origin, read[next(iter(read))] if split else _with_named_gaps(read, root, dataset, config)


def _read_files(split: str, paths: list[Path], expression: str) -> Any:
    """Read one split by itself: two JSONL files of one data set may lead to different guesses of a column's type."""
    kind = "parquet" if paths[0].suffix == ".parquet" else "json"
    return _plain_load(kind, data_files={split: [str(path) for path in paths]}, split=expression)


def _with_named_gaps(splits: dict[str, Any], root: Path, dataset: str, config: str | None) -> Any:
    """Return the splits so that one which the mirror lacks is an error that says where it was looked for."""
    from datasets import DatasetDict

    class Mirrored(DatasetDict):  # type: ignore[misc]
        def __missing__(self, split: str) -> Any:
            split_files(root, dataset, config, split)
            raise KeyError(split)

    return Mirrored(splits)


def _from_hub(dataset: str, config: str | None, settings: dict[str, Any]) -> tuple[Origin, Any]:
    loading = _LOADING.get()
    pinned = loading.pins.get(dataset) if loading else None
    revision = settings.pop("revision", None) or pinned or _current_revision(dataset)
    try:
        loaded = _plain_load(dataset, config, revision=revision, **settings)
    except Exception as error:  # datasets raises whatever its parts raise
        raise HarnessError(
            f"{dataset}: cannot be read from the hub ({type(error).__name__}: {error}); on a machine without a network "
            f"put {Path(dataset, config or '')}/SPLIT.parquet or .jsonl into a folder, and set {DATA_DIR} to it"
        ) from error
    return Origin(dataset, config, "hub", revision), loaded


@cache
def _current_revision(dataset: str) -> str | None:
    """Return the commit that the hub's main branch of a data set is at; None where the hub does not answer."""
    from huggingface_hub import HfApi

    try:
        return HfApi().dataset_info(dataset, timeout=10).sha
    except Exception:  # no network, a gated data set, an old server: loading will say it
        return None


def _hashes(files: Any, root: Path | None = None) -> dict[str, str]:
    """Return the SHA-256 of each local file, by its path in the mirror, or by its name."""
    paths = [Path(file) for group in _by_split(files).values() for file in _listed(group)]
    return {
        str(path.relative_to(root)) if root else path.name: _sha256(path, path.stat().st_mtime_ns)
        for path in paths
        if path.is_file()
    }


@cache
def _sha256(path: Path, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _by_split(files: Any) -> Mapping[str, Any]:
    return files if isinstance(files, Mapping) else {"train": files} if files else {}


def _listed(files: Any) -> list[Any]:
    return list(files) if isinstance(files, (list, tuple)) else [files]
