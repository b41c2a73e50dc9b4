"""Exchange rates, criterion by criterion, and how a run keeps them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from harness.learning.worth.curves import Curves, Point
from harness.learning.worth.exchange import Exchange
from harness.run import Run

KEPT = "exchange.json"
"""Where a run keeps its rates."""


@dataclass(frozen=True)
class ExchangeRates:
    """What labels are worth, a criterion at a time: iterate over it, or index it.

    Attributes:
        criteria: One `Exchange` a criterion.
        made_of: The hash of what was rated and how it was asked.
        humans: The sources that are people's names, which a page does not say.
        notes: How the file was read, and which criteria say nothing.
    """

    criteria: list[Exchange]
    made_of: str = ""
    humans: Sequence[str] = ()
    notes: Sequence[str] = ()

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self.criteria)

    def __len__(self) -> int:
        return len(self.criteria)

    def __getitem__(self, place: int) -> Exchange:
        return self.criteria[place]

    @cached_property
    def df(self) -> pd.DataFrame:
        """One row a criterion and point: its mean score over the splits with the interval."""
        return pd.concat([one.df for one in self.criteria], ignore_index=True)

    @cached_property
    def worth(self) -> pd.DataFrame:
        """One row a criterion, source and number of a person's labels: what one of them is worth."""
        rows = [
            {"criterion": one.criterion, **asdict(worth), "verdict": worth.verdict}
            for one in self.criteria
            for worth in one.worths
        ]
        return pd.DataFrame(rows)

    @property
    def sentences(self) -> list[str]:
        """What was found, a sentence each."""
        return [sentence for one in self.criteria for sentence in one.sentences]

    def to_json(self) -> list[dict[str, Any]]:
        """Return JSON values, one entry a criterion; null for what is unknown or without end."""
        return [one.to_json() for one in self.criteria]

    def _repr_html_(self) -> str:
        said = "".join(f"<li>{escape(one.sentence)}</li>" for one in self.criteria)
        return f"<h4>What a person's label is worth</h4><ul>{said}</ul>{self.worth.to_html(index=False)}"


def keep_rates(run: Run, found: ExchangeRates) -> None:
    """Keep rates in a run, as the scores of every split."""
    said = {
        "made_of": found.made_of,
        "humans": list(found.humans),
        "notes": list(found.notes),
        "criteria": [
            {
                "criterion": one.criterion,
                "measure": one.measure,
                "seed": one.seed,
                "rates": dict(one.rates),
                "quality": one.quality,
                "share": one.curves.share,
                "n_items": one.curves.n_items,
                "n_clusters": one.curves.n_clusters,
                "points": [asdict(point) for point in one.curves.points],
                "scores": [[None if np.isnan(score) else score for score in row] for row in one.curves.scores.tolist()],
            }
            for one in found.criteria
        ],
    }
    content = json.dumps(said, allow_nan=False).encode()
    path = run.folder / KEPT
    if not path.is_file() or path.read_bytes() != content:
        run.keep(path, content)


def kept_rates(run: Run) -> ExchangeRates | None:
    """Return the rates that a run keeps; None where it keeps none."""
    path = run.folder / KEPT
    if not path.is_file():
        return None
    said = json.loads(run.checksums.read(path))
    found = []
    for one in said["criteria"]:
        points = [Point(**point) for point in one["points"]]
        curves = Curves(points, np.array(one["scores"], dtype=float), one["share"], one["n_items"], one["n_clusters"])
        found.append(Exchange(one["criterion"], curves, one["seed"], one["rates"], one["quality"], one["measure"]))
    return ExchangeRates(found, said["made_of"], said["humans"], said["notes"])
