"""Without a run: a page, a plan, a person's view, a look and a rating page from one sheet."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import harness
from harness.cli import app
from harness.rounds import compare_rounds


@pytest.fixture(scope="module")
def team(tmp_path_factory):
    """Three people and a judge, simulated: dan errs most."""
    rng = np.random.default_rng(0)
    lines = ["item_id,text,ann,bob,dan,judge"]
    for n in range(60):
        truth = rng.integers(1, 6)
        grades = [int(np.clip(round(truth + rng.normal(0, sd)), 1, 5)) for sd in (0.4, 0.4, 1.5, 0.5)]
        lines.append(f"q{n},some text number {n}," + ",".join(map(str, grades)))
    path = tmp_path_factory.mktemp("team") / "team.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def invoke(*arguments):
    shown = CliRunner().invoke(app, [str(one) for one in arguments])
    assert shown.exit_code == 0, (shown.stderr, shown.exception)
    return shown


def test_one_command_says_who_may_replace_whom_whom_to_train_and_how_many_more_and_writes_a_page(team):
    shown = invoke("report", team, "--ai", "judge")
    assert "judge may" in shown.stdout
    assert "retrain dan first" in shown.stdout
    assert "give alpha an interval of width .2" in shown.stdout
    page = team.with_suffix(".report.html")
    assert shown.stdout.splitlines()[-1] == str(page)
    assert "Who agrees" in page.read_text()
    counts = re.findall(r"\d+ items rated by", shown.stdout)  # from draws: one number at both places
    assert counts
    assert all(count in page.read_text() for count in counts)


def test_a_sheet_of_words_has_a_page_and_a_plan_and_each_number_is_the_same_at_every_door(tmp_path):
    rng = np.random.default_rng(1)
    lines = ["item_id,ann,bob,dan,judge"]
    for n in range(80):
        truth = rng.choice(["good", "bad", "unsure"])
        said = [truth if rng.random() < right else rng.choice(["good", "bad"]) for right in (0.9, 0.9, 0.6, 0.8)]
        lines.append(f"q{n}," + ",".join(said))
    sheet = tmp_path / "words.csv"
    sheet.write_text("\n".join(lines) + "\n")
    told = invoke("report", sheet, "--ai", "judge").stdout
    plan = json.loads(invoke("plan", "--human", sheet, "--judge", "judge", "--json").stdout)
    assert plan["components"]["reason"] == "not_numbers"
    assert [one["aim"] for one in plan["plan"]] == ["alpha", "stand_in"]
    assert f"{plan['plan'][0]['items']} items rated by 3 people each give alpha an interval of width .2" in told
    agreed = json.loads(invoke("agree", sheet, "--ai", "judge", "--json").stdout)
    pair = next(
        row
        for row in agreed["matrix"]
        if (row["rater_a"], row["rater_b"], row["coefficient"]) == ("ann", "judge", "alpha")
    )
    seen = json.loads(invoke("report", sheet, "--ai", "judge", "--json").stdout)
    on_page = next(row for row in seen["matrix"] if {row["rater_a"], row["rater_b"]} == {"ann", "judge"})
    assert (on_page["value"], on_page["n"]) == (pytest.approx(pair["value"]), pair["n"])
    assert seen["trust"] == [{"rater": "judge", "mark": "trusted"}]
    refused = CliRunner().invoke(app, ["plan", "--human", str(sheet), "--level", "ordinal"])
    assert "a plan of them is nominal" in str(refused.exception)


def test_a_page_has_the_groups_of_a_column_as_the_command_has(tmp_path):
    """`source` is also a field of our own records: the file's column counts."""
    rng = np.random.default_rng(2)
    rows = [
        f"q{n},{rater},{n % 3 + (rng.random() < 0.3)},{'web' if n % 2 else 'book'}" for n in range(30) for rater in "ab"
    ]
    sheet = tmp_path / "long.csv"
    sheet.write_text("\n".join(["item_id,rater,value,source", *rows]) + "\n")
    (slices,) = harness.agree(sheet, by="source", coefficients=["alpha"]).slices
    told = invoke("report", sheet, "--by", "source").stdout
    assert slices.sentence in told
    assert all(f"  {name:<22} alpha {one.value:6.3f}  [" in told for name, one in slices.groups.items())
    assert slices.sentence in sheet.with_suffix(".report.html").read_text()


def test_people_and_a_plan_from_a_sheet(team):
    people = json.loads(invoke("people", team, "--ai", "judge", "--json").stdout)["people"]
    assert {one["rater"] for one in people} == {"ann", "bob", "dan"}
    plan = json.loads(invoke("plan", "--human", team, "--judge", "judge", "--json").stdout)["plan"]
    assert {one["aim"] for one in plan} == {"alpha", "stand_in", "score"}
    found = json.loads(invoke("plan", "--human", team, "--judge", "judge", "--error", "0.4", "--json").stdout)
    assert found["components"]["raters"] == ["ann", "bob", "dan"]
    assert found["enough"]["error"] <= 0.4
    shown = invoke("plan", "--human", team, "--judge", "judge", "--error", "0.4").stdout
    assert f"for a standard error of 0.4: raters {found['enough']['raters']}, " in shown


