"""Where a task is defined, and lm-eval's task made from that definition.

A definition is a YAML file of lm-eval's: a `task.yaml` of the catalogue, any YAML file in a `tasks/` folder of the
user's, or one of lm-eval's own. `include: lm_eval/tasks/...` in it is a file of the installed lm-eval, so that a
folder of the catalogue can be thin. Only files that are asked for are parsed; what is wrong with one is told with file
and line, where lm-eval's index passes over it in silence. No code is run to load a task that is rated by running code.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import io
import logging
import re
import sys
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from harness.beside import telling
from harness.catalog import Catalog, function_named
from harness.errors import HarnessError, did_you_mean
from harness.suite import compose, place, read_document

NAMED = re.compile(r"^[\"']?(task|group)[\"']?:[ \t]*[\"']?([^\s\"'#\[\]{}]+)[\"']?[ \t]*(?:#.*)?$", re.MULTILINE)
"""How a file says which task or group it defines."""
A_TASK = re.compile(r"^[\"']?(?:dataset_path|output_type|doc_to_text|class|include)[\"']?:", re.MULTILINE)
"""What a file has that defines a task, though it names a group."""
STRUCTURE = {"include", "tag", "group", "task_list", "class", "dataset_kwargs"}
"""Keys of a file that are no fields of lm-eval's `TaskConfig`, or stand there under the same name."""


def find_definition(name: str, catalog: Catalog) -> Path:
    """Return the file that defines a task.

    Args:
        name: A folder of the catalogue `tasks/`, a path of a folder or file, the name that a YAML file in one of the
            user's `tasks/` folders gives, or the name of a task of lm-eval.
        catalog: Where it is looked for.

    Raises:
        HarnessError: There is none, with the nearest name; or the name is that of a group of tasks.
    """
    folder = catalog.entries("tasks").get(name) or Path(name)
    for path in (folder / "task.yaml", folder):
        if path.is_file() and path.suffix in (".yaml", ".yml"):
            return path
    for root in catalog.roots:
        if name in (found := _names(root / "tasks")):
            return found[name][1]
    own = _lm_eval_names()
    if name not in own:
        known = {name for name, (kind, _) in own.items() if kind == "task"}
        raise HarnessError(
            f"no task {name!r} in tasks/ and none of that name in lm-eval."
            f"{did_you_mean(name, known | set(catalog.entries('tasks')))}"
            " (`harness ls tasks` lists ours; a folder of your own is given by --include DIR)"
        )
    kind, path = own[name]
    if kind == "group":
        raise HarnessError(f"{name!r} is a group of tasks of lm-eval ({path.name}), not one of them")
    return path


def check_functions(path: Path) -> None:
    """Check that the functions which a definition names (`!function utils.f`, a generator) can be imported.

    Raises:
        HarnessError: One cannot; says where it is named, and where it fails.
    """
    named = list(_functions(compose(path)))
    for key, node in named:
        if node.tag != "!function":
            function_named(node.value, f"{place(node)}: {key}", path.parent)
    if any(node.tag == "!function" for _, node in named):
        where = ", ".join(f"{place(node)}: {key}" for key, node in named if node.tag == "!function")
        with quiet_lm_eval(), no_code(), telling(where, "lm-eval cannot import what is named"):
            from lm_eval.tasks._yaml_loader import load_yaml

            load_yaml(path, resolve_func=True, recursive=False)


def _functions(node: yaml.Node | None, key: str = "") -> Iterator[tuple[str, yaml.ScalarNode]]:
    """Yield the key and node of every function that a definition names."""
    if isinstance(node, yaml.ScalarNode) and (node.tag == "!function" or key == "metadata.harness.generator"):
        yield key, node
    elif isinstance(node, yaml.SequenceNode):
        for one in node.value:
            yield from _functions(one, key)
    elif isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            yield from _functions(value, f"{key}.{name.value}" if key else str(name.value))


def make_lm_task(path: Path) -> tuple[Any, dict[str, Any]]:
    """Return lm-eval's task, and what `metadata: harness:` says, which lm-eval does not see.

    Raises:
        HarnessError: The file is no YAML, has a key that lm-eval does not know, or its data cannot be loaded.
    """
    with quiet_lm_eval(), no_code():
        _remember_templates()
        try:
            config = _read(path)
            metadata = dict(config.get("metadata") or {})
            declared = metadata.pop("harness", None) or {}
            config["metadata"] = metadata
            if config.get("metric_list") and any(m.get("metric") == "acc_mutual_info" for m in config["metric_list"]):
                raise HarnessError(f"{path}: acc_mutual_info scores choices without their question: not kept")
            lm_task = _construct(config)
        except HarnessError:
            raise
        except Exception as error:  # lm-eval and datasets raise whatever their parts raise
            raise HarnessError(f"{path}: lm-eval cannot load this task: {type(error).__name__}: {error}") from error
    if config.get("unsafe_code"):
        lm_task.override_metric("bypass")  # tests are a rater's work, in a sandbox
    return lm_task, declared


@cache
def _remember_templates() -> None:
    """Let lm-eval compile each of its prompt templates once, not for every item: most of the time of loading a task."""
    from lm_eval import utils

    utils.env.from_string = cache(utils.env.from_string)


def _construct(config: dict[str, Any]) -> Any:
    from lm_eval.api.task import ConfigurableTask

    for key in ("tag", "group", "task_list"):
        config.pop(key, None)
    made = config.get("class")
    if made is None:
        return ConfigurableTask(config=config)
    try:
        return made(config=config)
    except TypeError:  # as in lm-eval: a class of its own need not take a configuration
        return made()


