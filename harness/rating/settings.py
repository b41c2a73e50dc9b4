"""A rater's settings: a model of its own that checks `settings:` of its rater.yaml."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import HarnessError, did_you_mean
from harness.rating.rater import RaterSpec


class Settings(BaseModel):
    """Base of a rater's settings: no unknown key passes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


SettingsType = TypeVar("SettingsType", bound=Settings)


def read_settings(spec: RaterSpec, model: type[SettingsType]) -> SettingsType:
    """Return a rater's settings as a model.

    Raises:
        HarnessError: A key is unknown or a value does not fit; names each.
    """
    try:
        return model.model_validate(spec.settings)
    except ValidationError as error:
        where = f"{spec.folder}/rater.yaml" if spec.folder else f"rater {spec.name!r}"
        lines = []
        for entry in error.errors():
            key = ".".join(str(part) for part in entry["loc"])
            hint = did_you_mean(key, model.model_fields) if entry["type"] == "extra_forbidden" else ""
            lines.append(f"{where}: settings: {key}: {entry['msg']} (found {entry['input']!r}).{hint}")
        raise HarnessError("\n".join(lines)) from error
