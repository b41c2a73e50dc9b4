"""A finding: one thing that a run says, in a sentence, and how figures are written in sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from harness.rounds import points as in_points

Mark = Literal["improving", "plateaued", "worsening", "inconclusive", "trusted", "distrusted", "unknown", "note"]

KINDS: dict[str, str] = {
    "improving": "improving", "plateaued": "plateaued", "worsening": "worsening", "inconclusive": "inconclusive",
    "trusted": "better than chance", "distrusted": "not to be trusted", "unknown": "not known", "note": "note",
}  # fmt: skip
"""The words of each mark."""
SIGNS: dict[str, str] = {
    "improving": "▲", "plateaued": "■", "worsening": "▼", "inconclusive": "◇",
    "trusted": "●", "distrusted": "✕", "unknown": "○", "note": "·",
}  # fmt: skip
"""The sign of each mark: beside the colour, never instead of the word."""

ANNOTATE = "harness annotate RUN --rater-id NAME"
"""The command by which people rate a run's answers."""


@dataclass(frozen=True)
class Finding:
    """One thing that the run says."""

    about: str
    sentence: str
    """Plain text; a command stands between backticks."""
    evidence: str
    """The anchor of the figure or table on the page."""
    mark: Mark = "note"
    doubts: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON values."""
        return asdict(self)


def points(value: float | None) -> str:
    """Return a fraction of the score range as signed points, `+1.8`; "unknown" where there is none."""
    return "unknown" if value is None else signed(100 * value)


def share(value: float) -> str:
    """Return a share in whole percents that does not round a rest away: `< 1 %`, `> 99 %`."""
    if 0 < value < 0.01:
        return "< 1 %"
    return "> 99 %" if 0.99 < value < 1 else f"{100 * value:.0f} %"


def statistic(row: dict[str, Any]) -> str:
    """Return a coefficient with its interval and n, `alpha 0.45 [0.31, 0.58] over 60`."""
    interval = f" [{decimals(row['low'])}, {decimals(row['high'])}]" if row.get("low") is not None else ""
    return f"{words(row['coefficient'])} {decimals(row['value'])}{interval} over {row['n']:,}"


def decimals(value: float | None, digits: int = 2) -> str:
    """Return a number with so many decimals; a dash where it is unknown, never 0."""
    return "–" if value is None else f"{value:z,.{digits}f}".replace("-", "−")


def spanned(
    value: float | None, low: float | None, high: float | None, sesoi: float = 0.0, least: int = 1
) -> tuple[str, str]:
    """Return a rate in points and its interval, with decimals enough to keep each on its side of 0 and the SESOI."""
    if value is None or low is None or high is None:
        return "–" if value is None else points(value), "–"
    rate, *ends = (text.replace("-", "−") for text in in_points([value, low, high], sesoi, least))
    return rate if re.search("[1-9]", rate) else rate.lstrip("+"), f"[{ends[0]}, {ends[1]}]"


def signed(value: float, digits: int = 1) -> str:
    """Return a number with its sign, `+1.8`; what rounds to nothing has none, `0.0`."""
    text = f"{value:+z.{digits}f}".replace("-", "−")
    return text if re.search("[1-9]", text) else text.lstrip("+")


def joined(names: Sequence[str]) -> str:
    """Return names as a sentence lists them: `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def words(name: str) -> str:
    """Return a column's or coefficient's name as words."""
    return str(name).replace("_", " ")
