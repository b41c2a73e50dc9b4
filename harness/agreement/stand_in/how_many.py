"""How many items and people are needed: by simulation from the ratings at hand.

Where each item has ratings enough, items are drawn with replacement and their ratings without. For more people than
there are, an item's next rating copies one of its earlier ones with probability (j - 1) / (s + j - 1) and is else
drawn from all ratings (Polya's urn, the Dirichlet-multinomial); then alpha = 1 / (1 + s) at every level, which sets
s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.agreement.coefficients.alpha import alpha
from harness.agreement.grid.level import level_of, scale_level
from harness.agreement.grid.units import LISTS, Level
from harness.agreement.grid.wide import grid_units, wide_units
from harness.agreement.stand_in.corrected import FEWEST, ppi_mean
from harness.agreement.stand_in.stand_in import PASSES_FROM, advantages, omegas_of
from harness.errors import HarnessError
from harness.run import is_first, is_ok, is_person, is_valued, unit_names

Grid = NDArray[np.float64]
"""Items x raters; NaN where nobody rated."""
SIMULATIONS = 200
MOST_ITEMS = 100_000
SMALLEST = 20


@dataclass(frozen=True)
class Needed:
    """How many are needed for one aim.

    Attributes:
        aim: `alpha`, `stand_in` or `score`.
        people: Raters an item.
        items: The fewest items; None where even `MOST_ITEMS` do not do.
        ratings: Items times people.
        reached: What so many give: the width of the interval, or the power.
        wanted: What was wanted.
        model: `resampled` from the items at hand, or `urn`.
        reason: Why there is no answer.
    """

    aim: Literal["alpha", "stand_in", "score"]
    people: int
    items: int | None
    reached: float | None
    wanted: float
    model: str
    reason: str | None = None

    @property
    def ratings(self) -> int | None:
        """How many ratings people give in all."""
        return None if self.items is None else self.items * self.people

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {**vars(self), "ratings": self.ratings}


def grid_of(ratings: pd.DataFrame, criterion: str | None = None) -> Grid:
    """Return `grid_frame` as an array."""
    return grid_frame(ratings, criterion).to_numpy(float)


def grid_frame(ratings: pd.DataFrame, criterion: str | None = None) -> pd.DataFrame:
    """Return human ratings as items x raters, repetition 0.

    Raises:
        HarnessError: There are no two human raters, several criteria and none named, or words for numbers.
    """
    rows = ratings[is_person(ratings) & is_valued(ratings) & is_first(ratings)]
    criteria = sorted(rows["criterion"].unique())
    if criterion is None and len(criteria) > 1:
        raise HarnessError(f"there are several criteria; name one: {', '.join(criteria)}")
    rows = rows[rows["criterion"] == (criterion or (criteria[0] if criteria else ""))]
    if rows.empty:
        raise HarnessError(
            f"no person has rated{f' {criterion!r}' if criterion else ''}; `harness annotate RUN --rater-id YOU` opens "
            "a page for one, and of a file `harness doctor FILE` says who was taken for whom"
        )
    grid = rows.assign(_unit=unit_names(rows)).pivot_table(
        index="_unit", columns="rater", values="value", aggfunc="first", observed=True
    )
    if grid.shape[1] < 2:
        raise HarnessError("fewer than two people have rated; a plan is made from some ratings of at least two")
    return grid


AIMS = {
    "alpha": "{items:,} items rated by {people} people each give alpha an interval of width {width}",
    "stand_in": "{items:,} items rated by {people} people each tell four times in five whether {judge} may replace one",
    "score": "{items:,} items rated by people give the score corrected by {judge} an interval of width {width}",
}
WIDTH, MOST_PEOPLE = 0.2, 3


def how_many_more(ratings: pd.DataFrame, criterion: str, level: Level, judges: Sequence[str]) -> list[str]:
    """Return how many items are needed for each aim, in sentences: what `plan_people` says of usual wishes.

    Args:
        ratings: The ratings.
        criterion: The criterion.
        level: Its level of measurement.
        judges: The AI raters of the criterion; the first is planned for.
    """
    own = ratings[is_person(ratings) & (ratings["criterion"] == criterion)]
    people = own["rater"].nunique()
    if people < 2 or level in LISTS:
        return []
    judge = judges[0] if judges else None
    try:
        plans = plan_people(ratings, WIDTH, min(people, MOST_PEOPLE), level, criterion, judge)
    except HarnessError:
        return []  # too few to plan from
    width = f"{WIDTH:g}".lstrip("0")
    return [
        AIMS[one.aim].format(items=one.items, people=one.people, judge=judge, width=width) for one in plans if one.items
    ]


def plan_people(
    ratings: pd.DataFrame,
    width: float,
    people: int,
    level: Level | None = None,
    criterion: str | None = None,
    judge: str | None = None,
    *,
    simulations: int = SIMULATIONS,
    seed: int = 0,
) -> list[Needed]:
    """Return how many items are needed for alpha and, where a judge is named, for its test and its correction.

    Words are compared as labels; they have no mean that could be corrected.

    Args:
        ratings: A run's ratings, some of them by at least two people.
        width: The wanted width of the intervals.
        people: Raters an item.
        level: The level of measurement; what fits the values, as `agree` has it, where not given.
        criterion: The criterion; needed where there are several.
        judge: An AI rater of the same criterion.
        simulations: How often each size is simulated.
        seed: Decides the draws.

    Raises:
        HarnessError: There are no two people, the judge has rated nothing that people have, or words are to be ordered.
    """
    ratings, words = _numbered(ratings, criterion)
    if words and level not in (None, "nominal"):
        raise HarnessError(f"the ratings are words: a plan of them is nominal, not {level}")
    people_say = grid_frame(ratings, criterion)
    rows = ratings if criterion is None else ratings[ratings["criterion"] == criterion]
    level = level or ("nominal" if words else (scale_level(rows) or level_of(wide_units(people_say)))[0])
    mine = np.full(len(people_say), np.nan)
    if judge is not None:
        rows = rows[(rows["rater"] == judge) & rows["value"].notna()]
        rated = pd.Series(rows["value"].to_numpy(float), index=unit_names(rows)).groupby(level=0).mean()
        mine = rated.reindex(people_say.index).to_numpy(float)
        if np.isnan(mine).all():
            raise HarnessError(f"{judge!r} has rated nothing that people have rated on this criterion")
    grid, mine = _in_order(people_say.to_numpy(float), mine)
    found = [items_for_alpha(grid, width, people, level, simulations=simulations, seed=seed)]
    if judge is not None:
        found.append(items_for_stand_in(grid, mine, level, simulations=simulations, seed=seed))
    if judge is not None and not words:
        mean = pd.DataFrame(grid).mean(axis=1).to_numpy(float)
        found.append(items_for_score(mean, mine, width, len(rated), simulations=simulations, seed=seed))
    return found


def _in_order(grid: Grid, judge: Grid) -> tuple[Grid, Grid]:
    """Return ratings and those of a judge in the order of their values: what is drawn depends on no item's name."""
    order = np.lexsort(np.nan_to_num(np.column_stack([judge, grid]), nan=-np.inf).T)
    return grid[order], judge[order]


