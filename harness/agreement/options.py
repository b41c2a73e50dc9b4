"""What may be asked of ratings: the one list of `agree`'s options, for the command, the page and Python alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal, TypedDict, get_args

from harness.agreement.grid.declared import Categories, Range
from harness.agreement.grid.level import check_level
from harness.agreement.grid.units import Level
from harness.agreement.stand_in.chosen import check_chosen, column_of
from harness.agreement.stand_in.stand_in import MIN_ITEMS, Alignment
from harness.errors import HarnessError, did_you_mean
from harness.run import Run

Interval = Literal["bca", "kalpha"]

OF_A_FRAME = (
    "level", "categories", "score_range", "coefficients", "raters", "criterion", "kind", "pool", "cluster", "interval",
    "strata", "drop_outvoted", "components", "facet",
)  # fmt: skip
"""Options that a run's own raters, scales and items decide."""


class Draws(TypedDict):
    """How intervals are drawn."""

    resamples: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class AgreementOptions:
    """The options of `agree`; what cannot be asked is refused.

    Attributes:
        level: `nominal`, `ordinal`, `interval`, `ratio`, `set` or `ranking`, or one by criterion; where not given, what
            fits the values, and why.
        categories: The words of the scale in their order, or by criterion; what is none of them is an error.
        score_range: The least and the most grade of the scale, or by criterion.
        coefficients: Names of `COEFFICIENTS`; where not given, what fits the level.
        raters: Globs of the raters to compare; all where not given.
        criterion: Globs of the criteria.
        kind: Globs of the rater kinds.
        pool: Take every item and criterion as a unit of its own, in one table `all`; the interval clusters by item.
        cluster: The column that says which items belong together (a document): intervals resample these.
        interval: `bca`, or `kalpha` for alpha's pair bootstrap of 2006, which is too narrow (a warning says so).
        stand_in: Ask of each AI rater whether it can stand in for a human; of a run, None asks where there are two
            people, and is content where there are none.
        epsilon: What an AI rater is allowed to be worse by.
        alignment: How alignment with the other humans is measured, `equality` or `rmse`; by level where not given.
        min_items: Items that a human must have rated to be compared.
        correct: Estimate the mean human rating of all items from the humans' few ratings and each AI rater's many.
        chosen: With `correct`, how the human-rated items were chosen: `random`, `by-judge` (by the AI's verdict),
            `by:COLUMN` or `by-outcome` (by the true result, or from another population). Not said: both estimates
            that may be right, with what each assumes. Of a run, `by:model` and `by:cluster` are known.
        strata: The column of `by:COLUMN`.
        sequential: With `correct`, an interval that holds however often it is looked at, and how many labels more.
        time: With `sequential`, the column that says when people rated; where not given the order of the rows, or in a
            run `created_at` where all of people's ratings have it.
        width: With `sequential`, the interval that is narrow enough, as a share of the range.
        by: A column of groups of items: alpha in each, and whether they differ. With `correct`, the column of the
            systems that answered (`model`): their scores and differences.
        means: A column of groups of answers (`model`): the mean of each, and how far they lie apart.
        drop_outvoted: Leave out the one of three ratings of an item against which the other two agree, which inflates
            alpha; a warning says how many.
        weights: Weigh the AI raters as a panel by how near they come to people.
        components: How much of the variance is the items', the raters', their interaction's and a repetition's, and
            what a mean over more raters would be worth (a generalizability study).
        facet: With `components`, the column of one more facet that crosses items and raters (a judge's prompt).
        cross_check: Compare each alpha with that of the `krippendorff` package, which is slow; `CROSS_CHECK` where not
            given.
        resamples: Bootstrap resamples; 0 gives no intervals.
        seed: Decides the draws; 0, or what a run's suite says, where not given.

    Raises:
        HarnessError: A word is unknown, a number out of its range, or two options do not go together.
    """

    level: Level | Mapping[str, Level] | None = None
    categories: Categories | None = None
    score_range: Range | None = None
    coefficients: Sequence[str] | None = None
    raters: str | Sequence[str] | None = None
    criterion: str | Sequence[str] | None = None
    kind: str | Sequence[str] | None = None
    pool: bool = False
    cluster: str | None = None
    interval: Interval = "bca"
    stand_in: bool | None = False
    epsilon: float = 0.2
    alignment: Alignment | None = None
    min_items: int = MIN_ITEMS
    correct: bool = False
    chosen: str | None = None
    strata: str | None = None
    sequential: bool = False
    time: str | None = None
    width: float = 0.1
    by: str | None = None
    means: str | None = None
    drop_outvoted: bool = False
    weights: bool = False
    components: bool = False
    facet: str | None = None
    cross_check: bool | None = None
    resamples: int = 1000
    seed: int | None = None

    def __post_init__(self) -> None:
        for level in self.level.values() if isinstance(self.level, Mapping) else (self.level,):
            check_level(level)
        for name, given, known in (
            ("interval", self.interval, get_args(Interval)),
            ("alignment", self.alignment, (None, *get_args(Alignment))),
        ):
            if given not in known:
                raise HarnessError(f"no {name} {given!r}.{did_you_mean(str(given), [one for one in known if one])}")
        for name, number in (("epsilon", self.epsilon), ("resamples", self.resamples), ("seed", self.seed or 0)):
            if number < 0 or (name == "epsilon" and number > 1):
                raise HarnessError(f"{name} is {number:g}: expected {'0 to 1' if name == 'epsilon' else '0 or more'}")
        check_chosen(self.chosen, self.strata)
        if self.facet and not self.components:
            raise HarnessError("facet belongs to components; ask for these")
        if self.components and self.pool:
            raise HarnessError("components are of one criterion: leave pool out")

    @property
    def draws(self) -> Draws:
        """How intervals are drawn."""
        return {"resamples": self.resamples, "seed": self.seed or 0}

    def in_run(self, run: Run) -> AgreementOptions:
        """Return the same with the run's seed where none is given."""
        return replace(self, seed=run.suite.seed) if self.seed is None else self

    @property
    def selection(self) -> tuple[str | None, str | None]:
        """How the human-rated items were chosen, and the column of their strata."""
        return check_chosen(self.chosen, self.strata)

    @property
    def columns(self) -> list[str]:
        """Columns that the options name, beside those that every table of ratings has."""
        named = (self.cluster, self.strata, self.time, self.by, self.means, self.facet, column_of(self.chosen))
        return [name for name in named if name]

    @property
    def by_rows(self) -> bool:
        """Whether each rating's row is needed, and not only what each unit has."""
        return bool(self.columns or self.sequential or self.components or self.pool)

    @property
    def of_a_frame(self) -> list[str]:
        """Names of the options given that a run decides itself."""
        usual = {one.name: one.default for one in fields(self)}
        return [name for name in OF_A_FRAME if getattr(self, name) not in (usual[name], None)]
