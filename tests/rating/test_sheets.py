"""What annotation teams hand in: every file gives its right number, by the command and by an import."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import krippendorff
import numpy as np
import openpyxl
import pandas as pd
import pytest
from typer.testing import CliRunner

from harness.agreement import agree as agree_on
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


def wide(**columns):
    """Thirty items that two people grade, with other columns beside."""
    return pd.DataFrame({"question": [f"text number {i}" for i in range(30)], **GRADES, **columns})


GRADES = {
    "human": [1, 2, 3, 4, 5, 5, 4, 3, 2, 1, 1, 2, 3, 4, 5, 2, 2, 4, 4, 3, 1, 5, 3, 3, 2, 4, 1, 5, 2, 3],
    "judge": [1, 2, 3, 4, 4, 5, 4, 2, 2, 1, 2, 2, 3, 5, 5, 1, 2, 4, 3, 3, 1, 5, 3, 4, 2, 4, 2, 5, 2, 3],
}
TIMES = [1 + 4 * (i * 7 % 30) / 31 for i in range(30)]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("elapsed", TIMES),
        ("perplexity", TIMES),
        ("word_count", GRADES["judge"][::-1]),
        ("human_time_sec", GRADES["human"][::-1]),
        ("attempts", [1 + i % 3 for i in range(30)]),
        ("batch", [1 + i // 10 for i in range(30)]),
        ("max_score", [max(pair) for pair in zip(*GRADES.values(), strict=True)]),
        ("agree", [a == b for a, b in zip(*GRADES.values(), strict=True)]),
        ("cost_cents", TIMES),
    ],
)
def test_what_was_measured_beside_the_grades_is_no_rater(name, values, tmp_path):
    """The same number by the command, in Python, and of the two columns alone."""
    table = wide(**{name: values})
    table.to_csv(tmp_path / "table.csv", index=False)
    _, found = agree(tmp_path / "table.csv", "--level", "ordinal")
    assert found["tables"][0]["raters"] == ["human", "judge"]
    in_hand = agree_on(table, level="ordinal", resamples=0)
    right = krippendorff.alpha(np.array(list(GRADES.values()), float), level_of_measurement="ordinal")
    assert found["tables"][0]["alpha"]["value"] == pytest.approx(right)
    assert in_hand.tables[0].coefficients["alpha"].value == pytest.approx(right)
    assert any(f"left aside: {name} (" in note for note in in_hand.read)


def test_what_is_asked_for_as_a_cluster_is_no_rater(tmp_path):
    wide(doc=[1 + i // 6 for i in range(30)]).to_csv(tmp_path / "table.csv", index=False)
    _, found = agree(tmp_path / "table.csv", "--cluster", "doc")
    assert found["tables"][0]["raters"] == ["human", "judge"]


@pytest.mark.parametrize(
    "column", ["temperature", "variant", "candidate", "sentence_id", "start", "dataset", "response"]
)
def test_a_column_that_says_the_same_whoever_rated_belongs_to_what_was_rated(column, tmp_path):
    rows = [
        (f"q{i // 2}", f"{column} {i % 2}", rater, grades[i]) for rater, grades in GRADES.items() for i in range(30)
    ]
    pd.DataFrame(rows, columns=["item_id", column, "rater", "score"]).to_csv(tmp_path / "long.csv", index=False)
    shown, found = agree(tmp_path / "long.csv")
    assert found["tables"][0]["n_ratings"] == 60
    assert f"what was rated is told by item_id, {column} together" in shown.stderr


def test_a_rating_again_is_none_of_another_answer(tmp_path):
    rows = [("q0", 1, "a", 1), ("q0", 2, "a", 2), ("q0", 1, "b", 1), ("q0", 2, "b", 2)] + [
        (f"q{i}", 1, rater, i % 3) for i in range(1, 9) for rater in "ab"
    ]
    pd.DataFrame(rows, columns=["item_id", "session", "rater", "score"]).to_csv(tmp_path / "long.csv", index=False)
    _, found = agree(tmp_path / "long.csv")
    assert found["tables"][0]["n_ratings"] == 18


PAIRS = [  # who was shown first, and what each of two raters said in each order; the other order of the same pair
    ("q1", ("alpaca", "zephyr"), {"ann": "a", "gpt-4": "a"}), ("q1", ("zephyr", "alpaca"), {"ann": "b", "gpt-4": "a"}),
    ("q2", ("alpaca", "zephyr"), {"ann": "b", "gpt-4": "b"}), ("q2", ("zephyr", "alpaca"), {"ann": "a", "gpt-4": "a"}),
    ("q3", ("alpaca", "zephyr"), {"ann": "a", "gpt-4": "a"}), ("q3", ("zephyr", "alpaca"), {"ann": "b", "gpt-4": "b"}),
    ("q4", ("alpaca", "zephyr"), {"ann": "b", "gpt-4": "a"}), ("q4", ("zephyr", "alpaca"), {"ann": "a", "gpt-4": "b"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (("question_id", "model_a", "model_b", "judge", "winner"), ("model_a", "model_b")),
        (("item_id", "response_a", "response_b", "rater", "preferred"), ("response_a", "response_b")),
        (("item_id", "system_1", "system_2", "annotator", "choice"), ("1", "2")),
        (("prompt", "left", "right", "annotator", "winner"), ("left", "right")),
        (("item_id", "model_a", "model_b", "rater", "value"), ("A", "B")),
        (("question_id", "model_a", "model_b", "judge", "winner"), None),  # the model's own name
    ],
)
@pytest.mark.parametrize("door", ["csv", "jsonl", "frame"])
def test_both_orders_of_a_comparison_are_one_verdict_whatever_columns_are_called(header, said, door, tmp_path):
    """By hand: ann says 1, 0, 1, 0 of alpaca; gpt-4 says .5 (it took the first both times), 0, 1, 1."""
    words = dict(zip("ab", said, strict=True)) if said else None
    rows = [
        (item, *shown, rater, words[one] if words else shown["ab".index(one)])
        for item, shown, votes in PAIRS
        for rater, one in votes.items()
    ]
    table = pd.DataFrame(rows, columns=header)
    if door == "frame":
        found = agree_on(table, level="interval", resamples=0).to_json()
    elif door == "csv":
        table.to_csv(tmp_path / "pairs.csv", index=False)
        _, found = agree(tmp_path / "pairs.csv", "--level", "interval")
    else:
        table.to_json(tmp_path / "pairs.jsonl", orient="records", lines=True)
        _, found = agree(tmp_path / "pairs.jsonl", "--level", "interval")
    right = krippendorff.alpha([[1, 0, 1, 0], [0.5, 0, 1, 1]], level_of_measurement="interval")
    assert found["tables"][0]["alpha"]["value"] == pytest.approx(right)


@pytest.mark.parametrize("mark", [";", " | ", ", ", "\n", " / ", "::", " + "])
def test_options_are_a_set_whatever_stands_between_them(mark, tmp_path):
    ticked = [["red", "blue"], ["red"], ["blue", "green", "red"], ["green"], ["blue", "green"], ["red", "green"]] * 2
    rows = [
        (f"q{i}", rater, mark.join(one[::way])) for i, one in enumerate(ticked) for rater, way in (("a", 1), ("b", -1))
    ]
    pd.DataFrame(rows, columns=["item", "annotator", "label"]).to_csv(tmp_path / "ticks.csv", index=False)
    _, found = agree(tmp_path / "ticks.csv")
    assert (found["tables"][0]["level"], found["tables"][0]["alpha"]["value"]) == ("set", 1.0)
    wide = pd.DataFrame({name: [mark.join(one[::way]) for one in ticked] for name, way in (("a", 1), ("b", -1))})
    assert agree_on(wide.assign(item_id=range(12)), resamples=0).tables[0].coefficients["alpha"].value == 1


@pytest.mark.parametrize(
    "written",
    [
        lambda order: " > ".join(order),
        lambda order: [{"name": one, "rank": place} for place, one in enumerate(order)],
        lambda order: {"_": order},
    ],
)
def test_rankings_in_three_more_ways_of_writing(written, tmp_path):
    orders = [["A", "B", "C"], ["B", "A", "C"], ["C", "A", "B"], ["A", "C", "B"]] * 2
    rows = [{"item": f"q{i}", "rater": name, "value": written(one)} for i, one in enumerate(orders) for name in "ab"]
    (tmp_path / "r.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    _, found = agree(tmp_path / "r.jsonl")
    assert (found["tables"][0]["level"], found["tables"][0]["alpha"]["value"]) == ("ranking", 1.0)


@pytest.mark.parametrize(
    "written",
    ["{0} out of 5", "good {0} ({0})", "{0} stars", "−{0}", "{0}/5"],
)
def test_numbers_as_people_write_them(written, tmp_path):
    rows = [(f"q{i}", name, written.format(one)) for name, grades in GRADES.items() for i, one in enumerate(grades)]
    if written.startswith("good"):
        names = ["", "bad", "poor", "fair", "good", "great"]
        rows = [(item, name, f"{names[int(said[5])]} ({said[5]})") for item, name, said in rows]
    pd.DataFrame(rows, columns=["item", "rater", "value"]).to_csv(tmp_path / "n.csv", index=False)
    _, found = agree(tmp_path / "n.csv", "--level", "ordinal")
    right = krippendorff.alpha(np.array(list(GRADES.values()), float), level_of_measurement="ordinal")
    assert found["tables"][0]["alpha"]["value"] == pytest.approx(right)


def test_shares_beside_percentages_are_the_same_amounts(tmp_path):
    rows = [
        (f"q{i}", name, f"{20 * one}%" if name == "judge" else one / 5)
        for name, grades in GRADES.items()
        for i, one in enumerate(grades)
    ]
    pd.DataFrame(rows, columns=["item", "rater", "value"]).to_csv(tmp_path / "p.csv", index=False)
    shown, found = agree(tmp_path / "p.csv", "--level", "interval")
    right = krippendorff.alpha(np.array(list(GRADES.values()), float), level_of_measurement="interval")
    assert found["tables"][0]["alpha"]["value"] == pytest.approx(right)
    assert "beside shares of 1, taken times 100" in shown.stderr


def test_a_row_a_rater_and_the_rows_that_sum_up(tmp_path):
    across = pd.DataFrame(
        [[name, *grades] for name, grades in GRADES.items()], columns=["annotator", *[f"q{i}" for i in range(30)]]
    )
    across.to_csv(tmp_path / "across.csv", index=False)
    _, found = agree(tmp_path / "across.csv", "--level", "ordinal")
    table = pd.DataFrame({"item": [f"i{i}" for i in range(30)], **GRADES})
    mean = pd.DataFrame([{"item": "Mean", "human": 3.1, "judge": 3.2}])
    pd.concat([table, mean]).to_csv(tmp_path / "mean.csv", index=False)
    shown, summed = agree(tmp_path / "mean.csv", "--level", "ordinal")
    right = krippendorff.alpha(np.array(list(GRADES.values()), float), level_of_measurement="ordinal")
    assert found["tables"][0]["alpha"]["value"] == pytest.approx(right)
    assert summed["tables"][0]["alpha"]["value"] == pytest.approx(right)
    assert "left out, they sum up the rows above: Mean" in shown.stderr


def test_excel_sheets_of_one_header_are_read_together_and_the_longest_counts(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "Info"
    book.active.append(["Read me", "Results of March"])
    for name, grades in GRADES.items():
        sheet = book.create_sheet(name)
        sheet.append(["Item ID", "score"])
        for i, one in enumerate(grades):
            sheet.append([f"q{i}", one])
    book.save(tmp_path / "team.xlsx")
    shown, found = agree(tmp_path / "team.xlsx", "--level", "ordinal")
    right = krippendorff.alpha(np.array(list(GRADES.values()), float), level_of_measurement="ordinal")
    assert found["tables"][0]["alpha"]["value"] == pytest.approx(right)
    assert "not 'Info'" in shown.stderr


def test_a_question_answered_in_words_is_a_rationale_by_what_stands_there(tmp_path):
    records = [
        {
            "id": f"r{i}",
            "fields": {"text": "t"},
            "suggestions": {},
            "responses": {
                "quality": [{"value": GRADES[name][i], "user_id": name, "status": "submitted"} for name in GRADES],
                "thoughts": [{"value": f"what {name} thinks of {i}", "user_id": name} for name in GRADES],
            },
        }
        for i in range(20)
    ]
    (tmp_path / "a.json").write_text(json.dumps(records))
    shown = CliRunner().invoke(app, ["import", str(tmp_path / "a.json"), "--dry-run", "--json"])
    found = json.loads(shown.stdout)
    assert {one["criterion"] for one in found["ratings"]} == {"quality"}
    assert found["ratings"][0]["rationale"] == "what human thinks of 0"


def test_a_severe_rater_is_a_rater(tmp_path):
    """Shrout and Fleiss' table: one judge gives 1 to 5 where another gives 6 to 10; ICC(2,1) is .29."""
    rows = [(9, 2, 5, 8), (6, 1, 3, 2), (8, 4, 6, 8), (7, 1, 2, 6), (10, 5, 6, 9), (6, 2, 4, 7)]
    pd.DataFrame(rows, columns=list("abcd")).to_csv(tmp_path / "s.csv", index=False)
    _, found = agree(tmp_path / "s.csv", "--level", "interval", "--coefficient", "icc2")
    assert round(found["tables"][0]["icc2"]["value"], 2) == 0.29


