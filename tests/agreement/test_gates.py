"""What a gate reads: agreement below a limit, a flagged audit, verdicts that turn by chance."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from harness.agreement import audit
from harness.cli import app
from harness.errors import HarnessError


def call(*words):
    return CliRunner().invoke(app, list(map(str, words)))


@pytest.fixture
def ratings(tmp_path):
    """Two people agree on 9 of 10 items, five of each value: alpha (nominal) = 1 - 19 x 2 / (400 - 202) = .808."""
    rows = [(f"i{k}", who, int(k < 5) if (who, k) != ("b", 0) else 0) for k in range(10) for who in "ab"]
    path = tmp_path / "ratings.csv"
    pd.DataFrame(rows, columns=["item_id", "rater", "value"]).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(("gate", "code"), [
    ("alpha<.6", 0), ("alpha<.9", 4), ("alpha.low<.6", 4), ("percent_agreement>=.9", 4), ("alpha<.6,alpha>.8", 4),
])  # fmt: skip
def test_agree_fails_where_a_coefficient_is_below(ratings, gate, code):
    found = call("agree", ratings, "--level", "nominal", "--fail-if", gate)
    assert found.exit_code == code
    assert ("--fail-if" in found.stderr) == (code == 4)


def test_what_is_undefined_is_not_let_through(tmp_path):
    path = tmp_path / "one.csv"
    pd.DataFrame({"item_id": ["a", "b"] * 2, "rater": ["x"] * 2 + ["y"] * 2, "value": [1] * 4}).to_csv(
        path, index=False
    )
    found = call("agree", path, "--level", "nominal", "--fail-if", "alpha<.6")
    assert found.exit_code == 4
    assert "undefined (single_category)" in found.stderr


@pytest.mark.parametrize("gate", ["alfa<.6", "alpha", "alpha<x", "spearman<.5"])
def test_a_gate_that_cannot_be_read_is_an_error(ratings, gate):
    found = call("agree", ratings, "--level", "nominal", "--fail-if", gate)
    assert isinstance(found.exception, HarnessError)
    assert "--fail-if" in str(found.exception)


def judged(words, **columns):
    """Three items asked about twice; the second turns."""
    said = [words[1], words[1], words[0], words[1], words[0], words[0]]
    rows = {"item_id": list("aabbcc"), "rater": "judge", "rater_kind": "judge", "value": said}
    return pd.DataFrame({**rows, **columns})


@pytest.mark.parametrize("words", [("no", "yes"), (0.0, 1.0)])
@pytest.mark.parametrize("columns", [{"repetition": [0, 1] * 3}, {}])
def test_words_are_read_repeats_found_and_turning_items_named(words, columns):
    """Words were "could not be read", all of them, and repeated rows without a number were no repetition."""
    found = audit(judged(words, **columns), "judge")
    checks = {check.name: check for check in found.checks}
    assert (checks["parse_failures"].value, checks["parse_failures"].n) == (0.0, 6)
    assert (checks["test_retest_other_seeds"].value, checks["test_retest_other_seeds"].n) == (2 / 3, 3)
    (row,) = found.flips.rows
    assert (row["between"], row["item_id"], row["verdicts"]) == ("repeats", "b", list(words))
    assert (found.flips.n, found.flips.turned) == (3, 1)
    if words == (0.0, 1.0):  # one variance of .5 of three: 1.96 sqrt(2 x .5) / 3
        assert found.flips.margin == pytest.approx(1.96 / 3)
        return
    assert "words have no order" in checks["self_preference"].reason
    assert "words have no order" in checks["drift"].reason


def test_many_words_are_no_scale_of_equal_parts():
    """Of twelve words one in three ratings is the commonest: it was "one of 5 equal parts of 0 to 11"."""
    words = [f"word{k}" for k in range(12)] + ["word0"] * 5
    frame = pd.DataFrame({"item_id": range(17), "rater": "judge", "rater_kind": "judge", "value": words})
    (check,) = [check for check in audit(frame, "judge").checks if check.name == "scale_use"]
    assert check.value == pytest.approx(6 / 17)
    assert "on one of its values, and used 12 of them" in check.reason


def test_orders_turn_items_too():
    rows = [("a", 1.0, "response_first"), ("a", 0.0, "against_first"), ("b", 1.0, "response_first"),
            ("b", 1.0, "against_first")]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["item_id", "value", "order"])
    frame = frame.assign(rater="judge", rater_kind="judge", response_id="x", against_id="y", scale="preference")
    found = audit(frame, "judge").flips
    assert [(row["between"], row["item_id"]) for row in found.rows] == [("orders", "a")]
    assert "1 of 2 items changed their verdict" in found.sentence


def test_audit_fails_where_something_is_flagged(tmp_path):
    path = tmp_path / "judged.csv"
    pd.DataFrame({"item_id": range(300), "rater": "judge", "value": [1] * 300, "rater_kind": "judge"}).to_csv(
        path, index=False
    )
    options = ("audit", path, "--rater", "judge", "--json", "--fail-if")
    assert call(*options, "flagged").exit_code == 4  # all on one value
    found = call(*options, "unclear")
    assert found.exit_code == 0
    assert json.loads(found.stdout)["flips"]["n"] == 0
    assert "is no verdict of a check" in str(call(*options, "flaged").exception)
