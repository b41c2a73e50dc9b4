"""A rater's settings: a model of its own that checks `settings:` of its rater.yaml."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from harness.rating.rater import RaterSpec
from harness.suite import fitted


class Settings(BaseModel):
    """Base of a rater's settings: no unknown key passes."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


SettingsType = TypeVar("SettingsType", bound=Settings)


def read_settings(spec: RaterSpec, model: type[SettingsType]) -> SettingsType:
    """Return a rater's settings as a model.

    Raises:
        HarnessError: A key is unknown or a value does not fit; names each.
    """
    return fitted(model, spec.settings, lambda key: f"{spec.place('settings', *key)}: settings: ")
