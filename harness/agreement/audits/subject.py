"""What an audit looks at: one rater's ratings, beside what is known of the answers and of their quality.

A run says most of it; a file says what its columns say. A comparison is turned so that the smaller id is the response:
then two raters of one pair, whoever they told it from, rate the same unit.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from harness.agreement.repeats import with_repetitions
from harness.errors import HarnessError, did_you_mean
from harness.run import UNIT, Run, is_first, is_ok, is_valued, points_back, turned

WORDS = ["criterion", "order", "status", "created_at", "model", "against_model", "cluster", "rater_kind", "scale"]
NUMBERS = ["value", "repetition", "length", "against_length", "mass"]
COLUMNS = ("model", "against_model", "text", "against_text", "length", "against_length", "cluster")
"""What a file of ratings may have beside the record's columns."""
TRUTH = ("human", "verifier")
"""Whose ratings stand for quality: people's, or a verifier's where no person rated."""


@dataclass(frozen=True)
class Subject:
    """What one audit looks at.

    Attributes:
        rater: Whom it is about.
        ratings: The rater's ratings, failed ones among them: the columns of `UNIT`, `WORDS` and `NUMBERS` (empty where
            nothing is known), `unit` (the same number for the same answer, or pair of answers) and `turned`.
        quality: The mean rating by people, or by verifiers, of units (and of the answer alone: `answers`).
        noise: The variance of that mean, from ratings of the same unit; NaN where there is one.
        answers: The same as `quality` for single answers, by `response_id`.
        answers_noise: The same as `noise` for single answers.
        judged_by: `people`, `a verifier`, or None where nobody else rated.
        low: The scale's lowest value.
        high: The scale's highest value.
        judge_model: The rater's own model, where it is known.
        trained: Series that were trained on the rater's feedback.
        anchor: The rater's earlier ratings of the same units, with the columns of `ratings`.
        asked: What the rater said when asked again: the columns of `ratings`, and `asked`
            (`again`, `injection`, `control`, `null`).
        labels: Whether its verdicts are words without order; values are then their places in the alphabet.
    """

    rater: str
    ratings: pd.DataFrame
    quality: dict[int, float] = field(default_factory=dict)
    noise: dict[int, float] = field(default_factory=dict)
    answers: dict[str, float] = field(default_factory=dict)
    answers_noise: dict[str, float] = field(default_factory=dict)
    judged_by: str | None = None
    low: float = 0.0
    high: float = 1.0
    judge_model: str | None = None
    trained: tuple[str, ...] = ()
    anchor: pd.DataFrame | None = None
    asked: pd.DataFrame | None = None
    labels: bool = False

    @property
    def spoken(self) -> pd.DataFrame:
        """The first ratings that have a value; of a comparison, those of one order each."""
        rows = self.ratings
        return rows[is_valued(rows) & is_first(rows) & (rows["against_id"].isna() | rows["order"].notna())]

    @property
    def compares(self) -> bool:
        """Whether the rater compares two answers."""
        return bool(self.ratings["order"].notna().any() or self.ratings["against_id"].notna().any())


def subject_of(
    frame: pd.DataFrame,
    rater: str,
    *,
    judge_model: str | None = None,
    anchor: pd.DataFrame | None = None,
    asked: pd.DataFrame | None = None,
    limits: tuple[float, float] | None = None,
    trained: tuple[str, ...] = (),
) -> Subject:
    """Return what a frame of ratings says.

    Args:
        frame: Ratings by the rater and others, with the record's columns, and where they are known `model`,
            `against_model`, `length`, `against_length`, `cluster`.
        rater: Whom the audit is about.
        judge_model: The rater's own model.
        anchor: Earlier ratings, the rater's among them.
        asked: What the rater said when asked again, with the column `asked`.
        limits: The scale's ends; the lowest and highest value given where None.
        trained: Series that were trained on its feedback.

    Raises:
        HarnessError: The rater gave no rating.
    """
    names = sorted(map(str, frame["rater"].dropna().unique()))
    if rater not in names:
        raise HarnessError(f"no ratings by {rater!r}.{did_you_mean(rater, names)}")
    earlier = None if anchor is None else anchor[anchor["rater"].astype(str) == rater]
    if "repetition" not in frame or not (frame["repetition"].fillna(0) > 0).any():
        frame = with_repetitions(frame)  # rows that stand more than once, unless as copies
    parts = [_plain(part).assign(part=i) for i, part in enumerate((frame, earlier, asked)) if part is not None]
    rows = pd.concat(parts, ignore_index=True)
    rows["unit"] = rows.groupby([*UNIT, "criterion"], dropna=False, sort=False).ngroup()
    words = _in_words(rows, rater)
    if words is not None:
        rows["value"] = words
    own = rows[(rows["part"] == 0) & (rows["rater"] == rater)]
    values = own.loc[is_valued(own), "value"]
    low, high = limits or ((float(values.min()), float(values.max())) if len(values) else (0.0, 1.0))
    if set(own["scale"].dropna()) & {"binary", "preference"}:
        low, high = 0.0, 1.0
    known = _quality(rows[(rows["part"] == 0) & (rows["rater"] != rater)], own)
    return Subject(
        rater, own, known.units, known.noise, known.answers, known.answers_noise, known.by, low, high,
        judge_model, trained,
        None if earlier is None else rows[rows["part"] == 1], None if asked is None else rows[rows["part"] == 2],
        words is not None,
    )  # fmt: skip


