"""Settings of raters and learners as pydantic models: what does not fit is said in our words, key by key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from harness.errors import HarnessError, did_you_mean

Model = TypeVar("Model", bound=BaseModel)


def fitted(model: type[Model], settings: Any, where: str | Callable[[tuple[str | int, ...]], str]) -> Model:
    """Return settings as a model. Never for what may hold secrets: the message shows what was found.

    Args:
        model: The pydantic model that they have to fit.
        settings: Keys and values, as they were written.
        where: Stands before each key in a message, say `rounds.settings.`; or gives what does, for the key's place.

    Raises:
        HarnessError: A key is unknown or a value does not fit; names each.
    """
    try:
        return model.model_validate(settings)
    except ValidationError as error:
        lines = []
        for entry in error.errors():
            key = ".".join(str(part) for part in entry["loc"])
            hint = did_you_mean(str(entry["loc"][-1]), model.model_fields) if "extra" in entry["type"] else ""
            place = where if isinstance(where, str) else where(tuple(entry["loc"]))
            lines.append(f"{place}{key}{': ' if key else ''}{entry['msg']} (found {entry['input']!r}).{hint}")
        raise HarnessError("\n".join(lines)) from error
