"""Exports of tools and scripts, as they are written: each gives its number, or says why it has none.

All tables hold the same grades of two people, whose alpha is computed beside the product by `krippendorff`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import krippendorff
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from harness.agreement import agree as agree_on
from harness.cli import app

ANN = [1, 4, 3, 5, 2, 2, 4, 1, 5, 3, 4, 2]
BOB = [1, 4, 2, 5, 2, 3, 4, 1, 4, 3, 5, 2]
ALPHA = krippendorff.alpha(np.array([ANN, BOB], float), level_of_measurement="ordinal")
ROWS = [{"ann": a, "bob": b} for a, b in zip(ANN, BOB, strict=True)]
LONG = [(f"q{n}", who, row[who]) for n, row in enumerate(ROWS) for who in ("ann", "bob")]
Agree = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def agree(tmp_path: Path) -> Agree:
    def run(name: str, content: Any, *options: str) -> tuple[int, dict[str, Any], str]:
        path = tmp_path / name
        if not isinstance(content, str):
            lines = (json.dumps(one) + "\n" for one in content) if name.endswith("jsonl") else [json.dumps(content)]
            content = "".join(lines)
        path.write_text(content, encoding="utf-8")
        shown = CliRunner().invoke(app, ["agree", str(path), "--json", "--resamples", "0", *options])
        found = json.loads(shown.stdout) if shown.stdout.startswith("{") else {}
        return shown.exit_code, found, str(shown.exception or "") + shown.stderr

    return run


def csv(header: str, *rows: object, sep: str = ",") -> str:
    return "\n".join([header, *(sep.join(map(str, row)) if isinstance(row, tuple) else str(row) for row in rows)])


def wide(header: str, beside: Callable[[int], tuple[object, ...]]) -> str:
    return csv(header, *((f"q{n}", row["ann"], row["bob"], *beside(n)) for n, row in enumerate(ROWS)))


READ: dict[str, tuple[str, Any]] = {
    # what was settled in the end, and what is known of the item, is no rater
    "final": ("w.csv", wide("item_id,ann,bob,final", lambda n: (ANN[n],))),
    "gold": ("w.csv", wide("item_id,ann,bob,gold_label", lambda n: (BOB[n],))),
    "ground_truth": ("w.csv", wide("item_id,ann,bob,ground_truth", lambda n: (ANN[n],))),
    "difficulty": ("w.csv", wide("item_id,ann,bob,difficulty,weight", lambda n: (1 + n % 5, 1 + n % 2))),
    # nor is what is known of the rater a criterion
    "of raters": ("l.csv", csv("item,rater,rating2,age", *((*one, 30 + (one[1] == "bob")) for one in LONG))),
    # records in cells
    "account": ("n.jsonl", [{"id": i, "annotator": {"id": 7, "name": w}, "scores": {"quality": v}, "label": v}
                           for i, w, v in LONG]),
    "by rater": ("n.jsonl", [{"id": n, "ratings": row} for n, row in enumerate(ROWS)]),
    "listed": ("n.json", [{"id": n, "annotations": [{"annotator": w, "label": v} for w, v in row.items()]}
                          for n, row in enumerate(ROWS)]),
    # JSON as pandas and people write it
    "columns": ("p.json", {who: {str(n): row[who] for n, row in enumerate(ROWS)} for who in ("ann", "bob")}),
    "index": ("p.json", {str(n): row for n, row in enumerate(ROWS)}),
    "split": ("p.json", {"columns": ["ann", "bob"], "data": list(zip(ANN, BOB, strict=True))}),
    "data": ("p.json", {"data": ROWS, "version": 1}),
    "by id": ("p.json", {f"q{n}": row for n, row in enumerate(ROWS)}),
    # crowds
    "toloka": ("t.tsv", csv("INPUT:image\tOUTPUT:quality\tGOLDEN:quality\tASSIGNMENT:task_id\tASSIGNMENT:worker_id"
                            "\tASSIGNMENT:status", *((i, v, 1 if i == "q0" else "", f"t{i}", w, "APPROVED")
                                                     for i, w, v in LONG), sep="\t")),
    "appen": ("a.csv", csv("_unit_id,_golden,_id,_tainted,_channel,_trust,_worker_id,_country,quality,quality_gold",
                           *((i, "false", n, "false", "x", 0.9, w, "US", v, "")
                             for n, (i, w, v) in enumerate(LONG)))),
    "argilla 1": ("h.jsonl", [{"prompt": f"p{n}", "external_id": f"q{n}", "metadata": "{}", "quality-suggestion": None,
                               "quality-suggestion-metadata": {"agent": None},
                               "quality": {"user_id": ["ann", "bob"], "value": [row["ann"], row["bob"]],
                                           "status": ["submitted"] * 2}} for n, row in enumerate(ROWS)]),
    "limesurvey": ("s.csv", csv("id,submitdate,lastpage,startlanguage," + ",".join(f"G1[SQ{n:03}]" for n in range(12)),
                                (1, "2024-01-01", 2, "en", *ANN), (2, "2024-01-01", 2, "en", *BOB))),
    # headers of two rows, and rows that say nothing of an item
    "merged": ("m.csv", csv(",ann,,bob,\nitem,quality,why,quality,why", *((f"q{n}", row["ann"], "", row["bob"], "")
                                                                        for n, row in enumerate(ROWS)))),
    "pandas": ("m.csv", csv(",ann,ann,bob,bob\n,quality,why,quality,why\nitem,,,,",
                            *((f"q{n}", row["ann"], "", row["bob"], "") for n, row in enumerate(ROWS)))),
    "two words": ("w.csv", wide("item_id,human_rating,gpt4_score", lambda n: ())),
    "one criterion": ("w.csv", wide("item_id,ann_score,bob_score", lambda n: ())),
    "surveymonkey": ("s.csv", csv("Respondent ID,Start Date," + "Please rate each" + "," * 11 + "\n,," + ",".join(
                                  f"Text {n}" for n in range(12)), (118, "x", *ANN), (119, "y", *BOB))),
    "response": ("s.csv", csv("Respondent ID," + ",".join(f"How good is text {n}?" for n in range(12)) + "\n"
                              + ",Response" * 12, (118, *ANN), (119, *BOB))),
    "form": ("g.csv", csv("Timestamp,Email Address," + ",".join(f"How good is text {n}?" for n in range(12)),
                          ("1/2", "a@u", *ANN), ("1/3", "b@u", *BOB))),
    "qualtrics": ("s.csv", csv("StartDate,Progress,Finished,ResponseId," + ",".join(f"Q{n}_1" for n in range(12)),
                               ("x", 100, "True", "R_1", *ANN), ("y", 100, "True", "R_2", *BOB))),
    "loop and merge": ("s.csv", csv("StartDate,Progress,Finished,ResponseId," + ",".join(f"{n}_Q7" for n in range(12)),
                                    ("x", 100, "True", "R_1", *ANN), ("y", 100, "True", "R_2", *BOB))),
    # a response is no respondent where its raters are numbered; ids that could be grades are ids
    "of responses": ("w.csv", wide("response_id,annotator_1,annotator_2,annotator_3", lambda n: ("",))),
    "digits": ("l.csv", csv("instance_id,user_id,offensiveness", *((i, {"ann": 2, "bob": 3}[w], v)
                                                                   for i, w, v in LONG))),
    "3 and 3.0": ("l.csv", csv("item,rater,score", *((f"{i[1:]}.0" if w == "bob" else i[1:], w, v)
                                                     for i, w, v in LONG))),
    "potato": ("p.tsv", csv("user\tinstance_id\t" + "\t".join(f"quality:::scale_{n}" for n in range(1, 6)), *(
                            (w, i, *(n if n == v else "" for n in range(1, 6))) for i, w, v in LONG), sep="\t")),
    # rows that the table says do not count
    "deleted": ("l.csv", csv("item,rater,score,status", *((i, w, 6 - v, "deleted") for i, w, v in LONG[:4]),
                             *((*one, "submitted") for one in LONG))),
    "not the latest": ("l.csv", csv("item,rater,score,is_latest", *((i, w, 6 - v, False) for i, w, v in LONG[:4]),
                                    *((*one, True) for one in LONG))),
    "revised": ("l.csv", csv("item,rater,score,revision", *((*one, 0) for one in LONG),
                             *((i, w, 6 - v, 1) for i, w, v in LONG[:4]))),
    # a judge's grades under the name of what judges, two models' grades beside a person's, how sure somebody was
    "llm": ("w.csv", wide("item_id,human,llm,Ground Truth", lambda n: (ANN[n],))),
    "models": ("w.csv", wide("item_id,model_a,model_b,final", lambda n: (ANN[n],))),
    "sure": ("w.csv", wide("item_id,ann,bob,Confidence (1-5)", lambda n: (1 + n % 5,))),
    "mean below": ("w.csv", wide("item_id,ann,bob", lambda n: ()) + "\nDurchschnitt,3.1,2.9"),
    "kappa below": ("w.csv", wide("item_id,ann,bob", lambda n: ()) + "\nCohen's kappa,0.61,0.61"),
    "rater's name": ("w.csv", wide("item_id,Dr. Ann Lang,Bob", lambda n: ())),
    "settled elsewhere": ("w.csv", wide("item_id,ann,bob,Endergebnis", lambda n: (ANN[n],))),
    # what was rated is told by two columns
    "qrels": ("q.csv", csv("qid,docid,ann,bob", *((n // 4, f"d{n % 4}", row["ann"], row["bob"])
                                                   for n, row in enumerate(ROWS)))),
    "turns": ("d.csv", csv("conversation_id,turn,assessor,score", *((int(i[1:]) // 3, int(i[1:]) % 3, w, v)
                                                                     for i, w, v in LONG))),
}  # fmt: skip


@pytest.mark.parametrize("kind", READ)
def test_an_export_gives_the_number_of_what_people_rated(kind, agree):
    code, found, said = agree(*READ[kind], "--level", "ordinal")
    assert code == 0, said
    (table,) = found["tables"]
    assert (len(table["raters"]), table["n_ratings"]) == (2, 24), table["raters"]
    assert table["alpha"]["value"] == pytest.approx(ALPHA)


SIDES = [{"prompt": f"p{n}", "answer_0": f"x{n}", "answer_1": f"y{n}", "score_0": a, "score_1": b}
         for n, (a, b) in enumerate(zip(ANN, BOB, strict=True))]  # fmt: skip
REFUSED: dict[str, tuple[str, Any, str]] = {
    "of answers": ("s.jsonl", [{**row, "is_answer_0_safe": row["score_0"] > 2, "is_answer_1_safe": row["score_1"] > 2,
                                "score_0": None, "score_1": None} for row in SIDES], "are of the two answers"),
    "two sides": ("s.jsonl", SIDES, "of the two answers in each row"),
    "criteria": ("c.csv", csv("question,faithfulness,answer_relevancy", *((f"q{n}", a, b) for n, (a, b) in
                              enumerate(zip(ANN, BOB, strict=True)))), "no column says who rated"),
    "scores": ("b.jsonl", [{"id": n, "output": "o", "scores": {"Factuality": a / 5, "Brevity": b / 5}}
                           for n, (a, b) in enumerate(zip(ANN, BOB, strict=True))], "no column says who rated"),
    "records": ("r.jsonl", [{"prompt": f"p{n}", "answers": [{"model": "a", "rank": 1.0}, {"model": "b", "rank": 2.0}],
                             "turns": 1, "good": True} for n in range(12)], "holds records"),
    "no question": ("n.csv", csv("id,expected,created", *((n, "yes", "monday") for n in range(12))), "--raters"),
    "marked by hand": ("p.jsonl", [{"text": f"t{n}", "_input_hash": n, "_task_hash": n, "spans": [], "answer": "accept",
                                    "_view_id": "spans_manual", "_annotator_id": w} for n in range(6) for w in "ab"],
                       "what was marked"),
    "errors": ("m.tsv", csv("system\tseg_id\trater\tcategory\tseverity", *(("s", n, w, "Style", "Minor")
                            for n in range(6) for w in "ab"), sep="\t"), "one error of several"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_agreement_is_refused_with_the_reason(kind, agree):
    name, content, why = REFUSED[kind]
    code, _, said = agree(name, content)
    assert code != 0
    assert why in said


@pytest.mark.parametrize("header", ["fluency_1,fluency_2,tone_1,tone_2", "ann_fluency,bob_fluency,ann_tone,bob_tone"])
def test_raters_by_criteria_though_one_gave_some_only(header, agree):
    """Numbers are raters beside words for what is rated; who rated one criterion of two is a rater of that one."""
    more = "fluency_3" if "_1" in header else "cem_fluency"
    lines = [(f"q{n}", row["ann"], row["bob"], row["ann"], row["bob"], row["ann"]) for n, row in enumerate(ROWS)]
    _, found, said = agree("g.csv", csv(f"item,{header},{more}", *lines), "--level", "ordinal")
    assert {table["criterion"]: len(table["raters"]) for table in found["tables"]} == {"fluency": 3, "tone": 2}, said
    tone = next(table for table in found["tables"] if table["criterion"] == "tone")
    assert tone["alpha"]["value"] == pytest.approx(ALPHA)


def test_questions_of_a_survey_with_two_numbers_are_items_and_criteria(agree):
    heads = ",".join(f"Q{k}_{n}" for k in (5, 6) for n in range(12))
    _, found, said = agree(
        "s.csv", csv(f"participant,{heads}", ("a", *ANN, *BOB), ("b", *BOB, *ANN)), "--level", "ordinal"
    )
    assert {table["criterion"]: table["alpha"]["value"] for table in found["tables"]} == pytest.approx(
        dict.fromkeys(("Q5", "Q6"), ALPHA)
    )
    assert "12 items by their numbers, each on Q5, Q6: 2 criteria" in said


@pytest.mark.parametrize("written", ["['x' 'y']", "x#y", "x、y"])
def test_ticks_as_numpy_doccano_and_others_write_them(written, agree):
    back = written.replace("x", "-").replace("y", "x").replace("-", "y")
    _, found, _ = agree(
        "m.csv", csv("item,ann,bob", *((n, *((written, back) if n % 3 else ("x", "y"))) for n in range(9)))
    )
    assert (found["tables"][0]["level"], found["tables"][0]["percent_agreement"]["value"]) == (
        "set",
        pytest.approx(6 / 9),
    )


def test_a_frame_of_a_survey_has_the_rows_under_its_header_left_out_too(tmp_path):
    heads = ["StartDate", "Progress", "Finished", "ResponseId", *[f"Q{n}_1" for n in range(12)]]
    under = [["what?"] * len(heads), [json.dumps({"ImportId": name}) for name in heads]]
    people = [["x", 100, "True", who, *grades] for who, grades in (("R_1", ANN), ("R_2", BOB))]
    frame = pd.DataFrame([*under, *people], columns=heads).astype(str)
    frame.to_parquet(tmp_path / "survey.parquet")
    for source in (frame, tmp_path / "survey.parquet"):
        assert agree_on(source, level="ordinal", resamples=0).tables[0].coefficients["alpha"].value == pytest.approx(
            ALPHA
        )


def test_words_among_numbers_are_labels_on_the_page_too(tmp_path):
    """`abstain` beside grades: compared as labels by the command, and left out by the matrix of the page."""
    (tmp_path / "w.csv").write_text(wide("item_id,ann,bob,cy", lambda n: ("abstain" if n % 6 == 1 else ANN[n],)))
    found = agree_on(tmp_path / "w.csv", resamples=0).matrix
    seen = CliRunner().invoke(app, ["report", str(tmp_path / "w.csv"), "--json"])
    on_page = {(row["rater_a"], row["rater_b"]): (row["value"], row["n"]) for row in json.loads(seen.stdout)["matrix"]}
    mine = found[found["coefficient"] == "alpha"].set_index(["rater_a", "rater_b"])
    assert {pair: (row.value, row.n) for pair, row in mine.iterrows()} == {
        pair: (pytest.approx(value), n) for pair, (value, n) in on_page.items()
    }
    assert on_page["ann", "cy"][1] == 12


def test_who_may_have_rated_is_said_where_no_column_is_called_so(agree):
    _, found, said = agree("l.csv", csv("item,linguist,score", *LONG))
    assert found["tables"][0]["raters"] == ["score"]
    assert "which linguist tells apart: if it says who rated, --rater linguist" in said


def test_a_list_of_several_answers_is_no_set(agree):
    rows = [{"id": n, "labels_of_five": ["e", "n", "e", "e", "n"], "ann": "en"[a % 2], "bob": "en"[b % 2]}
            for n, (a, b) in enumerate(zip(ANN, BOB, strict=True))]  # fmt: skip
    _, found, said = agree("s.jsonl", rows)
    assert found["tables"][0]["raters"] == ["ann", "bob"]
    assert "labels_of_five (lists one answer several times: of several raters?)" in said


def test_one_raters_criteria_are_read_when_it_is_said_who_rated(agree):
    _, _, said = agree("b.jsonl", REFUSED["scores"][1], "--rater-name", "gpt")
    assert "each of these columns is a criterion: Factuality, Brevity" in said


def test_the_scores_in_a_record_are_criteria_where_it_says_who_rated(agree):
    rows = [{"id": i, "rater": w, "scores": {"fluency": v, "style": 6 - v}} for i, w, v in LONG]
    _, found, _ = agree("n.jsonl", rows, "--level", "ordinal")
    assert [table["criterion"] for table in found["tables"]] == ["fluency", "style"]
    assert found["tables"][0]["alpha"]["value"] == pytest.approx(ALPHA)


def test_a_word_that_nobody_said_cannot_be_recoded(agree):
    code, _, said = agree("l.csv", csv("item_id,rater,value", *LONG), "--recode", "6=5")
    assert code != 0
    assert "no rating is '6'" in said


def test_a_rater_with_words_for_nothing_stays_a_rater(agree):
    rows = [(f"q{n}", row["ann"], "keine Angabe" if n == 3 else row["bob"]) for n, row in enumerate(ROWS)]
    _, found, said = agree("w.csv", csv("item_id,ann,bob,cem", *((*one, one[1]) for one in rows)))
    assert found["tables"][0]["raters"] == ["ann", "bob", "cem"]
    assert "1 values are missing: 'keine Angabe'" in said


def test_one_answer_or_person_in_two_spellings(agree):
    rows = [(i, w.upper() if n % 3 else w, "👍\ufe0f" if n % 2 else "👍") for n, (i, w, _) in enumerate(LONG)]
    _, found, _ = agree("l.csv", csv("item_id,rater,value", *rows))
    assert found["tables"][0]["percent_agreement"]["value"] == 1  # how an emoji is drawn is no answer
    assert any("ANN and ann" in one["message"] for one in found["warnings"] if one["code"] == "raters_but_for_case")


def test_what_is_left_aside_among_values_and_columns_is_told(agree):
    _, _, said = agree("l.csv", csv("id,annotator,label,score", *((i, w, "yes", v) for i, w, v in LONG)))
    assert "score is compared, not label" in said
    _, _, said = agree("w.csv", wide("item_id,ann,bob,", lambda n: (n,)))
    assert "column 4, which has no name" in said


def test_a_settled_label_beside_one_rater_is_compared_with_it(agree):
    rows = csv("item_id,gold,judge", *((f"q{n}", a, b) for n, (a, b) in enumerate(zip(ANN, BOB, strict=True))))
    _, found, _ = agree("g.csv", rows)
    assert found["tables"][0]["raters"] == ["gold", "judge"]


def test_a_frame_is_read_as_its_file_is():
    """What was rated is told by two columns; names have blanks at their ends; the last row sums up."""
    long = pd.DataFrame(LONG, columns=["item_id", "rater", "value"])
    twice = pd.concat([long.assign(sentence_id=1), long.assign(sentence_id=2, value=6 - long["value"])])
    assert agree_on(twice, level="ordinal", resamples=0).tables[0].n_items == 24
    spaced = long.assign(item_id=[one + " " * (n % 2) for n, one in enumerate(long["item_id"])])
    assert agree_on(spaced, level="ordinal", resamples=0).tables[0].coefficients["alpha"].value == pytest.approx(ALPHA)
    wide = pd.DataFrame({"item_id": [*(f"q{n}" for n in range(12)), "Mean"], "ann": [*ANN, 3], "bob": [*BOB, 3]})
    assert agree_on(wide, level="ordinal", resamples=0).tables[0].coefficients["alpha"].value == pytest.approx(ALPHA)


def test_the_column_of_clusters_is_no_item_of_a_wide_table():
    wide = pd.DataFrame({"ann": ANN, "bob": BOB, "doc": [n // 3 for n in range(12)]})
    found = agree_on(wide, level="ordinal", cluster="doc", resamples=0).tables[0]
    assert (found.n_items, found.coefficients["alpha"].value) == (12, pytest.approx(ALPHA))
