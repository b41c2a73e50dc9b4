"""Each criterion at a level of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from glob import escape
from typing import TYPE_CHECKING

import pandas as pd

from harness.agreement.grid.columns import matching
from harness.agreement.grid.units import Level
from harness.agreement.grid.wide import is_wide
from harness.agreement.options import AgreementOptions
from harness.errors import HarnessError, did_you_mean

if TYPE_CHECKING:
    from harness.agreement.agreement import Agreement


def by_level(
    agree: Callable[[AgreementOptions], Agreement],
    ratings: pd.DataFrame,
    levels: Mapping[str, Level],
    asked: AgreementOptions,
) -> Agreement:
    """Return the agreement of each criterion at its own level; those of which none is said at what fits."""
    if is_wide(ratings) or asked.pool:
        raise HarnessError("a level by criterion needs several criteria, each with a table of its own")
    names = sorted(map(str, ratings["criterion"].dropna().unique())) if "criterion" in ratings else ["rating"]
    for name in levels:
        if name not in names:
            raise HarnessError(f"no criterion {name!r}.{did_you_mean(name, names)}")
    if asked.criterion:
        names = [name for name, kept in zip(names, matching(asked.criterion, names, "criterion"), strict=False) if kept]
    parts = [agree(replace(asked, level=levels.get(name), criterion=escape(name))) for name in names]
    whole = parts[0]
    for part in parts[1:]:
        for name in (
            "tables",
            "units",
            "stand_in",
            "corrected",
            "raters",
            "self_agreement",
            "slices",
            "means",
            "components",
        ):
            getattr(whole, name).extend(getattr(part, name))
        whole.warnings.extend(note for note in part.warnings if note not in whole.warnings)
        whole.weights.update(part.weights)
    return whole
