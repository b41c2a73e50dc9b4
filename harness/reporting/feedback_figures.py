"""Figures of what the feedback believed: the answers that it kept, and its own score beside what is so."""

from __future__ import annotations

import pandas as pd

from harness.reporting.charts import paths
from harness.reporting.evidence import Evidence, value_of
from harness.reporting.figures import Drawing, Figure, Missing
from harness.reporting.finding import points
from harness.reporting.round_figures import over_rounds
from harness.run import has_flag


def kept(evidence: Evidence) -> Drawing | Missing | None:
    """Return the figure of how much of what the feedback kept was right: what decides how far it can lead."""
    rounds = evidence.run.rounds
    if rounds.empty:
        return None
    title = "What the feedback kept"
    if "share_right_kept" not in rounds or not rounds["share_right_kept"].notna().any():
        return Missing(title, "The learner has no key of its own to tell right from wrong among the kept answers")
    known = rounds[rounds["share_right_kept"].notna()].groupby(["series", "round"], as_index=False)
    data = known.agg(share=("share_right_kept", "mean"), kept=("n_kept", "sum"))
    data = data.assign(points=100 * data["share"])
    last = data[data["round"] == data["round"].max()].sort_values("share", ascending=False)
    said = ", ".join(f"{name} {value:.0f}" for name, value in zip(last["series"], last["points"], strict=True))
    figure = Figure(
        "kept",
        f"Right among what the feedback kept in the last round, in percent: {said}",
        "Right answers among those that the feedback kept for training, in percent, by the learner’s own key, which "
        f"decided nothing. In the last round: {said}. Feedback that keeps wrong answers teaches them.",
        ["series", "round", "share right", "kept"],
        value_of(data[["series", "round", "share", "kept"]].to_numpy(dtype=object)),
    )
    return Drawing(figure, over_rounds(data, evidence, "points", "right among kept, %", y_format=".0f", height=220))


def proxy(evidence: Evidence) -> Drawing | Missing | None:
    """Return the figure of what the feedback believed of a model against how well it did."""
    run, scores = evidence.run, evidence.scores
    if run.suite.rounds is None:  # checkpoints from elsewhere: no feedback to speak of
        return None
    title = "What the feedback believed, and what was so"
    feedback = {name: rater for name, rater in run.suite.rounds.feedback.items() if isinstance(rater, str)}
    if not feedback:
        return Missing(title, "No series of this run was trained here, so that no feedback is known")
    answers = run.responses.loc[run.responses["series"].notna(), ["response_id", "series", "round"]]
    chosen = has_flag(run.ratings, "selection_item")
    given = run.ratings.loc[chosen & run.ratings["value"].notna(), ["response_id", "rater", "value"]]
    given = given.merge(answers, on="response_id")
    given = given[given["series"].map(feedback) == given["rater"]]
    believed = given.groupby(["series", "round"])["value"].agg(["mean", "size"])
    was = scores.groupby(["series", "round"])["score"].mean().rename("gold")
    both = believed.join(was, how="inner").reset_index()
    if both["round"].nunique() < 2:
        return Missing(title, "Under two rounds have ratings of the feedback and gold scores of the same model")
    data = both.assign(x=100 * both["mean"], y=100 * both["gold"], round=both["round"].astype(int))
    gaps = [f"{series} {points(a - b)} to {points(y - z)}" for series, a, b, y, z in _gaps(both)]
    widest, far = max(((name, y - z) for name, _, _, y, z in _gaps(both)), key=lambda pair: abs(pair[1]))
    figure = Figure(
        "proxy",
        f"{widest} feedback ends {abs(100 * far):.0f} points {'above' if far > 0 else 'below'} what is so",
        "Along: the mean rating that the feedback gave to a round’s practice answers. Up: the gold score of the same "
        "model on the held-out items; the numbers are rounds. Under the dotted line the feedback believes more than "
        f"is so. Believed minus gold, first to last round: {'; '.join(gaps)} points. Practice and held-out items are "
        "different items of one kind.",
        ["series", "round", "believed", "gold", "ratings"],
        value_of(both[["series", "round", "mean", "gold", "size"]].to_numpy(dtype=object)),
    )
    return Drawing(
        figure,
        lambda width: paths(
            data, evidence.series, x_title="mean rating of the feedback, points", y_title="gold score, points",
            width=width,
        ),
    )  # fmt: skip


def _gaps(both: pd.DataFrame) -> list[tuple[str, float, float, float, float]]:
    rows = []
    for series, group in both.sort_values("round").groupby("series", sort=False):
        first, last = group.iloc[0], group.iloc[-1]
        rows.append((str(series), first["mean"], first["gold"], last["mean"], last["gold"]))
    return rows
