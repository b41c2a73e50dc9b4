"""Plain sentences, disputed items, labels, slices and outvoted ratings: values by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from harness.agreement import agree, slices
from harness.cli import app

SHEET = """item_id,ann,bob,dan
q1,1,1,3
q2,2,2,2
q3,3,3,1
q4,1,1,1
q5,2,2,3
q6,3,3,3
"""


@pytest.fixture
def sheet(tmp_path):
    path = tmp_path / "sheet.csv"
    path.write_text(SHEET)
    return path


def long(rows):
    return pd.DataFrame(rows, columns=["item_id", "rater", "value"])


def test_who_differs_most_is_named_with_what_on(sheet):
    """Without dan the other two are equal on all items: alpha 1."""
    shown = CliRunner().invoke(app, ["agree", str(sheet), "--level", "nominal", "--resamples", "0"])
    assert "rating: retrain dan first" in shown.stdout
    assert "without dan alpha is 1.00" in shown.stdout
    assert "they differ on 3 of 6 items" in shown.stdout


def test_one_person_and_a_judge_get_a_plain_answer(tmp_path):
    path = tmp_path / "two.csv"
    path.write_text("id,human,judge\n" + "".join(f"{n},{n % 3},{n % 3 if n else 2}\n" for n in range(30)))
    shown = CliRunner().invoke(app, ["agree", str(path), "--ai", "judge", "--resamples", "0"])
    first, second, *_ = shown.stdout.splitlines()
    assert "human and judge give the same answer on 97% of 30 items" in first
    assert "with one person nobody knows" in second
    assert "rows human, columns judge" in shown.stdout


def test_items_are_a_file_with_the_most_disputed_first(sheet, tmp_path):
    out = tmp_path / "items.csv"
    shown = CliRunner().invoke(app, ["agree", str(sheet), "--items", str(out), "--resamples", "0"])
    assert shown.exit_code == 0
    rows = pd.read_csv(out)
    assert rows["item_id"].tolist() == ["q1", "q3", "q5", "q2", "q4", "q6"]
    assert rows["agreement"].tolist() == pytest.approx([1 / 3] * 3 + [1] * 3)
    assert (rows["majority"].tolist()[0], rows["counts"].tolist()[0]) == (1, "1 x 2; 3 x 1")


def test_labels_are_a_file(sheet, tmp_path):
    out = tmp_path / "labels.csv"
    CliRunner().invoke(app, ["agree", str(sheet), "--labels", str(out), "--resamples", "0"])
    rows = pd.read_csv(out)
    assert rows["majority"].tolist() == [1, 2, 3, 1, 2, 3]
    assert rows["dawid_skene"].tolist() == [1, 2, 3, 1, 2, 3]
    assert (rows["probability"] > 0.9).all()


def test_a_tie_has_no_majority():
    found = agree(long([("i", "a", 1), ("i", "b", 2), ("j", "a", 1), ("j", "b", 1)]), resamples=0)
    assert found.labels["majority"].tolist() == ["", "1"]


def test_outvoted_ratings_are_left_out_counted_and_said_to_inflate():
    """Items 112, 123 and 11: of the first the 2 goes; the second, where all differ, and the third keep theirs.

    Pairs that agree: 1 of 1, 0 of 3, 1 of 1, a mean of 2/3; before it was (1/3 + 0 + 1) / 3 = 4/9.
    """
    rows = [("i", "a", 1), ("i", "b", 1), ("i", "c", 2), ("j", "a", 1), ("j", "b", 2), ("j", "c", 3)]
    frame = long([*rows, ("k", "a", 1), ("k", "b", 1)])
    options = {"level": "nominal", "resamples": 0}
    plain, dropped = agree(frame, **options), agree(frame, drop_outvoted=True, **options)
    assert plain.tables[0].coefficients["percent_agreement"].value == pytest.approx(4 / 9)
    assert dropped.tables[0].coefficients["percent_agreement"].value == pytest.approx(2 / 3)
    (note,) = [one for one in dropped.warnings if one["code"] == "outvoted_dropped"]
    assert (note["n"], "inflated" in note["message"]) == (1, True)


def of_groups(rng, noise):
    rows = []
    for n in range(120):
        truth, group = rng.integers(1, 4), "ab"[n % 2]
        for rater in ("x", "y"):
            value = rng.integers(1, 4) if rng.random() < noise[group] else truth
            rows.append((f"i{n}", rater, value, group))
    return pd.DataFrame(rows, columns=["item_id", "rater", "value", "lang"])


def test_slices_say_whether_groups_differ():
    rng = np.random.default_rng(0)
    (apart,) = agree(of_groups(rng, {"a": 0.05, "b": 0.9}), by="lang", resamples=0).slices
    assert apart.groups["a"].value > 0.8 > 0.3 > apart.groups["b"].value
    assert apart.p < 0.01
    assert "differ" in apart.sentence
    rng = np.random.default_rng(1)
    hits = sum(agree(of_groups(rng, {"a": 0.4, "b": 0.4}), by="lang", resamples=0).slices[0].p < 0.1 for _ in range(25))
    assert hits <= 7  # of 25 at .1; more than 7 has probability .002


@pytest.mark.parametrize("noise", [{"a": 0.4, "b": 0.4}, {"a": 0.4, "b": 0.46}])
def test_equal_items_are_exchanged_by_their_number_as_one_by_one(monkeypatch, noise):
    rows = of_groups(np.random.default_rng(3), noise)
    found = []
    for members in (0, 10**9):
        monkeypatch.setattr(slices, "MEMBERS", members)
        found.append(agree(rows, by="lang", resamples=0).slices[0].p)
    assert found[0] == pytest.approx(found[1], abs=0.1)  # 500 draws each: .03 is one standard error at most
    drawn = slices._exchanged(np.array([3, 2]), np.array([1, 4]), np.random.default_rng(0))
    assert drawn.sum(axis=0).tolist() == [3, 2]  # every item is in a group
    assert drawn.sum(axis=1).tolist() == [1, 4]


def test_many_cautions_of_one_kind_are_one_line():
    """Forty people with two items each, all constant; and a criterion's ids are told of once."""
    rows = [(f"d{n}_{k}", f"p{n}", 1 + n % 2) for n in range(40) for k in range(2)]
    rows += [(f"d{n}_{k}", "all", 1 + k) for n in range(40) for k in range(2)]
    frame = pd.concat([long(rows).assign(criterion=name) for name in ("a", "b")])
    codes = [note["code"] for note in agree(frame, level="nominal", resamples=0).warnings]
    assert codes.count("constant_rater") == 2
    assert codes.count("possible_clusters") == 1


def test_labels_that_differ_by_case_alone_are_named():
    frame = long([("i", "a", "no"), ("i", "b", "No"), ("j", "a", "yes"), ("j", "b", "yes")])
    (note,) = [one for one in agree(frame, resamples=0).warnings if one["code"] == "same_but_for_case"]
    assert "--recode no=No" in note["message"]
