"""`agree` takes what people have in hand: a run, the path of one or of a file of ratings, or a frame."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ParamSpec, Protocol, cast, overload

import pandas as pd

from harness.agreement.agreement import Agreement
from harness.agreement.frame_agreement import agree_in_frame
from harness.agreement.options import AgreementOptions
from harness.agreement.run_agreement import RunAgreement, agree_in_run
from harness.agreement.source import Source, opened_source
from harness.run import Run

P = ParamSpec("P")


class Agree(Protocol[P]):
    """What `agree` gives for what it takes."""

    @overload
    def __call__(self, source: pd.DataFrame, /, *args: P.args, **options: P.kwargs) -> Agreement: ...
    @overload
    def __call__(self, source: Run, /, *args: P.args, **options: P.kwargs) -> RunAgreement: ...
    @overload
    def __call__(
        self, source: str | Path | Sequence[str | Path], /, *args: P.args, **options: P.kwargs
    ) -> Agreement | RunAgreement: ...


def _with_options_of(options: Callable[P, AgreementOptions]) -> Agree[P]:
    """Return `agree` with the options that `AgreementOptions` lists, for callers, editors and `help` alike."""

    def agree(source: Source, /, *args: P.args, **given: P.kwargs) -> Agreement | RunAgreement:
        asked = options(*args, **given)
        ratings = opened_source(source, asked.columns, asked.raters, asked.by_rows, asked.level)
        return agree_in_run(ratings, asked) if isinstance(ratings, Run) else agree_in_frame(ratings, asked)

    listed = inspect.signature(options).parameters.values()
    taken = inspect.Parameter("source", inspect.Parameter.POSITIONAL_ONLY)
    agree.__signature__ = inspect.Signature([taken, *listed])  # type: ignore[attr-defined]
    told = inspect.getdoc(options) or ""
    agree.__qualname__ = "agree"
    agree.__doc__ = HEAD + told.partition("Attributes:\n")[2]
    return cast("Agree[P]", agree)


HEAD = """Say how far raters agree: one table a criterion, one row a pair of raters, and what to beware of.

Args:
    source: A run or its folder; a file of ratings in any format that is known, or a list of files, read as one (what
        the command's options say of columns and words, `read_any` takes, and gives a frame); or a frame: one row a
        rating, with the record's column names (`item_id, rater, value`; `criterion`, `rater_kind`, `label`, `status`,
        `repetition` where there are any); or wide: one row an item, one column a rater.
"""

agree = _with_options_of(AgreementOptions)
