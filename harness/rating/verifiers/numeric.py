"""The rater `numeric`: whether the final number of an answer is the target's within a tolerance, with its unit."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Literal

from pydantic import Field

from harness.answering import answer_of
from harness.rating.rater import RaterSpec, Surroundings
from harness.rating.settings import Settings, read_settings
from harness.rating.verifiers.final_quantity import final_quantity
from harness.rating.verifiers.quantities import Quantity
from harness.rating.verifiers.verifier import Checked, NoKey, Verifier, any_of
from harness.records import Item

Where = Literal["anywhere", "first_line", "last_line"]


class NumericSettings(Settings):
    """Where the number stands, and when two are the same, as `math.isclose` has it."""

    where: Where = "anywhere"
    relative_tolerance: float = Field(1e-6, ge=0)
    absolute_tolerance: float = Field(0.0, ge=0)
    percent_as_fraction: bool = False
    """Whether 50% equals 0.5."""


def same(one: Quantity, other: Quantity, settings: NumericSettings) -> bool:
    """Tell whether two quantities are the same; a unit that only one of them has is ignored."""
    numbers = [quantity.number for quantity in (one, other)]
    units = [quantity.unit for quantity in (one, other)]
    if all(units) and units[0] != units[1]:
        if set(units) != {"usd", "cent"}:
            return False
        numbers = [number / 100 if unit == "cent" else number for number, unit in zip(numbers, units, strict=True)]
    candidates = [numbers]
    if settings.percent_as_fraction and units.count("percent") == 1:
        candidates.append([n / 100 if unit == "percent" else n for n, unit in zip(numbers, units, strict=True)])
    return any(_close(first, second, settings) for first, second in candidates)


def _close(first: Fraction, second: Fraction, settings: NumericSettings) -> bool:
    if first == second:
        return True
    try:
        floats = float(first), float(second)
    except OverflowError:
        return False
    return math.isclose(*floats, rel_tol=settings.relative_tolerance, abs_tol=settings.absolute_tolerance)


def part_of(text: str, where: Where) -> str:
    """Return the part of an answer that is read."""
    lines = [line for line in answer_of(text).splitlines() if line.strip()]
    if where == "anywhere" or not lines:
        return text
    return lines[0] if where == "first_line" else lines[-1]


def numeric(spec: RaterSpec, _: Surroundings) -> Verifier:
    """Make the rater `numeric`: right if the answer's final quantity is the target's."""
    settings = read_settings(spec, NumericSettings)

    def decide(item: Item, answer: str) -> Checked:
        found = final_quantity(part_of(answer, settings.where))

        def check(target: str) -> Checked:
            wanted = final_quantity(target)
            if wanted is None:
                raise NoKey(f"item {item.item_id!r} of {item.task!r}: no number in the target {target!r:.80}")
            if found is None:
                return Checked(False, "no number can be read in the answer")
            right = same(found, wanted, settings)
            shown = f"{float(found.number):.12g}" + (f" {found.unit}" if found.unit else "")
            return Checked(right, None if right else "another number", shown)

        return any_of(item, check)

    return Verifier(spec, settings, decide)
