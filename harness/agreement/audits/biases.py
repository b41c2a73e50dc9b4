"""What a judge may prefer beside quality: a place, length, its own kind; and whether it is independent at all."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from scipy.special import expit

from harness.agreement.audits.check import NO_ORDER, AuditCheck, around, least, most, not_run, share
from harness.agreement.audits.held_equal import Reference, between, taste
from harness.agreement.audits.position import first_preference
from harness.agreement.audits.subject import Subject, pairs_of_answers
from harness.run import is_first, is_ok
from harness.statistics import Bools, Estimate, Floats, logistic

FEWEST = 20
"""Pairs or answers under which a regression or a contrast is not tried."""
CONSISTENT = 0.9
FIRST_MARGIN = 0.02
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
    first, moved = first_preference(one[read], other[read])
    sentence = (
        f"preferred the answer shown first in {first.value:.1%} of the verdicts on {first.n:,} pairs, ties half; "
        f"of the {moved:,} pairs whose outcome changed with the order {int((one > other)[read].sum()):,} did towards it"
    )
    return [*checks, around(names[1], first, 0.5, FIRST_MARGIN, sentence)]


def length(subject: Subject) -> AuditCheck:
    """Check the preference for the longer answer at equal quality, by logistic regression.

    logit P(preferred) = a + b tanh(longer / sd(longer)) + c better / sd(better); tanh, so that a few very long answers
    do not decide (as in Dubois et al. 2024). The value is the probability 1 / (1 + e^(-b tanh 1)) that an answer one
    standard deviation longer is preferred when both are equally good. Two ties, one at each end of length, keep it
    finite where length decides everything. The interval is Wald's, clustered by item.
    """
    name = "length"
    if subject.labels:
        return not_run(name, NO_ORDER)
    if subject.ratings["length"].isna().all():
        return not_run(name, "record the answers' `text` or `length` (and `against_text` or `against_length`)")
    pairs = pairs_of_answers(subject).dropna(subset=["preferred", "longer"])
    known = pairs["better"].notna()
    held = known.sum() >= FEWEST
    pairs = pairs[known] if held else pairs
    spread = float(pairs["longer"].std()) if len(pairs) > 1 else 0.0
    if len(pairs) < FEWEST or not spread > 0:
        return not_run(name, f"record at least {FEWEST} pairs of answers of different `length` to the same items")
    longer, preferred = np.tanh(pairs["longer"].to_numpy(float) / spread), pairs["preferred"].to_numpy(float)
    reference = reference_of(subject, pairs) if held and np.ptp(pairs["better"]) > 0 else None
    odds = odds_of_length(preferred, longer, reference, pairs["item"])
    value, low, high = (float(expit(np.tanh(1.0) * end)) for end in (odds.value, odds.low, odds.high))
    found = Estimate(value, low, high, len(pairs))
    sentence = f"an answer {spread:,.0f} characters longer is preferred with probability {found.value:.2f}"
    if held:
        sentence += f" at equal quality (by {subject.judged_by}), {found.n:,} pairs{_doubt(reference)}"
        return around(name, found, 0.5, LENGTH_MARGIN, sentence)
    check = around(name, found, 0.5, LENGTH_MARGIN, sentence)
    reason = f"{sentence}, {found.n:,} pairs; quality is not held equal: record ratings by people or a verifier"
    return AuditCheck(name, check.value, check.low, check.high, check.n, "unclear", reason)


def _doubt(reference: Reference | None) -> str:
    if reference is None or reference.exact:
        return ""
    if reference.doubled:
        return f"; people's own noise is taken out, by {np.isfinite(reference.noise).sum():,} that two of them rated"
    return (
        "; where one person rated, that person's errors cannot be told from the judge's taste, and the interval holds "
        "both: let a second person rate some"
    )


def odds_of_length(preferred: Floats, longer: Floats, reference: Reference | None, item: pd.Series[str]) -> Estimate:
    """Return b of logit P(preferred) = a + b longer + c quality, quality known by a reference that may err.

    The regression on the reference itself, b0 and c0, leaves in b0 what the reference misses of quality: with v the
    variance of quality, V that of the reference, L that of longer and s its covariance with the reference,
    b = b0 - c0 s (V - v) / (v L - s^2) (regression calibration: Carroll, Ruppert, Stefanski and Crainiceanu 2006).
    """
    columns = [np.ones(len(longer)), longer]
    if reference is None:
        beta, moved = _pulls(np.column_stack(columns), preferred)
        return between(lambda sums: (beta[1] + sums[:, 0],) * 2, moved[:, [1]], item, len(longer))
    scale = float(reference.value.std())
    better = reference.value / scale
    beta, moved = _pulls(np.column_stack([*columns, better]), preferred)
    scaled = Reference(better, reference.noise / scale**2, reference.exact)
    parts = [np.ones(len(longer)), longer, better, preferred, longer**2, better**2, preferred**2]
    parts += [longer * better, preferred * better, *scaled.sums(), moved[:, 1], moved[:, 2]]

    def at(sums: Floats) -> tuple[Floats, Floats]:
        n, l_, r, j, ll, rr, jj, lr, jr = sums[:, :9].T
        of_length, spread, of_judge = (two / n - (one / n) ** 2 for two, one in ((ll, l_), (rr, r), (jj, j)))
        shared, with_judge = lr / n - l_ * r / n**2, jr / n - j * r / n**2
        least = np.maximum(with_judge**2 / np.maximum(of_judge, 1e-12), 1.5 * shared**2 / np.maximum(of_length, 1e-12))
        b, c = beta[1] + sums[:, 13], beta[2] + sums[:, 14]
        both = [
            b - c * shared * (spread - true) / np.maximum(true * of_length - shared**2, 1e-12)
            for true in scaled.quality(sums[None, :, 9:13], spread, least)
        ]
        return np.minimum(*both), np.maximum(*both)

    return between(at, np.column_stack(parts), item, len(longer))


def _pulls(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the coefficients, and how far each row moves them, shape (rows, columns).

    Two ties, one at each end of the second column, keep them finite where it decides everything.
    """
    ties = np.zeros((2, x.shape[1]))
    ties[:, 1] = (1.0, -1.0)
    held = np.vstack([x, ties])
    (beta,) = logistic(held, np.append(y, (0.5, 0.5)))
    likely = expit(held @ beta)
    bread = np.linalg.pinv((held * (likely * (1 - likely))[:, None]).T @ held)
    p = likely[: len(x)]
    leverage = p * (1 - p) * np.einsum("ij,jk,ik->i", x, bread, x)
    # as if each row had been left out (HC3): a judge that rarely errs leaves few rows that tell, and they pull
    moved = (x * ((y - p) / (1 - np.minimum(leverage, 0.9)))[:, None]) @ bread
    return beta, moved - moved.mean(axis=0)


