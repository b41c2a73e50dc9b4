"""A run made before the rooms were moved (commit 2bb4166): the same numbers now, and nothing is asked again.

`fixtures/old_run.zip` has the user's own task and raters with the paths that the documentation gave then, recorded
answers, the run, and in `before.json` what that code said of it. Rows that it did not have yet (the judge's criterion
by criterion, what is new in a result) are no part of the comparison.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from harness.agreement import AgreementOptions, agree_in_run
from harness.rating.judges.judge import JudgeSettings
from harness.reporting import summary
from harness.rounds import compare_rounds, from_run
from harness.run import Run
from harness.stages import run_suite


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with zipfile.ZipFile(Path(__file__).parent / "fixtures" / "old_run.zip") as archive:
        archive.extractall(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def same(now: Any, before: Any, where: str = "") -> None:
    """Compare what both have; a key that is new is no difference, one that is gone is."""
    if isinstance(before, dict):
        for key, value in before.items():
            if key not in ("cross_check", "reason", "sentence"):
                assert key in now, f"{where}.{key} is gone"
                same(now[key], value, f"{where}.{key}")
    elif isinstance(before, list):
        assert len(now) == len(before), where
        for place, value in enumerate(before):
            same(now[place], value, f"{where}[{place}]")
    elif isinstance(before, float):
        assert now == pytest.approx(before, abs=1e-9), where
    else:
        assert now == before, where


def test_the_same_numbers(old: Path) -> None:
    before = json.loads((old / "before.json").read_text())
    run = Run(old / "run")
    agreed = agree_in_run(
        run, AgreementOptions(stand_in=True, seed=0)
    ).to_json()  # the suite's seed, 3, was not asked then
    for place in before["agree"]["positions"]:  # its interval is by a sign test of pairs since
        del place["first_low"], place["first_high"]
    for name in ("tables", "matrix", "positions"):
        same(agreed[name], before["agree"][name], name)
    for now, then in zip(agreed["stand_in"], before["agree"]["stand_in"], strict=True):
        same({**now, "criterion": f"{now['task']}: {now['criterion']}"}, then, "stand_in")
    rounds = {row.series: row.to_dict()["deltas"] for row in compare_rounds(from_run(run), sesoi=5).results}
    for series, steps in before["deltas"].items():  # the intervals are guarded since, against spreads of nothing
        same([row["delta"] for row in rounds[series]], [row["delta"] for row in steps], series)
    page = summary(run)
    same(page["raters"], before["raters"], "raters")
    for now, then in zip(page["scores"], before["report"]["scores"], strict=True):
        same({key: now[key] for key in ("benchmark", "series", "round", "score", "n_items")}, {
            key: then[key] for key in ("benchmark", "series", "round", "score", "n_items")}, "scores")  # fmt: skip


def test_nothing_is_asked_again(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Judges and verifiers read answers otherwise since, so their recipe has a new number; the move is no reason."""
    monkeypatch.setattr("harness.rating.judges.judge.RECIPE", 2)
    monkeypatch.setattr("harness.rating.verifiers.verifier.RECIPE", 1)
    dump = JudgeSettings.model_dump
    exclude = {"model", "least_mass", "reads"}  # settings that there were not
    monkeypatch.setattr(JudgeSettings, "model_dump", lambda self, **how: dump(self, **{**how, "exclude": exclude}))
    run = Run(old / "run")
    before = {name: getattr(run, name).copy() for name in ("items", "responses", "ratings")}
    parts = sorted(path.name for path in (old / "run").rglob("*.parquet"))
    done = run_suite("suite.yaml", "run", include=["mine"], cache="cache", stages=["answer", "rate", "rounds"])
    assert sorted(path.name for path in (old / "run").rglob("*.parquet")) == parts
    for name, rows in before.items():
        assert getattr(done, name).equals(rows), name