def test_three_labels_in_five_rows_are_labels_and_texts_are_texts(tmp_path):
    (tmp_path / "s.csv").write_text(
        "item_id,note,ann,bob\n1,fine,a,a\n2,too long,a,b\n3,rude,b,b\n4,why,a,b\n5,odd,c,c\n"
    )
    _, found = agree(tmp_path / "s.csv")
    assert found["tables"][0]["raters"] == ["ann", "bob"]
    right = krippendorff.alpha([[0, 0, 1, 0, 2], [0, 1, 1, 1, 2]], level_of_measurement="nominal")
    assert found["tables"][0]["alpha"]["value"] == pytest.approx(right)


def test_who_always_says_the_same_is_a_rater(tmp_path):
    """Of ann and her opposite one is always 1: dan, who always is, is not their most."""
    rows = [(i, i % 3 % 2, 1 - i % 3 % 2, 1, 0) for i in range(30)]
    pd.DataFrame(rows, columns=["item_id", "ann", "bob", "dan", "eve"]).to_csv(tmp_path / "s.csv", index=False)
    _, found = agree(tmp_path / "s.csv")
    assert found["tables"][0]["raters"] == ["ann", "bob", "dan", "eve"]
    right = krippendorff.alpha(np.array(rows).T[1:].astype(float), level_of_measurement="nominal")
    assert found["tables"][0]["alpha"]["value"] == pytest.approx(right)


