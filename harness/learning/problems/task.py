"""A task with a generator: items without end, of which one in three is held out, by its key.

The task is a folder of the catalogue as any other, with a `task.yaml` of lm-eval and some of its held-out items as
data, so that any model answers it; the generator is named under `metadata: harness: generator`. Here it is read without
lm-eval: what trains needs no more than what is here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import islice
from random import Random
from typing import Any

from harness.catalog import Catalog, function_named
from harness.errors import HarnessError
from harness.rating import last_number
from harness.records import Family, Item, digest
from harness.suite import read_document

HELD_OUT = 3
"""One in so many problems is held out, whatever the seed."""
TRIES = 5000
"""Draws in a row without a new problem after which there are no more."""


@dataclass(frozen=True)
class Problem:
    """One problem: its key, the same for all ways to write it, and its fields, which the prompt is made of."""

    key: str
    fields: dict[str, Any]
    held_out: bool | None = None
    """Decided by the key where not given; by the generator where problems of other keys have too much in common."""


Generator = Callable[[Random], Problem]
"""Draws a problem."""


@dataclass(frozen=True)
class ProblemTask:
    """A task of the catalogue that has a generator."""

    name: str
    generate: Generator = field(repr=False)
    prompt: str
    target: str
    facts: dict[str, Any] = field(repr=False)
    """`metadata: harness:` of the task."""
    until: tuple[str, ...] = ()
    """What ends an answer."""
    max_tokens: int = 256
    """The longest answer."""

    @property
    def raters(self) -> list[str]:
        """Raters of the catalogue that fit, the one that scores it first."""
        return list(self.facts.get("raters", ()))

    @cached_property
    def version(self) -> str:
        """The hash of what the items follow from: the templates, and the first held-out problems."""
        return digest(self.name, self.prompt, self.target, [one.fields for one in self._held_out(5)])

    def held_out(self, count: int) -> list[Item]:
        """Return the first `count` held-out items, the same for all time.

        Raises:
            HarnessError: There are fewer.
        """
        return [self.item(problem) for problem in self._held_out(count)]

    def practice(self, seed: int, start: int, count: int) -> list[Item]:
        """Return `count` items to practise on, after the first `start` of a seed's own.

        Raises:
            HarnessError: There are fewer.
        """
        return [self.item(one) for one in self._problems(f"practice {seed}", False, start + count)[start:]]

    def item(self, problem: Problem) -> Item:
        """Return a problem as an item."""
        prompt, target = self._render(self.prompt, problem), self._render(self.target, problem)
        references = problem.fields.get(self.facts.get("references", ""))
        context = problem.fields.get(self.facts.get("context", ""))
        kept = {name: problem.fields[name] for name in self.facts.get("keep", ())}
        family: Family = self.facts.get("family", "other")
        contents = {
            "prompt": prompt,
            "choices": None,
            "target": target,
            "references": [references] if isinstance(references, str) else list(references or []),
            "context": context,
            "metadata": json.dumps(kept, sort_keys=True, ensure_ascii=False),
        }
        return Item(
            task=self.name, item_id=problem.key, family=family, content_hash=digest(contents), **contents
        )  # fmt: skip

    def right(self, item: Item, text: str) -> bool | None:
        """Say whether an answer is right where a number decides it, as the rater `last_number` reads it; else None."""
        if "last_number" not in self.raters or item.target is None:
            return None
        return last_number(text) == last_number(item.target)

    def _held_out(self, count: int) -> list[Problem]:
        return self._problems("held out", True, count)

    def _problems(self, purpose: str, held_out: bool, count: int) -> list[Problem]:
        found = list(islice(self._stream(purpose, held_out), count))
        if len(found) < count:
            what = "held-out" if held_out else "practice"
            raise HarnessError(f"the task {self.name!r} has {len(found):,} {what} items, {count:,} are wanted")
        return found

    def _stream(self, purpose: str, held_out: bool) -> Iterator[Problem]:
        """Yield different problems of one side."""
        random = Random(f"{self.name} {purpose}")
        seen: set[str] = set()
        misses = 0
        while misses < TRIES:
            problem = self.generate(random)
            side = is_held_out(self.name, problem.key) if problem.held_out is None else problem.held_out
            if problem.key in seen or side != held_out:
                misses += 1
                continue
            seen.add(problem.key)
            misses = 0
            yield problem

    @staticmethod
    def _render(template: str, problem: Problem) -> str:
        rendered: str = _template(template).render(**problem.fields)
        return rendered


def is_held_out(task: str, key: str) -> bool:
    """Return whether a problem is held out: decided by its key alone, so that nobody has to remember which are."""
    return int(digest(task, key), 16) % HELD_OUT == 0


def problem_task(name: str, catalog: Catalog) -> ProblemTask:
    """Return a task of the catalogue that has a generator.

    Raises:
        HarnessError: There is none of that name, or it has no generator.
    """
    path = catalog.find("tasks", name) / "task.yaml" if name != "addition" else None
    content = read_document(path).content if path else {}
    facts = ((content.get("metadata") or {}) if isinstance(content, dict) else {}).get("harness") or {}
    if "generator" not in facts:
        known = ", ".join(sorted(generated(catalog)))
        raise HarnessError(
            f"the task {name!r} has no generator (metadata: harness: generator); those that have: {known}"
        )
    generate = function_named(
        str(facts["generator"]), f"{path}: metadata: harness: generator", path.parent if path else None
    )
    writing = content.get("generation_kwargs") or {}
    return ProblemTask(
        name,
        generate,
        str(content["doc_to_text"]),
        str(content["doc_to_target"]),
        facts,
        tuple(writing.get("until") or ()),
        int(writing.get("max_gen_toks", 256)),
    )


def generated(catalog: Catalog) -> list[str]:
    """Return the names of the tasks of the catalogue that have a generator."""
    folders = catalog.entries("tasks").items()
    return [name for name, path in folders if "generator:" in (path / "task.yaml").read_text(encoding="utf-8")]


@cache
def _template(text: str) -> Any:
    from jinja2 import Environment, StrictUndefined

    made = Environment(undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701 as lm-eval's; it makes no HTML
    return made.from_string(text)
