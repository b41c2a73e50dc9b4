"""What a judge may prefer beside quality: a place, length, its own kind; and whether it is independent at all."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from scipy.special import expit

from harness.agreement.audits.check import AuditCheck, around, least, mean_by, most, not_run, share
from harness.agreement.audits.subject import Subject, pairs_of_answers
from harness.run import is_first, is_ok
from harness.statistics import Estimate, Floats

FEWEST = 20
"""Pairs or answers under which a regression or a contrast is not tried."""
CONSISTENT = 0.9
FIRST_MARGIN = 0.05
LENGTH_MARGIN = 0.05
SELF_MARGIN = 0.1
OWN_SHARE = 0.0
FAMILIES = {
    "gpt": r"gpt|chatgpt|davinci|^o[134]\b|openai",
    "claude": r"claude|anthropic",
    "gemini": r"gemini|gemma|palm|bard",
    "llama": r"llama|vicuna|alpaca|codellama",
    "mistral": r"mistral|mixtral|ministral|codestral",
    "qwen": r"qwen|qwq",
    "deepseek": r"deepseek",
    "smollm": r"smollm|^embedded$",
    "phi": r"\bphi-?\d",
    "command": r"command-r|cohere",
    "falcon": r"falcon",
    "pythia": r"pythia|gpt-?neox|gpt-?j",
}
"""Families of models, as patterns of their names; the last part of the address decides (`org/NAME`)."""


def family_of(model: str) -> str:
    """Return the family of a model's name; the name itself up to its size where none is known."""
    name = re.sub(r"^(openai|anthropic|lm-eval|replay):", "", model.casefold()).rsplit("/", 1)[-1]
    order = ["pythia", *(family for family in FAMILIES if family != "pythia")]  # gpt-neox is no gpt
    for family in order:
        if re.search(FAMILIES[family], name):
            return family
    return re.split(r"[-_:]?\d", name)[0] or name


def position(subject: Subject) -> list[AuditCheck]:
    """Check both orders: how often the outcome stays, and how often the answer shown first wins.

    An answer of the judge that cannot be read is an outcome of its own here (two of them are the same outcome), as in
    LLMBar (Zeng et al. 2024); pairs with a provider's error have no outcome and are left out.
    """
    names = ("positional_agreement", "first_preference")
    rows = subject.ratings[is_first(subject.ratings) & subject.ratings["order"].notna()]
    failed = rows["status"].isin(["error", "timeout", "skipped", "refused"])
    if rows.empty:
        record = "record `order` (response_first or against_first) for comparisons asked in both orders"
        return [not_run(name, record) for name in names]
    outcome = rows["value"].where(is_ok(rows)).fillna(-1.0)
    sides = rows.assign(outcome=outcome.where(~failed)).pivot_table(
        index="unit", columns="order", values="outcome", aggfunc="first"
    )
    both = sides.reindex(columns=["response_first", "against_first"]).dropna()
    if both.empty:
        return [not_run(name, "record both orders of each pair") for name in names]
    one, other = both["response_first"].to_numpy(), both["against_first"].to_numpy()
    n, unread = len(both), int(((one < 0) | (other < 0)).sum())
    found = share(float((one == other).sum()), n)
    left = f"; {unread:,} pairs have an answer that could not be read, which counts as an outcome" if unread else ""
    sentence = f"kept its outcome in {found.value:.1%} of {n:,} pairs when the answers changed places{left}"
    checks = [least(names[0], found, CONSISTENT, sentence)]
    read = (one >= 0) & (other >= 0)
    if not read.any():
        return [*checks, not_run(names[1], "no pair has a readable verdict in both orders")]
    first = share(float(((one + 1 - other) / 2)[read].sum()), int(read.sum()))
    sentence = f"preferred the answer shown first in {first.value:.1%} of the verdicts on {first.n:,} pairs, ties half"
    return [*checks, around(names[1], first, 0.5, FIRST_MARGIN, sentence)]


def length(subject: Subject) -> AuditCheck:
    """Check the preference for the longer answer at equal quality, by logistic regression.

    logit P(preferred) = a + b tanh(longer / sd(longer)) + c better / sd(better); tanh, so that a few very long answers
    do not decide (as in Dubois et al. 2024). The value is the probability 1 / (1 + e^(-b tanh 1)) that an answer one
    standard deviation longer is preferred when both are equally good. Two ties, one at each end of length, keep it
    finite where length decides everything. The interval is Wald's, clustered by item.
    """
    name = "length"
    if subject.ratings["length"].isna().all():
        return not_run(name, "record the answers' `text` or `length` (and `against_text` or `against_length`)")
    pairs = pairs_of_answers(subject).dropna(subset=["preferred", "longer"])
    known = pairs["better"].notna()
    held = known.sum() >= FEWEST
    pairs = pairs[known] if held else pairs
    spread = float(pairs["longer"].std()) if len(pairs) > 1 else 0.0
    if len(pairs) < FEWEST or not spread > 0:
        return not_run(name, f"record at least {FEWEST} pairs of answers of different `length` to the same items")
    columns = [np.ones(len(pairs)), np.tanh(pairs["longer"].to_numpy(float) / spread)]
    better = pairs["better"].to_numpy(float)
    if held and np.ptp(better) > 0:
        columns.append(better / better.std())
    b, error = _logistic(np.column_stack(columns), pairs["preferred"].to_numpy(float), pairs["item"])
    value, low, high = (float(expit(np.tanh(1.0) * (b + z * error))) for z in (0.0, -1.96, 1.96))
    found = Estimate(value, low, high, len(pairs))
    sentence = f"an answer {spread:,.0f} characters longer is preferred with probability {found.value:.2f}"
    if held:
        return around(
            name, found, 0.5, LENGTH_MARGIN, f"{sentence} at equal quality (by {subject.judged_by}), {found.n:,} pairs"
        )
    check = around(name, found, 0.5, LENGTH_MARGIN, sentence)
    reason = f"{sentence}, {found.n:,} pairs; quality is not held equal: record ratings by people or a verifier"
    return AuditCheck(name, check.value, check.low, check.high, check.n, "unclear", reason)


