"""The figures of the raters: what biases them, what they cost, whether they are as sure as they are right."""

from __future__ import annotations

import numpy as np
import pandas as pd

from harness.reporting import scorecard
from harness.reporting.charts import dots, scatter
from harness.reporting.evidence import Evidence, Row, value_of
from harness.reporting.figures import Drawing, Figure, Missing
from harness.reporting.finding import decimals, joined, points, words
from harness.reporting.panels import shares
from harness.reporting.vega import Spec
from harness.run import is_first, is_valued
from harness.statistics import wilson

BINS = 5
"""Groups of answers, equally many each, in the figure of the calibration."""
FEWEST = 20
"""Answers of one rater below which its calibration is not shown."""


def biases(evidence: Evidence) -> Drawing | Missing:
    """Return the figure of what moves each judge beside the answer's worth: place, length, its own family."""
    title = "What sways the judges, beside the answers"
    rows = scorecard.biases(evidence)
    known = [row for row in rows if row["value"] is not None]
    if not known:
        return Missing(title, "No judge compared answers in both orders, or repeated a rating: `harness audit RUN`")
    kinds = list(dict.fromkeys(row["bias"] for row in known))
    swayed = [
        f"{row['rater']} ({row['bias']})"
        for row in known
        if row["low"] is not None and not row["low"] <= row["neutral"] <= row["high"]
    ]
    said = f"Clearly swayed: {joined(swayed)}." if swayed else "No interval leaves the unbiased value out."
    figure = Figure(
        "biases",
        title,
        f"{' '.join(scorecard.BIASES[kind][1] for kind in kinds)} Intervals are at 95 %; the dotted line is where a "
        f"judge without the bias stands. {said}",
        ["rater", "bias", "value", "low", "high", "unbiased", "n"],
        [[row[key] for key in ("rater", "bias", "value", "low", "high", "neutral", "n")] for row in rows],
    )

    def draw(width: int) -> Spec:
        panels = []
        for kind in kinds:
            own = pd.DataFrame([row for row in known if row["bias"] == kind]).rename(columns={"rater": "name"})
            ends = pd.concat([own["value"], own["low"], own["high"], own["neutral"]]).dropna()
            domain = (min(0.0, float(ends.min())), max(1.0, float(ends.max())))
            panels.append(
                dots(own, title=scorecard.BIASES[kind][0], width=width, domain=domain, mark=own["neutral"][0])
            )
        return panels[0] if len(panels) == 1 else {"vconcat": panels, "spacing": 24}

    return Drawing(figure, draw)


def frontier(evidence: Evidence) -> Drawing | Missing:
    """Return the figure of what agreement costs: the raters than which nothing is both cheaper and better.

    Only agreement with the same raters, on the same task and by the same coefficient is set side by side.
    """
    title = "What agreement costs"
    rows = scorecard.worth(evidence)
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if row["value"] is not None and row["usd_per_1000"]:
            name = f"{words(row['coefficient'])} ({row['against']}) on {row['task']}, {row['criterion']}"
            groups.setdefault(name, []).append(row)
    single = [own[0]["rater"] for own in groups.values() if len(own) == 1]
    unknown = [row["rater"] for row in rows if row["usd_per_1000"] is None]
    free = [row["rater"] for row in rows if row["usd_per_1000"] == 0]
    left_out = "; ".join(
        f"{joined(sorted(set(names)))}: {why}"
        for names, why in (
            (unknown, "price not recorded"), (free, "ran on this machine, for nothing"),
            (single, "nothing with a price was measured the same way"),
        )
        if names
    )  # fmt: skip
    shown = {name: _best_buys(own) for name, own in groups.items() if len(own) > 1}
    if not shown:
        why = "Under two raters have both a price and something independent to agree with"
        return Missing(title, f"{why}. {left_out}" if left_out else why)
    said = ". ".join(f"{name[0].upper()}{name[1:]}: {_bought(data)}" for name, data in shown.items())
    columns = ["rater", "task", "criterion", "usd_per_1000", "coefficient", "value", "low", "high", "n", "against"]
    figure = Figure(
        "frontier",
        title,
        "Agreement against the price of 1,000 ratings, each step of the scale ten times the last, with 95 % intervals. "
        f"Nothing is both cheaper and better than what is joined. {said}."
        f"{f' Not shown: {left_out}.' if left_out else ''}",
        columns,
        [[row[key] for key in columns] for row in rows],
    )

    def draw(width: int) -> Spec:
        parts = [
            scatter(data, x_title="price of 1,000 ratings", y_title=name, width=width) for name, data in shown.items()
        ]
        return parts[0] if len(parts) == 1 else {"vconcat": parts, "spacing": 28}

    return Drawing(figure, draw)


def _best_buys(rows: list[Row]) -> pd.DataFrame:
    """Return raters as `scatter` takes them: `best` are those than which none is both cheaper and better."""
    columns = {"rater": "name", "usd_per_1000": "x", "value": "y", "low": "low", "high": "high"}
    data = pd.DataFrame(rows)[list(columns)].rename(columns=columns).sort_values("x", kind="stable")
    data[["low", "high"]] = data[["low", "high"]].astype(float)
    data["best"] = [
        not ((data["x"] <= x) & (data["y"] >= y) & ((data["x"] < x) | (data["y"] > y))).any()
        for x, y in zip(data["x"], data["y"], strict=True)
    ]
    return data


def _bought(data: pd.DataFrame) -> str:
    best = data[data["best"]]
    return "; ".join(
        f"{name} at ${x:,.2f} with {decimals(y)}" for name, x, y in zip(best["name"], best["x"], best["y"], strict=True)
    )


