"""What the page says first: one decision for five runs that everybody would read alike, with and without a control."""

from __future__ import annotations

import re

import numpy as np
import pytest

from harness.records import Item, Rating, Response
from harness.reporting.beside import beside
from harness.reporting.closeness import closeness
from harness.reporting.decision import decision
from harness.reporting.evidence import Evidence
from harness.reporting.findings import answer, answers, findings_of
from harness.reporting.numbers import numbers
from harness.reporting.page import report, summary
from harness.reporting.wording import headed, stacked
from harness.rounds import compare_rounds
from harness.run import Run
from harness.suite import Suite

RUNS = {
    "rise": ([0.30, 0.40, 0.50, 0.60, 0.70], "Keep training on rise feedback"),
    "stop": ([0.30, 0.60, 0.60, 0.60, 0.60], "Stop stop feedback after round 1"),
    "slow": ([0.40, 0.44, 0.48, 0.52, 0.56], "Keep training on slow feedback"),
    "fall": ([0.40, 0.60, 0.55, 0.45, 0.40], "Go back to round 1 of fall feedback, which is worse since"),
    "noise": ([0.50, 0.51, 0.49, 0.51, 0.50], "Measure noise feedback on "),
}


def shaped(made_up_run, folder, name, control) -> Evidence:
    """Evidence of a run with one fed series and, where wanted, a control that stands still."""
    means, _ = RUNS[name]
    series = {name: means} | ({"none": [means[0]] * 5} if control else {"unfed": [means[0]] * 5})
    evidence = Evidence.of(made_up_run(folder, series=series, held_out=80 if name == "noise" else 3000, questions=2))
    return evidence


@pytest.mark.parametrize("name", RUNS)
def test_one_decision_for_the_whole_run(made_up_run, tmp_path, name):
    evidence = shaped(made_up_run, tmp_path / "run", name, control=True)
    said = decision(evidence)
    assert said.startswith(RUNS[name][1]), said
    assert said.endswith("; have people check judge and pair_judge.")
    assert "no gain" not in said
    assert summary(evidence.run)["decision"] == said  # two doors, one decision
    last, gain, reached = numbers(evidence)
    assert gain.about == "beyond training alone"
    if name != "noise":
        total = RUNS[name][0][-1] - RUNS[name][0][0]
        low, high = (
            float(end.strip("+").replace("−", "-")) for end in gain.detail[1 : gain.detail.index("]")].split(", ")
        )
        assert low <= 100 * total <= high
        scores = evidence.scores.set_index(["series", "round"])["score"]
        assert reached.value == f"{100 * scores.loc[(name, 4)].mean():.0f} of 100"
    assert (
        last.value
        == {"rise": "round 4", "stop": "round 1", "slow": "round 4", "fall": "round 1", "noise": "none"}[name]
    )


def test_the_decision_on_six_kinds_stays_short(made_up_run, tmp_path):
    means = {f"kind{place}": [0.30, last] for place, last in enumerate([0.31, 0.32, 0.30, 0.31, 0.32])}
    run = made_up_run(tmp_path / "run", series={**means, "none": [0.30, 0.30]}, held_out=60, questions=2)
    said = decision(Evidence.of(run))
    assert said.startswith("Leave kind0, kind1, kind2 and 2 more feedback open until more is measured")
    assert len(said) < 160


def test_a_long_finding_says_first_what_was_found_and_loses_no_word():
    text = (
        "verifier: plateaued after round 3 (which; surprised, the last round too), gain shown up to round 3, "
        "+7.3 points in all [2.5, 8.1], the last round +1.3 [-3.7, 6.3]; by itself plateaued; n = 300."
    )
    head, rest = headed(text)
    assert head.endswith("[2.5, 8.1].")
    assert rest.startswith("The last round +1.3")
    words = re.findall(r"\w+", f"{head} {rest}".lower())
    assert words == re.findall(r"\w+", text.lower())
    assert headed("Short; and whole.") == ("Short; and whole.", "")


def test_cells_of_a_stacked_table_say_their_column():
    head = '<thead><tr><th scope="col">rater</th><th scope="col"><b>n</b></th></tr></thead>'
    rows = '<tbody><tr><th scope="row">a</th><td class="n">–</td></tr></tbody></table>'
    assert stacked(f'<table class="card">{head}{rows}') == (
        f'<table class="card stack">{head}<tbody><tr><th scope="row" data-label="rater">a</th>'
        '<td class="n" data-label="n" data-bare>–</td></tr></tbody></table>'
    )


