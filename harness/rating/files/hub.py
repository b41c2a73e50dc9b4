"""Human-rated data sets by their name on the hub, or from a mirror folder on machines without a network; and as runs.

Where files lie in a mirror, and how the hub is asked, is `answering/hub.py`'s business; tasks take their data likewise.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from harness.answering import load_dataset, mirror, split_files
from harness.catalog import Catalog
from harness.errors import HarnessError, did_you_mean
from harness.rating.files.mapping import Hub, Join, Mapping
from harness.rating.files.presets import presets
from harness.rating.files.reading import Imported, read_ratings
from harness.rating.files.source import Source, read_source
from harness.rating.files.table import Entry
from harness.records import Item, Record, Response, digest


def hub_source(where: Hub, limit: int | None = None) -> Source:
    """Read a split of a data set from the mirror folder, or from the hub.

    Args:
        where: The data set.
        limit: At most so many records.

    Raises:
        HarnessError: There is a mirror folder without that file, or the hub cannot be read.
    """
    root = mirror()
    source = _from_mirror(root, where) if root else _from_hub(where, limit)
    source = replace(source, entries=source.entries[:limit])
    if where.join and any(where.join.take not in entry.record for entry in source.entries):
        _join(source, where.join)
    return source


def _join(source: Source, join: Join) -> None:
    """Complete the records with a column of another data set.

    Raises:
        HarnessError: The other data set cannot be read, or has not one of the records.
    """
    other = hub_source(Hub(dataset=join.dataset, split=join.split))
    column = {entry.record.get(join.key): entry.record.get(join.take) for entry in other.entries}
    lacking = [entry for entry in source.entries if entry.record.get(join.key) not in column]
    if len(lacking) == len(source.entries):
        raise HarnessError(
            f"{join.dataset}: none of its {join.key!r} is one of {source.path}, whose texts it should have"
        )
    if lacking:
        source.notes.append(f"{len(lacking)} records have no text in {join.dataset}")
    for entry in source.entries:
        entry.record.setdefault(join.take, column.get(entry.record.get(join.key), ""))


def _from_mirror(root: Path, where: Hub) -> Source:
    read = [read_source(part) for part in split_files(root, where.dataset, where.config, where.split)]
    records = [entry.record for one in read for entry in one.entries]
    entries = [Entry(row, None, record) for row, record in enumerate(records, 1)]
    return Source(root / where.dataset, read[0].kind, entries)


def _from_hub(where: Hub, limit: int | None) -> Source:
    settings: dict[str, Any] = {"split": where.split, "streaming": limit is not None}
    if where.files:
        rows = load_dataset("json", data_files={where.split: where.files}, **settings)
    else:
        rows = load_dataset(where.dataset, where.config, revision=where.revision, **settings)
    entries = [Entry(row, None, dict(record)) for row, record in enumerate(islice(rows, limit), 1)]
    return Source(Path(where.dataset), "parquet", entries)


def find_dataset(name: str, catalog: Catalog | None = None) -> Mapping:
    """Return the mapping of a data set by its hub id (`lmsys/mt_bench_human_judgments`) or its format's name.

    Raises:
        HarnessError: No mapping knows it.
    """
    known = {key: one for key, one in presets(catalog).items() if one.hub}
    for key, one in known.items():
        if one.hub and name in (key, one.hub.dataset):
            return one
    ids = [one.hub.dataset for one in known.values() if one.hub]
    raise HarnessError(f"no human-rated data set {name!r}.{did_you_mean(name, [*known, *ids])}")


def read_dataset(
    name: str,
    limit: int | None = None,
    catalog: Catalog | None = None,
    rename: Callable[[str], str] = str,
    split: str | None = None,
) -> tuple[Imported, list[Record]]:
    """Read a human-rated data set: its ratings, and the items and responses that were rated.

    Args:
        name: Its hub id, or its format's name.
        limit: At most so many records.
        catalog: Where mappings are looked for.
        rename: What becomes of a rater's name.
        split: The split; the mapping's own where not given.

    Returns:
        What was read, and items and responses, which with the ratings make a run.

    Raises:
        HarnessError: No mapping knows it, or it cannot be read.
    """
    mapping = find_dataset(name, catalog)
    assert mapping.hub is not None
    where = mapping.hub.model_copy(update={"split": split} if split else {})
    found = read_ratings(hub_source(where, limit), mapping, rename=rename)
    return found, list(rated_of(found, mapping))


def rated_of(found: Imported, mapping: Mapping) -> Iterator[Record]:
    """Yield the items and responses that were rated, each once; the ratings are changed to name them."""
    if mapping.texts is None:
        raise HarnessError(f"the format {mapping.name!r} does not say where the texts stand")
    items: dict[tuple[str, str], Item] = {}
    responses: dict[str, Response] = {}
    for place, (rating, texts) in enumerate(zip(found.ratings, found.texts, strict=True)):
        item_id = texts.get("item") or rating.item_id
        found.ratings[place] = rating = rating.model_copy(update={"item_id": item_id})
        items.setdefault(
            (rating.task, item_id),
            Item(
                task=rating.task,
                item_id=item_id,
                family=mapping.texts.family,
                prompt=texts["prompt"],
                content_hash=digest(texts["prompt"]),
            ),
        )
        facts = json.loads(rating.metadata)
        for side, response_id in (("response", rating.response_id), ("against", rating.against_id)):
            if response_id and response_id not in responses:
                responses[response_id] = Response(
                    response_id=response_id,
                    task=rating.task,
                    item_id=item_id,
                    model=facts.get("model" if side == "response" else "against_model") or "unknown",
                    text=texts.get(side, ""),
                )
    yield from items.values()
    yield from responses.values()
