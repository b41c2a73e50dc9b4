"""Groups and tags of tasks: `task: mmlu` in a suite stands for all tasks below it, and has lm-eval's aggregates.

A group is a YAML file as lm-eval has them (`group`, `task`, `aggregate_metric_list`), of lm-eval or of a `tasks/`
folder of the user's; a tag is what tasks say of themselves. Both are known by their files, without lm-eval's index of
all tasks, which takes it long.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from harness.answering.tasks.definitions import definitions_in, lm_eval_folder, quiet_lm_eval
from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.suite import Suite, TaskUse

KEYS = {"group", "group_alias", "task", "aggregate_metric_list", "metadata", "tag", "include"}
TAGS = re.compile(r"^[\"']?tag[\"']?:", re.MULTILINE)
INCLUDES = re.compile(r"^[\"']?include[\"']?:[ \t]*[\"']?([^\s\"'#\[\]]+)", re.MULTILINE)


@dataclass(frozen=True)
class Group:
    """A group of tasks."""

    name: str
    members: list[str]
    """Tasks and groups directly below it."""
    alias: str | None = None
    metrics: list[dict[str, Any]] = field(default_factory=list)
    """lm-eval's `aggregate_metric_list`; a group without it has no score of its own."""
    version: str = "N/A"


Groups = dict[str, Group]


def expanded(suite: Suite, catalog: Catalog) -> tuple[Suite, Groups]:
    """Return a suite whose groups and tags are the tasks below them, each used as the group was, and the groups.

    Raises:
        HarnessError: A group is given a name of its own, a task stands below two of them with other settings, or a file
            of a group cannot be read.
    """
    groups: Groups = {}
    uses: list[TaskUse] = []
    for use in suite.tasks:
        leaves = leaves_of(use.task, catalog, groups)
        if leaves is None:
            uses.append(use)
            continue
        if use.name is not None:
            raise HarnessError(f"{use.task!r} is a group of {len(leaves)} tasks, and `name` is for one")
        below = [use.model_copy(update={"task": leaf}) for leaf in leaves]
        uses += [one for one in below if one not in uses]
    if len(uses) == len(suite.tasks) and not groups:
        return suite, groups
    called = [use.called for use in uses]
    if twice := sorted({name for name in called if called.count(name) > 1}):
        raise HarnessError(f"the task {twice[0]!r} is used twice with other settings, once by way of a group or tag")
    return suite.model_copy(update={"tasks": uses}).read_from(None), groups


def within(names: Sequence[str] | None, groups: Mapping[str, Group]) -> list[str] | None:
    """Return names of tasks with those of groups as the tasks below them; None where none are given."""
    return None if names is None else [leaf for name in names for leaf in _leaves(name, groups)]


def leaves_of(name: str, catalog: Catalog, groups: Groups) -> list[str] | None:
    """Return the tasks below a group or tag; None of a name that is neither.

    Args:
        name: As a suite gives it.
        catalog: Where it is looked for, before lm-eval's own.
        groups: Gets the groups that are met.
    """
    return _Looking(catalog, groups).below(name)


