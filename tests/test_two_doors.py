"""Two doors, one number: the command's JSON, the page's JSON and the Python result are equal, figure by figure.

The run has two criteria, an odd seed, an odd SESOI, a named control, a pairwise judge with unread verdicts, and an AI
rater beside two people. All of its raters are simulated.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
import toys
from typer.testing import CliRunner

import harness as h
from harness.cli import app
from harness.records import Item, Rating, Response, digest
from harness.reporting import Evidence, summary
from harness.run import Run
from harness.stages import run_suite
from harness.suite import Suite

ITEMS = 40


def chance(*about: object) -> float:
    """Return a number from 0 to 1 that follows from what it is about."""
    return int(digest(*about), 16) / 16**16


def judged(run: Run) -> None:
    """Write answers of two models, with ratings by two people and two judges on two criteria."""
    run.write([Item(task="t", item_id=f"i{n}", family="other", prompt="?") for n in range(ITEMS)], "t")
    answers = [
        Response(response_id=f"{model}{n}", task="t", item_id=f"i{n}", model=model, text=model * (n % 7 + 1))
        for model in "ab"
        for n in range(ITEMS)
    ]
    run.write(answers, "t")
    rows = []
    for who, kind in (("ann", "human"), ("bob", "human"), ("dee", "human"), ("judge", "judge")):
        for criterion in ("style", "truth"):
            for n in range(ITEMS):
                truth = chance(criterion, n) < 0.5
                value = truth if chance(who, criterion, n) < (0.9 if criterion == "style" else 0.7) else not truth
                about = {"task": "t", "item_id": f"i{n}", "response_id": f"a{n}", "rater": who, "rater_kind": kind}
                graded = {"criterion": criterion, "value": float(value), "scale": "binary"}
                rows.append(Rating(rating_id=f"{who}{criterion}{n}", **about, **graded))
    for n in range(ITEMS):
        about = {"task": "t", "item_id": f"i{n}", "response_id": f"a{n}", "against_id": f"b{n}"}
        for order in ("response_first", "against_first"):
            read = chance("read", n, order) < 0.8
            how = {"value": float(chance("pref", n, order) < 0.6)} if read else {"status": "unparsed", "error": "hm"}
            of = {"rater": "pair", "rater_kind": "judge", "criterion": "pref", "scale": "preference", "order": order}
            rows.append(Rating(rating_id=f"pair{n}{order}", **about, **of, **how))
        rows.append(
            Rating(
                rating_id=f"ann-pref{n}", **about, rater="ann", rater_kind="human", criterion="pref",
                scale="preference", value=float(chance("ann pref", n) < 0.6), order="response_first",
            )
        )  # fmt: skip
    run.write(rows, "t")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("doors")
    for name in ("key", "gold"):
        toys.rater_folder(folder / "mine", name)
    suite = Suite.model_validate(
        {
            "name": "doors",
            "seed": 13,
            "rounds": {
                "learner": "toys:parrot", "rounds": 3, "items": 60, "gold": "gold", "sesoi": 7,
                "feedback": {"fed": "key", "everything": None},
            },
        }
    )  # fmt: skip
    run = run_suite(suite, folder / "run", stages=["rounds"], include=[folder / "mine"], workers=1)
    judged(run)
    return Run(run.folder)


def command(*words: object) -> dict[str, Any]:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_agreement_at_three_doors(run: Run) -> None:
    page = summary(run)
    asked = command("agree", run.folder, "--stand-in", "--json")
    python = json.loads(json.dumps(h.agree(run, stand_in=True).to_json()))
    assert asked == python
    for ours, theirs in (("matrix", "matrix"), ("positions", "positions"), ("stand_in", "stand_in")):
        assert page[ours], f"{ours}: nothing to compare"
        assert page[ours] == asked[theirs], ours
    assert {row["criterion"] for row in page["stand_in"]} == {"style", "truth"}
    assert {row["criterion_a"] for row in page["matrix"]} == {"style", "truth", "pref"}
    [place] = [row for row in page["positions"] if row["rater"] == "pair"]
    assert 0 < place["n"] < ITEMS, "some verdicts are unread"


def test_the_audit_at_three_doors(run: Run) -> None:
    for rater in ("judge", "pair"):
        asked = command("audit", run.folder, "--rater", rater, "--json")
        assert asked == json.loads(json.dumps(h.audit(run, rater).to_json()))
        assert summary(run)["audits"][rater] == asked["checks"]


def test_rounds_at_three_doors(run: Run) -> None:
    page = summary(run)
    asked = command("rounds", run.folder, "--json")
    python = json.loads(json.dumps(h.compare_rounds(run).to_json()))
    assert asked == python
    assert {row["sesoi"] for row in asked["results"]} == {0.07}
    by_series = {(row["benchmark"], row["series"]): row for row in page["rounds"]}
    assert len(by_series) == len(asked["results"]) == 2
    for row in asked["results"]:
        shown = by_series[row["benchmark"], row["series"]]
        assert {name: shown[name] for name in row} == row
    for row, shown in zip(asked["comparisons"], page["comparisons"], strict=True):
        assert {name: shown[name] for name in row} == row
    assert any(row["control"] for row in asked["comparisons"]), "the control is the suite's own"


def test_preferences_at_two_doors(run: Run) -> None:
    asked = command("agree", run.folder, "--preferences", "--json")
    assert asked == json.loads(json.dumps(h.rank(run).to_json()))


def test_another_seed_is_another_number(run: Run) -> None:
    """The comparison above would see it if a door forgot the suite's seed."""
    assert h.agree(run, seed=0).to_json()["matrix"] != h.agree(run).to_json()["matrix"]
    assert Evidence.of(run).pairs == h.agree(run).to_json()["matrix"]
