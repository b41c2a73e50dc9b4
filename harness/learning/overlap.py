"""Which practice items are held-out items, or nearly: what selected the training data may not evaluate the model."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from harness.errors import HarnessError
from harness.records import Item

WORD = re.compile(r"\w+")
SHINGLE = 8
"""Words in a row that two texts rarely share by chance."""
SHARED = 0.5
"""The share of such rows above which two prompts are nearly the same."""


def refuse_held_out(learner: str, items: Sequence[Item], held_out: Sequence[Item], number: int) -> None:
    """Refuse a round that would practise on what it is evaluated on.

    Two items are the same with the same id or prompt, and nearly the same where their prompts have the same words in
    another order or case, or share most of their rows of eight words.

    Raises:
        HarnessError: Some are, or two practice items have one id.
    """
    ids = {(item.task, item.item_id) for item in held_out}
    prompts = {item.prompt for item in held_out}
    both = [item.item_id for item in items if (item.task, item.item_id) in ids or item.prompt in prompts]
    if both:
        raise HarnessError(
            f"learner {learner!r}, round {number}: {len(both)} of {len(items)} practice items are "
            f"held-out items too ({both[0]!r}); a model may not be evaluated on what selected its training data"
        )
    near = nearly_same(items, held_out)
    if near:
        raise HarnessError(
            f"learner {learner!r}, round {number}: {len(near)} of {len(items)} practice items are nearly held-out "
            f"items ({near[0][0].prompt!r:.120} is nearly {near[0][1].prompt!r:.120}); a model may not be evaluated on "
            "what selected its training data"
        )
    twice = len(items) - len({item.item_id for item in items})
    if twice:
        raise HarnessError(f"learner {learner!r}, round {number}: {twice} practice items have the id of another one")


def nearly_same(items: Sequence[Item], others: Sequence[Item]) -> list[tuple[Item, Item]]:
    """Return the items that are nearly one of the others, each with one of those."""
    words = {id(item): WORD.findall(item.prompt.casefold()) for item in (*items, *others)}
    bags = {tuple(sorted(words[id(other)])): other for other in others if words[id(other)]}
    rows: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, other in enumerate(others):
        for row in _rows(words[id(other)]):
            rows[row].append(place)
    usual = max(2, len(others) // 20)  # what many prompts share is their template
    found = []
    for item in items:
        same = bags.get(tuple(sorted(words[id(item)])))
        if same is None:
            own = {row for row in _rows(words[id(item)]) if len(rows.get(row, ())) <= usual}
            shared = Counter(place for row in own for place in rows.get(row, ()))
            place, count = shared.most_common(1)[0] if shared else (0, 0)
            same = others[place] if own and count > SHARED * len(own) else None
        if same is not None:
            found.append((item, same))
    return found


def _rows(words: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(words[start : start + SHINGLE]) for start in range(len(words) - SHINGLE + 1)}
