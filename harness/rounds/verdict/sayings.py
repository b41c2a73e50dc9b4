"""How figures of rounds are written: in points for people, as finite values for JSON."""

from __future__ import annotations


def points(values: list[float], sesoi: float, least: int = 1) -> list[str]:
    """Return fractions and the SESOI in points, with decimals enough to keep each on its side of 0 and the SESOI.

    Args:
        values: A value and the ends of its interval.
        sesoi: The smallest effect of interest.
        least: The fewest decimals.
    """
    marks = (0.0, 100 * sesoi, -100 * sesoi)
    for digits in range(least, least + 4):
        rounded = [round(100 * value, digits) + 0.0 for value in values]  # + 0.0: no minus before a zero
        if not any(r == m != 100 * v for r, v in zip(rounded[1:], values[1:], strict=True) for m in marks):
            break
    first = f"{rounded[0]:+.{digits}f}"
    return [first, *(f"{value:.{digits}f}" for value in rounded[1:]), f"{100 * sesoi:g}"]
