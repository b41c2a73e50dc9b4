"""Tasks become items: lm-eval reads the task and makes its prompts, we keep what raters need.

A task of the catalogue is a folder with a `task.yaml` of lm-eval. What lm-eval has no key for stands under
`metadata: harness:`: the family, which field is the item's id, the criteria, and which fields raters need.
"""

from __future__ import annotations

import contextlib
import json
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.catalog import Catalog
from harness.document import read_document
from harness.errors import HarnessError, did_you_mean
from harness.records import Family, Item, digest
from harness.suite import TaskUse


class TaskFacts(BaseModel):
    """What `metadata: harness:` of a task.yaml says."""

    model_config = ConfigDict(extra="forbid")

    family: Family = "other"
    id: str | None = None
    """The field with the item's id; its position in the data where not given."""
    criteria: list[str] = Field(default_factory=list)
    context: str | None = None
    """The field with the text that an answer is about, a passage to summarize for example."""
    references: str | None = None
    """The field with the reference answer or answers."""
    cluster: str | None = None
    keep: list[str] = Field(default_factory=list)
    """Fields that go into the item's metadata, for raters."""
    limits: dict[str, float] = Field(default_factory=dict)
    """What a program may use while it is verified: `seconds`, `memory_mb`, `message_mb`."""


@dataclass
class Task:
    """A task that is ready to be answered: lm-eval's task, our facts, and the items with the requests that ask them."""

    name: str
    facts: TaskFacts
    lm_task: Any
    """lm-eval's `ConfigurableTask`."""
    items: list[Item] = field(default_factory=list)
    requests: dict[str, list[Any]] = field(default_factory=dict)
    """For each item id lm-eval's `Instance`s: one a choice for multiple choice, otherwise one."""
    card: str | None = None

    @property
    def output_type(self) -> str:
        """lm-eval's output type: `multiple_choice`, `generate_until`, ..."""
        return str(self.lm_task.OUTPUT_TYPE)


def load_task(use: TaskUse, catalog: Catalog, limit: int | None = None) -> Task:
    """Load a task with its items and requests.

    Args:
        use: How the suite uses the task.
        catalog: Where it is looked for; a name that is not in `tasks/` is looked up among lm-eval's own.
        limit: At most so many items.

    Raises:
        HarnessError: There is no such task, its YAML is broken, or its data cannot be loaded.
    """
    known = catalog.entries("tasks")
    folder = known.get(use.task)
    lm_task = _from_folder(folder) if folder else _from_lm_eval(use.task, list(known))
    if use.num_fewshot is not None:
        lm_task.set_config(key="num_fewshot", value=use.num_fewshot)
    lm_task.set_fewshot_seed(seed=1234)  # lm-eval's own default, so that few-shot prompts are the same
    declared = (lm_task.config.metadata or {}).get("harness", {})
    where = folder / "task.yaml" if folder else use.task
    try:
        facts = TaskFacts.model_validate(declared)
    except ValidationError as error:
        raise HarnessError(f"{where}: metadata: harness: {error}") from error
    task = Task(use.task, facts, lm_task, card=_card(folder))
    for item, instances in _items(task, limit, str(where)):
        task.items.append(item)
        task.requests[item.item_id] = instances
    return task


def check_task(name: str, catalog: Catalog) -> None:
    """Check that a task is in the catalogue or among lm-eval's own, without loading it.

    Raises:
        HarnessError: It is neither; says which is near.
    """
    if name not in catalog.entries("tasks"):
        _lm_eval_tasks(name, list(catalog.entries("tasks")))


def _lm_eval_tasks(name: str, ours: list[str]) -> Any:
    """Return lm-eval's index of its own tasks, which takes it some seconds.

    Raises:
        HarnessError: The name is not in it.
    """
    with quiet_lm_eval():
        from lm_eval.tasks import TaskManager

        manager = TaskManager()
    if name not in manager.all_tasks:
        near = did_you_mean(name, [*ours, *manager.all_subtasks])
        raise HarnessError(f"no task {name!r} in tasks/ and none of that name in lm-eval.{near}")
    return manager


