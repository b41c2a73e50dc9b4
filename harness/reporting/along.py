"""What stands along a chart of rounds: numbers, or the names of checkpoints (`step-1000`), one beside the other."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from harness.rounds import NUMBERED, label_rounds


@dataclass(frozen=True)
class Along:
    """The rounds along a chart.

    Attributes:
        title: What they are: rounds, steps, dates.
        places: Where each stands.
        called: What stands there; empty where the places are the rounds' numbers.
    """

    title: str
    places: dict[Any, int]
    called: dict[int, str]

    @classmethod
    def of(cls, rounds: Iterable[Any], title: str = "round") -> Along:
        """Return how rounds stand along: numbers where they are, names at equal distances in their order.

        Names that differ by their number alone are shown by it, under their common words.
        """
        known = list(dict.fromkeys(rounds))
        if not any(isinstance(one, str) for one in known):
            return cls(title, {one: int(one) for one in known}, {})
        names = [str(name) for name in label_rounds(pd.Series(known, dtype=object))[1]]
        parts = [NUMBERED.fullmatch(name) for name in names]
        short = [(part["before"], part["number"]) for part in parts if part and part["before"] and not part["after"]]
        words = short[0][0].strip("-_. ") if len(short) == len(names) else ""
        shown = [number for _, number in short] if words else names
        places = {name: place for place, name in enumerate(names)}
        return cls(words or "checkpoint", places, dict(enumerate(shown)))

    @property
    def ticks(self) -> Sequence[int]:
        """Where the rounds stand, in their order."""
        return sorted(self.places.values())

    @property
    def axis(self) -> dict[str, Any]:
        """What Vega-Lite is told of the axis."""
        axis: dict[str, Any] = {"values": list(self.ticks), "format": "d", "grid": False}
        if self.called:
            axis["labelExpr"] = f"{json.dumps(list(self.called.values()))}[datum.value]"
        return axis

    def placed(self, data: pd.DataFrame, column: str) -> pd.DataFrame:
        """Return rows with the rounds' places in the place of their names."""
        return data.assign(**{column: data[column].map(self.places)}) if self.called else data
