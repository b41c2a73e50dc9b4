"""What a cell says: tools wrap a value in lists, mappings and JSON; it is taken out, recoded, read as a number."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from typing import Any

from harness.errors import HarnessError
from harness.rating.files.mapping import Condition, Place
from harness.rating.files.paths import MISSING, fill, look_up
from harness.records import digest

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
COMMA = re.compile(r"[+-]?\d+,\d+")


def find(place: Place, names: dict[str, Any]) -> Any:
    """Return what stands at a place, recoded; MISSING where there is nothing."""
    found: Any = MISSING
    for path in place.path:
        there = look_up(path, names)
        found = found if there is MISSING else there  # an empty list is an answer: nothing was ticked
        if plain(chosen(found)) is not None:
            break
    if place.compare:
        first, second = (number_of(plain(look_up(path, names)) or "") for path in place.compare)
        if first is not None and second is not None:
            return 0.5 if first == second else float(first > second)
    if place.template is not None:
        found = fill(place.template, names)
    elif place.hash:
        found = digest([look_up(path, names) or None for path in place.hash])
    elif plain(chosen(found)) is None and place.constant is not None:
        found = place.constant
    if place.pattern is not None:
        match = re.search(place.pattern, plain(found) or "")
        found = match[1 if match.re.groups else 0] if match else MISSING
    if place.recode:
        text = plain(chosen(found))
        return place.recode.get(str(text), found) if text is not None else found
    if place.unix:
        seconds = number_of(plain(found) or "")
        try:
            return MISSING if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()
        except (ValueError, OverflowError, OSError) as error:
            raise HarnessError(f"{plain(found)!r} is no time ({error})") from error
    return found


def holds(condition: Condition, names: dict[str, Any]) -> bool:
    """Return whether a condition is true of a row."""
    found = look_up(condition.path, names)
    if condition.key is not None:
        return isinstance(found, dict) and any(re.fullmatch(condition.key, str(key)) for key in found)
    if condition.fits is not None:
        return re.match(condition.fits, plain(found) or "") is not None
    if condition.exists is not None:
        return condition.exists == (plain(found) not in (None, "false"))
    unwanted = "is_not" in condition.model_fields_set
    wanted = condition.is_not if unwanted else condition.is_
    listed = wanted if isinstance(wanted, list) else [wanted]
    met = (plain(found) or "").lower() in [(plain(one) or "").lower() for one in listed]
    return met if not unwanted else found is not MISSING and not met


def number_of(text: str, decimal_comma: bool = False) -> float | None:
    """Return a cell's number; a comma is decimal where commas separate no columns, or where it can be nothing else."""
    text = text.strip()
    if NUMBER.fullmatch(text):
        return float(text)
    if COMMA.fullmatch(text) and (decimal_comma or len(text.rsplit(",", 1)[1]) != 3):
        return float(text.replace(",", "."))
    return None


def plain(found: Any) -> str | None:
    """Return what was found as text; None for nothing."""
    if found is MISSING or found is None or found == [] or found == {}:
        return None
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, float):
        return None if math.isnan(found) else f"{found:.15g}"
    if isinstance(found, list | dict):
        if isinstance(found, list) and all(isinstance(one, str) for one in found):
            return "\n".join(found)
        return json.dumps(found, ensure_ascii=False, sort_keys=True, default=str)
    text = str(found).strip()
    return text or None


def chosen(found: Any) -> Any:
    """Return the one value in what tools wrap around it: a list of one, `{"rating": 4}`, `{"4": true, "5": false}`."""
    if isinstance(found, list) and len(found) == 1:
        return chosen(found[0])
    if isinstance(found, dict) and found and all(isinstance(one, bool) for one in found.values()):
        ticked = [key for key, one in found.items() if one]
        return ticked[0] if len(ticked) == 1 else (ticked or MISSING)
    if isinstance(found, dict) and len(found) == 1:
        return chosen(next(iter(found.values())))
    return found
