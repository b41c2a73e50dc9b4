"""Numbers in answers: the final number, its unit, and whether two are the same within a tolerance."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

from pydantic import Field

from harness.rating.rater import RaterSpec, Surroundings
from harness.rating.settings import Settings, read_settings
from harness.rating.verifiers.verifier import Checked, NoKey, Verifier, target_of
from harness.records import Item

CURRENCIES = {
    "$": "usd", "usd": "usd", "dollar": "usd", "dollars": "usd", "us$": "usd", "€": "eur", "eur": "eur", "euro": "eur",
    "euros": "eur", "£": "gbp", "gbp": "gbp", "pound": "gbp", "pounds": "gbp", "¥": "jpy", "jpy": "jpy", "yen": "jpy",
    "₹": "inr", "inr": "inr", "rupee": "inr", "rupees": "inr", "cent": "cent", "cents": "cent", "¢": "cent",
}  # fmt: skip
PERCENT = {"%": "percent", "percent": "percent", "per cent": "percent"}
UNITS = CURRENCIES | PERCENT

_DIGITS = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+"
_NUMBER = rf"[-+−]?\s?(?:{_DIGITS})(?:[eE][-+]?\d+)?"
_WORDS = "|".join(
    sorted((re.escape(unit) for unit in UNITS if unit.isascii() and unit[0].isalpha()), key=len, reverse=True)
)
NUMBER = re.compile(
    rf"(?P<before>US\$|[$€£¥₹])?\s?(?<![\w.])(?P<number>{_NUMBER})(?:\s?/\s?(?P<below>\d+)(?![\w./]))?"
    rf"\s?\\?(?P<after>%|[$€£¥₹¢]|(?:{_WORDS})\b)?",
    re.IGNORECASE,
)
MARKS = re.compile(r"####|(?:^|\n)\s*A:|answer\s*(?:is|:|=)", re.IGNORECASE)
BOXED = re.compile(r"\\boxed\{([^{}]*)\}")


class NumericSettings(Settings):
    """When two numbers are the same, as `math.isclose` has it."""

    relative_tolerance: float = Field(1e-6, ge=0)
    absolute_tolerance: float = Field(0.0, ge=0)
    percent_as_fraction: bool = False
    """Whether 50% equals 0.5."""


@dataclass(frozen=True)
class Quantity:
    """A number and its unit."""

    number: Fraction
    unit: str | None = None

    def same(self, other: Quantity, settings: NumericSettings) -> bool:
        """Tell whether two quantities are the same; a unit that only one of them has is ignored."""
        numbers = [quantity.number for quantity in (self, other)]
        units = [quantity.unit for quantity in (self, other)]
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


def final_quantity(text: str) -> Quantity | None:
    r"""Return the final quantity of a text, or None where there is none.

    It is looked for in the last `\boxed{}`, else as the first number after the last `####`, `A:` or "answer is", else
    as the last number of the text.
    """
    boxed = BOXED.findall(text)
    if boxed:
        text = boxed[-1]
    marks = list(MARKS.finditer(text))
    if marks:
        after = NUMBER.search(text, marks[-1].end())
        if after:
            return _quantity(after)
    found = list(NUMBER.finditer(text))
    return _quantity(found[-1]) if found else None


def _quantity(match: re.Match[str]) -> Quantity | None:
    digits = re.sub(r"[,\s]", "", match["number"]).replace("−", "-")
    exponent = re.search(r"[eE]([-+]?\d+)$", digits)
    if len(digits) > 400 or (exponent and abs(int(exponent[1])) > 400):
        return None
    number = Fraction(digits)
    if match["below"]:
        if not int(match["below"]):
            return None
        number /= int(match["below"])
    unit = (match["before"] or match["after"] or "").lower()
    return Quantity(number, UNITS.get(unit))


def numeric(spec: RaterSpec, _: Surroundings) -> Verifier:
    """Make the rater `numeric`: right if the answer's final quantity is the target's."""
    settings = read_settings(spec, NumericSettings)

    def decide(item: Item, answer: str) -> Checked:
        wanted = final_quantity(target_of(item))
        if wanted is None:
            raise NoKey(f"item {item.item_id!r} of {item.task!r}: no number in the target {item.target!r:.80}")
        found = final_quantity(answer)
        if found is None:
            return Checked(False, "no number can be read in the answer")
        right = found.same(wanted, settings)
        shown = f"{float(found.number):.12g}" + (f" {found.unit}" if found.unit else "")
        return Checked(right, None if right else "another number", shown)

    return Verifier(spec, settings, decide)
