"""How biased, how steady and how readable an AI rater is: one result a check, with what those lack that cannot run.

Most checks read ratings that are there. Asking the judge again (attacks, the same question twice) is for the judge of a
run, and only on request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from harness.agreement.audits.attacks import ask_again, attacks, work_again
from harness.agreement.audits.biases import independence, length, position, self_preference
from harness.agreement.audits.check import AuditCheck
from harness.agreement.audits.flips import Flips, flips
from harness.agreement.audits.steadiness import drift, mass, parse_failures, retest, scale_use
from harness.agreement.audits.subject import Subject, run_frame, subject_of
from harness.agreement.source import opened_source
from harness.answering import chat_models
from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.rating import Surroundings, find_rater
from harness.run import Run

CHECKS = (
    "positional_agreement", "first_preference", "length", "self_preference", "test_retest_other_seeds",
    "test_retest_same_seed", "drift", "injection", "null_answer", "scale_use", "parse_failures", "mass", "independence",
)  # fmt: skip
"""The checks of an audit, in their order."""


@dataclass(frozen=True)
class Audit:
    """The result of `audit`.

    Attributes:
        rater: Whom it is about.
        checks: One result a check, always the same ones in the same order.
        flips: The items whose verdict turned between repeats or orders, and what that means for a gate.
    """

    rater: str
    checks: tuple[AuditCheck, ...]
    flips: Flips

    @property
    def df(self) -> pd.DataFrame:
        """The checks as a DataFrame."""
        return pd.DataFrame([check.to_dict() for check in self.checks])

    def to_json(self) -> dict[str, Any]:
        """Return JSON values: null, never NaN."""
        checks = [check.to_dict() for check in self.checks]
        return {"rater": self.rater, "checks": checks, "flips": self.flips.to_dict()}

    def _repr_html_(self) -> str:
        return f"<p><b>Audit of {escape(self.rater)}</b></p>" + self.df.to_html(index=False, escape=True, na_rep="")


def audit(
    source: Run | pd.DataFrame | str | Path,
    rater: str,
    *,
    judge_model: str | None = None,
    anchor: pd.DataFrame | None = None,
    ask: int = 0,
    include: Sequence[str | Path] = (),
    cache: str | Path | None = None,
    workers: int = 2,
) -> Audit:
    """Say how far an AI rater can be trusted beside its agreement with others.

    Args:
        source: A run, its folder, a file of ratings, or a frame as `read_ratings` gives it; which may also have
            `model`, `against_model`, `text` or `length`, `against_text` or `against_length`, `cluster`.
        rater: The rater.
        judge_model: The rater's own model; a run knows it.
        anchor: Earlier ratings by this rater of the same answers.
        ask: For a run: ask the judge again about so many answers; 0 asks nothing.
        include: Folders with catalogues of the user's own, for `ask`.
        cache: Where models and finished calls are kept, for `ask`.
        workers: Threads, for `ask`.

    Returns:
        The checks of `CHECKS`. Intervals are Wilson's for shares and BCa over items for means.

    Raises:
        HarnessError: The rater gave no ratings, or cannot be asked again.
    """
    source = opened_source(source)
    if isinstance(source, pd.DataFrame):
        if ask:
            raise HarnessError("only the judge of a run can be asked again; this is a file of ratings")
        subject = subject_of(source, rater, judge_model=judge_model, anchor=anchor)
    else:
        run = source
        asked = _asked(run, rater, ask, include, cache, workers) if ask else None
        subject = _subject_of_run(run, rater, judge_model, anchor, asked)
    return Audit(rater, checks_of(subject), flips(subject))


def checks_of(subject: Subject) -> tuple[AuditCheck, ...]:
    """Return the result of every check."""
    return (
        *position(subject),
        length(subject),
        self_preference(subject),
        *retest(subject),
        drift(subject),
        *attacks(subject),
        scale_use(subject),
        parse_failures(subject),
        mass(subject),
        independence(subject),
    )


def _subject_of_run(
    run: Run, rater: str, judge_model: str | None, anchor: pd.DataFrame | None, asked: pd.DataFrame | None
) -> Subject:
    facts = run.manifest.get("raters", {}).get(rater, {})
    settings = facts.get("settings", {})
    values = [float(value) for value in settings.get("answers", {}).values()]
    model = settings.get("model", "embedded" if "prompt" in settings else None)
    named = model.get("model") if isinstance(model, dict) else model
    under = {name: str(one.get("args", {}).get("pretrained") or one["model"])
             for name, one in run.manifest.get("models", {}).items()}  # fmt: skip
    frame = run_frame(run)
    for side in ("model", "against_model"):
        frame[side] = frame[side].map(lambda name: under.get(name, name) if under.get(name) != "imported" else name)
    rounds = run.suite.rounds
    trained = tuple(series for series in rounds.feedback if rater in rounds.raters_of(series)) if rounds else ()
    return subject_of(
        frame,
        rater,
        judge_model=judge_model or named,
        anchor=anchor,
        asked=asked,
        limits=(min(values), max(values)) if values else None,
        trained=trained,
    )


def _asked(
    run: Run, rater: str, count: int, include: Sequence[str | Path], cache: str | Path | None, workers: int
) -> pd.DataFrame:
    place = Surroundings(run.suite.seed, Path(cache) if cache else None, workers)
    catalog = Catalog(include)
    with chat_models(place) as chat:
        judge = find_rater(rater, catalog, replace(place, chat=chat))
        if judge.spec.kind != "judge":
            raise HarnessError(f"{rater} is a {judge.spec.kind}; only a judge can be asked again")
        noted = run.manifest.get("raters", {}).get(rater, {}).get("version")
        if noted != judge.version:
            raise HarnessError(
                f"{rater} is not the rater that rated {run.folder} (version {judge.version}, there {noted}): "
                f"its prompt, settings or model changed; `harness rate {run.folder} --rater {rater}` first"
            )
        uncached = find_rater(rater, catalog, replace(place, chat=lambda model: chat(model, cached=False)))
        return ask_again(judge, uncached, work_again(run, rater, count))