def self_preference(subject: Subject) -> AuditCheck:
    """Check whether the judge likes its own family more than people, or verifiers, do, at equal quality.

    Of comparisons of the own family with another: half the difference between how often it takes its own where the
    other is better, and the other where its own is better. For single answers: own less others at equal quality, in
    standard deviations of its ratings. What people err is taken out where two of them rated the same (`held_equal`).
    """
    name = "self_preference"
    if subject.labels:
        return not_run(name, NO_ORDER)
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
        if len(pairs) < FEWEST:
            return not_run(
                name, f"record {FEWEST} comparisons of the family {own!r} with another; there are {len(pairs)}"
            )
        turn: Floats = np.where(mine, 1.0, -1.0)
        reference = reference_of(subject, pairs)
        found = taste(turn * (pairs["preferred"].to_numpy(float) - 0.5), reference.turned(turn), None, pairs["item"])
        sentence = (
            f"takes the family {own!r} where the other answer is better, rather than the other where its own is, "
            f"{found.value:+.2f} more often than equal error rates would (half the difference)"
        )
        return around(name, found, 0.0, SELF_MARGIN, f"{sentence}, {found.n:,} pairs{_doubt(reference)}")
    quality = rows["unit"].map(subject.quality)
    keep = quality.notna() & rows["model"].notna()
    rows = rows[keep]
    ours: Bools = (rows["model"].map(family_of) == own).to_numpy(bool)
    if ours.sum() < FEWEST or (~ours).sum() < FEWEST:
        there = f"there are {int(ours.sum())} of {own!r} and {int((~ours).sum())} of others"
        return not_run(name, f"record {FEWEST} rated answers of the judge's own family and of another; {there}")
    noise = np.asarray(rows["unit"].map(subject.noise), dtype=float)
    reference = Reference(np.asarray(quality[keep], dtype=float), noise, subject.judged_by == "a verifier")
    found = taste(
        np.asarray(_standard(rows["value"]), dtype=float), reference, ours, rows["cluster"].fillna(rows["item_id"])
    )
    sentence = (
        f"rates the family {own!r} {found.value:+.2f} standard deviations above others of the same quality, "
        f"as {subject.judged_by} see it, {found.n:,} answers"
    )
    return around(name, found, 0.0, SELF_MARGIN, sentence + _doubt(reference))


def reference_of(subject: Subject, pairs: pd.DataFrame) -> Reference:
    """Return who says which answer of each pair is better."""
    better: Floats = pairs["better"].to_numpy(float)
    noise: Floats = pairs["noise"].to_numpy(float)
    return Reference(better, noise, subject.judged_by == "a verifier")


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
