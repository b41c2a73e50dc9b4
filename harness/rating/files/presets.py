"""The formats that are known, each a mapping in the catalogue, and which of them a file is of.

They lie in `raters/human/presets/`; a user's own, in a folder given by `--include` or `HARNESS_PATH`, come first, then
those of installed packages (entry points `harness.importers`). A path to a `mapping.yaml` does as well as a name.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from harness.catalog import Catalog
from harness.errors import HarnessError, did_you_mean
from harness.rating.files.cells import holds
from harness.rating.files.headers import plain_name
from harness.rating.files.layout import NAMES, rows_are_items
from harness.rating.files.mapping import Mapping
from harness.rating.files.source import Source, read_source
from harness.suite import read_document

FOLDER = "raters/human/presets"
GROUP = "harness.importers"
"""Entry points of installed packages: a format's name, and the object that is its mapping's path."""
ALIASES = dict.fromkeys(("parquet", "jsonl", "json", "excel", "xlsx", "table", "csv-long", "csv-wide"), "csv")
"""Names of kinds of file: tables of ratings are one format, however they are stored."""
LONG = 3
"""A table with columns of the item, the rater and the value is as sure as a format with so many conditions."""
LOOKED_AT = 50
"""How many of the first records must show what format a file is of."""


def presets(catalog: Catalog | None = None) -> dict[str, Mapping]:
    """Return the known mappings by name.

    Raises:
        HarnessError: One of them does not fit.
    """
    *own, built_in = [
        {path.stem: path for path in (root / FOLDER).glob("*.yaml")} for root in (catalog or Catalog()).roots
    ]
    installed = {point.name: Path(point.load()) for point in entry_points(group=GROUP)}
    found = {name: path for known in (built_in, installed, *reversed(own)) for name, path in known.items()}
    return {name: _read(path) for name, path in sorted(found.items())}


def read_mapping(path: str | Path) -> Mapping:
    """Read a mapping.

    Raises:
        HarnessError: The file cannot be read or does not fit; names file and line.
    """
    return _read(Path(path))


@cache
def _read(path: Path) -> Mapping:
    return read_document(path).check(Mapping, name=path.stem)


def recognise(source: Source | str | Path, format: str | None = None, catalog: Catalog | None = None) -> Mapping:
    """Return the mapping that a file fits.

    Args:
        source: The file.
        format: The name of a format or of one of its forms, or a `mapping.yaml`; all where not given.
        catalog: Where mappings are looked for.

    Raises:
        HarnessError: There is no such format, or the file fits none, or two equally well.
    """
    if format and format.endswith((".yaml", ".yml")):
        return read_mapping(format)
    known = presets(catalog)
    source = source if isinstance(source, Source) else read_source(source)
    wanted = ALIASES.get(format, format) if format else None
    if wanted in known and (known[wanted].format or wanted) != wanted:
        return known[wanted]  # the name of one form
    candidates = {name: one for name, one in known.items() if wanted in (None, name, one.format)}
    if not candidates:
        raise HarnessError(
            f"no format {format!r}.{did_you_mean(str(format), {one.format or name for name, one in known.items()})}"
        )
    if wanted and len(candidates) == 1:
        return next(iter(candidates.values()))
    fitting = {name: _sure(source, one) for name, one in candidates.items() if fits(source, one)}
    best = [name for name, count in fitting.items() if count == max(fitting.values())]
    best = [name for name in best if known[name].table is None] or best
    if len(best) == 1:
        return known[best[0]]
    if not best and not source.entries:
        raise HarnessError(f"{source.path}: holds no record, nothing but a header at most; was the export cut short?")
    if not best:
        keys = ", ".join(list(source.entries[0].record)[:12])
        names = ", ".join(sorted({one.format or name for name, one in candidates.items()}))
        columns = "say what its columns are (--item, --rater, --value; --raters where raters are columns), or "
        raise HarnessError(
            f"{source.path}: of no format that is known ({names}); it has {keys}. "
            f"Name the format, {columns if 'csv' in candidates else 'or '}copy a mapping of {FOLDER}/, change it, and "
            "give its path"
        )
    raise HarnessError(f"{source.path}: could be {' or '.join(best)}; name the format")


def _sure(source: Source, mapping: Mapping) -> int:
    """Return how many signs of a format a file shows."""
    if mapping.table is None:
        return len(mapping.recognise)
    names = {plain_name(name) for entry in source.entries[:LOOKED_AT] for name in entry.record}
    return LONG if all(names & set(NAMES[field]) for field in ("item_id", "rater", "value")) else 0


def fits(source: Source, mapping: Mapping) -> bool:
    """Return whether one of a file's first records shows everything by which a mapping recognises its format.

    A table needs a column that says what was rated, or several that look like raters.
    """
    if source.kind not in mapping.reads:
        return False
    if mapping.table is None:
        return any(
            all(holds(condition, {".": entry.record}) for condition in mapping.recognise)
            for entry in source.entries[:LOOKED_AT]
        )
    names = list(dict.fromkeys(name for entry in source.entries[:LOOKED_AT] for name in entry.record))
    known = {plain_name(name) for name in names} & {*NAMES["item_id"], *NAMES["rater"]}
    said = mapping.table.item or mapping.table.header
    return bool(known or said or rows_are_items(source.table))