def test_checkpoints_speak_of_training_and_not_of_feedback(made_up_checkpoints, tmp_path):
    run = made_up_checkpoints(tmp_path / "run", [0.3, 0.45, 0.6, 0.75])
    assert decision(Evidence.of(run)) == "Keep training."
    html = report(run).read_text(encoding="utf-8")
    assert "<h1>Does training still help?</h1>" in html
    shown = re.sub("<[^>]*>", "", html[html.index("<header") : html.index('<section id="agreement"')])
    assert "feedback" not in shown.lower()
    assert "control" not in answer(Evidence.of(run)).lower()  # a control tells of feedback, and there was none
    found = compare_rounds(run)  # rounds by the names of the checkpoints, on the page as in Python
    assert found.results[0].rounds == ["step-0", "step-1000", "step-2000", "step-3000"]
    assert found.answers[0] in shown
    assert "still gaining at step-3000" in shown
    assert not re.search(r"(?i)round 3|rounds 0|last gain, round", shown)
    assert ">step</text>" in html  # what stands along, and 0, 1000, ... under the lines
    assert ">3000</text>" in html


def test_a_gain_on_one_benchmark_is_weighed_against_a_loss_on_another(made_up_checkpoints, tmp_path):
    run = made_up_checkpoints(tmp_path / "run", [0.3, 0.45, 0.6, 0.75], {"tact": [0.5, 0.7, 0.6, 0.4]})
    evidence = Evidence.of(run)
    assert decision(evidence) == (
        "Choose what counts for pretraining: addition gains up to step-3000, tact is worse since step-1000."
    )
    gained, lost, best = numbers(evidence)  # what the decision weighs, and no third thing
    assert [gained.detail.endswith("addition"), lost.detail.endswith("tact")] == [True, True]
    assert gained.value.startswith("+")
    assert lost.value.startswith("−")
    assert (gained.about, best.value) == ("from step-0 to step-3000", "step-1000")
    abouts = [one.about for one in findings_of(evidence) if one.evidence == "fig-rounds" and one.mark != "note"]
    assert abouts == ["pretraining on addition: training", "pretraining on tact: training"]


def test_two_runs_with_one_series_each_are_compared_whatever_these_are_called(made_up_checkpoints, tmp_path):
    runs = [
        made_up_checkpoints(tmp_path / name, [0.3, last], {"tact": [0.5, 0.5]}, series=name)
        for name, last in (("sft", 0.5), ("dpo", 0.7))
    ]
    found = beside([Evidence.of(run) for run in runs])
    rows = {row["about"]: row for row in found["rows"]}
    assert set(rows) == {"addition", "tact"}
    assert float(rows["addition"]["difference"]["value"]) == pytest.approx(20, abs=4)
    assert [cell["mark"] for cell in rows["addition"]["cells"]] == ["improving", "improving"]
    [figure] = found["figures"]  # one chart with both runs, a panel a benchmark
    assert {row[1] for row in figure.figure.rows} == {"sft", "dpo"}


def test_the_first_thing_on_the_page_is_the_decision_with_one_chart_and_three_numbers(made_up_run, tmp_path):
    evidence = shaped(made_up_run, tmp_path / "run", "rise", control=True)
    html = report(evidence.run).read_text(encoding="utf-8")
    fold = html[html.index('<div class="fold') : html.index("<nav")]
    assert fold.count("<figure") == 1
    assert fold.count("<dt") == 3
    assert html.count('id="fig-race"') == 1  # shown once, at the head
    assert "rise reaches" in fold  # the title is the result


def test_a_gain_that_is_not_known_is_not_titled_as_none(made_up_run, tmp_path):
    run = made_up_run(tmp_path / "run", series={"fed": [0.30, 0.34], "none": [0.30, 0.30]}, held_out=60)
    html = report(run).read_text(encoding="utf-8")
    fold = html[html.index('<div class="fold') : html.index("<nav")]
    assert "fed is not shown to differ from training alone" in fold
    assert "where training alone is" not in html


