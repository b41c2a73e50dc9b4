"""What the user asked for: one YAML file, one pydantic model.

A suite names the models that answer, the tasks with the raters that rate their answers, and, if wanted, the rounds
of training. Everything that a run does follows from it, so the run keeps a frozen copy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.document import read_document
from harness.errors import HarnessError
from harness.records import digest


class Section(BaseModel):
    """A part of a suite; a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid")


class ModelUse(Section):
    """A model that answers the tasks."""

    name: str = Field(pattern=r"^[\w.@:/+-]+$")
    """How tables and the page call it."""
    model: str
    """`embedded`, a chat model (`openai:NAME`), or a model type of lm-eval (`hf`, `vllm`, ...)."""
    args: dict[str, Any] = Field(default_factory=dict)
    """The arguments of that model: for `hf` lm-eval's (`pretrained: ...`), for a chat model `base_url: ...`."""
    series: str | None = None
    """For checkpoints: the lineage that this model belongs to."""
    round: int | None = Field(default=None, ge=0)
    """For checkpoints: the round, from 0 (before any feedback)."""


class RaterUse(Section):
    """A rater on a task."""

    rater: str
    """A folder's name in the catalogue `raters/`."""
    against: Literal["reference", "sample"] = "reference"
    """For a rater that compares: against the item's reference, or against the model's own next sample."""
    samples: int | None = Field(default=None, ge=1)
    """Rate only the first samples of each item; all where not given."""
    limit: int | None = Field(default=None, ge=1)
    """Rate only the first so many items, for raters that cost; all where not given."""
    repetitions: int = Field(default=1, ge=1)


class TaskUse(Section):
    """A task with its raters."""

    task: str
    """A folder's name in the catalogue `tasks/`, or the name of a task of lm-eval."""
    samples: int = Field(default=1, ge=1)
    temperature: float | None = Field(default=None, ge=0)
    """For tasks that generate; where not given, the task's own setting for one sample and 0.7 for more."""
    num_fewshot: int | None = Field(default=None, ge=0)
    limit: int | None = Field(default=None, ge=1)
    raters: list[RaterUse] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _accept_short_forms(cls, data: Any) -> Any:
        """Let a rater be written as its name alone."""
        if isinstance(data, dict) and isinstance(data.get("raters"), list):
            raters = [{"rater": entry} if isinstance(entry, str) else entry for entry in data["raters"]]
            return {**data, "raters": raters}
        return data


class RoundsUse(Section):
    """A learner trained in rounds, once for each kind of feedback."""

    learner: str
    rounds: int = Field(default=5, ge=1)
    items: int = Field(default=3000, ge=20)
    """Held-out items, the same in every round and series."""
    feedback: dict[str, str | None]
    """Series name to the rater of the catalogue that gives the feedback; null keeps everything: the control."""
    gold: str = "answer_key"
    """The rater of the catalogue that rates the held-out answers."""
    sesoi: float = Field(default=1.0, gt=0)
    """The smallest effect of interest, in points (hundredths of the score range) a round."""
    settings: dict[str, Any] = Field(default_factory=dict)


class Suite(Section):
    """A whole suite file."""

    name: str = Field(pattern=r"^[\w.-]+$")
    description: str = ""
    seed: int = 0
    limit: int | None = Field(default=None, ge=1)
    """At most so many items a task, and held-out items in rounds."""
    models: list[ModelUse] = Field(default_factory=list)
    tasks: list[TaskUse] = Field(default_factory=list)
    rounds: RoundsUse | None = None

    @model_validator(mode="after")
    def _names_are_unique(self) -> Suite:
        for what, names in (("model", [m.name for m in self.models]), ("task", [t.task for t in self.tasks])):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"the {what} {twice[0]!r} is named twice; give each its own name")
        if self.tasks and not self.models:
            raise ValueError("there are tasks but no models to answer them; add `models:`")
        if not self.tasks and not self.rounds:
            raise ValueError("there is nothing to do; add `tasks:` or `rounds:`")
        return self

    @property
    def fingerprint(self) -> str:
        """The hash of everything that decides the run's records; the description does not."""
        return digest(self.model_dump(exclude={"description"}))

    def to_yaml(self) -> str:
        """Return the suite as YAML, without the keys that have their default."""
        return yaml.safe_dump(self.model_dump(exclude_defaults=True), sort_keys=False, allow_unicode=True)


def read_suite(path: str | Path) -> Suite:
    """Read and check a suite file.

    Raises:
        HarnessError: The file cannot be read or does not fit the model; names file and line.
    """
    return read_document(path).check(Suite)


def differences(old: Suite, new: Suite) -> list[str]:
    """Return one line for each key whose value differs between two suites."""
    return _differences(old.model_dump(), new.model_dump(), "")


def _differences(old: Any, new: Any, key: str) -> list[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [*old, *(k for k in new if k not in old)]
        return [line for k in keys if k != "description" for line in _differences(old.get(k), new.get(k), f"{key}.{k}")]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [
            line for i, pair in enumerate(zip(old, new, strict=True)) for line in _differences(*pair, f"{key}[{i}]")
        ]
    return [] if old == new else [f"{key.lstrip('.')}: {old!r} there, {new!r} here"]


def refuse_other_suite(old: Suite, new: Suite, folder: str) -> None:
    """Raise a `HarnessError` that shows the difference if `new` is not the suite that made the run in `folder`."""
    lines = differences(old, new)
    if lines:
        shown = "\n  ".join(lines)
        raise HarnessError(f"{folder} holds a run of another suite:\n  {shown}\nChoose another folder with --out.")