class _Looking:
    """One look for groups and tags, which reads each folder once."""

    def __init__(self, catalog: Catalog, groups: Groups) -> None:
        self.folders = catalog.entries("tasks")
        self.roots = [*(root / "tasks" for root in catalog.roots), lm_eval_folder() / "tasks"]
        self.groups = groups
        self._defined: dict[Path, dict[str, tuple[str, Path]]] = {}

    def _definitions(self, root: Path) -> dict[str, tuple[str, Path]]:
        if root not in self._defined:
            self._defined[root] = definitions_in(root)
        return self._defined[root]

    def below(self, name: str, above: tuple[str, ...] = ()) -> list[str] | None:
        """Return the tasks below a name; `above` are the groups around it."""
        if name in above:
            raise HarnessError(f"the group {above[0]!r} holds itself: {' > '.join((*above, name))}")
        kind, path = self._definition(name)
        if kind == "task":
            return None
        if kind == "group" and path is not None:
            return self._listed(name, _read_group(path), path, above)
        return sorted({task for root in self.roots for task in self._tagged(name, root)}) or None

    def _definition(self, name: str) -> tuple[str | None, Path | None]:
        """Return whether a name is a task's or a group's, and its file; None of both where no file defines it."""
        folder = self.folders.get(name) or Path(name)
        for path in (folder / "task.yaml", folder):
            if path.is_file() and path.suffix in (".yaml", ".yml"):
                return "task", path
        return next((found[name] for root in self.roots if name in (found := self._definitions(root))), (None, None))

    def _listed(self, name: str, config: Mapping[str, Any], path: Path, above: tuple[str, ...]) -> list[str]:
        if changed := sorted(set(config) - KEYS):
            raise HarnessError(
                f"{path}: the group {name!r} says `{changed[0]}` for its tasks: name them one by one, or correct "
                f"the key (a group has {', '.join(sorted(KEYS))})"
            )
        members: list[str] = []
        leaves: list[str] = []
        metrics = config.get("aggregate_metric_list") or []
        version = str((config.get("metadata") or {}).get("version", "N/A"))
        metrics = [metrics] if isinstance(metrics, dict) else list(metrics)
        self.groups[name] = Group(name, members, config.get("group_alias"), metrics, version)
        listed = config.get("task") or []
        for entry in [listed] if isinstance(listed, str | dict) else listed:
            if isinstance(entry, dict) and "group" in entry:
                inner = f"{name}::{entry['group']}"  # as lm-eval calls it
                below: list[str] | None = self._listed(inner, entry, path, (*above, name))
            elif isinstance(entry, dict) and set(entry) != {"task"}:
                raise HarnessError(
                    f"{path}: the group {name!r} changes settings of {entry.get('task')!r}: name it alone"
                )
            else:
                inner = str(entry["task"]) if isinstance(entry, dict) else str(entry)
                below = self.below(inner, (*above, name))
            members += below if below is not None and inner not in self.groups else [inner]
            leaves += below if below is not None else [inner]
        return list(dict.fromkeys(leaves))

    def _tagged(self, tag: str, root: Path) -> list[str]:
        """Return the tasks below a folder that say that they have a tag, by themselves or by what they include."""
        from lm_eval.tasks._yaml_loader import load_yaml

        texts = _lm_eval_texts() if root == lm_eval_folder() / "tasks" else _texts(root)
        speaking = {path for path, text in texts.items() if tag in text and TAGS.search(text)}
        if not speaking:
            return []
        included = {path: _included(path, text) for path, text in texts.items()}
        while more := {path for path, others in included.items() if path not in speaking and others & speaking}:
            speaking |= more
        named = {path.resolve() for kind, path in self._definitions(root).values() if kind == "task"}
        found = []
        for path in sorted(speaking & named):
            config = load_yaml(path, resolve_func=False, recursive=True)
            tags = config.get("tag") or []
            if tag in ([tags] if isinstance(tags, str) else tags):
                found.append(str(config["task"]))
        return found


def _read_group(path: Path) -> dict[str, Any]:
    from lm_eval.tasks._yaml_loader import load_yaml

    config: dict[str, Any] = load_yaml(path, resolve_func=False, recursive=True)
    return config


def _included(path: Path, text: str) -> set[Path]:
    return {Path(os.path.normpath(path.parent / name)) for name in INCLUDES.findall(text)}


@cache
def _lm_eval_texts() -> dict[Path, str]:
    return _texts(lm_eval_folder() / "tasks")


def _texts(root: Path) -> dict[Path, str]:
    """Return the files below a folder that have a tag or include another; templates have any ending, or none."""
    files = (path for path in sorted(root.rglob("*")) if path.suffix in ("", ".yaml", ".yml") and path.is_file())
    found = {path.resolve(): path.read_text(encoding="utf-8", errors="replace") for path in files}
    return {path: text for path, text in found.items() if TAGS.search(text) or INCLUDES.search(text)}


def group_scores(groups: Mapping[str, Group], scores: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return lm-eval's aggregates of groups over the scores of their tasks, by its own code.

    Args:
        groups: From `expanded`.
        scores: Of one model: what `score` returned of each task.
    """
    from lm_eval.api.group import Group as LmGroup

    results = {task: dict(found["results"]) for task, found in scores.items()}
    found = {}
    for group in groups.values():
        leaves = _leaves(group.name, groups)
        if not any(leaf in results for leaf in leaves):
            continue
        named = {"group": group.name, "group_alias": group.alias, "aggregate_metric_list": group.metrics}
        made: Any = LmGroup.from_config(named)
        made.get_all_tasks = lambda recursive=True, leaves=leaves: [SimpleNamespace(task_name=leaf) for leaf in leaves]
        with quiet_lm_eval():
            found[group.name] = made.aggregate(results)
    return found


def _leaves(name: str, groups: Mapping[str, Group]) -> list[str]:
    if name not in groups:
        return [name]
    return list(dict.fromkeys(leaf for member in groups[name].members for leaf in _leaves(member, groups)))


def group_facts(groups: Mapping[str, Group]) -> list[dict[str, Any]]:
    """Return groups as the manifest keeps them."""
    return [asdict(group) for group in groups.values()]


def read_groups(facts: Sequence[Mapping[str, Any]]) -> Groups:
    """Return groups from the manifest."""
    return {one["name"]: Group(**one) for one in facts}
