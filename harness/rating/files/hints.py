"""What a user might have meant where a file read as it stands says little."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from harness.rating.files.cells import plain
from harness.rating.files.mapping import Mapping
from harness.rating.files.repeats import Answer
from harness.rating.files.source import Source


def hints(source: Source, mapping: Mapping, answers: Sequence[Answer]) -> list[str]:
    """Return what else could say which item was rated, where the file's own ids join few raters.

    Tools that give out the same inputs twice (a second batch) give them new ids; the inputs say what is the same.
    """
    if mapping.item_hint is None:
        return []
    item_of = {answer.row: answer.rating.item_id for answer in answers}
    names = dict.fromkeys(name for entry in source.entries for name in entry.record)
    found = []
    for name in names:
        if re.fullmatch(mapping.item_hint, name):
            items: dict[str, set[str]] = defaultdict(set)
            for entry in source.entries:
                told = plain(entry.record.get(name))
                if told is not None and entry.row in item_of:
                    items[told].add(item_of[entry.row])
            if len(items) > 1 and max(map(len, items.values())) > 1:
                found.append(name)
    if not found:
        return []
    first = min(found, key=lambda name: (not re.search(r"(^|[._])id$", name, re.IGNORECASE), len(name)))
    return [f"the same {', '.join(found)} stand under several ids: --item {first} takes these for one item"]
