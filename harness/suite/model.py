"""What the user asked for, as one pydantic model: the models, the tasks with their raters, and the rounds of training.

Everything that a run does follows from it, so the run keeps a frozen copy. How its file is read (variables, other files
that it includes) is the business of `suite_file.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, WithJsonSchema, model_validator

from harness.errors import HarnessError, did_you_mean
from harness.records import digest
from harness.suite.document import Document, Key
from harness.suite.variables import escape, secrets

IMPORTED = "imported"
"""The kind of a model whose answers were brought in; it cannot be asked."""


class Section(BaseModel):
    """A part of a suite; a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class ModelUse(Section):
    """A model that answers the tasks."""

    name: str = Field(pattern=r"^[\w.@:/+-]+$")
    """How tables and the page call it."""
    model: str
    """`embedded`, a chat model (`openai:NAME`), or a model type of lm-eval (`hf`, `vllm`, ...); `imported` where
    `harness import` wrote the suite."""
    args: dict[str, Any] = Field(default_factory=dict)
    """The arguments of that model: for `hf` lm-eval's (`pretrained: ...`), for a chat model `base_url: ...`."""
    series: str | None = None
    """For checkpoints: the lineage that this model belongs to."""
    round: int | None = Field(default=None, ge=0)
    """For checkpoints: the round, from 0 (before any feedback)."""
    system_prompt: str | None = None
    """What the model is told before anything else."""
    chat_template: bool = False
    """For `hf`, `vllm` and the like: prompts go through the model's chat template, examples as turns. Chat models do so
    anyway where they generate.
    """


class RaterUse(Section):
    """A rater on a task; its name alone will do."""

    rater: str
    """A folder's name in the catalogue `raters/`."""
    against: Literal["reference", "sample"] = "reference"
    """For a rater that compares: against the item's reference, or against the model's own next sample."""
    samples: int | None = Field(default=None, ge=1)
    """Rate only the first samples of each item; all where not given."""
    limit: int | None = Field(default=None, ge=1)
    """Rate only the first so many items, for raters that cost; all where not given."""
    repetitions: int = Field(default=1, ge=1)
    """How often the rater is asked the same, to see how far it agrees with itself."""


def _long_form(entry: Any) -> Any:
    return {"rater": entry} if isinstance(entry, str) else entry


RaterEntry = Annotated[
    RaterUse,
    BeforeValidator(_long_form),
    WithJsonSchema({"anyOf": [{"type": "string"}, RaterUse.model_json_schema()]}),
]


class TaskUse(Section):
    """A task with its raters."""

    task: str
    """A folder's name in the catalogue `tasks/`, or the name of a task of lm-eval."""
    name: str | None = Field(default=None, pattern=r"^[\w.@:/+-]+$")
    """How tables and the page call it: for a task that is used twice. Where not given, the task's own name, with
    `-generate` behind it where it is asked so."""
    how: Literal["generate"] | None = None
    """`generate`: a multiple-choice task lists its choices under letters and the model writes one, as chat models do;
    the rater `multiple_choice` reads it. Where not given, as the task says: by log-likelihood."""
    samples: int = Field(default=1, ge=1)
    """Answers of each model to an item, for tasks that generate."""
    temperature: float | None = Field(default=None, ge=0)
    """For tasks that generate; where not given, the task's own setting for one sample and 0.7 for more."""
    num_fewshot: int | None = Field(default=None, ge=0)
    """Examples in the prompt; where not given, the task's own setting."""
    limit: int | None = Field(default=None, ge=1)
    """At most so many items of this task."""
    raters: list[RaterEntry] = Field(default_factory=list)
    """Who rates the answers."""

    @property
    def called(self) -> str:
        """The name of the task in the run: of its items, answers and ratings."""
        return self.name or (f"{self.task}-{self.how}" if self.how else self.task)


class RatingsUse(Section):
    """A data set that people have rated: its texts, everybody's ratings, and who of the catalogue rates the same."""

    dataset: str
    """Its id on the hub (`lmsys/mt_bench_human_judgments`), or the name of its mapping (`mt-bench`)."""
    split: str | None = None
    """The split; the mapping's own where not given."""
    limit: int | None = Field(default=None, ge=1)
    """At most so many records of it."""
    raters: list[RaterEntry] = Field(default_factory=list)
    """Who rates what people have rated; those that compare get the very pairs that people compared."""

    @property
    def name(self) -> str:
        """How errors and the manifest call it."""
        return f"{self.dataset} ({self.split})" if self.split else self.dataset


class KeepUse(Section):
    """What is kept of the samples that a kind of feedback rated."""

    rule: Literal["first", "first_right", "best", "threshold", "weighted", "pairs", "reference"] | None = None
    """`first`: the first sample, unseen; `first_right`: the first rated 1; `best`: the best of each item, and of those
    the best `share`; `threshold`: the best of each item from `at_least`; `weighted`: the best of each item, weighted by
    its rating; `pairs`: the best against the worst; `reference`: the item's own answer, a teacher. Where not given,
    `first_right` for a binary rater, `best` for a graded one, `first` without a rater."""
    share: float = Field(default=0.5, gt=0, le=1)
    """With `best`: the share of the items that is kept."""
    at_least: float | None = None
    """With `threshold`: the lowest rating that is kept."""

    @model_validator(mode="after")
    def _fits(self) -> KeepUse:
        if (self.rule == "threshold") != (self.at_least is not None):
            raise ValueError("`rule: threshold` and `at_least` go together")
        return self


