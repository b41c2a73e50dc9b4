"""A YAML file that remembers its lines, so that every complaint about it can say where.

No tag of YAML runs code here: only plain values load. `Document.check` turns the contents into a pydantic model,
and what pydantic refuses into one `HarnessError` with file, line, key, value and the nearest known key.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from harness.errors import HarnessError, did_you_mean

Model = TypeVar("Model", bound=BaseModel)
Key = str | int


@dataclass(frozen=True)
class Document:
    """The contents of one YAML file and the node that each came from."""

    path: Path
    content: Any
    root: yaml.Node | None

    def line(self, location: tuple[Key, ...]) -> int:
        """Return the line of the deepest part of `location` that stands in the file, counted from 1."""
        node = self.root
        line = 1
        for key in location:
            if isinstance(node, yaml.MappingNode):
                found = next((pair for pair in node.value if pair[0].value == key), None)
                if found is None:
                    continue  # pydantic names the member of a union it tried; that is no key of the file
                line, node = found[0].start_mark.line + 1, found[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
                node = node.value[key]
                line = node.start_mark.line + 1
        return line

    def check(self, model: type[Model], **extra: Any) -> Model:
        """Return the contents as a model.

        Args:
            model: The pydantic model that defines the file.
            **extra: Fields that do not stand in the file (its folder, its name).

        Raises:
            HarnessError: The contents do not fit; names every place.
        """
        if not isinstance(self.content, dict):
            raise HarnessError(f"{self.path}:1: expected keys and values, found {type(self.content).__name__}")
        try:
            return model.model_validate({**self.content, **extra})
        except ValidationError as error:
            places = [self._complaint(dict(entry), model) for entry in error.errors()]
            raise HarnessError("\n".join(places)) from error

    def _complaint(self, entry: dict[str, Any], model: type[BaseModel]) -> str:
        location = tuple(entry["loc"])
        key = ".".join(str(part) for part in location)
        where = f"{self.path}:{self.line(location)}"
        if entry["type"] == "extra_forbidden":
            known = _fields_at(model, location[:-1])
            return f"{where}: unknown key {key!r}.{did_you_mean(str(location[-1]), known)}"
        if entry["type"] == "missing":
            return f"{where}: the key {key!r} is missing"
        return f"{where}: {key}: {entry['msg']} (found {entry['input']!r})"


def _fields_at(model: type[BaseModel], location: tuple[Key, ...]) -> list[str]:
    """Return the field names of the model nested at `location`, read from the JSON Schema."""
    schema = model.model_json_schema()
    node: dict[str, Any] = schema
    for key in location:
        node = _resolve(node, schema)
        node = node.get("items", {}) if isinstance(key, int) else node.get("properties", {}).get(key, node)
    return list(_resolve(node, schema).get("properties", {}))


def _resolve(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    for option in [node, *node.get("anyOf", [])]:
        if "$ref" in option:
            target: dict[str, Any] = schema["$defs"][option["$ref"].rsplit("/", 1)[-1]]
            return target
    return next((option for option in node.get("anyOf", []) if "items" in option), node)


def read_document(path: str | Path) -> Document:
    """Read a YAML file.

    Raises:
        HarnessError: There is no such file, it cannot be read, or it is not YAML.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        return Document(path, yaml.safe_load(text), yaml.compose(text, Loader=yaml.SafeLoader))
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise HarnessError(f"{path}: is not UTF-8 text ({error.reason} at byte {error.start})") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise HarnessError(f"{path}:{line}: is not YAML: {getattr(error, 'problem', error)}") from error
