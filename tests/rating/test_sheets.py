"""What annotation teams hand in: every file gives its right number, by the command and by an import."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import app

SHEETS = Path(__file__).parent / "fixtures" / "sheets"
ALPHAS = [
    ("two.csv", "", 1.0),  # rater a rated 12 items twice: the first counts
    ("judge.csv", "--item id --rater annotator --value helpfulness --kind type", 0.341),
    ("judge.jsonl", "--item id --rater annotator --value helpfulness --kind type", 0.341),
    ("doccano_multi.jsonl", "", 1.0),  # the same labels, ticked in another order
    ("ls_multi.json", "", 1.0),
    ("ls_none_ticked.json", "", 0.808),  # nothing ticked is an answer
    ("ls_region.json", "", 1.0),  # the same regions, drawn in another order
    ("by_model.csv", "--item item_id,model --level ordinal", 0.871),
    ("by_model.csv", "--level ordinal", 0.871),  # found, where it is not said
    ("wide_more.csv", "--level ordinal", 0.782),  # mean, n_words and index are no raters
    ("words_na.csv", "", 1.0),
    ("r_na.csv", "--level ordinal", 0.815),  # Krippendorff's example with NA for missing
    ("r_na.csv", "--level nominal", 0.743),
    ("argilla_rank.json", "", 1.0),  # the same rankings, listed in another order
    ("pct.csv", "--level interval", 0.985),
    ("likert.csv", "", 0.303),
]


def agree(*arguments: str | Path):
    shown = CliRunner().invoke(app, ["agree", *map(str, arguments), "--json", "--resamples", "0"])
    return shown, json.loads(shown.stdout) if shown.stdout.startswith("{") else {}


@pytest.mark.parametrize(("file", "options", "alpha"), ALPHAS)
def test_a_file_has_its_alpha(file, options, alpha):
    shown, found = agree(SHEETS / file, *shlex.split(options))
    assert shown.exit_code == 0, shown.stderr
    (table,) = found["tables"]
    assert round(table["alpha"]["value"], 3) == alpha


def test_a_column_that_is_not_there_is_an_error_in_every_format():
    for file in ("judge.csv", "judge.jsonl"):
        shown, _ = agree(SHEETS / file, "--item", "id", "--rater", "annotator", "--value", "nonsense")
        assert shown.exit_code != 0
        assert "has no column 'nonsense'" in str(shown.exception or shown.stderr)


def test_an_item_that_is_not_all_of_what_was_rated_is_told():
    shown, _ = agree(SHEETS / "by_model.csv", "--item", "item_id", "--level", "ordinal")
    assert "ratings of one item_id differ by model" in shown.stderr


def test_what_is_left_aside_is_named():
    shown, found = agree(SHEETS / "wide_more.csv")
    assert found["tables"][0]["raters"] == ["rater_1", "rater_2", "rater_3"]
    assert "left aside: mean" in shown.stderr
    shown, found = agree(SHEETS / "wide_more.csv", "--raters", "rater_[12]")
    assert found["tables"][0]["raters"] == ["rater_1", "rater_2"]


@pytest.mark.parametrize("file", ["spaces.csv", "spaces.jsonl"])
def test_blanks_make_no_rater_and_no_label(file):
    _, found = agree(SHEETS / file)
    assert found["tables"][0]["raters"] == ["Ann", "Bob"]


@pytest.mark.parametrize("file", ["arena140.csv", "arena140.jsonl", "argilla_v1_nested.json", "cr.csv"])
def test_every_row_is_read(file):
    shown = CliRunner().invoke(app, ["import", str(SHEETS / file), "--dry-run", "--json"])
    assert json.loads(shown.stdout)["rejected"] == []


@pytest.mark.parametrize("options", [[], ["--item", "prompt_id"]])
def test_prompt_id_names_the_item_of_a_wide_table(options):
    _, found = agree(SHEETS / "wide_prompt_id.csv", *options)
    assert (found["tables"][0]["n_items"], found["tables"][0]["n_ratings"]) == (20, 40)


def test_a_file_of_chosen_and_rejected_answers_does_not_say_that_people_chose():
    shown = CliRunner().invoke(app, ["import", str(SHEETS / "uf_binarized.jsonl"), "--dry-run", "--json"])
    ratings = json.loads(shown.stdout)["ratings"]
    assert {one["rater_kind"] for one in ratings} == {"judge"}
    assert [one["value"] for one in ratings] == [1.0, 0.5] * 3  # equal scores are ties
    said = CliRunner().invoke(
        app, ["import", str(SHEETS / "uf_binarized.jsonl"), "--dry-run", "--json", "--rater-name", "ada"]
    )
    assert {(one["rater"], one["rater_kind"]) for one in json.loads(said.stdout)["ratings"]} == {("ada", "human")}


def test_predictions_with_their_model_are_an_ai_rater_beside_people():
    shown = CliRunner().invoke(app, ["import", str(SHEETS / "ls_pred.json"), "--dry-run", "--json"])
    kinds = {(one["rater"], one["rater_kind"]) for one in json.loads(shown.stdout)["ratings"]}
    assert kinds == {("ann@x.org", "human"), ("bob@x.org", "human"), ("gpt-4o", "judge")}


def test_two_batches_of_the_same_inputs_are_told_apart_and_how_to_join_them():
    shown, _ = agree(SHEETS / "mturk_two.csv")
    assert "--item Input.id" in shown.stderr
    _, found = agree(SHEETS / "mturk_two.csv", "--item", "Input.id")
    assert {table["n_items"] for table in found["tables"]} == {12}


def test_the_rows_under_qualtrics_header_are_no_raters():
    _, found = agree(SHEETS / "qualtrics_long.csv")
    assert found["tables"][0]["raters"] == ["a", "b"]


def test_words_in_a_given_order_and_a_range_that_chance_goes_over():
    _, found = agree(SHEETS / "likert.csv", "--categories", "poor,fair,good,excellent", "--level", "ordinal")
    assert round(found["tables"][0]["alpha"]["value"], 3) == -0.009
    shown, _ = agree(SHEETS / "two.csv", "--score-range", "2,5")
    assert "two.csv:2: 1 for rating is outside of the range 2 to 5" in str(shown.exception or shown.stderr)