@pytest.mark.parametrize("step", [10, 0.5])
def test_a_severe_rater_on_a_scale_of_tens_or_halves_is_a_rater(tmp_path, step):
    """Shrout and Fleiss' table in other units: ICC(2,1) stays .29; what took a hundred seconds is none."""
    rows = [(9, 2, 5, 8), (6, 1, 3, 2), (8, 4, 6, 8), (7, 1, 2, 6), (10, 5, 6, 9), (6, 2, 4, 7)]
    frame = pd.DataFrame(rows, columns=list("abcd")) * step
    frame.assign(took=[131, 210, 455, 170, 333, 290]).to_csv(tmp_path / "s.csv", index=False)
    _, found = agree(tmp_path / "s.csv", "--level", "interval", "--coefficient", "ICC(2,1)")
    assert found["tables"][0]["raters"] == list("abcd")
    assert round(found["tables"][0]["icc2"]["value"], 2) == 0.29


SHOWN = [("ann", "q0", "m1", "m2", "m1"), ("ann", "q1", "m2", "m1", "m1"), ("ann", "q2", "m1", "m2", "m2"),
         ("ann", "q3", "m1", "m2", "m2"), ("ann", "q4", "m2", "m1", "m1"), ("bob", "q0", "m2", "m1", "m1"),
         ("bob", "q1", "m1", "m2", "m1"), ("bob", "q2", "m2", "m1", "m2"), ("bob", "q3", "m2", "m1", "m1"),
         ("bob", "q4", "m1", "m2", "m2")]  # fmt: skip