def _from_folder(folder: Path) -> Any:
    path = folder / "task.yaml"
    read_document_without_functions(path)
    with quiet_lm_eval():
        from lm_eval.tasks import TaskManager
        from lm_eval.tasks._yaml_loader import load_yaml

        try:
            config = load_yaml(path, resolve_func=True)
            kwargs = config.get("dataset_kwargs") or {}
            if "data_files" in kwargs:
                config["dataset_kwargs"] = {**kwargs, "data_files": _absolute(kwargs["data_files"], folder)}
            return _only(TaskManager(include_defaults=False).load(config), folder.name)
        except HarnessError:
            raise
        except Exception as error:  # lm-eval and datasets raise whatever their parts raise
            raise HarnessError(f"{path}: lm-eval cannot load this task: {type(error).__name__}: {error}") from error


def _from_lm_eval(name: str, ours: list[str]) -> Any:
    manager = _lm_eval_tasks(name, ours)
    with quiet_lm_eval():
        try:
            return _only(manager.load(name), name)
        except HarnessError:
            raise
        except Exception as error:
            raise HarnessError(f"lm-eval cannot load its task {name!r}: {type(error).__name__}: {error}") from error


def read_document_without_functions(path: Path) -> None:
    """Check that a task.yaml is YAML, before lm-eval skips a broken one in silence; `!function` is let through."""
    import yaml

    try:
        yaml.compose(path.read_text(encoding="utf-8"))
    except yaml.YAMLError:
        read_document(path)  # says where


def _only(loaded: Any, name: str) -> Any:
    tasks = list(loaded["tasks"].values())
    if len(tasks) != 1:
        raise HarnessError(f"{name!r} is a group of {len(tasks)} tasks; name one of them: {', '.join(loaded['tasks'])}")
    return tasks[0]


def _absolute(files: Any, folder: Path) -> Any:
    if isinstance(files, dict):
        return {split: _absolute(value, folder) for split, value in files.items()}
    if isinstance(files, list):
        return [_absolute(value, folder) for value in files]
    return files if "://" in files else str(folder / files)


def _card(folder: Path | None) -> str | None:
    card = folder / "README.md" if folder else None
    return card.read_text(encoding="utf-8") if card and card.is_file() else None


def _items(task: Task, limit: int | None, where: str) -> Iterator[tuple[Item, list[Any]]]:
    lm_task, facts = task.lm_task, task.facts
    fewshot = lm_task.config.num_fewshot or 0
    for number, doc in lm_task.doc_iterator(limit=limit):
        if facts.id is not None and facts.id not in doc:
            raise HarnessError(f"{where}: the data have no field {facts.id!r} (metadata: harness: id)")
        item_id = str(doc[facts.id]) if facts.id is not None else str(number)
        context = lm_task.fewshot_context(doc, fewshot)
        instances = lm_task.construct_requests(doc, context, metadata=(task.name, number, 1))
        instances = instances if isinstance(instances, list) else [instances]
        yield _item(task, item_id, doc, context), instances


def _item(task: Task, item_id: str, doc: dict[str, Any], context: Any) -> Item:
    lm_task, facts = task.lm_task, task.facts
    choices = [str(c) for c in lm_task.doc_to_choice(doc)] if task.output_type == "multiple_choice" else None
    target = lm_task.doc_to_text(doc) if lm_task.multiple_input else lm_task.doc_to_target(doc)
    if choices is not None and isinstance(target, str) and target in choices:
        target = choices.index(target)
    references = doc.get(facts.references) if facts.references else None
    kept = {name: doc[name] for name in facts.keep}
    if facts.limits:
        kept["limits"] = facts.limits
    prompt = context if isinstance(context, str) else "\n".join(str(part) for part in context)
    contents = {
        "prompt": prompt,
        "choices": choices,
        "target": None if target is None else str(target),
        "references": [references] if isinstance(references, str) else list(references or []),
        "context": str(doc[facts.context]) if facts.context else None,
        "metadata": json.dumps(kept, sort_keys=True, ensure_ascii=False),
    }
    return Item(
        task=task.name,
        item_id=item_id,
        family=facts.family,
        cluster=str(doc[facts.cluster]) if facts.cluster else None,
        content_hash=digest(contents),
        **contents,
    )


@contextlib.contextmanager
def quiet_lm_eval() -> Iterator[None]:
    """Keep lm-eval's and datasets' notices off the terminal; errors still come as exceptions."""
    names = ("lm_eval", "lm-eval", "datasets", "transformers", "huggingface_hub")
    levels = {name: logging.getLogger(name).level for name in names}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            from datasets import disable_progress_bars, enable_progress_bars

            disable_progress_bars()
            yield
            enable_progress_bars()
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
