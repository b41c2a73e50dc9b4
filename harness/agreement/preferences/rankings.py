"""Rankings: whom each rater prefers, from comparisons in a file of ratings or in a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, cast, get_args

import numpy as np
import pandas as pd

from harness.agreement.cautions import Caution, caution
from harness.agreement.preferences.comparisons import compare
from harness.agreement.preferences.length_control import instruction_difficulty, length_controlled_win_rate, length_gap
from harness.agreement.preferences.preferences import Ranking, Ties, bradley_terry
from harness.errors import HarnessError, did_you_mean
from harness.run import is_ok, settled, turned
from harness.statistics import number

WORDS = {
    **dict.fromkeys(("model_a", "a", "first", "response"), 1.0),
    **dict.fromkeys(("tie", "both", "tie (bothbad)"), 0.5),
    **dict.fromkeys(("model_b", "b", "second", "against"), 0.0),
}  # fmt: skip
"""What other people's files call the winner."""
SIDES = ("response_length", "against_length")


@dataclass(frozen=True)
class Preferences:
    """The result of `rank`.

    Attributes:
        rankings: For each criterion and rater (or kind of raters together) the strengths of the players.
        lengths: For each of these and each two players the win rate, as it is and at equal lengths.
        warnings: What to beware of.
    """

    rankings: list[tuple[str, str, Ranking]]
    lengths: list[dict[str, Any]]
    warnings: list[Caution]

    @property
    def defined(self) -> bool:
        """Whether there is a ranking."""
        return bool(self.rankings)

    @property
    def df(self) -> pd.DataFrame:
        """One row a criterion, rater and player."""
        parts = [one.df.assign(criterion=name, rater=rater) for name, rater, one in self.rankings]
        frame = pd.concat(parts, ignore_index=True)
        return frame[["criterion", "rater", *[name for name in frame if name not in ("criterion", "rater")]]]

    def to_json(self) -> dict[str, Any]:
        """Return JSON values: null, never NaN."""
        return {
            "preferences": [
                {
                    "criterion": name,
                    "rater": rater,
                    "n": one.n,
                    "tie": number(one.tie),
                    "groups": one.groups,
                    "reason": one.reason,
                    "players": [
                        {key: number(value) if isinstance(value, float) else value for key, value in row.items()}
                        for row in one.df.to_dict("records")
                    ],
                }
                for name, rater, one in self.rankings
            ],
            "length_controlled": self.lengths,
            "warnings": self.warnings,
        }

    def _repr_html_(self) -> str:
        table = self.df.to_html(index=False, escape=True, float_format=lambda value: f"{value:.3f}", na_rep="")
        notes = "".join(f"<li><code>{escape(w['code'])}</code> {escape(w['message'])}</li>" for w in self.warnings)
        return f"<h4>Preferences</h4>{table}<ul>{notes}</ul>"