def calibration(evidence: Evidence) -> Drawing | Missing:
    """Return the figure of how sure a rater was against how often it was right, by the verifiers."""
    title = "As sure as right?"
    stated = _stated(evidence)
    found: list[Row] = []
    scores: dict[str, tuple[float, float, int]] = {}
    for rater, group in stated.groupby("rater", sort=True):
        if len(group) < FEWEST:
            continue
        name = evidence.name(str(rater))
        ranked = group.sort_values("sure", kind="stable")
        for part in np.array_split(np.arange(len(ranked)), min(BINS, len(ranked) // 10)):
            own = ranked.iloc[part]
            low, high = wilson(float(own["right"].sum()), len(own))
            mean = {"x": float(own["sure"].mean()), "y": float(own["right"].mean())}
            found.append({"rater": name, **mean, "low": low, "high": high, "n": len(own)})
        brier = float(((group["sure"] - group["right"]) ** 2).mean())
        scores[name] = (brier, float(group["sure"].mean() - group["right"].mean()), len(group))
    if not found:
        return Missing(
            title, f"No rater said how sure it was of {FEWEST} answers that a verifier rated too (column `confidence`)"
        )
    data = pd.DataFrame(found)
    order = sorted(scores, key=lambda name: scores[name])
    named = {name: f"{name}: {decimals(scores[name][0])}" for name in order}
    over = max(order, key=lambda name: scores[name][1])
    said = "; ".join(f"{named[name]} over {scores[name][2]:,}" for name in order)
    most = f" {over} claims most above what is so: {points(scores[over][1])} points." if scores[over][1] > 0 else ""
    figure = Figure(
        "calibration",
        title,
        "How sure each rater said it was, in groups of equally many answers, against the share in which the answer key "
        "or the tests said that it was right, with 95 % Wilson intervals; on the dotted line both are the same. The "
        f"number beside a name is its Brier score (0 is perfect, 0.25 a coin), the best first: {said}.{most}",
        ["rater", "stated", "true", "low", "high", "n"],
        value_of(data[["rater", "x", "y", "low", "high", "n"]].to_numpy(dtype=object)),
    )
    data = data.assign(series=data["rater"].map(named))
    return Drawing(
        figure,
        lambda width: shares(
            data, [named[name] for name in order], x_title="how sure it said it was", y_title="how often it was right",
            width=width,
        ),
    )  # fmt: skip


def principles(evidence: Evidence) -> Drawing | Missing | None:
    """Return the figure of the criteria that several raters gave, those read most differently first."""
    title = "What raters read differently"
    several = [table for table in evidence.tables if table.coefficients.get("alpha")]
    known = [
        (table, table.coefficients["alpha"]) for table in several if np.isfinite(table.coefficients["alpha"].value)
    ]
    if len(known) < 2:
        return Missing(title, "Under two criteria (or principles of a constitution) were given by several raters")
    known.sort(key=lambda pair: pair[1].value)
    tasks = {table.criterion.partition(": ")[0] for table, _ in known}
    shared = f"{tasks.pop()}: " if len(tasks) == 1 else ""
    data = pd.DataFrame(
        [
            {
                "name": table.criterion.removeprefix(shared), "value": found.value, "low": value_of(found.low),
                "high": value_of(found.high), "n": found.n,
                "raters": joined([evidence.name(rater) for rater in table.raters]),
            }
            for table, found in known
        ]
    )  # fmt: skip
    lowest, highest = data.iloc[0], data.iloc[-1]
    figure = Figure(
        "principles",
        title,
        "Krippendorff’s alpha of all raters who gave a criterion (of a constitution: a principle)"
        f"{f' on {shared[:-2]}' if shared else ''}, lowest first, with 95 % intervals; at the dotted line they agree "
        f"as far as chance. Read most differently: {lowest['name']} ({decimals(lowest['value'])}, {lowest['raters']}); "
        f"most alike: {highest['name']} ({decimals(highest['value'])}).",
        ["criterion", "alpha", "low", "high", "n", "raters"],
        value_of(data[["name", "value", "low", "high", "n", "raters"]].to_numpy(dtype=object)),
    )
    ends = data[["value", "low"]].min().min()
    domain = (min(0.0, float(np.floor(10 * ends) / 10)), 1.0)
    return Drawing(figure, lambda width: dots(data, title="Krippendorff’s alpha", width=width, domain=domain, mark=0.0))


def _stated(evidence: Evidence) -> pd.DataFrame:
    """Return `rater, sure, right`: how sure a rater was of what a verifier judged too.

    A rater of the criterion `confidence` says how sure the model was of the answer: it is right if the answer is. Any
    other is right if its own yes or no is the verifier's, as sure as its `confidence` says.
    """
    ratings = evidence.run.ratings
    ok = ratings[is_valued(ratings) & is_first(ratings)]
    truth = ok[(ok["rater_kind"] == "verifier") & (ok["scale"] == "binary")].drop_duplicates("response_id")
    own = ok[~ok["rater_kind"].isin(["verifier", "human"]) & ok["against_id"].isna()]
    both = own.merge(truth[["response_id", "value"]].rename(columns={"value": "truth"}), on="response_id")
    of_answer = both[(both["criterion"] == "confidence") & both["value"].between(0, 1)]
    of_verdict = both[both["confidence"].notna() & (both["scale"] == "binary")]
    return pd.concat(
        [
            pd.DataFrame({"rater": of_answer["rater"], "sure": of_answer["value"], "right": of_answer["truth"]}),
            pd.DataFrame(
                {
                    "rater": of_verdict["rater"],
                    "sure": of_verdict["confidence"].astype(float),
                    "right": (of_verdict["value"] == of_verdict["truth"]).astype(float),
                }
            ),
        ],
        ignore_index=True,
    )