class ExploreUse(Section):
    """Several answers to some held-out items after every round: what a model can find, and how sure it is."""

    items: int = Field(default=100, ge=20)
    """The first so many held-out items."""
    samples: int = Field(default=4, ge=2)
    """Answers to each, drawn as in practice."""
    proxy: bool = True
    """Whether the feedback's rater rates them too: its own score beside gold."""


class OffTargetUse(Section):
    """A task that the feedback is not about, answered in every round: what training forgets."""

    task: str
    """A task of the catalogue that has a generator."""
    rater: str | None = None
    """Who rates its answers; the first that the task names where not given."""
    items: int = Field(default=100, ge=20)
    """So many items of it."""


OffTargetEntry = Annotated[
    OffTargetUse,
    BeforeValidator(lambda entry: {"task": entry} if isinstance(entry, str) else entry),
    WithJsonSchema({"anyOf": [{"type": "string"}, OffTargetUse.model_json_schema()]}),
]


class RoundsUse(Section):
    """A learner trained in rounds, once for each kind of feedback."""

    learner: str
    """A built-in learner (`addition`), an installed one, or `package.module:function`."""
    rounds: int = Field(default=5, ge=1)
    """Rounds of training after round 0."""
    items: int = Field(default=3000, ge=20)
    """Held-out items, the same in every round and series."""
    feedback: dict[str, str | None]
    """Series name to the rater of the catalogue that gives the feedback; null keeps everything: the control."""
    keep: dict[str, KeepUse] = Field(default_factory=dict)
    """Series name to what is kept of the samples, where it is not the usual."""
    seeds: int = Field(default=1, ge=1)
    """Training runs of each kind of feedback, with the suite's seed and the next ones; a verdict on a kind of feedback,
    not on one run, needs several."""
    explore: ExploreUse | None = None
    """Several answers to some held-out items after every round."""
    off_target: list[OffTargetEntry] = Field(default_factory=list)
    """Tasks that the feedback is not about, for what training forgets."""
    checkpoints: Literal["none", "last", "all"] = "none"
    """Which models stay in the run's folder `checkpoints/`."""
    gold: str = "answer_key"
    """The rater of the catalogue that rates the held-out answers."""
    sesoi: float = Field(default=1.0, gt=0)
    """The smallest effect of interest, in points (hundredths of the score range) a round."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """The learner's own settings; it checks them."""

    @model_validator(mode="after")
    def _names_its_series(self) -> RoundsUse:
        for series, use in self.keep.items():
            if series not in self.feedback:
                raise ValueError(f"keep: there is no series {series!r}.{did_you_mean(series, self.feedback)}")
            unseen = use.rule in ("first", "reference")
            if use.rule is not None and unseen != (self.feedback[series] is None):
                rater = "takes no rater" if unseen else "needs a rater"
                raise ValueError(f"keep: {series}: `rule: {use.rule}` {rater}")
        twice = [one.task for one in self.off_target]
        if len(set(twice)) < len(twice):
            raise ValueError("off_target: a task is named twice")
        return self


