"""The figure of what a model finds at once, and what it can find in several tries."""

from __future__ import annotations

import pandas as pd

from harness.reporting.evidence import Evidence, Row, value_of
from harness.reporting.figures import Drawing, Figure, Missing
from harness.reporting.finding import joined
from harness.reporting.panels import fans
from harness.reporting.round_figures import named, titled
from harness.statistics import pass_at_k


def fan(evidence: Evidence, benchmark: str, rows: list[Row]) -> Drawing | Missing | None:
    """Return the figure of pass@1 and pass@k over the rounds: what a model finds at once, and what it can find."""
    scores = evidence.scores
    own = scores[(scores["benchmark"] == benchmark) & scores["score"].notna()] if len(scores) else scores
    if own.empty or not own["score"].isin([0.0, 1.0]).all():
        return None
    title = "What it finds at once, and what it can find"
    units = ["series", "round", *(name for name in ("item", "seed") if name in own)]
    counts = own.groupby(units, dropna=False)["score"].agg(["sum", "size"]).reset_index()
    most = int(counts["size"].min())
    if most < 2:
        return Missing(
            title,
            "Pass@k needs several answers to each item (`samples:` of the task); where there is one, it is not known",
        )
    ks = sorted({most, *(2**power for power in range(most.bit_length()))})
    found, of = counts["sum"].to_numpy(float), counts["size"].to_numpy(float)
    names = {k: f"pass@{k}" for k in ks}
    means = counts.assign(**{name: pass_at_k(found, of, k) for k, name in names.items()})
    means = means.groupby(["series", "round"])[list(names.values())].mean().reset_index()
    data = pd.concat(
        [means[["series", "round"]].assign(k=k, value=100 * means[name]) for k, name in names.items()],
        ignore_index=True,
    )
    data, means = named(data, evidence), named(means, evidence)
    order = [name for name in evidence.series if name in set(means["series"])]
    said = "; ".join(f"{name} {_ends(means, name, 'pass@1')} and {_ends(means, name, names[most])}" for name in order)
    figure = Figure(
        "fan",
        titled(evidence, benchmark, title),
        f"The share of the items of {benchmark} that the first answer solves (pass@1), and that any of {most} solves "
        f"(pass@{most}), in points{_between(ks)}. From the first round to the last: {said}. A fan that closes from "
        "below is sharpening: the model finds more often what it could find before. One that closes from above is "
        "collapse.",
        ["series", "round", *names.values()],
        value_of(means.to_numpy(dtype=object)),
    )
    return Drawing(figure, lambda width: fans(data, order, y_title="items solved, points", width=width))


def _ends(means: pd.DataFrame, series: str, column: str) -> str:
    own = means[means["series"] == series][column]
    return f"{100 * own.iloc[0]:.1f} to {100 * own.iloc[-1]:.1f}"


def _between(ks: list[int]) -> str:
    return f"; the thin lines are {joined([f'pass@{k}' for k in ks[1:-1]])}" if len(ks) > 2 else ""
