"""Criteria stay apart: what is right on one and upside down on another is said of each, wherever it is shown."""

from __future__ import annotations

import pytest

from harness.agreement import pair_matrix
from harness.records import Item, Rating, Response
from harness.reporting import Evidence, findings_of, summary
from harness.run import Run
from harness.suite import Suite

ITEMS = 60


def make(folder, criteria=("style", "truth"), seed=7) -> Run:
    """Return a run with two people and a judge: right on `style`, upside down on `truth`."""
    suite = {"name": "two", "seed": seed, "models": [{"name": "m", "model": "imported"}], "tasks": [{"task": "t"}]}
    run = Run.create(folder, Suite.model_validate(suite))
    items = [Item(task="t", item_id=f"i{n}", family="other", prompt="?") for n in range(ITEMS)]
    run.write(items, "t")
    run.write(
        [Response(response_id=f"r{n}", task="t", item_id=f"i{n}", model="m", text="!") for n in range(ITEMS)], "t"
    )
    rows = []
    for criterion in criteria:
        for who, kind in (("ann", "human"), ("bob", "human"), ("judge", "judge")):
            for n in range(ITEMS):
                right = n % 2 == 0
                said = right if who == "ann" or n % 9 else not right  # bob and the judge err on every ninth item
                if who == "judge" and criterion == "truth":
                    said = not said
                rows.append(
                    Rating(
                        rating_id=f"{who}-{criterion}-{n}", task="t", item_id=f"i{n}", response_id=f"r{n}", rater=who,
                        rater_kind=kind, criterion=criterion, value=float(said), scale="binary",
                    )
                )  # fmt: skip
    run.write(rows, "people")
    return run


@pytest.mark.parametrize("criteria", [("style", "truth"), ("truth", "style")])
def test_each_shared_criterion_has_its_row_whatever_the_order_of_rows(tmp_path, criteria):
    run = make(tmp_path / "run", criteria)
    rows = pair_matrix(run.ratings, resamples=0)
    assert len(rows) == 6  # three pairs, two criteria
    assert all(row["criterion_a"] == row["criterion_b"] for row in rows)
    judged = {row["criterion_a"]: row["value"] for row in rows if (row["rater_a"], row["rater_b"]) == ("ann", "judge")}
    assert judged["style"] > 0.7
    assert judged["truth"] < -0.7


def test_raters_without_a_common_criterion_are_compared_on_all():
    from harness.records import frame

    rows = [
        Rating(
            rating_id=f"{who}{criterion}{n}", task="t", item_id=f"i{n}", response_id=f"r{n}", rater=who,
            rater_kind="verifier", criterion=criterion, value=float(n % 2), scale="binary",
        )
        for who, criteria in (("key", ["correct"]), ("tests", ["hidden", "visible"]))
        for criterion in criteria
        for n in range(6)
    ]  # fmt: skip
    found = pair_matrix(frame(rows, Rating), resamples=0)
    assert [(row["criterion_a"], row["criterion_b"]) for row in found] == [
        ("correct", "hidden"),
        ("correct", "visible"),
    ]


def test_the_page_says_of_which_criterion(tmp_path):
    run = make(tmp_path / "run")
    evidence = Evidence.of(run)
    cards = {row["criterion"]: row for row in summary(run)["scorecard"] if row["rater"] == "judge"}
    assert cards["style"]["with_people"]["value"] > 0.7
    assert cards["truth"]["with_people"]["value"] < 0.2, "not the mean of both"
    assert cards["truth"]["ceiling"]["value"] > 0.7
    sentences = " ".join(finding.sentence for finding in findings_of(evidence))
    assert "t, style" in sentences
    assert "t, truth" in sentences


def test_the_page_and_the_command_ask_the_same_of_a_stand_in(tmp_path):
    from harness.agreement import AgreementOptions, agree_in_run

    run = make(tmp_path / "run", seed=7)
    asked = agree_in_run(run, AgreementOptions(stand_in=True)).to_json()["stand_in"]
    assert [(row["task"], row["criterion"]) for row in asked] == [("t", "style"), ("t", "truth")]
    assert summary(run)["stand_in"] == asked
