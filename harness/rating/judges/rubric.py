"""What a judge is asked about: criteria with their meaning and weight, or the principles of a constitution.

Each is asked for itself. An overall verdict can be asked for beside them, or follow from theirs by a declared rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.errors import HarnessError, did_you_mean
from harness.rating.rater import RaterSpec, Work, rating_of
from harness.records import Rating
from harness.suite import read_document

OverallRule = Literal["mean", "lowest", "asked"]
"""`mean`: the mean of the criteria by their weights; `lowest`: the worst of them; `asked`: the judge is asked."""

OVERALL = "overall"
"""The criterion of the overall verdict, where no constitution has a name for it."""


class Meaning(BaseModel):
    """What a criterion means to a judge, and how much it counts in an overall verdict."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str = ""
    weight: float = Field(default=1.0, gt=0)


class Criterion(Meaning):
    """A criterion, or a principle of a constitution."""

    name: str = Field(pattern=r"^[\w .-]+$")


class Constitution(BaseModel):
    """The contents of a constitution's file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    principles: list[Criterion] = Field(min_length=1)

    @model_validator(mode="after")
    def _named_once(self) -> Constitution:
        names = [principle.name for principle in self.principles]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"the principle {twice[0]!r} stands there twice")
        return self


class Rubric:
    """The criteria of a judge, and the rule of its overall verdict."""

    def __init__(
        self,
        spec: RaterSpec,
        meanings: Mapping[str, str | Meaning],
        constitution: str | None,
        rule: OverallRule | None,
    ) -> None:
        """Put together what a judge is asked about.

        Args:
            spec: The judge's declaration.
            meanings: What each of its criteria means.
            constitution: The file, in the judge's folder, whose principles are the criteria; the declaration's one
                criterion then is that of the overall verdict.
            rule: How the overall verdict is found; the mean for a constitution, none for criteria, where not given.

        Raises:
            HarnessError: The constitution cannot be read, a meaning is of no criterion, or the rule does not fit.
        """
        where = f"{spec.folder}/rater.yaml"
        self.spec = spec
        self.overall: str | None = None
        self.rule = rule
        if constitution is not None:
            if meanings or len(spec.criteria) != 1 or spec.folder is None:
                raise HarnessError(f"{where}: a constitution needs one criterion, its overall verdict, and no `rubric`")
            self.criteria: Sequence[Criterion] = (
                read_document(spec.folder / constitution).check(Constitution).principles
            )
            self.overall, self.rule = spec.criteria[0], rule or "mean"
        else:
            for name in meanings:
                if name not in spec.criteria:
                    hint = did_you_mean(name, spec.criteria)
                    raise HarnessError(f"{where}: settings: rubric: {name!r} is none of the criteria.{hint}")
            self.criteria = [_criterion(name, meanings.get(name, "")) for name in spec.criteria]
            self.overall = OVERALL if rule else None
        if self.overall in [criterion.name for criterion in self.criteria]:
            raise HarnessError(
                f"{where}: {self.overall!r} is the overall verdict, and a criterion cannot have its name"
            )
        self._check_rule(where)

    def _check_rule(self, where: str) -> None:
        if self.spec.scale == "preference" and self.rule == "lowest":
            raise HarnessError(f"{where}: `overall: lowest` has no meaning between two answers; use mean or asked")
        if self.spec.scale == "nominal" and self.rule in ("mean", "lowest"):
            raise HarnessError(f"{where}: `overall: {self.rule}` needs values with an order; the scale is nominal")

    @property
    def asked(self) -> list[Criterion]:
        """What the judge is asked about, the overall verdict last where it is asked for."""
        if self.overall is None or self.rule != "asked":
            return list(self.criteria)
        together = "\n".join(f"- {one.description or one.name}" for one in self.criteria)
        return [*self.criteria, Criterion(name=self.overall, description=together)]

    @property
    def facts(self) -> list[dict[str, Any]]:
        """What of it decides an answer."""
        return [criterion.model_dump() for criterion in self.criteria]

    def concluded(self, version: str, work: Work, ratings: Sequence[Rating]) -> Rating | None:
        """Return the overall rating that follows from those of the criteria; None where none is to follow.

        A criterion without a value leaves the whole without one: what is left would be another question.
        """
        if self.overall is None or self.rule not in ("mean", "lowest"):
            return None
        fields: dict[str, Any] = {"order": ratings[0].order, "cost_usd": 0.0, "seconds": 0.0}
        missing = next((rating for rating in ratings if rating.value is None), None)
        if missing:
            reason = missing.error or ""
            if missing.status != "skipped":
                reason = f"no overall verdict without {missing.criterion}: {reason}"
            return rating_of(self.spec, version, work, self.overall, status=missing.status, error=reason, **fields)
        values = {rating.criterion: float(rating.value or 0.0) for rating in ratings}
        weights = {criterion.name: criterion.weight for criterion in self.criteria}
        scale = self.spec.scale
        if self.rule == "lowest":
            value = min(values.values())
        else:
            value = sum(weights[name] * each for name, each in values.items()) / sum(weights.values())
            scale = scale if scale == "preference" else "interval"
        facts = {"rule": self.rule, "of": values}
        return rating_of(self.spec, version, work, self.overall, value=value, scale=scale, metadata=facts, **fields)


def _criterion(name: str, meaning: str | Meaning) -> Criterion:
    if isinstance(meaning, str):
        return Criterion(name=name, description=meaning)
    return Criterion(name=name, **meaning.model_dump())
