"""Human-rated data sets become part of a run: what was rated, everybody's ratings, and the work of raters on the same.

The data set's mapping says all that is particular to it. Who stands in it by name gets a pseudonym on the way in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

from harness.catalog import Catalog
from harness.rating.files.hub import find_dataset, read_dataset
from harness.rating.files.reading import Imported
from harness.rating.files.repeats import with_ids
from harness.rating.people.pseudonyms import pseudonym, user_key
from harness.rating.rate import work_of
from harness.rating.rater import RaterSpec, Work
from harness.records import Item, Record, Response, digest
from harness.run import Run
from harness.suite import RaterUse

KEY = ["response_id", "against_id"]


def collect(
    run: Run,
    dataset: str,
    *,
    split: str | None = None,
    limit: int | None = None,
    catalog: Catalog | None = None,
    key: bytes | None = None,
) -> Imported:
    """Fill a run with a human-rated data set: what was rated, and everybody's ratings under pseudonyms.

    Args:
        run: The run.
        dataset: Its hub id (`lmsys/mt_bench_human_judgments`) or its format's name (`mt-bench`).
        split: The split; the mapping's own where not given.
        limit: At most so many records.
        catalog: Where formats are looked for.
        key: The key of the pseudonyms; the user's own where not given.

    Returns:
        What was read, and what was left out and why.

    Raises:
        HarnessError: Nothing knows the data set, or it cannot be read.
    """
    name = partial(pseudonym, key=key or user_key())
    found, rated = read_dataset(dataset, limit, catalog, rename=name, split=split)
    found.ratings[:] = with_ids(found.ratings)
    part = f"{found.format}-{split}" if split else found.format
    items = [one for one in rated if isinstance(one, Item)]
    responses = [one for one in rated if isinstance(one, Response)]
    parts: list[Sequence[Record]] = [items, responses, found.ratings]
    for records in parts:
        run.write(records, part)
    return found


def tasks_of(
    run: Run, dataset: str, split: str | None, limit: int | None, catalog: Catalog, key: bytes | None = None
) -> list[str]:
    """Return the tasks of a data set in a run, which is filled with it first where it was not, or by another mapping.

    The manifest keeps how many rows were read, and why which were left out.
    """
    made_by = {"limit": limit, "mapping": digest(find_dataset(dataset, catalog).model_dump_json())}
    name = f"{dataset} ({split})" if split else dataset
    known: dict[str, Any] = run.manifest.get("collected", {}).get(name, {})
    if known.items() >= made_by.items():
        return list(known["tasks"])
    found = collect(run, dataset, split=split, limit=limit, catalog=catalog, key=key)
    tasks = sorted({one.task for one in found.ratings})
    left_out = dict(Counter(one.reason for one in found.rejected))
    counts = {"read": found.read, "ratings": len(found.ratings), "left_out": left_out}
    run.note(collected={name: {**made_by, "tasks": tasks, **counts}})
    return tasks


def rated_work(run: Run, task: str, use: RaterUse, spec: RaterSpec) -> list[Work]:
    """Return the work of a rater on what people have rated: each response, or the very pairs that people compared."""
    if not spec.compares:
        return work_of(run, task, use, spec)
    rows = run.items[run.items["task"] == task].sort_values("item_id", kind="stable")
    items: dict[str, Item] = {item.item_id: item for item in run.records(Item, rows[: use.limit])}
    by_people = (run.ratings["rater_kind"] == "human") & (run.ratings["task"] == task)
    pairs = run.ratings.loc[by_people, KEY].dropna().drop_duplicates().sort_values(KEY, kind="stable")
    responses: dict[str, Response] = {one.response_id: one for one in run.records(Response)}
    return [
        Work(items[responses[first].item_id], responses[first], responses[second], repetition, (responses[first],))
        for first, second in pairs.itertuples(index=False, name=None)
        if responses[first].item_id in items
        for repetition in range(use.repetitions)
    ]
