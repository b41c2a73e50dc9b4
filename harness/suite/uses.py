"""What the entries of a suite are: a model, a task, a rater on it, what people have rated, the rounds of training."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from harness.errors import did_you_mean

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
    checkpoint: str | None = None
    """What the round is called, where it has a name of its own (`step-1000`); where not given, the model's `name` is
    tried: names that hold a number each, in the order of the rounds, are the rounds' names."""
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

    rule: Literal["first", "first_right", "best", "threshold", "weighted", "pairs", "unpaired", "reference"] | None = (
        None
    )
    """`first`: the first sample, unseen; `first_right`: the first rated 1; `best`: the best of each item, and of those
    the best `share`; `threshold`: the best of each item from `at_least`; `weighted`: the best of each item, weighted by
    its rating; `pairs`: the best against the worst; `unpaired`: every sample, as wanted or rejected; `reference`: the
    item's own answer, a teacher. Where not given, `first_right` for a binary rater, `best` for a graded one, `first`
    without a rater."""
    share: float = Field(default=0.5, gt=0, le=1)
    """With `best`: the share of the items that is kept."""
    at_least: float | None = None
    """With `threshold`: the lowest rating that is kept; with `unpaired` and a graded rater: that is wanted."""

    @model_validator(mode="after")
    def _fits(self) -> KeepUse:
        if (self.rule == "threshold" and self.at_least is None) or (
            self.rule not in ("threshold", "unpaired") and self.at_least is not None
        ):
            raise ValueError("`rule: threshold` and `at_least` go together")
        if "share" in self.model_fields_set and self.rule != "best":
            raise ValueError("`share` goes with `rule: best`")
        return self


class PartUse(Section):
    """A rater of a kind of feedback that several give: it rates what none before it could."""

    rater: str
    """A rater of the catalogue; one of the kind `human` has the series wait for people."""
    labels: int | None = Field(default=None, ge=1)
    """At most so many samples in the whole series, of whole items; the next rater has the rest."""
    share: float | None = Field(default=None, gt=0, lt=1)
    """So much of the samples, drawn by their ids."""
    corrects: bool = False
    """It rates some of what those before it rated: what they say is then read in its terms."""

    @model_validator(mode="after")
    def _corrects_some(self) -> PartUse:
        if self.corrects and self.labels is None and self.share is None:
            raise ValueError("`corrects` needs `labels` or `share`: who rates everything corrects nobody")
        return self


PartEntry = Annotated[
    PartUse,
    BeforeValidator(lambda entry: {"rater": entry} if isinstance(entry, str) else entry),
    WithJsonSchema({"anyOf": [{"type": "string"}, PartUse.model_json_schema()]}),
]
Feedback = str | Annotated[list[PartEntry], Field(min_length=1)] | None
"""The rater of a series, several in their order, or none."""


class BudgetUse(Section):
    """What a series may cost with each seed: it ends before the round that begins with one of these spent."""

    labels: int | None = Field(default=None, ge=1)
    """Samples rated."""
    usd: float | None = Field(default=None, gt=0)
    """Dollars that raters, and a learner's own answers, say they cost."""
    seconds: float | None = Field(default=None, gt=0)
    """Seconds of sampling, training and answering."""


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
    feedback: dict[str, Feedback]
    """Series name to the rater of the catalogue that gives the feedback; several, each with a budget, in a list; null
    keeps everything: the control."""
    budget: BudgetUse = Field(default_factory=BudgetUse)
    """What each series may cost with each seed."""
    keep: dict[str, KeepUse] = Field(default_factory=dict)
    """Series name to what is kept of the samples, where it is not the usual."""
    seeds: int = Field(default=1, ge=1)
    """Training runs of each kind of feedback, with the suite's seed and the next ones; a verdict on a kind of feedback,
    not on one run, needs several."""
    explore: ExploreUse | None = None
    """Several answers to some held-out items after every round."""
    off_target: list[OffTargetEntry] = Field(default_factory=list)
    """Tasks that the feedback is not about, for what training forgets."""
    export: Literal["only"] | None = None
    """`only`: the first round of each series is sampled and rated, its training data are written in TRL's formats, and
    nothing is trained: for those who train elsewhere."""
    checkpoints: Literal["none", "last", "all"] = "none"
    """Which models stay in the run's folder `checkpoints/`."""
    gold: str = "answer_key"
    """The rater of the catalogue that rates the held-out answers."""
    sesoi: float = Field(default=1.0, gt=0)
    """The smallest effect of interest, in points (hundredths of the score range) a round."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """The learner's own settings; it checks them."""

    def raters_of(self, series: str) -> list[str]:
        """Return the raters of a series in their order; none of the control."""
        use = self.feedback[series]
        return [] if use is None else [use] if isinstance(use, str) else [part.rater for part in use]

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