"""Who, the item, which model was shown first, which second, which won: they agree on q0, q1 and q2."""


@pytest.mark.parametrize(
    ("first", "second", "verdict", "said"),
    [
        ("A", "B", "verdict", ("A", "B")),
        ("generator_1", "generator_2", "preference", (1, 2)),
        ("candidate", "baseline", "outcome", ("win", "loss")),
        ("Bot A", "Bot B", "choice", ("A", "B")),
    ],
)
def test_sides_are_known_by_what_stands_in_them(tmp_path, first, second, verdict, said):
    rows = [
        {"item_id": item, "rater": who, first: one, second: other, verdict: said[won == other]}
        for who, item, one, other, won in SHOWN
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "s.csv", index=False)
    _, found = agree(tmp_path / "s.csv")
    won = [[int(row[4] == "m1") for row in SHOWN if row[0] == who] for who in ("ann", "bob")]
    assert found["tables"][0]["alpha"]["value"] == pytest.approx(
        krippendorff.alpha(np.array(won, float), level_of_measurement="nominal")
    )


def test_an_item_of_a_list_in_label_studio_is_part_of_what_was_rated(tmp_path):
    said = {1: ["a", "b", "a", "b"], 2: ["a", "b", "b", "b"]}
    tasks = [
        {
            "id": task,
            "data": {"dialogue": []},
            "annotations": [
                {
                    "id": 10 * task + who,
                    "completed_by": who,
                    "result": [
                        {"from_name": "l", "type": "choices", "item_index": k,
                         "value": {"choices": [labels[2 * task + k]]}} for k in ((0, 1) if who == 1 else (1, 0))
                    ],
                }
                for who, labels in said.items()
            ],
        }
        for task in range(2)
    ]  # fmt: skip
    (tmp_path / "s.json").write_text(json.dumps(tasks))
    _, found = agree(tmp_path / "s.json")
    right = krippendorff.alpha([[0, 1, 0, 1], [0, 1, 1, 1]], level_of_measurement="nominal")
    assert (found["tables"][0]["n_items"], found["tables"][0]["alpha"]["value"]) == (4, pytest.approx(right))


