"""Every public function takes a run, a path or a frame, or says clearly what it takes."""

from __future__ import annotations

import inspect
from dataclasses import fields

import pandas as pd
import pytest

import harness as h
from harness.agreement import AgreementOptions
from harness.errors import HarnessError
from harness.records import Item, Rating, Response
from harness.run import Run
from harness.suite import Suite


@pytest.fixture
def run(tmp_path) -> Run:
    suite = {"name": "made-up", "seed": 3, "models": [{"name": name, "model": "imported"} for name in ("a", "b")]}
    run = Run.create(tmp_path / "run", Suite.model_validate(suite | {"tasks": [{"task": "t"}]}))
    run.write([Item(task="t", item_id=f"i{n}", family="other", prompt="?") for n in range(40)], "t")
    answers = [
        Response(response_id=f"{model}{n}", task="t", item_id=f"i{n}", model=model, text=model * n)
        for model in "ab"
        for n in range(40)
    ]
    run.write(answers, "t")
    rows = []
    for who, kind in (("ann", "human"), ("bob", "human"), ("judge", "judge")):
        for n in range(40):
            about = {"task": "t", "item_id": f"i{n}", "response_id": f"a{n}", "rater": who, "rater_kind": kind}
            graded = {"criterion": "good", "value": float(n % (3 if who == "bob" else 2) == 0), "scale": "binary"}
            rows.append(Rating(rating_id=f"{who}{n}", **about, **graded))
            preferred = {"criterion": "pref", "value": float(n % 3 > 0), "scale": "preference", "against_id": f"b{n}"}
            rows.append(Rating(rating_id=f"{who}{n}p", **about, **preferred, order="response_first"))
    run.write(rows, "t")
    return run


def test_a_run_and_its_folder_give_what_the_command_gives(run):
    asked = h.agree(run, stand_in=True).to_json()
    assert asked["stand_in"]
    (slices, _) = h.agree(run, by="model", resamples=0).to_json()["slices"]
    assert (slices["criterion"], slices["by"], [one["group"] for one in slices["groups"]]) == (
        "t: good",
        "model",
        ["a"],
    )
    assert h.agree(run.folder, stand_in=True).to_json() == asked
    assert h.agree(str(run.folder), stand_in=True).to_json() == asked
    assert h.audit(run, "judge").to_json() == h.audit(run.folder, "judge").to_json()
    ranked = h.rank(run).to_json()
    assert ranked == h.rank(run.folder).to_json()
    assert set(h.rank(run).df["player"]) == {"a", "b"}


def test_a_file_gives_what_its_frame_gives(run, tmp_path):
    rows = run.ratings.loc[run.ratings["criterion"] == "good", ["item_id", "rater", "criterion", "value", "rater_kind"]]
    rows.to_csv(tmp_path / "ratings.csv", index=False)
    of_file = h.agree(tmp_path / "ratings.csv").to_json()
    assert of_file.pop("read") == [
        "csv: 120 rows read, 120 ratings"
    ]  # of a frame with our own columns nothing is assumed
    assert of_file == h.agree(rows).to_json()
    by_hand = h.audit(rows, "judge").df
    pd.testing.assert_frame_equal(h.audit(tmp_path / "ratings.csv", "judge").df, by_hand)
    rows.assign(group=rows["item_id"].str[:2]).to_csv(tmp_path / "grouped.csv", index=False)
    assert h.agree(str(tmp_path / "grouped.csv"), cluster="group").defined
    twice = rows.assign(value=1 - rows["value"], prompt="short"), rows.assign(prompt="long")
    pd.concat(twice).to_csv(tmp_path / "prompts.csv", index=False)
    assert h.agree(tmp_path / "prompts.csv", components=True, facet="prompt", resamples=0).components


def test_options_are_listed_once_and_shown_everywhere():
    listed = [name for name in inspect.signature(h.agree).parameters if name != "source"]
    assert listed == [one.name for one in fields(AgreementOptions)]
    assert all(f"    {name}: " in str(h.agree.__doc__) for name in listed)


def test_what_a_run_decides_itself_is_refused(run):
    with pytest.raises(HarnessError, match="level: a run's raters, scales and items are compared as they are"):
        h.agree(run, level="nominal")


@pytest.mark.parametrize("ask", [h.agree, h.rank, h.report, lambda one: h.audit(one, "judge")])
@pytest.mark.parametrize("thing", [None, 7, {"a": 1}])
def test_anything_else_is_named(ask, thing):
    with pytest.raises(HarnessError, match=f"not a {type(thing).__name__}"):
        ask(thing)


def test_a_result_is_no_run_but_has_a_page(run, tmp_path):
    """The page of a run's agreement was refused while that of a file's was written: what was asked has a page now."""
    found = h.agree(run)
    with pytest.raises(HarnessError, match=r"expected a run.* not a RunAgreement"):
        h.export_csv(found, "x.csv")
    page = h.report(found, tmp_path / "agreement.html").read_text()
    assert all(table.criterion in page for table in found.tables)
    with pytest.raises(HarnessError, match=r"expected a run.* not a DataFrame"):
        h.export_csv(run.ratings, "x.csv")