class Suite(Section):
    """A whole suite file."""

    name: str = Field(pattern=r"^[\w.-]+$")
    """The run's folder is `runs/NAME` where no other is named."""
    description: str = ""
    """A sentence for `harness ls`."""
    seed: int = 0
    """Decides every draw: samples, the order of pairs, training."""
    limit: int | None = Field(default=None, ge=1)
    """At most so many items a task, and held-out items in rounds."""
    models: list[ModelUse] = Field(default_factory=list)
    """Who answers; each is loaded once, and let go when it has answered."""
    tasks: list[TaskUse] = Field(default_factory=list)
    """What is answered, and who rates it."""
    ratings: list[RatingsUse] = Field(default_factory=list)
    """What people have rated already."""
    rounds: RoundsUse | None = None
    """A learner trained in rounds."""
    _document: Document | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _makes_sense(self) -> Suite:
        for what, names in (
            ("model", [m.name for m in self.models]),
            ("task", [t.called for t in self.tasks]),
            ("data set", [r.name for r in self.ratings]),
            ("checkpoint", [f"{m.series}, round {m.round}" for m in self.models if m.series]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"the {what} {twice[0]!r} is named twice; give each its own name")
        for model in self.models:
            if (model.series is None) != (model.round is None):
                raise ValueError(f"the model {model.name!r} needs both `series` and `round`, or neither")
        if self.tasks and not self.models:
            raise ValueError("there are tasks but no models to answer them; add `models:`")
        if not self.tasks and not self.ratings and not self.rounds:
            raise ValueError("there is nothing to do; add `tasks:`, `ratings:` or `rounds:`")
        elsewhere = self.model_dump(exclude={"models": {"__all__": {"args"}}})
        if names := sorted(secrets(elsewhere)):
            raise ValueError(f"a secret (${{{names[0]}}}) may stand under `models: args:` alone")
        return self

    @property
    def fingerprint(self) -> str:
        """The hash of everything that decides the run's records; the description does not."""
        return digest(self.model_dump(exclude={"description"}))

    def to_yaml(self) -> str:
        """Return the suite as YAML, without the keys that have their default; a secret stays `${NAME}`."""
        content = escape(self.model_dump(exclude_defaults=True))
        return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)

    @property
    def raters(self) -> set[str]:
        """The raters of the catalogue that rate tasks and what people have rated."""
        uses: list[TaskUse | RatingsUse] = [*self.tasks, *self.ratings]
        return {entry.rater for use in uses for entry in use.raters}

    def read_from(self, document: Document) -> Suite:
        """Return the suite, which knows from here on where each of its parts stands."""
        self._document = document
        return self

    def where(self, *location: Key) -> str:
        """Return "FILE:LINE: " of a part of the suite; nothing for a suite that was read from no file."""
        return f"{self._document.where(location)}: " if self._document else ""

    def limit_of(self, use: TaskUse | RatingsUse) -> int | None:
        """Return at most how many items of a task, or records of a data set, the suite wants; None for all."""
        return min((limit for limit in (use.limit, self.limit) if limit is not None), default=None)

    def narrowed(
        self,
        tasks: Sequence[str] | None = None,
        models: Sequence[str] | None = None,
        raters: Sequence[str] | None = None,
    ) -> Suite:
        """Return the part of the suite with these tasks, models and raters; rounds only where nothing is narrowed.

        What people have rated goes by the name of its data set, as a task does, and needs no model.

        Raises:
            HarnessError: The suite has none of that name; says which is near.
        """
        if tasks is None and models is None and raters is None:
            return self
        _refuse_unknown("task", tasks, (*(use.called for use in self.tasks), *(use.dataset for use in self.ratings)))
        _refuse_unknown("model", models, (who.name for who in self.models))
        _refuse_unknown("rater", raters, self.raters)
        chosen: dict[str, Any] = {
            key: [
                use.model_copy(update={"raters": [r for r in use.raters if raters is None or r.rater in raters]})
                for use in uses
                if tasks is None or (use.called if isinstance(use, TaskUse) else use.dataset) in tasks
            ]
            for key, uses in (("tasks", self.tasks), ("ratings", self.ratings))
        }
        who = [model for model in self.models if models is None or model.name in models]
        return self.model_copy(update={**chosen, "models": who, "rounds": None})


def _refuse_unknown(what: str, wanted: Sequence[str] | None, known: Iterable[str]) -> None:
    names = set(known)
    for name in wanted or ():
        if name not in names:
            raise HarnessError(f"--{what}s: the suite has no {what} {name!r}.{did_you_mean(name, names)}")


GROWS = ("models", "tasks", "ratings", "raters", "feedback", "keep")
"""Where a suite may have more than the run that it made: nothing that is there changes by it."""


def differences(old: Suite, new: Suite) -> list[str]:
    """Return one line for each key whose value differs between two suites; what was only added is no difference."""
    return list(_differences(_by_name(old), _by_name(new), ""))


def _by_name(suite: Suite) -> dict[str, Any]:
    """Return a suite's values, its lists by name: their order decides nothing."""
    content = suite.model_dump(exclude={"description"})
    for use in [*content["tasks"], *content["ratings"]]:
        use["raters"] = {f"{entry['rater']} against {entry['against']}": entry for entry in use["raters"]}
    return {
        **content,
        "models": {model["name"]: model for model in content["models"]},
        "tasks": {use.called: entry for use, entry in zip(suite.tasks, content["tasks"], strict=True)},
        "ratings": {use.name: entry for use, entry in zip(suite.ratings, content["ratings"], strict=True)},
    }


def _differences(old: Any, new: Any, key: str) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        grows = key.rsplit(".", 1)[-1] in GROWS
        for name in [*old, *(name for name in new if name not in old)]:
            if not (grows and name not in old):
                there, here = old.get(name, "nothing"), new.get(name, "nothing")
                yield from _differences(there, here, f"{key}.{name}".lstrip("."))
    elif old != new and not (old is None and key == "rounds"):
        yield f"{key}: {_brief(old)} there, {_brief(new)} here"


def _brief(value: Any) -> str:
    return "an entry" if isinstance(value, dict | list) and value else str(value) if value == "nothing" else repr(value)


def refuse_other_suite(old: Suite, new: Suite, folder: str) -> None:
    """Raise a `HarnessError` that shows the difference if `new` is neither the suite of the run in `folder` nor more.

    A suite that has the same and more (models, tasks, raters, kinds of feedback, rounds) goes on with the run.
    """
    lines = differences(old, new)
    if lines:
        shown = "\n  ".join(lines)
        raise HarnessError(
            f"{folder} holds a run of another suite:\n  {shown}\nChoose another folder with --out, or go on with that "
            f"run as it was: harness run {folder}/suite.yaml --out {folder}"
        )