@pytest.mark.parametrize("form", ["{{{}}}", "[{}]"])
def test_braces_hold_ticks(tmp_path, form):
    """Three of four items have the same ticks, in another order; of the fourth b is missing."""
    said = {"ann": ["a,b", "b", "a,c", "a,b"], "bob": ["b,a", "b", "c,a", "a"]}
    rows = [(f"q{i}", who, form.format(one)) for who, ticks in said.items() for i, one in enumerate(ticks)]
    pd.DataFrame(rows, columns=["item_id", "rater", "label"]).to_csv(tmp_path / "s.csv", index=False)
    _, found = agree(tmp_path / "s.csv", "--level", "set")
    assert found["tables"][0]["percent_agreement"]["value"] == 0.75


@pytest.mark.parametrize("write", ["1. {0}; 2. {1}; 3. {2}", "{2} < {1} < {0}", "{0} > {1} > {2}"])
def test_rankings_are_read_however_they_are_written(tmp_path, write):
    said = {"ann": ["abc", "bca", "cab"], "bob": ["abc", "bac", "cab"]}
    rows = [(f"q{i}", who, write.format(*one)) for who, orders in said.items() for i, one in enumerate(orders)]
    pd.DataFrame(rows, columns=["item_id", "rater", "value"]).to_csv(tmp_path / "s.csv", index=False)
    _, found = agree(tmp_path / "s.csv", "--level", "ranking")
    known = found["tables"][0]
    assert known["percent_agreement"]["value"] == pytest.approx(2 / 3)
    assert known["rank_tau"]["value"] == pytest.approx((1 + 1 / 3 + 1) / 3)  # of bca and bac one pair of three turns


