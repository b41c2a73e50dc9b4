"""`rank` takes what people have in hand: a run, the path of one or of a file of comparisons, or a frame."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

import pandas as pd

from harness.agreement.preferences import rankings
from harness.agreement.preferences.rankings import Preferences, of_run
from harness.agreement.source import Source, opened_source

P = ParamSpec("P")


def _of_comparisons(
    of_frame: Callable[Concatenate[pd.DataFrame, P], Preferences],
) -> Callable[Concatenate[Source, P], Preferences]:
    """Let `rank` take runs and paths too; the players of a run are its models, and its series' rounds."""

    @wraps(of_frame)
    def rank(source: Source, /, *args: P.args, **options: P.kwargs) -> Preferences:
        ratings = opened_source(source)
        if isinstance(ratings, pd.DataFrame):
            return of_frame(ratings, *args, **options)
        players: Any = {"first": "player", "second": "opponent", "seed": ratings.suite.seed, **options}
        return of_frame(of_run(ratings.ratings, ratings.responses), *args, **players)

    return rank


rank = _of_comparisons(rankings.rank)