def rank(
    ratings: pd.DataFrame,
    *,
    first: str = "response_id",
    second: str = "against_id",
    ties: Ties = "half",
    cluster: str = "item_id",
    baseline: str | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Preferences:
    """Rank players by the comparisons of each rater, and of all raters of a kind together.

    A repetition is a further comparison of its cluster.

    Args:
        ratings: One row a comparison: `item_id, rater, value` (1 where the first won, .5 a tie, 0; or a winner in
            `label`: model_a, tie, model_b) and the two players; `criterion`, `rater_kind`, `status` where there are
            any; with `response_length` and `against_length` win rates are controlled for length too.
        first: The column with the player whose side `value` takes.
        second: The column with the other one.
        ties: `half` wins, or `davidson` where ties carry meaning.
        cluster: The column that says which comparisons go together: a prompt, or the judge.
        baseline: The player that the others are compared with: length control then knows how hard each prompt is.
        resamples: Bootstrap resamples of the win rates' intervals.
        seed: Decides the draws.

    Raises:
        HarnessError: A column is missing, a value is no preference, or nothing is compared.
    """
    if ties not in get_args(Ties):
        raise HarnessError(f"no ties {ties!r}.{did_you_mean(ties, get_args(Ties))} Known: {', '.join(get_args(Ties))}")
    rows, warnings = _rows(ratings, first, second, cluster)
    if baseline is not None and baseline not in {*rows["a"], *rows["b"]}:
        raise HarnessError(f"no player {baseline!r}.{did_you_mean(baseline, sorted({*rows['a'], *rows['b']}))}")
    rankings, lengths = [], []
    for criterion, rater, group in _groups(rows):
        counted = compare(group["a"], group["b"], group["score"].to_numpy())
        found = bradley_terry(counted, ties=ties, clusters=group["cluster"].to_numpy())
        rankings.append((criterion, rater, found))
        if found.groups > 1:
            warnings.append(_loose(criterion, rater, found))
        if "gap" in group:
            head = {"criterion": criterion, "rater": rater}
            lengths += [{**head, **row} for row in _lengths(group, baseline, resamples, seed)]
    return Preferences(rankings, lengths, warnings)


def of_run(ratings: pd.DataFrame, responses: pd.DataFrame) -> pd.DataFrame:
    """Return a run's comparisons with the columns `player, opponent` and the lengths of the answers.

    A player is a model, or a series and its round.

    Raises:
        HarnessError: The run has no comparisons.
    """
    known = responses.set_index("response_id")
    name = known["model"].astype(str)
    if "series" in known:
        series = known["series"].notna()
        of_round = known["series"].astype(str) + " round " + known["round"].astype("Int64").astype(str)
        name = name.where(~series, of_round)
    size = known["text"].fillna("").astype(str).str.len()
    rows = settled(ratings[ratings["against_id"].notna()])
    if rows.empty:
        raise HarnessError("the run has no comparisons: rate it with a rater that compares two answers")
    sides = {"player": "response_id", "opponent": "against_id"}
    named = {to: name.reindex(rows[side]).to_numpy() for to, side in sides.items()}
    long = {to: size.reindex(rows[side]).to_numpy() for to, side in zip(SIDES, sides.values(), strict=True)}
    item = rows["task"].astype(str) + "/" + rows["item_id"].astype(str)
    return rows.assign(**named, **long, item_id=item, criterion=rows["task"].astype(str) + ": " + rows["criterion"])


def _rows(ratings: pd.DataFrame, first: str, second: str, cluster: str) -> tuple[pd.DataFrame, list[Caution]]:
    for name in ("rater", first, second, cluster):
        if name not in ratings:
            raise HarnessError(f"the ratings have no column {name!r}.{did_you_mean(name, map(str, ratings.columns))}")
    score = _scores(ratings)
    counts = ratings[first].notna() & ratings[second].notna() & score.notna() & ratings[cluster].notna()
    counts &= is_ok(ratings)
    a, b = ratings[first].astype(str), ratings[second].astype(str)
    itself = counts & (a == b)
    keep = counts & ~itself
    if not keep.any():
        raise HarnessError(f"no comparison of two players is left: columns {first!r} and {second!r} say who they are")
    columns: dict[str, Any] = {
        "a": a,
        "b": b,
        "score": score,
        "rater": ratings["rater"].astype(str),
        "cluster": ratings[cluster],
    }
    columns["criterion"] = ratings["criterion"].astype(str) if "criterion" in ratings else "preference"
    columns["kind"] = ratings["rater_kind"].astype(str) if "rater_kind" in ratings else "human"
    if set(SIDES) <= set(ratings.columns):
        gap = pd.DataFrame({side: pd.to_numeric(ratings[side], errors="coerce") for side in SIDES})
        columns |= {**gap, "gap": gap.notna().all(axis=1)}
    rows = pd.DataFrame(columns, index=ratings.index)[keep]
    warnings = []
    if itself.any():
        n = int(itself.sum())
        warnings.append(caution("same_player", f"{n:,} comparisons of a player with itself do not count", n=n))
    if lost := len(ratings) - int(counts.sum()):
        said = f"{lost:,} rows do not count: they compare nothing, failed, or name no {cluster}"
        warnings.append(caution("left_out", said, n=lost))
    return rows, warnings


def _scores(ratings: pd.DataFrame) -> pd.Series[Any]:
    """Return what the first player got: numbers as they are, words of a winner as numbers."""
    given = [ratings[name] for name in ("value", "label") if name in ratings]
    if not given:
        raise HarnessError("the ratings have no column 'value'")
    score = pd.to_numeric(given[0], errors="coerce").astype(float)
    for column in given:
        words = column.where(score.isna() & column.notna() & (column.astype(str) != ""))
        known = words.astype(str).str.lower().str.strip().map(WORDS)
        strange = words.notna() & known.isna() & pd.to_numeric(words, errors="coerce").isna()
        if strange.any():
            raise HarnessError(f"{words[strange].iloc[0]!r} names no winner: expected 1, 0.5, 0, or {', '.join(WORDS)}")
        score = score.fillna(known)
    return score


def _groups(rows: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Yield the comparisons of each rater, and of all of a kind where there are several."""
    for criterion, some in rows.groupby("criterion", sort=True):
        for rater, group in some.groupby("rater", sort=True):
            yield str(criterion), str(rater), group
        for kind, group in some.groupby("kind", sort=True):
            if group["rater"].nunique() > 1:
                yield str(criterion), f"all {kind} raters", group


def _lengths(group: pd.DataFrame, baseline: str | None, resamples: int, seed: int) -> Iterator[Mapping[str, Any]]:
    """Yield the win rates of each two players, or of each player and the baseline."""
    rows = group[group["gap"]]
    back = rows["a"] == baseline if baseline else rows["a"] > rows["b"]
    rows = turned(rows, back, sides=(("a", "b"), SIDES), value="score")
    score, a, b = rows["score"].to_numpy(), rows["a"], rows["b"]
    long, short = (rows[side].to_numpy() for side in SIDES)
    cluster = rows["cluster"].to_numpy()
    chosen = (b == baseline).to_numpy() if baseline else np.ones(len(rows), dtype=bool)
    hard = None
    if baseline and a[chosen].nunique() > 1:
        hard = np.zeros(len(rows))
        gap = length_gap(long[chosen], short[chosen])
        hard[chosen] = instruction_difficulty(score[chosen], gap, a[chosen].to_numpy(), cluster[chosen])
    pairs, places = pd.DataFrame({"a": a.to_numpy(), "b": b.to_numpy()})[chosen], np.flatnonzero(chosen)
    for key, inside in pairs.groupby(["a", "b"]).indices.items():
        at, (player, against) = places[inside], cast(tuple[str, str], key)
        found = length_controlled_win_rate(
            score[at], long[at], short[at], difficulty=None if hard is None else hard[at], clusters=cluster[at],
            resamples=resamples, seed=seed,
        )  # fmt: skip
        yield {
            "player": player,
            "against": against,
            "n": len(at),
            "win_rate": found.win_rate.to_dict(),
            "length_controlled": found.controlled.to_dict(),
            "length_pull": number(found.pull),
        }


def _loose(criterion: str, rater: str, found: Ranking) -> Caution:
    return caution(
        "disconnected",
        f"{criterion}: by {rater} the players fall into {found.groups} groups without wins in both directions; their "
        "strengths are held by a ridge and say little across groups: more comparisons between them are needed",
        criterion=criterion,
        raters=[rater],
        n=found.groups,
    )