def test_a_look_says_what_a_file_is_and_what_to_do(team, tmp_path):
    look = json.loads(invoke("doctor", team, "--json").stdout)
    assert look["columns"]["ann"] == "ratings of ann"
    assert look["columns"]["text"].startswith("left aside")
    assert f"harness agree {team} --ai judge --stand-in" in look["commands"]
    scores = tmp_path / "scores.csv"
    scores.write_text("item,round,score\n1,0,1\n1,1,0\n")
    assert f"harness rounds {scores}" in json.loads(invoke("doctor", scores, "--json").stdout)["commands"]


def test_texts_in_a_sheet_are_rated_in_a_page(tmp_path):
    sheet = tmp_path / "texts.csv"
    sheet.write_text("id,prompt,answer\n1,why,because\n2,how,so\n")
    assert (
        f"harness annotate {sheet} --rater-id YOU" in json.loads(invoke("doctor", sheet, "--json").stdout)["commands"]
    )
    shown = invoke("annotate", sheet, "--rater-id", "ada", "--export-html", tmp_path / "page.html")
    assert "2 things to rate" in shown.stdout
    assert "because" in (tmp_path / "page.html").read_text()
    assert (tmp_path / "texts-rated" / "suite.yaml").is_file()


def test_an_import_into_a_new_run_makes_it_with_its_texts(team, tmp_path):
    invoke("import", team, "--ai", "judge", "--into", tmp_path / "run")
    shown = json.loads(invoke("agree", tmp_path / "run", "--stand-in", "--json", "--resamples", "0").stdout)
    by_file = json.loads(invoke("agree", team, "--ai", "judge", "--json", "--resamples", "0").stdout)
    assert shown["tables"][0]["alpha"]["value"] == pytest.approx(by_file["tables"][0]["alpha"]["value"])
    assert len(shown["people"]) == 3
    assert all(name.startswith("h_") for name in shown["people"])


def test_a_file_of_scores_is_a_page_of_its_verdicts_and_charts(tmp_path):
    scores = tmp_path / "scores.csv"
    rows = [f"{name},math,i{i},{r},{int(i % 10 < 4 + r * gain)}" for name, gain in (("fed", 1), ("none", 0))
            for i in range(60) for r in range(3)]  # fmt: skip
    scores.write_text("series,benchmark,item,round,score\n" + "\n".join(rows) + "\n")
    shown = CliRunner().invoke(app, ["report", str(scores)])
    assert shown.exit_code == 0, shown.output
    page = (tmp_path / "scores.report.html").read_text()
    found = compare_rounds(str(scores))
    for sentence in found.summary:
        assert sentence in shown.stdout
    assert "math: the gain of each round over the one before" in page
    assert page.count("<svg ") == 2  # wide and narrow
    again = harness.report(found, tmp_path / "by_hand.html")
    assert again.read_text() == page  # two doors, one page
    refused = CliRunner().invoke(app, ["report", str(scores), "--redact-text"])
    assert "holds scores, not ratings" in str(refused.exception)


def test_an_agreement_is_a_page_without_addresses(tmp_path):
    table = pd.DataFrame(
        {"item_id": range(12), "ann@x.org": [1, 2, 3] * 4, "bob": [1, 2, 2] * 4, "latency_ms": range(12)}
    )
    found = harness.agree(table, resamples=50)
    page = harness.report(found, tmp_path / "a.html").read_text()
    assert "rating: coefficients of agreement" in page
    assert "ann@x.org" not in page
    assert "left aside: latency_ms" in page


