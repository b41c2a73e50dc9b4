"""What a suite asks about labels: whose are compared, on which texts, and what each costs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from harness.suite.uses import Section

Globs = Annotated[
    list[str],
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
PERSON = "person"
"""The source of labels that is one of the people, another in every split."""


class ExchangeUse(Section):
    """What a label of each kind is worth: a small rater learns from them, and other people's labels score it."""

    data: str | None = None
    """A file of ratings of texts, in any format that `harness agree` reads; the run's own ratings where not given."""
    tables: Globs = Field(default_factory=list)
    """Further tables with texts, contexts or clusters, joined in their order on the columns that they share."""
    item: str | None = None
    """Column of the item in the file; several, with commas, are the item together."""
    rater: str | None = None
    """Column of the rater in the file."""
    criterion: str | None = None
    """Column of the criterion in the file."""
    value: str | None = None
    """Column of the value in the file."""
    kind: str | None = None
    """Column of the rater's kind in the file."""
    ai: Globs = Field(default_factory=list)
    """Globs of the raters in the file that are AI judges."""
    text: str = "text"
    """Column of the text that was rated."""
    against: str | None = None
    """Column of the other text, where two were compared: a value of 1 prefers `text`, 0 the other one, .5 neither."""
    context: str | None = None
    """Column of what the text is about: a passage, a prompt."""
    cluster: str | None = None
    """Column that says which texts belong together; the context where not given."""
    people: Globs = Field(default_factory=list)
    """Globs of the raters who are people; those of the kind `human` where not given."""
    criteria: Globs = Field(default_factory=list)
    """Globs of the criteria; all where not given."""
    sources: dict[str, Globs] = Field(default_factory=dict)
    """What is compared with a person's labels: a name to globs of raters, whose mean is the label. Where not given,
    each rater that is no person."""
    scored_by: Globs = Field(default_factory=list)
    """Globs of the raters whose mean scores what was learnt; where not given, the people who gave no label."""
    sizes: list[int] = Field(default_factory=lambda: [50, 100, 200, 400, 800])
    """Numbers of labels."""
    mixtures: list[str] = Field(default_factory=list)
    """`N+M`: N labels of a person with M of another source."""
    splits: int = Field(default=20, ge=2)
    """Random splits by cluster."""
    rates: dict[str, float] = Field(default_factory=dict)
    """US dollars a label, by source; `person` for a person's."""
    quality: float | None = None
    """The score that is wanted, for what is cheapest; that of half of a person's sizes where not given."""
    learner: Literal["ridge", "lora"] = "ridge"
    """What learns: a ridge on features, or the model itself with a low-rank adapter, for a GPU."""
    model: str = "embedded"
    """Whose features are learnt from, or what is adapted: `embedded`, or a folder of a causal language model."""
    device: str = "cpu"
    """Where texts are read: `cpu` or `cuda`."""

    @field_validator("sizes")
    @classmethod
    def _in_order(cls, sizes: list[int]) -> list[int]:
        if not sizes or min(sizes) < 2:
            raise ValueError("two labels are the fewest to learn from")
        return sorted(set(sizes))

    @field_validator("mixtures")
    @classmethod
    def _two_numbers(cls, mixtures: list[str]) -> list[str]:
        for text in mixtures:
            mixed(text)
        return mixtures

    @model_validator(mode="after")
    def _makes_sense(self) -> ExchangeUse:
        if PERSON in self.sources:
            raise ValueError(f"sources: {PERSON!r} is the people's own name; choose another")
        unknown = [name for name in self.rates if self.sources and name not in (PERSON, *self.sources)]
        if unknown:
            raise ValueError(
                f"rates: there is no source {unknown[0]!r}; there are {', '.join((PERSON, *self.sources))}"
            )
        return self


OF_FILE = ("tables", "item", "rater", "criterion", "value", "kind", "ai", "against", "context", "cluster")
"""What a file needs to be told; a run has it by itself."""


def mixed(text: str) -> tuple[int, int]:
    """Return the two numbers of a mixture, `50+800`.

    Raises:
        ValueError: It is none.
    """
    first, mark, second = text.partition("+")
    if not mark or not first.strip().isdigit() or not second.strip().isdigit() or min(int(first), int(second)) < 2:
        raise ValueError(f"{text!r}: expected N+M, as 50+800")
    return int(first), int(second)