def _logistic(x: Floats, y: Floats, items: pd.Series[str]) -> tuple[float, float]:
    """Return the second coefficient and its standard error (sandwich, clustered by item)."""
    ties = np.zeros((2, x.shape[1]))
    ties[:, 1] = (1.0, -1.0)
    x, y = np.vstack([x, ties]), np.append(y, (0.5, 0.5))
    codes = np.append(pd.factorize(items)[0], [-1, -2])
    codes = np.unique(codes, return_inverse=True)[1]
    beta = np.zeros(x.shape[1])
    bread = np.eye(x.shape[1])
    for _ in range(50):
        p = expit(x @ beta)
        bread = np.linalg.pinv((x * (p * (1 - p))[:, None]).T @ x)
        step = bread @ (x.T @ (y - p))
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            break
    score = x * (y - expit(x @ beta))[:, None]
    clusters = np.column_stack([np.bincount(codes, column) for column in score.T])
    many = len(clusters)
    cover = bread @ (clusters.T @ clusters) @ bread * many / max(many - 1, 1)
    return float(beta[1]), float(np.sqrt(cover[1, 1]))


def self_preference(subject: Subject) -> AuditCheck:
    """Check whether the judge likes its own family more than people, or verifiers, do.

    For single answers: the mean of (judge - quality), each in its own standard deviations, of the own family less that
    of the others. For comparisons of the own family with another: preference for the own less that of people.
    """
    name = "self_preference"
    if subject.judge_model is None:
        return not_run(name, "record the judge's own model (`--judge-model`)")
    if subject.ratings["model"].isna().all():
        return not_run(name, "record the `model` of each answer")
    if subject.judged_by is None:
        return not_run(name, "record ratings of the same answers by people or a verifier")
    own = family_of(subject.judge_model)
    rows = subject.spoken
    if subject.compares:
        pairs = pairs_of_answers(subject).dropna(subset=["preferred", "better", "first", "second"])
        first, second = (pairs[side].map(family_of) == own for side in ("first", "second"))
        pairs, mine = pairs[first != second], first[first != second]
        beyond = np.where(mine, 1, -1) * (pairs["preferred"] - 0.5 - pairs["better"].clip(-0.5, 0.5))
        if len(pairs) < FEWEST:
            return not_run(
                name, f"record {FEWEST} comparisons of the family {own!r} with another; there are {len(pairs)}"
            )
        found = mean_by(beyond, pairs["item"])
        unit = "of a preference"
    else:
        quality = rows["unit"].map(subject.quality)
        rows, quality = rows[quality.notna() & rows["model"].notna()], quality[quality.notna() & rows["model"].notna()]
        mine = rows["model"].map(family_of) == own
        if mine.sum() < FEWEST or (~mine).sum() < FEWEST:
            there = f"there are {int(mine.sum())} of {own!r} and {int((~mine).sum())} of others"
            return not_run(name, f"record {FEWEST} rated answers of the judge's own family and of another; {there}")
        excess = _standard(rows["value"]) - _standard(quality)
        shares = float(mine.mean())
        contrast = excess.to_numpy() * np.where(mine, 1 / shares, -1 / (1 - shares))
        found = mean_by(contrast, rows["cluster"].fillna(rows["item_id"]))
        unit = "standard deviations"
    sentence = f"rates the family {own!r} {found.value:+.2f} {unit} above what {subject.judged_by} say of it"
    return around(name, found, 0.0, SELF_MARGIN, f"{sentence}, {found.n:,} answers or pairs")


def _standard(values: pd.Series[float]) -> pd.Series[float]:
    spread = float(values.std())
    return (values - values.mean()) / (spread if spread > 0 else 1.0)


def independence(subject: Subject) -> AuditCheck:
    """Check whether the judge is the model under test, of its family, or its trainer."""
    name = "independence"
    if subject.judge_model is None:
        return not_run(name, "record the judge's own model (`--judge-model`)")
    sides = [subject.ratings.drop_duplicates("response_id" if side == "model" else "against_id")[side].dropna()
             for side in ("model", "against_model")]  # fmt: skip
    models = pd.concat(sides)
    models = models[models != "reference"]
    if models.empty:
        return not_run(name, "record the `model` of each answer")
    own = family_of(subject.judge_model)
    same = models.map(family_of) == own
    found = share(float(same.sum()), len(models))
    part = f"{same.mean():.0%} of the {len(models):,} answers rated"
    sentence = f"{subject.judge_model} is of the family {own!r}, as are {part}"
    if subject.trained:
        sentence += f"; and it is the trainer of {', '.join(subject.trained)}"
    elif not same.any():
        return AuditCheck(name, 0.0, found.low, found.high, found.n, "ok", sentence)
    check = most(name, found, OWN_SHARE, sentence)
    return AuditCheck(name, check.value, check.low, check.high, check.n, "flagged", sentence)
