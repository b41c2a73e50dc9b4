"""How much of all probability a judge's words held stands in the scorecard, and is what its audit says."""

import re

import pytest

from harness.agreement import audit
from harness.records import Item, Rating, Response
from harness.reporting import report
from harness.reporting.evidence import Evidence
from harness.reporting.scorecard import scorecard
from harness.run import Run
from harness.suite import Suite


def rating(number, rater, **fields):
    return Rating(
        rating_id=f"{rater}{number}", task="t", item_id=f"i{number}", response_id=f"r{number}", rater=rater,
        rater_kind="judge", criterion="c", scale="binary", value=1.0, **fields,
    )  # fmt: skip


def test_the_page_shows_the_mass_of_a_judge_by_probabilities(tmp_path):
    models, tasks = [{"name": "m", "model": "embedded"}], [{"task": "t"}]
    run = Run.create(tmp_path / "run", Suite.model_validate({"name": "s", "models": models, "tasks": tasks}))
    run.write([Item(task="t", item_id=f"i{n}", family="other", prompt=f"prompt {n}") for n in range(4)], "t")
    answers = [Response(response_id=f"r{n}", task="t", item_id=f"i{n}", model="m", text=f"text {n}") for n in range(4)]
    run.write(answers, "t")
    weighed = [rating(n, "weighs", metadata=f'{{"mass": {mass}}}') for n, mass in enumerate((0.2, 0.4, 0.8, 1.0))]
    run.write([*weighed, *(rating(n, "writes") for n in range(4))], "t")
    cards = {row["rater"]: row for row in scorecard(Evidence(run=run))}
    assert cards["writes"]["mass"] is None  # not measured is no 0
    assert cards["weighs"]["mass"]["value"] == pytest.approx(0.6)  # (.2 + .4 + .8 + 1) / 4
    [check] = [check for check in audit(run.ratings, "weighs").checks if check.name == "mass"]
    assert check.value == pytest.approx(0.6)
    page = report(run, tmp_path / "page.html").read_text(encoding="utf-8")
    card = re.search(r'<table class="card[^"]*">.*?</table>', page, re.S)[0]
    assert "probability on its words" in card
    assert re.search(r"60\s*%", card)
