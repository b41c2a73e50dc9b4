"""Whether a judge says the same again, later, and in words that can be read; and how much of its scale it uses."""

from __future__ import annotations

import numpy as np
import pandas as pd

from harness.agreement.audits.check import NO_ORDER, AuditCheck, around, least, mean_by, most, not_run, share
from harness.agreement.audits.subject import Subject
from harness.run import is_valued

SAME = 0.9
DRIFT_MARGIN = 0.05
MOST_USED = 0.9
UNPARSED = 0.02
MASS = 0.5
BINS = 5
"""A scale of many values is looked at in so many equal parts."""
CLOSE = 0.05
"""Of the scale: two values of a scale of many values that are nearer count as the same."""


def retest(subject: Subject) -> list[AuditCheck]:
    """Check repeats: with other seeds (the ratings' repetitions), and with the same seed (asked again)."""
    record = "record a `repetition` (suite: `repetitions: 2`), each has a seed of its own"
    names = ("test_retest_other_seeds", "test_retest_same_seed")
    again = subject.asked
    same = None if again is None else again[again["asked"] == "again"]
    ask = "ask the judge again: `--ask N`, for a run's judge"
    return [_repeats(subject, names[0], None, record), _repeats(subject, names[1], same, ask)]


def _repeats(subject: Subject, name: str, later: pd.DataFrame | None, record: str) -> AuditCheck:
    rows = subject.ratings[is_valued(subject.ratings)].assign(order=lambda frame: frame["order"].fillna(""))
    first = rows[rows["repetition"] == 0].drop_duplicates(["unit", "order"])
    if later is None:
        later = rows[rows["repetition"] > 0] if name.endswith("other_seeds") else rows.iloc[:0]
    else:
        later = later[is_valued(later)].assign(order=lambda frame: frame["order"].fillna(""))
    both = first.merge(later, on=["unit", "order"], suffixes=("", "_again"))
    if both.empty:
        return not_run(name, record)
    allowed = CLOSE * (subject.high - subject.low) if _many(subject) else 1e-9
    same = (both["value"] - both["value_again"]).abs() <= allowed
    found = mean_by(same, both["item_id"]) if 0 < same.mean() < 1 else share(float(same.sum()), len(both))
    what = "nearly the same (within 5 % of the scale)" if _many(subject) else "the same"
    sentence = f"said {what} in {found.value:.1%} of {len(both):,} repeats"
    return least(name, found, SAME, sentence)


def drift(subject: Subject) -> AuditCheck:
    """Check the mean change on a fixed anchor set: the same units, rated earlier and later, paired."""
    name = "drift"
    if subject.labels:
        return not_run(name, NO_ORDER)
    rows = subject.ratings[is_valued(subject.ratings)]
    if subject.anchor is not None:
        before = subject.anchor[is_valued(subject.anchor)]
        after, when = rows, "since the anchor"
    else:
        dated = rows[rows["created_at"].notna()]
        days = pd.to_datetime(dated["created_at"], utc=True, errors="coerce", format="mixed").dt.normalize()
        if days.nunique() < 2:
            return not_run(
                name,
                "record `created_at` for an anchor set rated on two days, or give earlier ratings: `--anchor FILE`",
            )
        before, after = (dated[days == day] for day in (days.min(), days.max()))
        when = f"from {days.min().date()} to {days.max().date()}"
    both = pd.concat(
        [part.groupby("unit")["value"].mean().rename(side) for side, part in (("before", before), ("after", after))],
        axis=1,
    ).dropna()
    if len(both) < 2:
        return not_run(name, "record ratings of the same answers on both days: none is rated twice")
    change = (both["after"] - both["before"]) / ((subject.high - subject.low) or 1.0)
    item = rows.drop_duplicates("unit").set_index("unit")["item_id"].reindex(both.index)
    found = mean_by(change, item.astype(str))
    sentence = f"moved by {found.value:+.3f} of its scale on {found.n:,} anchor ratings {when}"
    return around(name, found, 0.0, DRIFT_MARGIN, sentence)


def scale_use(subject: Subject) -> AuditCheck:
    """Check how much of all ratings lies on one value (or one fifth of a scale of many values)."""
    name = "scale_use"
    values = subject.spoken["value"].to_numpy(float)
    if not len(values):
        return not_run(name, "record a `value`: there is none")
    low, high = subject.low, subject.high
    if _many(subject):
        cell = np.clip(np.floor((values - low) / ((high - low) or 1.0) * BINS), 0, BINS - 1)
        of = f"of {BINS} equal parts of {low:g} to {high:g}"
    else:
        cell = values
        of = "of its values"
    used, counts = np.unique(cell, return_counts=True)
    found = share(float(counts.max()), len(values))
    sentence = f"put {found.value:.1%} of {len(values):,} ratings on one {of}, and used {len(used)} of them"
    return most(name, found, MOST_USED, sentence)


def parse_failures(subject: Subject) -> AuditCheck:
    """Check how many of the judge's answers could not be read; other failures are named beside."""
    rows = subject.ratings
    status = rows["status"].where(rows["status"].notna(), np.where(rows["value"].isna(), "unparsed", "ok"))
    counts = status.value_counts()
    answered = len(rows) - int(sum(counts.get(other, 0) for other in ("error", "timeout", "skipped")))
    if answered == 0:
        return not_run("parse_failures", "no answer of the judge arrived: every rating failed before it")
    unread = int(counts.get("unparsed", 0))
    others = ", ".join(
        f"{counts[name]:,} {name}" for name in ("refused", "timeout", "error", "skipped") if counts.get(name, 0)
    )
    found = share(float(unread), answered)
    sentence = f"{unread:,} of {answered:,} answers could not be read" + (f"; beside them {others}" if others else "")
    return most("parse_failures", found, UNPARSED, sentence)


def mass(subject: Subject) -> AuditCheck:
    """Check how much of all probability the judge's words held: with little, it wanted to say something else."""
    rows = subject.ratings[subject.ratings["mass"].notna()]
    if rows.empty:
        return not_run("mass", "`mass` in the ratings' metadata: a judge by probabilities has it")
    found = mean_by(rows["mass"], rows["item_id"])
    below = int((rows["mass"] < MASS).sum())
    sentence = f"the words held {found.value:.2f} of the probability on average, in {below:,} of {len(rows):,} less"
    return least("mass", found, MASS, f"{sentence} than half")


def _many(subject: Subject) -> bool:
    """Tell whether the scale has many values, as expected grades have."""
    values = subject.spoken["value"]
    return bool(values.nunique() > 11) and not subject.labels
