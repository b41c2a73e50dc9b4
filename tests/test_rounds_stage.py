"""The stage of rounds: gold ratings that failed are asked for again, and practice answers are no evidence."""

from __future__ import annotations

from pathlib import Path

import pytest
import toys

from harness import compare_rounds
from harness.rounds import from_run
from harness.run import Run, has_flag
from harness.stages import rate, run_suite
from harness.suite import Suite


@pytest.fixture
def include(tmp_path: Path) -> Path:
    for name in ("key", "gold", "other"):
        toys.rater_folder(tmp_path / "mine", name)
    return tmp_path / "mine"


def trained(folder: Path, include: Path, **options: object) -> Run:
    rounds = {"learner": "toys:parrot", "rounds": 2, "items": 30, "gold": "gold"}
    feedback = {"key": "key", "plain": None}
    suite = Suite.model_validate({"name": "loop", "rounds": {**rounds, "feedback": feedback}})
    how = {"stages": ["rounds"], "include": [include], "workers": 1, **options}
    return run_suite(suite, folder, **how)  # type: ignore[arg-type]


def test_gold_ratings_that_failed_are_asked_for_again(tmp_path, include, monkeypatch):
    monkeypatch.setattr(toys, "DOWN", {"gold"})
    run = trained(tmp_path / "run", include)
    gold = run.ratings[run.ratings["rater"] == "gold"]
    assert set(gold["status"]) == {"error"}
    monkeypatch.setattr(toys, "DOWN", set())
    assert set(trained(tmp_path / "run", include).ratings.query("rater == 'gold'")["status"]) == {"error"}
    run = trained(tmp_path / "run", include, retry_errors=True)
    again = run.ratings[run.ratings["rater"] == "gold"]
    assert set(again["status"]) == {"ok"}
    assert len(again) == len(gold) == 2 * 3 * 30


def test_a_rater_added_later_rates_what_is_measured_and_practice_only_where_asked(tmp_path, include):
    run = trained(tmp_path / "run", include)
    rate(run, ["other"], include=[include])
    run = Run(run.folder)
    own = run.ratings[run.ratings["rater"] == "other"]
    assert own["item_id"].str.startswith("held-").all()
    assert len(own) == 2 * 3 * 30
    scores = from_run(run, "other")
    assert not scores["selection"].any()
    assert compare_rounds(scores).results
    for source in (run, run.folder):  # the suite says which series asks no rater
        told = {one.series: one.over_control and one.over_control.control for one in compare_rounds(source).results}
        assert told == {"key": "plain", "plain": None}
    assert {one.series for one in compare_rounds(run, control="key").results if one.is_control} == {"key"}
    rate(run, ["other"], include=[include], practice=True)
    run = Run(run.folder)
    own = run.ratings[run.ratings["rater"] == "other"]
    practice = own["item_id"].str.startswith("practice-")
    assert practice.sum() == 2 * 2 * 6 * 2  # series, rounds, items, samples
    assert (has_flag(own, "selection_item") == practice).all()
    assert len(from_run(run, "other")) == len(scores), "practice measures nothing"
