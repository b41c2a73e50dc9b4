"""The command `harness agree`."""

from __future__ import annotations

import json
import re

import pytest
import typer
from typer.testing import CliRunner

from harness.agreement import agree as agree_on
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


@pytest.fixture
def judged(tmp_path):
    """Three people and a good judge on 60 items; comparisons of two systems beside them."""
    rows = ["item_id,rater,value,rater_kind,stratum"]
    for i in range(60):
        truth = (i * 7) % 2
        rows += [f"i{i},{who},{truth if (i + k) % 9 else 1 - truth},human,{i % 2}" for k, who in enumerate("abc")]
    rows += [f"i{i},gpt,{(i * 7) % 2 if i % 8 else 1 - (i * 7) % 2},judge,{i % 2}" for i in range(300)]
    path = tmp_path / "judged.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def test_stand_in_and_correction_have_the_promised_json(judged):
    options = ["--level", "nominal", "--stand-in", "--correct", "--strata", "stratum", "--json"]
    content = json.loads(call(judged, *options).stdout)
    (one,) = content["stand_in"]
    assert {
        "criterion", "rater", "omega", "rho", "epsilon", "n_items", "n_humans", "passes", "curve",
        "smallest_passing_epsilon", "ceiling", "reason",
    } <= set(one)  # fmt: skip
    assert [set(step) for step in one["curve"]] == [{"epsilon", "omega", "passes"}] * 5
    assert (one["rater"], one["n_humans"], one["n_items"], one["epsilon"]) == ("gpt", 3, 60, 0.2)
    (row,) = content["corrected"]
    assert (row["method"], row["n_human"], row["n_items"]) == ("stratified_ppi++", 60, 300)
    shown = call(judged, "--level", "nominal", "--stand-in").stdout
    assert "gpt on rating: passes the alternative annotator test at epsilon 0.2" in shown
    assert "accuracy without a key" in shown
    assert "-0.000" not in shown


def test_weights_go_where_a_panel_reads_them(judged, tmp_path):
    import yaml

    path = tmp_path / "rater.yaml"
    assert call(judged, "--level", "nominal", "--weights", path).exit_code == 0
    assert yaml.safe_load(path.read_text()) == {"weights": {"gpt": 1.0}}
    path.write_text("kind: judge\nuse: judge.panel\nsettings:\n  rule: weighted\n")
    call(judged, "--level", "nominal", "--weights", path)
    assert yaml.safe_load(path.read_text())["settings"] == {"rule": "weighted", "weights": {"gpt": 1.0}}
    for content, said in ((b"\xff\xfe", "is not UTF-8"), (b"a: " + b"[" * 5000, "is nested too deeply")):
        path.write_bytes(content)
        assert said in str(call(judged, "--level", "nominal", "--weights", path).exception)
        assert path.read_bytes() == content


def test_preferences_by_any_columns(tmp_path):
    path = tmp_path / "arena.csv"
    words = ["model_a", "model_b", "tie", "model_a"]
    rows = [f"q{i},judge,{words[i % 4]},new,old,{100 + i},100" for i in range(40)]
    path.write_text("question,who,winner,a,b,len_a,len_b\n" + "\n".join(rows) + "\n")
    options = ["--item", "question", "--rater", "who", "--value", "winner", "--player", "a", "--opponent", "b"]
    lengths = ["--lengths", "len_a", "len_b"]
    shown = call(path, *options, *lengths, "--preferences")
    assert shown.exit_code == 0
    assert "40 comparisons of 2 players" in shown.stdout
    assert "at equal lengths" in shown.stdout
    content = json.loads(call(path, *options, *lengths, "--preferences", "--ties", "davidson", "--json").stdout)
    (ranking,) = content["preferences"]
    assert [one["player"] for one in ranking["players"]] == ["new", "old"]
    # 20 wins, 10 losses, 10 ties: nu = 10 / sqrt(20 x 10)
    assert ranking["tie"] == pytest.approx(10 / 200**0.5)
    assert call(path, *options, "--preferences", "--ties", "thirds").exit_code == 2


