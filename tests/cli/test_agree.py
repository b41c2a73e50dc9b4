"""The command `harness agree`."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from harness.cli.agree import agree
from harness.errors import HarnessError

app = typer.Typer()
app.command()(agree)


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def file(tmp_path):
    rows = [f"i{i},{who},{(i * step) % 4}" for i in range(30) for step, who in ((1, "ann"), (1, "bob"), (3, "cat"))]
    path = tmp_path / "ratings.csv"
    path.write_text("item_id,rater,value\n" + "\n".join(rows) + "\n")
    return path


def test_summeval_as_published(data_dir):
    options = ["--criterion", "dimension", "--value", "score", "--kind", "rater_type", "--raters", "expert_*"]
    source = data_dir / "summeval" / "ratings.csv.gz"
    shown = call(source, *options, "--level", "interval", "--json")
    assert shown.exit_code == 0
    tables = {table["criterion"]: table for table in json.loads(shown.stdout)["tables"]}
    figures = {name: round(table["alpha"]["value"], 3) for name, table in tables.items()}
    assert figures == {"coherence": 0.559, "consistency": 0.899, "fluency": 0.726, "relevance": 0.453}
    pooled = json.loads(call(source, *options, "--level", "interval", "--pool", "--json").stdout)["tables"]
    assert [(table["criterion"], round(table["alpha"]["value"], 4)) for table in pooled] == [("all", 0.7187)]


def test_json_has_the_shape_that_was_promised(file):
    content = json.loads(call(file, "--level", "ordinal", "--coefficient", "tau_b", "--json").stdout)
    (table,) = content["tables"]
    assert table["raters"] == ["ann", "bob", "cat"]
    assert (table["criterion"], table["level"], table["n_items"], table["n_ratings"]) == ("rating", "ordinal", 30, 90)
    for name in ("alpha", "percent_agreement", "tau_b"):
        assert set(table[name]) == {"value", "low", "high", "n", "reason"}
    assert {"criterion", "rater_a", "rater_b", "n", "coefficient", "value", "low", "high"} <= set(content["matrix"][0])
    (warning,) = [one for one in content["warnings"] if one["code"] == "identical_raters"]
    assert warning["raters"] == ["ann", "bob"]


def test_results_on_stdout_and_warnings_on_stderr(file):
    shown = call(file)
    assert "30 items, 90 ratings by ann, bob, cat (ordinal)" in shown.stdout
    assert "alpha" in shown.stdout
    assert "identical_raters" in shown.stderr
    assert "identical_raters" not in shown.stdout


def test_one_rater_is_a_stated_reason_and_exit_2(file):
    shown = call(file, "--raters", "ann", "--json")
    assert shown.exit_code == 2
    assert json.loads(shown.stdout)["tables"][0]["alpha"]["reason"] == "one_rater"
    assert "undefined: one_rater" in call(file, "--raters", "ann").stdout


def test_clusters_by_a_pattern_of_the_id(file):
    assert call(file, "--cluster-regex", r"^i(\d)", "--json").exit_code == 0
    for pattern, complaint in ((r"^(\d)", "does not match the item 'i0'"), ("(", "is no pattern")):
        error = call(file, "--cluster-regex", pattern).exception
        assert isinstance(error, HarnessError)
        assert complaint in str(error)


def test_wrong_options_are_told_from_wrong_files(file):
    assert "no level 'nominl'" in str(call(file, "--level", "nominl").exception)
    assert "has no column 'scor'" in str(call(file, "--value", "scor").exception)
    assert call(file, "--with", file).exit_code == 2
