"""Numbers as JSON knows them: no numpy types, and null for what is not finite."""

from __future__ import annotations

import math
from typing import Any


def number(value: float | None) -> float | None:
    """Return a float for JSON: None where it is missing or not finite."""
    return float(value) if value is not None and math.isfinite(value) else None


def finite(value: Any) -> Any:
    """Return a value as JSON knows it, with all that is in it: no numpy types, None for what is not finite."""
    if isinstance(value, dict):
        return {str(key): finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