def test_the_pair_bootstrap_is_had_by_name_only(file):
    assert "kalpha_interval" in call(file, "--interval", "kalpha").stderr
    assert "kalpha_interval" not in call(file).stderr
    assert call(file, "--interval", "bootstrap").exit_code == 2


def test_each_pair_and_one_against_the_rest_are_shown(file):
    """A line a pair and a line a rater, under the coefficients' names; ann and bob say the same."""
    lines = call(file).stdout.splitlines()
    for head, who in (
        ("each pair", ["ann and bob", "ann and cat", "bob and cat"]),
        ("one against the rest", ["ann", "bob", "cat"]),
    ):
        (start,) = (place for place, line in enumerate(lines) if line.startswith(f"  {head} "))
        column = lines[start].index("alpha")
        shown = {line[:column].strip(): line[column:] for line in lines[start + 1 : start + 4]}
        assert list(shown) == who
        assert all(re.match(r"-?[01]\.\d{3}  ", line) for line in shown.values())
    assert any(re.match(r"  ann and bob +1\.000  no interval: no_variation", line) for line in lines)


@pytest.mark.parametrize(
    "words", [["--baseline", "a"], ["--ties", "davidson"], ["--preferences", "--stand-in"], ["--preferences", "--pool"]]
)
def test_options_that_would_do_nothing_are_refused(file, words):
    found = call(file, *words)
    assert found.exit_code == 2
    assert "--preferences" in found.stderr


def test_criteria_are_chosen_by_name(tmp_path):
    path = tmp_path / "two.csv"
    rows = [f"i{i},{who},{what},{i % 3}" for i in range(9) for who in ("ann", "bob") for what in ("clear", "true")]
    path.write_text("item_id,rater,criterion,value\n" + "\n".join(rows) + "\n")
    tables = json.loads(call(path, "--criteria", "cl*", "--json").stdout)["tables"]
    assert [table["criterion"] for table in tables] == ["clear"]


def test_components_are_one_number_at_both_doors(file):
    """The command, its JSON and Python: 30 items by three raters, once each."""
    found = agree_on(str(file), level="interval", components=True).components[0]
    printed = json.loads(call(file, "--level", "interval", "--components", "--json").stdout)["components"]
    assert printed == [found.to_dict()]
    shown = call(file, "--level", "interval", "--components").stdout
    assert f"{found.rows[0]['variance']:.3f}" in shown
    assert "intervals: other items, these raters" in shown
    assert "raters at random" in shown
    assert call(file, "--facet", "prompt").exit_code == 2  # belongs to --components


def test_what_holds_of_several_criteria_is_one_line(tmp_path):
    rows = [f"i{item},{rater},{about},{value}" for about in ("tone", "style")
            for item in range(12) for rater in ("ann", "bob") for value in [item % 3]]  # fmt: skip
    (tmp_path / "two.csv").write_text("\n".join(["item,rater,criterion,value", *rows]))
    told = [line for line in call(tmp_path / "two.csv").stderr.splitlines() if "identical_raters" in line]
    (line,) = told
    assert line.removeprefix("warning identical_raters: ") in (
        f"{both}: ann and bob gave the same value to all 12 items that they share: one copied, or one file twice?"
        for both in ("style, tone", "tone, style")
    )


def test_many_warnings_of_a_kind_are_one_line_over_the_criteria(tmp_path):
    rows = [f"i{item},r{rater},about {about},{1 + (rater + item) % 2 * (about != rater)}" for about in range(5)
            for item in range(12) for rater in range(5)]  # fmt: skip
    (tmp_path / "five.csv").write_text("\n".join(["item,rater,criterion,value", *rows]))
    shown = call(tmp_path / "five.csv")
    constant = [line for line in shown.stderr.splitlines() if "constant_rater" in line]
    assert constant == [
        "warning constant_rater: about 0, about 1, about 2, about 3, about 4: raters gave one value to all of their "
        "items (r0, r1, r2, r3, r4)"
    ]
    every = json.loads(call(tmp_path / "five.csv", "--json").stdout)["warnings"]
    assert sum(one["code"] == "constant_rater" for one in every) == 5
