"""The reference, made when the site is built: commands from their own help, files from their models, Python from
docstrings.

Nothing here says what a thing does: every sentence is that of the code.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any

import typer
from griffe import Docstring, DocstringSectionKind
from mkdocs.structure.files import File, Files
from pydantic import BaseModel

import harness
from harness.cli import app
from harness.cli.examples import EXAMPLES
from harness.kinds import KINDS

JSON_TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}


def on_files(files: Files, config: Any) -> Files:
    """Add the pages of `reference/`."""
    for name, text in pages().items():
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def pages() -> dict[str, str]:
    """Return the text of each page by its name."""
    from harness.answering.tasks.task import TaskFacts
    from harness.rating import RaterSpec
    from harness.rating.files.mapping import Mapping
    from harness.records import Item, Rating, Response
    from harness.suite import Suite

    return {
        "commands": "\n\n".join(["# Commands", *commands()]),
        "suite": "\n\n".join(["# suite.yaml", *models(Suite)]),
        "rater": "\n\n".join(["# rater.yaml", *models(RaterSpec), "# Settings of the kinds", *settings()]),
        "task": "\n\n".join(
            [
                "# task.yaml",
                "lm-eval's keys, and under `metadata: harness:` what it has no key for.",
                *models(TaskFacts),
            ]
        ),
        "mapping": "\n\n".join(["# mapping.yaml", *models(Mapping)]),
        "records": "\n\n".join(["# Columns of the records", *models(Item), *models(Response), *models(Rating)]),
        "python": "\n\n".join(["# Python", *map(described, harness.__all__)]),
    }


def described(name: str) -> str:
    """Return what a public function is: for mkdocstrings, or in its own words where it is made by another."""
    function = getattr(harness, name)
    if inspect.getsource(function).startswith("def "):
        return f"::: {function.__module__}.{function.__qualname__}"
    parts = [f"## {name}", f"```python\n{name}({', '.join(inspect.signature(function).parameters)})\n```"]
    for section in Docstring(inspect.getdoc(function) or "").parse("google", warnings=False):
        if section.kind is DocstringSectionKind.text:
            parts.append(section.value)
        else:
            rows = [(code(getattr(one, "name", one.annotation)), one.description) for one in section.value]
            parts += [f"**{section.kind.value.capitalize()}**", table(("", "what"), rows)]
    return "\n\n".join(parts)


def commands() -> Iterator[str]:
    """Yield a section a command: what it does, its arguments and options, its examples."""
    group = typer.main.get_command(app)
    context = typer.Context(group, info_name="harness", auto_envvar_prefix="HARNESS")
    for name in sorted(group.list_commands(context)):  # type: ignore[attr-defined]
        command = group.get_command(context, name)  # type: ignore[attr-defined]
        inner = typer.Context(command, info_name=name, parent=context, auto_envvar_prefix=f"HARNESS_{name.upper()}")
        yield f"## harness {name}\n\n{inspect.cleandoc(command.help or '')}"
        yield f"```text\n{command.get_usage(inner).removeprefix('Usage: ')}\n```"
        rows = [
            (
                code(" ".join((*one.opts, *one.secondary_opts)) if one.param_type_name == "option" else one.name),
                " ".join((one.help or "").split()),
                shown_default(one, inner),
            )
            for one in command.get_params(inner)
            if not getattr(one, "hidden", False) and one.name != "help"
        ]
        yield table(("argument or option", "what", "where not given"), rows)
        yield "```sh\n" + "\n".join(EXAMPLES.get(name, ())) + "\n```"


def shown_default(one: Any, context: Any) -> str:
    """Return an option's default as help shows it."""
    if one.required:
        return "required"
    value = one.get_default(context)
    return "" if value in (None, False, (), [], "") else code(value)


def models(model: type[BaseModel]) -> Iterator[str]:
    """Yield a table of the keys of a model, and of every model in it."""
    schema = model.model_json_schema()
    for name, part in {model.__name__: schema, **schema.get("$defs", {})}.items():
        if "properties" not in part:
            continue
        required = part.get("required", [])
        rows = [
            (
                code(key),
                shown_type(one),
                " ".join(one.get("description", "").split()),
                "required" if key in required else shown(one.get("default")),
            )
            for key, one in part["properties"].items()
        ]
        yield f"## {name}\n\n{' '.join((part.get('description') or '').split())}"
        yield table(("key", "value", "what", "where not given"), rows)


def settings() -> Iterator[str]:
    """Yield the settings of each kind of rater and learner: the models that the function that makes it reads."""
    for name, kind in KINDS.items():
        module_name, _, function = kind.target.partition(":")
        module = importlib.import_module(module_name)
        own = {key: one for key, one in vars(module).items() if key.endswith("Settings") and issubclass(one, BaseModel)}
        source = inspect.getsource(getattr(module, function))
        named = [one for key, one in own.items() if re.search(rf"\b{key}\b", source)]
        for model in named or [one for key, one in own.items() if one.__module__ == module_name]:
            tables = list(models(model))
            yield f"## `{name}`\n\n{tables[0].partition(chr(10))[2].strip()}"
            yield from tables[1:]


def shown_type(one: dict[str, Any]) -> str:
    """Return what a key's value may be, in words."""
    if "$ref" in one:
        return link(one["$ref"])
    if "enum" in one or "const" in one:
        return ", ".join(code(value) for value in one.get("enum", [one.get("const")]))
    if "anyOf" in one:
        return " or ".join(dict.fromkeys(shown_type(part) for part in one["anyOf"] if part.get("type") != "null"))
    if one.get("type") == "array":
        return f"list of {shown_type(one.get('items', {}))}"
    if one.get("type") == "object":
        inner = one.get("additionalProperties")
        return f"mapping to {shown_type(inner)}" if isinstance(inner, dict) else "mapping"
    bounds = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}
    limits = " ".join(f"{word} {one[key]}" for key, word in bounds.items() if key in one)
    return f"{JSON_TYPES.get(one.get('type', ''), 'any')} {limits}".strip()


def link(reference: str) -> str:
    """Return the name of a model, leading to its table."""
    name = reference.rpartition("/")[2]
    return f"[{name}](#{name.lower()})"


def shown(value: Any) -> str:
    """Return a default as YAML has it."""
    if value is None or value in ([], {}, ""):
        return ""
    return code({True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value)


def code(value: Any) -> str:
    """Return a value in a code's type."""
    return f"`{value}`"


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a Markdown table; nothing without rows."""
    if not rows:
        return ""
    safe = [[re.sub(r"\s+", " ", cell).replace("|", r"\|") for cell in row] for row in rows]
    lines = [head, ("---",) * len(head), *safe]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
