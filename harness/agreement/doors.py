"""`agree` takes what people have in hand: a run, the path of one or of a file of ratings, or a frame."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

import pandas as pd

from harness.agreement import agreement
from harness.agreement.agreement import Agreement
from harness.agreement.run_agreement import RunAgreement, agree_in_run
from harness.agreement.source import Source, opened_source
from harness.errors import HarnessError

P = ParamSpec("P")


def _of_anything(
    of_frame: Callable[Concatenate[pd.DataFrame, P], Agreement],
) -> Callable[Concatenate[Source, P], Agreement | RunAgreement]:
    """Let `agree` take runs and paths too; a run decides some options itself, and refuses them."""

    @wraps(of_frame)
    def agree(source: Source, /, *args: P.args, **options: P.kwargs) -> Agreement | RunAgreement:
        ratings = opened_source(source, options)
        if isinstance(ratings, pd.DataFrame):
            return of_frame(ratings, *args, **options)
        known = inspect.signature(agree_in_run).parameters
        wrong = [name for name in options if name not in known]
        if wrong:
            raise HarnessError(
                f"{wrong[0]}: a run's raters, scales and items are compared as they are; for a part of them take its "
                "frame, `agree(run.ratings, ...)`"
            )
        return agree_in_run(ratings, **options)  # type: ignore[arg-type]

    return agree


agree = _of_anything(agreement.agree)