def _numbered(ratings: pd.DataFrame, criterion: str | None) -> tuple[pd.DataFrame, bool]:
    """Return ratings whose words have numbers in the place of values, and whether there were such words."""
    about = True if criterion is None else ratings["criterion"] == criterion
    rows = ratings[is_ok(ratings) & about]
    if "label" not in rows or rows["value"].notna().any() or rows["label"].isna().all():
        return ratings, False
    rows = rows[rows["label"].notna()]
    if lists := set(LISTS) & set(rows.get("scale", ())):
        raise HarnessError(f"the ratings are of the scale {lists.pop()}: a plan is made of labels and of numbers")
    return rows.assign(value=pd.factorize(rows["label"], sort=True)[0].astype(float)), True


def simulate(grid: Grid, items: int, people: int, chance: np.random.Generator, level: Level) -> Grid:
    """Return ratings of so many items by so many people, as the ratings at hand suggest."""
    counts = (~np.isnan(grid)).sum(axis=1)
    rich = np.flatnonzero(counts >= people)
    if len(rich) >= SMALLEST:
        chosen = grid[chance.choice(rich, items)]
        order = np.where(np.isnan(chosen), 2.0, chance.random(chosen.shape)).argsort(axis=1)
        picked: Grid = np.take_along_axis(chosen, order[:, :people], axis=1)
        return picked
    found = alpha(grid_units(grid), level, resamples=0).value
    if not found > 0:
        raise HarnessError("people do not agree beyond chance so far; more raters by this model would not either")
    s = (1 - found) / found
    pool = grid[~np.isnan(grid)]
    drawn = np.empty((items, people))
    drawn[:, 0] = chance.choice(pool, items)
    for j in range(1, people):
        earlier = drawn[np.arange(items), chance.integers(0, j, items)]
        copies = chance.random(items) < j / (s + j)
        drawn[:, j] = np.where(copies, earlier, chance.choice(pool, items))
    return drawn


