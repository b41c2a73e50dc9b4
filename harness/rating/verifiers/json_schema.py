"""JSON Schema as verifier: the answer must be JSON, and fit."""

from __future__ import annotations

import json
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import referencing

from harness.errors import HarnessError
from harness.rating.rater import RaterSpec, Surroundings
from harness.rating.settings import Settings, read_settings
from harness.rating.verifiers.problems import code_blocks
from harness.rating.verifiers.verifier import Checked, NoKey, Verifier, facts_of
from harness.records import Item

SchemaValidator = Any


class SchemaSettings(Settings):
    """The schema of every answer; an item's own `json_schema` in its metadata comes first."""

    json_schema: dict[str, Any] | None = None


def validator_of(schema: dict[str, Any]) -> SchemaValidator:
    """Return the validator of a schema, which follows no reference out of it.

    Raises:
        HarnessError: It is no JSON Schema.
    """
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise HarnessError(f"no JSON Schema: {error.message} (at {error.json_path})") from error
    return kind(schema, registry=referencing.Registry())


def json_schema(spec: RaterSpec, _: Surroundings) -> Verifier:
    """Make the rater `json_schema`.

    Raises:
        HarnessError: The settings' schema is none.
    """
    settings = read_settings(spec, SchemaSettings)
    common = None if settings.json_schema is None else validator_of(settings.json_schema)

    def decide(item: Item, answer: str) -> Checked:
        own = facts_of(item).get("json_schema")
        try:
            validator = validator_of(own) if own is not None else common
        except (HarnessError, TypeError) as error:
            raise NoKey(f"item {item.item_id!r} of {item.task!r}: {error}") from error
        if validator is None:
            raise NoKey(f"item {item.item_id!r} of {item.task!r} has no json_schema, and the rater has none either")
        return _fits(validator, answer)

    return Verifier(spec, settings, decide)


def _fits(validator: SchemaValidator, answer: str) -> Checked:
    fenced = next((code for _, code in code_blocks(answer)), answer)
    try:
        value = json.loads(fenced, object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        return Checked(False, f"no JSON: {error}")
    try:
        complaint = jsonschema.exceptions.best_match(validator.iter_errors(value))
    except RecursionError:
        return Checked(False, "nested too deeply")
    except referencing.exceptions.Unresolvable as error:
        raise NoKey(f"the schema refers to {error.ref!r}, which is not in it") from error
    return Checked(complaint is None, f"{complaint.json_path}: {complaint.message:.200}" if complaint else None)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise ValueError("a key is there twice")
    return entries


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not in JSON")