def test_two_runs_stand_in_one_table_with_their_difference_and_in_one_chart(made_up_run, tmp_path):
    runs = [
        made_up_run(tmp_path / name, series={"fed": means, "none": [0.3] * 3}, held_out=2000, questions=2, seed=seed)
        for seed, (name, means) in enumerate({"one": [0.3, 0.4, 0.5], "two": [0.3, 0.5, 0.7]}.items())
    ]
    found = beside([Evidence.of(run) for run in runs])
    [row] = [row for row in found["rows"] if row["about"] == "fed on addition"]
    first, second = (float(cell["value"]) for cell in row["cells"])
    assert first == pytest.approx(20, abs=4)  # from .3 to .5, where the control stands still
    assert second == pytest.approx(40, abs=4)
    assert float(row["difference"]["value"]) == pytest.approx(second - first, abs=0.11)
    # halves of about 1.7 each, independent: the root of the sum of their squares
    halves = [[float(end.replace("−", "-")) for end in cell["interval"][1:-1].split(", ")] for cell in row["cells"]]
    low, high = (float(end.replace("−", "-")) for end in row["difference"]["interval"][1:-1].split(", "))
    expected = sum(((upper - lower) / 2) ** 2 for lower, upper in halves) ** 0.5
    assert (high - low) / 2 == pytest.approx(expected, rel=0.1)
    html = report(runs, tmp_path / "both.html").read_text(encoding="utf-8")
    table = html[html.index("The numbers of the runs side by side") :]
    assert 'href="#rounds"' in table
    assert 'href="#run2-rounds"' in table
    assert html.count('id="fig-both-1"') == 1
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def judged(folder, raters, items=40):
    """Write a run whose answers were graded from 1 to 5; `raters`: who, of which kind, how noisy, how often failing."""
    run = Run.create(folder, Suite.model_validate(JUDGED))
    asked = [Item(task="t", item_id=f"q{n}", family="other", prompt=f"{n}?") for n in range(items)]
    run.write(asked, "t")
    answers = [Response(response_id=f"r{n}", task="t", item_id=f"q{n}", model="m", text="a") for n in range(items)]
    run.write(answers, "t-m")
    rng = np.random.default_rng(0)
    worth = rng.normal(3, 1, items)
    for name, kind, noise, failing in raters:
        grades = np.clip(np.round(worth + rng.normal(0, noise, items)), 1, 5)
        lost = rng.random(items) < failing
        rows = [
            Rating(
                rating_id=f"{name}{n}", task="t", item_id=f"q{n}", response_id=f"r{n}", rater=name, rater_kind=kind,
                rater_version="1", criterion="quality", scale="ordinal", value=None if gone else float(grade),
                status="unparsed" if gone else "ok", error="no grade" if gone else None,
            )
            for n, (grade, gone) in enumerate(zip(grades, lost, strict=True))
        ]  # fmt: skip
        run.write(rows, f"t-{name}")
    return Evidence.of(run)


JUDGED = {"name": "judged", "models": [{"name": "m", "model": "imported"}], "tasks": [{"task": "t"}]}
PEOPLE = [("h_aaaaaaaa", "human", 0.3, 0), ("h_bbbbbbbb", "human", 0.3, 0), ("h_cccccccc", "human", 0.3, 0)]


def test_a_judge_that_always_failed_is_mended_not_checked(tmp_path):
    evidence = judged(tmp_path / "run", [("gpt", "judge", 3.0, 0.4), ("llama", "judge", 0.3, 1.0), *PEOPLE[:2]])
    assert decision(evidence).endswith("; mend llama, whose ratings all failed.")
    told = {one.about.partition(":")[0]: one for one in findings_of(evidence)}
    assert "All its ratings failed" in told["llama"].sentence
    assert re.search(r"\d+ of its 40 ratings failed", told["gpt"].doubts[0])  # what is said of it is of the others


def test_people_alone_are_told_whom_to_retrain_and_a_mean_has_no_interval_of_one_pair(tmp_path):
    evidence = judged(tmp_path / "run", [*PEOPLE[:2], ("h_cccccccc", "human", 3.0, 0)])
    assert decision(evidence) == "Retrain Human C first."
    with_judge = judged(tmp_path / "judge", [("gpt", "judge", 0.2, 0), *PEOPLE[:2], ("h_cccccccc", "human", 3.0, 0)])
    assert re.fullmatch(r"gpt may .+; retrain Human C first\.", decision(with_judge))
    agreed = numbers(evidence)[0]
    low, high = map(float, re.search(r"from (\S+) to (\S+)$", agreed.detail.replace("−", "-")).groups())
    assert low < float(agreed.value) < high  # the three pairs, of which one is close and two are not
    alike = judged(tmp_path / "alike", [(name, kind, 0.05, lost) for name, kind, _, lost in PEOPLE])
    assert decision(alike) == "Rely on these labels: people agree."


def test_whether_a_judge_may_replace_a_person_is_decided_beside_the_figure(tmp_path):
    evidence = judged(tmp_path / "run", [("gpt", "judge", 0.2, 0), *PEOPLE])
    assert decision(evidence).startswith("gpt may replace one of the people")
    figure = closeness(evidence).figure
    closest, people, _ = numbers(evidence)
    assert f"comes to {closest.value} at best, where people come to {people.value}" in figure.title


def test_one_round_needs_another_and_judges_alone_say_how_far_they_agree(made_up_checkpoints, tmp_path):
    run = made_up_checkpoints(tmp_path / "run", [0.3], items=40)
    assert decision(Evidence.of(run)) == (
        "Evaluate another checkpoint of pretraining: with one there is nothing to compare."
    )
    evidence = judged(tmp_path / "judges", [("gpt", "judge", 0.3, 0), ("claude", "judge", 0.3, 0)])
    assert numbers(evidence)[0].about == "how far the judges agree with each other"


def test_many_benchmarks_are_answered_together(made_up_checkpoints, tmp_path):
    beside = {"b": [0.5, 0.7], "c": [0.5, 0.5], "d": [0.7, 0.4]}
    evidence = Evidence.of(made_up_checkpoints(tmp_path / "run", [0.3, 0.5], beside, items=200))
    [said] = answers(evidence)
    assert said.startswith("pretraining, 4 benchmarks together (Holm over benchmarks): improving on 2 (addition, b)")
    assert "worsening on 1 (d)" in said
