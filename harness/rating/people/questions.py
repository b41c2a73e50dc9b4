"""What people are asked: a question to each criterion, its definition, and the scale of the answers.

Questions are raters of kind human in the catalogue (`raters/human_quality/`): the page and the sheets ask them, and
a value that comes back is checked against their scale.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.catalog import Catalog
from harness.errors import HarnessError, did_you_mean
from harness.rating.rate import read_spec
from harness.rating.rater import Rater, RaterSpec, Surroundings, Work
from harness.records import Family, Rating, Scale, digest
from harness.suite import fitted


class Grade(BaseModel):
    """One possible answer."""

    model_config = ConfigDict(extra="forbid")

    value: float
    name: str
    meaning: str = ""


class Question(BaseModel):
    """What is asked about one criterion; the settings of a human rater."""

    model_config = ConfigDict(extra="forbid")

    criterion: str = ""
    scale: Scale = "ordinal"
    compares: bool = False
    families: list[Family] = Field(default_factory=list)
    name: str = ""
    question: str
    definition: str
    grades: list[Grade] = Field(min_length=2, max_length=9)

    @model_validator(mode="after")
    def _grades_differ(self) -> Question:
        if len({grade.value for grade in self.grades}) < len(self.grades):
            raise ValueError("two grades have the same value")
        return self

    @property
    def low(self) -> float:
        """The lowest grade's value."""
        return min(grade.value for grade in self.grades)

    @property
    def high(self) -> float:
        """The highest grade's value."""
        return max(grade.value for grade in self.grades)

    @property
    def version(self) -> str:
        """The hash of what is asked."""
        return digest(self.model_dump())


class AskedPeople:
    """The rater that a suite names: it rates nothing by itself, people do, in the page or on a sheet."""

    def __init__(self, spec: RaterSpec, question: Question) -> None:
        self.spec = spec
        self.version = question.version

    def rate(self, work: Sequence[Work]) -> Iterator[Rating]:
        """Yield nothing: what people have not rated is not a failed rating, it is left to do."""
        return iter(())


def ask_people(spec: RaterSpec, surroundings: Surroundings) -> Rater:
    """Return the rater of a human rater's declaration.

    Raises:
        HarnessError: Its settings are no question.
    """
    return AskedPeople(spec, question_of(spec))


def question_of(spec: RaterSpec) -> Question:
    """Return what a human rater asks.

    Raises:
        HarnessError: Its settings are no question.
    """
    own = {
        "criterion": spec.criteria[0],
        "scale": spec.scale,
        "compares": spec.compares,
        "families": spec.families,
        "name": spec.name,
    }
    return fitted(Question, {**spec.settings, **own}, f"{spec.place('settings')}: settings: ")


def find_questions(names: Sequence[str], families: Sequence[str], catalog: Catalog | None = None) -> list[Question]:
    """Return the questions of these names; where none are named, those that fit the families and do not compare.

    Raises:
        HarnessError: A name is no human rater of the catalogue.
    """
    catalog = catalog or Catalog()
    human = {
        name: question_of(spec)
        for name in catalog.entries("raters")
        if (spec := read_spec(name, catalog)).kind == "human"
    }
    for name in names:
        if name not in human:
            raise HarnessError(f"{name!r} is no rater of kind human.{did_you_mean(name, human)}")
    if names:
        return [human[name] for name in names]
    return [
        one for one in human.values() if not one.compares and (not one.families or set(one.families) & set(families))
    ]