def _in_words(rows: pd.DataFrame, rater: str) -> pd.Series[float] | None:
    """Return a number for each word where the rater gave words alone, so that equal words are equal; else None."""
    own = rows[(rows["rater"] == rater) & is_ok(rows)]
    if own["word"].isna().all() or own["value"].notna().any():
        return None
    said = rows["word"].where(rows["word"].notna(), rows["value"])
    codes, _ = pd.factorize(said.map(str, na_action="ignore"), sort=True)
    return pd.Series(codes, rows.index, dtype=float).where(codes >= 0)


def run_frame(run: Run) -> pd.DataFrame:
    """Return a run's ratings with the model and the length of the answers that they are about."""
    responses = run.responses.drop_duplicates("response_id").set_index("response_id")
    length = responses["text"].str.len()
    items = run.items.drop_duplicates(["task", "item_id"]).set_index(["task", "item_id"])["cluster"]
    rows = run.ratings
    place = pd.MultiIndex.from_frame(rows[["task", "item_id"]])
    return rows.assign(
        model=responses["model"].reindex(rows["response_id"]).to_numpy(),
        against_model=responses["model"].reindex(rows["against_id"]).to_numpy(),
        length=length.reindex(rows["response_id"]).to_numpy(),
        against_length=length.reindex(rows["against_id"]).to_numpy(),
        cluster=items.reindex(place).to_numpy(),
    )


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that an audit reads, as plain objects and numbers, comparisons turned one way."""
    rows = pd.DataFrame(index=range(len(frame)))
    for name in (*UNIT, *WORDS, "rater", "asked"):
        column = frame[name].to_numpy(object) if name in frame else None
        rows[name] = pd.Series(column, dtype=object)
        rows[name] = rows[name].where(rows[name].notna() & (rows[name] != ""), None)
    if "mass" not in frame and "metadata" in frame:
        frame = frame.assign(mass=[_mass(text) for text in frame["metadata"]])
    for name in NUMBERS:
        numbers = pd.to_numeric(frame[name], errors="coerce").to_numpy(float, na_value=np.nan) if name in frame else 0.0
        rows[name] = numbers if name in frame or name == "repetition" else np.nan
    rows["word"] = _words(frame)
    for side in ("", "against_"):
        if f"{side}text" in frame and f"{side}length" not in frame:
            rows[f"{side}length"] = frame[f"{side}text"].astype(object).str.len().to_numpy(float, na_value=np.nan)
    back = points_back(rows)
    rows = turned(rows, back).assign(turned=back)
    rows["repetition"] = rows["repetition"].fillna(0)
    rows["criterion"] = rows["criterion"].fillna("rating")
    return rows


def _mass(metadata: Any) -> float:
    """Return how much of all probability a judge's words had; NaN where its rating does not say."""
    if not isinstance(metadata, str) or '"mass"' not in metadata:
        return math.nan
    found = json.loads(metadata).get("mass")
    return float(found) if isinstance(found, int | float) else math.nan


@dataclass(frozen=True)
class _Quality:
    """The mean rating of units and of single answers, with the variance of each mean (NaN for one rating)."""

    units: dict[int, float] = field(default_factory=dict)
    noise: dict[int, float] = field(default_factory=dict)
    answers: dict[str, float] = field(default_factory=dict)
    answers_noise: dict[str, float] = field(default_factory=dict)
    by: str | None = None


