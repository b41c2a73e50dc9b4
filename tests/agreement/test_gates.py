"""What a gate reads: agreement below a limit, a flagged audit, verdicts that turn by chance."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pandas as pd
import pytest
from typer.testing import CliRunner

from harness.agreement import audit
from harness.cli import app
from harness.cli.gates import Figure, Gate, failing, gates_of
from harness.errors import HarnessError
from harness.records import Item, Rating, Response
from harness.run import Run
from harness.suite import Suite

TOY = [{"name": "toy", "model": "embedded"}]


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


@pytest.mark.parametrize(
    "gate", ["alfa<.6", "alpha", "alpha<x", "spearman<.5", "", "alpha<.6,", "alpha[other]<.6", "plateaued"]
)
def test_a_gate_that_cannot_be_read_is_an_error(ratings, gate):
    found = call("agree", ratings, "--level", "nominal", "--fail-if", gate)
    assert isinstance(found.exception, HarnessError)
    assert "--fail-if" in str(found.exception)


def test_one_grammar_reads_ends_names_and_percents():
    written = "pass_rate.low[dpo*, a on sums]>=80%, plateaued,failures > .05"
    first, second, third = gates_of(written, ["pass_rate", "failures"], {"plateaued": "verdict"})
    assert first == Gate("pass_rate", "dpo*, a on sums", "low", ">=", 0.8)
    assert second == Gate("plateaued")
    assert third == Gate("failures", sign=">", limit=0.05)
    assert list(map(str, (first, second, third))) == [
        "pass_rate.low[dpo*, a on sums]>=0.8",
        "plateaued",
        "failures>0.05",
    ]
    with pytest.raises(HarnessError, match="'plateaued' is a verdict, and has no limit"):
        gates_of("plateaued<1", ["pass_rate"], {"plateaued": "verdict"})
    with pytest.raises(HarnessError, match="'alfa' is no figure here; known: alpha"):
        gates_of("alfa", ["alpha"])
    with pytest.raises(HarnessError, match=r"'pas_rate' is no figure here; known: pass_rate"):
        gates_of("pas_rate<1", ["pass_rate"], {"plateaued": "verdict"})


def test_a_gate_that_looks_at_nothing_is_an_error_and_names_what_there_is():
    gates = gates_of("pass_rate[mine]<.5", ["pass_rate"])
    assert failing(gates, [Figure("pass_rate", "mine", 0.4), Figure("pass_rate", "yours", 0.3)]) == [
        "--fail-if pass_rate[mine]<0.5: mine: pass_rate is 0.400"
    ]
    with pytest.raises(HarnessError, match="looks at nobody; there are yours"):
        failing(gates, [Figure("pass_rate", "yours", 0.3)])
    with pytest.raises(HarnessError, match="there is no AI judge here"):
        failing(gates_of("distrusted", (), {"distrusted": "AI judge"}), [], [], {"distrusted": "AI judge"})


def test_missing_is_the_share_of_the_grid_that_nobody_filled(ratings):
    frame = pd.read_csv(ratings)
    frame[1:].to_csv(ratings, index=False)  # 19 of 20 cells
    assert call("agree", ratings, "--fail-if", "missing>5%").exit_code == 0
    assert call("agree", ratings, "--fail-if", "missing>4%").exit_code == 4


@pytest.fixture
def small_run(tmp_path):
    """Five answers; an answer key passes 2, a judge that agrees with it fails on 1 of the 4 it was asked about."""
    run = Run.create(
        tmp_path / "run", Suite.model_validate({"name": "small", "tasks": [{"task": "sums"}], "models": TOY})
    )
    run.write([Item(task="sums", item_id=str(k), family="mathematics", prompt=str(k)) for k in range(5)], "sums")
    answers = [Response(response_id=f"r{k}", task="sums", item_id=str(k), model="toy", text="4") for k in range(5)]
    run.write(answers, "sums")
    ratings = []
    for rater, kind, values in (("key", "verifier", [1, 1, 0, 0, 0]), ("judge", "judge", [1, None, 0, 0])):
        for answer, value in zip(answers, values, strict=False):
            failed = {"status": "unparsed", "error": "no number"} if value is None else {}
            where = {"task": "sums", "item_id": answer.item_id, "response_id": answer.response_id}
            who = {"rater": rater, "rater_kind": kind, "rater_version": "1", "rating_id": f"{rater}{answer.item_id}"}
            ratings.append(Rating(**where, **who, criterion="correctness", scale="binary", value=value, **failed))
    run.write(ratings, "sums")
    return run.folder


@pytest.mark.parametrize(("gate", "code"), [
    ("pass_rate<.5", 4), ("pass_rate<.4", 0), ("pass_rate.low<.2", 4), ("failures>20%", 4), ("failures[key]>0", 0),
    ("failures[toy on sums]>0", 0), ("missing>.24", 4), ("missing>.25", 0), ("distrusted", 0), ("trust_unknown", 4),
])  # fmt: skip
def test_a_run_is_gated_by_what_its_page_says(small_run, gate, code):
    found = call("report", small_run, "--json", "--fail-if", gate)
    assert found.exit_code == code, found.stderr
    assert json.loads(found.stdout)["models"][0]["passes"][0]["value"] == 0.4


def test_gates_are_written_as_junit(small_run, tmp_path):
    path = tmp_path / "gates.xml"
    assert call("report", small_run, "--json", "--fail-if", "pass_rate<.5,failures>.5", "--junit", path).exit_code == 4
    suite = ElementTree.parse(path).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    first, second = suite.findall("testcase")
    assert first.get("name") == "pass_rate<0.5"
    assert "toy on sums: pass_rate is 0.400" in first.find("failure").text
    assert second.find("failure") is None
    assert "--junit writes what --fail-if says" in str(call("report", small_run, "--junit", path).exception)


def test_a_run_without_rounds_has_no_verdict_to_gate(small_run):
    assert "there is no verdict on rounds here" in str(call("report", small_run, "--fail-if", "plateaued").exception)


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
