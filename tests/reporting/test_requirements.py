"""What a page must have, requirement by requirement (R1 to R20), where no other test of this folder holds it.

R1 is in test_findings, R2 and R14 in test_page, R11 to R13 in test_page_in_browser, R15 in both.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.records import Rating
from harness.reporting import page
from harness.reporting.cases import carried
from harness.reporting.evidence import Evidence
from harness.reporting.fan_figure import fan
from harness.reporting.feedback_figures import proxy
from harness.reporting.figures import Drawing, Figure, Missing
from harness.reporting.page import report
from harness.reporting.rater_figures import calibration, frontier, principles
from harness.reporting.round_figures import flow, race, races_of
from harness.reporting.scorecard import scorecard, worth
from harness.reporting.tables import scores as score_rows
from harness.run.folder import Run


@pytest.fixture(scope="module")
def rated(made_up_run, tmp_path_factory):
    """A run that two simulated people rated too, with prices, confidences and repetitions, and the evidence of it."""
    run = made_up_run(tmp_path_factory.mktemp("rated") / "run", people=2, held_out=120)
    rng = np.random.default_rng(1)
    key = run.ratings[(run.ratings["rater"] == "answer_key") & (run.ratings["task"] == "objects")]
    extra = []
    for row in key.to_dict("records"):
        for rater, price, skill in (("cheap", 0.00001, 0.6), ("dear", 0.01, 0.95), ("worse", 0.02, 0.7)):
            for repetition in (0, 1):
                right = rng.random() < skill
                extra.append(
                    Rating(
                        rating_id=f"{rater}{row['response_id']}{repetition}", task=row["task"], item_id=row["item_id"],
                        response_id=row["response_id"], rater=rater, rater_kind="judge", criterion="correctness",
                        scale="binary", value=row["value"] if right else 1 - row["value"], confidence=skill,
                        cost_usd=price, seconds=1.0, repetition=repetition, flags=["simulated"], rater_version="v1",
                    )
                )  # fmt: skip
    run.write(extra, "objects")
    return run, Evidence.of(run, usd_per_hour=30.0)


@pytest.fixture(scope="module")
def shown(rated):
    """The page of that run as a view and as HTML."""
    view = page.view(rated[1], carried(rated[1]))
    return view, page.render([view], Catalog())


@pytest.fixture(scope="module")
def plain(run):
    """The evidence, the view and the page of a run that nobody but its raters rated."""
    evidence = Evidence.of(run)
    view = page.view(evidence, carried(evidence))
    return evidence, view, page.render([view], Catalog())


def drawn(found: Drawing | Missing | None) -> Figure:
    assert isinstance(found, Drawing), found
    return found.figure


def test_r2_the_table_of_a_figure_is_the_json(plain):
    evidence, view, _ = plain
    shown = {figure.name: figure for figure in view["figures"]["rounds"]["shown"]}
    rows = score_rows(evidence)
    assert shown["rounds"].rows == [[row[name] for name in shown["rounds"].columns] for row in rows]
    for name in evidence.series:
        assert any(row["series"] == name and row["low"] is not None for row in rows)


def test_r3_kappa_stands_beside_alpha_and_few_shared_answers_are_grey(rated, shown, made_up_run, tmp_path):
    _, evidence = rated
    _, html = shown
    assert 'value="kappa"' in html
    [pair] = [row for row in evidence.pairs if {row["rater_a"], row["rater_b"]} == {"answer_key", "dear"}]
    # kappa of two raters over n items is a little under alpha: alpha = pi + (1 - pi) / 2n, and kappa >= pi
    assert abs(pair["kappa"]["value"] - pair["value"]) < 0.05
    assert f"kappa {pair['kappa']['value']:.2f}" in html
    few = made_up_run(tmp_path / "few", questions=4, series={}, people=2)  # 8 answers: under 10
    html = report(few, tmp_path / "few.html").read_text(encoding="utf-8")
    assert 'class="none few"' in html
    assert "grey: fewer than 10 answers shared" in html


def test_r4_the_scorecard_has_every_column_with_an_interval_and_a_dash_where_nothing_is_known(rated, shown):
    _, evidence = rated
    rows = {row["rater"]: row for row in scorecard(evidence)}
    dear = rows["dear"]
    # right 95 % of the time beside people who are right 85 %: .95 x .85 + .05 x .15
    assert dear["with_people"]["low"] < 0.815 < dear["with_people"]["high"]
    assert dear["ceiling"]["low"] < 0.745 < dear["ceiling"]["high"]  # two people: .85 x .85 + .15 x .15
    assert dear["ceiling"] == rows["People"]["ceiling"]
    assert dear["retest"]["low"] < 0.905 < dear["retest"]["high"]  # .95 x .95 + .05 x .05
    assert dear["usd_per_1000"] == pytest.approx(10)
    assert dear["first_share"] is None
    assert rows["pair_judge"]["first_share"]["value"] > 0.9
    assert rows["pair_judge"]["missing"] > 0
    assert rows["pair_judge"]["with_people"] is None
    unmeasured = re.search("Not measured for any rater: ([^.]*)", shown[1])[1].split(", ")
    card = re.search(r'<table class="card stack">.*?</table>', shown[1], re.S)[0]
    for column in (
        "agrees with people", "people with each other", "prefers the first", "length bias", "own family", "same again",
        "ties", "not parsed or failed", "$ / 1,000", "s / 1,000",
    ):  # fmt: skip
        assert f">{column}<" in card.replace("\xa0", " ") or column in unmeasured  # no column of dashes alone


def test_r5_a_judge_that_reads_the_place_is_named_in_the_caption(shown):
    [figure] = [figure for figure in shown[0]["figures"]["raters"]["shown"] if figure.name == "biases"]
    assert "pair_judge (place)" in figure.caption
    assert [row[:2] for row in figure.rows if row[1] == "place"] == [["pair_judge", "place"]]


def test_r6_what_is_cheaper_and_better_is_joined_and_an_unknown_price_is_listed(rated):
    figure = drawn(frontier(rated[1]))
    best = figure.caption.partition("joined. ")[2].partition(" Not shown")[0]
    assert "cheap at $0.01" in best
    assert "dear at $10.00" in best
    assert "worse" not in best
    assert {row["rater"] for row in worth(rated[1])} >= {"cheap", "dear", "worse", "People"}


def test_r6_people_have_a_price_where_their_pay_is_known(rated, made_up_run, tmp_path):
    run = made_up_run(tmp_path / "run", people=2, questions=12, series={})
    run.ratings.loc[run.ratings["rater_kind"] == "human", "seconds"] = 12.0
    [people] = [row for row in worth(Evidence.of(run, usd_per_hour=30.0)) if row["rater"] == "People"]
    assert people["usd_per_1000"] == pytest.approx(100)  # 12 s x 1,000 / 3,600 x 30
    [unpaid] = [row for row in worth(Evidence.of(run)) if row["rater"] == "People"]
    assert unpaid["usd_per_1000"] is None


def test_r8_methods_come_from_the_manifest_and_the_code(rated):
    found = page.methods(rated[1])
    assert dict(found["facts"])["Git commit"] == "not recorded"
    names = {row["name"] for row in found["definitions"]}
    assert {"alpha", "cohen kappa", "both orders", "the verdict on a series", "standing in for a human"} <= names
    [alpha] = [row for row in found["definitions"] if row["name"] == "alpha"]
    assert alpha["code"] == "harness.agreement.coefficients.alpha"
    assert "1 - (n - 1) sum_u d_u / E" in " ".join(alpha["text"])
    assert ("Smallest effect of interest", "1 point a round") in found["estimates"]


def test_r16_a_page_over_the_limit_is_refused_and_names_the_way_out(made_up_run, tmp_path):
    run = made_up_run(tmp_path / "run", questions=2, series={})
    with pytest.raises(HarnessError, match="--bundle DIR"):
        report(run, tmp_path / "page.html", single_file_limit=50_000)
    assert not (tmp_path / "page.html").exists()


def test_r17_people_are_letters_and_no_text_stays_where_none_is_wanted(made_up_run, tmp_path):
    run = made_up_run(tmp_path / "run", questions=6, series={}, people=2)
    html = report(run, tmp_path / "page.html", redact_text=True).read_text(encoding="utf-8")
    assert "Human A" in html
    assert "h_0000000" not in html
    assert "rainy morning" not in html
    assert "It reads well" not in html
    assert "I would look" not in html


def test_r19_two_writings_of_one_run_are_the_same_bytes(made_up_run, tmp_path):
    run = made_up_run(tmp_path / "run", questions=6, held_out=30, series={"verifier": [0.2, 0.8], "none": [0.2, 0.2]})
    first = report(run, tmp_path / "one.html").read_bytes()
    assert report(Run(run.folder), tmp_path / "two.html").read_bytes() == first


def test_r20_every_text_of_others_sets_its_own_direction(shown):
    _, html = shown
    style = Catalog().file("reports/page/page.css").read_text()
    assert "overflow-wrap: anywhere" in style
    for text in ("Prompt of judge", "Card of objects"):
        assert re.search(rf'<pre[^>]*aria-label="{text}" dir="auto"', html), text


def test_items_won_and_lost_are_counted_item_by_item(plain):
    evidence = plain[0]
    benchmark = evidence.rounds[0]["benchmark"]
    figure = drawn(flow(evidence, benchmark, score_rows(evidence)))
    wide = evidence.scores.pivot_table(index="item", columns=["series", "round"], values="score")
    for series, number, won, lost, n in figure.rows:
        before, after = wide[(series, number - 1)], wide[(series, number)]
        assert won - lost == round((after - before).sum())
        assert won == int(((before == 0) & (after == 1)).sum())
        assert n == 200


def test_pass_at_k_needs_repeated_answers_and_is_unbiased(run, plain):
    evidence = plain[0]
    assert isinstance(fan(evidence, "addition", []), Missing)
    twice = evidence.scores.assign(score=1 - evidence.scores["score"])
    doubled = Evidence(run=run, rounds=evidence.rounds, scores=pd.concat([evidence.scores, twice], ignore_index=True))
    figure = drawn(fan(doubled, "addition", []))
    # each item now has one right and one wrong answer: pass@1 is 1/2, pass@2 is 1
    assert figure.columns[2:] == ["pass@1", "pass@2"]
    assert {(row[2], row[3]) for row in figure.rows} == {(0.5, 1.0)}


def test_calibration_holds_what_was_stated_against_what_was_so(rated):
    figure = drawn(calibration(rated[1]))
    dear = [row for row in figure.rows if row[0] == "dear"]
    assert all(row[1] == pytest.approx(0.95) for row in dear)
    assert sum(row[5] for row in dear) == 80
    right = sum(row[2] * row[5] for row in dear) / 80
    assert 0.85 < right <= 1


def test_criteria_that_raters_read_differently_come_first(rated, made_up_run, tmp_path):
    assert isinstance(principles(rated[1]), Missing)  # one criterion alone is shared
    run = made_up_run(tmp_path / "run", questions=30, series={}, people=0)
    rng = np.random.default_rng(0)
    marks = []
    for row in run.responses.to_dict("records"):
        for criterion, agreeing in (("harmless", 0.55), ("honest", 0.95)):
            truth = float(rng.random() < 0.5)
            for rater in ("one", "other"):
                value = truth if rater == "one" or rng.random() < agreeing else 1 - truth
                marks.append(
                    Rating(
                        rating_id=f"{rater}{criterion}{row['response_id']}", task="objects", item_id=row["item_id"],
                        response_id=row["response_id"], rater=rater, rater_kind="judge", criterion=criterion,
                        scale="binary", value=value, flags=["simulated"],
                    )
                )  # fmt: skip
    run.write(marks, "objects")
    figure = drawn(principles(Evidence.of(run)))
    names = [row[0] for row in figure.rows]
    assert names.index("harmless") < names.index("honest")


def test_what_the_feedback_believed_stands_against_gold(made_up_run, tmp_path):
    run = made_up_run(tmp_path / "run", held_out=40, questions=2)
    assert isinstance(proxy(Evidence.of(run)), Missing)  # this made-up feedback kept no ratings
    answers = run.responses[(run.responses["series"] == "majority") & (run.responses["sample"] == 0)]
    run.write(
        [
            Rating(
                rating_id=f"p{row['response_id']}", task="addition", item_id=f"practice {row['item_id']}",
                response_id=row["response_id"], rater="majority_rater", rater_kind="judge", criterion="correctness",
                scale="binary", value=1.0, flags=["simulated", "selection_item"],
            )
            for row in answers.to_dict("records")
        ],
        "addition-practice",
    )  # fmt: skip
    figure = drawn(proxy(Evidence.of(run)))
    assert [row[:3] for row in figure.rows] == [["majority", number, 1.0] for number in range(5)]


def test_checkpoints_named_in_a_suite_have_rounds(made_up_run, tmp_path):
    run = made_up_run(tmp_path / "run", held_out=60, questions=2)
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    for name in ("items", "responses", "ratings"):
        (folder / name).symlink_to(run.folder / name)
    models = [
        {"name": f"verifier-{number}", "model": "embedded", "series": "verifier", "round": number}
        for number in range(5)
    ]
    (folder / "suite.yaml").write_text(json.dumps({"name": "c", "models": models, "tasks": [{"task": "addition"}]}))
    evidence = Evidence.of(folder)
    assert evidence.notes == []
    [row] = [row for row in evidence.rounds if row["series"] == "verifier"]
    # Its last round gained 8 points, which 60 items do not show; that the earlier ones helped they do.
    assert (row["verdict"], row["last_gain"]["shown"] > 0, row["gain_total"]["low"] > 0.2) == (
        "inconclusive",
        True,
        True,
    )


def test_published_rounds_stand_beside_the_runs_own(plain):
    evidence, _, html = plain
    claimed = evidence.published
    gsm8k = next(r for r in claimed if r["source"]["paper"] == "Iterative RPO" and r["benchmark"] == "gsm8k")
    assert [round(100 * step["delta"], 1) for step in gsm8k["deltas"]] == [17.5, 4.9, 3.1, 0.5]
    assert f"{len(claimed)} series that papers published" in html
    assert "fig-published" in html


def test_what_a_run_cannot_show_is_said_where_it_would_have_stood(plain):
    rounds = re.search(r'<section id="rounds".*?</section>', plain[2], re.S)[0]
    assert "What this run cannot show here" in rounds
    assert "Pass@k needs several answers to each item" in rounds


def test_several_benchmarks_stand_in_one_figure_with_a_panel_each(rated):
    evidence = rated[1]
    rows = score_rows(evidence)
    easier = [{**row, "benchmark": "subjects", "score": row["score"] / 2 + 0.5} for row in rows if row["round"] < 4]
    drawing = race(evidence, rows + easier)
    assert drawing is not None
    assert drawing.figure.columns[0] == "benchmark"
    assert len(drawing.figure.rows) == len(rows) + len(easier)
    assert drawing.figure.title == "addition: verifier reaches 84; subjects: verifier reaches 90"
    first, second = drawing.draw(704)["concat"]
    ends = [one["layer"][0]["encoding"] for one in (first, second)]
    assert ends[0]["x"]["scale"]["domain"] == ends[1]["x"]["scale"]["domain"] == [0, 4]  # though one has no round 4
    spans = [one["y"]["scale"]["domain"] for one in ends]
    assert spans[0][1] - spans[0][0] == pytest.approx(spans[1][1] - spans[1][0])  # a step is the same gain in both
    assert drawing.draw(340)["columns"] == 1  # one below the other on a phone
    aside = [{**row, "benchmark": "subjects", "is_beside": True} for row in evidence.rounds]
    both = races_of(replace(evidence, rounds=[*evidence.rounds, *aside]), rows + easier)
    alone, beside = [one for one in both if one is not None]  # what feedback is not about has a figure of its own
    assert [one.figure.name for one in (alone, beside)] == ["race", "race-beside"]
    assert ("items of addition" in alone.figure.caption, "items of subjects" in beside.figure.caption) == (True, True)
    assert alone.figure.columns[0] == "series"
    assert "concat" not in alone.draw(704)