def _read(path: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Return a definition with what it includes; keys of the file itself win."""
    from lm_eval.tasks._yaml_loader import load_yaml

    if path in seen:
        raise HarnessError(f"{path}: includes itself")
    _check(path)
    config: dict[str, Any] = load_yaml(path, resolve_func=True, recursive=False)
    merged: dict[str, Any] = {}
    included = config.pop("include", [])
    for name in included if isinstance(included, list) else [included]:
        inner = _read(_included(name, path), (*seen, path))
        inner.pop("task_list", None)
        merged |= inner
    kwargs = config.get("dataset_kwargs") or {}
    if "data_files" in kwargs and config.get("dataset_path", merged.get("dataset_path")) in ("json", "csv", "parquet"):
        config["dataset_kwargs"] = {**kwargs, "data_files": _absolute(kwargs["data_files"], path.parent)}
    if isinstance(config.get("metadata"), dict) and "harness" in config["metadata"]:
        config["metadata"] = {**(merged.get("metadata") or {}), **config["metadata"]}
    return merged | config


def _included(name: str, path: Path) -> Path:
    own = name.startswith("lm_eval/")
    found = lm_eval_folder().parent / name if own else path.parent / name
    if not found.is_file():
        where = "the installed lm-eval" if own else str(found.parent)
        raise HarnessError(f"{path}: include: there is no {name} in {where}")
    return found.resolve()


def _check(path: Path) -> None:
    """Check that a file is YAML with keys that lm-eval knows; `!function` is let through."""
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text)
    except (yaml.YAMLError, UnicodeDecodeError):
        read_document(path)  # says where
        raise
    if not isinstance(root, yaml.MappingNode):
        raise HarnessError(f"{path}:1: expected keys and values")
    if lm_eval_folder() in path.parents:
        return
    from lm_eval.config.task import TaskConfig

    known = {field.name for field in dataclasses.fields(TaskConfig)} | STRUCTURE
    keys = {node.value: node.start_mark.line + 1 for node, _ in root.value}
    for key, line in keys.items():
        if key not in known and "class" not in keys:
            raise HarnessError(f"{path}:{line}: unknown key {key!r}.{did_you_mean(key, known)}")


def _absolute(files: Any, folder: Path) -> Any:
    if isinstance(files, dict):
        return {split: _absolute(value, folder) for split, value in files.items()}
    if isinstance(files, list):
        return [_absolute(value, folder) for value in files]
    return files if "://" in files else str(folder / files)


def lm_eval_folder() -> Path:
    """Return the folder of the installed lm-eval, without importing it."""
    spec = importlib.util.find_spec("lm_eval")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(next(iter(spec.submodule_search_locations))).resolve()


def definitions_in(folder: Path) -> dict[str, tuple[str, Path]]:
    """Return the kind and file of every task and group that YAML files below a folder name; lm-eval's are read once."""
    return _lm_eval_names() if folder == lm_eval_folder() / "tasks" else _names(folder)


@cache
def _lm_eval_names() -> dict[str, tuple[str, Path]]:
    return _names(lm_eval_folder() / "tasks")


def _names(folder: Path) -> dict[str, tuple[str, Path]]:
    """Return the kind and file of every task and group that YAML files below a folder name, read by one pattern."""
    found: dict[str, tuple[str, Path]] = {}
    for path in sorted(folder.rglob("*.yaml")) if folder.is_dir() else []:
        text = path.read_text(encoding="utf-8", errors="replace")
        named = NAMED.findall(text)
        if any(kind == "group" for kind, _ in named) and not A_TASK.search(text):
            named = [(kind, name) for kind, name in named if kind == "group"]  # its `task` is what it holds
        for kind, name in named:
            found.setdefault(name, (kind, path))
    return found


class NoCode:
    """Stands where lm-eval loads the metric that runs model-written code as soon as it reads such a task."""

    def compute(self, **_: Any) -> tuple[dict[str, float], dict[str, Any]]:
        """Run nothing."""
        return {"pass@1": float("nan")}, {}


@contextlib.contextmanager
def no_code() -> Iterator[None]:
    """Let no task fetch or run `code_eval` while it is loaded, and leave no module behind that holds the stand-in."""
    import evaluate

    original = evaluate.load
    before = set(sys.modules)

    def load(path: str, *args: Any, **kwargs: Any) -> Any:
        return NoCode() if Path(path).name == "code_eval" else original(path, *args, **kwargs)

    evaluate.load = load
    try:
        yield
    finally:
        evaluate.load = original
        for name in set(sys.modules) - before:
            if name.startswith(("lm_eval.tasks.", "/")) and _holds_stand_in(sys.modules[name]):
                del sys.modules[name]


def _holds_stand_in(module: ModuleType) -> bool:
    return any(isinstance(value, NoCode) for value in vars(module).values())


@contextlib.contextmanager
def quiet_lm_eval() -> Iterator[None]:
    """Keep lm-eval's and datasets' notices off the terminal; errors still come as exceptions."""
    names = ("lm_eval", "lm-eval", "datasets", "transformers", "huggingface_hub")
    levels = {name: logging.getLogger(name).level for name in names}
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):  # some modules print
        warnings.simplefilter("ignore")
        for name in names:
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            from datasets import disable_progress_bars, enable_progress_bars

            disable_progress_bars()
            try:
                yield
            finally:
                enable_progress_bars()
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