def test_a_page_has_the_cautions_labels_and_means_of_the_command_and_people_by_letters(tmp_path):
    """cat gives the other label where ann and bob agree, dan always the same."""
    rng = np.random.default_rng(2)
    lines = ["item_id,model,ann,bob,cat,dan,judge"]
    for n in range(60):
        truth = int(rng.integers(0, 2))
        said = [truth if rng.random() < 0.95 else 1 - truth for _ in range(2)]
        lines.append(f"q{n // 2},{'new' if n % 2 else 'old'},{said[0]},{said[1]},{1 - truth},1,{truth}")
    sheet = tmp_path / "cautions.csv"
    sheet.write_text("\n".join(lines) + "\n")
    files = {"--by-label": tmp_path / "labels.json", "--confusion": tmp_path / "confusion.json"}
    asked = [part for pair in files.items() for part in pair]
    told = json.loads(invoke("agree", sheet, "--ai", "judge", "--means", "model", *asked, "--json").stdout)
    page = json.loads(invoke("report", sheet, "--ai", "judge", "--json").stdout)
    letters = {"ann": "Human A", "bob": "Human B", "cat": "Human C", "dan": "Human D"}
    raters = {one["code"]: one["raters"] for one in told["warnings"]}
    assert raters["constant_rater"] == ["dan"]
    assert "cat" in raters["reversed_rater"]
    assert any("Human D gave 1.0 to all 60 items" in one for one in page["cautions"])
    assert any("Human C" in one and "is one scale reversed?" in one for one in page["cautions"])
    assert not any("cat" in one.split() for one in page["cautions"])
    rows = {one["label"]: one for one in json.loads(files["--by-label"].read_text()) if not one["rater_a"]}
    for one in page["labels"][0]["rows"]:
        same = {name: rows[one["label"]][name] for name in ("given", "agreement", "kappa")}
        assert {name: one[name] for name in same} == pytest.approx(same)
    counts = json.loads(files["--confusion"].read_text())
    pair = next(one for one in page["labels"][0]["confusions"] if one["rater_a"] == "Human A")
    for name, *cells in pair["rows"]:
        for value, n in zip(pair["values"], cells, strict=True):
            found = [one["n"] for one in counts if (one["rater_a"], one["rater_b"]) == ("ann", "bob")
                     and (one["value_a"], one["value_b"]) == (name, value)]  # fmt: skip
            assert found == ([n] if n else [])
    [means], [shown] = told["means"], page["means"]
    assert [row["value"] for row in shown["rows"]] == pytest.approx([row["value"] for row in means["rows"]])
    assert shown["differences"][0]["p"] == pytest.approx(means["differences"][0]["p"])
    out = invoke("report", sheet, "--ai", "judge").stdout
    assert "on the page people go by letters: Human A is ann, Human B is bob" in out
    html = sheet.with_suffix(".report.html").read_text()
    assert "the mean of each model" in html
    assert "label by label" in html
    assert letters["cat"] in html


def test_whatever_agree_is_asked_it_can_write_as_a_page_with_the_same_numbers(team, tmp_path):
    page = tmp_path / "page.html"
    rows = pd.read_csv(team).assign(lang=lambda rows: ["en" if n % 2 else "de" for n in range(len(rows))])
    sheet = tmp_path / "sheet.csv"
    rows.to_csv(sheet, index=False)
    asked = ["agree", sheet, "--ai", "judge", "--stand-in", "--by", "lang", "--means", "lang", "--drop-outvoted",
             "--recode", "5=4", "--page", page]  # fmt: skip
    found = json.loads(invoke(*asked, "--json").stdout)
    html = page.read_text()
    [slices], [means] = found["slices"], found["means"]
    shown = [one["value"] for one in (*slices["groups"], *means["rows"], found["tables"][0]["alpha"])]
    shown += [one["without"] for one in found["without"]] + [found["stand_in"][0]["ceiling"]["ai"]["value"]]
    for value in shown:
        assert f"{value:.3f}".replace("-", "−") in html, value
    assert found["stand_in"][0]["sentence"] in html.replace("&#39;", "'")
    for caution in found["warnings"]:
        assert caution["message"] in html.replace("&#39;", "'")
    rows = harness.read_any(sheet, ai="judge", recode={"5": "4"}, also=["lang"])
    python = harness.agree(rows, stand_in=True, by="lang", means="lang", drop_outvoted=True).to_json()
    for name in ("tables", "slices", "means", "without", "stand_in", "warnings"):
        assert python[name] == found[name], name


def test_an_audit_takes_the_columns_of_agree_in_every_format_and_a_run_refuses_them(tmp_path):
    """`score` is another column than the one that is audited; 0 of 20 repeats differ in grade, 5 in score."""
    rows = [
        {"id": f"q{n % 20}", "who": "gpt", "grade": n % 20 % 4, "score": n % 4 if n < 35 else 9, "type": "judge"}
        for n in range(40)
    ]
    rows += [{"id": f"q{n}", "who": "ann", "grade": n % 4, "score": 1, "type": "human"} for n in range(20)]
    pd.DataFrame(rows).to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = ["--item", "id", "--rater-column", "who", "--value", "grade", "--kind", "type", "--recode", "3=2"]
    found = [
        json.loads(invoke("audit", tmp_path / name, "--rater", "gpt", *told, "--json").stdout)
        for name in ("a.csv", "a.jsonl")
    ]
    assert found[0] == found[1]
    checks = {one["name"]: one for one in found[0]["checks"]}
    again = checks["test_retest_other_seeds"]
    assert (again["value"], again["n"]) == (1.0, 20)
    rows = harness.read_any(tmp_path / "a.csv", item="id", rater="who", value="grade", kind="type", recode={"3": "2"})
    assert harness.audit(rows, "gpt").to_json()["checks"] == found[0]["checks"]
    wrong = CliRunner().invoke(app, ["audit", str(tmp_path / "a.csv"), "--rater", "gpt", "--value", "nonsense"])
    assert "nonsense" in str(wrong.exception)
    invoke("import", tmp_path / "a.csv", "--into", tmp_path / "run", *(
        "--item", "id", "--rater", "who", "--value", "grade", "--kind", "type"))  # fmt: skip
    for command in (["audit", "--rater", "gpt"], ["report"], ["people"]):
        refused = CliRunner().invoke(app, [command[0], str(tmp_path / "run"), *command[1:], "--item", "id"])
        assert refused.exit_code == 2, command
        assert "for a file of ratings only" in refused.output
