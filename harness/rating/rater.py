"""What a rater is: something that turns work (an item and its responses) into ratings.

A rater is declared in `raters/<name>/rater.yaml`: who it is, what it rates, and the function that makes it (`use`). The
function's own settings are under `settings`; it checks them itself, so that a new kind of rater is a folder and a
function, and no file of the engine changes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.json_schema import SkipJsonSchema

from harness.beside import called
from harness.catalog import Catalog, function_named
from harness.errors import HarnessError
from harness.kinds import short_name
from harness.records import Family, Item, RaterKind, Rating, Response, Scale, digest
from harness.suite import read_document


class RaterSpec(BaseModel):
    """The contents of a `rater.yaml`."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    name: SkipJsonSchema[str] = ""
    """The folder's name; never written in the file."""
    kind: RaterKind
    use: str
    """A kind by its short name (`judge.pointwise`), or `package.module:function`, which is called with this
    specification and the `Surroundings` and returns the rater.
    """
    criteria: list[str] = Field(min_length=1)
    scale: Scale
    families: list[Family] = Field(default_factory=list)
    """The families of tasks that this rater fits; empty for all."""
    compares: bool = False
    """True where the rater compares two responses to an item instead of rating one."""
    lists: bool = False
    """True where the rater is shown all responses to an item, those of every model, at once."""
    description: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)
    folder: SkipJsonSchema[Path | None] = Field(default=None, exclude=True)
    """Where prompts, rubrics and modules that the settings name are found."""

    @field_validator("use")
    @classmethod
    def _by_its_name(cls, use: str) -> str:
        return short_name(use)

    def place(self, *key: str | int) -> str:
        """Return file and line of a key of the declaration, for complaints; the name of one that is in no file."""
        if not self.folder:
            return f"rater {self.name!r}"
        path = self.folder / "rater.yaml"
        return read_document(path).where(key) if path.is_file() else str(path)


@dataclass(frozen=True)
class Surroundings:
    """What the run gives to the raters that it makes."""

    seed: int = 0
    cache: Path | None = None
    """The user's cache folder: models, finished calls."""
    workers: int = 2
    unsafe_local: bool = False
    accept_same_process: bool = False
    chat: Any = None
    """Makes the chat client of a model; set by the run, so that a judge and a model under test share one server."""
    task: Any = None
    """Gives the task of a name, loaded once; set by the run."""
    catalog: Catalog | None = None
    """Where raters that are made of others find them; set by `find_rater`."""


@dataclass(frozen=True)
class Work:
    """One thing to rate: a response to an item, or a response against another one."""

    item: Item
    response: Response
    against: Response | None = None
    repetition: int = 0
    siblings: Sequence[Response] = field(default=(), compare=False)
    """All samples of the same model and round for the item, the response among them: what a majority is taken over. For
    a rater that `lists`: those of all models.
    """
    again: bool = field(default=False, compare=False)
    """The rater failed here before: it shall try again, and not look up what it said then."""


class Rater(Protocol):
    """Turns work into ratings; every piece of work ends as at least one rating, a failure as a row with its status."""

    @property
    def spec(self) -> RaterSpec:
        """The rater's declaration."""
        ...

    @property
    def version(self) -> str:
        """The hash of everything that decides the rater's answer."""
        ...

    def rate(self, work: Sequence[Work]) -> Iterator[Rating]:
        """Yield the ratings of the work, in any order, each as soon as it is there."""
        ...


NO_ANSWER = "no answer: "
"""Begins the reason of a rating that is missing because its response was; when that has come, it is rated again."""


def rating_of(spec: RaterSpec, version: str, work: Work, criterion: str | None = None, **fields: Any) -> Rating:
    """Return the rating of a piece of work, with the fields that follow from rater and work filled in.

    Args:
        spec: The rater's declaration.
        version: The rater's version.
        work: What was rated.
        criterion: One of the rater's criteria; the first where not given.
        **fields: What the rater found: `value`, `label`, `status`, `error`, `order`, `metadata` (a dict or text), ...
    """
    criterion = criterion or spec.criteria[0]
    against_id = work.against.response_id if work.against else None
    if isinstance(fields.get("metadata"), dict):
        fields["metadata"] = json.dumps(fields["metadata"], sort_keys=True)
    identity = digest(
        spec.name, version, work.response.response_id, against_id, criterion, fields.get("order"), work.repetition
    )
    return Rating(
        rating_id=identity,
        task=work.item.task,
        item_id=work.item.item_id,
        response_id=work.response.response_id,
        against_id=against_id,
        rater=spec.name,
        rater_kind=spec.kind,
        criterion=criterion,
        repetition=work.repetition,
        rater_version=version,
        **{"scale": spec.scale, **fields},
    )


def make_rater(spec: RaterSpec, surroundings: Surroundings) -> Rater:
    """Return the rater that a specification declares.

    Raises:
        HarnessError: `use` names no function, or the function refuses its settings.
    """
    where = f"{spec.place('use')}: use"
    make = function_named(spec.use, where, spec.folder)
    rater: Rater = called(where, make, spec, surroundings)
    lacks = [name for name in ("spec", "version", "rate") if not hasattr(rater, name)]
    if lacks:
        raise HarnessError(
            f"{where}: {spec.use!r} returned {type(rater).__name__!r} without {', '.join(lacks)}; a rater has `spec`, "
            "`version` and `rate(work)`"
        )
    return rater


def rater_facts(rater: Rater) -> dict[str, Any]:
    """Return what the manifest says of a rater: its declaration, version, and prompt; of a panel its members too."""
    spec = rater.spec
    prompt = spec.folder / str(spec.settings["prompt"]) if spec.folder and "prompt" in spec.settings else None
    text = prompt.read_text(encoding="utf-8") if prompt and prompt.is_file() else None
    facts = spec.model_dump(include={"kind", "scale", "criteria", "description", "settings"})
    members = {member.spec.name: rater_facts(member) for member in getattr(rater, "members", ())}
    told = {**facts, "version": rater.version, "prompt": text, "prompt_hash": digest(text) if text else None}
    return {**told, "members": members} if members else told
