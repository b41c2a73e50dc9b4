"""Tables of scores, checked before they become a grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from harness.errors import HarnessError, did_you_mean
from harness.rounds.scores.labels import Label, label_rounds

Notice = dict[str, Any]
"""A warning: `code`, `message`, and what it is about."""
SAME = ("content_hash", "prompt_hash")
"""Optional columns that must not change between the rounds of an item."""
MEASURES = ("confidence", "visible", "length", "kl")
"""Optional columns of what an answer is like beside its score; the first two are in [0, 1], the others at least 0."""


def checked_scores(
    df: pd.DataFrame, score_range: tuple[float, float], cluster: str | None
) -> tuple[pd.DataFrame, list[Label]]:
    """Return the columns that count, scores mapped to [0, 1], and the rounds in their order.

    Raises:
        HarnessError: A column is missing, or a value cannot be what it should be; names the row.
    """
    for name in ("item", "round", "score", *([cluster] if cluster else [])):
        if name not in df.columns:
            raise HarnessError(f"there is no column {name!r}.{did_you_mean(name, map(str, df.columns))}")
    low, high = score_range
    if not low < high:
        raise HarnessError(f"score range {low:g},{high:g}: the lowest score must be below the highest")
    names = ["item", "benchmark", "series", "seed", "rater_version", "text", "embedding", *SAME]
    names += [cluster] if cluster else []
    frame = df[list(dict.fromkeys(name for name in names if name in df.columns))].copy(deep=False)
    frame["benchmark"] = frame["benchmark"] if "benchmark" in df.columns else "all"
    frame["series"] = frame["series"] if "series" in df.columns else "all"
    for name in ("item", "benchmark", "series"):
        _refuse(df, frame[name].isna(), name, "is empty")
    frame["round"], labels = label_rounds(df["round"])
    frame["score"] = _mapped(df, "score", low, high)
    if "gold" in df.columns:
        frame["gold"] = _mapped(df, "gold", low, high)
    for name in MEASURES:
        if name in df.columns and df[name].notna().any():
            frame[name] = _number(df, name)
            most = 1.0 if name in ("confidence", "visible") else np.inf
            _refuse(df, (frame[name] < 0) | (frame[name] > most), name, f"is outside 0 to {most:g}")
    return frame, labels


def _mapped(df: pd.DataFrame, name: str, low: float, high: float) -> pd.Series[float]:
    values = _number(df, name)
    outside = (values < low) | (values > high)
    _refuse(
        df, outside, name, f"is outside the score range {low:g},{high:g} (set it: score_range, --score-range LOW,HIGH)"
    )
    return values if (low, high) == (0, 1) else (values - low) / (high - low)


def _number(df: pd.DataFrame, name: str) -> pd.Series[float]:
    values = pd.to_numeric(df[name], errors="coerce").astype(float)
    _refuse(df, values.isna() & df[name].notna(), name, "is no number")
    return values


def _refuse(df: pd.DataFrame, wrong: pd.Series[bool], name: str, what: str) -> None:
    if wrong.any():
        place = int(np.flatnonzero(wrong.to_numpy())[0])
        count = int(wrong.sum())
        raise HarnessError(
            f"column {name!r}, row {place} (line {place + 2} of a CSV): {shown(df[name].iloc[place])} {what}"
            + (f"; {count:,} rows in all" if count > 1 else "")
        )


def shown(value: Any) -> str:
    """Return a value as a message shows it."""
    return repr(value.item() if isinstance(value, np.generic) else value)


def same_only(rows: pd.DataFrame, benchmark: str, series: str, warnings: list[Notice]) -> pd.DataFrame:
    """Keep what is the same in all rounds: one version of the rater, items whose prompt and tests did not change."""
    about = {"benchmark": benchmark, "series": series}
    if "rater_version" in rows:
        counts = rows["rater_version"].fillna("").astype(str).value_counts()
        if len(counts) > 1:
            kept = min(counts.index[counts == counts.max()])
            rows = rows[rows["rater_version"].fillna("").astype(str) == kept]
            message = (
                f"{series} on {benchmark}: scores of {len(counts)} versions of the rater; only {kept!r} is compared"
            )
            warnings.append({"code": "rater_version_changed", "message": message, **about})
    for name in SAME:
        if name in rows:
            changed = rows.groupby("item", observed=True)[name].nunique() > 1
            if changed.any():
                rows = rows[~rows["item"].isin(changed.index[changed])]
                count = int(changed.sum())
                message = f"{series} on {benchmark}: {count:,} items whose {name} changed between rounds are left out"
                warnings.append({"code": f"{name}_changed", "message": message, **about})
    return rows