@pytest.mark.parametrize("name", ["cluster", "week", "disagreement", "range", "score_avg"])
def test_what_stands_beside_grades_is_no_rater(tmp_path, name):
    rng = np.random.default_rng(3)
    grades = np.clip(rng.integers(1, 6, 24) + rng.integers(-1, 2, (3, 24)), 1, 5)
    frame = pd.DataFrame(grades.T, columns=["ann", "bob", "cyd"])
    beside = {"score_avg": grades.mean(axis=0).round(1), "range": np.ptp(grades, axis=0)}
    frame.insert(0, "item_id", [f"q{i}" for i in range(24)])
    frame.assign(**{name: beside.get(name, rng.integers(1, 6, 24))}).to_csv(tmp_path / "s.csv", index=False)
    _, found = agree(tmp_path / "s.csv", "--level", "ordinal")
    assert found["tables"][0]["raters"] == ["ann", "bob", "cyd"]


@pytest.mark.parametrize(
    ("usual", "odd", "told"),
    [
        (["yes", "no"], "skip", "'skip' (4 values) counts as a label: if it is no answer, --missing 'skip'"),
        (["a-b", "no"], "a–b", "differ by case, blanks or signs alone"),
        (["1", "2", "3", "4"], "99", "99 (4 ratings) lies apart from all other grades"),
    ],
)
def test_what_may_be_no_answer_or_another_spelling_is_said(tmp_path, usual, odd, told):
    rows = [
        (f"q{i}", who, odd if i % 5 == 0 else usual[(i + (i == 7) * (who == "b")) % len(usual)])
        for who in "ab"
        for i in range(10)
    ]
    pd.DataFrame(rows, columns=["item_id", "rater", "value"]).to_csv(tmp_path / "s.csv", index=False)
    shown, found = agree(tmp_path / "s.csv")
    assert told in shown.stderr + " ".join(one["message"] for one in found["warnings"])
    if "missing" in told or odd == "99":
        _, without = agree(tmp_path / "s.csv", "--missing", odd)
        assert without["tables"][0]["n_items"] == 8


def test_a_table_of_numbered_questions_has_a_row_a_person(tmp_path):
    """What `id` names are people: q1 to q4 are no raters."""
    grades = {"ann": [1, 2, 3, 4], "bob": [1, 2, 3, 5], "cyd": [2, 2, 3, 4]}
    frame = pd.DataFrame(grades, index=["q1", "q2", "q3", "q4"]).T.rename_axis("id").reset_index()
    frame.to_csv(tmp_path / "s.csv", index=False)
    _, found = agree(tmp_path / "s.csv", "--level", "ordinal")
    assert found["tables"][0]["raters"] == ["ann", "bob", "cyd"]
    right = krippendorff.alpha(np.array(list(grades.values()), float), level_of_measurement="ordinal")
    assert found["tables"][0]["alpha"]["value"] == pytest.approx(right)
