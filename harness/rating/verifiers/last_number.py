"""The last number of an answer's first line, for models that write a calculation where a number is asked for."""

from __future__ import annotations

import re

from pydantic import Field

from harness.rating.rater import RaterSpec, Surroundings
from harness.rating.settings import Settings, read_settings
from harness.rating.verifiers.verifier import Checked, NoKey, Verifier, any_of
from harness.records import Item

NUMBER = re.compile(r"[-−]?\d[\d,]*(?:\.\d+)?")


class LastNumberSettings(Settings):
    """How much of the numbers is compared."""

    digits: int | None = Field(None, ge=1)
    """So many last digits of whole numbers alone; everything where not given."""


def last_number(text: str) -> str | None:
    """Return the last number of the first line that has something in it, as digits; None where it has none."""
    line = next((line for line in text.splitlines() if line.strip()), "")
    found = list(NUMBER.finditer(line))
    if not found:
        return None
    text, start = found[-1][0], found[-1].start()
    sign = text[0] in "-−" and not (start and line[start - 1].isalnum())  # 50-30 ends in 30
    digits = text.lstrip("-−").replace(",", "")
    whole, _, part = digits.partition(".")
    plain = (whole.lstrip("0") or "0") + (f".{part.rstrip('0')}" if part.rstrip("0") else "")
    return f"-{plain}" if sign and plain != "0" else plain


def verify_last_number(spec: RaterSpec, _: Surroundings) -> Verifier:
    """Make a rater that compares the last number of the first line with the target's."""
    settings = read_settings(spec, LastNumberSettings)

    def decide(item: Item, answer: str) -> Checked:
        found = last_number(answer)

        def check(target: str) -> Checked:
            wanted = last_number(target)
            if wanted is None:
                raise NoKey(f"item {item.item_id!r} of {item.task!r}: no number in the target {target!r:.80}")
            if found is None:
                return Checked(False, "no number can be read in the first line")
            right = _end(found, settings.digits) == _end(wanted, settings.digits)
            return Checked(right, None if right else "another number", found)

        return any_of(item, check)

    return Verifier(spec, settings, decide)


def _end(number: str, digits: int | None) -> str:
    return number if digits is None else number.lstrip("-")[-digits:]