def items_for_alpha(
    grid: Grid, width: float, people: int, level: Level, *, simulations: int = SIMULATIONS, seed: int = 0
) -> Needed:
    """Return how many items make the 95 % interval of alpha no wider than wanted.

    Args:
        grid: Items x raters.
        width: The wanted width.
        people: Raters an item.
        level: The level of measurement.
        simulations: How often each size is simulated.
        seed: Decides the draws.
    """
    chance = np.random.default_rng(seed)

    def reached(items: int) -> float:
        values = [
            alpha(grid_units(simulate(grid, items, people, chance, level)), level, resamples=0).value
            for _ in range(simulations)
        ]
        low, high = np.nanquantile(values, [0.025, 0.975])
        return float(high - low)

    model = "resampled" if ((~np.isnan(grid)).sum(axis=1) >= people).sum() >= SMALLEST else "urn"
    pilot = 200
    guess = int(np.clip(pilot * (reached(pilot) / width) ** 2, SMALLEST, MOST_ITEMS))  # widths shrink as 1 / sqrt(n)
    items, got = _settle(guess, reached, lambda found: found <= width)
    return Needed("alpha", people, items, got, width, model, None if items else "too_many_items")


def _settle(
    guess: int, reached: Callable[[int], float], good: Callable[[float], bool]
) -> tuple[int | None, float | None]:
    """Return the first size that is good, from a little under the guess upward, and what it reaches."""
    size = max(SMALLEST, int(guess * 0.85))
    while size <= MOST_ITEMS:
        found = reached(size)
        if good(found):
            return size, found
        size = int(size * 1.1) + 1
    return None, None


def items_for_stand_in(
    grid: Grid,
    judge: Sequence[float] | Grid,
    level: Level,
    *,
    power: float = 0.8,
    epsilon: float = 0.2,
    sizes: Sequence[int] = (30, 50, 75, 100, 150, 200, 300, 500, 800),
    simulations: int = SIMULATIONS,
    seed: int = 0,
) -> Needed:
    """Return how many items, each rated by all the people at hand, let the AI pass the alternative annotator test.

    Args:
        grid: Items x people.
        judge: The AI's rating of each item; NaN where it has none.
        level: The level of measurement.
        power: How often it should pass, being as good as it looks.
        epsilon: The allowance of the test.
        sizes: Numbers of items that are tried.
        simulations: How often each is simulated.
        seed: Decides the draws.
    """

    chance = np.random.default_rng(seed)
    together = np.column_stack([grid, np.asarray(judge, float)])
    usable = np.flatnonzero(~np.isnan(together[:, -1]) & ((~np.isnan(grid)).sum(axis=1) >= 2))
    people = [f"human_{number}" for number in range(grid.shape[1])]
    if len(usable) < SMALLEST:
        return Needed("stand_in", len(people), None, None, power, "resampled", "too_few_items")
    units = wide_units(pd.DataFrame(together[usable], columns=[*people, "ai"]))
    ahead = advantages(units, "ai", people, level)  # of an item it is the same in every draw
    passed = 0.0
    for size in sizes:
        drawn = [ahead[:, chance.choice(len(usable), size)] for _ in range(simulations)]
        passed = float(np.mean([omega >= PASSES_FROM for omega in omegas_of(drawn, epsilon)]))
        if passed >= power:
            return Needed("stand_in", len(people), size, passed, power, "resampled")
    return Needed("stand_in", len(people), None, passed, power, "resampled", "too_many_items")


def items_for_score(
    human: Sequence[float] | Grid,
    judge: Sequence[float] | Grid,
    width: float,
    rated: int,
    *,
    simulations: int = SIMULATIONS,
    seed: int = 0,
) -> Needed:
    """Return how many human-rated items make the 95 % interval of a corrected score no wider than wanted, on average.

    Items that both have rated are drawn with replacement for people, and AI ratings for the other items; each draw is
    corrected as `harness.agreement.stand_in.corrected.ppi_mean` corrects (PPI++, Angelopoulos, Duchi and Zrnic 2023).

    Args:
        human: People's rating of each item at hand, their mean where there are several.
        judge: The AI's rating of the same items.
        width: The wanted width of the interval.
        rated: Items that the AI rates, those that people rate among them.
        simulations: How often each size is simulated.
        seed: Decides the draws.
    """
    y, f = np.asarray(human, float), np.asarray(judge, float)
    known = ~(np.isnan(y) | np.isnan(f))
    y, f = y[known], f[known]
    if len(y) < SMALLEST:
        return Needed("score", 1, None, None, width, "resampled", "too_few_items")

    def reached(n: int) -> float:
        chance = np.random.default_rng([seed, n])
        widths = []
        for _ in range(simulations):
            drawn, others = chance.integers(0, len(y), n), chance.integers(0, len(y), max(rated - n, 1))
            found = ppi_mean(y[drawn], f[drawn], f[others])
            widths.append(found.high - found.low)
        return float(np.mean(widths))

    low, high = FEWEST, max(min(MOST_ITEMS, rated), FEWEST)
    if reached(high) > width:
        return Needed("score", 1, None, reached(high), width, "resampled", "too_many_items")
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) <= width else (middle + 1, high)
    return Needed("score", 1, high, reached(high), width, "resampled")