def _quality(others: pd.DataFrame, own: pd.DataFrame) -> _Quality:
    """Return what people (or verifiers) say of the rater's units, of single answers, and who that was.

    Ratings of the same criterion count; those of others only where nobody rated that one at all.
    """
    others = others[is_valued(others)]
    for kind in TRUTH:
        rated = others[others["rater_kind"] == kind]
        keys = own.drop_duplicates("unit")
        same = rated[rated["unit"].isin(keys["unit"])]
        if same.empty:  # the unit without its criterion
            named = keys.assign(key=_names(keys)).set_index("key")["unit"]
            same = rated.assign(unit=_names(rated).map(named[~named.index.duplicated()])).dropna(subset=["unit"])
        units, noise = _mean_and_noise(same, "unit")
        answers, answers_noise = _mean_and_noise(rated[rated["against_id"].isna()], "response_id")
        if units or answers:
            by = "people" if kind == "human" else "a verifier"
            return _Quality(units, noise, answers, answers_noise, by)
    return _Quality()


def _words(frame: pd.DataFrame) -> pd.Series[Any]:
    """Return the word of each row that has no number: its label, or what stands in place of a value."""
    spoken = pd.Series(None, index=range(len(frame)), dtype=object)
    for name in ("value", "label"):
        if name in frame:
            column = pd.Series(frame[name].to_numpy(object))
            number = pd.to_numeric(column, errors="coerce").notna()
            spoken = spoken.where(spoken.notna(), column.where(~number & column.notna() & (column != "")))
    return spoken


def _names(rows: pd.DataFrame) -> pd.Series[str]:
    return rows[list(UNIT)].fillna("").astype(str).agg("\x1f".join, axis=1) if len(rows) else pd.Series(dtype=object)


def _mean_and_noise(rows: pd.DataFrame, key: str) -> tuple[dict[Any, float], dict[Any, float]]:
    groups = rows.dropna(subset=[key]).groupby(key)["value"]
    noise = groups.var(ddof=1) / groups.count()
    return groups.mean().to_dict(), noise.to_dict()


def _place(task: pd.Series[str], item: pd.Series[str]) -> pd.Series[str]:
    """Return names of items that are told apart over tasks, where the task is known."""
    return task.fillna("").astype(str) + "/" + item.astype(str)


def pairs_of_answers(subject: Subject, most: int = 200_000) -> pd.DataFrame:
    """Return two answers to the same item and which one the rater prefers, whether it compares or rates them singly.

    Returns:
        Columns `preferred` (1, .5, 0 from the first's side), `longer` (characters more), `better` (by people or a
        verifier, around 0; NaN where nobody knows), `noise` (the variance of that; NaN where one rating tells none),
        `first`, `second` (models), `item`. At most `most` pairs, a seeded sample.
    """
    rows = subject.spoken
    if subject.compares:
        mean = rows.groupby("unit", sort=False)["value"].mean()
        one = rows.drop_duplicates("unit").set_index("unit")
        better = pd.Series(subject.quality, dtype=float).reindex(one.index) - 0.5
        noise = pd.Series(subject.noise, dtype=float).reindex(one.index)
        if better.isna().all():  # nobody compared them: the difference of what is said of each
            each, error = pd.Series(subject.answers, dtype=float), pd.Series(subject.answers_noise, dtype=float)
            left, right = one["response_id"], one["against_id"]
            better = pd.Series(each.reindex(left).to_numpy() - each.reindex(right).to_numpy(), one.index)
            noise = pd.Series(error.reindex(left).to_numpy() + error.reindex(right).to_numpy(), one.index)
        return pd.DataFrame(
            {
                "preferred": mean,
                "longer": one["length"] - one["against_length"],
                "better": better,
                "noise": noise,
                "first": one["model"],
                "second": one["against_model"],
                "item": _place(one["task"], one["item_id"]),
            }
        )
    group = _place(rows["task"], rows["cluster"].fillna(rows["item_id"]))
    table = rows.assign(
        group=group, better=rows["unit"].map(subject.quality), noise=rows["unit"].map(subject.noise)
    )  # fmt: skip
    table = table[["group", "criterion", "unit", "value", "length", "better", "noise", "model"]]
    both = table.merge(table, on=["group", "criterion"], suffixes=("", "_2"))
    both = both[both["unit"] < both["unit_2"]]
    if len(both) > most:
        both = both.sample(most, random_state=0)
    result: dict[str, Any] = {
        "preferred": np.sign(both["value"] - both["value_2"]) / 2 + 0.5,
        "longer": both["length"] - both["length_2"],
        "better": both["better"] - both["better_2"],
        "noise": both["noise"] + both["noise_2"],
        "first": both["model"],
        "second": both["model_2"],
        "item": both["group"],
    }
    return pd.DataFrame(result)
